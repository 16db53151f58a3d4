"""File permissions: what songsmith stores can be read by its user alone.

What is written where the user asked is as open as the user's umask says.

One umask for the whole process covers every file and folder that is made, those of libraries (SQLite's log, locks, graphs)
and of child processes among them.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from songsmith.errors import StorageError, storage_error
from songsmith.paths import Paths

_OTHERS = 0o077
_users_umask: int | None = None


def keep_private() -> None:
    """Make what this process and its children make from now on readable by its user alone."""
    global _users_umask
    if _users_umask is None:
        _users_umask = os.umask(_OTHERS)


@contextmanager
def as_open_as_asked() -> Iterator[None]:
    """Make what is made in the block as open as the user's umask says: it goes to a place of the user's choice."""
    if _users_umask is None:
        yield
        return
    before = os.umask(_users_umask)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def storing_where_asked(folder: Path) -> Iterator[None]:
    """Write to a folder of the user's choice, as open as the user's umask says, and tell what goes wrong.

    Raises:
        StorageError: the disk is full, or the folder cannot be written.
    """
    try:
        with as_open_as_asked():
            yield
    except BrokenPipeError:
        raise
    except OSError as error:
        # The usual next step speaks of songsmith's own home; this is the user's choice of a folder.
        message = storage_error(error, folder).message
        raise StorageError(message, "Free some space, create the folder, or choose another place.") from error


def tighten(paths: Paths) -> None:
    """Close to others what songsmith made in a home and an earlier version, or a lax umask, left open.

    A home that the user named may be shared for the user's own reasons: of that, only what songsmith itself puts there is closed.
    Links are left alone, and so is what belongs to somebody else.
    """
    if os.name == "nt":
        return
    made = [paths.models, paths.corpora, paths.tokenizers, paths.training, paths.state, paths.genius_token]
    with suppress(OSError):  # a home that cannot be
        made += paths.data.glob(f"{paths.library.stem}.*")
    if not paths.named:
        made += [paths.data, paths.config]
    for path in made:
        with suppress(OSError):
            status = path.lstat()
            ours = status.st_uid == os.geteuid() and not stat.S_ISLNK(status.st_mode)
            if ours and status.st_mode & _OTHERS:
                path.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS)
