"""Where a song's parts begin: headers in one style, each on a line of its own. Removes no word that is sung."""

import re
from dataclasses import dataclass
from itertools import accumulate

from songsmith.corpus.rules.choruses import CHORUSES, headers_in, plain_headers
from songsmith.corpus.rules.rule import Finding, Rule, RuleContext, line_at, line_near, rows_of
from songsmith.headers import SectionKind, is_left_open, kind_of_name, may_be_singers, may_name, parse_header

_BRACKETED = re.compile(r"\[[^\[\]\n]{1,80}\]")
# A header that shares its line with words.
_GLUED = re.compile(r"\[(?:(?<=[^\n]\[)[^\[\]\n]{1,80}\]|[^\[\]\n]{1,80}\](?=[^\n]))")
_TIMES = r"(?:[x×]\s?\d{1,2}|\d{1,2}\s?[x×]|repeat(?:s|ed)?|twice)"
_ONLY_TIMES = re.compile(rf"\s*[(:–-]?\s*(?P<times>{_TIMES})\)?\s*", re.IGNORECASE)
_THEN_WORDS = re.compile(r"\s*[:–-]?\s*(?=[^\W\d_]|['’\"“(¿¡])")
_DASHES = ("-", "–", "—")
_BEFORE_SINGERS = re.compile(r"\s*[:：]\s*|\s+(?P<dash>[-–—])\s+")
_LONGEST_HEADING = 80
_LONGEST_LINE = 300
_LONGEST_PLAIN = 30
_OPENING = "*_#([{<=~–—【［〔〈《「-"
_CLOSING = "*_#)]}>=~–—】］〕〉》」-"
_OPENING_MARKS = frozenset(_OPENING)
_CLOSING_MARKS = frozenset(":：]")
# A row that may be a heading by how it begins: not with `[`, and, unless a blank row is above, not with a letter and a small one.
_ODD_ROW = re.compile(r"\n(?!\n?\[|[^\W_][a-z ,'])")
# Signs that are not put around a line that is sung: `***Hook***`; `(Hook)` and `-Hook-` may be sung.
_SIGNS_OF_HEADERS = frozenset("*_#{<=~【")
_MIRROR = str.maketrans("([{<【［〔〈《「", ")]}>】］〕〉》」")
_HEADING = re.compile(
    rf"(?P<opened>[{re.escape(_OPENING)} ]{{0,6}})(?P<core>[^\W_].*?)(?:\s?[(\[](?P<within>[^()\[\]]{{1,40}})[)\]])?"
    rf"(?P<closed>[{re.escape(_CLOSING)}:：. ]{{0,6}}?)(?P<tail>\s?{_TIMES})?\s?[:：.]?",
    re.IGNORECASE,
)
_INLINE = re.compile(r"(?P<name>[^\W_][^:：()\[\]]{1,24})\s?[:：]\s*(?=[^\W\d_]|['’\"“(¿¡])")
_REPEAT = re.compile(r"repeat(?:s|ed|ing)?", re.IGNORECASE)
_ROMAN = re.compile(r"[ivx]{1,5}", re.IGNORECASE)
# Names that are never sung as a line; others (`Bridge`, `Coro`) are headers only where something else shows that there are some.
_NEVER_SUNG = re.compile(
    r"chorus|\bintro\b|\boutro\b|refr[aäãåéeè]|estribillo|ritornello|nakarat|omkv|kertosäe|kehrreim|припев|приспів|интро|аутро|"
    r"ρεφρ|후렴|코러스|サビ|コーラス|副歌|主歌|פזמון|كورس",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"\d|\b[ivx]+$|\b(?:one|two|three|four|first|second|third|last)\b", re.IGNORECASE)
_PART = re.compile(r"(?:part|pt|act|movement|teil|partie|parte|del|часть)\b", re.IGNORECASE)
# `One refrain:` is part of a sentence.
_MORE_THAN_A_NAME = re.compile(
    r"\b(?:one|two|three|the|of|with|and|to|out|only|single|other|another|next|new|old|then|till|until|music|dance)\b(?!$)",
    re.IGNORECASE,
)


def _glued_headers(text: str, context: RuleContext) -> list[Finding]:
    if "[" not in text:
        return []
    findings = []
    for found in _GLUED.finditer(text):
        start, end = found.span()
        before = text[start - 1 : start] or "\n"
        if not parse_header(found.group()):
            continue
        left, right = text[line_near(text, start)[0] : start], text[end : line_near(text, end)[1]]
        alone = not right.strip() or right.startswith("[")
        apart = not before.isspace() or (alone and (len(left.split()) > 1 or parse_header(left.strip()) is not None))
        if not apart and not found.group()[1].islower() and right.lstrip()[:1].isupper():
            apart = crowded = _is_crowded(text, start)
        else:
            crowded = False
        if left.strip() and apart and before not in "([" and (alone or crowded or right[0].isupper()):
            findings.append(Finding(start - len(left) + len(left.rstrip()), start, "\n\n"))
        elif left.strip():
            continue
        if times := _ONLY_TIMES.fullmatch(right):
            findings.append(Finding(end - 1, end + len(right), f"{_count(times['times'])}]"))
        elif right.lstrip()[:1] in _DASHES and may_be_singers(singers := right.strip(" -–—")) and _has_words(text, end):
            findings.append(Finding(end - 1, end + len(right), f": {singers}]"))
        elif right.lstrip().startswith("[") and not parse_header(right.strip()[: right.strip().find("]") + 1]):
            findings.append(Finding(end, end + len(right) - len(right.lstrip()), "\n"))
        elif words := _THEN_WORDS.match(right):
            findings.append(Finding(end, end + words.end(), "\n"))
    return findings


def _is_crowded(text: str, position: int) -> bool:
    """Return whether the line around `position` is many lines joined: too long, or with another header on it."""
    start, end = line_near(text, position)
    return end - start > _LONGEST_LINE or any(
        not text.startswith(found.group(), position) and parse_header(found.group())
        for found in _BRACKETED.finditer(text, start, end)
    )


def _has_words(text: str, position: int) -> bool:
    """Return whether there is something other than a header below the line around `position`."""
    start, end = line_at(text, line_at(text, position)[1] + 1)
    return start > position and bool(text[start:end].strip()) and not parse_header(text[start:end].strip())


def _count(times: str) -> str:
    """Return how a header says how often: `2x` is ` x2`. Being repeated as such is shown by having no words of its own."""
    number = re.search(r"\d+", times)
    return f" x{number.group()}" if number else " x2" if times.casefold() == "twice" else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """A line and its surroundings."""

    line: str
    start: int
    end: int
    after_blank: bool
    has_words: bool
    """Whether there is something other than a header below it."""
    words_follow: bool
    """The same, with a blank row in between or not."""
    after_chorus: bool
    """Whether a chorus in brackets has been sung before it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Heading:
    """A line that may be a header written otherwise than in brackets."""

    place: _Place
    end: int
    header: str
    """What it would be in brackets."""
    kind: SectionKind
    name: str
    style: str
    """The first of the signs around it; empty where there are none."""
    colon: bool
    repeats: bool
    counted: bool
    """Whether it says how often."""

    @property
    def marked(self) -> bool:
        """Whether the signs around it, or its capitals, show that it is not sung."""
        return self.style in _SIGNS_OF_HEADERS if self.style else self.name.isupper()

    @property
    def sure(self) -> bool:
        """Whether it is a name that is never sung."""
        numbered = self.kind is SectionKind.VERSE and _NUMBERED.search(self.name) and not _PART.match(self.name)
        return bool(numbered) or self.counted or _NEVER_SUNG.search(self.name) is not None


def _styles(text: str, context: RuleContext) -> list[Finding]:
    """Find headers not written in brackets; a chorus without words counts only if one with words comes before it."""
    headings, headed = _headings(text)
    if not headings:
        return []
    styles = {heading.style for heading in headings if heading.sure}
    plain = {
        heading.name.casefold()
        for heading in headings
        if not heading.style and heading.place.after_blank and heading.place.has_words
    }
    evident = headed or bool(styles) or len(plain) > 1
    shouted, findings, sung = text.isupper(), [], False
    accepted: set[str] = set()
    for heading in headings:
        place = heading.place
        after_chorus = sung or place.after_chorus
        again = heading.name in accepted or (heading.kind is SectionKind.CHORUS and heading.sure and after_chorus)
        if heading.repeats and not after_chorus:
            continue
        if heading.kind in (SectionKind.CHORUS, SectionKind.PRECHORUS) and not (
            place.has_words
            or after_chorus
            or heading.colon
            or heading.style == "["
            or (heading.marked and heading.sure and (place.words_follow or heading.style))
        ):
            continue
        evidence = heading.style in styles if heading.style else evident
        # In a song with headers in brackets, little else is one.
        if headed and not (
            place.after_blank
            or heading.style == "["
            or (heading.sure and (heading.colon or (heading.marked and (heading.style or not shouted))))
        ):
            continue
        if _is_header(heading, evidence=evidence, again=again, cased=not shouted, lowered=context.lowered):
            # The first chorus has its words below it, though a blank row stands between.
            apart = heading.kind is SectionKind.CHORUS and place.words_follow and not (place.has_words or after_chorus)
            findings.append(Finding(place.start, heading.end + apart, heading.header))
            accepted.add(heading.name)
            sung = sung or (heading.kind is SectionKind.CHORUS and place.words_follow)
    return findings


def _is_header(heading: _Heading, *, evidence: bool, again: bool, cased: bool, lowered: bool) -> bool:
    """Return whether a heading is one. `evidence`: others in the song are; `again`: this very one was before."""
    place, opening = heading.place, heading.name.split()[0]
    if heading.style == "[":
        return True
    if heading.style:
        by_signs = heading.style in _SIGNS_OF_HEADERS and place.after_blank and place.has_words
        return heading.sure or by_signs or (evidence and (place.has_words or again))
    if heading.colon:
        return heading.sure or place.after_blank or evidence
    if opening.isupper() and cased and (heading.sure or evidence):
        return place.after_blank or place.words_follow or again or place.after_chorus
    if not place.after_blank or not (lowered or not opening[0].islower()):
        return False
    return heading.sure or (evidence and (place.has_words or again))


def _headings(text: str) -> tuple[list[_Heading], bool]:
    """Return the lines that name a part of a song and nothing else, and whether there are others, in whole brackets."""
    headings: list[_Heading] = []
    if _has_only_headers(text):
        return [], True
    rows = rows_of(text)
    known = headers_in(text)
    # Which rows cannot be one, which is fast.
    places = [
        number
        for number, (above, row) in enumerate(zip(("", *rows), rows, strict=False))
        if row
        and (
            not above
            or row[0] in _OPENING_MARKS
            or row[-1] in _CLOSING_MARKS
            or (len(row) <= _LONGEST_PLAIN and row[1:2].isupper())
            or above.isspace()
        )
    ]
    starts: list[int] = []
    below, sung = 0, False
    for number in sorted({*places, *known}) if known else places:
        row = rows[number]
        if number < below:
            continue
        if number in known:
            below, kind = known[number]
            sung = sung or (
                kind is SectionKind.CHORUS and below not in known and bool("".join(rows[below : below + 1]))
            )
            continue
        after_blank = number == 0 or not rows[number - 1].strip()
        short = len(row) <= _LONGEST_PLAIN
        if not (
            ((row[0] in _OPENING_MARKS or row[-1] in _CLOSING_MARKS) and len(row) <= _LONGEST_HEADING)
            or (short and (after_blank or row[1:2].isupper()))
            or (after_blank and (":" in row[:_LONGEST_PLAIN] or "：" in row[:_LONGEST_PLAIN]))
        ) or not may_name(row[:_LONGEST_HEADING]):
            continue
        if row[0] == "[" and is_left_open(rows, number):
            continue
        has_words, follows = (
            next_row < len(rows) and next_row not in known and bool(rows[next_row].strip())
            for next_row in (number + 1, number + 2)
        )
        stripped = row.strip()
        starts = starts or list(accumulate((len(row) + 1 for row in rows), initial=0))
        place = starts[number]
        line = _Place(
            line=stripped, start=place + row.index(stripped[0]), end=place + len(row), after_blank=after_blank,
            has_words=has_words, words_follow=has_words or follows, after_chorus=sung,
        )  # fmt: skip
        heading = _heading(line) if len(row) <= _LONGEST_HEADING else None
        if heading := heading or (_inline_heading(line) if after_blank else None):
            headings.append(heading)
    return headings, bool(known)


def _has_only_headers(text: str) -> bool:
    """Return whether all rows that may be headings are headers already, as in most songs; this is faster than reading them."""
    return (
        text.startswith("[")
        and not _ODD_ROW.search(text)
        and (headers := plain_headers(text)) is not None
        and len(headers) == text.count("]\n") + text.endswith("]")
        and ":\n" not in text
        and "：\n" not in text
        and text[-1] not in ":："
    )


def _heading(place: _Place) -> _Heading | None:
    """Read a line that is only a heading: its name, the signs around it, how often, and who sings."""
    found = _HEADING.fullmatch(place.line)
    if not found:
        return None
    opened, closed = found["opened"].replace(" ", ""), re.sub(r"[ :：.]", "", found["closed"])
    cut = _BEFORE_SINGERS.search(found["core"])
    name, singers = (found["core"][: cut.start()], found["core"][cut.end() :]) if cut else (found["core"], "")
    within = (found["within"] or "").strip()
    times = _ONLY_TIMES.fullmatch(within)
    if within and not times:
        singers = within
    marks = opened + closed
    broken = bool(marks) and set(marks) <= set("[]()") and ("[" in opened or "]" in closed)
    wrapped = bool(opened) and (closed == opened[::-1].translate(_MIRROR) or (set(opened) == {"#"} and not closed))
    kind = kind_of_name(name)
    if kind is None or not (broken or wrapped or not marks) or not may_be_singers(singers):
        return None
    # `Verse 1 - Ann` is a heading, but `Verse 1: Ann` may be sung.
    if not marks and ((cut and not cut["dash"]) or _MORE_THAN_A_NAME.search(name)):
        return None
    often = _count(found["tail"] or (times["times"] if times else ""))
    header = f"[{_in_style(name)}{often}{f': {singers.strip()}' if singers.strip() else ''}]"
    return _Heading(
        place=place, end=place.end, header=header, kind=kind, name=name.strip(), style="[" if broken else opened[:1],
        colon=place.line[-3:].rstrip(" )").endswith((":", "：")), repeats=_REPEAT.search(f"{name} {within}") is not None,
        counted=bool(often),
    ) if parse_header(header) else None  # fmt: skip


def _inline_heading(place: _Place) -> _Heading | None:
    """Read a heading with the first words of its section on the same line."""
    found = _INLINE.match(place.line)
    kind = kind_of_name(found["name"]) if found else None
    if found is None or kind is None or _MORE_THAN_A_NAME.search(found["name"]):
        return None
    header = f"[{_in_style(found['name'])}]\n"
    heading = _Heading(
        place=place, end=place.start + found.end(), header=header, kind=kind, name=found["name"].strip(), style="",
        colon=False, repeats=False, counted=False,
    )  # fmt: skip
    return heading if heading.sure and parse_header(header.strip()) else None


def _in_style(name: str) -> str:
    """Return a name in the style of headers: `PRE CHORUS 2X` is `Pre-Chorus x2`; capitals within a word are kept."""
    styled = []
    for word in name.split():
        if _REPEAT.fullmatch(word):
            continue
        if _ONLY_TIMES.fullmatch(word):
            styled.append(_count(word).strip())
        elif _ROMAN.fullmatch(word):
            styled.append(word.upper())
        elif word.isupper() or word.islower():
            styled.append("-".join(part.capitalize() for part in word.lstrip("#").split("-")))
        else:
            styled.append(word)
    return re.sub(r"^(Pre|Post) (?=[A-Z])", r"\1-", " ".join(styled))


STRUCTURE: tuple[Rule, ...] = (
    Rule(name="glued headers", does="Puts a header that is stuck to a line on its own line.", find=_glued_headers, reports=False),
    Rule(name="header styles", does="Turns `Chorus:`, `(Chorus x2)` and `CHORUS` into `[Chorus]`.", find=_styles),
    *CHORUSES,
)  # fmt: skip
"""In the order in which they run."""
