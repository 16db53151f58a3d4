"""Choose a corpus, and describe it."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from songsmith.corpus.storage.store import Corpus, CorpusStore
from songsmith.counting import count_of
from songsmith.errors import SongsmithError
from songsmith.lyrics import one_line


@dataclass(frozen=True, kw_only=True)
class CorpusChosen:
    """The corpus to work on."""

    name: str
    why: str
    """Why this one, if none was named: `the only one`, `the latest`."""


@dataclass(frozen=True, kw_only=True)
class SongsRead:
    """How many songs of a corpus have been processed."""

    count: int
    total: int


def choose_corpus(corpora: CorpusStore, name: str | None) -> tuple[Corpus, CorpusChosen]:
    """Return the corpus of this name; without a name, the only corpus, or the one that changed last.

    Raises:
        NotFoundError: it does not exist, or there is none.
    """
    if name is not None:
        corpus = corpora.open(name)
        return corpus, CorpusChosen(name=corpus.name, why="")
    corpus = corpora.default()
    return corpus, CorpusChosen(name=corpus.name, why="the only one" if len(corpora.names()) == 1 else "the latest")


@contextmanager
def making_corpus(corpora: CorpusStore, name: str, *, keep_songs: bool = False) -> Iterator[Corpus]:
    """Lend a corpus, created if necessary, with its lock held until the block ends.

    Args:
        corpora: that it belongs to.
        name: of the corpus.
        keep_songs: whether a corpus created here that holds songs stays if the block raises; otherwise it is removed.

    Raises:
        UsageError: the name cannot be used.
        StorageError: it cannot be made, or another program writes to it.
    """
    is_new = not corpora.has(name)
    corpus = corpora.create(name)
    with corpus.writing():
        is_new = is_new and not corpus.raw_records  # or another program created it first
        try:
            yield corpus
        except BaseException:
            with suppress(SongsmithError):
                if is_new and not (keep_songs and corpus.raw_records):
                    corpora.take_away(corpus)
            raise


def stale_notice(corpus: Corpus) -> str:
    """Return a notice for whoever uses the clean songs of a corpus if its raw songs have changed since; else an empty string."""
    if not corpus.has_clean or not (count := corpus.uncleaned):
        return ""
    name = one_line(corpus.name)
    if count < 0:
        lost = count_of(-count, "song")
        return f"Corpus '{name}' lacks {lost} that it was cleaned with: songsmith corpus verify {shlex.quote(name)}"
    what = count_of(count, "new song")
    return f"Corpus '{name}' has {what} since it was last cleaned: songsmith clean {shlex.quote(name)}"
