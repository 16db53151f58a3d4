"""Endings and prefixes: how a known word sounds with something added. Finds no word by itself."""

import re
from collections.abc import Callable, Iterable, Iterator

from songsmith.craft.dictionary import is_common
from songsmith.craft.phones import VOWELS, encode

Variants = tuple[str, ...]
"""Ways to say one word, as sounds, the best first."""
Find = Callable[[str], Variants]
"""What finds a word that another is made of."""

_VOWEL_LETTERS = frozenset("aeiouyw")
_SIBILANTS = frozenset(encode("S Z SH CH JH ZH"))
_VOICELESS = frozenset(encode("P T K F TH S SH CH"))
_S, _Z, _T, _D, _N = (encode(name) for name in ("S", "Z", "T", "D", "N"))
# Sparkle has two syllables, and so has sparkling.
_OF_SPARKLE = re.compile(r"[^aeiouwylr]l$")
_AH0_L, _L = encode("AH0 L"), encode("L")
_IZ, _ID, _ING = (encode(names) for names in ("IH0 Z", "IH0 D", "IH0 NG"))


def stems(word: str, ending: str) -> Iterator[str]:
    """Yield what `word` may be made of, before an ending that begins with a vowel: hop or hope for hoping."""
    stem = word.removesuffix(ending)
    last, before = stem[-1:], stem[-2:-1]
    if last == before and last not in _VOWEL_LETTERS:
        yield from (stem, stem[:-1])
    elif last == "i":
        yield from (f"{stem[:-1]}y", stem)
    elif stem[-3:-2] not in _VOWEL_LETTERS and before in _VOWEL_LETTERS and last not in _VOWEL_LETTERS:
        yield from (f"{stem}e", stem)  # making is of make; hearing, singing and knowing are of what they show
    elif last == "e":
        yield from (f"{stem}e", stem)
    else:
        yield from (stem, f"{stem}e")


def first_found(find: Find, words: Iterable[str]) -> Variants:
    """Return what the first of `words` that can be found sounds like."""
    for word in words:
        # Of mr, dr and the like nothing is made.
        found = find(word) if len(word) > 1 and _VOWEL_LETTERS & set(word) else ()
        if found:
            return found
    return ()


def plural(sounds: str) -> str:
    """Return the sounds with the ending of rivers, fits, roses and river's."""
    if sounds[-1] in _SIBILANTS:
        return sounds + _IZ
    return sounds + (_S if sounds[-1] in _VOICELESS else _Z)


def past(sounds: str) -> str:
    """Return the sounds with the ending of loved, walked and wanted."""
    if sounds[-1] in _T + _D:
        return sounds + _ID
    return sounds + (_T if sounds[-1] in _VOICELESS else _D)


def clipped_ing(sounds: str) -> str:
    """Return the sounds with the ending of lovin' where they had the one of loving."""
    return sounds[:-1] + _N if sounds.endswith(_ING) else sounds


_VOWEL_ENDINGS = {
    "ings": "IH0 NG Z",
    "ing": "IH0 NG",
    "edst": "D S T",
    "est": "AH0 S T",
    "eth": "AH0 TH",
    "ers": "ER0 Z",
    "er": "ER0",
    "able": "AH0 B AH0 L",
    "ish": "IH0 SH",
    "en": "AH0 N",
    "y": "IY0",
}

_OTHER_ENDINGS = {
    "fully": "F AH0 L IY0",
    "lessly": "L AH0 S L IY0",
    "ly": "L IY0",
    "ness": "N AH0 S",
    "less": "L AH0 S",
    "ful": "F AH0 L",
    "ment": "M AH0 N T",
    "some": "S AH0 M",
    "wards": "W ER0 D Z",
    "ward": "W ER0 D",
    "like": "L AY2 K",
    "ship": "SH IH2 P",
    "hood": "HH UH2 D",
    "dom": "D AH0 M",
    "man": "M AH0 N",
    "men": "M IH0 N",
    "most": "M OW2 S T",
    "let": "L AH0 T",
    "lets": "L AH0 T S",
    "soever": "S OW0 EH1 V ER0",
}
_PREFIXES = {
    "un": "AH0 N",
    "re": "R IY0",
    "dis": "D IH0 S",
    "mis": "M IH0 S",
    "fore": "F AO2 R",
    "be": "B IH0",
    "en": "EH0 N",
    "a": "AH0",
    "up": "AH0 P",
    "where": "W EH2 R",
    "there": "DH EH2 R",
    "o'er": "AO2 R",
}
# Many a name begins or ends like these: what is left must be a word of which more is made.
_DOUBTFUL_ENDINGS = frozenset({"en", "y"})
_DOUBTFUL_PREFIXES = frozenset({"fore", "re", "be", "en", "a", "up"})

_VOWEL_ENDING_SOUNDS = {ending: encode(names) for ending, names in _VOWEL_ENDINGS.items()}
_OTHER_ENDING_SOUNDS = {ending: encode(names) for ending, names in _OTHER_ENDINGS.items()}
_PREFIX_SOUNDS = {prefix: encode(names) for prefix, names in _PREFIXES.items()}


def with_ending(word: str, find: Find) -> Variants:
    """Read a word by the known word before its ending."""
    if word.endswith("èd"):
        return tuple(sounds + _ID for sounds in first_found(find, stems(word, "èd")))
    if word.endswith("ed"):
        return tuple(map(past, first_found(find, stems(word, "ed"))))
    if word.endswith("s") and not word.endswith("ss"):
        whole = (word[:-1], word[:-2], f"{word[:-3]}y") if word.endswith("ies") else (word[:-1], word[:-2])
        found = first_found(find, whole if word.endswith("es") else whole[:1])
        if found:
            return tuple(map(plural, found))
    for ending, sounds in _VOWEL_ENDING_SOUNDS.items():
        if word.endswith(ending) and len(word) > len(ending) + 1:
            parts = stems(word, ending)
            found = first_found(find, filter(is_common, parts) if ending in _DOUBTFUL_ENDINGS else parts)
            if found:
                if _OF_SPARKLE.search(word.removesuffix(ending)) and sounds[0] in VOWELS:
                    found = tuple(f"{sound[:-2]}{_L}" if sound.endswith(_AH0_L) else sound for sound in found)
                return tuple(variant + sounds for variant in found)
    for ending, sounds in _OTHER_ENDING_SOUNDS.items():
        if word.endswith(ending) and len(word) > len(ending) + 2:
            stem = word.removesuffix(ending)
            found = find(stem) or (find(f"{stem[:-1]}y") if stem.endswith("i") else ())
            if found:
                return tuple(variant + sounds for variant in found)
    return ()


def with_prefix(word: str, find: Find) -> Variants:
    """Read a word by the known word behind its prefix."""
    for prefix, sounds in _PREFIX_SOUNDS.items():
        rest = word.removeprefix(prefix)
        if rest != word and len(rest) > (3 if prefix in _DOUBTFUL_PREFIXES else 1):
            found = () if prefix in _DOUBTFUL_PREFIXES and not is_common(rest) else find(rest)
            if found:
                return tuple(sounds + variant for variant in found)
    return ()
