"""What a lyrics page puts between the lines of a song: tickets and recommendations. Knows no other place."""

import re
from itertools import pairwise

from songsmith.corpus.rules.names import is_genius, is_known, is_titled
from songsmith.corpus.rules.rule import Finding, Rule, RuleContext, begins_anew, line_near, lower, whole_line
from songsmith.lyrics import parse_header

_AMOUNT = r"\d{1,6}(?:[.,' ]\d{3}(?!\d))*(?:[.,]\d{2}(?!\d))?"
_SIGN = "[$¢£¤¥֏؋৲৳৻૱௹฿៛₠-⃀﷼﹩＄￠￡￥￦]"
_CODE = (
    "CHF|EUR|GBP|USD|CAD|AUD|NZD|SEK|NOK|DKK|ISK|PLN|CZK|HUF|RON|BGN|TRY|RUB|UAH|ILS|AED|SAR|QAR|EGP|ZAR|NGN|KES|GHS|INR|"
    "IDR|MYR|SGD|THB|PHP|VND|TWD|HKD|CNY|RMB|JPY|KRW|BRL|MXN|ARS|CLP|COP|PEN|UYU|DOP|CRC|Rs|Rp|TL|kr|zł|Kč|Ft|lei|лв|руб|грн|ден|дин|kn"
)
PRICE = (
    rf"(?:(?:[A-Z]{{1,3}}\s?)?{_SIGN}|(?:{_CODE}|R|RM|L|KM|S/)\.?)\s?{_AMOUNT}|"
    rf"{_AMOUNT}\s?(?:{_SIGN}|(?:{_CODE})(?-i:(?![a-z])))"
)
"""How a page writes any price: `$307`, `CA$1,079`, `79 €`."""
_TICKETS = re.compile(
    rf"get tickets\s(?:(?P<low>as low as|from|starting (?:at|from))\s(?:{PRICE})|for your favorite artists)|"
    # Without a price, or with one of an unknown form, only where it is glued to words of a page.
    rf"(?-i:(?<=Live)Get tickets(?: as low as [^\W\d_]{{0,4}}\.?\s?{_AMOUNT})?(?=You might also like|\n|$))",
    re.IGNORECASE,
)
_GET_TICKETS = re.compile("get tickets")
_SEE = re.compile(r"see (?:.{1,80} live|.{1,60} shows near .{1,60}|upcoming .{1,60} shows)", re.IGNORECASE)
_LONGEST_SEE = 140
_MOST_SEE_LINES = 3
_MARKER = re.compile("you might also like")
_LIKE_WORDS = frozenset(["s", "d", "ly", "lier", "liest", "n", "ns", "ned", "ness", "nesses", "wise", "lihood", "able"])
_ENDS_OF_A_WORD = re.compile(r"[^\W\d_]*")
# Where a small letter, a digit or a closing mark is followed by a capital: two names glued together.
_SEAM = re.compile(
    r"(?<=[^\W\d_A-Z])(?=['’]?[A-Z\d(\"“‘¿¡])|(?<=[\d)\]!?.”\"])(?=['’]?[A-Z(\"“‘¿¡])|(?=\[)|(?<=\w)(?=[—–…])|"
    r"(?<=[A-Za-z)\]])(?=[\u0370-\u1fff\u2e80-\ud7ff\uf900-\ufaff])"
)
_MOST_SEAMS = 24
_MOST_PAIRS = 3
_LONGEST_NAME = 100
_MOST_NAME_WORDS = 5
_MOST_TITLE_PIECES = 4
# The count of the page glued to the last name.
_EMBED = re.compile(r"(?:\d[\d.,]*[KM]?)?Embed$")
# Shouts, after which a singer may also shout their own name.
_SHOUTS = frozenset(
    ["oh", "ooh", "ohh", "ah", "aah", "uh", "huh", "yeah", "yea", "yo", "hey", "ay", "ayy", "aye", "woo", "whoa", "wow", "what",
     "who", "la", "na", "no", "yes", "yah", "go", "baby", "ha", "okay", "ok", "skrt", "brr", "mmm", "hmm", "look", "listen",
     "right"]
)  # fmt: skip


def _tickets(text: str, context: RuleContext) -> list[Finding]:
    if "get tickets" not in context.folded:
        return []
    findings: list[Finding] = []
    joined = context.scraped and context.joined
    for place in _GET_TICKETS.finditer(context.folded):
        found = _TICKETS.match(text, place.start())
        if found is None:
            continue
        start, end = line_near(text, found.start())[0], line_near(text, found.end())[1]
        before, after = text[max(start, found.start() - _LONGEST_SEE) : found.start()], text[found.end() : end]
        floor = findings[-1].end if findings else 0
        # Words that may be sung belong to the page only below a `See …`.
        alone = found["low"] is not None and (found["low"].lower() == "as low as" or context.scraped)
        begin: int | None = None
        if after.strip() and (
            (after[0].isspace() and not joined) or not begins_anew(after.lstrip(), lowered=context.lowered)
        ):
            pass
        elif before.strip():
            begin = _see_start(text, start, found.start(), context)
            if begin is None and alone and (joined or not before[-1].isspace()):
                begin = found.start()
        else:
            begin = _see_lines(text, start, context)
            if begin is None and alone:
                begin = start
        if begin is None:
            findings.append(Finding(max(found.start(), floor), found.end(), None))
        else:
            findings.append(_cut(text, max(begin, floor), found.end(), context))
    return findings


def _see_lines(text: str, start: int, context: RuleContext) -> int | None:
    """Return where `See <Artist> Live` begins that ends on the line before `start`, on lines of its own or glued."""
    first = start
    for number in range(_MOST_SEE_LINES):
        if not first:
            return None
        first = line_near(text, first - 1)[0]
        if start - first > _LONGEST_SEE * (1 if number else 4):
            return None
        if _SEE.fullmatch(" ".join(text[first : start - 1].split())):
            return first
        if number == 0 and (begin := _see_start(text, first, start - 1, context)) is not None:
            return begin
    return None


def _see_start(text: str, first: int, end: int, context: RuleContext) -> int | None:
    """Return where `See <Artist> Live` begins that ends text[first:end], glued to a lyric or not."""
    first = max(first, end - _LONGEST_SEE)
    before = text[first:end].rstrip(" ")
    lowered = before.lower()
    if len(lowered) != len(before):
        return None
    named = f"see {context.artist.lower()} live"
    if context.artist and lowered.endswith(named):
        return first + len(before) - len(named)
    at = lowered.rfind("see ")
    while at >= 0:
        # Glued: `homeSee Ann Live`; a capital, or a whole line; `I see Ann Live` is none.
        if (before[at] == "S" or at == 0 or context.lowered) and _SEE.fullmatch(before[at:]):
            return first + at
        at = lowered.rfind("see ", 0, at)
    return None


def _cut(text: str, start: int, end: int, context: RuleContext) -> Finding:
    """Return the finding that removes a span and leaves what was before and after it on separate lines."""
    first, last = line_near(text, start)[0], line_near(text, end)[1]
    before, after = text[first:start].rstrip(" "), text[end:last].lstrip(" ")
    end = last - len(after)
    if not before.strip():
        # What was between two lines may have been between two stanzas; before a header it was.
        gap = "\n" if after.startswith("[") and first and not text.endswith("\n\n", 0, first) else ""
        return whole_line(text, first, end) if not after else Finding(first, end, gap)
    start = first + len(before)
    if not after:
        return Finding(start, end)
    if _MARKER.match(lower(after)):
        return Finding(start, end)  # the next rule removes that, and separates the lines
    return Finding(start, end, "\n\n" if after.startswith("[") else "\n")


def _recommendations(text: str, context: RuleContext) -> list[Finding]:
    if "you might also like" not in context.folded:
        return []
    findings: list[Finding] = []
    floor, joined = 0, context.scraped and context.joined
    for found in _MARKER.finditer(context.folded):
        if found.start() < floor:
            continue
        kind = _judge_marker(text, found, context, joined=joined)
        if kind is None:
            continue
        if not kind:
            findings.append(Finding(found.start(), found.end(), None))
            continue
        end = found.end()
        odd = None
        if end == len(text) or text[end] == "\n":
            end, odd = _pairs_end(text, end, context)
        elif text[end] != "[":
            end, odd = _glued_pairs_end(text, end, context)
        cut = _cut(text, max(_live_start(text, found.start(), context), floor), end, context)
        floor = cut.end
        findings.append(cut)
        if odd:
            findings.append(Finding(max(odd.start, floor), max(odd.end, floor), None))
    return _in_order(findings)


def _in_order(findings: list[Finding]) -> list[Finding]:
    """Return findings in order and without overlaps: one that is only suspicious gives way to one that is removed."""
    apart: list[Finding] = []
    for finding in sorted(findings, key=lambda finding: finding.start):
        while apart and apart[-1].end > finding.start and apart[-1].replacement is None:
            apart.pop()
        if not apart or apart[-1].end <= finding.start:
            apart.append(finding)
    return apart


def _judge_marker(text: str, found: "re.Match[str]", context: RuleContext, *, joined: bool) -> bool | None:
    """Return True if this is a marker, False if it may be one, None if it is part of a sentence.

    Where the lines of the song were joined by spaces, it is between two of them.
    """
    written = text[found.start() : found.end()]
    capital = written == "You might also like"
    before = text[found.start() - 1] if found.start() else "\n"
    rest = text[found.end() : found.end() + 12]
    if rest[:1] == "[" and (written.istitle() or written.isupper()):
        return True  # no lyric has a header glued to a line
    if (
        context.scraped
        and capital
        and (before.isalpha() or before in ")!?")
        and rest[:1] in "'’"
        and rest[1:2].isalpha()
    ):
        return True  # `The river ranYou might also like'cause it stopped`
    if not capital and not (written.islower() and (context.lowered or context.scraped)):
        return None if rest and rest[0] != "\n" else False
    if rest and rest[0] not in "\n[":
        if joined and rest[0] == " ":
            return capital and begins_anew(rest.lstrip() or "x")
        if not (rest[0].isalnum() or begins_anew(rest) or (context.lowered and rest[0] in "'’")):
            return False if capital and not before.isspace() else None  # a sentence goes on
        word = _ENDS_OF_A_WORD.match(rest)
        if word and word.group().lower() in _LIKE_WORDS:
            return None
        if not (context.scraped or (begins_anew(rest, lowered=context.lowered) and capital)):
            return False
    if before == "\n" or not before.isspace():
        return capital or context.lowered
    # After a space it may end a sentence: `and You might also like`.
    return context.scraped and capital


def _live_start(text: str, start: int, context: RuleContext) -> int:
    """Return where `See <this artist> Live` begins directly before a marker, or the marker does."""
    end = start - (text[start - 1 : start] == "\n")
    named = f"See {context.artist} Live"
    return end - len(named) if context.artist and text.endswith(named, line_near(text, end)[0], end) else start


def _pairs_end(text: str, end: int, context: RuleContext) -> tuple[int, Finding | None]:
    """Return where the recommended songs after a marker end, and where more of them by unknown artists may be."""
    odd, at, certain = None, end, end
    known: set[str] = set()
    named = 0
    for number in range(_MOST_PAIRS):
        if at >= len(text):
            break
        song = line_near(text, at + 1)
        if song[1] >= len(text):
            break
        artist = line_near(text, song[1] + 1)
        title, name = text[slice(*song)], text[slice(*artist)]
        if not title or not name or max(len(title), len(name)) > _LONGEST_NAME:
            break
        if parse_header(title) or parse_header(name):
            break
        at = artist[1]
        if name.endswith("Embed"):
            name = _EMBED.sub("", name)
            at = artist[0] + len(name)
        if is_genius(name):
            certain, odd = at, None  # and so are those above it: a song has no line between two of them
        elif is_known(name, context):
            known |= {title} if _may_be_title(title, context) else set()
            sure = title in known and named >= number and (" " in title or " " in name or named)
            if sure or len(known) > 1:
                certain, odd = at, None
            else:
                # A singer's own name, or a word that is also a name, may be sung.
                odd = Finding(odd.start if odd else song[0], at, None)
        elif _is_name(title) and _is_name(name) and len(name.split()) <= _MOST_NAME_WORDS:
            odd = odd or Finding(song[0], at, None)
        named += (_is_name(name) and len(name.split()) <= _MOST_NAME_WORDS and not _is_shouted(name)) or _may_be_title(
            title, context
        )
    return certain, odd


def _may_be_title(line: str, context: RuleContext) -> bool:
    """Return whether a line may be the title above a name: neither a sentence nor only a shout."""
    bare = line.rstrip("!?.… ")
    written = context.lowered or (is_titled(bare) and (bare == line or " " in bare))
    return bool(bare) and written and not _is_shouted(bare)


def _is_shouted(line: str) -> bool:
    return all(word.strip(",.!?'’()\"") in _SHOUTS for word in line.lower().split())


def _is_name(line: str) -> bool:
    return is_titled(line) and any(letter.isupper() for letter in line)


def _glued_pairs_end(text: str, end: int, context: RuleContext) -> tuple[int, Finding | None]:
    """Return where recommended songs end that are glued to a marker and to each other: `Some SongSome ArtistOther Song…`."""
    line = text[end : min(line_near(text, end)[1], end + 2 * _MOST_PAIRS * _LONGEST_NAME)]
    if further := _MARKER.search(lower(line)):
        line = line[: further.start()]
    seams = [0, *(found.start() for found in _SEAM.finditer(line) if found.start()), len(line)][:_MOST_SEAMS]
    pieces = [line[begin:stop] for begin, stop in pairwise(seams)]
    first, certain = 0, 0
    for _ in range(_MOST_PAIRS):
        # A title may itself have seams.
        artists = range(first + 1, min(first + _MOST_TITLE_PIECES + 1, len(pieces)))
        artist = next((number for number in artists if _is_known_piece(pieces[number], context)), None)
        if artist is None:
            break
        first = artist + 1
        certain = seams[first]
    if certain:
        return end + certain, None
    glued = len(pieces) > 1 and not pieces[1].startswith("[")
    return end, Finding(end, end + len(line), None) if glued else None


def _is_known_piece(piece: str, context: RuleContext) -> bool:
    # Words glued to a name make it another: `Genius English Translationsand so I go`.
    return is_known(piece, context) and (is_titled(piece) or context.lowered)


MIDDLE: tuple[Rule, ...] = (
    Rule(name="tickets", does="Removes `See … Live`, `Get tickets as low as …` and the like.", find=_tickets,
         proves_scraping=True),
    Rule(name="recommendations", does="Removes `You might also like`, and up to three songs by known artists after it.",
         find=_recommendations, proves_scraping=True),
)  # fmt: skip
"""In the order in which they run."""
