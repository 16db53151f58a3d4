"""Options of a benchmark. Values only."""

from dataclasses import asdict, dataclass
from typing import Any

from songsmith.errors import UsageError
from songsmith.training.options import Precision

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
    long_tokens: int = 2_000
    """Tokens of the one take that is followed token by token, 100 to 100,000; 0 leaves it out."""
    peers: bool = True
    """Measure what a person could use instead, too."""

    def __post_init__(self) -> None:
        for take in self.takes:
            _check("takes", take, 256)
        _check("new-tokens", self.new_tokens, 10_000)
        _check("runs", self.runs, 100)
        if self.long_tokens:
            _check("long-tokens", self.long_tokens, 100_000, least=100)
        if not self.takes:
            raise UsageError("--takes needs at least one number.", "Write it like 1,4,16.")

    def as_json(self) -> dict[str, Any]:
        """Return the options as JSON values."""
        return asdict(self) | {"takes": list(self.takes), "prompt_tokens": PROMPT_TOKENS, "top_k": TOP_K}


@dataclass(frozen=True, kw_only=True)
class TrainingBenchmarkOptions:
    """Options of one benchmark of training. Out of range raises UsageError, naming the option and its range."""

    size: str
    """Name of the network's shape. `gpt2` reads GPT-2's own tokens, any other those of a tokenizer learned for it."""
    layers: int
    width: int
    heads: int
    context_window_tokens: int
    vocabulary_size: int
    """Fewest outputs of the network."""
    block_size_tokens: int = 512
    """Tokens in a block, 8 to 65,536; cut down to the context window."""
    micro_batch_size: int = 8
    """Blocks, or padded songs, in a step; 1 to 4,096."""
    steps: int = 6
    """Steps timed in a run, 1 to 10,000."""
    warmup_steps: int = 2
    """Steps before those, untimed; 1 to 10,000."""
    precision: Precision = Precision.AUTO
    """What matrices are multiplied in; auto is float32, and bfloat16 besides where it is faster."""
    compile: bool = False
    """Measure songsmith with torch.compile, too."""
    runs: int = 3
    """How often each contestant is measured, 1 to 100."""
    peers: bool = True
    """Measure what a person could use instead, too."""

    def __post_init__(self) -> None:
        _check("block-size", self.block_size_tokens, 65_536, least=8)
        _check("micro-batch-size", self.micro_batch_size, 4_096)
        _check("steps", self.steps, 10_000)
        _check("warmup-steps", self.warmup_steps, 10_000)
        _check("runs", self.runs, 100)
        object.__setattr__(self, "block_size_tokens", min(self.block_size_tokens, self.context_window_tokens))

    def as_json(self) -> dict[str, Any]:
        """Return the options as JSON values."""
        return asdict(self)


def _check(name: str, value: int, most: int, *, least: int = 1) -> None:
    if not least <= value <= most:
        raise UsageError(f"--{name} {value} is out of range.", f"Use a number from {least} to {most}.")
