"""Clean a batch of raw songs: their lines of JSON in, those of the clean songs out. Reads and writes no file."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from songsmith.corpus.cleaning import Cleaned, CleaningOptions, Removed, Suspicious, clean_record
from songsmith.corpus.records import CleanRecord, RawRecord, SetAside, encode, has_words
from songsmith.corpus.rules.mojibake import mend_decoding
from songsmith.corpus.rules.names import is_genius
from songsmith.corpus.storage.journal import decode_row, encode_row
from songsmith.lyrics import one_line, parse_header
from songsmith.markup import find_mark

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class SongCleaned:
    """A song that cleaning changes, finds suspicious, or sets aside."""

    id: str
    title: str = ""
    removed: tuple[Removed, ...] = ()
    suspicious: tuple[Suspicious, ...] = ()
    """What was kept, but a person may want to look at."""
    set_aside: str = ""
    """Why it is not used; empty if it is."""
    duplicate_of: str = ""
    """The id of the song that is kept instead of it, if it is set aside as a duplicate."""
    similarity: float | None = None
    """How many of their words the two share, from 0 to 1."""
    raw_text: str | None = None
    """The text as it came, if that was asked for."""
    clean_text: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what a report stores of it as JSON values, without its texts; empty fields are left out."""
        row: dict[str, Any] = {"id": self.id, "title": self.title}
        row |= {
            "removed": [asdict(span) for span in self.removed],
            "suspicious": [asdict(it) for it in self.suspicious],
        }
        row |= {"set_aside": self.set_aside, "duplicate_of": self.duplicate_of, "similarity": self.similarity}
        return {name: value for name, value in row.items() if value}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "SongCleaned":
        """Return what `as_json` gave.

        Raises:
            TypeError: it is something else.
        """
        known: dict[str, Any] = {
            name: row[name] for name in ("id", "title", "set_aside", "duplicate_of") if name in row
        }
        if not all(isinstance(value, str) for value in known.values()):
            raise TypeError("a name cannot be anything but text")
        return cls(
            **known, similarity=row.get("similarity"), removed=tuple(Removed(**span) for span in row.get("removed", ())),
            suspicious=tuple(Suspicious(**it) for it in row.get("suspicious", ())),
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """What to do with a batch besides cleaning its songs."""

    cleaning: CleaningOptions = field(default_factory=CleaningOptions)
    fingerprints: bool = True
    """Compute the fingerprints by which near-duplicates are found."""
    texts: bool = False
    """Return every song that is changed, with its texts."""


@dataclass(kw_only=True)
class CleanedBatch:
    """The result of cleaning a batch of songs."""

    read: int = 0
    kept: int = 0
    changed: int = 0
    """Songs kept whose text differs from the raw one; line breaks around it do not count."""
    songs: bytes = b""
    """A line of JSON for each song that is kept."""
    fingerprints: "NDArray[np.void] | None" = None
    """A row of `dedupe.FINGERPRINT` for each song that is kept."""
    set_aside: list[tuple[SetAside, int]] = field(default_factory=list)
    """Songs that are not used; for a page of translations, the `dedupe.digest` of what it translates, else 0."""
    report: bytes = b""
    """A line of JSON for each song in which something was removed or is suspicious, or that is set aside."""
    changes: list[SongCleaned] = field(default_factory=list)
    """Every song that changed or is in the report, if texts were asked for."""
    removed: Counter[str] = field(default_factory=Counter)
    """How many places were changed, by rule."""
    suspicious: int = 0


def clean_lines(lines: Sequence[bytes], options: BatchOptions) -> CleanedBatch:
    """Clean the raw songs in these lines.

    Raises:
        ValueError: a line holds no song.
        TypeError: likewise.
    """
    batch = CleanedBatch(read=len(lines))
    songs: list[bytes] = []
    report: list[bytes] = []
    prints: list[tuple[Any, ...]] = []
    for line in lines:
        raw = RawRecord.from_json(decode_row(line))
        record, cleaned = _clean(raw, options.cleaning)
        aside = record.reason if isinstance(record, SetAside) else ""
        batch.removed.update(span.rule for span in cleaned.removed)
        batch.suspicious += len(cleaned.suspicious)
        changed = cleaned.text.strip("\n") != raw.text.strip("\n")
        if isinstance(record, SetAside):
            batch.set_aside.append((record, _translates(raw) if options.fingerprints else 0))
        else:
            songs.append(encode(record))
            batch.kept += 1
            batch.changed += changed
            if options.fingerprints:
                from songsmith.corpus.dedupe import fingerprint

                prints.append(fingerprint(record, size=len(songs[-1])))
        told = bool(cleaned.removed or cleaned.suspicious or aside)
        if told or (changed and options.texts):
            change = SongCleaned(
                id=raw.id, title=raw.title, removed=cleaned.removed, suspicious=cleaned.suspicious, set_aside=aside,
                raw_text=raw.text if options.texts else None, clean_text=cleaned.text if options.texts else None,
            )  # fmt: skip
            if options.texts:
                batch.changes.append(change)
            if told:
                report.append(encode_change(change))
    if options.fingerprints:
        import numpy as np

        from songsmith.corpus.dedupe import FINGERPRINT

        batch.fingerprints = np.array(prints, FINGERPRINT)
    batch.songs, batch.report = b"".join(songs), b"".join(report)
    return batch


def encode_change(change: SongCleaned) -> bytes:
    """Return the line of JSON that a report stores."""
    row = change.as_json()
    try:
        return encode_row(row)
    except UnicodeEncodeError:  # half a character, from a broken paste: escaped, it is kept as it is
        return json.dumps(row).encode() + b"\n"


def _clean(raw: RawRecord, options: CleaningOptions) -> tuple[CleanRecord | SetAside, Cleaned]:
    cleaned = clean_record(raw, options=options)
    title, artist = one_line(mend_decoding(raw.title)), one_line(mend_decoding(raw.artist))
    record = CleanRecord(
        id=raw.id, title=title, artist=artist, text=cleaned.text, source=raw.source, url=raw.url, metadata=raw.metadata
    )
    reason = cleaned.set_aside
    if not reason and (mark := find_mark("\n".join((record.title, record.artist, record.text)))):
        reason = f"holds songsmith's own mark {mark}"  # fetched lyrics have not been checked before
    if not reason and not any(has_words(line) and not parse_header(line.strip()) for line in record.text.splitlines()):
        reason = "no words"
    return (SetAside(id=raw.id, title=record.title, reason=reason) if reason else record), cleaned


def _translates(raw: RawRecord) -> int:
    """Return what stands for the song that a page of Genius itself translates; 0 if it is no such page."""
    from songsmith.corpus.dedupe import digest
    from songsmith.corpus.versions import read_title

    return digest(read_title(raw.title, raw.artist).song) if is_genius(raw.artist) else 0
