"""Which encoding bytes are probably in that are not UTF-8, so that a person can be told how to convert them. Converts nothing."""

import codecs
import re
from collections.abc import Callable
from contextlib import suppress

DAMAGED = "UTF-8"
"""What is guessed of bytes that are UTF-8 but for a few."""
SAMPLE_BYTES = 1 << 16
"""How much is enough to guess by."""
_MOST_LETTERS = 4000
_FEWEST_POINTS = 0.3
_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32", codecs.BOM_UTF32_BE: "UTF-32", codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}  # fmt: skip
_WIDE = {"UTF-16LE": "utf-16-le", "UTF-16BE": "utf-16-be", "UTF-32LE": "utf-32-le", "UTF-32BE": "utf-32-be"}
_QUOTES = "’‘“”„‚«»‹›—–…•·¿¡"
_WESTERN = frozenset("àâäáãåæçèéêëìíîïñòóôöõøœùúûüýÿßšžª°º")
_CENTRAL = frozenset("áâăäąćçčďđéęëěíîłĺľńňóôőöŕřśşšťţúůűüýźżžß")
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


def guess_encoding(sample: bytes, *, from_start: bool) -> str:
    """Return the name, as `iconv` knows it, of the encoding that bytes are probably in; nothing if none is likely.

    Args:
        sample: a piece of a file, at most `SAMPLE_BYTES` of it are looked at.
        from_start: whether it is the file's beginning, where a mark may stand.
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
    """Return in which order text of two or four bytes a character stands, which has no mark."""
    best, most = "", 0.9
    for name, codec in _WIDE.items():
        whole = sample[: len(sample) // 4 * 4] if len(sample) >= SAMPLE_BYTES else sample
        with suppress(UnicodeDecodeError):
            text = whole.decode(codec)
            likely = sum(letter.isalnum() or letter in " \n\r\t.,;:!?'\"-()[]{}" + _QUOTES for letter in text)
            near = sum(ord(letter) < 0x3000 for letter in text)
            if (
                ("\n" in text or " " in text)
                and "\0" not in text
                and (share := (likely + 0.01 * near) / len(text)) > most
            ):
                best, most = name, share
    return best


def _score_letters(codec: str, expected: frozenset[str], sample: bytes) -> float:
    """Return how much the letters beyond ASCII look as they do in words, at best 2 for each."""
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


def _score_cyrillic(codec: str, sample: bytes) -> float:
    text = sample.decode(codec, "replace")
    points = count = 0
    for place, letter in enumerate(text):
        if letter.isascii():
            continue
        count += 1
        before = text[place - 1 : place] if place else ""
        if not "\u0400" <= letter <= "\u045f":
            points += 1 if letter in _QUOTES else -2
        elif (letter.isupper() and before.isalpha() and before.islower()) or (before.isascii() and before.isalpha()):
            points -= 3
        else:
            points += 2 if letter.islower() or not before.isalpha() else 1
        if count == _MOST_LETTERS:
            break
    return points / count if count else 0


def _score_pairs(codec: str, low: int, high: int, sample: bytes) -> float:
    """Return how many pairs of bytes are the usual signs of a writing of East Asia."""
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        text = decoder.decode(sample)  # which may end in the middle of a pair
    except UnicodeDecodeError:
        return -1
    points = count = 0
    for letter in text:
        if letter.isascii():
            continue
        count += 1
        lead = letter.encode(codec)[0]
        kana = "\u3040" <= letter <= "\u30ff" or "\uac00" <= letter <= "\ud7a3"
        points += 2 if kana else 1 if low <= lead <= high and ord(letter) >= 0x3000 else -2
        if count == _MOST_LETTERS:
            break
    return points / count if count else 0


def _bind(score: Callable[..., float], *known: object) -> Callable[[bytes], float]:
    return lambda sample: score(*known, sample)


_SCORES: dict[str, Callable[[bytes], float]] = {
    "WINDOWS-1252": _bind(_score_letters, "cp1252", _WESTERN),
    "MACINTOSH": _bind(_score_letters, "mac_roman", _WESTERN),
    "WINDOWS-1250": _bind(_score_letters, "cp1250", _CENTRAL),
    "CP850": _bind(_score_letters, "cp850", _WESTERN),
    "WINDOWS-1251": _bind(_score_cyrillic, "cp1251"),
    "KOI8-R": _bind(_score_cyrillic, "koi8_r"),
    "SHIFT_JIS": _bind(_score_pairs, "shift_jis", 0x88, 0x97),
    "GB18030": _bind(_score_pairs, "gb18030", 0xB0, 0xD7),
    "EUC-KR": _bind(_score_pairs, "euc_kr", 1, 0),
    "BIG5": _bind(_score_pairs, "big5", 0xA4, 0xC6),
}
"""How likely bytes are in each encoding, the likelier first where two score the same."""
