"""Guesses at what a song says next, from where it said the same before. Pure: token ids in, token ids out.

Choruses and refrains return word for word. What is guessed is read beside the last token in one step and kept as far as the take
draws the same tokens itself, so that a take is the same with guesses and without (speculative sampling, Leviathan et al. 2023;
drafts from the text itself: Saxena, prompt lookup decoding, 2023). A guess comes with its odds, for `guesses.py` to weigh.
"""

from collections.abc import Callable, Hashable, Sequence, Set
from dataclasses import dataclass
from typing import Any

_RUNS = (6, 3, 1)
"""Lengths of the runs of tokens by which an earlier place is found: the longest that came before counts."""
_LONGEST_RUN = 12
_UNLIKELY = 0.05
# How often the token that followed before was drawn again, in verses and choruses written at temperature 0.8 behind real songs:
# by the words that came before it both times (0, 1, 2, 3, 4 up, 6 up, 10 up), and by whether the token before it and the
# token itself are words or form. A verse has line ends and marks in common with any other: form says little, but for what
# follows the mark of a section.
_WORDS = (1, 2, 3, 4, 6, 10)
_SORTS = [sum(words >= least for least in _WORDS) for words in range(_LONGEST_RUN + 1)]
_FORM_BEFORE = {
    (False, False): (0.20, 0.22, 0.63, 0.76, 0.84, 0.90, 0.93),
    (False, True): (0.70, 0.74, 0.79, 0.83, 0.91, 0.95, 0.95),
    (True, False): (0.03, 0.21, 0.44, 0.55, 0.55, 0.62, 0.74),
    (True, True): (0.39, 0.44, 0.44, 0.55, 0.55, 0.57, 0.57),
}
_AFTER_SECTION_MARK = {False: 0.44, True: 0.68}
_FORMER_WEIGHT = 20
_LATTER_WEIGHT = 100


class Experience:
    """How often guesses of each kind came true: as foreseen at first, as it turned out later."""

    def __init__(self, foreseen: Callable[[Any], float], *, overall: float = 0.5) -> None:
        """Start with what is foreseen of each kind, and of all together."""
        self.overall = overall
        self._overall_weight = _FORMER_WEIGHT // 2
        self._foreseen = foreseen
        self._odds: dict[Hashable, float] = {}
        self._weights: dict[Hashable, int] = {}

    def odds(self, kind: Hashable) -> float:
        """Return how likely a guess of this kind comes true."""
        return self._odds[kind] if kind in self._odds else self._foreseen(kind)

    def learn(self, kind: Hashable, *, came_true: bool) -> None:
        """Take in what became of a guess; what is long past is forgotten."""
        self._overall_weight = min(self._overall_weight + 1, _LATTER_WEIGHT)
        self.overall += (came_true - self.overall) / self._overall_weight
        weight = self._weights.get(kind, _FORMER_WEIGHT) + 1
        self._odds[kind] = self.odds(kind) + (came_true - self.odds(kind)) / weight
        self._weights[kind] = min(weight, _LATTER_WEIGHT)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """Tokens that may come next."""

    tokens: Sequence[int] = ()
    kinds: Sequence[Hashable] = ()
    """What sort of guess each of them is."""
    reach: Sequence[float] = ()
    """How likely each of them is drawn, and all those before it."""
    experience: Experience
    """With guesses of these kinds."""

    def learn(self, read: int, kept: int) -> None:
        """Take in that its first tokens were read, and the first of these kept."""
        for place in range(min(read, len(self.kinds), kept + 1)):
            self.experience.learn(self.kinds[place], came_true=place < kept)


class Drafter:
    """Guesses for one take."""

    def __init__(self, tokens: Sequence[int], form: Sequence[bool], sections: Set[int] = frozenset()) -> None:
        """Start with a song.

        Args:
            tokens: of the song so far.
            form: for each token of the vocabulary whether it is a mark or a line end.
            sections: marks of sections.
        """
        self._form, self._sections = form, sections
        self._tokens: list[int] = []
        self._last: list[dict[tuple[int, ...], int]] = [{} for _ in _RUNS]
        self._before: list[int | None] = [None for _ in _RUNS]
        self._experience = Experience(_foreseen)
        for token in tokens:
            self.note(token)

    def note(self, token: int) -> None:
        """Take in the token that comes next."""
        self._tokens.append(token)
        longest = tuple(self._tokens[-_RUNS[0] :])
        here = len(self._tokens)
        for number, (length, last) in enumerate(zip(_RUNS, self._last, strict=True)):
            if length <= len(longest):
                run = longest[-length:]
                self._before[number] = last.get(run)
                last[run] = here

    def draft(self, most: int, *, shortest: int = 1, least: float = _UNLIKELY) -> Draft:
        """Return the tokens that followed when the song last said what it says now, as far as they are likely at all.

        Args:
            most: tokens to return.
            shortest: run of tokens that must have come before.
            least: odds below which no token is guessed.
        """
        tokens, form = self._tokens, self._form
        found = (before for length, before in zip(_RUNS, self._before, strict=True) if length >= shortest)
        before = next((place for place in found if place is not None), None)
        if before is None or most < 1:
            return Draft(experience=self._experience)
        same = words = 0
        in_section = False
        while same < min(before, _LONGEST_RUN) and (token := tokens[before - 1 - same]) == tokens[-1 - same]:
            same += 1
            words += not form[token]
            in_section |= token in self._sections
        kinds: list[Hashable] = []
        reach: list[float] = []
        odds, last_is_form = 1.0, form[tokens[-1]]
        for token in tokens[before : before + most]:
            is_form = form[token]
            kind = (_SORTS[min(words, _LONGEST_RUN)], in_section and not words, last_is_form, is_form)
            odds *= self._experience.odds(kind)
            if odds < least:
                break
            kinds.append(kind)
            reach.append(odds)
            words += not is_form
            in_section |= token in self._sections
            last_is_form = is_form
        return Draft(tokens=tokens[before : before + len(kinds)], kinds=kinds, reach=reach, experience=self._experience)


def _foreseen(kind: tuple[int, bool, bool, bool]) -> float:
    words, at_section, form_before, is_form = kind
    return _AFTER_SECTION_MARK[is_form] if at_section else _FORM_BEFORE[form_before, is_form][words]
