"""Guess the pronunciation of an unlisted word, letter by letter, by rules learned from the dictionary.

A rule says what a letter sounds like between its neighbours; the rule that sees most of them wins. Knows no words.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from math import log

from songsmith.craft.phones import STRESSED, VOWELS, with_less_stress, with_stress, without_stress

# How many letters to the left and to the right a rule sees; the right side says more of an English vowel. No two are of
# one size, so that the size of what a rule sees tells where in it its letter stands.
WINDOWS = ((0, 0), (0, 1), (1, 1), (1, 2), (1, 3), (2, 3), (2, 4))
_MARGIN = "#" * max(max(window) for window in WINDOWS)
_MOST_SOUNDS = 2  # of one letter, as in the X of six

_SPANS = tuple((left, right + 1) for left, right in reversed(WINDOWS))

Rules = dict[str, str]
"""A letter between its neighbours -> its sounds, of which there may be none."""


def guess(word: str, rules: Rules) -> str:
    """Return the sounds of a word of the letters a to z, all others left out, by its spelling alone."""
    text = f"{_MARGIN}{''.join(letter for letter in word if 'a' <= letter <= 'z')}{_MARGIN}"
    sounds = []
    for at in range(len(_MARGIN), len(text) - len(_MARGIN)):
        for left, right in _SPANS:
            sound = rules.get(text[at - left : at + right])
            if sound is not None:
                sounds.append(sound)
                break
    return _with_one_stress("".join(sounds))


def _with_one_stress(sounds: str) -> str:
    """Each letter was judged apart, so a word may have come out with no stress, or with several."""
    stressed = [index for index, sound in enumerate(sounds) if sound in STRESSED and sound == with_stress(sound)]
    if len(stressed) > 1:
        # The last is right most often, and it is where the rhyme begins.
        return with_less_stress(sounds[: stressed[-1]]) + sounds[stressed[-1] :]
    start = next((index for index, sound in enumerate(sounds) if sound in VOWELS), None)
    if stressed or start is None:
        return sounds
    return sounds[:start] + with_stress(sounds[start]) + sounds[start + 1 :]


def learn(words: Mapping[str, str]) -> Rules:
    """Learn the rules from words of the letters a to z and their sounds."""
    examples: list[tuple[str, int, str]] = []
    chances = _chances_of_pairs(words)
    for word, sounds in words.items():
        parts = _align(word, sounds, chances)
        text = f"{_MARGIN}{word}{_MARGIN}"
        examples += [(text, len(_MARGIN) + index, part) for index, part in enumerate(parts)]
    rules: Rules = {}
    answers: list[str | None] = [None] * len(examples)  # what the rules so far say
    open_examples = list(range(len(examples)))
    for left, right in WINDOWS:
        seen: defaultdict[str, list[int]] = defaultdict(list)
        for index in open_examples:
            text, at, _ = examples[index]
            seen[text[at - left : at + right + 1]].append(index)
        open_examples = []
        for key, places in seen.items():
            counts = Counter(examples[index][2] for index in places)
            best, times = max(counts.items(), key=lambda item: (item[1], item[0]))
            inherited = answers[places[0]]
            if inherited is None or times > counts.get(inherited, 0):
                if best != inherited:
                    rules[key] = best
                for index in places:
                    answers[index] = best
            if len(counts) > 1:
                open_examples += places
    return rules


Chances = dict[tuple[str, str], float]


def _chances_of_pairs(words: Mapping[str, str], *, sample: int = 20_000, rounds: int = 4) -> Chances:
    """Find out which letter makes which sounds: align, count, align again by the counts."""
    step = max(1, len(words) // sample)
    chosen = [(word, words[word]) for word in sorted(words)[::step]]
    counts: Counter[tuple[str, str]] = Counter()
    for word, sounds in chosen:
        plain = without_stress(sounds)
        for index, letter in enumerate(word):
            middle = round(index * len(plain) / len(word))
            counts.update((letter, plain[at]) for at in range(max(0, middle - 1), min(len(plain), middle + 2)))
            counts[letter, ""] += 1
    for _ in range(rounds):
        chances = _as_chances(counts)
        counts = Counter()
        for word, sounds in chosen:
            parts = _align(word, sounds, chances)
            counts.update((letter, without_stress(part)) for letter, part in zip(word, parts, strict=True))
    return _as_chances(counts)


def _as_chances(counts: Counter[tuple[str, str]]) -> Chances:
    totals: Counter[str] = Counter()
    for (letter, _), count in counts.items():
        totals[letter] += count
    return {(letter, part): log(count / totals[letter]) for (letter, part), count in counts.items()}


def _align(word: str, sounds: str, chances: Chances) -> list[str]:
    """Deal the sounds out to the letters, in order, in the likeliest way."""
    plain = without_stress(sounds)
    unlikely = -14.0
    best: list[dict[int, tuple[float, int]]] = [{0: (0.0, 0)}]  # after each letter: sounds used -> score, sounds before
    for place, letter in enumerate(word):
        row: dict[int, tuple[float, int]] = {}
        must = len(plain) - (len(word) - place - 1) * _MOST_SOUNDS
        for used, (score, _) in best[-1].items():
            for end in range(max(used, must), min(used + _MOST_SOUNDS, len(plain)) + 1):
                found = score + chances.get((letter, plain[used:end]), unlikely - 3 * (end - used))
                if end not in row or found > row[end][0]:
                    row[end] = found, used
        best.append(row)
    if len(plain) not in best[-1]:
        return [sounds, *[""] * (len(word) - 1)]
    parts: list[str] = []
    end = len(plain)
    for row in reversed(best[1:]):
        start = row[end][1]
        parts.append(sounds[start:end])
        end = start
    return parts[::-1]


def alignable(words: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Keep the words that rules can be learnt from: letters only, and spelt with letters enough for their sounds."""
    return {
        word: sounds
        for word, sounds in words
        if word.isalpha() and word.isascii() and len(sounds) <= _MOST_SOUNDS * len(word)
    }
