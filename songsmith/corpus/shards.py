"""Raw songs on disk: shards that only grow, and an index that is synced after them. Knows neither names nor locks.

A line of the index says how far a shard is whole, and which songs came with the last stretch: their ids, and digests of
their words, since two sources may give different songs the same id. Whole lines behind that (a
kill came before the index was written) count as kept; a torn one is ignored, and cut off by whoever writes next. So the
index can be lost altogether and is made again from the shards.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from songsmith.corpus.journal import append, decode_row, encode_row, whole_rows
from songsmith.corpus.records import RawRecord, encode, hash_words, mend_text
from songsmith.errors import StorageError, storing

SHARD_BYTES = 64 << 20
"""A shard that has grown so far is followed by another."""
BATCH_RECORDS = 1000
"""Songs that are made durable together at most."""
BATCH_BYTES = 8 << 20
"""Bytes that are made durable together, roughly."""
_TRUSTED = "genius:"
"""Genius numbers every song once: other words under such an id are the same song, whose page has changed."""


@dataclass(kw_only=True)
class _Contents:
    """What the index says, and what is found behind it."""

    index_end: int = 0
    """Bytes of the index that can be read."""
    ends: dict[int, int] = field(default_factory=dict)
    """For each shard, how many of its bytes are whole."""
    ids: dict[str, str] = field(default_factory=dict)
    """For each id, the digest of its song's words; empty where an older index does not say."""
    missing: list[bytes] = field(default_factory=list)
    """Lines that the index lacks."""


class Shards:
    """The raw songs of one folder, each id once. Of different songs with one id, all but the first get a longer one."""

    def __init__(self, folder: Path) -> None:
        """Keep songs in `folder`, which must be there before the first is added."""
        self._folder = folder
        self._contents: _Contents | None = None
        self._stamp: tuple[int, ...] = ()

    @property
    def index(self) -> Path:
        """The file that changes whenever songs come in."""
        return self._folder / "raw.index"

    def ids(self) -> Collection[str]:
        """Return the ids of all songs, those another program has just added among them."""
        return self._load().ids

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

    def add(self, records: Iterable[RawRecord]) -> Iterator[tuple[int, int]]:
        """Keep songs; after each batch, when it is durable, yield how many of it are new and how many were held before.

        Only one program at a time may do this.
        """
        self._settle()
        lines: list[bytes] = []
        ids: dict[str, str] = {}
        taken = size = 0
        for record in records:
            taken += 1
            words = hash_words(record)
            if id := self._free_id(record.id, words, ids):
                ids[id] = words
                lines.append(encode(replace(record, id=id)))
                size += len(lines[-1])
            if taken >= BATCH_RECORDS or size >= BATCH_BYTES:
                self._write(b"".join(lines), ids)
                yield len(ids), taken - len(ids)
                lines, ids, taken, size = [], {}, 0, 0
        if taken:
            self._write(b"".join(lines), ids)
            yield len(ids), taken - len(ids)

    def _free_id(self, id: str, words: str, coming: Mapping[str, str]) -> str:
        """Return the id to keep a song under, or nothing if it is held."""
        id = mend_text(id)
        for candidate in (id, f"{id}~{words}"):
            held = coming.get(candidate, self._load_own().ids.get(candidate))
            if held is None:
                return candidate
            if id.startswith(_TRUSTED):
                return ""
            if not held:  # an older index does not know the words
                self._load_own().ids.update((record.id, hash_words(record)) for record in self.read())
                held = self._load_own().ids[candidate]
            if held == words:
                return ""
        return ""

    def _write(self, lines: bytes, ids: Mapping[str, str]) -> None:
        if not ids:
            return
        contents = self._load_own()
        number = max(contents.ends, default=1)
        if contents.ends.get(number, 0) >= SHARD_BYTES:
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
                # "Nothing half-written": what the index could not take is not kept, though the next run might find it.
                with suppress(OSError):
                    append(self._shard(number), start, b"")
                raise
        except BaseException:
            self._contents = None
            raise
        contents.ends[number] = end
        contents.ids.update(ids)
        self._stamp = self._look()

    def _settle(self) -> None:
        """Write down what the index lacks, and cut off what is torn, before anything is added."""
        contents = self._load()
        self._contents = None  # until all is settled
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
        self._contents, self._stamp = contents, self._look()

    def _load_own(self) -> _Contents:
        """Return the contents without asking the disk: nobody else may write."""
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
                contents.ends[int(row["shard"])] = int(row["end"])
                contents.ids.update(dict.fromkeys(row["ids"], ""))
                contents.ids.update(zip(row["ids"], row.get("words", ()), strict=False))
            except (KeyError, TypeError, ValueError):
                break
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
        ids: dict[str, str] = {}
        start = contents.ends.get(number, 0)
        for row, end in whole_rows(self._shard(number), start):
            try:
                record = RawRecord.from_json(row)
                ids[record.id] = hash_words(record)
            except TypeError:
                break
            contents.ends[number] = end
        if ids:
            contents.missing.append(_encode_entry(number, contents.ends[number], ids))
            contents.ids.update(ids)

    def _shards(self) -> list[tuple[int, Path]]:
        found = []
        for path in self._folder.glob("raw-*.jsonl"):
            with suppress(ValueError):
                found.append((int(path.stem.removeprefix("raw-")), path))
        return sorted(found)

    def _shard(self, number: int) -> Path:
        return self._folder / f"raw-{number:05}.jsonl"

    def _damaged(self, number: int) -> StorageError:
        return StorageError(
            f"{self._shard(number)} is damaged.", "Put it back from a copy, or remove the corpus and import it again."
        )


def _encode_entry(shard: int, end: int, ids: Mapping[str, str]) -> bytes:
    """Return a line of the index: songs that a shard now holds, up to its byte `end`."""
    return encode_row({"shard": shard, "end": end, "ids": list(ids), "words": list(ids.values())})
