"""Which corpus the work is about, and what to know of it first."""

import shlex
from dataclasses import dataclass

from songsmith.corpus.storage.store import Corpus, CorpusStore
from songsmith.lyrics import one_line


@dataclass(frozen=True, kw_only=True)
class CorpusChosen:
    """The corpus that the work is about."""

    name: str
    why: str
    """Why this one, if nobody named it: `the only one`, `the latest`."""


@dataclass(frozen=True, kw_only=True)
class SongsRead:
    """So many songs of a corpus have been worked through."""

    count: int
    total: int


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
