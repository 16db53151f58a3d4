"""Estimate how long a network's steps take, from the steps taken. It decides when tokens are proposed, never what is written."""

_ANOTHER_TOKEN = 0.08
"""Share of a step that each further token of a sequence is assumed to add until it has been measured."""
_FASTER, _SLOWER = 0.5, 0.1


class StepTimeModel:
    """Seconds a step takes, by the number of sequences and the most tokens that one of them reads."""

    def __init__(self) -> None:
        """Start without measurements."""
        self._measured_s: dict[int, dict[int, float]] = {}

    def note(self, sequences: int, tokens: int, took_s: float) -> None:
        """Take in a measurement. A slow one counts for little: a busy machine can make any step slow."""
        known = self._measured_s.setdefault(sequences, {})
        if tokens in known:
            expected_s = known[tokens]
            known[tokens] = expected_s + (took_s - expected_s) * (_FASTER if took_s < expected_s else _SLOWER)
        else:
            known[tokens] = took_s + (self.step_s(sequences, tokens) - took_s) * _FASTER if known else took_s

    def step_s(self, sequences: int, tokens: int) -> float:
        """Return the seconds a step is expected to take; before any measurement, a step of one token counts as one second."""
        known = self._measured_s.get(sequences, {})
        if tokens in known:
            return known[tokens]
        for fewer in range(tokens - 1, 0, -1):
            if fewer in known:
                return known[fewer] * (1 + _ANOTHER_TOKEN * sequences * (tokens - fewer))
        if known:
            return min(known.values())
        # The nearest batch size that has been measured: the largest of the smaller ones, or else the smallest.
        nearest = max(
            self._measured_s, key=lambda others: (others < sequences, others if others < sequences else -others), default=0
        )  # fmt: skip
        alone_s = self.step_s(nearest, 1) * (1 + _ANOTHER_TOKEN * max(0, sequences - nearest)) if nearest else 1
        return alone_s * (1 + _ANOTHER_TOKEN * sequences * (tokens - 1))
