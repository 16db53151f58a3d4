"""A set of texts with a number for each: twelve bytes per entry in memory and on disk. Does not store the texts.

A text is identified by 64 bits of its BLAKE2 hash. Among five million, the probability that any two share them is one in a
million; callers compare the numbers as well, where they are known (32 bits more).
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import numpy as np

_ENTRY = np.dtype([("hash", "<u8"), ("number", "<u4")])


class HashIndex:
    """Texts, each with a number below 2**32."""

    def __init__(self, most_new: int = 1 << 17) -> None:
        """Begin empty.

        Args:
            most_new: entries that wait in a dictionary, which takes a hundred bytes for each, until they are sorted in
                with the others.
        """
        self._most_new = most_new
        self._hashes = np.empty(0, "<u8")
        """Sorted, for bisection; `_numbers` holds the number of each."""
        self._numbers = np.empty(0, "<u4")
        self._unsorted: list[np.ndarray[Any, Any]] = []
        self._new: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._hashes) + sum(map(len, self._unsorted)) + len(self._new)

    def get(self, text: str) -> int | None:
        """Return the number of a text, or None if it is not in the index."""
        return self.find(hash_text(text))

    def find(self, hashed: int) -> int | None:
        """Return the number of the text with this hash, or None if it is not in the index."""
        if hashed in self._new:
            return self._new[hashed]
        if self._unsorted:
            self._sort()
        # A plain int would turn all the hashes into floats.
        place = int(self._hashes.searchsorted(np.uint64(hashed)))
        if place == len(self._hashes) or int(self._hashes[place]) != hashed:
            return None
        return int(self._numbers[place])

    def add(self, entries: Mapping[int, int]) -> None:
        """Add hashes of texts that are not in the index yet, each with its number."""
        self._new.update(entries)
        if len(self._new) >= self._most_new:
            self._unsorted.append(_as_array(self._new))
            self._new = {}
            self._sort()

    def add_encoded(self, entries: str) -> None:
        """Add what `encode_entries` returned.

        Raises:
            ValueError: it is something else.
        """
        self._unsorted.append(np.frombuffer(b64decode(entries, validate=True), _ENTRY))

    def _sort(self) -> None:
        coming, self._unsorted = self._unsorted, []
        hashes, numbers = (np.concatenate([part[name] for part in coming]) for name in ("hash", "number"))
        coming.clear()  # with millions of entries, every copy matters
        order = hashes.argsort()
        hashes, numbers = hashes[order], numbers[order]
        if not len(self._hashes):
            self._hashes, self._numbers = hashes, numbers
            return
        places = self._hashes.searchsorted(hashes)
        self._hashes = np.insert(self._hashes, places, hashes)
        self._numbers = np.insert(self._numbers, places, numbers)


def hash_text(text: str) -> int:
    """Return the hash that identifies a text."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def hash_texts(entries: Iterable[tuple[str, int]]) -> dict[int, int]:
    """Return hashes of texts with their numbers, for `HashIndex.add`."""
    return {hash_text(text): number for text, number in entries}


def encode_entries(entries: Mapping[int, int]) -> str:
    """Return hashes and their numbers as text."""
    return b64encode(_as_array(entries).tobytes()).decode()


def _as_array(entries: Mapping[int, int]) -> "np.ndarray[Any, Any]":
    packed = np.empty(len(entries), _ENTRY)
    packed["hash"] = np.fromiter(entries.keys(), "<u8", len(entries))
    packed["number"] = np.fromiter(entries.values(), "<u4", len(entries))
    return packed
