"""Split a text into words as they are spoken: case, accents, quotation marks, numbers and signs.

Knows which marks belong to a word, not what it sounds like.
"""

import re
import unicodedata

from songsmith.craft.dictionary import words as listed_words
from songsmith.craft.numerals import say_number

_APOSTROPHES = dict.fromkeys(map(ord, "’‘ʼʻ‛′´`＇"), "'")
_LATIN_LETTERS = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "th", "þ": "th", "ı": "i", "ŋ": "ng"}
)
_SUNG_ED = re.compile(r"e[\u0300\u0301]d(?![^\W\d_])")
_ACCENTS = re.compile(r"([a-z])[\u0300-\u036f]+")
_SLICE = 256
_SIGNS = {"&": "and", "@": "at", "%": "percent", "+": "plus"}
_PIECE = re.compile(
    r"(?P<currency>[$£€])?(?P<digits>[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?)(?P<ending>(?:st|nd|rd|th|s)(?![a-zè])|%)?"
    r"|(?P<initials>(?<![a-zè0-9'])[a-z](?:\.[a-z]){1,9}(?![a-zè']))"
    r"|(?P<word>'{0,2}[a-zè]+(?:'+[a-zè]+)*'*)"
    r"|(?P<sign>[&@%+])"
    r"|(?P<foreign>[^\W\d_a-zè']+)"
)


def words_in(text: str) -> list[str]:
    """Return the words of a text in order, lower case, numbers and signs spelled out.

    A word is made of the letters a to z, of straight apostrophes, and of è where an -ed is sung (blessèd); initials keep
    the dots between them (u.s.a, which is not read as a word); one in another script is left in its own letters.
    """
    found: list[str] = []
    for match in _PIECE.finditer(_plain(text)):
        kind = match.lastgroup
        if kind == "word":
            found.append(_without_quotes(match.group()))
        elif kind == "sign":
            found.append(_SIGNS[match.group()])
        elif kind in ("foreign", "initials"):
            found.append(match.group())
        else:
            currency, digits, ending = match.group("currency", "digits", "ending")
            found += say_number(digits, currency=currency or "", ending=ending or "")
    return found


def is_foreign(word: str) -> bool:
    """Whether a word of `words_in` is in another script than ours."""
    return not word.isascii() and "è" not in word


def count_foreign_syllables(word: str) -> int:
    """Guess the syllables of a word in another script: its vowels, its characters where each is a syllable, or half of it."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" and letter not in _SMALL_KANA for letter in word)
    if wide:
        return wide
    bases = (unicodedata.normalize("NFD", letter)[0] for letter in word)
    return sum(base in _OTHER_VOWELS for base in bases) or (len(word) + 1) // 2


_SMALL_KANA = frozenset("ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮーんン")
_OTHER_VOWELS = frozenset("аеиоуыэюяіїєўαεηιουω")


def _plain(text: str) -> str:
    if text.isascii():
        return text.lower().replace("`", "'")
    # Putting accents in order takes the square of how many come at once: what no person wrote is taken in slices.
    return "".join(_plain_slice(text[start : start + _SLICE]) for start in range(0, len(text), _SLICE))


def _plain_slice(text: str) -> str:
    text = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES).casefold()).casefold().translate(_LATIN_LETTERS)
    text = _ACCENTS.sub(r"\1", _SUNG_ED.sub("\0", text))
    # Marks on letters of other scripts belong to them, and are put back.
    return unicodedata.normalize("NFC", text).replace("\0", "èd")


def _without_quotes(word: str) -> str:
    """Take off apostrophes that are quotation marks: those at the ends of a word which is not known with them."""
    if word[0] != "'" and word[-1] != "'":
        return word
    listed = listed_words()
    core = word.strip("'")
    for known in (word, f"'{core}", f"{core}'"):
        if known in listed and known in word:
            return known
    if word[-1] == "'" and core.endswith("in") and len(core) > 3 and f"{core}g" in listed:
        return f"{core}'"
    return core if word[0] != "'" or core in listed else f"'{core}"
