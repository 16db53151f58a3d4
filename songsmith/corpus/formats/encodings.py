"""Guess the encoding of bytes that are not UTF-8, so that a person can be told how to convert them. Converts nothing."""

import codecs
import re
from collections.abc import Callable
from contextlib import suppress
from unicodedata import category

DAMAGED = "UTF-8"
"""The answer for bytes that are UTF-8 except for a few."""
SAMPLE_BYTES = 1 << 16
"""How many bytes are enough to guess by."""
_MOST_LETTERS = 4000
_FEWEST_POINTS = 0.3
_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32", codecs.BOM_UTF32_BE: "UTF-32", codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}  # fmt: skip
_WIDE = {"UTF-16LE": "utf-16-le", "UTF-16BE": "utf-16-be", "UTF-32LE": "utf-32-le", "UTF-32BE": "utf-32-be"}
_QUOTES = "’‘“”„‚«»‹›—–…•·¿¡"
_WESTERN = frozenset("àâäáãåæçèéêëìíîïñòóôöõøœùúûüýÿßšžª°º")
_TURKISH = frozenset([*"çğıöşüâîû", "İ".lower()])
_RUSSIAN = "оеаинтсрвл"
_CENTRAL = frozenset("áâăäąćçčďđéęëěíîłĺľńňóôőöŕřśşšťţúůűüýźżžß")
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


def guess_encoding(sample: bytes, *, from_start: bool) -> str:
    """Return the name, as `iconv` knows it, of the encoding that bytes are probably in; empty if none is likely.

    Args:
        sample: a piece of a file; at most `SAMPLE_BYTES` of it are used.
        from_start: whether it is the file's beginning, where a byte order mark may be.
    """
    sample = sample[:SAMPLE_BYTES]
    if from_start and (marked := next((name for mark, name in _MARKS.items() if sample.startswith(mark)), "")):
        return marked
    if b"\0" in sample:
        return _guess_wide(sample) if from_start else ""
    valid = len(_MULTIBYTE.findall(sample))
    if valid > 9 * len(re.findall(rb"[\x80-\xff]+", _MULTIBYTE.sub(b"", sample))):
        return DAMAGED
    points = {name: score(sample) for name, score in _SCORES.items()}
    best = max(points, key=lambda name: points[name])
    return best if points[best] >= _FEWEST_POINTS else ""


def _guess_wide(sample: bytes) -> str:
    """Return the byte order of text with two or four bytes per character and no byte order mark."""
    best, most = "", 0.9
    for name, codec in _WIDE.items():
        whole = sample[: len(sample) // 4 * 4] if len(sample) >= SAMPLE_BYTES else sample
        with suppress(UnicodeDecodeError):
            text = whole.decode(codec)
            likely = sum(
                letter.isalnum() or category(letter)[0] == "M" or letter in " \n\r\t.,;:!?'\"-()[]{}" + _QUOTES
                for letter in text
            )
            near = sum(ord(letter) < 0x3000 for letter in text)
            if (
                ("\n" in text or " " in text)
                and "\0" not in text
                and (share := (likely + 0.01 * near) / len(text)) > most
            ):
                best, most = name, share
    return best


def _score_letters(codec: str, expected: frozenset[str], sample: bytes) -> float:
    """Return a score of how the letters beyond ASCII fit into words, at most 2 for each."""
    text = sample.decode(codec, "replace")
    points = count = 0
    for place, letter in enumerate(text):
        if letter.isascii():
            continue
        count += 1
        before, after = text[place - 1 : place] if place else "", text[place + 1 : place + 2]
        points += _judge(letter, before, after, text[max(0, place - 2) : place + 1], expected)
        if count == _MOST_LETTERS:
            break
    return points / count if count else 0


def _judge(letter: str, before: str, after: str, run: str, expected: frozenset[str]) -> int:
    if letter in _QUOTES:
        inside = before.isalpha() and after.isalpha()
        return 2 if letter == "’" and inside else -1 if inside and letter not in "—–…" else 1
    if letter == "\u00a0":
        return 0
    if not letter.isalpha() and letter.lower() not in expected:
        return -4 if ord(letter) < 0xA0 or letter == "\ufffd" else -2
    if letter.isupper() and before.isalpha() and before.islower():
        return -3
    if len(run) == 3 and not any(map(str.isascii, run)) and run.isalpha():
        return -3  # three such letters in a row are another alphabet
    return 2 if letter.lower() in expected else -1


def _score_alphabet(codec: str, first: str, last: str, common: str, sample: bytes) -> float:
    """Return a score of how the letters beyond ASCII fit one alphabet, its words and its commonest letters."""
    text = sample.decode(codec, "replace")
    points = count = often = 0
    for place, letter in enumerate(text):
        if letter.isascii():
            continue
        count += 1
        before, after = text[place - 1 : place] if place else "", text[place + 1 : place + 2]
        often += letter in common
        if not first <= letter <= last:
            points += 1 if letter in _QUOTES else -2
        elif (letter.isupper() and before.isalpha() and before.islower()) or any(
            beside.isascii() and beside.isalpha() for beside in (before, after)
        ):
            points -= 3
        else:
            points += 1 if letter.isupper() and before.isalpha() else 2
        if count == _MOST_LETTERS:
            break
    return (points + 2 * often) / count - 1 if count else 0


def _score_pairs(codec: str, low: int, high: int, kana: int, sample: bytes) -> float:
    """Return how many pairs of bytes are common characters of an East Asian script."""
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        text = decoder.decode(sample)  # the sample may end in the middle of a pair
    except UnicodeDecodeError:
        return -1
    points = count = 0
    for before, letter in zip(f" {text}", text, strict=False):
        if letter.isascii():
            continue
        count += 1
        if before.isascii() and before.isalpha():  # no Latin letter is written directly before an East Asian character
            points -= 2
        elif "\u3040" <= letter <= "\u30ff":
            points += kana
        elif "\uac00" <= letter <= "\ud7a3":
            points += 3
        else:
            points += 2 if low <= letter.encode(codec)[0] <= high and ord(letter) >= 0x3000 else -2
        if count == _MOST_LETTERS:
            break
    return points / count if count else 0


def _bind(score: Callable[..., float], *known: object) -> Callable[[bytes], float]:
    return lambda sample: score(*known, sample)


_SCORES: dict[str, Callable[[bytes], float]] = {
    "WINDOWS-1252": _bind(_score_letters, "cp1252", _WESTERN),
    "MACINTOSH": _bind(_score_letters, "mac_roman", _WESTERN),
    "WINDOWS-1254": _bind(_score_letters, "cp1254", _TURKISH),
    "WINDOWS-1250": _bind(_score_letters, "cp1250", _CENTRAL),
    "CP850": _bind(_score_letters, "cp850", _WESTERN),
    "WINDOWS-1251": _bind(_score_alphabet, "cp1251", "\u0400", "\u045f", _RUSSIAN),
    "KOI8-R": _bind(_score_alphabet, "koi8_r", "\u0400", "\u045f", _RUSSIAN),
    "CP866": _bind(_score_alphabet, "cp866", "\u0400", "\u045f", _RUSSIAN),
    "ISO-8859-5": _bind(_score_alphabet, "iso8859_5", "\u0400", "\u045f", _RUSSIAN),
    "WINDOWS-1253": _bind(_score_alphabet, "cp1253", "\u0384", "\u03ce", "αοιετσνηυρςάόίέ"),
    "WINDOWS-1255": _bind(_score_alphabet, "cp1255", "\u05b0", "\u05ea", "יוהלארתבמשנםן"),
    "WINDOWS-1256": _bind(_score_alphabet, "cp1256", "\u060c", "\u06d2", "اليمنوتربهدع"),
    "CP874": _bind(_score_alphabet, "cp874", "\u0e01", "\u0e5b", "านรกเงอมยลวดทสตัีิ่้"),
    "SHIFT_JIS": _bind(_score_pairs, "shift_jis", 0x88, 0x97, 3),
    "GB18030": _bind(_score_pairs, "gb18030", 0xB0, 0xD7, -1),
    "EUC-JP": _bind(_score_pairs, "euc_jp", 0xB0, 0xCF, 3),
    "EUC-KR": _bind(_score_pairs, "euc_kr", 1, 0, -1),
    "BIG5": _bind(_score_pairs, "big5", 0xA4, 0xC6, -1),
}
"""How likely bytes are in each encoding, the likelier first where two score the same."""
