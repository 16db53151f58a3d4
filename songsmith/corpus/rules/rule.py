"""What a cleaning rule is: it reads a text and says which spans go, change, or look odd. Changes nothing itself."""

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
    """A span of the text and what becomes of it."""

    start: int
    end: int
    replacement: str | None = ""
    """What stands there instead; None leaves the span as it is and calls it suspicious."""


@dataclass(kw_only=True, slots=True)
class RuleContext:
    """What rules may know besides the text they are given; who runs them keeps it true, rules only read."""

    title: str = ""
    artist: str = ""
    artists: frozenset[str] = frozenset()
    """Other artists known by name, each as `fold` gives it."""
    scraped: bool = False
    """Whether something in the text proves that it was taken from a lyrics page; what is odd is then dirt."""
    joined: bool = False
    """Whether the raw text was one line: its lines were joined by spaces."""
    untitled: bool = False
    """Whether the page is of the years in which none had its title above the song."""
    beheaded: bool = False
    """Whether what stood above the song is gone already; another line like it is sung."""
    lowered: bool = False
    """Whether the text has no capital letter, as if an earlier tool had lower-cased it with its dirt."""
    folded: str = ""
    """The text as `lower` gives it: where a word is that may be written either way, plain search finds it fast."""


Find = Callable[[str, RuleContext], list[Finding]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One kind of dirt: its name, what is done about it, and how it is found."""

    name: str
    does: str
    """One sentence for a person."""
    find: Find
    """Pure: text and what is known of it to findings, in order and apart from each other; time grows with the text."""
    proves_scraping: bool = False
    """Whether what it removes shows that the text comes from a lyrics page."""
    only_rare: bool = False
    """Whether it finds nothing in a text without rare characters, and need not be asked."""
    reports: bool = True
    """Whether what it removes or puts in is told; spaces and line ends are not."""


def fold(name: str) -> str:
    """Return a name as it is compared: letters and digits alone, in lower case and without accents."""
    if name.isascii():
        return name.lower().translate(_ASCII_UNTOLD)
    return _UNTOLD.sub("", unicodedata.normalize("NFKD", name).casefold())


def lower(text: str) -> str:
    """Return a text in lower case, each of its characters in the place where it was."""
    return text.replace("İ", "i").lower()  # which alone would become two


def begins_anew(after: str, *, lowered: bool = False) -> bool:
    """Return whether what is glued behind dirt is a header, the next dirt, or a line of its own, and no word that goes on."""
    first = after[0]
    if first in "'’":
        return lowered or after[1:2].isupper()
    return first in '[("“‘«「『¿¡' or first.isupper() or first.isdigit() or not first.isascii() or lowered


def line_at(text: str, position: int) -> tuple[int, int]:
    """Return where the line around `position` begins and ends, its line break left out."""
    end = text.find("\n", position)
    return text.rfind("\n", 0, position) + 1, len(text) if end < 0 else end


def line_near(text: str, position: int) -> tuple[int, int]:
    """Return what `line_at` does, of a line as long as a book only what stands near."""
    low, high = max(0, position - _NEAR), min(len(text), position + _NEAR)
    start, end = text.rfind("\n", low, position), text.find("\n", position, high)
    return low if start < 0 else start + 1, high if end < 0 else end


# Rules ask in turn of the same text.
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
