"""Misleading characters: line ends, odd spaces, hidden marks, look-alikes. Knows no words."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from songsmith.corpus.rules.rule import Finding, Rule, RuleContext, line_at, lines_of, rare
from songsmith.lyrics import strip_controls
from songsmith.words import LETTERS

_CONTROLS = re.compile(r"\r\n?|[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ESCAPED = {
    "&amp;": "&", "&quot;": '"', "&#39;": "'", "&#x27;": "'", "&#039;": "'", "&apos;": "'", "<br>": "\n", "<br/>": "\n",
    "<br />": "\n",
}  # fmt: skip
_ESCAPES = re.compile(rf"(?:{'|'.join(_ESCAPED)})(?:(?<=>)\n)?", re.IGNORECASE)
_WRITTEN_BREAKS = re.compile(r"(?:\\r)?\\n")
_HIDDEN = re.compile("[\u00ad\u034f\u180e\u200b\u2060-\u2064\u206a-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]+")
_DIRECTIONS = re.compile("[\u061c\u200e\u200f]+")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
# Joiners belong to emoji, Indic and Arabic writing; between Latin letters, spaces and punctuation they are a watermark.
_KEEPS_JOINERS = "\u0590-\u1fff\u2190-\U0010ffff"
_JOINERS = re.compile(f"(?<![{_KEEPS_JOINERS}])[\u200c\u200d]+(?![{_KEEPS_JOINERS}])")
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800]+")
_INSIDE = re.compile(r"(?<=[^\W\d_])['’](?=[^\W\d_])")
# Before these, and after a word, a straight mark is an apostrophe and opens no quotation.
_CUT_SHORT = re.compile(
    r"(?<!\w)'(?=(?:t(?:il|is|was|were)|(?:be)?cause|c[uo]z|em|im|er|bout|round|n|fore|neath|gainst|nother|member|nuff|"
    r"scuse|less|stead|s|m|d|ve|re|ll|\d\ds?)\b)",
    re.IGNORECASE,
)
_WORD_END = re.compile(r"(?<=\w)'(?!\w)")
_OTHER_ALPHABETS = re.compile("[\u0370-\u03ff\u0400-\u052f]")
_LOOK_ALIKES = str.maketrans(
    "аеорсухіјѕԁһԛԝӏѵАВЕКМНОРСТУХІЈЅԚԜѴονρϲϳΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹͿ",
    "aeopcyxijsdhqwlvABEKMHOPCTYXIJSQWVovpcjABEZHIKMNOPTYXCJ",
)
_ALIKE = frozenset(map(chr, _LOOK_ALIKES))
# A text with so few letters of other alphabets, all of them look-alikes, is written in Latin ones.
_ONE_IN = 20
_WORDS_OF_ONE_LETTER = frozenset("IAaO")
# No Greek word is this letter alone; a Cyrillic one is a word in itself.
_IOTA = "Ι"
_DOUBLE_WIDTH = re.compile("[\uff21-\uff5a]")
_WIDE = re.compile("(?<=[A-Za-z])[Ａ-Ｚａ-ｚ]+|[Ａ-Ｚａ-ｚ]+(?=[A-Za-z])")
_MANY_BLANKS = re.compile(r"\n\n\n+")


def _controls(text: str, context: RuleContext) -> list[Finding]:
    if not _CONTROLS.search(rare(text)):
        return []
    return [
        Finding(found.start(), found.end(), "\n" if found.group()[0] == "\r" else strip_controls(found.group()))
        for found in _CONTROLS.finditer(text)
    ]


def _escapes(text: str, context: RuleContext) -> list[Finding]:
    """Find escapes that a program wrote for a line break or a quotation mark, where the text has no real ones."""
    findings = [Finding(*found.span(), _ESCAPED[found.group().lower().strip("\n")]) for found in _ESCAPES.finditer(text)] if (
        "&" in text or "<" in text
    ) else []  # fmt: skip
    if "\n" not in text.strip() and text.count("\\n") > 1:
        findings += [Finding(*found.span(), "\n") for found in _WRITTEN_BREAKS.finditer(text)]
        findings.sort(key=lambda finding: finding.start)
    return findings


def _composition(text: str, context: RuleContext) -> list[Finding]:
    if unicodedata.is_normalized("NFC", text):
        return []
    return [
        Finding(start, start + len(line), whole)
        for start, line in lines_of(text)
        if (whole := unicodedata.normalize("NFC", line)) != line
    ]


def _hidden(text: str, context: RuleContext) -> list[Finding]:
    odd = rare(text)
    findings = [Finding(*found.span()) for found in _HIDDEN.finditer(text)] if _HIDDEN.search(odd) else []
    if _DIRECTIONS.search(odd):
        findings += [
            Finding(start + found.start(), start + found.end())
            for start, line in lines_of(text)
            if not _RIGHT_TO_LEFT.search(line.replace("\ufeff", ""))
            for found in _DIRECTIONS.finditer(line)
        ]
        findings.sort(key=lambda finding: finding.start)
    return findings


def _joiners(text: str, context: RuleContext) -> list[Finding]:
    if "\u200c" not in (odd := rare(text)) and "\u200d" not in odd:
        return []
    return [Finding(*found.span()) for found in _JOINERS.finditer(text)]


def _spaces(text: str, context: RuleContext) -> list[Finding]:
    if not (spaces := sorted(set("".join(_SPACES.findall(rare(text)))))):
        return []
    # Searching for the few kinds that are there is faster than searching for all there may be.
    kinds = f"[{''.join(spaces)}]"
    return [Finding(*run.span(), " " * len(run.group())) for run in re.finditer(f"{kinds}{kinds}*", text)]


def _look_alikes(text: str, context: RuleContext) -> list[Finding]:
    letters = "".join(_OTHER_ALPHABETS.findall(rare(text)))
    if not letters:
        return []
    only_alike = _ALIKE.issuperset(letters)
    latin_throughout = only_alike and len(letters) * _ONE_IN <= len(text)
    return [
        Finding(start + word.start(), start + word.end(), latin)
        for start, line in _lines_in_other_alphabets(text, len(letters))
        for word, latin in _disguised(line, latin_throughout, only_alike=only_alike)
    ]


def _lines_in_other_alphabets(text: str, letters: int) -> Iterator[tuple[int, str]]:
    """Yield each line that has some of this many letters of other alphabets, and where it begins."""
    end = 0
    while letters and (found := _OTHER_ALPHABETS.search(text, end)):
        start, end = line_at(text, found.start())
        yield start, (line := text[start:end])
        letters -= len(_OTHER_ALPHABETS.findall(line))


def _disguised(line: str, latin_throughout: bool, *, only_alike: bool) -> list[tuple[re.Match[str], str]]:
    """Return the Latin words of a line in which letters of another alphabet stand for Latin ones."""
    found = []
    has_latin = False
    for word in LETTERS.finditer(line):
        letters = word.group()
        foreign = _OTHER_ALPHABETS.findall(letters) if not letters.isascii() else ()
        if not foreign:
            has_latin = True
            continue
        alike = _ALIKE.issuperset(foreign)
        if len(foreign) == len(letters) and not alike:
            return []  # real words of that alphabet are beside it: which letters belong to which is not certain
        alone = (
            len(letters) == 1
            and (only_alike or letters == _IOTA)
            and letters.translate(_LOOK_ALIKES) in _WORDS_OF_ONE_LETTER
        )
        if latin_throughout or (alike and (alone or len(foreign) * 2 <= len(letters))):
            found.append((word, letters.translate(_LOOK_ALIKES)))
    return [(word, latin) for word, latin in found if has_latin or latin_throughout or len(latin) > 1]


def _wide(text: str, context: RuleContext) -> list[Finding]:
    if not _DOUBLE_WIDTH.search(rare(text)):
        return []
    return [Finding(*found.span(), unicodedata.normalize("NFKC", found.group())) for found in _WIDE.finditer(text)]


def _apostrophes(text: str, context: RuleContext) -> list[Finding]:
    if "’" not in text or "'" not in text:
        return []
    inside = Counter(found.group() for found in _INSIDE.finditer(text))
    count = inside or Counter(text)
    if count["’"] <= count["'"]:
        return [
            Finding(start + at, start + at + 1, "'")
            for start, line in lines_of(text)
            if "’" in line and "‘" not in line
            for at in _places(line, "’")
        ]
    findings = []
    for start, line in lines_of(text):
        if "'" not in line:
            continue
        places = {found.start() for found in _INSIDE.finditer(line) if found.group() == "'"}
        places |= {found.start() for found in _CUT_SHORT.finditer(line)}
        ends = [found.start() for found in _WORD_END.finditer(line)]
        if line.count("'") == len(places.union(ends)):  # no quotation is opened
            places.update(ends)
        findings += [Finding(start + at, start + at + 1, "’") for at in sorted(places)]
    return findings


def _places(line: str, mark: str) -> list[int]:
    return [at for at, letter in enumerate(line) if letter == mark]


def _line_ends(text: str, context: RuleContext) -> list[Finding]:
    if " \n" not in text and not text.endswith((" ", "\u3000")) and "\u3000" not in rare(text):
        return []
    return [
        Finding(start + len(line.rstrip(" \u3000")), start + len(line))
        for start, line in lines_of(text)
        if line[-1:] in (" ", "\u3000")
    ]


def _blank_lines(text: str, context: RuleContext) -> list[Finding]:
    if not text.startswith("\n") and not text.endswith("\n") and "\n\n\n" not in text:
        return []
    findings = []
    first, last = len(text) - len(text.lstrip("\n")), len(text.rstrip("\n"))
    if first:
        findings.append(Finding(0, first))
    if first < last:
        findings += [Finding(found.start(), found.end(), "\n\n") for found in _MANY_BLANKS.finditer(text, first, last)]
    if first < last < len(text):
        findings.append(Finding(last, len(text)))
    return findings


BLANK_LINES = Rule(
    name="blank lines", does="Reduces several blank lines to one, and removes those at either end.",
    find=_blank_lines, reports=False,
)  # fmt: skip
CHARACTERS: tuple[Rule, ...] = (
    Rule(name="line ends", does="Turns every line break into a newline and tabs into spaces; removes control characters.",
         find=_controls, only_rare=True, reports=False),
    Rule(name="escapes", does="Replaces `&amp;`, `<br>` and a literal `\\n` with what they stand for.", find=_escapes),
    Rule(name="zero width", does="Removes zero-width characters.", find=_hidden, only_rare=True),
    Rule(name="joiners", does="Removes joiners, except where a script or an emoji needs them.", find=_joiners, only_rare=True),
    Rule(name="odd spaces", does="Turns spaces of unusual width into plain ones.", find=_spaces, only_rare=True, reports=False),
    Rule(name="composition", does="Combines letters and accents into one character (NFC).",
         find=_composition, only_rare=True, reports=False),
    Rule(name="look-alikes", does="Replaces Cyrillic and Greek letters in a Latin word with the Latin ones they look like.",
         find=_look_alikes, only_rare=True),
    Rule(name="wide letters", does="Turns full-width letters in a Latin word into plain ones.", find=_wide, only_rare=True),
    Rule(name="trailing spaces", does="Removes spaces at the end of a line.", find=_line_ends, reports=False),
    BLANK_LINES,
)  # fmt: skip
"""In the order in which they run."""

QUOTES: tuple[Rule, ...] = (
    # After everything else: the words of a page must not count when the script of a song is judged.
    Rule(name="apostrophes", does="Makes apostrophes all straight or all curly, like most of those inside words.",
         find=_apostrophes, reports=False),
)  # fmt: skip
"""In the order in which they run."""
