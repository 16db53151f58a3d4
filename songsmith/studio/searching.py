"""Search the songs of a corpus for words. A generator of typed events; closing one ends the work."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from songsmith.corpus.searching import Hit, Query, SearchField
from songsmith.corpus.storage.store import Corpus
from songsmith.studio.corpora import SongsRead
from songsmith.studio.corpus_songs import SongsWanted, read_wanted


@dataclass(frozen=True, kw_only=True)
class SongFound:
    """A song that has all the words."""

    id: str
    title: str
    artist: str
    hits: tuple[Hit, ...]
    """Every line that has any of them."""

    @property
    def best(self) -> Hit:
        """The line with the most of the words; of equals, the first."""
        return max(self.hits, key=lambda hit: hit.terms)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        hits = [{"field": hit.field.value, "line": hit.line, "text": hit.text} for hit in self.hits]
        return {"id": self.id, "title": self.title, "artist": self.artist, "hits": hits}


def search_corpus(
    corpus: Corpus,
    terms: Sequence[str],
    wanted: SongsWanted,
    *,
    fields: Sequence[SearchField] = (),
    most: int | None = None,
) -> Iterator[SongsRead | SongFound]:
    """Yield the songs that have all of some words, in the corpus's order, as they are found.

    Args:
        corpus: to search.
        terms: words, or phrases of which all words follow one another on a line.
        wanted: which songs to search.
        fields: search only these.
        most: stop after this many.

    Raises:
        UsageError: there is no word in the terms, or no song meets the filters.
    """
    query = Query(terms, fields)
    found = 0
    for item in read_wanted(corpus, wanted):
        if isinstance(item, SongsRead):
            yield item
        elif hits := query.find(item):
            yield SongFound(id=item.id, title=item.title, artist=item.artist, hits=hits)
            found += 1
            if found == most:
                return
