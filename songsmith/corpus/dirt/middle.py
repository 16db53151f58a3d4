"""What a lyrics page puts between the lines of a song: tickets, recommendations, the page twice. Knows no other place."""

import re

from songsmith.corpus.dirt.rule import About, Finding, Rule, fold, line_at, lines_of, whole_line
from songsmith.lyrics import parse_header

_AMOUNT, _CODE = r"\d{1,6}(?:[.,]\d{1,3}){0,2}", "CHF|EUR|GBP|USD|CAD|AUD|SEK|NOK|DKK|PLN"
PRICE = rf"(?:(?:[A-Z]{{1,3}} ?)?[$€£¥₹₩₪₺₽]|{_CODE}|kr\.?) ?{_AMOUNT}|{_AMOUNT} ?(?:[$€£¥₹₩₪₺₽]|{_CODE}|kr|zł)"
"""How a page writes any price: `$307`, `CA$1,079`, `79 €`."""
_TICKETS = re.compile(rf"get tickets (?:as low as (?:{PRICE})|for your favorite artists)", re.IGNORECASE)
_SEE = re.compile(r"see (?:.{1,80} live|.{1,60} shows near .{1,60}|upcoming .{1,60} shows)", re.IGNORECASE)
_LONGEST_SEE = 140
_MARKER = re.compile("you might also like", re.IGNORECASE)
_LIKE_WORDS = frozenset(["s", "d", "ly", "lier", "liest", "n", "ns", "ned", "ness", "nesses", "wise", "lihood", "able"])
_ENDS_OF_A_WORD = re.compile(r"[^\W\d_]*")
_GENIUS = re.compile(
    r"genius$|^genius\s(?:english|brasil|romaniz\w*|translations?|users|.{0,30}(?:translation|romaniz|çeviri|tradu|"
    r"übersetz|vertal|tłumacz|överså|översätt|oversæt|oversett|käännö|fordít|překlad|preklad|prevod|перевод|переклад|"
    r"μετάφρ|μεταφρ|ترجم|תרגומ|翻訳|翻译|번역))|(?:tłumaczenia|ترجم\S{1,10}|ترجمه\S{0,3} فارسی) genius",
    re.IGNORECASE,
)
_MOST_PAIRS = 3
_LONGEST_NAME = 100
# fmt: off
_SMALL_WORDS = frozenset(["a", "an", "and", "at", "by", "de", "feat.", "for", "from", "ft.", "in", "la", "le", "of", "on", "or",
                          "the", "to", "with", "x", "&", "-", "vs."])
# fmt: on
_FEWEST_LINES_TWICE = 6
_MOST_LEFTOVERS = 12
_HEADER_ONCE = re.compile(r"\[(?:intro|verse 1|couplet 1|strophe 1)\b", re.IGNORECASE)


def is_genius(artist: str) -> bool:
    """Return whether an artist is an account of Genius itself, which translates and romanizes and never sings."""
    return len(artist) <= _LONGEST_NAME and _GENIUS.search(artist.strip()) is not None


def _tickets(text: str, about: About) -> list[Finding]:
    if "get tickets" not in about.folded:
        return []
    findings: list[Finding] = []
    for found in _TICKETS.finditer(text):
        start, end = line_at(text, found.start())
        before, after = text[max(start, found.start() - _LONGEST_SEE) : found.start()], text[found.end() : end]
        floor = findings[-1].end if findings else 0
        if after[:1].isspace() or (after and not _begins_anew(after, about)):
            findings.append(Finding(found.start(), found.end(), None))
            continue
        if before.strip():
            see = _see_start(before, about)
            if see is None and ("for your" in found.group().lower() or before[-1].isspace()):
                findings.append(Finding(found.start(), found.end(), None))
                continue
            begin = found.start() - (len(before) - see if see is not None else 0)
        else:
            previous = line_at(text, start - 1)[0] if start else 0
            see_line = text[previous : max(start - 1, 0)]
            if len(see_line) <= _LONGEST_SEE and _SEE.fullmatch(see_line):
                begin = previous
            elif len(see_line) <= 4 * _LONGEST_SEE and see_line and (see := _see_start(see_line, about)) is not None:
                begin = previous + see
            elif "for your" in found.group().lower():
                findings.append(Finding(found.start(), found.end(), None))
                continue
            else:
                begin = start
        findings.append(_cut(text, max(begin, floor), found.end(), about))
    return findings


def _see_start(before: str, about: About) -> int | None:
    """Return where `See <Artist> Live` begins that ends `before`, glued to a lyric or not."""
    lowered = before.lower()
    if len(lowered) != len(before):
        return None
    named = f"see {about.artist.lower()} live"
    if about.artist and lowered.endswith(named):
        return len(before) - len(named)
    at = lowered.rfind("see ")
    while at >= 0:
        # Glued: `homeSee Ann Live`; a capital, or a whole line; `I see Ann Live` is none.
        if (before[at] == "S" or at == 0 or about.lowered) and _SEE.fullmatch(before[at:]):
            return at
        at = lowered.rfind("see ", 0, at)
    return None


def _begins_anew(after: str, about: About) -> bool:
    """Return whether what is glued behind dirt is a header, the next dirt, or a line of its own."""
    return after[0] in "[(\"“'‘" or after[0].isupper() or about.lowered or not after[0].isascii()


def _cut(text: str, start: int, end: int, about: About) -> Finding:
    """Return the finding that cuts a span out and leaves what was before and after it on lines of their own."""
    first, last = line_at(text, start)[0], line_at(text, end)[1]
    before, after = text[first:start].rstrip(" "), text[end:last]
    if not before.strip():
        return whole_line(text, first, end) if not after else Finding(first, end)
    start = first + len(before)
    if not after:
        return Finding(start, end)
    if _MARKER.match(after):
        return Finding(start, end)  # the next rule takes that, and parts the lines
    return Finding(start, end, "\n\n" if after.startswith("[") else "\n")


def _recommendations(text: str, about: About) -> list[Finding]:
    if "you might also like" not in about.folded:
        return []
    findings: list[Finding] = []
    floor = 0
    for found in _MARKER.finditer(text):
        if found.start() < floor:
            continue
        kind = _judge_marker(text, found, about)
        if kind is None:
            continue
        if not kind:
            findings.append(Finding(found.start(), found.end(), None))
            continue
        end = found.end()
        odd = None
        if end == len(text) or text[end] == "\n":
            end, odd = _pairs_end(text, end, about)
        cut = _cut(text, found.start(), end, about)
        floor = cut.end
        findings.append(cut)
        if odd:
            findings.append(Finding(max(odd.start, floor), max(odd.end, floor), None))
    return findings


def _judge_marker(text: str, found: "re.Match[str]", about: About) -> bool | None:
    """Return True if this is a marker, False if it may be one, None if it is part of a sentence."""
    written = found.group()
    capital = written == "You might also like"
    before = text[found.start() - 1] if found.start() else "\n"
    rest = text[found.end() : found.end() + 12]
    if not capital and not (written.islower() and (about.lowered or about.scraped)):
        return None if rest and rest[0] != "\n" else False
    if rest and rest[0] not in "\n[":
        if not (rest[0].isalnum() or rest[0] in "([\"“'‘¿¡"):
            return False if capital and not before.isspace() else None  # a sentence goes on
        word = _ENDS_OF_A_WORD.match(rest)
        if word and word.group().lower() in _LIKE_WORDS:
            return None
        if not (_begins_anew(rest, about) and (capital or about.scraped)):
            return False
    if before == "\n" or not before.isspace():
        return capital or about.lowered
    # After a space it may end a sentence: `and You might also like`.
    return about.scraped and capital


def _pairs_end(text: str, end: int, about: About) -> tuple[int, Finding | None]:
    """Return where the recommended songs after a marker end, and what looks like more of them by somebody unknown."""
    odd = None
    for _ in range(_MOST_PAIRS):
        if end >= len(text):
            break
        song = line_at(text, end + 1)
        if song[1] >= len(text):
            break
        artist = line_at(text, song[1] + 1)
        title, name = text[slice(*song)], text[slice(*artist)]
        if not title or not name or max(len(title), len(name)) > _LONGEST_NAME or parse_header(title):
            break
        if not _is_known(name, about):
            if _is_titled(title) and _is_titled(name) and len(name.split()) <= 5:
                odd = Finding(song[0], artist[1], None)
            break
        end = artist[1]
    return end, odd


def _is_known(name: str, about: About) -> bool:
    if is_genius(name):
        return True
    folded = {fold(part) for part in (name, *re.split(r" & |, | feat\. ", name))} - {""}
    return fold(about.artist) in folded or not about.artists.isdisjoint(folded)


def _is_titled(line: str) -> bool:
    """Return whether a line is written as a title or a name is: every word with a capital, no mark at its end."""
    words = line.split()
    return (
        line[0] != "["
        and line[-1] not in ",.;:!?…—-"
        and all(word[0].isupper() or word[0] in "(\"'“‘" or word.lower() in _SMALL_WORDS for word in words)
    )


def _twice(text: str, about: About) -> list[Finding]:
    """Find the whole song standing twice: the page's own text first, the clean copy second."""
    if not about.scraped:
        return []
    rows = [(start, line) for start, line in lines_of(text) if line.strip()]
    words = [fold(line[:-5].rstrip("0123456789") if line[-5:].lower() == "embed" else line) for _, line in rows]
    for half in range((len(rows) + 1) // 2, min(len(rows), (len(rows) + _MOST_LEFTOVERS) // 2 + 1)):
        if len(rows) - half < _FEWEST_LINES_TWICE or words[half] != words[0] or not words[0]:
            continue
        if not _is_within(words[half:], words[:half]):
            continue
        first, copy = rows[half][0], rows[half - 1]
        # Stanzas are parted by a blank line, the page's two copies are not.
        joined = text.count("\n", copy[0] + len(copy[1]), first) == 1 and "\n\n" in text[first:]
        if _has_a_header_once(rows[half:]) or copy[1].lower().endswith("embed") or joined:
            return [Finding(0, first)]
        return [Finding(first, first + len(rows[half][1]), None)]
    return []


def _is_within(short: list[str], long: list[str]) -> bool:
    """Return whether `short` is `long` with some lines left out."""
    lines = iter(long)
    return all(any(line == other for other in lines) for line in short)


def _has_a_header_once(rows: list[tuple[int, str]]) -> bool:
    """Return whether a song has a header that no song has twice."""
    return any(_HEADER_ONCE.match(line) for _, line in rows)


MIDDLE: tuple[Rule, ...] = (
    Rule(name="tickets", does="`See … Live`, `Get tickets as low as …` and their like go.", find=_tickets,
         proves_scraping=True),
    Rule(name="recommendations", does="`You might also like` goes, with up to three songs by known artists after it.",
         find=_recommendations, proves_scraping=True),
    Rule(name="twice", does="Of a page that came twice, the clean copy stays.", find=_twice, proves_scraping=True),
)  # fmt: skip
"""In the order in which they run."""
