"""Find the most frequent texts among more than fit into memory. Knows nothing of songs."""

from collections import Counter
from itertools import accumulate


class FrequentCounter:
    """Counts texts, and drops the rarest whenever there are too many different ones.

    Every count is exact until the first is dropped; from then on one may be too low, by `slack` at most.
    """

    def __init__(self, most: int) -> None:
        """Hold at most this many different texts."""
        self._most = most
        self._counts: Counter[str] = Counter()
        self.slack = 0
        """How much a count may be too low at most."""

    def add(self, text: str) -> None:
        """Count a text."""
        self._counts[text] += 1
        if len(self._counts) > self._most:
            self._forget()

    def top(self, most: int) -> tuple[tuple[str, int], ...]:
        """Return the most frequent texts with their counts; of equals, the one that came first."""
        return tuple(self._counts.most_common(most))

    def _forget(self) -> None:
        """Drop the lower half. A text that is dropped repeatedly loses at most the sum of its counts at those times."""
        sizes = Counter(self._counts.values())
        kept = accumulate(sizes[size] for size in sorted(sizes, reverse=True))
        room = sum(1 for count in kept if count <= self._most // 2)  # this many of the highest counts stay
        lowest = sorted(sizes, reverse=True)[room]
        self._counts = Counter({text: count for text, count in self._counts.items() if count > lowest})
        self.slack += lowest
