"""Near-duplicate songs, found by MinHash over their words. Compares; removes nothing, and reads no file itself.

Two songs are as similar as their sets of words: the number of different words that both have, over the number that either
has (Jaccard). A million songs cannot all be compared with each other, so each has a signature: the least of its words under
168 orders. Songs that agree in one of 28 bands of 6 orders are candidates, which two with a similarity of 0.8 are in 99.98 of
100 cases, and two with 0.2 in one of 560. The bands are found by sorting. Candidates are then compared exactly, by their words.

The datasketch library does the same with a Python object per song and a dictionary per band: several times the memory. Here
a song is one row of an array, 696 bytes.
"""

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songsmith.corpus.records import CleanRecord
from songsmith.corpus.versions import Rank, read_title
from songsmith.words import COMPARED_WORD

BANDS, ROWS = 28, 6
ORDERS = BANDS * ROWS
ACCEPTED = 0.7
"""Songs with at least this similarity are near-duplicates."""
ACCEPTED_SAME_TITLE = 0.5
"""The same for songs of one artist with one title, marks such as `(Live)` aside."""
FEWEST_WORDS = 10
"""Two songs that both have fewer different words are near-duplicates only if they are the same word for word."""

# How far the similarity of two signatures may be off by chance: more than three standard deviations.
_DOUBT = 0.12
_MOST_NEIGHBOURS = 128
_PAIRS_A_TURN = 1 << 16
_MOST_REMEMBERED = 200_000
_COLUMNS = {"signature": ("<u4", (ORDERS,)), "song": "<u8", "words": "<u4", "size": "<u4", "rank": "u1"}
FINGERPRINT = np.dtype({"names": list(_COLUMNS), "formats": list(_COLUMNS.values())}, align=True)
"""What is stored of a song: its signature, a digest of `Version.song` (0: not known), how many words it has, how many
bytes its line takes, and its rank."""

_seeds = np.random.default_rng(20240229)
_FACTORS = _seeds.integers(0, 1 << 32, ORDERS, dtype=np.uint32) | np.uint32(1)
_SUMMANDS = _seeds.integers(0, 1 << 32, ORDERS, dtype=np.uint32)
_BAND_FACTORS = _seeds.integers(0, 1 << 63, ROWS, dtype=np.uint64) | np.uint64(1)

_PUNCTUATION = str.maketrans({chr(code): " " for code in range(128) if not chr(code).isalnum()} | {"'": None})
_TYPOGRAPHY = (("'", ""), ("’", ""), ("ʼ", ""), *((sign, " ") for sign in "—–“”‘…"))
# Scripts that put no space between words: each character stands for itself.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_ANY_UNSPACED = re.compile(f"[{_UNSPACED}]")
_WORD_OR_SIGN = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])\w)+")


class _Numbers(dict[str, int]):
    """A hash for each word, cached."""

    def __missing__(self, word: str) -> int:
        if len(self) >= _MOST_REMEMBERED:
            self.clear()
        self[word] = number = int.from_bytes(blake2b(word.encode("utf-8", "replace"), digest_size=4).digest(), "little")
        return number


_numbers = _Numbers()


@dataclass(frozen=True, kw_only=True)
class Duplicate:
    """A song that another one is kept instead of."""

    row: int
    of: int
    """The row of the one that is kept."""
    similarity: float | None
    """Their similarity, from 0.5 to 1; None: the same song in another language or script."""


@dataclass(frozen=True, kw_only=True)
class BandsCompared:
    """How much of the search for near-duplicates is done."""

    count: int
    total: int


def list_words(text: str) -> list[str]:
    """Return the words of a song in their order, without headers, case and apostrophes."""
    if "[" in text:
        text = "\n".join(line for line in text.split("\n") if line[:1] != "[" or line.find("]") != len(line) - 1)
    text = text.casefold()
    if text.isascii():
        return text.translate(_PUNCTUATION).split()
    for sign, instead in _TYPOGRAPHY:
        text = text.replace(sign, instead)
    if text.isascii():  # as most songs in English are by now
        return text.translate(_PUNCTUATION).split()
    return (_WORD_OR_SIGN if _ANY_UNSPACED.search(text) else COMPARED_WORD).findall(text)


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """Return the Jaccard similarity of two sets, from 0 to 1."""
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared) if first or second else 1.0


def sign(words: frozenset[str]) -> NDArray[np.uint32]:
    """Return the signature of a set of words: the least of them under each of the orders, which never change."""
    words = words or frozenset([""])  # an empty set has no least word
    x = np.fromiter(map(_numbers.__getitem__, words), np.uint32, len(words))  # (W,)
    hashed = np.multiply.outer(x, _FACTORS)  # (W,) x (O,) -> (W, O), modulo 2 ** 32
    hashed += _SUMMANDS
    least: NDArray[np.uint32] = np.minimum.reduce(hashed, axis=0)
    return least


def fingerprint(record: CleanRecord, *, size: int) -> tuple[Any, ...]:
    """Return the row of FINGERPRINT for a song whose line takes so many bytes."""
    words = list_words(record.text)
    version = read_title(record.title, record.artist)
    return sign(frozenset(words)), digest(version.song), len(words), size, version.rank


def digest(song: str) -> int:
    """Return the digest of a `Version.song` for a row; 0 for none."""
    return int.from_bytes(blake2b(song.encode("utf-8", "replace"), digest_size=8).digest(), "little") if song else 0


def find_duplicates(
    rows: NDArray[np.void],
    read: Callable[[int], str],
    compare: Callable[[frozenset[str], frozenset[str]], float] = jaccard,
) -> Generator[BandsCompared | Duplicate, None, None]:
    """Yield each duplicate. Kept is the song with the plain title, else the one with most words, else the first.

    Args:
        rows: FINGERPRINT of each song, in the order in which they came.
        read: returns the clean text of a song, by its row.
        compare: returns how much the words of two songs have in common, from 0 to 1.
    """
    search = _Search(rows, read, compare)
    for band in range(BANDS + 1):
        search.join(_same_title(rows) if band == BANDS else _meet(rows, band))
        yield BandsCompared(count=band + 1, total=BANDS + 1)
    gone = {found.row: found for group in search.groups() for found in search.choose(group)}
    translated = [row for row in np.flatnonzero(rows["rank"] == Rank.TRANSLATED).tolist() if row not in gone]
    originals: dict[int, int] = {}
    for row, original in zip(translated, find_originals(rows, rows["song"][translated].tolist()), strict=True):
        if original is not None:
            originals[row] = gone[original].of if original in gone else original
    for found in gone.values():
        if found.of in originals:  # a translation, which is a duplicate itself
            yield Duplicate(row=found.row, of=originals[found.of], similarity=None)
        else:
            yield found
    for row, original in originals.items():
        yield Duplicate(row=row, of=original, similarity=None)


def find_originals(rows: NDArray[np.void], songs: Sequence[int]) -> list[int | None]:
    """Return for each `digest` of a song which row is that song, and no translation of it; None where there is none."""
    wanted = set(songs) - {0}
    if not wanted:
        return [None] * len(songs)
    there = np.flatnonzero(
        np.isin(rows["song"], np.array(sorted(wanted), np.uint64)) & (rows["rank"] < Rank.TRANSLATED)
    )
    best: dict[int, int] = {}
    for row in sorted(there.tolist(), key=lambda row: _worth(rows, row)):
        best.setdefault(int(rows["song"][row]), row)
    return [best.get(song) for song in songs]


class _Search:
    """Songs joined into groups (union-find)."""

    def __init__(
        self,
        rows: NDArray[np.void],
        read: Callable[[int], str],
        in_common: Callable[[frozenset[str], frozenset[str]], float],
    ) -> None:
        self._rows, self._in_common = rows, in_common
        self._above = np.arange(len(rows), dtype=np.int64)
        self._refused: set[tuple[int, int]] = set()
        self._words = lru_cache(maxsize=4096)(lambda row: _compared_by(list_words(read(row))))

    def join(self, pairs: Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> None:
        """Join those of the pairs that are similar."""
        for left, right in pairs:
            for start in range(0, len(left), _PAIRS_A_TURN):
                one, other = left[start : start + _PAIRS_A_TURN], right[start : start + _PAIRS_A_TURN]
                # Of a song with 1000 copies, most are joined soon.
                apart = self._roots(one) != self._roots(other)
                one, other = one[apart], other[apart]
                close = self._may_be_alike(one, other)
                for first, second in zip(one[close].tolist(), other[close].tolist(), strict=True):
                    self._join(min(first, second), max(first, second))

    def groups(self) -> Iterator[list[int]]:
        """Yield the songs of each group of several."""
        roots = self._roots(np.arange(len(self._above)))
        order = np.argsort(roots, kind="stable")
        for group in np.split(order, np.flatnonzero(np.diff(roots[order])) + 1):
            if len(group) > 1:
                yield group.tolist()

    def choose(self, group: list[int]) -> Iterator[Duplicate]:
        """Yield the duplicates of the best song of a group, then of the best of the rest: a chain may join dissimilar songs."""
        left = sorted(group, key=lambda row: _worth(self._rows, row))
        while left:
            kept, *others = left
            close = self._may_be_alike(np.array([kept]), np.array(others, np.int64)).tolist()
            left = []
            for row, is_close in zip(others, close, strict=True):
                if not is_close or (similarity := self._compare(kept, row)) is None:
                    left.append(row)
                else:
                    yield Duplicate(row=row, of=kept, similarity=similarity)

    def _join(self, first: int, second: int) -> None:
        one, other = self._root(first), self._root(second)
        if one == other or (first, second) in self._refused:
            return
        if self._compare(first, second) is None:
            self._refused.add((first, second))
        else:
            self._above[max(one, other)] = min(one, other)

    def _root(self, row: int) -> int:
        above = self._above
        while (up := int(above[row])) != row:
            above[row] = row = int(above[up])
        return row

    def _roots(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        roots = self._above[rows]
        while ((up := self._above[roots]) != roots).any():
            roots = up
        return roots

    def _may_be_alike(self, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which pairs are similar enough by their signatures to compare their words."""
        signatures, songs = self._rows["signature"], self._rows["song"]
        alike = (signatures[one] == signatures[other]).mean(axis=1)
        titled = (songs[one] == songs[other]) & (songs[one] != 0)
        close: NDArray[np.bool_] = alike >= np.where(titled, ACCEPTED_SAME_TITLE, ACCEPTED) - _DOUBT
        return close

    def _compare(self, first: int, second: int) -> float | None:
        """Return the similarity of two songs if it is enough, else None."""
        songs = self._rows["song"]
        same_title = songs[first] != 0 and songs[first] == songs[second]
        (words, few), (others, as_few) = self._words(first), self._words(second)
        if few is not None and as_few is not None:
            return 1.0 if few == as_few else None
        similarity = self._in_common(words, others)
        return similarity if similarity >= (ACCEPTED_SAME_TITLE if same_title else ACCEPTED) else None


def _compared_by(words: list[str]) -> tuple[frozenset[str], tuple[str, ...] | None]:
    """Return the different words of a song; and all words in order where there are too few different ones to judge by."""
    different = frozenset(words)
    return different, tuple(words) if len(different) < FEWEST_WORDS else None


def _worth(rows: NDArray[np.void], row: int) -> tuple[int, int, int]:
    return int(rows["rank"][row]), -int(rows["words"][row]), row


def _meet(rows: NDArray[np.void], band: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield pairs of rows that agree in a band; those that also agree in the next one are sorted side by side."""
    keys, near = (_hash_band(rows, number % BANDS) for number in (band, band + 1))
    return _pairs(np.lexsort((near, keys)), keys)


def _same_title(rows: NDArray[np.void]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    known = np.flatnonzero(rows["song"])
    keys, near = rows["song"][known], _hash_band(rows, 0)[known]
    for left, right in _pairs(np.lexsort((near, keys)), keys):
        yield known[left], known[right]


def _hash_band(rows: NDArray[np.void], band: int) -> NDArray[np.uint64]:
    columns = rows["signature"][:, band * ROWS : (band + 1) * ROWS]  # (N, R)
    hashes = np.zeros(len(rows), np.uint64)
    for column, factor in enumerate(_BAND_FACTORS):
        hashes += columns[:, column] * factor
        hashes ^= hashes >> np.uint64(29)
    return hashes


def _pairs(order: NDArray[np.int64], keys: NDArray[np.uint64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield pairs of rows with the same key: neighbours in this order, then those two places apart, and so on."""
    ordered = keys[order]
    for distance in range(1, min(_MOST_NEIGHBOURS, len(order) - 1) + 1):
        found = np.flatnonzero(ordered[distance:] == ordered[:-distance])
        if not len(found):
            return
        yield order[found], order[found + distance]
