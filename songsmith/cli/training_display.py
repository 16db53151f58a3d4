"""The progress of a training run on stderr: a live display on a terminal, plain lines elsewhere. Makes no decisions.

Import it only where training starts: it imports rich.
"""

import shlex
import sys
from collections.abc import Callable, Iterator

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from songsmith.cli import console
from songsmith.cli.loss_plot import draw_losses
from songsmith.counting import count_of
from songsmith.lyrics import strip_controls
from songsmith.training.events import (
    CheckpointSaved,
    Evaluated,
    SampleWritten,
    StepFinished,
    TrainingEvent,
    TrainingFinished,
    TrainingStarted,
)

_REPAINTS_A_SECOND = 5
_LINE_EVERY_S = 60.0
_LINE_EVERY_SHARE = 0.05


def follow(events: Iterator[TrainingEvent], *, stopping: Callable[[], bool] = lambda: False) -> TrainingFinished | None:
    """Show a run from its first event to its last. Returns the last one if a model was written.

    Args:
        events: of the run; errors are passed on.
        stopping: whether training was asked to stop; the display says so until it does.
    """
    screen = console.rich_console(stderr=True)
    alive = sys.stderr.isatty() and not screen.is_dumb_terminal
    finished = _show_live(events, screen, stopping) if alive else _show_lines(events)
    if finished is not None:
        if alive and not screen.options.ascii_only:
            plot = draw_losses(finished.losses, finished.evaluations, width=screen.width)
            screen.print(plot, end="\n" if plot else "")
        _tell_end(finished)
    return finished


class _Pace:
    """The position of the run, with smoothed loss and speed. Cheap: there may be hundreds of steps per second."""

    def __init__(self) -> None:
        self.last: StepFinished | None = None
        self.nats_per_token = 0.0
        self.tokens_per_s = 0.0
        self.saved_step = 0
        self._steps = 0

    def add(self, step: StepFinished) -> None:
        """Add a step: a plain mean of the first 20, then an exponential moving average with weight 0.05."""
        self._steps += 1
        weight = max(1 / self._steps, 0.05)
        self.nats_per_token += weight * (step.nats_per_token - self.nats_per_token)
        self.tokens_per_s += weight * (step.tokens_per_s - self.tokens_per_s)
        self.last = step

    def facts(self) -> str:
        """Return step, epoch, loss and speed as a line."""
        if self.last is None:
            return ""
        return (
            f"step {self.last.step}  epoch {self.last.epoch}  loss {self.nats_per_token:.3f} nats/token  "
            f"{self.tokens_per_s:,.0f} tokens/s"
        )


def _show_live(
    events: Iterator[TrainingEvent], screen: Console, stopping: Callable[[], bool]
) -> TrainingFinished | None:
    """Show a progress bar that repaints itself, and lines that stay above it."""
    pace, finished = _Pace(), None
    display = Live(
        get_renderable=lambda: _paint(pace, stopping=stopping()),
        console=screen,
        refresh_per_second=_REPAINTS_A_SECOND,
        transient=True,
        # A piped stdout must not be redirected: its output would go to the terminal.
        redirect_stdout=sys.stdout.isatty(),
    )
    with display:
        for event in events:
            match event:
                case StepFinished():
                    pace.add(event)
                case TrainingStarted():
                    screen.print(Text(_start(event)))
                case Evaluated():
                    line = Text(_evaluation(event))
                    if event.best:
                        line.append("  best", style="bold green")
                    screen.print(line)
                case SampleWritten():
                    title = Text(f"step {event.step}", style="dim")
                    screen.print(
                        Panel(Text(_clean(event.text)), title=title, expand=False, style="dim", padding=(0, 2))
                    )
                case CheckpointSaved():
                    pace.saved_step = event.step
                case TrainingFinished():
                    finished = event
    return finished


def _paint(pace: _Pace, *, stopping: bool) -> Group:
    """Return the bar and the current figures."""
    last = pace.last
    bar = Table.grid(padding=(0, 1), expand=True)
    bar.add_column(ratio=1)
    bar.add_column(no_wrap=True)
    if last is None:
        bar.add_row(ProgressBar(pulse=True), Text("preparing"))
    else:
        left = Text(f"{last.progress:4.0%}  {_clock(last.remaining_s)} left")
        bar.add_row(ProgressBar(total=1.0, completed=last.progress), left)
    facts = Text(pace.facts(), style="dim", no_wrap=True, overflow="ellipsis")
    if pace.saved_step:
        facts.append(f"  saved at {pace.saved_step}")
    if not stopping:
        return Group(bar, facts)
    return Group(bar, facts, Text("Stopping: measuring and saving the best network.", style="yellow"))


def _show_lines(events: Iterator[TrainingEvent]) -> TrainingFinished | None:
    """Print the same as lines, few enough for a log."""
    pace, finished = _Pace(), None
    next_s = next_progress = 0.0
    for event in events:
        match event:
            case StepFinished():
                pace.add(event)
                if event.elapsed_s >= next_s or event.progress >= next_progress:
                    next_s = event.elapsed_s + _LINE_EVERY_S
                    next_progress = event.progress + _LINE_EVERY_SHARE
                    console.say(f"{pace.facts()}  {event.progress:.0%}  {_clock(event.remaining_s)} left")
            case TrainingStarted():
                console.say(_start(event))
            case Evaluated():
                console.say(f"{_evaluation(event)}{'  best' if event.best else ''}")
            case SampleWritten():
                console.say("\n".join(f"    {line}".rstrip() for line in _clean(event.text).splitlines()))
            case TrainingFinished():
                finished = event
    return finished


def _start(event: TrainingStarted) -> str:
    begin = f", resuming at step {event.step}" if event.step else ""
    return (
        f"Training {event.parameters / 1e6:.1f} M weights on {event.device} in {event.precision}{begin}: "
        f"{count_of(event.train_songs, 'song')} to train on, {event.validation_songs:,} in the validation set, "
        f"{event.epoch_tokens:,} tokens per epoch."
    )


def _evaluation(event: Evaluated) -> str:
    return (
        f"step {event.step}  {event.nats_per_token:.3f} nats/token  {event.bits_per_byte:.3f} bits/byte  "
        f"on {count_of(event.songs, 'song')}"
    )


def _tell_end(event: TrainingFinished) -> None:
    metrics = event.metrics
    if event.interrupted:
        console.say(f"Stopped early, at step {event.step}. To continue, run the same command with --resume.")
    console.say(_clean(f"The model '{event.model.name}' is in {event.model}"))
    if "validation_bits_per_byte" in metrics:
        console.say(f"Validation set: {metrics['validation_bits_per_byte']:.3f} bits per byte (lower is better)")
    steps = count_of(event.step, "step")
    best = f"Best after {metrics['steps']:.0f} of {steps}" if "steps" in metrics else steps
    minutes = metrics.get("training_minutes", 0.0)
    console.say(f"{best}, {minutes:.1f} minutes." if minutes >= 1 else f"{best}.")
    name = shlex.quote(_clean(event.model.name))
    console.say(f"Next: songsmith gen --model {name}\n      songsmith --model {name}")


def _clean(text: str) -> str:
    return strip_controls(text).rstrip()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
