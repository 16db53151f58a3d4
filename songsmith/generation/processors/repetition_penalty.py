"""Make tokens that the lyric already has less likely, except marks and line ends: a song repeats its form."""

from collections.abc import Iterable
from typing import Self

import numpy as np
from numpy.typing import NDArray

from songsmith.generation.processors.bias import LogitsBias
from songsmith.lyric_reader import LyricReader

_ROOM = 256


class RepetitionPenalty:
    """Penalises every token of the lyric (Keskar et al. 2019, CTRL)."""

    def __init__(self, penalty: float, exempt: NDArray[np.bool_], seen: Iterable[int]) -> None:
        """Start behind a lyric.

        Args:
            penalty: divides positive logits and multiplies negative ones; above 0, below 1 it makes tokens likelier.
            exempt: (V,) true for marks and line ends, which are never penalised.
            seen: ids of the lyric so far.
        """
        self._penalty, self._exempt = penalty, exempt
        self._seen: set[int] = set()
        self._ids = np.empty(_ROOM, dtype=np.intp)  # of the same tokens, filled as far as there are any
        for token in seen:
            self.accept(token)

    def process(self, bias: LogitsBias, lyric: LyricReader) -> None:
        """Penalise what was seen."""
        bias.penalty, bias.penalised = self._penalty, self._ids[: len(self._seen)]

    def accept(self, token: int) -> None:
        """Penalise a token from now on."""
        if token in self._seen or self._exempt[token]:
            return
        count = len(self._seen)
        if count == len(self._ids):
            self._ids = np.concatenate([self._ids, np.empty_like(self._ids)])
        self._ids[count] = token
        self._seen.add(token)

    def fork(self) -> Self:
        """Return a processor with the same state."""
        other = type(self)(self._penalty, self._exempt, ())
        other._seen, other._ids = set(self._seen), self._ids.copy()
        return other
