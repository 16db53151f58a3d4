"""Propose the tokens that followed the last time the song said the same. Pure: token ids in, token ids out.

Choruses and refrains return word for word. Proposed tokens are read beside the newest one in one step and kept as far as the
sequence draws the same tokens itself, so that a take is the same with them and without (speculative sampling, Leviathan et al.
2023; proposals from the text itself: Saxena, prompt lookup decoding, 2023).
"""

from collections.abc import Hashable, Sequence, Set

from songsmith.generation.speculation.proposal import AcceptanceStats, Proposal

_RUNS = (6, 3, 1)
"""Lengths of the runs of tokens by which an earlier place is found: the longest that occurred before is taken."""
_LONGEST_RUN = 12
_MIN_ACCEPTANCE = 0.05
# How often the token that followed before was drawn again, measured in verses and choruses written at temperature 0.8 behind real
# songs: by the number of words in common before it (0, 1, 2, 3, 4 up, 6 up, 10 up), and by whether the token before it and the
# token itself are structural (marks, line ends) or words. Any two verses have line ends and marks in common: a structural token
# says little, but for one that follows the mark of a section.
_WORDS = (1, 2, 3, 4, 6, 10)
_WORD_CLASSES = [sum(words >= least for least in _WORDS) for words in range(_LONGEST_RUN + 1)]
_STRUCTURAL = {
    (False, False): (0.20, 0.22, 0.63, 0.76, 0.84, 0.90, 0.93),
    (False, True): (0.70, 0.74, 0.79, 0.83, 0.91, 0.95, 0.95),
    (True, False): (0.03, 0.21, 0.44, 0.55, 0.55, 0.62, 0.74),
    (True, True): (0.39, 0.44, 0.44, 0.55, 0.55, 0.57, 0.57),
}
_AFTER_SECTION_MARK = {False: 0.44, True: 0.68}


class PromptLookupProposer:
    """Proposals for one sequence, from its own tokens."""

    def __init__(self, tokens: Sequence[int], structural: Sequence[bool], sections: Set[int] = frozenset()) -> None:
        """Start with a song.

        Args:
            tokens: of the song so far.
            structural: for each token of the vocabulary whether it is a mark or a line end.
            sections: marks of sections.
        """
        self._structural, self._sections = structural, sections
        self._tokens: list[int] = []
        self._last: list[dict[tuple[int, ...], int]] = [{} for _ in _RUNS]
        self._before: list[int | None] = [None for _ in _RUNS]
        self._stats = AcceptanceStats(_estimate)
        self.catch_up(tokens)

    def catch_up(self, tokens: Sequence[int]) -> None:
        """Take in the tokens of the whole song that are new since the last call."""
        for token in tokens[len(self._tokens) :]:
            self._note(token)

    def _note(self, token: int) -> None:
        self._tokens.append(token)
        longest = tuple(self._tokens[-_RUNS[0] :])
        here = len(self._tokens)
        for number, (length, last) in enumerate(zip(_RUNS, self._last, strict=True)):
            if length <= len(longest):
                run = longest[-length:]
                self._before[number] = last.get(run)
                last[run] = here

    def propose(self, most: int, *, shortest_run: int = 1, min_acceptance: float = _MIN_ACCEPTANCE) -> Proposal:
        """Return the tokens that followed when the song last said what it says now.

        Args:
            most: tokens to return.
            shortest_run: tokens in a row that must have occurred before.
            min_acceptance: where the probability that a token and all before it are accepted falls below this, they end.
        """
        tokens, structural = self._tokens, self._structural
        found = (before for length, before in zip(_RUNS, self._before, strict=True) if length >= shortest_run)
        before = next((place for place in found if place is not None), None)
        if before is None or most < 1:
            return Proposal(stats=self._stats)
        same = words = 0
        in_section = False
        while same < min(before, _LONGEST_RUN) and (token := tokens[before - 1 - same]) == tokens[-1 - same]:
            same += 1
            words += not structural[token]
            in_section |= token in self._sections
        kinds: list[Hashable] = []
        cumulative: list[float] = []
        acceptance, was_structural = 1.0, structural[tokens[-1]]
        for token in tokens[before : before + most]:
            is_structural = structural[token]
            kind = (_WORD_CLASSES[min(words, _LONGEST_RUN)], in_section and not words, was_structural, is_structural)
            acceptance *= self._stats.acceptance(kind)
            if acceptance < min_acceptance:
                break
            kinds.append(kind)
            cumulative.append(acceptance)
            words += not is_structural
            in_section |= token in self._sections
            was_structural = is_structural
        return Proposal(
            tokens=tokens[before : before + len(kinds)], kinds=kinds, cumulative_acceptance=cumulative, stats=self._stats
        )  # fmt: skip


def _estimate(kind: tuple[int, bool, bool, bool]) -> float:
    words, at_section, was_structural, is_structural = kind
    return _AFTER_SECTION_MARK[is_structural] if at_section else _STRUCTURAL[was_structural, is_structural][words]
