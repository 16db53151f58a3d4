"""Check that the raw songs of a corpus are intact and in its index. Repairs nothing."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from songsmith.corpus.records import RawRecord, hash_words
from songsmith.corpus.storage.hash_index import HashIndex, hash_text
from songsmith.corpus.storage.journal import decode_row
from songsmith.corpus.storage.shards import read_entry
from songsmith.corpus.verification.damage import BytesChecked, Damage, Remedy
from songsmith.corpus.verification.verify_lines import LineChecker
from songsmith.counting import count_of

INDEX = "raw.index"
_SONGS_A_REPORT = 2000


@dataclass(kw_only=True)
class _Index:
    """What the index says about one shard."""

    end: int = 0
    ends: set[int] = field(default_factory=set)
    """Where each batch of songs ends."""
    songs: HashIndex = field(default_factory=HashIndex)
    count: int = 0


class RawVerifier:
    """Checks the raw songs of a folder."""

    def __init__(self, folder: Path, *, total: int) -> None:
        """Check `folder`, of which `total` bytes are read in all."""
        self._folder, self._total = folder, total
        self.ids = HashIndex()
        """Of all songs that can be read."""
        self.checked = 0
        """Bytes checked."""
        self._shards = {number: path for path in sorted(folder.iterdir()) if (number := shard_number(path))}

    def verify(self) -> Iterator[Damage | BytesChecked]:
        """Yield what is wrong, and now and then the progress."""
        index, complaint = self._read_index()
        if complaint:
            yield complaint
        for number in sorted({*self._shards, *index}):
            path = self._shards.get(number)
            if path is None:
                lost = self._folder / f"raw-{number:05}.jsonl"
                songs = count_of(index[number].count, "song")
                yield Damage(path=lost, what=f"is missing, and with it {songs}", remedy=Remedy.INDEX)
            else:
                # What a damaged index lacks is not reported as another damage.
                known = index.get(number) if complaint else index.get(number, _Index())
                yield from self._verify_shard(path, known, all_known=not complaint)
        if complaint and self._shards:
            for number in sorted(set(range(1, max(self._shards))) - {*self._shards, *index}):
                yield Damage(
                    path=self._folder / f"raw-{number:05}.jsonl",
                    what="is missing, though there are later ones",
                    remedy=Remedy.INDEX,
                )

    def _verify_shard(self, path: Path, known: _Index | None, *, all_known: bool) -> Iterator[Damage | BytesChecked]:
        durable = known.end if known else 0
        lines = LineChecker(path, RawRecord.from_json, remedy=Remedy.LINES, durable=durable)
        here: dict[int, int] = {}
        changed: list[tuple[str, int, int]] = []
        unknown = found = first_unknown = 0
        ends = set(known.ends) if known else set()
        for record, number, start in lines.rows():
            ends.discard(lines.bytes)
            assert isinstance(record, RawRecord)
            hashed, words = hash_text(record.id), int(hash_words(record), 16) or 1
            if hashed in here or self.ids.find(hashed) is not None:
                lines.refuse(number, start, "contains songs that are there twice")
                continue
            here[hashed] = words
            expected = known.songs.find(hashed) if known else words
            if expected is None:
                first_unknown = start if not unknown else first_unknown
                unknown += 1
            else:
                found += 1
                if expected not in (0, words):  # an older index has no digests of the words
                    changed.append((record.id, number, start))
            if lines.lines % _SONGS_A_REPORT == 0:
                yield BytesChecked(count=self.checked + lines.bytes, total=self._total)
        self.ids.add(here)
        self.checked += lines.bytes
        yield from lines.damage()
        for id, number, start in changed:
            what = f"has other words for the song {id!r} than were imported; they stay as they are now"
            yield Damage(path=path, what=what, remedy=Remedy.INDEX, line=number, byte=start)
        if known is None:
            return
        if lines.bytes < known.end:
            what = f"is cut short by {count_of(known.end - lines.bytes, 'byte')}"
            yield Damage(path=path, what=what, remedy=Remedy.INDEX, byte=lines.bytes)
        elif ends:
            what = "has no complete line up to a byte that the index names"
            yield Damage(path=path, what=what, remedy=Remedy.INDEX, byte=min(ends))
        if found < known.count:
            lost = count_of(known.count - found, "song")
            what = f"has lost {lost}, or can't read them: import or fetch them again"
            yield Damage(path=path, what=what, remedy=Remedy.INDEX)
        if not all_known:
            return
        if unknown:
            what = f"contains {count_of(unknown, 'song')} that the index doesn't list"
            yield Damage(path=path, what=what, remedy=Remedy.INDEX, heals=first_unknown >= known.end)
        elif lines.bytes > known.end and not any(damage.heals for damage in lines.damage()):
            yield Damage(path=path, what="is longer than the index says", remedy=Remedy.INDEX, byte=known.end)

    def _read_index(self) -> tuple[dict[int, _Index], Damage | None]:
        path = self._folder / INDEX
        if not path.exists():
            lost = Damage(path=path, what="is missing", remedy=Remedy.INDEX, heals=True)
            return {}, lost if any(shard.stat().st_size for shard in self._shards.values()) else None
        found: dict[int, _Index] = {}
        place = 0
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    _read_row(decode_row(line), found)
                except (ValueError, TypeError, LookupError, RecursionError):
                    torn = not line.endswith(b"\n")
                    what = "is torn" if torn else "is damaged"
                    return found, Damage(path=path, what=what, remedy=Remedy.INDEX, line=number, byte=place, heals=torn)
                place += len(line)
        return found, None


def shard_number(path: Path) -> int:
    """Return the number of a shard, from 1; 0 for another file."""
    match = re.fullmatch(r"raw-([0-9]{5,})\.jsonl", path.name)
    number = int(match[1]) if match else 0
    return number if path.name == f"raw-{number:05}.jsonl" else 0


def _read_row(row: Mapping[str, Any], found: dict[int, _Index]) -> None:
    shard, end = int(row["shard"]), int(row["end"])
    known = found.get(shard, _Index())
    before = len(known.songs)
    read_entry(row, known.songs)
    known.count += len(known.songs) - before
    known.end = end
    known.ends.add(end)
    found[shard] = known
