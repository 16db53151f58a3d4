"""Clean one lyric: run the rules over it until nothing changes, and tell what went. Pure; reads and writes nothing."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from songsmith.corpus.dirt.characters import CHARACTERS, QUOTES
from songsmith.corpus.dirt.head import HEAD
from songsmith.corpus.dirt.middle import MIDDLE, PRICE
from songsmith.corpus.dirt.rule import About, Finding, Rule, fold
from songsmith.corpus.dirt.structure import STRUCTURE
from songsmith.corpus.dirt.tail import TAIL
from songsmith.corpus.dirt.unsung import why_no_song
from songsmith.corpus.records import RawRecord
from songsmith.errors import UsageError

RULES: tuple[Rule, ...] = (*CHARACTERS, *HEAD, *MIDDLE, *TAIL, *QUOTES, *STRUCTURE)
"""Every rule, in the order in which they run."""

# Text made to be taken apart one layer a pass is no song; one that is settles in three.
_MOST_PASSES = 12
_SCRAPED = re.compile(
    r"\A\s*\d[\d.,]{0,8}K?\s?Contributors?(?=Translation|[A-Z]|\s*\n)|<!--\s?/?sse|\dEmbed\s*\Z|EmbedShare URL|\nEmbed\s*\Z|"
    rf"(?:LiveG|\nG)et tickets as low as (?:{PRICE})|(?:[a-z]|\n)You might also like(?:\[|\n(?=\[))"
)
_TELLING = ("embed", "contributor", "you might also like", "<!--", "get tickets")


@dataclass(frozen=True, kw_only=True)
class CleaningOptions:
    """What to clean, and what is known beforehand."""

    disabled: frozenset[str] = frozenset()
    """Names of rules that do not run."""
    known_artists: frozenset[str] = frozenset()
    """Names after which a recommended song is known for one, besides the artist of the song itself."""

    def __post_init__(self) -> None:
        if unknown := self.disabled - {rule.name for rule in RULES}:
            names = ", ".join(rule.name for rule in RULES)
            raise UsageError(f"There is no cleaning rule called '{min(unknown)}'.", f"The rules are: {names}.")

    @cached_property
    def folded_artists(self) -> frozenset[str]:
        """The known artists as `fold` gives them: worked out once, for there may be thousands, and more songs."""
        return frozenset(folded for name in self.known_artists if (folded := fold(name)))


@dataclass(frozen=True, kw_only=True)
class Removed:
    """Something that went, was written in another way, or was put in."""

    rule: str
    text: str
    """As it stood; nothing where words were only put in."""
    line: int
    """Its line in the raw text, counted from 1; what was put in has that of the text it was put to."""
    replacement: str = ""
    """What stands there now, without the line breaks around it; nothing where it only went."""


@dataclass(frozen=True, kw_only=True)
class Suspicious:
    """Something that was kept, but that a person might want to look at."""

    rule: str
    text: str
    line: int
    """Its line in the raw text, counted from 1."""


@dataclass(frozen=True, kw_only=True)
class Cleaned:
    """What became of a text."""

    text: str
    removed: tuple[Removed, ...] = ()
    suspicious: tuple[Suspicious, ...] = ()
    set_aside: str = ""
    """Why it is no song; nothing if it is one."""


_DEFAULT = CleaningOptions()


def clean_record(record: RawRecord, *, options: CleaningOptions = _DEFAULT) -> Cleaned:
    """Clean the text of a raw record, knowing its title and artist."""
    return clean_text(record.text, title=record.title, artist=record.artist, options=options)


def clean_text(text: str, *, title: str = "", artist: str = "", options: CleaningOptions = _DEFAULT) -> Cleaned:
    """Return the song in a text without what does not belong to it; cleaning that again changes nothing."""
    rules = [rule for rule in RULES if rule.name not in options.disabled]
    bare = About(title=title, artist=artist, artists=options.folded_artists)
    removed: dict[Removed, None] = {}
    suspicious: dict[Suspicious, None] = {}
    raw, lines, scraped = text, None, False
    for _ in range(_MOST_PASSES):
        changed = False
        about = _look(text, bare, scraped)
        for rule in rules:
            findings = rule.find(text, about)
            if not findings:
                continue
            if lines is None:
                lines = list(range(1, text.count("\n") + 2))
            rows = _rows(text, findings)
            for finding, row in zip(findings, rows, strict=True):
                span = text[finding.start : finding.end]
                line = lines[min(row + len(span) - len(span.lstrip("\n")), len(lines) - 1)]
                if finding.replacement is None:
                    suspicious[Suspicious(rule=rule.name, text=span, line=line)] = None
                elif rule.reports and (span + finding.replacement).strip(" \n"):
                    instead = finding.replacement.strip("\n")
                    removed[Removed(rule=rule.name, text=span, line=line, replacement=instead)] = None
            edits = [
                (finding, row) for finding, row in zip(findings, rows, strict=True) if finding.replacement is not None
            ]
            if edits:
                text, lines = _apply(text, lines, edits)
                changed = True
                scraped = about.scraped or rule.proves_scraping
                about = _look(text, bare, scraped)
        scraped = about.scraped
        if not changed:
            break
    else:
        return Cleaned(text=_characters(raw, bare), set_aside="does not settle")
    return Cleaned(text=text, removed=tuple(removed), suspicious=tuple(suspicious), set_aside=why_no_song(text, artist))


def _look(text: str, bare: About, scraped: bool) -> About:
    """Return what is known of a text as it is now; that it was scraped, once known, stays known."""
    folded = text.lower()
    if not scraped and any(word in folded for word in _TELLING):
        scraped = _SCRAPED.search(text) is not None
    return About(
        title=bare.title,
        artist=bare.artist,
        artists=bare.artists,
        scraped=scraped,
        lowered=folded == text,
        printable=text.replace("\n", " ").isprintable(),
        folded=folded,
    )


def _rows(text: str, findings: list[Finding]) -> list[int]:
    """Return the row of the text, counted from 0, on which each finding begins."""
    if len(findings) == 1:
        return [text.count("\n", 0, findings[0].start)]
    ends = list(accumulate(len(line) + 1 for line in text.split("\n")))
    return [bisect_right(ends, finding.start) for finding in findings]


def _apply(text: str, lines: list[int], edits: list[tuple[Finding, int]]) -> tuple[str, list[int]]:
    """Return the text with these edits made, and for each of its lines the raw line it comes from."""
    pieces: list[str] = []
    origins = [lines[0]]
    row = at = 0
    for finding, first in edits:
        pieces += (text[at : finding.start], finding.replacement or "")
        origins += lines[row + 1 : first + 1]
        origins += [lines[first]] * (finding.replacement or "").count("\n")
        row, at = first + text.count("\n", finding.start, finding.end), finding.end
        # What is cut as a whole line leaves its row to the line that moves up.
        if finding.end > finding.start and (finding.start == 0 or text[finding.start - 1] == "\n"):
            origins[-1] = lines[row]
    pieces.append(text[at:])
    origins += lines[row + 1 :]
    return "".join(pieces), origins


def _characters(text: str, bare: About) -> str:
    """Return a text with nothing but its characters cleaned."""
    for _ in range(_MOST_PASSES):
        before, about = text, _look(text, bare, False)
        for rule in CHARACTERS:
            if edits := [(finding, 0) for finding in rule.find(text, about) if finding.replacement is not None]:
                text = _apply(text, [0] * (text.count("\n") + 1), edits)[0]
                about = _look(text, bare, False)
        if text == before:
            break
    return text
