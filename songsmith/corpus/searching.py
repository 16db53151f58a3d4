"""Which songs have certain words, and on which lines. Ignores case and accents."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from songsmith.corpus.records import CleanRecord, RawRecord
from songsmith.errors import UsageError
from songsmith.words import SEARCH_WORD, WORD_CHARACTER

_ACCENTS = re.compile("[\u0300-\u036f]")
_NO_WORD_BEFORE, _NO_WORD_BEHIND, _GAP = rf"(?<!{WORD_CHARACTER})", rf"(?!{WORD_CHARACTER})", r"(?:[^\w\n]|_)+"


class SearchField(StrEnum):
    """Where to look for words."""

    TITLE = "title"
    ARTIST = "artist"
    TEXT = "text"


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A line that has some of the words."""

    field: SearchField
    line: int
    """Its number in the text, from 1; 1 for title and artist."""
    text: str
    spans: tuple[tuple[int, int], ...]
    """Where the words stand in it."""
    terms: int
    """How many of the words and phrases it has."""


class Query:
    """Words and phrases that a song must have, all of them. The last word may be unfinished."""

    def __init__(self, terms: Sequence[str], fields: Collection[SearchField] = ()) -> None:
        """Look for terms, each a word or several that follow one another on a line, in these fields; none: in all.

        Raises:
            UsageError: there is no word in them.
        """
        self._fields = tuple(field for field in SearchField if field in fields or not fields)
        found = [words for term in terms if (words := SEARCH_WORD.findall(_fold(term)))]
        if not found:
            raise UsageError("There is nothing to search for.", "Give a word, or a phrase in quotes.")
        self._words = {word for words in found for word in words}
        ends = [_NO_WORD_BEHIND] * (len(found) - 1) + [""]
        self._patterns = [
            re.compile(_NO_WORD_BEFORE + _GAP.join(map(re.escape, words)) + end)
            for words, end in zip(found, ends, strict=True)
        ]

    def find(self, record: RawRecord | CleanRecord) -> tuple[Hit, ...]:
        """Return the lines of a song that have any of the terms; none unless the song has all of them."""
        text = _fold("\n".join(getattr(record, field) for field in self._fields))
        # Most songs lack a word, which is quick to find out.
        if not all(word in text for word in self._words) or not all(pattern.search(text) for pattern in self._patterns):
            return ()
        return tuple(
            hit
            for field in self._fields
            for number, line in enumerate(getattr(record, field).splitlines(), 1)
            if (hit := self._look_at(field, number, line))
        )

    def _look_at(self, field: SearchField, number: int, line: str) -> Hit | None:
        folded = _fold(line)
        if not any(pattern.search(folded) for pattern in self._patterns):
            return None
        folded, places = _fold_with_places(line)
        found = [list(pattern.finditer(folded)) for pattern in self._patterns]
        spans = sorted({(places[match.start()], places[match.end()]) for matches in found for match in matches})
        return Hit(field=field, line=number, text=line, spans=tuple(_merge(spans)), terms=sum(map(bool, found)))


def _fold(text: str) -> str:
    """Return a text without case and accents, which make no difference. It has as many lines."""
    if text.isascii():
        return text.lower()
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold()))


def _fold_with_places(line: str) -> tuple[str, list[int]]:
    """Return a folded line, and for each character of it, and its end, the place in the line it comes from."""
    folded, places = [], []
    for place, character in enumerate(line):
        made = _fold(character)
        folded.append(made)
        places += [place] * len(made)
    return "".join(folded), [*places, len(line)]


def _merge(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    start, end = spans[0]
    for next_start, next_end in spans[1:]:
        if next_start > end:
            yield start, end
            start, end = next_start, next_end
        else:
            end = max(end, next_end)
    yield start, end
