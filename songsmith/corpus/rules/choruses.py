"""Find the chorus: one that is only named is written out, one that returns gets its header. Removes nothing."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from songsmith.corpus.rules.rule import Finding, Rule, RuleContext, lines_of, rows_of
from songsmith.headers import SectionKind, find_headers, is_instrumental, kind_of_name, parse_header
from songsmith.words import COMPARED_WORD, LETTERS

_NAME = re.compile(r"\[\s*([^:;|,(–—\]/&+]*)")
_OPENED = re.compile(r"\n[^\S\n]*(\[[^\n]*)")
# A line that ends in a bracket and may have no words below it.
_MAY_BE_BARE = re.compile(r"\](?!\S)(?!\n(?:[^\W\d_xXrR]|[rR][^\W\d_eE]|[xX][^\W\d_]))")
_STANZA_WITHOUT_BRACKET = re.compile(r"\n\n(?![\n\[])")
_HOW_OFTEN = re.compile(r"\s*[(,–-]*\s*(?:\b[x×]\s?\d{1,2}\b|\b\d{1,2}\s?[x×](?!\w))\)?")
_ONLY_HOW_OFTEN = re.compile(
    r"[(\[]?(?:[x×]\s?\d{1,2}|\d{1,2}\s?[x×]|repeat(?: [x×]?\s?\d{1,2}[x×]?)?)[)\]]?", re.IGNORECASE
)
_WHICH_ONE = frozenset(("final", "last", "first", "second", "third", "double", "x"))
_REPEAT = re.compile(r"\brepeat(?:s|ed)?\b\s*", re.IGNORECASE)
_SUNG_AGAIN = (SectionKind.CHORUS, SectionKind.PRECHORUS)
# Counted among choruses, but not one that stands for another.
_NOT_MAIN = re.compile(r"post|pós|po|после|пост|after|drop|дроп|beat|포스트|ポスト|後|hậu|arka|jälki", re.IGNORECASE)
# How much filling in empty choruses may add, so that a small text cannot grow without end.
_MOST_GROWTH = 4
_LONGEST_SECTION = 200
_BEGINNING = 12
_UNTOLD = str.maketrans("", "", " \n\t'\"!?.,;:()[]{}-_*/&`‘’“”–—…")
_AD_LIB = re.compile(r"\([^()]*\)")
_FEWEST_LINES = 2
_FEWEST_VARYING_LINES = 4
_ALIKE = 0.75
_FEWEST_VERSE_HEADERS = 2
_MOST_STANZAS = 3
# In a ballad of thirty stanzas, two may be alike without being a chorus.
_MOST_STANZAS_A_CHORUS = 8


# Several rules ask this of the same text in turn.
@lru_cache(maxsize=2)
def plain_headers(text: str) -> list[SectionKind] | None:
    """Return the kinds of a text's headers if every bracket at the beginning of a row is a whole header, as in most songs."""
    headers = [parse_header(row.rstrip()) for row in _OPENED.findall(f"\n{text}")] if "[" in text else []
    return [header[0] for header in headers if header] if all(headers) else None


@lru_cache(maxsize=2)
def headers_in(text: str) -> dict[int, tuple[int, SectionKind]]:
    """Return the row of each header of a text, with the row after it and its kind."""
    if "[" not in text:
        return {}
    heads, row, at, rows = {}, -1, 0, f"\n{text}"
    for found in _OPENED.finditer(rows):
        line, begin = found[1].rstrip(), found.start(1)
        row += rows.count("\n", at, begin)
        at = begin
        if "]" not in line:  # it may be broken over several rows
            return {row: (row + height, kind) for row, height, (kind, _) in find_headers(rows_of(text))}
        if header := parse_header(line):
            heads[row] = (row + 1, header[0])
    return heads


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """A header and what is below it."""

    first_row: int
    last_row: int
    line: str
    """The header, on one line."""
    kind: SectionKind
    stanzas: tuple[tuple[int, int], ...]
    """First row and row after the last of each stanza up to the next header; a row that only says how often is not a stanza."""
    below: bool
    """Whether the first stanza is directly below the header."""


@lru_cache(maxsize=2)
def _parts(text: str) -> Sequence[_Part]:
    rows, heads = rows_of(text), headers_in(text)
    ends = [*list(heads)[1:], len(rows)]
    parts = []
    for (row, (after, kind)), end in zip(heads.items(), ends, strict=False):
        stanzas, first = [], -1
        for place in range(after, end + 1):
            blank = place == end or not rows[place].strip()
            if blank and first >= 0:
                if not all(_ONLY_HOW_OFTEN.fullmatch(line.strip()) for line in rows[first:place]):
                    stanzas.append((first, place))
                first = -1
            elif not blank and first < 0:
                first = place
        last = after - 1
        line = " ".join(line.strip() for line in rows[row : last + 1])
        below = bool(stanzas) and stanzas[0][0] == last + 1
        parts.append(_Part(first_row=row, last_row=last, line=line, kind=kind, stanzas=tuple(stanzas), below=below))
    return parts


def _have_words_below(text: str, rows: Sequence[str]) -> bool:
    """Return whether every header has words directly below it, as in most songs; this is faster than `_parts`."""
    heads, last = headers_in(text), len(rows)
    return not any(
        below >= last or below in heads or not (line := rows[below].strip()) or _ONLY_HOW_OFTEN.fullmatch(line)
        for below, _ in heads.values()
    )


def _has_headed_verses(parts: Sequence[_Part]) -> bool:
    """Return whether verses have headers in this song: a stanza without one then belongs to the section before it."""
    return sum(part.kind is SectionKind.VERSE and kind_of_name(_name(part.line)) is not None for part in parts) >= (
        _FEWEST_VERSE_HEADERS
    )


def _name(line: str) -> str:
    found = _NAME.match(line)
    return _HOW_OFTEN.sub("", found.group(1)) if found else ""


def header_keys(line: str, kind: SectionKind) -> Iterator[str]:
    """Yield the keys a chorus is looked up by: its whole header, its name, and its kind unless it is not the main chorus."""
    yield re.sub(r"[\[\]\s]", "", _REPEAT.sub("", _HOW_OFTEN.sub("", line))).casefold()
    if kind not in _SUNG_AGAIN:
        return
    name = _REPEAT.sub("", _name(line))
    yield " ".join(word for word in LETTERS.findall(name.casefold()) if word not in _WHICH_ONE)
    if not _NOT_MAIN.match(name):
        yield kind


def is_sung_again(line: str, kind: SectionKind) -> bool:
    """Return whether a header without words stands for words that were sung before: a chorus, or what says `Repeat`."""
    return (kind in _SUNG_AGAIN or _REPEAT.search(line) is not None) and not is_instrumental(line)


def _bare_choruses(text: str, context: RuleContext) -> list[Finding]:
    """Find chorus headers with nothing below them, and fill in what was sung under that header before, or is first sung later."""
    if text.count("[") < 2 or not _MAY_BE_BARE.search(text):
        return []
    rows = rows_of(text)
    if _have_words_below(text, rows):
        return []
    parts = _parts(text)
    if sum(part.kind in _SUNG_AGAIN or _REPEAT.search(part.line) is not None for part in parts) < 1:
        return []
    closed = _has_headed_verses(parts)
    # Where stanzas have no headers, the one after an empty header may be a verse.
    loose = not closed and (_begins_loose(rows, parts) or any(len(part.stanzas) > part.below for part in parts))
    sung: dict[int, Sequence[str]] = {}
    for part in parts:
        if part.stanzas and not is_instrumental(part.line) and (part.below or not loose):
            first, end = part.stanzas[0][0], part.stanzas[-1 if closed else 0][1]
            sung[part.first_row] = rows[first : min(end, first + _LONGEST_SECTION)]
    ever: dict[str, Sequence[str]] = {}
    for part in reversed(parts):
        if part.first_row in sung:
            ever |= dict.fromkeys(header_keys(part.line, part.kind), sung[part.first_row])
    starts = [start for start, _ in lines_of(text)]
    known: dict[str, Sequence[str]] = {}
    findings: list[Finding] = []
    room = _MOST_GROWTH * len(text) + 2000
    for part in parts:
        if part.first_row in sung:
            known |= dict.fromkeys(header_keys(part.line, part.kind), sung[part.first_row])
            continue
        words = next(
            (some[key] for some in (known, ever) for key in header_keys(part.line, part.kind) if key in some), None
        )
        if not words or not is_sung_again(part.line, part.kind):
            continue
        if part.stanzas and _words(rows[slice(*part.stanzas[0])]) == _words(words):
            continue  # a blank line separates it from its own words
        below = rows[part.last_row + 1] if part.last_row + 1 < len(rows) else ""
        closely = bool(below.strip()) and not _ONLY_HOW_OFTEN.fullmatch(below.strip())
        end = starts[part.last_row] + len(rows[part.last_row])
        findings.append(Finding(end, end, "\n" + "\n".join(words) + ("\n" if closely else "")))
        room -= len(findings[-1].replacement or "")
        if room < 0:
            return []
    return findings


def _begins_loose(rows: Sequence[str], parts: Sequence[_Part]) -> bool:
    return any(row.strip() for row in rows[: parts[0].first_row])


def _continued_sections(text: str, context: RuleContext) -> list[Finding]:
    """Find the later stanzas of choruses, bridges and so on, in songs whose verses have headers: they are not verses."""
    if text.count("[") < 2 or not _STANZA_WITHOUT_BRACKET.search(text):
        return []
    parts = _parts(text)
    headed = _has_headed_verses(parts)
    following = [part.kind for part in parts[1:]] + [None] * bool(parts)
    found = []
    for part, after in zip(parts, following, strict=True):
        ends = part.kind is SectionKind.OUTRO and after is None and len(parts) > 1
        begins = part.kind is SectionKind.INTRO and after is not SectionKind.VERSE
        if part.kind is SectionKind.VERSE or begins or not (headed or ends) or is_instrumental(part.line):
            continue
        later = part.stanzas[1:]
        # A song with blank lines between all its lines has no stanzas.
        if len(part.stanzas) > _MOST_STANZAS or any(end - first < _FEWEST_LINES for first, end in later):
            continue
        found += [(first, _HOW_OFTEN.sub("", part.line).strip()) for first, _ in later]
    starts = [start for start, _ in lines_of(text)] if found else []
    return [Finding(starts[row], starts[row], f"{header}\n") for row, header in found if parse_header(header)]


def _words(lines: Sequence[str]) -> list[str]:
    return COMPARED_WORD.findall("\n".join(lines).casefold().replace("'", "").replace("’", ""))


def _returning_stanza(text: str, context: RuleContext) -> list[Finding]:
    """Find the headerless stanza that comes back most often: it is the chorus, each time it is sung."""
    kinds = plain_headers(text)
    if SectionKind.CHORUS in (kinds if kinds is not None else [kind for _, kind in headers_in(text).values()]):
        return []
    # Then whether any begins as another does, which is fast.
    beginnings = [_beginning(stanza) for stanza in context.folded.split("\n\n")]
    if len(set(beginnings)) == len(beginnings):
        return []
    starts: dict[int, tuple[str, ...]] = {}
    place, after_bare = 0, False
    for stanza in text.split("\n\n"):
        lines = [line for line in stanza.split("\n") if line.strip()]
        headers = list(find_headers(lines)) if "[" in stanza else []
        if len(lines) >= _FEWEST_LINES and not headers and not after_bare:
            starts[place + len(stanza) - len(stanza.lstrip("\n"))] = _sung(lines)
        after_bare = any(row + height == len(lines) for row, height, _ in headers)
        place += len(stanza) + 2
    chorus = _chorus(list(starts.values()))
    return [Finding(start, start, "[Chorus]\n") for start, lines in starts.items() if lines in chorus]


def _sung(lines: list[str]) -> tuple[str, ...]:
    """Return the words of each line as they are compared; ad-libs are left out where there are other words."""
    sung = []
    for line in lines:
        words = " ".join(_words([_AD_LIB.sub(" ", line) if "(" in line else line])) or " ".join(_words([line]))
        if words:
            sung.append(words)
    return tuple(sung)


def _chorus(stanzas: list[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """Return the wordings of the chorus among a song's stanzas: the stanza that comes back most often, and those like it."""
    counts = Counter(stanza for stanza in stanzas if len(stanza) >= _FEWEST_LINES)
    most = max(counts.values(), default=0)
    if most > 1 and (most * _MOST_STANZAS_A_CHORUS < len(stanzas) or _repeats_itself(stanzas)):
        return set()
    if most > 1:
        # Of two that come back equally often, the chorus is the one first sung later: a verse leads to it.
        exact = [stanza for stanza, count in counts.items() if count == most][-1]
        alike = {stanza for stanza in counts if stanza == exact or _are_alike(stanza, exact)}
        return alike if any(stanza not in alike for stanza in counts) else {exact}
    by_beginning: dict[str, list[tuple[str, ...]]] = {}
    for stanza in counts:
        if len(stanza) >= _FEWEST_VARYING_LINES:
            by_beginning.setdefault(stanza[0], []).append(stanza)
    varied = max(by_beginning.values(), key=len, default=[])
    alike = {stanza for stanza in varied if _are_alike(stanza, varied[0])}
    # Where most stanzas share their lines, they are verses of one pattern.
    return alike if 2 <= len(alike) <= len(counts) - len(alike) else set()


def _repeats_itself(stanzas: list[tuple[str, ...]]) -> bool:
    """Return whether the whole song is repeated several times: that makes none of its stanzas a chorus."""
    size = next((size for size in range(1, len(stanzas) // 2 + 1) if stanzas[size] == stanzas[0]), 0)
    return bool(size) and len(stanzas) % size == 0 and stanzas == stanzas[:size] * (len(stanzas) // size)


def _are_alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    same = (Counter(one) & Counter(other)).total()
    return abs(len(one) - len(other)) <= 1 and same >= _ALIKE * max(len(one), len(other))


def _beginning(stanza: str) -> str:
    """Return the first letters of a stanza, without the spaces and marks between them."""
    letters = stanza[:40].translate(_UNTOLD)
    if len(letters) < _BEGINNING and len(stanza) > 40:
        letters = stanza.translate(_UNTOLD)
    return letters[:_BEGINNING]


CHORUSES: tuple[Rule, ...] = (
    Rule(name="bare choruses", does="Writes out a chorus that is only named, and what says `Repeat`.", find=_bare_choruses),
    Rule(name="continued sections", does="Labels a later stanza of a chorus in a song whose verses have headers.",
         find=_continued_sections),
    Rule(name="returning stanza", does="Labels the stanza that returns as the chorus, in a song without one.",
         find=_returning_stanza),
)  # fmt: skip
"""In the order in which they run."""
