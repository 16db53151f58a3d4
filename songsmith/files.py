"""Files written whole or not at all, and files from elsewhere read only if they are files. Knows nothing of what is in them."""

import os
import stat
from contextlib import suppress
from io import BufferedReader
from pathlib import Path

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


def write_whole(path: Path, content: bytes, *, mode: int | None = None) -> None:
    """Replace a file: a reader, or whoever comes after a power cut, sees the old one or the new one.

    Args:
        path: of the file; if it is a link, the file takes the link's place.
        content: what it is to hold.
        mode: its permissions, from the first moment on; None: as the umask says.

    Raises:
        OSError: it cannot be written; nothing was changed.
    """
    draft = path.with_name(f".{os.urandom(8).hex()}.tmp")  # any name of a file may be as long as a name can be
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else mode)
        with os.fdopen(descriptor, "wb") as file:
            if mode is not None and hasattr(os, "fchmod"):
                os.fchmod(descriptor, mode)  # whatever the umask took
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make durable that files came into a folder, or left it, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _other_kind(mode: int) -> str:
    return "" if stat.S_ISREG(mode) else next((kind for fits, kind in _KINDS if fits(mode)), "special file")


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
