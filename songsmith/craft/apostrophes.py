"""How words with an apostrophe sound: river's, heav'n, lovin', 'neath, should've, walk'd. Looks nothing up but listed words."""

import re

from songsmith.craft.dictionary import look_up
from songsmith.craft.endings import (
    Find,
    Variants,
    clipped_ing,
    first_found,
    past,
    plural,
    stems,
    with_ending,
    with_prefix,
)
from songsmith.craft.phones import STRESSED, VOWELS, count_vowels, encode

_ER0, _R = encode("ER0"), encode("R")
_SPELT_VOWEL = re.compile(r"[aeiouyw]+")
_SILENT_E = re.compile(r"(?<=[^aeiouywl])e(?=s?$)")


def _with_ever(word: str, find: Find) -> Variants:
    """Read whate'er, where'er and howsoe'er."""
    stem = word.removesuffix("'er")
    if stem == word or len(stem) < 3:
        return ()
    so = encode("S OW0") if stem.endswith("soe") else ""
    stem = stem.removesuffix("soe") if so else stem
    return tuple(variant + so + encode("EH1 R") for variant in find(stem.removesuffix("e")) or find(stem))


def _possessive(word: str, find: Find) -> Variants:
    if word.endswith("'s"):
        return tuple(map(plural, find(word[:-2])))
    return ()


def _clipped_end(word: str, find: Find) -> Variants:
    if not word.endswith("'"):
        return ()
    if word.endswith("in'"):
        found = find(f"{word[:-1]}g")
        if found:
            return tuple(map(clipped_ing, found))
    return find(word.rstrip("'"))


def _clipped_start(word: str, find: Find) -> Variants:
    """Read 'neath as beneath that lost its start; any other word behind an apostrophe as itself."""
    if not word.startswith("'"):
        return ()
    rest = word.lstrip("'")
    found = find(rest)
    if found:
        return found
    for start in ("a", "be", "re", "e"):
        for variant in look_up(start + rest):
            lost = 1 if variant[0] in VOWELS else 2
            if variant[lost - 1] not in STRESSED:
                return (variant[lost:],)
    return ()


_ENDINGS_WITH_APOSTROPHE = {
    "'ll": "AH0 L",
    "'ve": "AH0 V",
    "'re": "ER0",
    "'m": "AH0 M",
    "'dst": "D S T",
    "'st": "S T",
    "'rt": "R T",
    "'lt": "L T",
    "'t": "T",
    "n't": "AH0 N T",
}
_APOSTROPHE_SOUNDS = {ending: encode(names) for ending, names in _ENDINGS_WITH_APOSTROPHE.items()}


def _contraction(word: str, find: Find) -> Variants:
    if word.endswith("'d"):
        found = first_found(find, stems(word, "'d"))
        return tuple(map(past, found))
    for ending, sounds in _APOSTROPHE_SOUNDS.items():
        if word.endswith(ending):
            stem = word.removesuffix(ending)
            found = find(stem) or (find(f"{stem}e") if ending.endswith("st") else ())
            if found:
                # Joe'll and you've stay one syllable: behind a vowel, the ending leans on it.
                leaning = sounds[1:] if sounds[0] in VOWELS and ending in ("'ll", "'ve", "'m") else sounds
                return tuple(variant + (leaning if variant[-1] in VOWELS else sounds) for variant in found)
    return ()


def _clipped_inside(word: str, find: Find) -> Variants:
    """Read heav'n, pow'r, ev'ry and wand'ring as the whole word less the syllable that the apostrophe stands for."""
    before, _, after = word.partition("'")
    if not before or not after:
        return ()
    for look in (look_up, find):  # fam'ly is no fame-ly
        for missing in ("e", "o", "a", "i", "u", "ve", "th", "v"):
            found = look(before + missing + after)
            if found:
                counts = [count_vowels(sounds) for sounds in found]
                shortest = found[counts.index(min(counts))]
                # Every has a variant that is ev'ry already, and several is never said otherwise.
                clipped = min(counts) < max(counts) or min(counts) <= _count_spelt(before, after)
                return (shortest if clipped else _without_vowel(shortest, len(_SPELT_VOWEL.findall(before))),)
    return ()


def _count_spelt(before: str, after: str) -> int:
    """Return how many vowels the letters around an apostrophe spell."""
    if before == "ev" and after.startswith("ry"):  # in ev'ryone the y is a vowel of its own
        before, after = "evry", after[2:]
    return len(_SPELT_VOWEL.findall(before)) + len(_SPELT_VOWEL.findall(_SILENT_E.sub("", after)))


def _without_vowel(sounds: str, number: int) -> str:
    """Leave out the first unstressed vowel from vowel `number` on, counted from 0."""
    seen = 0
    for index, sound in enumerate(sounds):
        if sound in VOWELS:
            if seen >= number and sound not in STRESSED and count_vowels(sounds) > 1:
                return sounds[:index] + (_R if sound == _ER0 else "") + sounds[index + 1 :]
            seen += 1
    return sounds


_JOINED = {"th": "DH", "t": "T", "d": "D", "l": "L", "m": "M", "s": "S", "o": "AH0", "y": "Y AH0"}
_JOINED_SOUNDS = {piece: encode(names) for piece, names in _JOINED.items()}


def _pieces(word: str, find: Find) -> Variants:
    """Read what apostrophes join one after the other: rock'n'roll, th'eternal, o'clock."""
    *pieces, last = word.split("'")
    found = [_JOINED_SOUNDS.get(piece) or next(iter(find(piece)), "") for piece in pieces]
    found.append(next(iter(find(last)), ""))
    return ("".join(found),) if all(found) else ()


RULES = (
    *(_with_ever, _possessive, _clipped_end, _clipped_start, _contraction),
    *(with_ending, with_prefix, _clipped_inside, _pieces),
)
"""Tried in this order on a word with an apostrophe that is not listed."""
