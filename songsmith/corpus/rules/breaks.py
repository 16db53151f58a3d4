"""Line breaks that a scraper made or lost: inside parentheses, and where two parts of a page met. Removes no word."""

import re
from itertools import islice

from songsmith.corpus.rules.rule import Finding, Rule, RuleContext, line_near
from songsmith.words import LETTERS

_MOST_BREAKS = 8
_PARENTHESES = re.compile(r"(?<![:;=])\(([^()\[\]]{1,300})\)")
# A piece of a line, cut off where the type changed: it begins with a mark, or with the space before it.
_PIECE = re.compile(r"\n(?=[,;:.!?](?![.!?])| [^\W\d_A-Z])")
# No line ends by opening a parenthesis, or begins by closing one, wherever the other half is.
_LEFT_OPEN = re.compile(r"(?<=[^\s:;=^-] \()\n(?=[^\W_]|['’\"“¿¡])|(?<=[^\s\]])\n(?=\)(?!\w))")
_BROKEN = re.compile(r"\n(?=[,;:.!?](?![.!?])| [^\W\d_A-Z]|\))")
# A capital behind what ends a word; capitals are few, and are looked for first.
_SEAM = re.compile(r"[A-Z](?<=[a-zß-ÿ!?)][A-Z])")
# What every seam looks like with one byte per letter, letters of other alphabets being question marks: fast to search.
_SHAPES = bytes(
    ord("A")
    if chr(code).isascii() and chr(code).isupper()
    else ord("a")
    if re.match("[a-zß-ÿ!?)]", chr(code))
    else ord(" ")
    for code in range(256)
)
_SHAPE_OF_SEAM = re.compile(rb"A(?<=aA)")
# A text with more of them is written that way.
_MOST_SEAMS = 200
_TWO_WORDS = re.compile(r"[^\W\d_A-Z]{2,}([A-Z][^\W\d_A-Z]*)")
_FEWEST_LETTERS = 3
# Words that begin many lines and end no name: `the seaAnd I`, but `YouTube` and `the iPhone`.
_BEGINNINGS = frozenset(
    ["I", "And", "But", "You", "We", "They", "She", "The", "When", "If", "What", "Why", "How", "Where", "There", "Then", "Because",
     "Don", "Can", "Let", "This", "That", "Your", "Ain", "Every", "With", "Just", "Cause", "Could", "Would", "Should", "Did", "Do",
     "It", "Is", "Are", "Was", "For", "From", "In", "Who", "Now", "Never", "Maybe", "Tell", "Take", "Give"]
)  # fmt: skip

# What ends a contraction: `seaI'm` is two lines, but `knowhatI'msayin` is one word, as it was sung.
_CONTRACTED = re.compile(r"['’](?!(?:m|s|d|t|ma|ll|ve|re)(?![^\W\d_]))[^\W\d_]", re.IGNORECASE)


def _broken_ad_libs(text: str, context: RuleContext) -> list[Finding]:
    if ("(" not in text and ")" not in text) or ("(\n" not in text and not _BROKEN.search(text)):
        return []
    edges = {found.start() for found in _LEFT_OPEN.finditer(text)}
    for found in _PARENTHESES.finditer(text):
        inside, start = found[1], found.start(1)
        if "\n" not in inside or "\n\n" in inside or inside.count("\n") > _MOST_BREAKS or not inside.strip():
            continue
        edges |= {start} if inside[0] == "\n" else set()
        edges |= {start + len(inside) - 1} if inside[-1] == "\n" else set()
        edges |= {start + piece.start() for piece in _PIECE.finditer(inside)}
    return [Finding(at, at + 1) for at in sorted(edges)]


def _joined_lines(text: str, context: RuleContext) -> list[Finding]:
    """Find lines glued together in a text that was certainly scraped; what may be a name is only reported."""
    if not context.scraped or context.lowered:
        return []
    if not _SHAPE_OF_SEAM.search(text.encode("latin-1", "replace").translate(_SHAPES)):
        return []
    findings: list[Finding] = []
    for seam in islice(_SEAM.finditer(text), _MOST_SEAMS):
        before = seam.start() - 1
        start, end = line_near(text, before)
        # Words are short; a line may be very long.
        low, high = max(start, before - 40), min(end, seam.end() + 40)
        word = next((word for word in LETTERS.finditer(text, low, high) if word.end() > before + 1), None)
        if word is None or (findings and word.start() < findings[-1].end) or not _goes_on(text, start, end, word):
            continue
        if not text[before].isalpha():
            findings.append(Finding(word.start() - 1, word.end(), None))
            continue
        two = _TWO_WORDS.fullmatch(word.group())
        if not two or _CONTRACTED.match(text, word.end()):
            continue
        left = word.group()[: -len(two[1])]
        if two[1] in _BEGINNINGS and len(left) >= _FEWEST_LETTERS:
            findings.append(Finding(word.start(), word.end(), f"{left}\n{two[1]}"))
        elif len(left) >= _FEWEST_LETTERS and len(two[1]) > 1:
            findings.append(Finding(word.start(), word.end(), None))
    return findings


def _goes_on(text: str, start: int, end: int, word: "re.Match[str]") -> bool:
    """Return whether more of the line stands both before and after a word."""
    return (
        word.start() > start + 1
        and (text[word.start() - 1] == " " or text[word.start() - 1] in "!?)”")
        and word.end() < end
        and text[word.end()] in " '’,"
    )


BREAKS: tuple[Rule, ...] = (
    Rule(name="broken ad-libs", does="Rejoins a line that was broken inside parentheses.", find=_broken_ad_libs, reports=False),
    Rule(name="joined lines", does="Splits two lines that a page ran together; reports what may be a name.",
         find=_joined_lines),
)  # fmt: skip
"""In the order in which they run."""
