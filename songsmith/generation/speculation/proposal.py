"""Proposed tokens, and how often proposals of their kind have been accepted."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

_PRIOR_WEIGHT = 20
_MAX_WEIGHT = 100
"""Tokens after which older ones count for less and less: a running mean with this window."""


class AcceptanceStats:
    """The share of proposed tokens that was accepted, for each kind of token: an estimate at first, then what was observed."""

    def __init__(self, estimate: Callable[[Any], float], *, overall: float = 0.5) -> None:
        """Start with an estimate for each kind, and one for all kinds together."""
        self.overall = overall
        self._overall_weight = _PRIOR_WEIGHT // 2
        self._estimate = estimate
        self._acceptance: dict[Hashable, float] = {}
        self._weights: dict[Hashable, int] = {}

    def acceptance(self, kind: Hashable) -> float:
        """Return the probability that a token of this kind is accepted."""
        return self._acceptance[kind] if kind in self._acceptance else self._estimate(kind)

    def update(self, kind: Hashable, *, accepted: bool) -> None:
        """Take in whether a token was accepted."""
        self._overall_weight = min(self._overall_weight + 1, _MAX_WEIGHT)
        self.overall += (accepted - self.overall) / self._overall_weight
        weight = self._weights.get(kind, _PRIOR_WEIGHT) + 1
        self._acceptance[kind] = self.acceptance(kind) + (accepted - self.acceptance(kind)) / weight
        self._weights[kind] = min(weight, _MAX_WEIGHT)


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Tokens that may come next in one sequence."""

    tokens: Sequence[int] = ()
    kinds: Sequence[Hashable] = ()
    """What `stats` counts each of them as."""
    cumulative_acceptance: Sequence[float] = ()
    """For each token, the probability that it and all before it are accepted."""
    stats: AcceptanceStats

    def accepted(self, read: int, accepted: int) -> None:
        """Update the statistics: the first `read` tokens were read, and the first `accepted` of those accepted."""
        for place in range(min(read, len(self.kinds), accepted + 1)):
            self.stats.update(self.kinds[place], accepted=place < accepted)
