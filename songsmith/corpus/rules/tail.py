"""What a lyrics page puts after the song: Embed, share links, the edit form, its footer. Knows no other place."""

import re
from dataclasses import replace
from itertools import groupby

from songsmith.corpus.rules.rule import Finding, Rule, RuleContext, fold, line_at, lines_of

_EMBED = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?[KM]?)?(embed)$", re.IGNORECASE)
_LONGEST_EMBED = 40
# A line longer than any that is sung: the lines of the page were joined by spaces.
_LONGEST_LINE = 300
_JOINED_NUMBER = re.compile(r"(?<=[^\d\s.,:;–-])\s+\d[\d.,]{0,6}[KM]?\s?Embed$")
# The share links after `Embed`, or what is left of them.
_SHARES = re.compile(r"\s{0,2}share\s?url(?:\s{0,2}copy(?:\s{0,2}embed(?P<all>\s{0,2}copy)?)?)?$", re.IGNORECASE)
# What is left of the syntax of a list or a table row.
_LEFT_BEHIND = re.compile(r"(?<=[\w)!?…]Embed)[\"'”’\],.][\"'”’\],.\s]{0,3}$")
_LEFT_BEHIND_NUMBER = re.compile(r"(?<=\d Embed)[\"'”’\],.][\"'”’\],.\s]{0,3}$")
_RELATED = re.compile(r"(?<=Embed)\s{1,3}Related Songs\s{0,9}$")
# Glued to a word in small letters or to a mark, at the end of a line inside the text: where pages were joined.
_WITHIN = re.compile(r"(?<=[^\W\d_A-Z]|[)!?…])\d[\d.,]{0,8}[KM]?Embed(?=\n)")
_GLUED_NUMBER = re.compile(r"(?:(?<=[^\W\d_A-Z]{3})|(?<=[)!?…]))\d[\d.,]{0,6}[KM]?$")
_THOUSANDS = re.compile(r"\d\.\d[KM]$")
_MORE_DIGITS = re.compile(r"\d[\d.,]{0,8}[KM]?")
_NUMBER = re.compile(r"\d{1,7}(?:[.,]\d{1,3})?[KkMm]?")
# Each begins with a literal, which is fast to search; these are searched in lower case.
_FORM = r"how to format lyrics:\s*type out all lyrics"
_IS_THE = r"genius is the (?:ultimate source of music knowledge|world['’]s biggest collection of song)"
_GLUED = (
    re.compile(rf"share url\s*copy(?:\s*embed\s*copy)?\s*(?:cancel)?\s*{_FORM}"),
    re.compile(r"about\s*(?:genius annotation|have the inside scoop on this song\?)"),
    re.compile(rf"sign up and drop knowledge(?: 🤓)?\s*{_IS_THE}"),
    re.compile(_IS_THE),
)
# With the space before them.
_GLUED_FORMS = (re.compile(rf"cancel\s*{_FORM}"), re.compile(_FORM))
_GLUED_CREDITS = (
    re.compile("Credits(?=Produced By|Written By|Producers?[A-Z]|Writers?[A-Z]|Phonographic)"),
    re.compile(r"Release Date[A-Z][a-z]+ \d{1,2}, \d{4}"),
)
_MOST_FOOTER_LINES = 400
# Lines that only a page has; an apostrophe is straight here.
_SURE = frozenset(
    [
        "share url",
        "genius annotation",
        "genius answer",
        "how to format lyrics:",
        "sign up and drop knowledge 🤓",
        "sign up and drop knowledge",
        "sign up and drop some knowledge",
        "start the song bio",
        "ask us a question about this song",
        "add a comment",
        "get the conversation started",
        "be the first to comment",
        "have the inside scoop on this song?",
        "no questions asked yet",
    ]
)
_SENTENCES = (
    "type out all lyrics, even if", "genius is the ultimate source of music knowledge", "lyrics should be broken down into",
    "use section headers above different song parts", "use italics (<i>", "if you don't understand a lyric, use",
    "to learn more, check out our transcription guide", "find answers to frequently asked questions about the song",
    "genius is the world's biggest collection of song lyrics",
)  # fmt: skip
_HEADINGS = frozenset(["about", "song bio", "q&a", "credits", "release date", "tags", "comments"])
_WEAK = frozenset(["copy", "cancel", "expand", "share", "embed", "sign up", "sign in"]) | _HEADINGS
# How such a line begins: fast to search.
_BEGIN = 10
_BEGINNINGS = tuple(sorted({line[:_BEGIN] for line in (*_SURE, *_SENTENCES, "release date")}))
# By their first letters, which rule out most lines.
_ANY_BEGINNING = "|".join(
    f"{first}(?:{'|'.join(re.escape(begin[1:]) for begin in begins)})"
    for first, begins in groupby(_BEGINNINGS, key=lambda begin: begin[0])
)
_LATER_BEGINNING = re.compile(rf"\n(?:{_ANY_BEGINNING})")
_INDENTED_BEGINNING = re.compile(rf"\n\s*(?:{_ANY_BEGINNING})")
_TOLD_APART = 4
_FIRST_LETTERS = frozenset(line[:_TOLD_APART] for line in (*_SURE, *_SENTENCES, *_WEAK))
_ROLE = re.compile(
    r"(?:executive |co-|additional |assistant )?(?:produced|written|composed|performed|mixed|mastered|recorded|distributed) "
    r"(?:by|at)\b.{0,60}|"
    r"(?:executive |co-|additional )?(?:producers?|writers?|composers?|lyricists?|publishers?|labels?|distributors?)|"
    r"phonographic copyright.{0,20}|copyright ©.{0,20}|(?:mixing|mastering|recording) engineers?",
    re.IGNORECASE,
)
_DATE = re.compile(r"[^\W\d_]+ \d{1,2}, \d{4}|\d{4}|[^\W\d_]+ \d{4}")
_CONTRIBUTORS = re.compile(r"\d[\d.,]*k? contributors?", re.IGNORECASE)
# A line of numbers: the next one may be sung as well.
_COUNTING = re.compile(r"[\d\s,.;:!&…–-]*\d[\d\s,.;:!&…–-]*")
_OWN_EMBEDS = ("reembed", "unembed", "re-embed", "-embed", "‐embed")


def _page_end(text: str, context: RuleContext) -> list[Finding]:
    """Find the edit form and the footer: they begin where page lines begin and run to the end."""
    folded = context.folded
    if not (
        "genius" in folded
        or "how to format lyrics" in folded
        or "release date" in folded
        or _LATER_BEGINNING.search(folded)
        or folded.startswith(_BEGINNINGS)
    ):
        return []
    cut = _glued_end(text, folded)
    if _INDENTED_BEGINNING.search(folded) or folded.lstrip().startswith(_BEGINNINGS):
        cut = min(cut, _end_on_lines(text, dated="release date" in folded))
    return [Finding(cut, len(text))] if cut < len(text) else []


def _end_on_lines(text: str, *, dated: bool) -> int:
    """Return where the end of a page begins that has its own lines."""
    start = len(text)
    for _ in range(_MOST_FOOTER_LINES if text.count("\n") >= _MOST_FOOTER_LINES else 0):
        start = text.rfind("\n", 0, start - 1) + 1
    start = 0 if start == len(text) else start
    rows = [(start + at + line.index(bare[0]), bare) for at, line in lines_of(text[start:]) if (bare := line.strip())]
    ranks = [_rank(line) for _, line in rows]
    dated = dated and any(
        line.lower() == "release date" and _follows(rows, number, _DATE) for number, (_, line) in enumerate(rows)
    )
    sure = sum(rank >= 2 for rank in ranks) + dated
    for number, ((at, line), rank) in enumerate(zip(rows, ranks, strict=True)):
        if rank and sure and _opens(rows, number, ranks):
            # `Embed` itself is left to the next rule, which knows about the digits before it.
            return at + len(line) if _is_embed(line) else at
        sure -= rank >= 2
    return len(text)


def _glued_end(text: str, folded: str) -> int:
    """Return where the end of a page begins that is glued together."""
    starts = [found.start() for glued in _GLUED if (found := glued.search(folded))]
    starts += [len(text[: found.start()].rstrip()) for form in _GLUED_FORMS if (found := form.search(folded))]
    starts += [found.start() for glued in _GLUED_CREDITS if (found := glued.search(text))]
    return min(starts, default=len(text))


def _rank(line: str) -> int:
    """Return 3 for a sentence that only pages have, 2 for such a line, 1 for one that songs may have too, else 0."""
    if len(line) > 400 or (line[:_TOLD_APART].lower() not in _FIRST_LETTERS and line[-5:].lower() != "embed"):
        return 0
    plain = line.lower().replace("’", "'")
    if plain.startswith(_SENTENCES):
        return 3
    if plain in _SURE:
        return 2
    return 1 if plain in _WEAK or _is_embed(line) else 0


def _opens(rows: list[tuple[int, str]], number: int, ranks: list[int]) -> bool:
    """Return whether the page's end begins here, and not with the song's own line `About` or `Cancel`."""
    line, below = rows[number][1].lower(), ranks[number + 1 : number + 5]
    if ranks[number] >= 2:
        return ranks[number] == 3 or any(below)
    if _is_embed(rows[number][1]):
        return any(below)
    if line == "credits":
        return _follows(rows, number, _ROLE) or bool(below[:2] and max(below[:2]) >= 2)
    if line == "release date":
        return _follows(rows, number, _DATE)
    if line in ("about", "song bio") and any(_CONTRIBUTORS.fullmatch(row) for _, row in rows[number + 1 : number + 3]):
        return True
    if line == "q&a" and rows[number + 1 : number + 2] and rows[number + 1][1].endswith("?"):
        return True
    # A heading, then what only pages say; between `Tags` and `Add a comment` are the tags.
    return any(rank >= 2 for rank in (below if line == "tags" else below[:2]))


def _follows(rows: list[tuple[int, str]], number: int, pattern: "re.Pattern[str]") -> bool:
    return number + 1 < len(rows) and pattern.fullmatch(rows[number + 1][1][:120]) is not None


def _is_embed(line: str) -> bool:
    return line.endswith("Embed") or (line[-5:].lower() == "embed" and (len(line) == 5 or line[-6].isdigit()))


def _embed(text: str, context: RuleContext) -> list[Finding]:
    if "embed" not in context.folded:
        return []
    findings = [Finding(*found.span()) for found in _WITHIN.finditer(text)] if "Embed\n" in text else []
    if "embed" not in context.folded[-_LONGEST_EMBED:]:
        return findings
    end, odd = len(text), None
    # Only pages have `12 Embed"`; a song may quote it.
    marks = (_RELATED, _LEFT_BEHIND, _LEFT_BEHIND_NUMBER) if context.scraped else (_RELATED, _LEFT_BEHIND)
    for behind in marks if text[-1] not in "dD" else ():
        if left := behind.search(text, max(0, end - _LONGEST_EMBED), end):
            end = left.start()
    while True:
        while "share" in context.folded[max(0, end - _LONGEST_EMBED) : end]:
            share = _SHARES.search(text, max(0, end - _LONGEST_EMBED), end)
            if not share or not _is_share(text, share):
                break
            end, context = share.start(), replace(context, scraped=True)
        if "embed" not in context.folded[max(0, end - len("embed\n")) : end]:
            break
        found = _EMBED.search(text, _number_start(text, context.folded.rindex("embed", 0, end)), end)
        if not found:
            break
        kept, sure = _before_embed(text, found, context)
        if not sure:
            odd = (line_at(text, kept)[0], kept)
        if kept == end:
            break
        end = kept
        while end and text[end - 1] in " \n":
            end -= 1
        if not sure:
            break
    if odd and odd[0] < odd[1]:
        findings = [finding for finding in findings if finding.end <= odd[0]] + [Finding(*odd, None)]
    findings = [finding for finding in findings if finding.end <= end]
    return findings + ([Finding(end, len(text))] if end < len(text) else [])


def _number_start(text: str, end: int) -> int:
    """Return where what may be a number begins that ends at `end`."""
    start, furthest = end, max(0, end - _LONGEST_EMBED)
    while start > furthest and (text[start - 1].isdecimal() or text[start - 1] in ".,KMkm"):
        start -= 1
    return start


def _is_share(text: str, links: "re.Match[str]") -> bool:
    """Return whether these links come after an `Embed`, or are complete."""
    start = links.start()
    return links["all"] is not None or text[max(0, start - 5) : start].lower() == "embed"


def _before_embed(text: str, found: "re.Match[str]", context: RuleContext) -> tuple[int, bool]:
    """Return where the song ends before this Embed, and whether that is certain."""
    number, word, end = found.group(1), found.group(2), found.end()
    # Only the text nearby matters; a line may be very long.
    start = max(
        text.rfind("\n", max(0, found.start() - _LONGEST_EMBED), found.start()) + 1, found.start() - _LONGEST_EMBED
    )
    before = text[start : found.start()]
    own_digits = found.start() + _own_digits(number, context)
    if word not in ("Embed", "embed"):
        return end, True
    if not before.strip():
        if number is None:
            if word == "embed" and not (context.lowered or context.scraped):
                return end, False
            return _before_number_line(text, start, context)
        above = text[line_at(text, start - 1)[0] : start - 1] if start else ""
        if own_digits > found.start():
            return own_digits, False
        return (found.start(2), False) if _COUNTING.fullmatch(above[-60:]) else (start, True)
    last = before[-1]
    joined = last.isspace() and context.scraped and context.joined and (end > _LONGEST_LINE or number is None)
    if joined and (alone := _JOINED_NUMBER.search(text, start, end)):
        return alone.start(), True
    if number is None:
        if last.isspace():
            if word == "Embed" and start and text[start - 1] == "\n" and _NUMBER.fullmatch(before.strip()):
                counting = _COUNTING.fullmatch(text[line_at(text, start - 1)[0] : start - 1][-60:])
                return (found.start(), False) if counting else (start, True)
            if word == "Embed" and context.scraped:
                counted_above = _GLUED_NUMBER.search(before.rstrip())
                return start + counted_above.start() if counted_above else found.start(), True
            return end, word != "Embed"  # `what you embed` is a lyric
        if word == "Embed":
            return found.start(), True
        near = text[max(start, found.start() - 2) : end].lower()
        glued = context.lowered and (context.scraped or not near.endswith(_OWN_EMBEDS))
        return (found.start(), True) if glued else (end, True)
    token = before[-12:].split(" ")[-1]
    if last in "'’" and (before[-2:-1].isspace() or len(before) == 1):
        # `Back in '9945Embed`: a year has two digits.
        return found.start() + (2 if number.isdecimal() else 0), False
    counted = last.isspace() or (last in ",.:/-–$€£#№" and (before[-2:-1].isdigit() or last in "$€£#№"))
    model = token in ("x", "×", "(x") or (len(token) == 1 and token.isupper() and token not in "AIO")
    if counted or model:  # `1, 2, 345Embed`: which digits are sung is not known
        if thousands := _THOUSANDS.search(number):
            return found.start() + thousands.start(), thousands.start() == 0
        if sung := _sung_elsewhere(text, text.rfind("\n", 0, found.start()) + 1, found.start(2)):
            return sung, True
        return max(own_digits, found.start() + 1) if own_digits > found.start() else found.start(2), False
    return found.start(), True


def _sung_elsewhere(text: str, start: int, end: int) -> int:
    """Return where text[start:end] ends by another line that says the same up to some digit; 0 if there is none."""
    if end - start > _LONGEST_LINE:
        return 0
    line, longest = text[start:end], 0
    for _, other in lines_of(text[:start]):
        if len(other) > longest and line.startswith(other) and _MORE_DIGITS.fullmatch(line, len(other)):
            longest = len(other)
    return start + longest if longest else 0


def _own_digits(number: str | None, context: RuleContext) -> int:
    """Return how many of these digits are those that the title ends in: `1999` of `19993Embed`."""
    title = context.title.strip().split(" ")[-1]
    own = title.isdecimal() and (len(title) > 1 or title == context.title.strip())  # but not the 2 of `Part 2`
    return len(title) if number and own and number.startswith(title) else 0


def _before_number_line(text: str, start: int, context: RuleContext) -> tuple[int, bool]:
    """Return where the song ends before a line `Embed`; the line above may hold its number."""
    end = start
    while end and text[end - 1] in " \n":
        end -= 1
    above = line_at(text, end)[0] if end else 0
    number = text[above:end].strip()
    if not number or len(number) > 12 or not _NUMBER.fullmatch(number):
        if text[above:end] and (glued := _GLUED_NUMBER.search(text, max(above, end - 20), end)):
            return glued.start(), True
        return end, True
    further = text[line_at(text, above - 1)[0] : above - 1] if above else ""
    if _COUNTING.fullmatch(further[-60:]) or fold(number) == fold(context.title):
        return end, False
    return above, True


TAIL: tuple[Rule, ...] = (
    Rule(name="page end", does="Removes the edit form and the page's footer.", find=_page_end, proves_scraping=True),
    Rule(name="embed", does="Removes `Embed`, the number before it and the share links after it.", find=_embed,
         proves_scraping=True),
)  # fmt: skip
"""In the order in which they run."""
