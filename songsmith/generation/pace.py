"""How long a network's steps take, learned from steps as they are taken. Changes when guesses are made, never what is written."""

_ANOTHER_TOKEN = 0.08
"""Share of a step that another token of one take is thought to add, until it was seen."""
_FASTER, _SLOWER = 0.5, 0.1


class Pace:
    """Seconds a step takes, by the number of takes and the most tokens that one of them reads."""

    def __init__(self) -> None:
        """Start without having seen a step."""
        self._took_s: dict[int, dict[int, float]] = {}

    def note(self, takes: int, tokens: int, took_s: float) -> None:
        """Take in a step. One that something else held up counts little: there is always a reason to be slow."""
        known = self._took_s.setdefault(takes, {})
        if tokens in known:
            thought_s = known[tokens]
            known[tokens] = thought_s + (took_s - thought_s) * (_FASTER if took_s < thought_s else _SLOWER)
        else:
            known[tokens] = took_s + (self.step_s(takes, tokens) - took_s) * _FASTER if known else took_s

    def step_s(self, takes: int, tokens: int) -> float:
        """Return the seconds a step is likely to take; where none was seen, a step of one token counts as one."""
        known = self._took_s.get(takes, {})
        if tokens in known:
            return known[tokens]
        for fewer in range(tokens - 1, 0, -1):
            if fewer in known:
                return known[fewer] * (1 + _ANOTHER_TOKEN * takes * (tokens - fewer))
        if known:
            return min(known.values())
        most = max(self._took_s, key=lambda others: (others < takes, others if others < takes else -others), default=0)
        alone_s = self.step_s(most, 1) * (1 + _ANOTHER_TOKEN * max(0, takes - most)) if most else 1
        return alone_s * (1 + _ANOTHER_TOKEN * takes * (tokens - 1))
