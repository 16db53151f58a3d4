"""Read words from sheets with chords on lines above them. Leaves every text alone that is not clearly such a sheet.

A line of which every word may be a chord proves little: `A`, `Am`, and `A B C` are sung as well. So a text is a sheet only if
two such lines or more are directly above words and hold what is never sung, such as `F#m7`, or are spaced as they are played:
`G`, a gap, and `C`. Then all lines of chords and of tablature are removed.
"""

import re
from collections.abc import Sequence

from songsmith.corpus.formats.found_song import squeeze
from songsmith.corpus.records import has_words
from songsmith.lyrics import parse_header

_FEWEST = 2
_LONGEST_ROW = 300
_EXTENSIONS = r"(?:11|13|6/9|[2-79])"
# A root, its kind, what is added, and a bass. The H is German.
_SYMBOL = (
    r"\(?[A-H][#b♯♭]?(?:maj|min|mi|ma|dim|aug|[mM°øØΔ+-])?"
    rf"{_EXTENSIONS}?(?:sus[249]?|(?:add|no|omit|[#b♯♭+-]){_EXTENSIONS}|(?<=7)alt|\((?:[a-z]{{2,4}}|[#b♯♭+,-])*{_EXTENSIONS}\))*"
    r"(?:/[A-H][#b♯♭]?)?[*'’]?\)?"
)
_CHORD = re.compile(_SYMBOL)
# A quick test: a row that begins with a chord and does not continue with a word, or one of tablature.
_MAY_BE_ROW = re.compile(rf"\n[ \t|(~-]*+{_SYMBOL}(?![^\s|,)~/-])(?![ \t|,)~/-]*+[^\W\dA-HNX_x])")
_MAY_BE_FRET = re.compile(r"-\d|\d-")
# A chord that is a word as well, or a letter, or spells something.
_SUNG = re.compile(r"[A-H][234]?|A[b-]|[AEH]m|[A-H](?:mi|ma|min)")
# In brackets `Am` is not a word; letters, a few names and `Hm` are.
_LETTER = re.compile(r"[A-H][234]?[*'’+°-]?|[A-H]/[A-H]|Hm|[A-H](?:mi|ma)")
# Bars, repeats, `N.C.`, frets, and signs between chords.
_BESIDE = re.compile(r"[|:.,/\\%*~–—-]+|\(?(?:[x×]\d{1,2}|\d{1,2}[x×])\)?|N\.?C\.?|(?=.*\d)[\dxX]{6}")
# `e|--3--2--|`, `B --0--1--`; the string may be left out.
_TABLATURE = re.compile(r"(?=.*--.*--)(?=.*[|\d])(?:[A-Ha-h][#b]?)?[-\dhpbrstvx/\\~^()|<>=*.:\s]{6,}")
_LABELLED = re.compile(r"\[([^\[\]]+)\]\s*(\S.*)|([^\W\d_][\w -]{0,30}):\s*(\S.*)")
# What a sheet says about itself.
_ABOUT = re.compile(r"(?:capo|key|tuning|tempo|bpm)\s*:.{0,60}|capo (?:on |fret )?\d.{0,20}|N\.C\.", re.IGNORECASE)


def read_chord_sheet(text: str) -> str | None:
    """Return the words of a sheet with chords in lines above them; None if the text is not such a sheet."""
    if not _MAY_BE_ROW.search(f"\n{text}") and not ("--" in text and _MAY_BE_FRET.search(text)):
        return None
    rows = text.replace("\t", "        ").split("\n")
    if sum(_is_proof(rows, number) for number in range(len(rows))) < _FEWEST:
        return None
    words: list[str] = []
    for row in map(str.strip, rows):
        if row and is_unsung(row):
            continue
        found = _LABELLED.fullmatch(row) if len(row) <= _LONGEST_ROW else None
        if found and _is_chords(found[2] or found[4]):
            header = f"[{found[1] or found[3]}]"
            row = header if parse_header(header) else ""
        if row or (words and words[-1]):  # a row of chords alone leaves one blank line
            words.append(squeeze(row))
    return "\n".join(words).strip("\n")


def _is_proof(rows: Sequence[str], number: int) -> bool:
    """Return whether a row can only be one of chords above words, or one of tablature."""
    row = rows[number].strip()
    if not _is_chords(row):
        return _is_tablature(row)
    under = rows[number + 1] if number + 1 < len(rows) else ""
    below = under.strip()
    if not has_words(below) or is_unsung(below) or parse_header(below):
        return False
    placed = "  " in row or rows[number].startswith(f"  {under[: len(under) - len(under.lstrip())]}")
    return placed or any(_CHORD.fullmatch(word) and not _SUNG.fullmatch(word.strip("()")) for word in row.split())


def is_chord(word: str) -> bool:
    """Return whether a word is the symbol of a chord."""
    return _CHORD.fullmatch(word) is not None


def may_be_sung(word: str) -> bool:
    """Return whether the symbol of a chord may also be a letter, such as those of singers and parts."""
    return _LETTER.fullmatch(word.strip("()")) is not None


def is_beside(word: str) -> bool:
    """Return whether a word is written beside chords and not sung: bars, repeats, `N.C.`."""
    return _BESIDE.fullmatch(word) is not None


def is_unsung(row: str) -> bool:
    """Return whether a row holds only chords, tablature, or what a sheet says about itself."""
    return _is_chords(row) or _is_tablature(row) or _ABOUT.fullmatch(row) is not None


def _is_tablature(row: str) -> bool:
    return "--" in row and len(row) <= _LONGEST_ROW and _TABLATURE.fullmatch(row) is not None


def _is_chords(row: str) -> bool:
    """Return whether a row holds chords, and otherwise only what is written beside them."""
    words = row.replace("|", " ").split() if len(row) <= _LONGEST_ROW else []
    found = False
    for word in words:
        if _CHORD.fullmatch(word):
            found = True
        elif not _BESIDE.fullmatch(word):
            return False
    return found
