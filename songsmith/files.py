"""Write files and folders whole or not at all, and read foreign ones only if they are regular files. Knows no contents.

The only place that writes aside, syncs and renames: what is durable, and when, is decided here.
"""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import IO, Any

_KINDS = (
    (stat.S_ISDIR, "folder"), (stat.S_ISFIFO, "pipe"), (stat.S_ISSOCK, "socket"), (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)  # fmt: skip


class NotRegularError(Exception):
    """What lies at a path is no regular file; the message says what it is, such as `pipe`."""


class TooLargeError(Exception):
    """A file is larger than what it should hold can be."""

    def __init__(self, size_bytes: int) -> None:
        """Say how large it is."""
        super().__init__(f"{size_bytes} bytes")
        self.size_bytes = size_bytes


def find_other_kind(path: Path) -> str:
    """Return what lies at a path that is no regular file, such as `pipe`; empty if it is a file, or nothing is there."""
    try:
        return _other_kind(path.stat().st_mode)
    except (OSError, ValueError):
        return ""


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file to read it. A pipe or a device would hold up whoever opens it: nothing is ever waited for.

    Raises:
        NotRegularError: something else lies there.
        OSError: it is not there, or cannot be read.
    """
    if kind := find_other_kind(path):  # before it is opened: opening a device may do something
        raise NotRegularError(kind)
    file = open(path, "rb", opener=_open_at_once)  # noqa: SIM115  (Path's own takes no opener)
    if kind := _other_kind(os.fstat(file.fileno()).st_mode):  # put in its place meanwhile
        file.close()
        raise NotRegularError(kind)
    return file


def read_regular(path: Path, *, most_bytes: int) -> bytes:
    """Return what a regular file holds.

    Raises:
        NotRegularError: something else lies there.
        TooLargeError: it is larger than `most_bytes`.
        OSError: it is not there, or cannot be read.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most_bytes:
            raise TooLargeError(size)
        return file.read(size)  # no more, though some files of the system claim to be empty and have no end


def write_whole(path: Path, content: bytes, *, mode: int | None = None, temporary: Path | None = None) -> None:
    """Replace a file: a reader, or whoever comes after a power cut, sees the old one or the new one.

    Args:
        path: of the file; if it is a link, the file takes the link's place.
        content: what it is to hold.
        mode: its permissions, from the first moment on; None: as the umask says.
        temporary: as for `replacing_file`.

    Raises:
        OSError: it cannot be written; nothing was changed.
    """
    with replacing_file(path, temporary=temporary) as unfinished:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else mode)
        with os.fdopen(descriptor, "wb") as file:
            if mode is not None and hasattr(os, "fchmod"):
                os.fchmod(descriptor, mode)  # whatever the umask took
            file.write(content)


@contextmanager
def replacing_file(path: Path, *, temporary: Path | None = None) -> Iterator[Path]:
    """Lend a name beside `path` to write a file to; the file takes the place of `path` when the block ends, unless it raises.

    Args:
        path: of the file; if it is a link, the file takes the link's place.
        temporary: a fixed name in the same folder, for a file that one process writes at a time: what a killed one left there
            is replaced. None: a new name each time.

    Raises:
        OSError: it cannot be written; nothing was changed.
    """
    if temporary is None:
        temporary = _temporary_name(path)
    else:
        temporary.unlink(missing_ok=True)
    try:
        yield temporary
        move_into_place(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def move_into_place(temporary: Path, path: Path) -> None:
    """Replace a file with one that was written in the same folder, both durable on return.

    Raises:
        OSError: it cannot be done; nothing was changed.
    """
    _sync(temporary)
    temporary.replace(path)
    sync_folder(path.parent)


@contextmanager
def replacing_folder(path: Path, *, temporary: Path | None = None, old: Path | None = None) -> Iterator[Path]:
    """Lend an empty folder beside `path`; it takes that place when the block ends, all of it on the disk, unless the block raises.

    Args:
        path: of the folder, whose parent must be there.
        temporary: as for `replacing_file`.
        old: where a folder that is there already is moved, until the new one is in its place; then it is removed. A folder
            cannot be replaced in one step: a process killed between the two leaves it there. None: nothing may be there.

    Raises:
        OSError: it cannot be written, or its place is taken; nothing was changed.
    """
    temporary = temporary or _temporary_name(path)
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir()
        yield temporary
        for folder, _, names in os.walk(temporary):
            for name in names:
                _sync(Path(folder, name))
            sync_folder(Path(folder))
        _move_folder(temporary, path, old)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    sync_folder(path.parent)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)


def remove_folder(path: Path, *, removed: Path) -> None:
    """Remove a folder with all it holds: it is renamed first, so that a kill leaves no half of it under its own name.

    Args:
        path: of the folder.
        removed: a name in the same folder; what a killed removal left there goes, too.

    Raises:
        OSError: it cannot be removed.
    """
    if removed.exists():
        shutil.rmtree(removed, ignore_errors=True)
    path.rename(removed)
    with suppress(FileNotFoundError):  # another process removes what killed ones left: it goes between the two
        shutil.rmtree(removed)


def append(path: Path, start: int, content: bytes) -> int:
    """Write bytes behind byte `start`, where the file must end or be torn, and return the new end. Durable on return.

    Raises:
        OSError: they could not be written; then the file ends at `start` again, as far as the disk allows.
    """
    existed = path.exists()
    # Without a buffer: one that could not be written would be tried again when the file is closed.
    with path.open("r+b" if existed else "xb", buffering=0) as file:
        try:
            if file.seek(0, os.SEEK_END) != start:
                file.truncate(start)
                file.seek(start)
            left = memoryview(content)
            while left:
                left = left[file.write(left) :]
            sync_file(file)
        except BaseException:
            with suppress(OSError):
                file.truncate(start)
            raise
    if not existed:
        sync_folder(path.parent)
    return start + len(content)


def sync_file(file: IO[Any]) -> None:
    """Make durable what was written to an open file.

    Raises:
        OSError: it could not be written.
    """
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make durable that files came into a folder, or left it, where the system can."""
    with suppress(OSError):
        _sync(folder)


def _temporary_name(path: Path) -> Path:
    return path.with_name(f".{os.urandom(8).hex()}.tmp")  # any name of a file may be as long as a name can be


def _move_folder(temporary: Path, path: Path, old: Path | None) -> None:
    moved = old is not None and path.exists()
    if old is not None and moved:
        shutil.rmtree(old, ignore_errors=True)
        path.rename(old)
    try:
        temporary.rename(path)
    except OSError:
        if old is not None and moved:
            old.rename(path)
        raise


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)  # Windows syncs only what it may write
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _other_kind(mode: int) -> str:
    return "" if stat.S_ISREG(mode) else next((kind for fits, kind in _KINDS if fits(mode)), "special file")


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
