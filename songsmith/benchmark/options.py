"""What is to be measured. Values only."""

from dataclasses import asdict, dataclass
from typing import Any

from songsmith.errors import UsageError

RANDOM_WEIGHTS = "gpt2-random"
"""Stands for random weights in GPT-2's smallest shape (124M), made anew for each benchmark."""
PROMPT_TOKENS = 32
TOP_K = 50


@dataclass(frozen=True, kw_only=True)
class BenchmarkOptions:
    """Options of one benchmark. Out of range raises UsageError, naming the option and its range."""

    weights: str = RANDOM_WEIGHTS
    """`gpt2-random`, or the name of a model, or a path to one."""
    takes: tuple[int, ...] = (1, 4, 16)
    """How many takes are written side by side, once for each number; 1 to 256."""
    new_tokens: int = 100
    """Tokens in each take, 1 to 10,000."""
    runs: int = 3
    """How often each thing is measured, 1 to 100; what takes less than a second, three times as often."""
    peers: bool = True
    """Measure what a person could use instead, too."""

    def __post_init__(self) -> None:
        for take in self.takes:
            self._check("takes", take, 256)
        self._check("new-tokens", self.new_tokens, 10_000)
        self._check("runs", self.runs, 100)
        if not self.takes:
            raise UsageError("--takes names no number.", "Write it like 1,4,16.")

    @staticmethod
    def _check(name: str, value: int, most: int) -> None:
        if not 1 <= value <= most:
            raise UsageError(f"--{name} {value} is out of range.", f"Use a number from 1 to {most}.")

    def as_json(self) -> dict[str, Any]:
        """Return the options as JSON values."""
        return asdict(self) | {"takes": list(self.takes), "prompt_tokens": PROMPT_TOKENS, "top_k": TOP_K}
