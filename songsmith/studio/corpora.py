"""What people do with their words: import and clean them. Generators of typed events; closing one ends the work."""

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from songsmith.corpus.filters import Filter, Sieve
from songsmith.corpus.importers import Importer, ImportOptions, describe_mark
from songsmith.corpus.records import CleanRecord, RawRecord, SetAside, has_words
from songsmith.corpus.store import Appended, Corpus, CorpusStore, folder_name
from songsmith.errors import InputError, SongsmithError, UsageError
from songsmith.lyrics import one_line, parse_header
from songsmith.markup import find_mark
from songsmith.studio.studio import Studio

if TYPE_CHECKING:
    from songsmith.corpus.cleaning import Cleaned, CleaningOptions, Removed, Suspicious

_SONGS_A_REPORT = 100


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
    notice: str = ""
    """What else there is to say: a filter names a field that no song has."""


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
    """Songs whose text is not what came; line breaks around it do not count."""
    set_aside: Mapping[str, int]
    """How many songs are not used, by reason."""
    removed: Mapping[str, int]
    """How many places were changed, by rule."""
    suspicious: int
    """How many places stay as they are that a person might want to look at."""


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


def stale_notice(corpus: Corpus) -> str:
    """Return what to tell whoever uses the clean songs of a corpus, if there are newer ones; else nothing."""
    if not corpus.has_clean or not (count := corpus.uncleaned):
        return ""
    name = one_line(corpus.name)
    what = "1 song" if count == 1 else f"{count} songs"
    return f"{what} came into the corpus '{name}' after it was cleaned: songsmith clean {shlex.quote(name)}"


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
    name = corpus or importer.name
    folder_name(name)  # refuses what cannot name a corpus before the file is read
    for _ in importer.check():
        yield FileChecked(bytes_read=importer.bytes_read, bytes_total=importer.bytes_total)
    sieve = _ImportSieve(filters)
    songs = islice(sieve.take(importer.songs()), max_songs)
    first = next(songs, None)
    if first is None:
        raise sieve.nothing_taken(path)
    total = Appended()
    with _opening(studio.corpora, name) as target, target.writing():
        for batch in target.append_batches(chain([first], songs)):
            total += batch
            yield RecordsKept(
                count=total.added, held=total.held, set_aside=len(sieve.set_aside),
                bytes_read=importer.bytes_read, bytes_total=importer.bytes_total,
            )  # fmt: skip
        target.append_set_aside(sieve.set_aside)
    yield SongsImported(
        corpus=target.name, added=total.added, held=total.held, left_out=sieve.left_out, set_aside=sieve.reasons,
        notice="" if total.added + total.held == max_songs else sieve.notice,  # else not all have been looked at
    )  # fmt: skip


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
    total = corpus.raw_records
    kept = changed = suspicious = 0
    reasons: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    with _Discard() if dry_run else corpus.replacing_clean() as writer:
        options = _know_artists(corpus)
        for count, raw in enumerate(corpus.raw(), 1):
            record, cleaned = _clean(raw, options)
            rules.update(span.rule for span in cleaned.removed)
            suspicious += len(cleaned.suspicious)
            differs = cleaned.text.strip("\n") != raw.text.strip("\n")
            if isinstance(record, SetAside):
                reasons[record.reason] += 1
                writer.set_aside(record)
            else:
                kept += 1
                changed += differs
                writer.keep(record)
            if dry_run and (differs or cleaned.suspicious or isinstance(record, SetAside)):
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


@contextmanager
def _opening(corpora: CorpusStore, name: str) -> Iterator[Corpus]:
    """Lend a corpus, which is made if need be; one that was made and is left empty by an error goes again."""
    is_new = not corpora.has(name)
    corpus = corpora.create(name)
    try:
        yield corpus
    except BaseException:
        with suppress(SongsmithError):
            if is_new and not corpus.raw_records:
                corpora.remove(corpus.name)
        raise


class _ImportSieve(Sieve):
    """Keeps count of what an import does not take, and why."""

    def __init__(self, filters: Sequence[Filter]) -> None:
        super().__init__(filters)
        self.left_out = 0
        self.set_aside: list[SetAside] = []

    def take(self, records: Iterable[RawRecord | SetAside]) -> Iterator[RawRecord]:
        for record in records:
            if isinstance(record, SetAside):
                self.set_aside.append(record)
            elif self.takes(record):
                yield record
            else:
                self.left_out += 1

    @property
    def reasons(self) -> dict[str, int]:
        return dict(Counter(record.reason for record in self.set_aside).most_common())

    def nothing_taken(self, path: Path) -> InputError:
        if self.left_out:
            self.check()
            wanted = " and ".join(map(str, self.filters))
            return InputError(f"No song in {path} meets {wanted}.", "Loosen the filters; nothing was kept.")
        if not self.reasons:
            return InputError(f"{path} holds no song.", "Give a file with songs in it.")
        why = ", ".join(f"{count} {reason}" for reason, count in islice(self.reasons.items(), 3))
        unnamed = any(" its keys " in reason or "column" in reason for reason in self.reasons)
        step = "Choose the key or column with --text-column" if unnamed else "Mend it there"
        return InputError(f"{path} holds no song that can be used ({why}).", f"{step}; nothing was kept.")


class _Discard:
    """Takes what a dry run would write."""

    def __enter__(self) -> "_Discard":
        return self

    def __exit__(self, *_: object) -> None: ...

    def keep(self, record: CleanRecord) -> None: ...

    def set_aside(self, record: SetAside) -> None: ...


def _know_artists(corpus: Corpus) -> "CleaningOptions":
    """Return how to clean a corpus: knowing its own artists, since pages of lyrics recommend them to each other."""
    from songsmith.corpus.cleaning import CleaningOptions

    return CleaningOptions(known_artists=frozenset(raw.artist for raw in corpus.raw() if raw.artist))


def _clean(raw: RawRecord, options: "CleaningOptions") -> "tuple[CleanRecord | SetAside, Cleaned]":
    from songsmith.corpus.cleaning import clean_record  # its rules take a moment to compile

    cleaned = clean_record(raw, options=options)
    record = CleanRecord(
        id=raw.id, title=one_line(raw.title), artist=one_line(raw.artist), text=cleaned.text, source=raw.source,
        url=raw.url, facts=raw.facts,
    )  # fmt: skip
    reason = cleaned.set_aside
    if not reason and (mark := find_mark("\n".join((record.title, record.artist, record.text)))):
        reason = describe_mark(mark)  # what was fetched has not been looked at before
    if not reason and not any(has_words(line) and not parse_header(line.strip()) for line in record.text.splitlines()):
        reason = "no words"
    return (SetAside(id=raw.id, title=record.title, reason=reason) if reason else record), cleaned
