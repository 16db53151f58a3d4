"""Groups of near-duplicate songs in a corpus: those the last cleaning found, else those it would find. Changes nothing."""

from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

from songsmith.corpus.clean_songs import SongCleaned
from songsmith.corpus.cleaning import RULES, CleaningOptions
from songsmith.corpus.storage.store import Corpus
from songsmith.lyrics import one_line
from songsmith.studio.cleaning import DuplicatesSought, clean_corpus, has_report, made_with, read_report
from songsmith.studio.corpora import CorpusChosen, SongsRead, choose_corpus
from songsmith.studio.studio import Studio


@dataclass(frozen=True, kw_only=True)
class GroupedSong:
    """One song of a group."""

    id: str
    title: str
    artist: str
    similarity: float | None
    """Its similarity to the one that is kept, from 0.5 to 1; None for that one itself, and for a
    translation."""


@dataclass(frozen=True, kw_only=True)
class DuplicateGroup:
    """Versions of one song."""

    kept: GroupedSong
    """The one that is kept."""
    others: tuple[GroupedSong, ...]
    """Its duplicates, the most similar first."""


def duplicate_groups(
    studio: Studio, name: str | None = None, *, jobs: int | None = None
) -> Generator[CorpusChosen | SongsRead | DuplicatesSought | DuplicateGroup, None, None]:
    """Yield the groups of near-duplicates in a corpus, the largest first.

    They are those that its last cleaning found. If it was never cleaned, songs were added since, or near-duplicates were
    kept, they are searched for as cleaning would; that takes as long as cleaning.

    Args:
        studio: with the corpora.
        name: of the corpus; None: the only one, or the latest.
        jobs: processes that clean at once, if necessary; None: as many as are worth starting.

    Raises:
        NotFoundError: there is no such corpus.
        StorageError: a file is damaged.
    """
    corpus, chosen = choose_corpus(studio.corpora, name)
    yield chosen
    if has_report(studio, corpus.name) and corpus.is_clean and not made_with(corpus).get("keep_duplicates"):
        found = [change for change in read_report(studio, corpus.name)[1] if change.duplicate_of]
    else:
        found = yield from _look_for_them(studio, corpus, jobs)
    yield from _group(corpus, found)


def _look_for_them(
    studio: Studio, corpus: Corpus, jobs: int | None
) -> Generator[SongsRead | DuplicatesSought, None, list[SongCleaned]]:
    made = made_with(corpus)
    options = CleaningOptions(
        disabled=frozenset(made.get("disabled", ())) & {rule.name for rule in RULES},
        keep_adlibs=bool(made.get("keep_adlibs", True)), strip_headers=bool(made.get("strip_headers", False)),
    )  # fmt: skip
    found: list[SongCleaned] = []
    with closing(clean_corpus(studio, corpus.name, dry_run=True, options=options, jobs=jobs)) as work:
        for event in work:
            if isinstance(event, SongCleaned) and event.duplicate_of:
                found.append(event)
            elif isinstance(event, SongsRead | DuplicatesSought):
                yield event
    return found


def _group(corpus: Corpus, found: Iterable[SongCleaned]) -> Iterator[DuplicateGroup]:
    groups: dict[str, list[SongCleaned]] = defaultdict(list)
    for change in found:
        groups[change.duplicate_of].append(change)
    wanted = groups.keys() | {change.id for changes in groups.values() for change in changes}
    names = {raw.id: (one_line(raw.title), one_line(raw.artist)) for raw in corpus.raw() if raw.id in wanted}

    def song(id: str, similarity: float | None = None) -> GroupedSong:
        title, artist = names.get(id, ("", ""))
        return GroupedSong(id=id, title=title, artist=artist, similarity=similarity)

    for kept, changes in sorted(groups.items(), key=lambda item: -len(item[1])):
        others = sorted(
            (song(change.id, change.similarity) for change in changes), key=lambda it: -(it.similarity or 0)
        )
        yield DuplicateGroup(kept=song(kept), others=tuple(others))
