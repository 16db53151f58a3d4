"""Guesses at what a song says next, from where it said the same before. Pure: token ids in, token ids out.

Choruses and refrains return word for word. What is guessed is read beside the last token in one step and kept as far as the take
draws the same tokens itself, so that a take is the same with guesses and without (speculative sampling, Leviathan et al. 2023;
drafts from the text itself: Saxena, prompt lookup decoding, 2023).
"""

from collections.abc import Sequence

_SHORTEST = 3
_FIRST_DRAFT = 3
_MOST_DARE = 64
_MOST_DOUBT = 12


class Drafter:
    """Guesses for one take. The longer a run of tokens that came before, the more it dares; what fails makes it doubt."""

    def __init__(self, tokens: Sequence[int]) -> None:
        """Start with the tokens of the song so far."""
        self._tokens: list[int] = []
        self._last: dict[tuple[int, ...], int] = {}
        self._before: int | None = None
        self._doubt = _SHORTEST
        self._dare = _FIRST_DRAFT
        for token in tokens:
            self.note(token)

    def note(self, token: int) -> None:
        """Take in the token that comes next."""
        self._tokens.append(token)
        run = tuple(self._tokens[-_SHORTEST:])
        self._before = self._last.get(run)
        self._last[run] = len(self._tokens)

    def draft(self, most: int) -> list[int]:
        """Return the tokens that followed when the song last said what it says now; none where that is too little to go by.

        Args:
            most: tokens to return.
        """
        if self._before is None or most < 1:
            return []
        if self._same_run(self._before) < self._doubt:
            return []
        return self._tokens[self._before : self._before + min(most, self._dare)]

    def learn(self, drafted: int, kept: int) -> None:
        """Take in how many tokens of a draft were kept."""
        if kept == drafted:
            self._doubt, self._dare = max(_SHORTEST, self._doubt - 1), min(_MOST_DARE, self._dare * 2)
        else:
            self._dare = kept + 1
            if kept * 2 < drafted:
                self._doubt = min(_MOST_DOUBT, self._doubt + 2)

    def _same_run(self, before: int) -> int:
        """Return how many tokens before place `before` are the last ones, up to the most that doubt can ask for."""
        same, tokens = 0, self._tokens
        while same < min(before, _MOST_DOUBT) and tokens[before - 1 - same] == tokens[-1 - same]:
            same += 1
        return same
