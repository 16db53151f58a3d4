"""Recognise words that no dictionary lists by their spelling: clipped, drawn out, old, British, or compound.

Each rule takes a word to a known one and says what that does to its sounds. Never guesses: an unknown word stays unknown.
"""

import re

from songsmith.craft import apostrophes
from songsmith.craft.dictionary import is_common, look_up
from songsmith.craft.endings import Find, Variants, clipped_ing, first_found, with_ending, with_prefix
from songsmith.craft.phones import with_less_stress

_LONGEST_WORD = 40
_VOWEL_LETTERS = frozenset("aeiouyè")


def find(word: str) -> Variants:
    """Return the variants of a word as sounds, the best first; none if neither the dictionary nor a rule knows it.

    Args:
        word: of the letters a to z, è for the -ed that is sung, straight apostrophes, and dots between initials.
    """
    return _find(word, 2)


def _find(word: str, depth: int) -> Variants:
    found = look_up(word)
    if found or not depth or not 1 < len(word) <= _LONGEST_WORD:
        return found
    for rule in apostrophes.RULES if "'" in word else _RULES:
        found = rule(word, lambda part: _find(part, depth - 1))
        if found:
            return found
    return ()


_RESPELLINGS = tuple(
    (re.compile(pattern), other)
    for pattern, other in (
        (r"our", "or"),
        (r"is(e|es|ed|ing|er|ers|ation)$", r"iz\1"),
        (r"ys(e|ed|ing)$", r"yz\1"),
        (r"([bct])re(s|d)?$", r"\1er\2"),
        (r"ll(ed|ing|er|ers)$", r"l\1"),
        (r"ence$", "ense"),
        (r"[ao]e", "e"),
        (r"ck$", "c"),
        (r"pt$", "pped"),
        (r"([sp])t$", r"\1sed"),
        (r"l(ful|ness|ment)", r"ll\1"),
        (r"(?<=.)y(?=.)", "i"),
        (r"ie$", "y"),
        (r"in$", "ing"),
    )
)
_RUN = re.compile(r"([a-z])\1{2,}")


def _respelt(word: str, find: Find) -> Variants:
    for pattern, other in _RESPELLINGS:
        respelt = pattern.sub(other, word)
        found = look_up(respelt) if respelt != word else ()
        if found:
            return tuple(map(clipped_ing, found)) if other == "ing" else found
    return ()


def _drawn_out(word: str, find: Find) -> Variants:
    """Yeahhh, sooooo, goooood, shhh: three of a letter stand for two, or for one; at the end, but for e, rather for one."""
    if not _RUN.search(word):
        return ()
    one, two = _RUN.sub(r"\1", word), _RUN.sub(r"\1\1", word)
    if not _VOWEL_LETTERS & set(word):
        return look_up(two)  # shhh and grrr; of mr and st nothing is made
    ends_in_run = word[-3:] == word[-1] * 3 and word[-1] != "e"
    return first_found(find, (one, two) if ends_in_run else (two, one))


def _repeated(word: str, find: Find) -> Variants:
    """Read lalala as three times la."""
    for size in (2, 3, 4):
        times, rest = divmod(len(word), size)
        if times > 1 and not rest and word == word[:size] * times:
            return tuple(variant * times for variant in look_up(word[:size]))
    return ()


def _of_two_words(word: str, find: Find) -> Variants:
    """Read starfall as star and fall. The most even cut is tried first."""
    cuts = range(3, len(word) - 2)
    for cut in sorted(cuts, key=lambda cut: abs(2 * cut - len(word))):
        first, second = look_up(word[:cut]), look_up(word[cut:])
        common = is_common(word[:cut]) + is_common(word[cut:]) if first and second else 0
        if common == 2 or (common and 4 <= cut <= len(word) - 4):
            return (first[0] + with_less_stress(second[0]),)
    return ()


def _letter_by_letter(word: str, find: Find) -> Variants:
    if len(word) > 5 or _VOWEL_LETTERS & set(word) or _RUN.search(word):
        return ()
    return (_spell_out(word),)


def _initials(word: str, find: Find) -> Variants:
    """Read u.s.a letter by letter, whatever the letters spell."""
    return (_spell_out(word.replace(".", "")),) if "." in word else ()


def _spell_out(letters: str) -> str:
    return "".join(look_up(letter)[-1] for letter in letters)  # the article is the other way to say a


_RULES = (_initials, _drawn_out, _repeated, with_ending, _respelt, with_prefix, _letter_by_letter, _of_two_words)
