"""How words and lines sound: phones, syllables, the last word of a line, its rhyme.

A word is looked up, else found by how it is spelt, else guessed and marked so. Knows lines of text, no songs.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from songsmith.craft.dictionary import letter_rules
from songsmith.craft.letters import guess
from songsmith.craft.phones import count_vowels, decode, encode
from songsmith.craft.spelling import find
from songsmith.craft.wording import count_foreign_syllables, is_foreign, words_in

# Most words of any text are among so many; a longer piece is none of them, and is not kept.
_REMEMBERED = 1 << 16
_LONGEST_REMEMBERED = 40
# What is written for the reader: [laughs], [?], (x2), and x2 at the end of a line.
_IN_BRACKETS = re.compile(r"\[[^\[\]]*\]")
_TIMES = r"(?:[x×] ?[0-9]{1,2}|[0-9]{1,2} ?[x×])"
_REPEAT = re.compile(rf"\( ?{_TIMES} ?\)|(?<!\S){_TIMES}(?=\W*\Z)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Pronunciation:
    """One way to say a word."""

    phones: tuple[str, ...]
    """ARPAbet names; a vowel ends in its stress: 1 for the main one, 2 for a lesser one, 0 for none."""
    guessed: bool = False
    """Made up from the letters alone; likely right, but nobody said so."""

    @property
    def syllables(self) -> int:
        """How many syllables it has; none for a consonant that leans on the next word, as in th'."""
        return sum(phone[-1].isdigit() for phone in self.phones)

    @property
    def rhyme_part(self) -> tuple[str, ...]:
        """The phones from the last stressed vowel on, without stress marks.

        A perfect rhyme is two words with equal rhyme parts and other consonants before them.
        """
        phones = self.phones
        stressed = (at for at in range(len(phones) - 1, -1, -1) if phones[at][-1] in "12")
        first_vowel = next((at for at, phone in enumerate(phones) if phone[-1] == "0"), 0)
        return tuple(phone.rstrip("012") for phone in phones[next(stressed, first_vowel) :])


@dataclass(frozen=True, kw_only=True)
class LineSound:
    """What can be heard of a line."""

    syllables: int
    """Of all its words in their best reading, those in parentheses too, those in brackets not."""
    end_word: str | None
    """Its last word, lower case with straight apostrophes; an aside in parentheses at the end is passed over."""
    rhyme_part: tuple[str, ...]
    """What the end word rhymes on; nothing where there is none, or where it is in another script."""
    guessed: bool
    """The sound of some word was guessed."""
    foreign: bool
    """Some word is in another script than ours: its syllables are a rough count."""


class _Chunk(NamedTuple):
    """What stands between two spaces."""

    syllables: int
    end_word: str | None
    guessed: bool
    foreign: bool


def pronounce(word: str) -> tuple[Pronunciation, ...]:
    """Return every way to say a word, the best first; none for what is silent or in another script.

    What is said as several words (`24/7`, `heart-broken`, even a whole line) is one pronunciation, of their best ones.
    """
    words = words_in(word)
    if not words or any(map(is_foreign, words)):
        return ()
    said = [_say(word) for word in words]
    guessed = any(is_guess for _, is_guess in said)
    variants = said[0][0] if len(said) == 1 else ("".join(variants[0] for variants, _ in said),)
    return tuple(Pronunciation(phones=decode(sounds), guessed=guessed) for sounds in variants)


def hear(line: str) -> LineSound:
    """Return how a line sounds, but for what stands in brackets and for how often it is sung (`x2`).

    Any text is a line; time grows with its length alone.
    """
    line = _sung(line)
    syllables, word, guessed, foreign = 0, None, False, False
    for chunk in map(_hear, line.split()):
        syllables += chunk.syllables
        word = chunk.end_word or word
        guessed |= chunk.guessed
        foreign |= chunk.foreign
    if "(" in line:
        word = _end_word(line)
    return LineSound(
        syllables=syllables,
        end_word=word,
        rhyme_part=_best_rhyme(word) if word else (),
        guessed=guessed,
        foreign=foreign,
    )


def syllables(line: str) -> int:
    """Return the syllables of a line, or of a word, in its best reading."""
    return sum(_hear(chunk).syllables for chunk in _sung(line).split())


def end_word(line: str) -> str | None:
    """Return the last word of a line, lower case with straight apostrophes; None if it has none.

    What stands in parentheses counts only where there is no word outside of them: `I love you (oh yeah)` ends in you.
    What stands in brackets never does.
    """
    return _end_word(_sung(line))


def _end_word(line: str) -> str | None:
    if "(" in line:
        outside = _outside_parentheses(line)
        return _last_word(outside) or _last_word(line)
    return _last_word(line)


def rhyme_part(text: str) -> tuple[str, ...]:
    """Return what a word, or the end of a line, rhymes on: phones from the last stressed vowel on, without stress marks."""
    word = end_word(text)
    return _best_rhyme(word) if word else ()


def _sung(line: str) -> str:
    """Return a line without what is written in it but not sung."""
    if "[" in line:
        line = _IN_BRACKETS.sub(" ", line)
    if "x" in line or "X" in line or "×" in line:
        line = _REPEAT.sub(" ", line)
    return line


def _last_word(text: str) -> str | None:
    return next((end for chunk in reversed(text.split()) if (end := _hear(chunk).end_word)), None)


def _outside_parentheses(line: str) -> str:
    depth, outside = 0, []
    for part in re.split(r"([()])", line):
        if part == "(":
            depth += 1
        elif part == ")":
            depth = max(0, depth - 1)
        elif not depth:
            outside.append(part)
    return " ".join(outside)


def _hear(chunk: str) -> _Chunk:
    return _remember_chunk(chunk) if len(chunk) <= _LONGEST_REMEMBERED else _hear_chunk(chunk)


def _hear_chunk(chunk: str) -> _Chunk:
    count, guessed, foreign = 0, False, False
    words = words_in(chunk)
    for word in words:
        if is_foreign(word):
            count += count_foreign_syllables(word)
            guessed = foreign = True
        else:
            variants, is_guess = _say(word)
            count += count_vowels(variants[0])
            guessed |= is_guess
    return _Chunk(count, words[-1] if words else None, guessed, foreign)


def _say(word: str) -> tuple[tuple[str, ...], bool]:
    return _remember_word(word) if len(word) <= _LONGEST_REMEMBERED else _say_word(word)


def _say_word(word: str) -> tuple[tuple[str, ...], bool]:
    """Return the variants of one word, of which there is always one, and whether that one is a guess."""
    found = find(word)
    if found:
        return found, False
    stem = word.removesuffix("èd")
    sung_ending = encode("IH0 D") if stem != word else ""
    return (guess(stem.replace("è", "e"), letter_rules()) + sung_ending,), True


def _best_rhyme(word: str) -> tuple[str, ...]:
    return _remember_rhyme(word) if len(word) <= _LONGEST_REMEMBERED else _rhyme(word)


def _rhyme(word: str) -> tuple[str, ...]:
    return next((variant.rhyme_part for variant in pronounce(word)), ())


_remember_chunk = lru_cache(_REMEMBERED)(_hear_chunk)
_remember_word = lru_cache(_REMEMBERED)(_say_word)
_remember_rhyme = lru_cache(_REMEMBERED)(_rhyme)
