"""Pages that contain the song twice: the first copy is removed, the second, cleaner one stays."""

import re

from songsmith.corpus.rules.rule import Finding, Rule, RuleContext, fold, lines_of
from songsmith.lyrics import parse_header

_FEWEST_LINES = 6
_MOST_LEFTOVERS = 12
_FEWEST_HEADERS = 3
_SHORTEST_LINE = 8
_FURTHEST_OPENING = 2000
_LINE = re.compile(r"[^\n]+")
_WORDS = re.compile(r"\w+(?: \w+){0,4}")
# A song has no two of them.
_HEADER_ONCE = re.compile(r"\[[^\W\d_]+(?: |-)?1\b|\[intro\b", re.IGNORECASE)


def _twice(text: str, context: RuleContext) -> list[Finding]:
    if not context.scraped:
        return []
    if not _comes_back(text, context):
        return []
    rows = [(start, line) for start, line in lines_of(text) if line.strip()]
    if rows and (seam := text.find(f"mbed{rows[0][1]}", len(rows[0][1]))) > 0 and len(rows[0][1]) >= _SHORTEST_LINE:
        return [Finding(seam + len("mbed"), seam + len("mbed"), "\n")]
    sung = [
        number for number, (_, line) in enumerate(rows) if not (line.startswith("[") and parse_header(line.strip()))
    ]
    opening = fold(rows[sung[0]][1]) if sung else ""
    words: list[str] = []
    for half in range((len(sung) + 1) // 2, min(len(sung), (len(sung) + _MOST_LEFTOVERS) // 2 + 1)):
        # The headers above the first line of the second copy are its own.
        begin = sung[half - 1] + 1
        if len(rows) - begin < _FEWEST_LINES or not opening or fold(rows[sung[half]][1]) != opening:
            continue
        words = words or [fold(_without_embed(rows[number][1])) for number in sung]
        if _is_within(words[half:], words[:half]):
            return _judge(text, rows[:begin], rows[begin:], few_words=len(set(words[half:])) * 2 < len(sung) - half)
    return []


def _comes_back(text: str, context: RuleContext) -> bool:
    """Return whether the first words that are sung are in the text twice, which is fast."""
    for found in _LINE.finditer(text, 0, _FURTHEST_OPENING):
        line = found.group()
        if line.strip() and not (line.startswith("[") and parse_header(line.strip())):
            words = _WORDS.search(line.lower())
            return words is not None and context.folded.find(words.group(), found.start() + words.end()) >= 0
    return False


def _judge(text: str, first: list[tuple[int, str]], second: list[tuple[int, str]], *, few_words: bool) -> list[Finding]:
    """Return the copy to remove from a text whose second half repeats the first; nothing where it may be sung twice."""
    place, (last, line) = second[0][0], first[-1]
    headers, again = _headers(first), _headers(second)
    if len(headers) >= _FEWEST_HEADERS and not again:
        return [Finding(place, len(text))]  # the copy lost its headers
    once = any(map(_HEADER_ONCE.match, again)) or len(set(again)) >= _FEWEST_HEADERS
    if _without_embed(line) != line or (once and headers == again):
        return [Finding(0, place)]
    if few_words:
        return []  # a song of few words returns to its beginning many times
    # Stanzas are separated by a blank line, the two copies of a page are not.
    joined = text.count("\n", last + len(line), place) == 1 and "\n\n" in text[place:]
    return [Finding(0, place)] if joined else [Finding(place, place + len(second[0][1]), None)]


def _headers(rows: list[tuple[int, str]]) -> list[str]:
    return [line.strip() for _, line in rows if line.startswith("[") and parse_header(line.strip())]


def _without_embed(line: str) -> str:
    return line[:-5].rstrip("0123456789.,KM") if line.endswith(("Embed", "embed")) else line


def _is_within(short: list[str], long: list[str]) -> bool:
    """Return whether `short` is `long` with some lines left out."""
    lines = iter(long)
    return all(any(line == other for other in lines) for line in short)


TWICE: tuple[Rule, ...] = (
    Rule(
        name="twice", does="Keeps only the clean copy of a page that appears twice.", find=_twice, proves_scraping=True
    ),
)
"""In the order in which they run."""
