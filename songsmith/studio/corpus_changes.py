"""Make corpora from other corpora: split, filter, merge. The sources stay as they are.

Only raw songs are copied; the new corpora have no clean ones until they are cleaned. Killed at any instant and started
again, the work continues: songs that were copied already are skipped.
"""

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from songsmith.corpus.filters import Filter
from songsmith.corpus.records import RawRecord
from songsmith.corpus.storage.store import Appended, Corpus, CorpusStore, folder_name
from songsmith.errors import UsageError
from songsmith.studio.corpora import SongsRead, making_corpus
from songsmith.studio.corpus_songs import SongsWanted, draw_ids, read_wanted


@dataclass(frozen=True, kw_only=True)
class CorpusMade:
    """Songs were copied into a corpus."""

    name: str
    added: int
    held: int
    """Songs that it had already."""


def split_corpus(
    corpora: CorpusStore, corpus: Corpus, *, share: float, seed: int = 0, filters: Sequence[Filter] = (), into: str = ""
) -> Iterator[SongsRead | CorpusMade]:
    """Split a corpus into `INTO-train` and `INTO-validation`, drawn by the songs' ids.

    Args:
        corpora: that the new ones are added to.
        corpus: to split.
        share: of the songs that go to validation, one at least.
        seed: that decides which songs these are.
        filters: copy only songs that meet all of these.
        into: the beginning of the names; empty: the name of the corpus.

    Raises:
        UsageError: the share cannot be used, no song meets the filters, or a new corpus would hold other songs too.
        StorageError: the disk is full, or another program writes to a new corpus.
    """
    base = into or corpus.name
    folder_name(base)  # refuses an invalid name before anything is read
    ids = yield from _read_ids(corpus, filters)
    drawn = draw_ids(ids, share=share, seed=seed)
    sides = {f"{base}-train": frozenset(ids) - drawn, f"{base}-validation": drawn}
    yield from _make(corpora, corpus, sides)


def choose_songs(
    corpora: CorpusStore, corpus: Corpus, *, filters: Sequence[Filter], into: str
) -> Iterator[SongsRead | CorpusMade]:
    """Copy the songs of a corpus that meet conditions into a new corpus.

    Raises:
        UsageError: no song meets the filters, or the new corpus would hold other songs too.
        StorageError: the disk is full, or another program writes to the new corpus.
    """
    folder_name(into)
    ids = yield from _read_ids(corpus, filters)
    yield from _make(corpora, corpus, {into: frozenset(ids)})


def merge_corpora(corpora: CorpusStore, sources: Sequence[Corpus], *, into: str) -> Iterator[SongsRead | CorpusMade]:
    """Copy the songs of corpora, one after the other, into one, created if necessary.

    Different songs with one id are all kept: all but the first under longer ids.

    Raises:
        UsageError: a corpus would be merged into itself.
        StorageError: the disk is full, or another program writes to that corpus.
    """
    if folder_name(into) in (source.path.name for source in sources):
        raise UsageError(f"'{into}' can't be merged into itself.", "Choose another name with --into.")
    total = sum(source.raw_records for source in sources)
    sums = Appended()
    with making_corpus(corpora, into) as target:
        for batch in target.append_batches(_chain(sources)):
            sums += batch
            yield SongsRead(count=sums.added + sums.held, total=total)
    yield CorpusMade(name=target.name, added=sums.added, held=sums.held)


def _chain(sources: Sequence[Corpus]) -> Iterator[RawRecord]:
    for source in sources:
        yield from source.raw()


def _read_ids(corpus: Corpus, filters: Sequence[Filter]) -> Generator[SongsRead, None, list[str]]:
    ids = []
    for item in read_wanted(corpus, SongsWanted(filters=filters, raw=True)):
        if isinstance(item, SongsRead):
            yield SongsRead(count=item.count, total=2 * item.total)
        else:
            ids.append(item.id)
    return ids


def _make(
    corpora: CorpusStore, corpus: Corpus, parts: Mapping[str, Collection[str]]
) -> Iterator[SongsRead | CorpusMade]:
    """Copy songs of a corpus into others, each the songs with certain ids. New corpora are all filled, or none is created."""
    for name, ids in parts.items():
        if corpora.has(name) and any(record.id not in ids for record in corpora.open(name).raw()):
            raise UsageError(f"Corpus '{name}' already exists with other songs.", "Choose another name with --into.")
    total = sum(map(len, parts.values()))
    made = []
    with ExitStack() as stack:
        done = total  # all that was to be read
        for name, ids in parts.items():
            target = stack.enter_context(making_corpus(corpora, name))
            songs = (record for record in corpus.raw() if record.id in ids)
            sums = Appended()
            for batch in target.append_batches(songs):
                sums += batch
                done += batch.added + batch.held
                yield SongsRead(count=done, total=2 * total)
            made.append(CorpusMade(name=target.name, added=sums.added, held=sums.held))
    yield from made
