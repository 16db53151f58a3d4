"""Which drafts are open: one lock file for each, released however the workshop that holds it ends."""

from pathlib import Path
from typing import TYPE_CHECKING

from songsmith.errors import StorageError, storing

if TYPE_CHECKING:
    from filelock import BaseFileLock


class DraftLocks:
    """The lock of the draft that one workshop holds; also checks those of others."""

    def __init__(self, folder: Path) -> None:
        """Keep lock files in a folder, which is created when first needed."""
        self._folder = folder
        self._held: dict[str, BaseFileLock] = {}

    def hold(self, draft_id: str) -> None:
        """Take the lock of a draft, if it is not taken already.

        Raises:
            StorageError: another workshop has the draft open, or the folder cannot be written.
        """
        if draft_id in self._held:
            return
        from filelock import FileLock, Timeout

        path = self._path(draft_id)
        with storing(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path, timeout=0)
            try:
                lock.acquire()
            except Timeout as error:
                raise StorageError("This draft is open in another workshop.", "Close it there first.") from error
        self._held[draft_id] = lock

    def release(self) -> None:
        """Release the lock, if one is held."""
        for draft_id, lock in self._held.items():
            lock.release()
            self._path(draft_id).unlink(missing_ok=True)
        self._held.clear()

    def is_open_elsewhere(self, draft_id: str) -> bool:
        """Return whether another workshop holds a draft; a lock left by one that was killed is removed."""
        path = self._path(draft_id)
        if draft_id in self._held or not path.exists():
            return False
        from filelock import FileLock, Timeout

        try:
            with FileLock(path, timeout=0):
                path.unlink(missing_ok=True)
                return False
        except Timeout:
            return True

    def _path(self, draft_id: str) -> Path:
        return self._folder / f"{draft_id}.lock"
