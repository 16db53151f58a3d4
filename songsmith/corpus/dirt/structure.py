"""Where a song's parts begin: headers in one style, empty choruses filled, the stanza that comes back. Removes no word."""

import re
from collections import Counter

from songsmith.corpus.dirt.rule import About, Finding, Rule, line_at, lines_of
from songsmith.lyrics import SectionKind, parse_header

_NAMES = (
    "pre-chorus|pre chorus|prechorus|post-chorus|chorus|refrain|verse|bridge|hook|intro|outro|couplet|estribillo|coro"
)
_PLAIN_NAMES = ("chorus", "refrain", "verse", "bridge", "hook", "intro", "outro", "couplet", "estribillo", "coro")
_SPELLINGS = {name: (name, name.capitalize(), name.upper()) for name in _PLAIN_NAMES}
_TIMES = r"(?:[x×]\s?\d{1,2}|\d{1,2}\s?[x×]|repeats?|repeated)"
_HEADING = re.compile(
    rf"(?P<opened>[*_#(\[{{<~=–— -]{{0,4}})(?P<again>repeat )?(?P<name>{_NAMES})(?P<number>\s?#?\d{{1,2}}|\s[ivx]{{1,4}})?"
    rf"(?:\s?(?:[(\[](?P<within>{_TIMES})[)\]]|(?P<times>{_TIMES})))?(?:\s?\((?P<who>[^()\n]{{1,40}})\))?"
    rf"(?P<closed>[*_#)\]}}>~=–—:. -]{{0,4}})",
    re.IGNORECASE,
)
_LONGEST_HEADING = 80
_WRAPPED = {"(": ")", "{": "}", "<": ">", "*": "*", "_": "_", "#": "", "=": "=", "~": "~", "-": "-", "–": "–", "—": "—"}
# Words that a line of a song may be by themselves.
_ALSO_SUNG = frozenset(("bridge", "hook", "verse", "coro", "couplet"))
_BRACKETED = re.compile(r"\[[^\[\]\n]{1,80}\]")
_BEGINNING = 12
_UNTOLD = str.maketrans("", "", " \n\t'\"!?.,;:()[]{}-_*/&`‘’“”–—…")
_BROKEN = re.compile(r"\((?:(\n)[^\n()\[\]]{1,200}(\n?)|[^\n()\[\]]{1,200}(\n))\)")
_WORD = re.compile(r"\w+")
_FEWEST_LINES = 2
# What filling empty choruses may add, so that a small text cannot grow without end.
_MOST_GROWTH = 4


def _glued_headers(text: str, about: About) -> list[Finding]:
    if "[" not in text:
        return []
    findings = []
    for found in _BRACKETED.finditer(text):
        before = text[found.start() - 1] if found.start() else "\n"
        after = text[found.end()] if found.end() < len(text) else "\n"
        if before == after == "\n" or not parse_header(found.group()):
            continue
        if after in "\n[" and not before.isspace() and before not in "([":
            findings.append(Finding(found.start(), found.start(), "\n\n"))
        elif before == "\n" and after.isalpha() and not re.match(r"x\d", text[found.end() :][:2]):
            findings.append(Finding(found.end(), found.end(), "\n"))
    return findings


def _styles(text: str, about: About) -> list[Finding]:
    """Find headers written otherwise than in brackets; a chorus with no words needs one before it that has some."""
    places = _places(text, [spelling for name in _PLAIN_NAMES if name in about.folded for spelling in _SPELLINGS[name]])
    if not places:
        return []
    shouted = text.isupper()
    findings: list[Finding] = []
    seen_chorus, done = False, -1
    for place in places:
        start, end = line_at(text, place) if _is_short(text, place) else (0, 0)
        if end <= done or end - start > _LONGEST_HEADING or end <= start:
            continue
        done, line = end, text[start:end].strip()
        kind = parse_header(line)
        below = text[end + 1 : line_at(text, end + 1)[1]] if end < len(text) else ""
        has_words = bool(below.strip()) and not parse_header(below.strip())
        header = (
            ""
            if kind
            else _header(
                line,
                after_blank=start == 0 or text.endswith("\n\n", 0, start),
                has_words=has_words,
                seen_chorus=seen_chorus,
                shouted=shouted,
                lowered=about.lowered,
            )
        )
        if header:
            kind = parse_header(header)
            findings.append(Finding(start, end, header))
        seen_chorus = seen_chorus or (kind is not None and kind[0] is SectionKind.CHORUS and has_words)
    return findings


def _places(text: str, words: list[str]) -> list[int]:
    """Return where any of these words stands, in order."""
    places = []
    for word in words:
        at = text.find(word)
        while at >= 0:
            places.append(at)
            at = text.find(word, at + 1)
    return sorted(places)


def _is_short(text: str, place: int) -> bool:
    """Return whether the line around `place` is short, looking no further than a header is long."""
    low, high = place - _LONGEST_HEADING, place + _LONGEST_HEADING
    return (low <= 0 or "\n" in text[low:place]) and (high >= len(text) or "\n" in text[place:high])


def _header(line: str, *, after_blank: bool, has_words: bool, seen_chorus: bool, shouted: bool, lowered: bool) -> str:
    """Return the header that a line is, in brackets; nothing if it may be sung."""
    found = _HEADING.fullmatch(line)
    if not found:
        return ""
    name, opened, closed = found["name"], found["opened"].strip(), found["closed"].strip()
    key = name.lower()
    bracketed = opened == "[" and closed in ("]", "]:", ":]")
    wrapped = bool(opened) and opened in _WRAPPED and closed.strip(":.") == _WRAPPED[opened]
    if opened and not wrapped and not bracketed and len(set(opened)) > 1:
        return ""
    doubled = len(opened) > 1 and set(opened) == set(closed.strip(":.")) and opened[0] in "*_=-#~"
    if (opened and not (wrapped or bracketed or doubled)) or (closed.strip(":.") and not opened):
        return ""
    colon = ":" in closed
    marked = bool(found["number"] or found["times"] or found["within"] or found["again"])
    if not (colon or wrapped or bracketed or doubled):
        capitals = name.isupper() and not shouted
        plain = name[0].isupper() or lowered
        if not capitals and not (plain and after_blank and (key not in _ALSO_SUNG or marked)):
            return ""
        if capitals and not after_blank and not has_words and not seen_chorus:
            return ""
    if key.endswith(("chorus", "refrain", "hook", "coro", "estribillo")) and not (has_words or seen_chorus or colon):
        return ""
    if found["again"] and not seen_chorus:
        return ""
    return _bracket(key, found)


def _bracket(key: str, found: "re.Match[str]") -> str:
    words = ["Pre-Chorus" if key.startswith("pre") else "-".join(part.capitalize() for part in key.split("-"))]
    if found["number"]:
        words.append(found["number"].strip(" #").upper())
    if times := re.search(r"\d+", found["within"] or found["times"] or ""):
        words.append(f"x{times.group()}")
    header = f"[{' '.join(words)}{': ' + found['who'].strip() if found['who'] else ''}]"
    return header if parse_header(header) else ""


def _bare_choruses(text: str, about: About) -> list[Finding]:
    """Find chorus headers with nothing under them: what was sung under that header before is sung again."""
    if text.count("[") < 2:
        return []
    rows = list(lines_of(text))
    known: dict[str, list[str]] = {}
    findings: list[Finding] = []
    room = _MOST_GROWTH * len(text) + 2000
    for number, (start, line) in enumerate(rows):
        header = parse_header(line.strip()) if line.startswith("[") else None
        if header is None or header[0] is not SectionKind.CHORUS:
            continue
        name = _name_of(line)
        if stanza := _stanza(rows, number + 1):
            known[name] = stanza
            continue
        sung = known.get(name, [])
        # A blank line may divide a header from its own words.
        if not sung or _words(_stanza(rows, number + 2)) == _words(sung):
            continue
        closely = number + 1 < len(rows) and bool(rows[number + 1][1].strip())  # another header directly below
        finding = Finding(start + len(line), start + len(line), "\n" + "\n".join(sung) + ("\n" if closely else ""))
        findings.append(finding)
        room -= len(finding.replacement or "")
        if room < 0:
            return []
    return findings


def _name_of(line: str) -> str:
    """Return which of a song's choruses a header names: `chorus` for the one that is also hook and refrain."""
    found = re.match(r"\[\s*([^\W\d_]+(?:-[^\W\d_]+)?)", line)
    name = found.group(1).lower() if found else ""
    return "chorus" if name in ("hook", "refrain", "coro", "estribillo") else name


def _stanza(rows: list[tuple[int, str]], first: int) -> list[str]:
    """Return the lines from row `first` to before a blank line or a header."""
    lines: list[str] = []
    for _, line in rows[first : first + 200]:
        if not line.strip() or parse_header(line.strip()):
            break
        lines.append(line)
    return lines


def _words(lines: list[str]) -> list[str]:
    return _WORD.findall("\n".join(lines).casefold().replace("'", "").replace("’", ""))


def _returning_stanza(text: str, about: About) -> list[Finding]:
    """Find the headerless stanza that comes back most often: it is the chorus, each time it is sung."""
    # First whether any begins as another does, which costs little to know.
    beginnings = [_beginning(stanza) for stanza in about.folded.split("\n\n")]
    if len(set(beginnings)) == len(beginnings):
        return []
    starts: dict[int, tuple[str, ...]] = {}
    place, after_bare = 0, False
    for stanza in text.split("\n\n"):
        lines = [line for line in stanza.split("\n") if line.strip()]
        headers = [parse_header(line.strip()) for line in lines]
        if any(header and header[0] is SectionKind.CHORUS for header in headers):
            return []
        if len(lines) >= _FEWEST_LINES and not any(headers) and not after_bare:
            starts[place + len(stanza) - len(stanza.lstrip("\n"))] = tuple(_words(lines))
        after_bare = bool(headers) and headers[-1] is not None
        place += len(stanza) + 2
    counts = Counter(words for words in starts.values() if words)
    most = max(counts.values(), default=1)
    if most < 2:
        return []
    # Of two that come back as often, the chorus is the one first sung later: a verse leads to it.
    chorus = [words for words, count in counts.items() if count == most][-1]
    return [Finding(start, start, "[Chorus]\n") for start, words in starts.items() if words == chorus]


def _beginning(stanza: str) -> str:
    """Return the first letters of a stanza, without the spaces and marks between them."""
    letters = stanza[:40].translate(_UNTOLD)
    if len(letters) < _BEGINNING and len(stanza) > 40:
        letters = stanza.translate(_UNTOLD)
    return letters[:_BEGINNING]


def _broken_ad_libs(text: str, about: About) -> list[Finding]:
    """Find line breaks just inside parentheses, where a scraper broke the line at a change of type."""
    if "(\n" not in text and "\n)" not in text:
        return []
    breaks = [match.span(group) for match in _BROKEN.finditer(text) for group in (1, 2, 3) if match.group(group)]
    return [Finding(start, end) for start, end in breaks]


STRUCTURE: tuple[Rule, ...] = (
    Rule(name="ad-libs", does="A line broken just inside parentheses becomes one again.", find=_broken_ad_libs, reports=False),
    Rule(name="glued headers", does="A header glued to a line gets a line of its own.", find=_glued_headers, reports=False),
    Rule(name="header styles", does="`Chorus:`, `(Chorus x2)` and `CHORUS` become `[Chorus]`.", find=_styles),
    Rule(name="bare choruses", does="A chorus that is only named is written out.", find=_bare_choruses),
    Rule(name="returning stanza", does="In a song without a chorus, the stanza that comes back is called the chorus.",
         find=_returning_stanza),
)  # fmt: skip
"""In the order in which they run."""
