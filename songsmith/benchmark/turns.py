"""Run contestants in turns, so that anything that slows the machine down slows all of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from songsmith.benchmark.worker import Absent

T = TypeVar("T")


@dataclass
class Outcome(Generic[T]):
    """What one contestant was measured at."""

    values: list[T] = field(default_factory=list)
    """One a run; empty when it is absent."""
    absent: str = ""
    """Why it cannot be measured."""


def in_turns(contestants: Mapping[str, Callable[[], T]], runs: int) -> dict[str, Outcome[T]]:
    """Measure every contestant once, then every one again, `runs` times over; one that fails is absent."""
    outcomes: dict[str, Outcome[T]] = {name: Outcome() for name in contestants}
    for _ in range(runs):
        for name, measure in contestants.items():
            outcome = outcomes[name]
            if outcome.absent:
                continue
            try:
                outcome.values.append(measure())
            except Absent as absent:
                outcome.values.clear()
                outcome.absent = str(absent)
    return outcomes
