"""The typed events of a training run, as facts in the past tense."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class TrainingStarted:
    """Network, optimisers and data are ready for the next step."""

    parameters: int
    train_songs: int
    validation_songs: int
    epoch_tokens: int
    """Predicted tokens in the epoch that begins, without dropped plans."""
    device: str
    precision: str
    step: int
    """Steps already made: 0, or those of the checkpoint."""
    total_steps: int | None
    """None where the run is limited by time."""


@dataclass(frozen=True, kw_only=True)
class StepFinished:
    """The optimiser made a step."""

    step: int
    """Counted from 1."""
    progress: float
    """Fraction of the run that is done, 0 to 1."""
    epoch: int
    """Counted from 1."""
    nats_per_token: float
    """Training loss of the step's tokens, before the weights were updated."""
    lr_scale: float
    """The learning rate as a fraction of its peak, 0 to 1."""
    tokens_per_s: float
    """Predicted tokens per second, in this step."""
    tokens: int
    """Predicted tokens since training began."""
    elapsed_s: float
    """Time spent in training, without interruptions."""
    remaining_s: float
    """Estimated time to the end, at the mean speed so far."""


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """The validation loss was measured."""

    step: int
    nats_per_token: float
    bits_per_byte: float
    """Bits per UTF-8 byte of lyric, given the title, without plans, structure included."""
    songs: int
    """Songs that were read."""
    best: bool
    """Whether it is the lowest so far."""


@dataclass(frozen=True, kw_only=True)
class SampleWritten:
    """The network wrote a few lines, with the weights as they are."""

    step: int
    text: str


@dataclass(frozen=True, kw_only=True)
class CheckpointSaved:
    """Training can be resumed from this step."""

    step: int
    path: Path


@dataclass(frozen=True, kw_only=True)
class TrainingFinished:
    """The weights of the best evaluation became a model directory."""

    step: int
    model: Path
    metrics: dict[str, float]
    """Of the model, with units in the names."""
    interrupted: bool
    """Whether training was stopped before its end; it can be resumed."""
    losses: tuple[tuple[int, float], ...]
    """Training loss: step and nats per token; thinned in a long run."""
    evaluations: tuple[tuple[int, float, float], ...]
    """Validation loss: step, nats per token and bits per byte."""


TrainingEvent = TrainingStarted | StepFinished | Evaluated | SampleWritten | CheckpointSaved | TrainingFinished
