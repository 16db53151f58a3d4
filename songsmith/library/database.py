"""One SQLite file, opened when it is first needed. Knows locks, damage and versions; not what the tables mean.

Two programs may use the file at once. What is committed outlives a kill and a power cut. A damaged file is moved aside,
never mended, overwritten or deleted.
"""

import errno
import os
import shlex
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from songsmith.errors import DatabaseError, StorageError, storage_error, storing
from songsmith.library.aside import COMPANIONS, claim_name, move_aside, remove
from songsmith.library.schema import MIGRATIONS
from songsmith.library.shape import holds_songs, missing_parts
from songsmith.library.soundness import index_agrees, is_sound, primary_code, rebuild_index

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_READ_ONLY = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_NEARLY_FULL_BYTES = 1 << 20


class DamagedFileError(DatabaseError):
    """SQLite finds the library's file damaged; it is where it was."""


class MisshapenFileError(DatabaseError):
    """A library's file that SQLite finds sound, without all the tables it should have; it is where it was."""


class Database:
    """Connections to the file at `path`, one at a time; each belongs to the thread that opened it."""

    def __init__(self, path: Path, *, busy_timeout_s: float = 10.0) -> None:
        """Remember where the file is; wait at most `busy_timeout_s` for another program's lock on it."""
        # SQLite keeps its log beside the file itself, not beside a link to it; and a link stays a link when a file is moved aside.
        self._path = Path(os.path.realpath(path)) if os.path.islink(path) else path  # noqa: PTH114  (Path's own may fail)
        self._busy_timeout_s = busy_timeout_s
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        """Device and inode of the file the connection is to; None where there was none to read."""
        self._read_only = False

    @contextmanager
    def reading(self, *, set_aside: bool = True) -> Iterator[sqlite3.Connection]:
        """Lend a connection to read from. A missing file reads as an empty library, and stays missing.

        A file or folder that cannot be written is read all the same.

        Args:
            set_aside: move a damaged file aside; else it stays where it is.

        Raises:
            DatabaseError: the file is damaged, locked or newer than this program.
            StorageError: the disk or the folder cannot be used.
        """
        with self._explaining(set_aside=set_aside):
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
                if self._find_file() != self._file:  # moved aside while this program waited for the lock
                    raise DatabaseError(f"The library {self._path} was just replaced.", "Try again; nothing was lost.")
                yield connection

    @property
    def path(self) -> Path:
        """Where the file is: a link to it has been followed."""
        return self._path

    @property
    def exists(self) -> bool:
        """Whether there is a file with anything in it."""
        return self._find_file() is not None

    def is_damaged(self) -> bool:
        """Return whether SQLite finds the file damaged; it stays where it is.

        Raises:
            MisshapenFileError: it is sound, but not all that should be in it is there.
            DatabaseError: it is locked or newer than this program.
            StorageError: the disk or the folder cannot be used.
        """
        self.close()  # before the file is opened beside SQLite, which would let go of its locks
        if not self._claims_to_be_writable():
            return True
        try:
            with self.reading(set_aside=False) as connection:
                if not is_sound(connection):
                    return True
                if missing := missing_parts(connection):
                    raise self._misshapen(missing[0])
                return False
        except DamagedFileError:
            return True

    def set_aside(self) -> Path:
        """Move the file aside, and return where it is now.

        Raises:
            StorageError: the disk or the folder cannot be used.
        """
        try:
            with storing(self._path.parent):
                return move_aside(self._path)
        finally:
            self.close()

    def stamp(self) -> tuple[int, ...]:
        """Return what tells whether the file, or its log, was written to since: where, how large and how old they are."""
        found: list[int] = []
        for tail in ("", "-wal"):
            with suppress(OSError):
                status = self._path.with_name(self._path.name + tail).stat()
                found += (status.st_ino, status.st_size, status.st_mtime_ns)
        return tuple(found)

    def replace(self, new: Path, *, stamp: tuple[int, ...]) -> Path:
        """Move the file aside, put `new` in its place, and return where the old one is now.

        Args:
            new: another library's file in the same folder, whole by itself.
            stamp: of the file when it was read.

        Raises:
            DatabaseError: another program has written to the file since.
            StorageError: the disk or the folder cannot be used.
        """
        if self.stamp() != stamp:
            raise DatabaseError(f"Another program is using the library {self._path}.", "Close it, and try again.")
        kept = self.set_aside()
        with storing(self._path.parent):
            try:
                # SQLite has synced the new file. A link, unlike a move, never goes over a file that another program has just begun.
                os.link(new, self._path)
            except FileExistsError as error:
                raise DatabaseError(
                    f"Another program has just begun a new library. The damaged one is kept as {kept}.",
                    f"Bring back what can still be read with: songsmith songs repair {shlex.quote(str(kept))}",
                ) from error
            except OSError:  # a file system without links
                new.replace(self._path)
        return kept

    def fold_log(self) -> None:
        """Put all that was written into the file itself, so that it is whole without a log.

        Raises:
            StorageError: the disk is full, or it or the folder cannot be used.
        """
        with self._explaining(set_aside=False):
            self._connect(create=True).execute("PRAGMA journal_mode = DELETE")
            self.close()

    def copy_aside(self) -> Path:
        """Copy the file as it is now, and return the copy.

        Raises:
            StorageError: the disk is full, or it or the folder cannot be used.
        """
        with self._explaining():
            connection = self._connect(create=False)
            with storing(self._path.parent):
                kept = claim_name(self._path, "before-repair")
            try:
                with closing(sqlite3.connect(kept)) as copy:
                    connection.backup(copy)
                    copy.execute("PRAGMA journal_mode = DELETE")  # one file, whole by itself
            except BaseException:
                remove(kept)  # a part of a copy is none
                raise
        return kept

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        connection, self._connection, self._file = self._connection, None, None
        self._read_only = False
        if connection is not None:
            connection.close()

    def _connect(self, *, create: bool) -> sqlite3.Connection:
        if create:
            with storing(self._path.parent):
                self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._read_only:  # it may be a copy; and the folder may be writable by now
                self.close()
        orphan = self._log_exists()  # asked first: a healthy log never comes before its library
        found = self._find_file()
        if orphan and found is None:
            raise self._damaged()  # SQLite would delete the log, and what was saved last is in it
        # The file may have been moved away, or replaced, while it was open: what is written into it then is lost.
        if self._connection is not None and found == self._file and (found is not None or not create):
            return self._connection
        self.close()
        if found is not None and not os.access(self._path, os.R_OK):
            raise self._unreadable()
        if found is not None and not os.access(self._path, os.W_OK):
            # SQLite would leave a log beside it with its modes, which could not be written once the file can be.
            if create:
                raise storage_error(OSError(errno.EACCES, ""), self._path)
            self._connection, self._file = self._connect_read_only(), found
            return self._connection
        target = str(self._path) if create or found is not None else ":memory:"
        self._connection = sqlite3.connect(target, timeout=self._busy_timeout_s, isolation_level=None)
        self._file = found
        try:
            self._prepare(self._connection)
        except sqlite3.DatabaseError as error:
            if create or found is None or primary_code(error) not in _READ_ONLY:
                raise
            self._connection.close()
            self._connection = self._connect_read_only()
        self._file = self._find_file() if target != ":memory:" else None
        return self._connection

    def _connect_read_only(self) -> sqlite3.Connection:
        """Return a connection to a file that cannot be written, or to a copy of it where SQLite would have to write."""
        self._read_only = True
        connection = _open_read_only(self._path, log=self._log_exists())
        try:
            self._set_up(connection)
            if _version(connection) < len(MIGRATIONS):
                with closing(connection) as old:
                    connection = sqlite3.connect(":memory:", isolation_level=None)
                    old.backup(connection)
                self._set_up(connection)
                _migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _find_file(self) -> tuple[int, int] | None:
        """Return which file is there; None for none, or an empty one, which is all that a killed first run may leave."""
        with storing(self._path.parent):
            try:
                status = self._path.stat()
            except FileNotFoundError:
                return None
            except PermissionError as error:
                raise self._unreadable() from error
        return (status.st_dev, status.st_ino) if status.st_size else None

    def _unreadable(self) -> StorageError:
        return StorageError(
            f"{self._path} cannot be read.", "Make it readable, or set SONGSMITH_HOME to a folder that is."
        )

    def _find_unwritable(self) -> Path:
        """Return what keeps SQLite from writing: the file, or one that it keeps beside it."""
        files = [self._path.with_name(self._path.name + tail) for tail in ("", *COMPANIONS)]
        return next((file for file in files if file.exists() and not os.access(file, os.W_OK)), self._path)

    def _log_exists(self) -> bool:
        try:
            return self._path.with_name(f"{self._path.name}-wal").stat().st_size > 0
        except OSError:
            return False

    def _prepare(self, connection: sqlite3.Connection) -> None:
        self._set_up(connection)
        self._use_write_ahead_log(connection)
        connection.execute("PRAGMA synchronous = FULL")  # a power cut loses nothing that was saved, too
        connection.execute("PRAGMA foreign_keys = ON")
        _migrate(connection)

    def _set_up(self, connection: sqlite3.Connection) -> None:
        connection.row_factory = sqlite3.Row
        # One damaged byte in one lyric must not hide every song from view.
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        if _version(connection) > len(MIGRATIONS):
            connection.close()
            self.close()
            raise DatabaseError(
                f"The library {self._path} was written by a newer songsmith.",
                "Update this one: python -m pip install --upgrade songsmith",
            )

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
    def _explaining(self, *, set_aside: bool = True) -> Iterator[None]:
        """Turn what SQLite says into what a person should read, and move a damaged file aside."""
        try:
            yield
        except DamagedFileError as error:
            if not set_aside:
                raise
            raise self._set_aside() from error
        except sqlite3.ProgrammingError:
            raise
        except sqlite3.IntegrityError as error:  # of the tables, and then a fault of songsmith's own; or of the index
            if self._connection is None or index_agrees(self._connection):
                raise
            raise (self._mend_index() or self._damaged()) from error
        except sqlite3.DatabaseError as error:
            explained = self._explain(error)
            if set_aside and isinstance(explained, DamagedFileError):
                explained = self._set_aside()
            raise explained from error

    def _damaged(self) -> DamagedFileError:
        return DamagedFileError(
            f"The library {self._path} is damaged.", "Recover what can still be read with: songsmith songs repair"
        )

    def _misshapen(self, what: str) -> MisshapenFileError:
        return MisshapenFileError(
            f"The library {self._path} is not complete: {what}.", "Bring its songs back with: songsmith songs repair"
        )

    def _claims_to_be_writable(self) -> bool:
        """Return whether the file's own header lets SQLite write to it: https://sqlite.org/fileformat2.html#file_format_version_numbers."""
        try:
            with self._path.open("rb") as file:
                header = file.read(20)
        except OSError:
            return True
        return len(header) < 20 or header[18] in (1, 2)

    def _holds_songs(self) -> bool:
        with suppress(sqlite3.Error):
            return self._connection is not None and holds_songs(self._connection)
        return False

    def _explain(self, error: sqlite3.DatabaseError) -> StorageError:
        code = primary_code(error)
        if code in _DAMAGED:
            return self._mend_index() or self._damaged()
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return DatabaseError(
                f"Another program has locked the library {self._path} for {self._busy_timeout_s:g} seconds.",
                "Close the other songsmith, or try again in a moment; nothing was changed.",
            )
        if code == sqlite3.SQLITE_ERROR and self._holds_songs():
            self.close()
            return self._misshapen(str(error))
        self.close()
        if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and self._disk_is_full()):
            return storage_error(OSError(errno.ENOSPC, ""), self._path)
        if self._path.is_dir():
            return storage_error(OSError(errno.EISDIR, os.strerror(errno.EISDIR)), self._path)
        if code in _READ_ONLY and not self._claims_to_be_writable():
            known = self._damaged()  # not moved aside: all of it can still be read
            return DatabaseError(known.message, known.next_step)
        if code in _READ_ONLY:
            return storage_error(OSError(errno.EACCES, ""), self._find_unwritable())
        if code == sqlite3.SQLITE_IOERR:
            return storage_error(OSError(errno.EIO, os.strerror(errno.EIO)), self._path)
        return DatabaseError(
            f"The library {self._path} can't be used: {error}.",
            "Move it away; the next run starts a new, empty one.",
        )

    def _disk_is_full(self) -> bool:
        try:
            return shutil.disk_usage(self._path.parent).free < _NEARLY_FULL_BYTES
        except OSError:
            return False

    def _mend_index(self) -> DatabaseError | None:
        """Build the search index anew, if nothing else is damaged; None if something is."""
        connection = self._connection
        if connection is None or self._read_only:
            return None
        try:
            if not is_sound(connection):
                return None
        except sqlite3.DatabaseError:
            return None
        with suppress(sqlite3.DatabaseError), _transaction(connection):
            rebuild_index(connection)
            return DatabaseError(
                "The library's search index was damaged; it has been rebuilt.", "Try again; nothing was lost."
            )
        return DatabaseError("The library's search index is damaged.", "Fix it with: songsmith songs repair")

    def _set_aside(self) -> DatabaseError:
        damaged = f"The library {self._path} is damaged."
        try:
            if self._find_file() != self._file:  # another program has done it already
                return DatabaseError(damaged, "It has been moved aside; the next run starts a new, empty library.")
            # Moved while it is open: SQLite lets the log of a file that has moved stand as it is when it closes it.
            kept = move_aside(self._path)
        except OSError:
            return DatabaseError(
                f"{damaged} It can't be moved aside either.", "Make its folder writable, and try again."
            )
        finally:
            self.close()
        return DatabaseError(
            f"{damaged} It was moved to {kept}.",
            "The next run starts a new, empty library; recover what can still be read with: "
            f"songsmith songs repair {shlex.quote(str(kept))}",
        )


def _migrate(connection: sqlite3.Connection) -> None:
    """Take the steps that the file has not taken yet."""
    if _version(connection) >= len(MIGRATIONS):
        return
    with _transaction(connection):
        # Asked again: another program may have taken the steps while this one waited for the lock.
        for step in MIGRATIONS[_version(connection) :]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _open_read_only(path: Path, *, log: bool) -> sqlite3.Connection:
    if not log:
        # Nobody writes to it, or its log would be there: SQLite is told that it need keep none to read it.
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)
    with tempfile.TemporaryDirectory(prefix="songsmith-") as folder:
        # What was saved last is in a log that a killed program left, and SQLite reads it only where it can write beside it.
        copy = Path(folder) / path.name
        for tail in ("", "-wal"):
            shutil.copyfile(path.with_name(path.name + tail), copy.with_name(copy.name + tail))
        connection = sqlite3.connect(":memory:", isolation_level=None)
        with closing(sqlite3.connect(copy)) as source:
            source.backup(connection)
    return connection


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
