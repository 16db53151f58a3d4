"""The errors that a user sees: one sentence, a next step, an exit code. Prints nothing.

The tree, with the exit code each branch ends in::

    SongsmithError           1   something songsmith itself got wrong
    ├── UsageError           2   an option or argument that cannot work
    ├── InputError           3   text that cannot be read
    ├── ModelError           4   a model that is unknown, damaged or does not fit
    │   └── UnsupportedError 4   a sound model of a kind that songsmith has no network for
    ├── StorageError         5   a disk, a home or a library that cannot be used
    │   └── DatabaseError    5   the library's file itself
    ├── EngineError          6   generation broke down
    │   └── OutOfMemoryError 6   memory ran out, this machine's or a GPU's
    ├── NotFoundError        7   no such file, song, take or corpus
    ├── FetchError           8   a source of lyrics that refuses, or cannot be reached
    └── TrainingError        9   training that cannot begin or go on

An interrupt (Ctrl-C) ends in 130, and what another signal ends in 128 + its number: 129 SIGHUP, 143 SIGTERM.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class SongsmithError(Exception):
    """One sentence for the user, the next step, and the exit code it ends in."""

    exit_code = 1

    def __init__(self, message: str, next_step: str = "") -> None:
        """Keep `message` (what is wrong) apart from `next_step` (what to do about it)."""
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message} {self.next_step}".strip()


class UsageError(SongsmithError):
    """An option or argument that cannot work."""

    exit_code = 2


class InputError(SongsmithError):
    """Text that cannot be read: binary, not UTF-8, holding a mark songsmith uses itself."""

    exit_code = 3


class ModelError(SongsmithError):
    """A model that is unknown, damaged, or does not fit."""

    exit_code = 4


class UnsupportedError(ModelError):
    """A sound model of a kind that songsmith has no network for, though others may."""


class StorageError(SongsmithError):
    """A disk, a home or a library that cannot be used."""

    exit_code = 5


class DatabaseError(StorageError):
    """The library's file is damaged, locked, or newer than this program."""


class EngineError(SongsmithError):
    """Generation broke down: out of memory, or its process ended."""

    exit_code = 6


class OutOfMemoryError(EngineError):
    """Memory ran out, this machine's or a GPU's: every backend raises this, whatever its libraries call it."""


class NotFoundError(SongsmithError):
    """No file, song, take or corpus by that name."""

    exit_code = 7


class FetchError(SongsmithError):
    """A source of lyrics refuses, or cannot be reached."""

    exit_code = 8


class TrainingError(SongsmithError):
    """Training cannot begin or go on: too little text, numbers that ran away, a checkpoint of another run."""

    exit_code = 9


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn an OSError met while writing under `path` into a StorageError with its next step.

    Raises:
        StorageError: for any OSError but a broken pipe.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise storage_error(error, path) from error


def storage_error(error: OSError, path: Path) -> StorageError:
    """Say what an OSError at `path` means for the person at the keyboard."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(f"The disk that holds {path} is full.", "Free some space and try again; nothing was lost.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StorageError(f"{path} can't be written.", "Make it writable, or set SONGSMITH_HOME to a folder that is.")
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return StorageError(f"{path} isn't a folder.", "Move that file away, or set SONGSMITH_HOME to another folder.")
    reason = (error.strerror or type(error).__name__).lower()
    return StorageError(f"{path} can't be used: {reason}.", "Set SONGSMITH_HOME to a folder that works.")
