"""Raw songs on disk: shards that only grow, and an index that is synced after them. Knows neither names nor locks.

A line of the index says how far a shard is complete, and which songs the last part added: hashes of their ids, and
digests of their words, since two sources may give different songs the same id. Whole lines after that (of a process killed
before it wrote the index) count as stored; a torn one is ignored, and cut off by the next writer. So the index can be lost
altogether and is rebuilt from the shards. Earlier versions wrote the ids themselves; such lines are read, too.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from songsmith.corpus.records import RawRecord, encode, hash_words, mend_text
from songsmith.corpus.sites.sources import SITES
from songsmith.corpus.storage.hash_index import HashIndex, encode_entries, hash_text, hash_texts
from songsmith.corpus.storage.journal import decode_row, encode_row, whole_rows
from songsmith.errors import StorageError, storing
from songsmith.files import append

_TRUSTED = tuple(f"{name}:" for name, site in SITES.items() if site.numbers_songs_once)
"""Sites that number every song once: other words under such an id are the same song, whose page has changed."""
_UNKNOWN_WORDS = 0
"""The digest of words in an index that does not have it; no digest is 0."""


@dataclass(frozen=True, kw_only=True)
class ShardSizes:
    """How much is kept together."""

    shard_bytes: int = 64 << 20
    """A shard of this size is followed by another."""
    batch_records: int = 1000
    """Songs that are made durable together at most."""
    batch_bytes: int = 8 << 20
    """Bytes that are made durable together, roughly."""


@dataclass(kw_only=True)
class _Contents:
    """What the index says, and what the shards hold beyond it."""

    index_end: int = 0
    """Bytes of the index that can be read."""
    ends: dict[int, int] = field(default_factory=dict)
    """For each shard, how many of its bytes are complete lines."""
    ids: HashIndex = field(default_factory=HashIndex)
    """For each id, the digest of its song's words."""
    missing: list[bytes] = field(default_factory=list)
    """Lines that the index lacks."""


class Shards:
    """The raw songs of one folder, each id once. Of different songs with one id, all but the first get a longer id."""

    def __init__(self, folder: Path, sizes: ShardSizes | None = None) -> None:
        """Keep songs in `folder`, which must be there before the first is added; `sizes` says how much together."""
        self._folder, self._sizes = folder, sizes or ShardSizes()
        self._contents: _Contents | None = None
        self._stamp: tuple[int, ...] = ()
        self._settled: tuple[int, ...] | None = None
        """The sizes of the files when there was nothing to repair."""

    @property
    def index(self) -> Path:
        """The file that changes whenever songs come in."""
        return self._folder / "raw.index"

    def __len__(self) -> int:
        return len(self._load().ids)

    def holds(self, id: str) -> bool:
        """Return whether there is a song with this id, even one that another program has just added."""
        return self._load().ids.get(mend_text(id)) is not None

    @property
    def size_bytes(self) -> int:
        """Bytes of all songs."""
        return sum(self._load().ends.values())

    def read(self) -> Iterator[RawRecord]:
        """Yield every song there is now, in the order they came.

        Raises:
            StorageError: a shard is damaged or gone.
        """
        for number, end in sorted(self._load().ends.items()):
            place = 0
            with storing(self._shard(number)), self._shard(number).open("rb") as file:
                while place < end:
                    line = file.readline()
                    place += len(line)
                    try:
                        record = RawRecord.from_json(decode_row(line))
                    except (ValueError, TypeError, RecursionError) as error:
                        raise self._damaged(number) from error
                    yield record

    def lines(self) -> Iterator[bytes]:
        """Yield the line of every song there is now, in the order they came, for others to read.

        Raises:
            StorageError: a shard is torn or gone.
        """
        for number, end in sorted(self._load().ends.items()):
            place = 0
            with storing(self._shard(number)), self._shard(number).open("rb") as file:
                while place < end:
                    line = file.readline()
                    if not line.endswith(b"\n"):
                        raise self._damaged(number)
                    place += len(line)
                    yield line

    def add(self, records: Iterable[RawRecord]) -> Iterator[tuple[int, int]]:
        """Add songs; after each batch, when it is durable, yield how many of it are new and how many were there already.

        Only one program at a time may do this.
        """
        self._settle()
        lines: list[bytes] = []
        ids: dict[int, int] = {}
        taken = size = 0
        for record in records:
            taken += 1
            words = hash_words(record)
            if id := self._free_id(record.id, words, ids):
                ids[hash_text(id)] = _as_number(words)
                lines.append(encode(record if id == record.id else replace(record, id=id)))
                size += len(lines[-1])
            if taken >= self._sizes.batch_records or size >= self._sizes.batch_bytes:
                self._write(b"".join(lines), ids)
                yield len(ids), taken - len(ids)
                lines, ids, taken, size = [], {}, 0, 0
        if taken:
            self._write(b"".join(lines), ids)
            yield len(ids), taken - len(ids)

    def _free_id(self, id: str, words: str, coming: Mapping[int, int]) -> str:
        """Return the id to store a song under, or an empty string if it is there already."""
        id, suffix = mend_text(id), f"~{words}"
        if id.startswith(_TRUSTED):
            return id if self._find(id, coming) is None else ""
        # A song with a longer id from another corpus may be here under the plain id, and vice versa.
        held = {there: self._find(there, coming) for there in (id.removesuffix(suffix), id, id + suffix)}
        if _as_number(words) in held.values():
            return ""
        return next((free for free in (id, id + suffix) if held[free] is None), "")

    def _find(self, id: str, coming: Mapping[int, int]) -> int | None:
        """Return the digest of the words of the song with this id, or None if there is none."""
        hashed = hash_text(id)
        held = coming.get(hashed)
        if held is None:
            held = self._load_own().ids.find(hashed)
        if held == _UNKNOWN_WORDS and not id.startswith(_TRUSTED):
            held = self._learn_words().find(hashed)
        return held

    def _learn_words(self) -> HashIndex:
        """Read all songs for the digests of their words."""
        learnt = HashIndex()
        for record in self.read():
            learnt.add({hash_text(record.id): _as_number(hash_words(record))})
        self._load_own().ids = learnt
        return learnt

    def _write(self, lines: bytes, ids: Mapping[int, int]) -> None:
        if not ids:
            return
        contents = self._load_own()
        number = max(contents.ends, default=1)
        if contents.ends.get(number, 0) >= self._sizes.shard_bytes:
            number += 1
        start = contents.ends.get(number, 0)
        try:
            with storing(self._shard(number)):
                end = append(self._shard(number), start, lines)
            try:
                with storing(self.index):
                    entry = _encode_entry(number, end, ids)
                    contents.index_end = append(self.index, contents.index_end, entry)
            except StorageError:
                # Nothing half-written: songs that the index could not add are removed, though the next run might find them.
                with suppress(OSError):
                    append(self._shard(number), start, b"")
                raise
        except BaseException:
            self._contents = self._settled = None
            raise
        contents.ends[number] = end
        contents.ids.add(ids)
        self._stamp = self._settled = self._look()

    def _settle(self) -> None:
        """Write what the index lacks, and cut off torn lines, before anything is added."""
        contents = self._load()
        if self._stamp == self._settled:
            return
        self._contents = None  # until everything is repaired
        for number, path in self._shards():
            self._check_torn(path, number, contents.ends.get(number, 0))
        with storing(self.index):
            for entry in contents.missing:
                contents.index_end = append(self.index, contents.index_end, entry)
            if self.index.exists():
                append(self.index, contents.index_end, b"")
        for number, path in self._shards():
            if path.stat().st_size > contents.ends.get(number, 0):
                with storing(path):
                    append(path, contents.ends.get(number, 0), b"")
        contents.missing = []
        self._contents = contents
        self._stamp = self._settled = self._look()

    def _check_torn(self, path: Path, number: int, end: int) -> None:
        """Check that a shard has only part of a line after `end`, as a killed process leaves, and not lines that cannot be read."""
        with storing(path), path.open("rb") as file:
            file.seek(end)
            if any(b"\n" in piece for piece in iter(lambda: file.read(1 << 20), b"")):
                raise self._damaged(number)

    def _load_own(self) -> _Contents:
        """Return the contents without a look at the disk: no other process may write."""
        return self._contents or self._load()

    def _load(self) -> _Contents:
        stamp = self._look()
        if self._contents is None or stamp != self._stamp:
            self._contents, self._stamp = self._read_index(), stamp
        return self._contents

    def _look(self) -> tuple[int, ...]:
        """Return sizes that change whenever something is added."""
        sizes = []
        for path in (self.index, *(path for _, path in self._shards())):
            with suppress(FileNotFoundError):
                sizes.append(path.stat().st_size)
        return tuple(sizes)

    def _read_index(self) -> _Contents:
        contents = _Contents()
        for row, end in whole_rows(self.index):
            try:
                shard, shard_end = int(row["shard"]), int(row["end"])
                read_entry(row, contents.ids)
            except (KeyError, TypeError, ValueError):
                break
            contents.ends[shard] = shard_end
            contents.index_end = end
        sizes = {number: path.stat().st_size for number, path in self._shards()}
        for number, end in contents.ends.items():
            if sizes.get(number, 0) < end:
                raise self._damaged(number)
        for number, size in sizes.items():
            if size > contents.ends.get(number, 0):
                self._read_behind_index(contents, number)
        return contents

    def _read_behind_index(self, contents: _Contents, number: int) -> None:
        ids: dict[int, int] = {}
        start = contents.ends.get(number, 0)
        for row, end in whole_rows(self._shard(number), start):
            try:
                record = RawRecord.from_json(row)
                ids[hash_text(record.id)] = _as_number(hash_words(record))
            except TypeError:
                break
            contents.ends[number] = end
        if ids:
            contents.missing.append(_encode_entry(number, contents.ends[number], ids))
            contents.ids.add(ids)

    def _shards(self) -> list[tuple[int, Path]]:
        found = []
        for path in self._folder.glob("raw-*.jsonl"):
            with suppress(ValueError):
                number = int(path.stem.removeprefix("raw-"))
                if path == self._shard(number):  # a `raw-1.jsonl` is not ours
                    found.append((number, path))
        return sorted(found)

    def _shard(self, number: int) -> Path:
        return self._folder / f"raw-{number:05}.jsonl"

    def _damaged(self, number: int) -> StorageError:
        return StorageError(
            f"{self._shard(number)} is damaged.",
            "See what can be saved with: songsmith corpus verify; then fix it with --repair.",
        )


def _encode_entry(shard: int, end: int, ids: Mapping[int, int]) -> bytes:
    """Return a line of the index: songs that a shard now holds, up to its byte `end`."""
    return encode_row({"shard": shard, "end": end, "songs": encode_entries(ids)})


def read_entry(row: Mapping[str, Any], ids: HashIndex) -> None:
    """Add the songs that a line of the index names, each id with the digest of its words.

    Raises:
        KeyError: it names none.
        TypeError: it is something else.
        ValueError: likewise.
    """
    if "songs" in row:
        ids.add_encoded(row["songs"])
    else:
        words = row.get("words") or [""] * len(row["ids"])
        ids.add(hash_texts(zip(row["ids"], map(_as_number, words), strict=True)))


def _as_number(words: str) -> int:
    """Return the digest that `hash_words` gave, as a number that is not 0."""
    return (int(words, 16) or 1) if words else _UNKNOWN_WORDS
