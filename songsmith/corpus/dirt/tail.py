"""What a lyrics page puts after the song: Embed, share links, the edit form, its footer. Knows no other place."""

import re

from songsmith.corpus.dirt.rule import About, Finding, Rule, fold, line_at, lines_of

_EMBED = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?K?)?(embed)$", re.IGNORECASE)
_LONGEST_EMBED = 40
_SHARE = "share urlcopyembedcopy"
_NUMBER = re.compile(r"\d{1,7}(?:[.,]\d{1,3})?[Kk]?")
_GLUED_FORM = re.compile(
    r"(?:share url\s*copy(?:\s*embed\s*copy)?)?\s*(?:cancel)?\s*how to format lyrics:\s*type out all lyrics",
    re.IGNORECASE,
)
_GLUED_FOOTER = re.compile(r"about\s*(?:genius annotation|have the inside scoop on this song\?)", re.IGNORECASE)
_MOST_FOOTER_LINES = 400
# Lines that only a page has; an apostrophe is straight here.
_SURE = frozenset(
    [
        "share url",
        "genius annotation",
        "how to format lyrics:",
        "sign up and drop knowledge 🤓",
        "sign up and drop knowledge",
        "add a comment",
        "have the inside scoop on this song?",
        "no questions asked yet",
    ]
)
_SURE_BEGINNINGS = (
    "type out all lyrics, even if", "genius is the ultimate source of music knowledge", "lyrics should be broken down into",
    "use section headers above different song parts", "use italics (<i>", "if you don't understand a lyric, use",
    "to learn more, check out our transcription guide", "find answers to frequently asked questions about the song",
    "genius is the world's biggest collection of song lyrics",
)  # fmt: skip
_HEADINGS = frozenset(["about", "song bio", "q&a", "credits", "release date", "tags"])
_WEAK = frozenset(["copy", "cancel", "expand", "comments", "embed", "sign up", "sign in", "cancel"]) | _HEADINGS
_TELLING = (*_SURE, *_SURE_BEGINNINGS)
_OWN_EMBEDS = ("reembed", "unembed", "re-embed", "-embed", "‐embed")


def _page_end(text: str, about: About) -> list[Finding]:
    """Find the edit form and the footer: they begin where page lines begin and run to the end."""
    folded = about.folded.replace("’", "'")
    if not any(line in folded for line in _TELLING):
        return []
    cut = len(text)
    for glued in (_GLUED_FORM, _GLUED_FOOTER):
        if found := glued.search(text):
            cut = min(cut, found.start())
    start = len(text)
    for _ in range(_MOST_FOOTER_LINES):
        if start <= 0:
            break
        start = text.rfind("\n", 0, start - 1) + 1
    rows = [(start + at, line.strip()) for at, line in lines_of(text[start:]) if line.strip()]
    ranks = [_rank(line) for _, line in rows]
    sure, total = ranks.count(2), sum(1 for rank in ranks if rank)
    for number, ((at, line), rank) in enumerate(zip(rows, ranks, strict=True)):
        if rank and sure and (total >= 2) and _opens(line, rank, [row for _, row in rows[number + 1 : number + 4]]):
            # `Embed` itself is left to the next rule, which knows about the digits before it.
            cut = min(cut, at + len(line) if _is_embed(line) else at)
            break
        sure -= rank == 2
        total -= rank > 0
    return [Finding(cut, len(text))] if cut < len(text) else []


def _rank(line: str) -> int:
    """Return 2 for a line that only a page has, 1 for one that it has too, else 0."""
    if len(line) > 400:
        return 0
    plain = line.lower().replace("’", "'")
    if plain in _SURE or plain.startswith(_SURE_BEGINNINGS):
        return 2
    return 1 if plain in _WEAK or _is_embed(line) else 0


def _is_embed(line: str) -> bool:
    return line.endswith("Embed") or (line[-5:].lower() == "embed" and (len(line) == 5 or line[-6].isdigit()))


def _opens(line: str, rank: int, following: list[str]) -> bool:
    """Return whether the page's end begins here, and not with the song's own line `About` or `Cancel`."""
    if rank == 2:
        return True
    if _is_embed(line):
        return any(_rank(row) for row in following)
    return line.lower() in _HEADINGS and any(_rank(row) and not _is_embed(row) for row in following[:2])


def _embed(text: str, about: About) -> list[Finding]:
    if "embed" not in about.folded[-_LONGEST_EMBED:]:
        return []
    end, odd = len(text), None
    while True:
        while text[max(0, end - len(_SHARE)) : end].lower() == _SHARE:
            end -= len(_SHARE)
        found = _EMBED.search(text, max(0, end - _LONGEST_EMBED), end)
        if not found:
            break
        kept, sure = _before_embed(text, found, about)
        if not sure:
            odd = (line_at(text, kept)[0], kept)
        if kept == end:
            break
        end = kept
        while end and text[end - 1] in " \n":
            end -= 1
        if not sure:
            break
    findings = [Finding(*odd, None)] if odd and odd[0] < odd[1] else []
    return findings + ([Finding(end, len(text))] if end < len(text) else [])


def _before_embed(text: str, found: "re.Match[str]", about: About) -> tuple[int, bool]:
    """Return where the song ends before this Embed, and whether that is sure."""
    number, word, end = found.group(1), found.group(2), found.end()
    # What matters stands close by; a line may be as long as a book.
    start = max(
        text.rfind("\n", max(0, found.start() - _LONGEST_EMBED), found.start()) + 1, found.start() - _LONGEST_EMBED
    )
    before = text[start : found.start()]
    own_digits = found.start() + _own_digits(number, about)
    if word not in ("Embed", "embed"):
        return end, True
    if not before.strip():
        if number is None:
            if word == "embed" and not (about.lowered or about.scraped):
                return end, False
            return _before_number_line(text, start, about)
        above = text[line_at(text, start - 1)[0] : start - 1] if start else ""
        if own_digits > found.start():
            return own_digits, False
        return (found.start(2), False) if above[-1:].isdigit() else (start, True)
    last = before[-1]
    if number is None:
        if last.isspace():
            if word == "Embed" and about.scraped:
                return found.start(), True
            return end, word != "Embed"  # `what you embed` is a lyric
        if word == "Embed":
            return found.start(), True
        near = text[max(start, found.start() - 2) : end].lower()
        glued = about.lowered and not near.endswith(_OWN_EMBEDS)
        return (found.start(), True) if glued else (end, True)
    token = before[-12:].split(" ")[-1]
    counted = last.isspace() or (last in ",.:/-–$€£#№" and (before[-2:-1].isdigit() or last in "$€£#№"))
    model = token in ("x", "×", "(x") or (len(token) == 1 and token.isupper() and token not in "AIO")
    if counted or model:  # `1, 2, 345Embed`: who knows which digits are sung
        return max(own_digits, found.start() + 1) if own_digits > found.start() else found.start(2), False
    return found.start(), True


def _own_digits(number: str | None, about: About) -> int:
    """Return how many of these digits are those that the title ends in: `1999` of `19993Embed`."""
    title = about.title.strip().split(" ")[-1]
    return len(title) if number and title.isdecimal() and number.startswith(title) else 0


def _before_number_line(text: str, start: int, about: About) -> tuple[int, bool]:
    """Return where the song ends before a line `Embed`; the line above may hold its number."""
    end = start
    while end and text[end - 1] in " \n":
        end -= 1
    above = line_at(text, end)[0] if end else 0
    number = text[above:end].strip()
    if not number or len(number) > 12 or not _NUMBER.fullmatch(number):
        return end, True
    further = text[line_at(text, above - 1)[0] : above - 1] if above else ""
    if further[-1:].isdigit() or fold(number) == fold(about.title):
        return end, False
    return above, True


TAIL: tuple[Rule, ...] = (
    Rule(name="page end", does="The edit form and the page's footer go.", find=_page_end, proves_scraping=True),
    Rule(name="embed", does="`Embed`, the number before it and the share links after it go.", find=_embed,
         proves_scraping=True),
)  # fmt: skip
"""In the order in which they run."""
