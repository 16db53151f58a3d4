"""Options of training: every choice with its help, range and unit, declared once."""

import math
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from songsmith.options import check, option


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


SONGS_PANEL, LENGTH_PANEL, LEARNING_PANEL, RUN_PANEL = "Songs", "How long", "How it learns", "The run"
"""Headings that options stand under."""
_LENGTH = "how long to train"


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """Everything that decides how training goes, given songs and a network to start from.

    A value that cannot be used raises UsageError, naming the option and its range.
    """

    unit: Unit = option(Unit.SONG, help="Learn whole songs, or single lines.", panel=SONGS_PANEL)
    steps: int | None = option(
        None, help="Optimiser steps.", minimum=1, maximum=10**9, unit="steps", panel=LENGTH_PANEL, one_of=_LENGTH
    )
    epochs: float | None = option(
        None, help="Passes over all songs; the default if you give none of these.", minimum=1e-6, maximum=10**6,
        unit="epochs", panel=LENGTH_PANEL, one_of=_LENGTH,
    )  # fmt: skip
    minutes: float | None = option(
        None, help="Minutes to train.", minimum=1e-3, maximum=10**6, unit="minutes", panel=LENGTH_PANEL, one_of=_LENGTH
    )
    """Validation and samples included. Such a run resumes, but not bit for bit."""
    block_size_tokens: int = option(
        0, help="Tokens per block; 0: the context window. For a new model, this is its context window.",
        minimum=0, maximum=2**20, unit="tokens", panel=LEARNING_PANEL, flag="--block-size",
    )  # fmt: skip
    """At most the context window."""
    micro_batch_size: int = option(
        16, help="Blocks per pass.", minimum=1, maximum=2**16, unit="blocks", panel=LEARNING_PANEL
    )
    """Blocks in one pass through the network."""
    gradient_accumulation_steps: int = option(
        1, help="Passes per step.", minimum=1, maximum=2**16, unit="passes", panel=LEARNING_PANEL
    )
    """Passes before each optimiser step."""
    optimizer: OptimizerName = option(
        OptimizerName.MUON, help="muon (for matrices) or adamw (for everything).", panel=LEARNING_PANEL
    )
    """Muon takes matrices only; the rest is AdamW's."""
    learning_rate: float = option(
        3e-3, help="Peak learning rate of AdamW.", minimum=0, maximum=10, panel=LEARNING_PANEL
    )
    matrix_learning_rate: float = option(
        0.02, help="Peak learning rate of Muon.", minimum=0, maximum=10, panel=LEARNING_PANEL
    )
    weight_decay: float = option(0.1, help="Weight decay of matrices.", minimum=0, maximum=10, panel=LEARNING_PANEL)
    """Share of a matrix taken off in a step, times its learning rate."""
    schedule: ScheduleName = option(
        ScheduleName.LINEAR, help="How the learning rate changes after the warm-up.", panel=LEARNING_PANEL
    )
    """linear holds for a third of the run, then goes down to nothing."""
    warmup_steps: int = option(50, help="Warm-up steps.", minimum=0, maximum=10**9, unit="steps", panel=LEARNING_PANEL)
    """Steps in which the learning rate rises from nothing."""
    restarts: int = option(
        4, help="Cycles of --schedule restarts.", minimum=1, maximum=10**6, unit="cycles", panel=LEARNING_PANEL
    )
    max_grad_norm: float = option(
        1.0, help="Maximum gradient norm; 0: no limit.", minimum=0, maximum=10**6, panel=LEARNING_PANEL
    )
    """Of the gradient over all weights."""
    dropout: float = option(0.0, help="Share of activations to drop.", minimum=0, maximum=0.9, panel=LEARNING_PANEL)
    syllable_plan_rate: float = option(
        0.5, help="Share of lines that are given their syllable count.", minimum=0, maximum=1, panel=LEARNING_PANEL
    )
    rhyme_plan_rate: float = option(
        0.3, help="Share of lines that are given their last word.", minimum=0, maximum=1, panel=LEARNING_PANEL
    )
    artist_rate: float = option(
        0.5, help="Share of songs that are given their artist.", minimum=0, maximum=1, panel=LEARNING_PANEL
    )
    validation_share: float = option(
        0.05, help="Share of the songs held out for validation.", minimum=0.0001, maximum=0.9, panel=SONGS_PANEL
    )
    validation_songs: int = option(
        200, help="Most songs that are read at each evaluation.", minimum=1, maximum=10**9, unit="songs",
        panel=SONGS_PANEL, flag=None,
    )  # fmt: skip
    """The last evaluation reads all that were held out."""
    evaluate_every_steps: int = option(
        200, help="Steps between evaluations.", minimum=1, maximum=10**9, unit="steps", panel=RUN_PANEL
    )
    """Each is followed by a checkpoint."""
    sample_every_steps: int = option(
        1000, help="Steps between sample verses; 0: none.", minimum=0, maximum=10**9, unit="steps", panel=RUN_PANEL
    )
    precision: Precision = option(Precision.AUTO, help="auto: bfloat16 where it is faster.", panel=LEARNING_PANEL)
    compile: bool = option(False, help="Compile the network first: takes minutes, then trains faster.", panel=RUN_PANEL)
    """By torch.compile, which needs a C++ compiler on a CPU."""
    seed: int = option(
        0, help="Seed for split, order, plans and initial weights.", minimum=0, maximum=2**63 - 1, panel=RUN_PANEL
    )

    def __post_init__(self) -> None:
        check(self)

    def as_json(self) -> dict[str, Any]:
        """Return the options as JSON values."""
        return asdict(self)

    def lr_scale(self, step: int, progress: float) -> float:
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


NEW = TrainingOptions(epochs=10.0)
"""What suits a network that begins from random weights."""
FINETUNING = TrainingOptions(
    epochs=6.0, block_size_tokens=512, micro_batch_size=4, learning_rate=3e-4, matrix_learning_rate=5e-4, warmup_steps=10,
    syllable_plan_rate=0.1, rhyme_plan_rate=0.05, artist_rate=0.0, validation_share=0.1, evaluate_every_steps=20,
    sample_every_steps=200,
)  # fmt: skip
"""What suits a model that is to learn a style: small steps, and frequent evaluation on the validation set.

A few plans are enough to remember them by; more, and a small corpus teaches its plans instead of its words. An artist who is
always the same tells nothing.
"""
