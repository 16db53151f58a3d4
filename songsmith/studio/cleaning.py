"""Make the clean songs of a corpus of its raw ones. A generator of typed events; closing one ends the work."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from songsmith.corpus.importers import describe_mark
from songsmith.corpus.records import CleanRecord, RawRecord, SetAside, has_words
from songsmith.corpus.store import Corpus
from songsmith.lyrics import one_line, parse_header
from songsmith.markup import find_mark
from songsmith.studio.corpora import CorpusChosen, SongsRead, choose_corpus
from songsmith.studio.studio import Studio

if TYPE_CHECKING:
    from songsmith.corpus.cleaning import Cleaned, CleaningOptions, Removed, Suspicious

_SONGS_A_REPORT = 100


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
