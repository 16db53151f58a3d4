"""What people do with their words: import and clean them. Generators of typed events; closing one ends the work."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from songsmith.corpus.filters import Filter, matches
from songsmith.corpus.importers import Importer, ImportOptions
from songsmith.corpus.records import CleanRecord, RawRecord, SetAside, has_words
from songsmith.corpus.store import Appended, Corpus, CorpusStore, folder_name
from songsmith.errors import InputError, UsageError
from songsmith.lyrics import parse_header, strip_controls
from songsmith.markup import find_mark
from songsmith.studio.studio import Studio

if TYPE_CHECKING:
    from songsmith.corpus.cleaning import Cleaned, Removed, Suspicious

_SONGS_A_REPORT = 500


@dataclass(frozen=True, kw_only=True)
class FileChecked:
    """So much of a file has been found to be text; nothing is kept yet."""

    bytes_read: int
    bytes_total: int


@dataclass(frozen=True, kw_only=True)
class RecordsKept:
    """So much has been imported; what is kept is on disk."""

    count: int
    """New songs so far."""
    held: int
    """Songs so far that were there already."""
    set_aside: int
    bytes_read: int
    bytes_total: int


@dataclass(frozen=True, kw_only=True)
class SongsImported:
    """An import is done."""

    corpus: str
    added: int
    held: int
    """Songs that were there already."""
    left_out: int
    """Songs that no filter took."""
    set_aside: Mapping[str, int]
    """How many records could not be used, by reason, the most frequent first."""


@dataclass(frozen=True, kw_only=True)
class CorpusChosen:
    """The corpus that the work is about."""

    name: str
    why: str
    """Why this one, if nobody named it: `the only one`, `the latest`."""


@dataclass(frozen=True, kw_only=True)
class SongCleaned:
    """A song that cleaning changes, doubts, or sets aside."""

    id: str
    title: str
    removed: "tuple[Removed, ...]"
    suspicious: "tuple[Suspicious, ...]"
    """What stays, though a person might want to look at it."""
    set_aside: str
    """Why it is not used; empty if it is."""


@dataclass(frozen=True, kw_only=True)
class SongsRead:
    """So many songs of a corpus have been worked through."""

    count: int
    total: int


@dataclass(frozen=True, kw_only=True)
class CorpusCleaned:
    """A corpus is clean, or would be."""

    corpus: str
    kept: int
    changed: int
    """Songs that lost something."""
    set_aside: Mapping[str, int]
    """How many songs are not used, by reason."""
    removed: Mapping[str, int]
    """How many spans were removed, by rule."""
    suspicious: int
    """How many spans stay that a person might want to look at."""


def choose_corpus(corpora: CorpusStore, name: str | None) -> tuple[Corpus, CorpusChosen]:
    """Return the corpus of this name; without one, the only corpus there is or the one that changed last.

    Raises:
        NotFoundError: it is not there, or there is none.
    """
    if name is not None:
        corpus = corpora.open(name)
        return corpus, CorpusChosen(name=corpus.name, why="")
    corpus = corpora.default()
    return corpus, CorpusChosen(name=corpus.name, why="the only one" if len(corpora.names()) == 1 else "the latest")


def import_songs(
    studio: Studio,
    path: Path,
    *,
    corpus: str = "",
    filters: Sequence[Filter] = (),
    max_songs: int | None = None,
    options: ImportOptions | None = None,
) -> Iterator[FileChecked | RecordsKept | SongsImported]:
    """Bring the songs of a file or folder into a corpus, which is made if need be.

    Ended at any instant and begun again, it goes on: songs that are held are passed over.

    Args:
        studio: whose corpora they are.
        path: the file, or a folder with files.
        corpus: its name; empty: that of the file.
        filters: take only songs that meet all of these.
        max_songs: take at most so many, those that are held already counted.
        options: how to read the file.

    Raises:
        InputError: the file is no text, or holds no song that can be used; then nothing is kept.
        UsageError: the name or a column will not do.
        StorageError: the disk is full, or another program writes to the corpus.
    """
    if max_songs is not None and max_songs < 1:
        raise UsageError(f"{max_songs} songs are no songs.", "Use --max-songs 1 or more.")
    importer = Importer(path, options)
    name = corpus or _name_after(path)
    folder_name(name)  # refuses what cannot name a corpus before the file is read
    for _ in importer.check():
        yield FileChecked(bytes_read=importer.bytes_read, bytes_total=importer.bytes_total)
    sieve = _Sieve(filters)
    songs = islice(sieve.take(importer.songs()), max_songs)
    first = next(songs, None)
    if first is None:
        raise sieve.nothing_taken(path)
    target, total = studio.corpora.create(name), Appended()
    with target.writing():
        for batch in target.append_batches(chain([first], songs)):
            total += batch
            yield RecordsKept(
                count=total.added, held=total.held, set_aside=len(sieve.set_aside),
                bytes_read=importer.bytes_read, bytes_total=importer.bytes_total,
            )  # fmt: skip
        target.append_set_aside(sieve.set_aside)
    yield SongsImported(
        corpus=target.name, added=total.added, held=total.held, left_out=sieve.left_out, set_aside=sieve.reasons
    )


def clean_corpus(
    studio: Studio, name: str | None = None, *, dry_run: bool = False
) -> Iterator[CorpusChosen | SongCleaned | SongsRead | CorpusCleaned]:
    """Make the clean songs of a corpus anew from its raw ones, which stay as they are.

    Args:
        studio: whose corpora they are.
        name: of the corpus; None: the only one, or the latest.
        dry_run: change nothing, and tell of every song that would be changed.

    Raises:
        NotFoundError: there is no such corpus.
        StorageError: the disk is full, or another program writes to the corpus.
    """
    corpus, chosen = choose_corpus(studio.corpora, name)
    yield chosen
    total = corpus.sizes().raw_records
    kept = changed = suspicious = 0
    reasons: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    with _Discard() if dry_run else corpus.replacing_clean() as writer:
        for count, raw in enumerate(corpus.raw(), 1):
            record, cleaned = _clean(raw)
            rules.update(span.rule for span in cleaned.removed)
            suspicious += len(cleaned.suspicious)
            if isinstance(record, SetAside):
                reasons[record.reason] += 1
                writer.set_aside(record)
            else:
                kept += 1
                changed += bool(cleaned.removed)
                writer.keep(record)
            if dry_run and (cleaned.removed or cleaned.suspicious or isinstance(record, SetAside)):
                yield SongCleaned(
                    id=raw.id, title=raw.title, removed=cleaned.removed, suspicious=cleaned.suspicious,
                    set_aside=record.reason if isinstance(record, SetAside) else "",
                )  # fmt: skip
            if count % _SONGS_A_REPORT == 0:
                yield SongsRead(count=count, total=total)
    yield CorpusCleaned(
        corpus=corpus.name, kept=kept, changed=changed, set_aside=dict(reasons.most_common()),
        removed=dict(rules.most_common()), suspicious=suspicious,
    )  # fmt: skip


class _Sieve:
    """Keeps count of what an import does not take, and why."""

    def __init__(self, filters: Sequence[Filter]) -> None:
        self._filters = filters
        self.left_out = 0
        self.set_aside: list[SetAside] = []

    def take(self, records: Iterable[RawRecord | SetAside]) -> Iterator[RawRecord]:
        for record in records:
            if isinstance(record, SetAside):
                self.set_aside.append(record)
            elif matches(record, self._filters):
                yield record
            else:
                self.left_out += 1

    @property
    def reasons(self) -> dict[str, int]:
        return dict(Counter(record.reason for record in self.set_aside).most_common())

    def nothing_taken(self, path: Path) -> InputError:
        if self.left_out:
            wanted = " and ".join(map(str, self._filters))
            return InputError(f"No song in {path} meets {wanted}.", "Loosen the filters; nothing was kept.")
        if not self.reasons:
            return InputError(f"{path} holds no song.", "Give a file with songs in it.")
        why = ", ".join(f"{count} {reason}" for reason, count in islice(self.reasons.items(), 3))
        return InputError(f"{path} holds no song that can be used ({why}).", "Mend it there; nothing was kept.")


class _Discard:
    """Takes what a dry run would write."""

    def __enter__(self) -> "_Discard":
        return self

    def __exit__(self, *_: object) -> None: ...

    def keep(self, record: CleanRecord) -> None: ...

    def set_aside(self, record: SetAside) -> None: ...


def _clean(raw: RawRecord) -> "tuple[CleanRecord | SetAside, Cleaned]":
    from songsmith.corpus.cleaning import clean_record  # its rules take a moment to compile

    cleaned = clean_record(raw)
    record = CleanRecord(
        id=raw.id, title=_one_line(raw.title), artist=_one_line(raw.artist), text=cleaned.text, source=raw.source,
        url=raw.url, facts=raw.facts,
    )  # fmt: skip
    reason = cleaned.set_aside
    if not reason and (mark := find_mark("\n".join((record.title, record.artist, record.text)))):
        reason = f"special token {mark}"  # what was fetched has not been looked at before
    if not reason and not any(has_words(line) and not parse_header(line.strip()) for line in record.text.splitlines()):
        reason = "no words"
    return (SetAside(id=raw.id, title=record.title, reason=reason) if reason else record), cleaned


def _one_line(text: str) -> str:
    return " ".join(strip_controls(text).split())


def _name_after(path: Path) -> str:
    """Return what to call the corpus of a file: its name without endings."""
    path = path.absolute()
    stem = path.name.removesuffix(".gz")
    return path.name if path.is_dir() else stem.removesuffix(Path(stem).suffix) or stem
