"""How to train: every choice with its unit, checked once."""

import math
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from songsmith.errors import UsageError


class Unit(StrEnum):
    """What a model learns to write from beginning to end."""

    SONG = "song"
    LINE = "line"


class OptimizerName(StrEnum):
    """What turns gradients into steps."""

    ADAMW = "adamw"
    MUON = "muon"


class ScheduleName(StrEnum):
    """How the learning rate moves once it is warm."""

    COSINE = "cosine"
    LINEAR = "linear"
    RESTARTS = "restarts"
    CONSTANT = "constant"


class Precision(StrEnum):
    """What matrices are multiplied in; weights stay float32."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """Everything that decides how training goes, given songs and a network to start from."""

    unit: Unit = Unit.SONG
    """Whole songs, or lines by themselves."""
    steps: int | None = None
    """Optimiser steps; one of steps, epochs and minutes is given."""
    epochs: float | None = None
    """Times every song is read."""
    minutes: float | None = None
    """Time to train for, validation and samples included. Such a run resumes, but not bit for bit."""
    block_tokens: int = 0
    """Tokens in a block, at most the context window; 0 is the window. Of a new network it is the window, too."""
    batch_blocks: int = 16
    """Blocks in one pass through the network."""
    accumulation: int = 1
    """Passes before each optimiser step."""
    optimizer: OptimizerName = OptimizerName.MUON
    """Muon takes matrices only; the rest is AdamW's."""
    learning_rate: float = 3e-3
    """Peak learning rate of AdamW."""
    matrix_learning_rate: float = 0.02
    """Peak learning rate of Muon."""
    weight_decay: float = 0.1
    """Share of a matrix taken off in a step, times its learning rate."""
    schedule: ScheduleName = ScheduleName.LINEAR
    """What follows the warmup: linear holds for a third of the run, then goes down to nothing."""
    warmup_steps: int = 50
    """Steps in which the learning rate rises from nothing."""
    restarts: int = 4
    """Cosine cycles of the schedule `restarts`."""
    clip_norm: float = 1.0
    """Longest gradient, over all weights; 0 lets it be."""
    dropout: float = 0.0
    """Share of activations dropped."""
    syllable_plan_rate: float = 0.5
    """Share of lines told their syllables."""
    rhyme_plan_rate: float = 0.3
    """Share of lines told their last word."""
    artist_rate: float = 0.5
    """Share of songs told their artist."""
    validation_share: float = 0.05
    """Share of songs kept back to judge by."""
    validation_songs: int = 200
    """Most songs that are read at each evaluation; the last one reads all that were kept back."""
    evaluate_every_steps: int = 200
    """Steps between evaluations; each is followed by a checkpoint."""
    sample_every_steps: int = 1000
    """Steps between sample verses; 0 for none."""
    precision: Precision = Precision.AUTO
    """auto is bfloat16 where this machine multiplies faster in it."""
    compile: bool = False
    """Let torch.compile fuse the network: minutes to begin with, faster then. Needs a C++ compiler on a CPU."""
    seed: int = 0
    """Of the split, of the first weights, of the order of songs, of dropped plans."""

    def __post_init__(self) -> None:
        if sum(given is not None for given in (self.steps, self.epochs, self.minutes)) != 1:
            raise UsageError("It isn't clear how long to train.", "Use exactly one of --steps, --epochs and --minutes.")
        for name, value in asdict(self).items():
            low, high = _RANGES.get(name, (None, None))
            if isinstance(value, float | int) and low is not None and high is not None and not low <= value <= high:
                flag = f"--{name.replace('_', '-')}"
                raise UsageError(f"{flag} {value} is out of range.", f"Use a number from {low} to {high}.")

    def as_json(self) -> dict[str, Any]:
        """Return the options as JSON values."""
        return asdict(self)

    def learning_rate_share(self, step: int, progress: float) -> float:
        """Return the share of its peak that the learning rate has.

        Args:
            step: the step about to be made, counted from 0.
            progress: the share of the run that is over.
        """
        warm = min(1.0, (step + 1) / self.warmup_steps) if self.warmup_steps else 1.0
        left = 1.0 - min(max(progress, 0.0), 1.0)
        match self.schedule:
            case ScheduleName.CONSTANT:
                share = 1.0
            case ScheduleName.LINEAR:
                share = min(1.0, left / 0.65)
            case ScheduleName.COSINE:
                share = 0.5 - 0.5 * math.cos(math.pi * left)
            case ScheduleName.RESTARTS:  # SGDR, Loshchilov and Hutter 2017, with cycles of one length
                share = 0.5 + 0.5 * math.cos(math.pi * ((1.0 - left) * self.restarts % 1.0))
        return warm * share


_RANGES: dict[str, tuple[float, float]] = {
    "steps": (1, 10**9), "epochs": (1e-6, 10**6), "minutes": (1e-3, 10**6), "block_tokens": (0, 2**20),
    "batch_blocks": (1, 2**16), "accumulation": (1, 2**16), "learning_rate": (0, 10), "matrix_learning_rate": (0, 10),
    "weight_decay": (0, 10), "warmup_steps": (0, 10**9), "restarts": (1, 10**6), "clip_norm": (0, 10**6),
    "dropout": (0, 0.9), "syllable_plan_rate": (0, 1), "rhyme_plan_rate": (0, 1), "artist_rate": (0, 1),
    "validation_share": (0.0001, 0.9), "validation_songs": (1, 10**9), "evaluate_every_steps": (1, 10**9),
    "sample_every_steps": (0, 10**9), "seed": (0, 2**63 - 1),
}  # fmt: skip

NEW = TrainingOptions(epochs=10.0)
"""What suits a network that begins from random weights."""
FINETUNING = TrainingOptions(
    epochs=6.0, block_tokens=512, batch_blocks=4, learning_rate=3e-4, matrix_learning_rate=5e-4, warmup_steps=10,
    syllable_plan_rate=0.1, rhyme_plan_rate=0.05, artist_rate=0.0, validation_share=0.1, evaluate_every_steps=20,
    sample_every_steps=200,
)  # fmt: skip
"""What suits a model that is to learn a style: small steps, and many looks at the songs kept back.

A few plans are enough to remember them by; more, and a small corpus teaches its plans instead of its words. An artist who is
always the same tells nothing.
"""
