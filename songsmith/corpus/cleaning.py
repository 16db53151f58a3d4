"""Clean one lyric: run the rules over it until nothing changes, and report what was removed. Pure; reads and writes nothing."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle, islice

from songsmith.corpus.records import RawRecord
from songsmith.corpus.rules.announced import ANNOUNCED
from songsmith.corpus.rules.breaks import BREAKS
from songsmith.corpus.rules.characters import BLANK_LINES, CHARACTERS, QUOTES
from songsmith.corpus.rules.choices import AD_LIBS, HEADERS
from songsmith.corpus.rules.head import HEAD
from songsmith.corpus.rules.middle import MIDDLE, PRICE
from songsmith.corpus.rules.mojibake import MOJIBAKE
from songsmith.corpus.rules.rule import Finding, Rule, RuleContext, fold, lower, rare
from songsmith.corpus.rules.structure import STRUCTURE
from songsmith.corpus.rules.tail import TAIL
from songsmith.corpus.rules.twice import TWICE
from songsmith.corpus.rules.unsung import why_no_song
from songsmith.errors import UsageError

# Removing something leaves blank lines. Removed at once, they do not make the rules after it run again.
_IN_TURN = (MOJIBAKE, *CHARACTERS, ANNOUNCED, *HEAD, *MIDDLE, *TWICE, *TAIL, BLANK_LINES, *BREAKS, *QUOTES, *STRUCTURE)
RULES: tuple[Rule, ...] = tuple(dict.fromkeys(_IN_TURN))
"""The rules that run by default, in order."""
CHOICES: tuple[Rule, ...] = (AD_LIBS, HEADERS)
"""The rules that run only when asked for, once a text is clean."""
_CALLED_CHORUS = "returning stanza"

# A song needs three passes at most; a text that needs many more was made to keep the rules busy.
_MOST_PASSES = 12
# What proves that a text was taken from a lyrics page. Each begins with a literal, which is fast to search, or stands at an end.
_COUNTED = re.compile(r"\s*\d[\d.,]{0,8}K?\s?Contributors?(?=Translation|[A-Z]|\s*\n)")
_EMBEDDED = re.compile(r"[\d\n]Embed\s*\Z")
_TICKETS = re.compile(rf"Get tickets as low as (?:{PRICE})")
_MARKED = re.compile(r"You might also like(?:\[|\n(?=\[))")
_LONGEST_END = 60
# One of these that is still there was kept for a reason that only the raw text gave: cleaned again, the text tells less.
_REMEMBERED = ("lyrics", "embed", "get tickets", "you might also like")


@dataclass(frozen=True, kw_only=True)
class CleaningOptions:
    """What to clean, and what is known beforehand."""

    disabled: frozenset[str] = frozenset()
    """Names of rules that do not run."""
    keep_adlibs: bool = True
    """Whether parentheses at the end of a line stay: `(yeah, yeah)`."""
    strip_headers: bool = False
    """Whether section headers go; the stanzas stay apart."""
    known_artists: frozenset[str] = frozenset()
    """Artists by whose names recommended songs are recognised, besides the artist of the song itself."""

    def __post_init__(self) -> None:
        if unknown := self.disabled - {rule.name for rule in RULES}:
            names = ", ".join(rule.name for rule in RULES)
            raise UsageError(f"There is no cleaning rule called '{min(unknown)}'.", f"The rules are: {names}.")

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that run by default, less those switched off."""
        # Where headers are dropped, none is reported for a chorus.
        unwanted = self.disabled | ({_CALLED_CHORUS} if self.strip_headers else set())
        return tuple(rule for rule in _IN_TURN if rule.name not in unwanted)

    @cached_property
    def choices(self) -> tuple[Rule, ...]:
        """The rules that were asked for."""
        return (AD_LIBS,) * (not self.keep_adlibs) + (HEADERS,) * self.strip_headers

    @cached_property
    def folded_artists(self) -> frozenset[str]:
        """The known artists as `fold` gives them: worked out once, for there may be thousands, and more songs."""
        return frozenset(folded for name in self.known_artists if (folded := fold(name)))


@dataclass(frozen=True, kw_only=True)
class Removed:
    """Something that was removed, replaced or inserted."""

    rule: str
    text: str
    """The text that was there; empty where words were only inserted."""
    line: int
    """Its line in the raw text, counted from 1; for an insertion, that of the text it was added to."""
    replacement: str = ""
    """What is there now, without the line breaks around it; empty where it was only removed."""


@dataclass(frozen=True, kw_only=True)
class Suspicious:
    """Something that was kept, but that a person may want to look at."""

    rule: str
    text: str
    line: int
    """Its line in the raw text, counted from 1."""


@dataclass(frozen=True, kw_only=True)
class Cleaned:
    """The result of cleaning a text."""

    text: str
    removed: tuple[Removed, ...] = ()
    suspicious: tuple[Suspicious, ...] = ()
    set_aside: str = ""
    """Why it is not a song; empty if it is one."""


_DEFAULT = CleaningOptions()


def clean_record(record: RawRecord, *, options: CleaningOptions = _DEFAULT) -> Cleaned:
    """Clean the text of a raw record, knowing its title and artist."""
    return clean_text(record.text, title=record.title, artist=record.artist, options=options)


def clean_text(text: str, *, title: str = "", artist: str = "", options: CleaningOptions = _DEFAULT) -> Cleaned:
    """Return the song in a text, without what does not belong to it. Cleaning the result again changes nothing."""
    work = _Work(text, title=title, artist=artist, artists=options.folded_artists)
    settled = work.settle(options.rules) and (not options.choices or work.settle((*options.rules, *options.choices)))
    if not settled:
        work = _Work(text)
        work.settle(CHARACTERS)
        return Cleaned(text=work.text, set_aside="never comes clean")
    return Cleaned(
        text=work.text,
        removed=tuple(work.removed),
        suspicious=_still_there(work.suspicious, work.text),
        set_aside=why_no_song(work.text, artist),
    )


class _Work:
    """A text that rules work on, and what they have done so far."""

    def __init__(self, text: str, *, title: str = "", artist: str = "", artists: frozenset[str] = frozenset()) -> None:
        self.text = text
        self.removed: dict[Removed, None] = {}
        self.suspicious: dict[Suspicious, None] = {}
        self._about = RuleContext(title=title, artist=artist, artists=artists)
        self._see_anew()
        self._lines: Sequence[int] = ()
        """For each line the raw line it comes from; empty until it is needed."""

    def settle(self, rules: Sequence[Rule]) -> bool:
        """Run rules until none of them changes anything, even where nothing is known of what the text was before.

        Returns:
            False where that does not come to an end.
        """
        before = ""
        for _ in range(_MOST_PASSES):
            if not self._take_turns(rules):
                return False
            if self.text == before or not any(words in self._about.folded for words in _REMEMBERED):
                return True
            before = self.text
            self._see_anew()
        return False

    def _take_turns(self, rules: Sequence[Rule]) -> bool:
        """Run rules in turn until none of them changes anything; False where that does not come to an end."""
        quiet, most = 0, len(rules)
        for rule in islice(cycle(rules), _MOST_PASSES * most):
            findings = () if rule.only_rare and not rare(self.text) else rule.find(self.text, self._about)
            quiet = 0 if findings and self._do(rule, findings) else quiet + 1
            if quiet == most:
                return True
        return not rules

    def _do(self, rule: Rule, findings: Sequence[Finding]) -> bool:
        """Apply what a rule found; return whether that changed anything."""
        text, changed = self.text, False
        self._lines = lines = self._lines or range(1, text.count("\n") + 2)
        pieces: list[str] = []
        origins = [lines[0]]
        row = at = 0
        for finding in findings:
            span, new = text[finding.start : finding.end], finding.replacement
            first = row + text.count("\n", at, finding.start)
            last = first + span.count("\n")
            origins += lines[row + 1 : first + 1]
            if new is None or rule.reports:
                line = lines[min(first + len(span) - len(span.lstrip("\n")), len(lines) - 1)]
            if new is None:
                self.suspicious[Suspicious(rule=rule.name, text=span, line=line)] = None
                origins += lines[first + 1 : last + 1]
            else:
                changed = True
                origins += [lines[first]] * new.count("\n")
                # A whole line that is cut gives its number to the line that moves up; a span ending in a line break, to the next.
                if new.endswith("\n") or (span and (not finding.start or text[finding.start - 1] == "\n")):
                    origins[-1] = lines[last]
                if rule.reports and (span + new).strip(" \n"):
                    told = Removed(rule=rule.name, text=span, line=line, replacement=new.strip("\n"))
                    self.removed[told] = None
            pieces += (text[at : finding.start], span if new is None else new)
            row, at = last, finding.end
        if changed:
            self.text, self._lines = "".join((*pieces, text[at:])), [*origins, *lines[row + 1 :]]
            self._about.scraped |= rule.proves_scraping
            self._about.beheaded |= rule.name == "head"
            self._look()
        return changed

    def _see_anew(self) -> None:
        """Set the rules' context for a text that is seen for the first time."""
        context = self._about
        context.joined = "\n" not in self.text.strip() and "\\n" not in self.text
        context.untitled, context.beheaded, context.scraped = "EmbedShare" in self.text, False, False
        self._look()

    def _look(self) -> None:
        """Update the rules' context for the text as it is now; once known to be scraped, it stays so."""
        context, folded = self._about, lower(self.text)
        context.folded, context.lowered = folded, folded == self.text
        context.scraped = context.scraped or _is_scraped(self.text, folded)


def _still_there(suspicious: Iterable[Suspicious], text: str) -> tuple[Suspicious, ...]:
    """Return the suspicious spans that are still there; a later rule may have removed some."""
    if not (found := tuple(suspicious)):
        return ()
    folded = fold(text)
    return tuple(kept for kept in found if fold(kept.text) in folded)


def _is_scraped(text: str, folded: str) -> bool:
    """Return whether something in a text proves that it was taken from a lyrics page."""
    if ("<!--" in folded and ("<!--sse" in folded or "<!--/sse" in folded)) or _COUNTED.match(text):
        return True
    if "embed" in folded and ("EmbedShare URL" in text or _EMBEDDED.search(text, max(0, len(text) - _LONGEST_END))):
        return True
    if "get tickets" in folded and any(
        text.endswith(("Live", "\n"), 0, found.start()) for found in _TICKETS.finditer(text)
    ):
        return True
    return "you might also like" in folded and any(
        not (before := text[found.start() - 1 : found.start()]) or before == "\n" or before.islower()
        for found in _MARKED.finditer(text)
    )
