"""One SQLite file, opened when it is first needed. Knows locks, damage and versions; not what the tables mean.

Two programs may use the file at once. What is committed outlives a kill and a power cut. A damaged file is moved aside,
never mended, overwritten or deleted.
"""

import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from songsmith.errors import DatabaseError, StorageError, storage_error, storing
from songsmith.library.records import DamagedRowError
from songsmith.library.schema import MIGRATIONS

_COMPANIONS = ("-wal", "-shm", "-journal")
_NEARLY_FULL_BYTES = 1 << 20


class Database:
    """Connections to the file at `path`, one at a time; each belongs to the thread that opened it."""

    def __init__(self, path: Path, *, busy_timeout_s: float = 10.0) -> None:
        """Remember where the file is; wait at most `busy_timeout_s` for another program's lock on it."""
        self._path = path
        self._busy_timeout_s = busy_timeout_s
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        """Device and inode of the file the connection is to; None where there was none to read."""

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection to read from. A missing file reads as an empty library, and stays missing.

        Raises:
            DatabaseError: the file is damaged, locked or newer than this program.
            StorageError: the disk or the folder cannot be used.
        """
        with self._explaining():
            yield self._connect(create=False)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection in a transaction: committed at the end, undone if anything is raised.

        Raises:
            DatabaseError: the file is damaged, locked or newer than this program.
            StorageError: the disk is full, or it or the folder cannot be used.
        """
        with self._explaining():
            connection = self._connect(create=True)
            with _transaction(connection):
                yield connection

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        connection, self._connection, self._file = self._connection, None, None
        if connection is not None:
            connection.close()

    def _connect(self, *, create: bool) -> sqlite3.Connection:
        if create:
            with storing(self._path.parent):
                self._path.parent.mkdir(parents=True, exist_ok=True)
        orphan = self._log_exists()  # asked first: a healthy log never comes before its library
        found = self._find_file()
        if orphan and found is None:
            raise self._set_aside()  # SQLite would delete the log, and what was saved last is in it
        # The file may have been moved away, or replaced, while it was open: what is written into it then is lost.
        if self._connection is not None and found == self._file and (found is not None or not create):
            return self._connection
        self.close()
        target = str(self._path) if create or found is not None else ":memory:"
        self._connection = sqlite3.connect(target, timeout=self._busy_timeout_s, isolation_level=None)
        self._file = found
        self._prepare(self._connection)
        self._file = self._find_file() if target != ":memory:" else None
        return self._connection

    def _find_file(self) -> tuple[int, int] | None:
        """Return which file is there; None for none, or an empty one, which is all that a killed first run may leave."""
        with storing(self._path.parent):
            try:
                status = self._path.stat()
            except FileNotFoundError:
                return None
        return (status.st_dev, status.st_ino) if status.st_size else None

    def _log_exists(self) -> bool:
        try:
            return self._path.with_name(f"{self._path.name}-wal").stat().st_size > 0
        except OSError:
            return False

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.row_factory = sqlite3.Row
        # One damaged byte in one lyric must not hide every song from view.
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        if _version(connection) > len(MIGRATIONS):
            self.close()
            raise DatabaseError(
                f"The library {self._path} was written by a newer songsmith.",
                "Update this one: python -m pip install --upgrade songsmith",
            )
        self._use_write_ahead_log(connection)
        connection.execute("PRAGMA synchronous = FULL")  # a power cut loses nothing that was saved, too
        connection.execute("PRAGMA foreign_keys = ON")
        if _version(connection) < len(MIGRATIONS):
            with _transaction(connection):
                # Asked again: another program may have taken the steps while this one waited for the lock.
                for step in MIGRATIONS[_version(connection) :]:
                    for statement in step:
                        connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def _use_write_ahead_log(self, connection: sqlite3.Connection) -> None:
        # SQLite does not wait its busy timeout when two programs switch a new file at once.
        deadline = time.monotonic() + self._busy_timeout_s
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(0.01)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        """Turn what SQLite says into what a person should read."""
        try:
            yield
        except DamagedRowError as error:
            raise self._set_aside() from error
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise
        except sqlite3.DatabaseError as error:
            raise self._explain(error) from error

    def _explain(self, error: sqlite3.DatabaseError) -> StorageError:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return self._set_aside()
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return DatabaseError(
                f"Another program has kept the library {self._path} locked for {self._busy_timeout_s:g} seconds.",
                "Close the other songsmith, or try again in a moment; nothing was changed.",
            )
        self.close()
        if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and self._disk_is_full()):
            return storage_error(OSError(errno.ENOSPC, ""), self._path)
        if self._path.is_dir():
            return storage_error(OSError(errno.EISDIR, os.strerror(errno.EISDIR)), self._path)
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            return storage_error(OSError(errno.EACCES, ""), self._path)
        if code == sqlite3.SQLITE_IOERR:
            return storage_error(OSError(errno.EIO, os.strerror(errno.EIO)), self._path)
        return DatabaseError(
            f"The library {self._path} cannot be used: {error}.",
            "Move it away, and the next run starts a new, empty one.",
        )

    def _disk_is_full(self) -> bool:
        try:
            return shutil.disk_usage(self._path.parent).free < _NEARLY_FULL_BYTES
        except OSError:
            return False

    def _set_aside(self) -> DatabaseError:
        damaged = f"The library {self._path} is damaged."
        try:
            with storing(self._path.parent):
                if self._find_file() != self._file:  # another program has done it already
                    return DatabaseError(damaged, "It has been moved aside; the next run starts a new, empty library.")
                # Moved while it is open: SQLite lets the log of a file that has moved stand as it is when it closes it.
                kept = _move_aside(self._path)
        finally:
            self.close()
        return DatabaseError(f"{damaged} It is kept as {kept}.", "The next run starts a new, empty library.")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # After a full disk SQLite may have undone it all by itself.
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _move_aside(path: Path) -> Path:
    """Give the file and its companions a name that nothing has had."""
    stem = f"{path.stem}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    attempt = 1
    while True:
        kept = path.with_name(f"{stem}{f'-{attempt}' if attempt > 1 else ''}{path.suffix}")
        if not any(kept.with_name(kept.name + tail).exists() for tail in _COMPANIONS):
            with suppress(FileExistsError):
                kept.touch(exist_ok=False)  # takes the name, so that nobody else can
                break
        attempt += 1
    # The log goes first: SQLite would delete one that it finds beside no library.
    for tail in (*_COMPANIONS, ""):
        with suppress(FileNotFoundError):
            path.with_name(path.name + tail).replace(kept.with_name(kept.name + tail))
    return kept
