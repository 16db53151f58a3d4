"""What a cleaning rule is: it reads a text and returns which spans to remove, change or report. Changes nothing itself."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

_UNTOLD = re.compile(r"[\W_]+")
_ASCII_UNTOLD = {code: None for code in range(128) if not chr(code).isalnum()}
_COMMON = bytes(range(ord(" "), 0x7F)) + b"\n"
_NEAR = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """A span of the text and what to do with it."""

    start: int
    end: int
    replacement: str | None = ""
    """What replaces it; None leaves the span as it is and reports it as suspicious."""


@dataclass(kw_only=True, slots=True)
class RuleContext:
    """What rules may know besides the text. Whoever runs the rules keeps it up to date; rules only read it."""

    title: str = ""
    artist: str = ""
    artists: frozenset[str] = frozenset()
    """Other artists known by name, each as `fold` gives it."""
    scraped: bool = False
    """Whether something in the text proves that it was taken from a lyrics page; what is doubtful is then removed."""
    joined: bool = False
    """Whether the raw text was one line: its lines were joined by spaces."""
    untitled: bool = False
    """Whether the page is from the years in which pages had no title above the song."""
    beheaded: bool = False
    """Whether what was above the song has been removed; another line like it is sung."""
    lowered: bool = False
    """Whether the text has no capital letter, as if an earlier tool had lower-cased the whole page."""
    folded: str = ""
    """The text as `lower` returns it: a plain search in it finds words in any case, and is fast."""


Find = Callable[[str, RuleContext], list[Finding]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A cleaning rule: its name, what it does, and the function that finds its spans."""

    name: str
    does: str
    """One sentence for a person."""
    find: Find
    """Pure: from the text and its context to findings, in order, without overlaps, in time linear in the text."""
    proves_scraping: bool = False
    """Whether what it removes shows that the text comes from a lyrics page."""
    only_rare: bool = False
    """Whether it finds nothing in a text without rare characters, and need not be run on one."""
    reports: bool = True
    """Whether what it removes or inserts is reported; spaces and line ends are not."""


def fold(name: str) -> str:
    """Return a name folded for comparing: letters and digits only, in lower case, without accents."""
    if name.isascii():
        return name.lower().translate(_ASCII_UNTOLD)
    return _UNTOLD.sub("", unicodedata.normalize("NFKD", name).casefold())


def lower(text: str) -> str:
    """Return a text in lower case, with every character at the same index."""
    return text.replace("İ", "i").lower()  # the only one that would become two characters


def begins_anew(after: str, *, lowered: bool = False) -> bool:
    """Return whether text glued behind words of a page begins a header, a line or more of the page, not the rest of a word."""
    first = after[0]
    if first in "'’":
        return lowered or after[1:2].isupper()
    return first in '[("“‘«「『¿¡' or first.isupper() or first.isdigit() or not first.isascii() or lowered


def line_at(text: str, position: int) -> tuple[int, int]:
    """Return where the line around `position` begins and ends, its line break left out."""
    end = text.find("\n", position)
    return text.rfind("\n", 0, position) + 1, len(text) if end < 0 else end


def line_near(text: str, position: int) -> tuple[int, int]:
    """Return what `line_at` does, but of a very long line only the part nearby."""
    low, high = max(0, position - _NEAR), min(len(text), position + _NEAR)
    start, end = text.rfind("\n", low, position), text.find("\n", position, high)
    return low if start < 0 else start + 1, high if end < 0 else end


# Rules ask this of the same text in turn.
@lru_cache(maxsize=2)
def rows_of(text: str) -> Sequence[str]:
    """Return the lines of a text."""
    return text.split("\n")


@lru_cache(maxsize=2)
def rare(text: str) -> str:
    """Return the characters of a text that are neither a newline nor printable ASCII: few, where there are thousands of others."""
    return text.encode("utf-8", "surrogatepass").translate(None, _COMMON).decode("utf-8", "surrogatepass")


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """Yield each line and where it begins."""
    lines = text.split("\n")
    return zip(accumulate([len(line) + 1 for line in lines], initial=0), lines, strict=False)


def whole_line(text: str, start: int, end: int) -> Finding:
    """Return the finding that removes a line, or several, with the line break after them."""
    return Finding(start, min(end + 1, len(text)))
