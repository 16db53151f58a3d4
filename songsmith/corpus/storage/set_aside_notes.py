"""Notes of the records that imports could not use, each once, in an append-only file."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

from songsmith.corpus.records import SetAside, encode
from songsmith.corpus.storage.hash_index import HashIndex, hash_text
from songsmith.corpus.storage.journal import decode_row
from songsmith.errors import storing
from songsmith.files import append


class SetAsideNotes:
    """The notes of one corpus. Only one process at a time may add some."""

    def __init__(self, path: Path) -> None:
        """Store notes in the file `path`, which is created with the first."""
        self._path = path
        self._known = HashIndex()
        self._end = -1
        """How far the file is read; below 0: not yet."""

    def read(self) -> Iterator[SetAside]:
        """Yield all notes that can be read."""
        for row in chain.from_iterable(map(_decode, self._lines())):
            with suppress(TypeError):  # cleaning and training do not need it
                yield SetAside.from_json(row)

    def count(self) -> int:
        """Return how many there are."""
        return sum(len(_decode(line)) for line in self._lines())

    def add(self, records: Sequence[SetAside]) -> None:
        """Add notes about records, each once. They are durable when this returns.

        Raises:
            StorageError: the disk is full.
        """
        if not records:
            return
        lines: list[bytes] = []
        with storing(self._path):
            self._catch_up()
            new: dict[int, int] = {}
            for record in records:
                key = _key(record.id, record.reason)
                if key not in new and self._known.find(key) is None:
                    new[key] = 0
                    lines.append(encode(record))
            if lines:
                self._end = append(self._path, self._end, b"".join(lines))
                self._known.add(new)

    def _catch_up(self) -> None:
        if self._path.exists() and self._path.stat().st_size == self._end:
            return
        self._known, self._end = HashIndex(), 0
        for line in self._lines():
            self._end += len(line)
            for row in _decode(line):
                self._known.add({_key(str(row.get("id", "")), str(row.get("reason", ""))): 0})

    def _lines(self) -> Iterator[bytes]:
        """Yield all lines but a torn one at the end, which may be cut off; a damaged one stays, for `verify` to set aside."""
        if self._path.exists():
            with storing(self._path), self._path.open("rb") as file:
                yield from (line for line in file if line.endswith(b"\n"))


def _decode(line: bytes) -> list[dict[str, Any]]:
    """Return the row that a line holds, or nothing if it is damaged."""
    try:
        return [decode_row(line)]
    except (ValueError, TypeError, RecursionError):
        return []


def _key(id: str, reason: str) -> int:
    return hash_text(f"{id}\0{reason}")
