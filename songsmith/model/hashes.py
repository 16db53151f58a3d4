"""Hashes of weights, computed once and cached: valid until size, times or inode of the file change.

What rots on the disk changes none of those; `songsmith models verify` reads every byte again.
"""

import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from songsmith.errors import ModelError
from songsmith.files import write_whole
from songsmith.model.plain_files import open_plain, read_json

# Within one tick of the system's clock a file may change twice and bear one time.
_TICK_NS = 20_000_000


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal.

    Raises:
        ModelError: it is no regular file.
        OSError: it cannot be read.
    """
    import hashlib

    with open_plain(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class WeightHashes:
    """The hashes of all models of this installation."""

    def __init__(self, path: Path) -> None:
        """Keep them in a JSON file, which need not be there; where it cannot be written, they are worked out each time."""
        self._path = path

    def known(self, files: Sequence[Path]) -> str:
        """Return the hash of a model's weights if it has been worked out since they last changed; else nothing."""
        kept = self._load()
        hashes = [_look_up(kept, file) for file in files]
        return _join(files, hashes) if all(hashes) else ""

    def hash(self, files: Sequence[Path], *, afresh: bool = False, keep: bool = True) -> str:
        """Return the hash of a model's weights, in hexadecimal.

        Args:
            files: of its weights. The hash of one is its SHA-256; that of several is the SHA-256 of what `sha256sum` prints
                of them.
            afresh: read them all, whatever is known.
            keep: for the next time.

        Raises:
            ModelError: one cannot be read.
        """
        kept = {} if afresh else self._load()
        hashes, new = [], {}
        for file in files:
            known = _look_up(kept, file)
            if not known:
                try:
                    began_ns, facts = time.time_ns(), _facts(file)
                    known = hash_file(file)
                    settled = abs(began_ns - max(facts[1:3])) > _TICK_NS
                    if settled and facts == _facts(file):  # else somebody wrote to it while it was read
                        new[_key(file)] = [*facts, known]
                except OSError as error:
                    reason = (error.strerror or f"{error}").lower()
                    raise ModelError(f"{file} can't be read: {reason}.", "Download the model again.") from error
            hashes.append(known)
        if new and keep:
            self._keep(new)
        return _join(files, hashes)

    def _load(self) -> dict[str, list[object]]:
        with suppress(ModelError, OSError):
            kept = read_json(self._path)
            if isinstance(kept, dict):
                return kept
        return {}

    def _keep(self, new: dict[str, list[object]]) -> None:
        there = {path: facts for path, facts in self._load().items() if os.path.exists(path)}  # noqa: PTH110
        with suppress(OSError):  # whoever writes beside this one may win: what is lost is worked out again
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, json.dumps(there | new, indent=0).encode("utf-8"))


def _key(file: Path) -> str:
    return os.fsencode(file.resolve()).decode("utf-8", "backslashreplace")


def _facts(file: Path) -> list[int]:
    facts = file.stat()
    return [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino]


def _look_up(kept: dict[str, list[object]], file: Path) -> str:
    with suppress(OSError):
        match kept.get(_key(file)):
            case [*facts, str(known)] if facts == _facts(file):
                return known
    return ""


def _join(files: Sequence[Path], hashes: Sequence[str]) -> str:
    if len(files) == 1:
        return hashes[0]
    import hashlib

    lines = "".join(f"{known}  {file.name}\n" for file, known in zip(files, hashes, strict=True))
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()
