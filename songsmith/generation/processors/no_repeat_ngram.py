"""Mask tokens that would repeat a run of n tokens. A run ends at marks and line ends."""

from collections.abc import Iterable
from typing import Self

import numpy as np
from numpy.typing import NDArray

from songsmith.generation.processors.bias import LogitsBias
from songsmith.lyric_reader import LyricReader


class NoRepeatNgram:
    """Never lets the same n tokens follow one another twice."""

    def __init__(self, size: int, breaks: NDArray[np.bool_], seen: Iterable[int]) -> None:
        """Start behind a lyric.

        Args:
            size: n, at least 1.
            breaks: (V,) true for tokens that no run goes across: marks and line ends.
            seen: ids of the lyric so far.
        """
        self._size, self._breaks = size, breaks
        self._run: tuple[int, ...] = ()
        """The last n - 1 tokens, or as many as there are since the last break."""
        self._followers: dict[tuple[int, ...], tuple[int, ...]] = {}
        """Tokens that have followed a run of n - 1."""
        for token in seen:
            self.accept(token)

    def process(self, bias: LogitsBias, lyric: LyricReader) -> None:
        """Mask what has followed this run before."""
        if followers := self._followers.get(self._run):
            bias.mask(list(followers))

    def accept(self, token: int) -> None:
        """Take note of a token."""
        if self._breaks[token]:
            self._run = ()
            return
        run = self._run
        if len(run) == self._size - 1:
            known = self._followers.get(run, ())
            if token not in known:
                self._followers[run] = (*known, token)
            run = run[1:]
        self._run = (*run, token) if self._size > 1 else ()

    def fork(self) -> Self:
        """Return a processor with the same state."""
        other = type(self)(self._size, self._breaks, ())
        other._run, other._followers = self._run, dict(self._followers)
        return other
