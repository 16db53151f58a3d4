"""A long take, token by token: how the time per token develops when the song outgrows the context window."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import fmean, median
from typing import Any

WINDOW_TOKENS = 50


@dataclass(frozen=True, kw_only=True)
class LongSong:
    """Milliseconds a token, in windows of 50 tokens around the 50th, the 100th and so on; what is left over is left out."""

    tokens: tuple[int, ...]
    """The middle of each window, tokens counted from 1."""
    median_ms: tuple[float, ...]
    mean_ms: tuple[float, ...]
    """With what single long waits add, such as when the oldest lines go out of sight and the rest is read again."""
    longest_wait_ms: float
    """For one token, the first aside."""

    @property
    def slowest_ms(self) -> float:
        """The highest of the medians."""
        return max(self.median_ms)

    @property
    def slowest_over_start(self) -> float:
        """How many times as long as around the 50th token the median is where it is highest."""
        return self.slowest_ms / self.median_ms[0]

    def as_json(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {
            name: round(value, 4) if isinstance(value, float) else [round(number, 4) for number in value]
            for name, value in asdict(self).items()
        }


def follow(at_s: Sequence[float]) -> LongSong:
    """Return what a take looks like, token by token.

    Args:
        at_s: the second at which each token was there, of 75 tokens at least.
    """
    waits_ms = [1000 * (after - before) for before, after in pairwise(at_s)]  # that of token 2 first
    half = WINDOW_TOKENS // 2
    middles = range(WINDOW_TOKENS, len(at_s) - half + 1, WINDOW_TOKENS)
    windows = [waits_ms[middle - half - 1 : middle + half - 1] for middle in middles]
    return LongSong(
        tokens=tuple(middles), median_ms=tuple(map(median, windows)), mean_ms=tuple(map(fmean, windows)),
        longest_wait_ms=max(waits_ms),
    )  # fmt: skip
