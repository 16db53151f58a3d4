"""What training tells while it goes on, as facts in the past tense."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class TrainingStarted:
    """Everything is ready for the next step."""

    parameters: int
    train_songs: int
    validation_songs: int
    epoch_tokens: int
    """Tokens foretold in the epoch that begins, plans that were dropped left out."""
    device: str
    precision: str
    step: int
    """Steps made already: 0, or those of the checkpoint."""
    total_steps: int | None
    """None where time decides."""


@dataclass(frozen=True, kw_only=True)
class StepFinished:
    """The optimiser made a step."""

    step: int
    """Counted from 1."""
    progress: float
    """Share of the run that is over."""
    epoch: int
    """Counted from 1."""
    nats_per_token: float
    """Loss of the step's tokens before it was made."""
    learning_rate_share: float
    """The learning rate, as a share of its peak."""
    tokens_per_s: float
    """Tokens read a second, in this step."""
    tokens: int
    """Tokens foretold since training began."""
    elapsed_s: float
    """Time since training began, breaks left out."""
    remaining_s: float
    """Time it will take from here at this pace."""


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """Songs that were kept back were read."""

    step: int
    nats_per_token: float
    bits_per_byte: float
    """Bits a UTF-8 byte of lyric costs, title given, no plans, structure counted."""
    songs: int
    best: bool
    """No evaluation before was as good."""


@dataclass(frozen=True, kw_only=True)
class SampleWritten:
    """The network wrote a few lines as it stands."""

    step: int
    text: str


@dataclass(frozen=True, kw_only=True)
class CheckpointSaved:
    """From here training can go on after any end."""

    step: int
    path: Path


@dataclass(frozen=True, kw_only=True)
class TrainingFinished:
    """The best network became a model directory."""

    step: int
    model: Path
    metrics: dict[str, float]
    """Of the model, units in the names."""
    interrupted: bool
    """It was asked to stop before its end; it can be resumed."""
    losses: tuple[tuple[int, float], ...]
    """Step and nats a token, of the songs learned from; thinned in a long run."""
    evaluations: tuple[tuple[int, float, float], ...]
    """Step, nats a token and bits a byte, of songs that were kept back."""


TrainingEvent = TrainingStarted | StepFinished | Evaluated | SampleWritten | CheckpointSaved | TrainingFinished
