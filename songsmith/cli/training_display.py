"""How training looks while it goes on, on stderr: alive on a terminal, plain lines elsewhere. Decides nothing.

Import it where training begins: it takes rich along.
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
    """Show a run from its first event to its last, and return the last if it says that a model was written.

    Args:
        events: of the run; what they raise is raised here.
        stopping: whether training was asked to stop; the display says so while it winds up.
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
    """Where the run is, loss and speed smoothed. Hundreds of steps a second come in here: they are only noted."""

    def __init__(self) -> None:
        self.last: StepFinished | None = None
        self.nats_per_token = 0.0
        self.tokens_per_s = 0.0
        self.saved_step = 0
        self._steps = 0

    def add(self, step: StepFinished) -> None:
        """Take in one more step: a plain mean to begin with, then the newest counts for a twentieth."""
        self._steps += 1
        weight = max(1 / self._steps, 0.05)
        self.nats_per_token += weight * (step.nats_per_token - self.nats_per_token)
        self.tokens_per_s += weight * (step.tokens_per_s - self.tokens_per_s)
        self.last = step

    def facts(self) -> str:
        """Return what the last steps were like."""
        if self.last is None:
            return ""
        return (
            f"step {self.last.step}  epoch {self.last.epoch}  loss {self.nats_per_token:.3f} nats/token  "
            f"{self.tokens_per_s:,.0f} tokens/s"
        )


def _show_live(
    events: Iterator[TrainingEvent], screen: Console, stopping: Callable[[], bool]
) -> TrainingFinished | None:
    """Show a bar that repaints itself, and above it what is to stay."""
    pace, finished = _Pace(), None
    display = Live(
        get_renderable=lambda: _paint(pace, stopping=stopping()),
        console=screen,
        refresh_per_second=_REPAINTS_A_SECOND,
        transient=True,
        # A stdout that is piped on must not be caught: what is written there would end up on the terminal.
        redirect_stdout=sys.stdout.isatty(),
    )
    with display:
        for news in events:
            match news:
                case StepFinished():
                    pace.add(news)
                case TrainingStarted():
                    screen.print(Text(_start(news)))
                case Evaluated():
                    line = Text(_evaluation(news))
                    if news.best:
                        line.append("  best", style="bold green")
                    screen.print(line)
                case SampleWritten():
                    title = Text(f"step {news.step}", style="dim")
                    screen.print(Panel(Text(_clean(news.text)), title=title, expand=False, style="dim", padding=(0, 2)))
                case CheckpointSaved():
                    pace.saved_step = news.step
                case TrainingFinished():
                    finished = news
    return finished


def _paint(pace: _Pace, *, stopping: bool) -> Group:
    """Return bar and facts as they stand."""
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
    """Tell the same in lines: no more than a log wants."""
    pace, finished = _Pace(), None
    next_s = next_progress = 0.0
    for news in events:
        match news:
            case StepFinished():
                pace.add(news)
                if news.elapsed_s >= next_s or news.progress >= next_progress:
                    next_s = news.elapsed_s + _LINE_EVERY_S
                    next_progress = news.progress + _LINE_EVERY_SHARE
                    console.say(f"{pace.facts()}  {news.progress:.0%}  {_clock(news.remaining_s)} left")
            case TrainingStarted():
                console.say(_start(news))
            case Evaluated():
                console.say(f"{_evaluation(news)}{'  best' if news.best else ''}")
            case SampleWritten():
                console.say("\n".join(f"    {line}".rstrip() for line in _clean(news.text).splitlines()))
            case TrainingFinished():
                finished = news
    return finished


def _start(news: TrainingStarted) -> str:
    begin = f", resuming at step {news.step}" if news.step else ""
    return (
        f"Training {news.parameters / 1e6:.1f} M weights on {news.device} in {news.precision}{begin}: "
        f"{count_of(news.train_songs, 'song')} to train on, {news.validation_songs:,} held out, "
        f"{news.epoch_tokens:,} tokens per epoch."
    )


def _evaluation(news: Evaluated) -> str:
    return (
        f"step {news.step}  {news.nats_per_token:.3f} nats/token  {news.bits_per_byte:.3f} bits/byte  "
        f"on {count_of(news.songs, 'song')}"
    )


def _tell_end(news: TrainingFinished) -> None:
    metrics = news.metrics
    if news.interrupted:
        console.say(f"Stopped early, at step {news.step}. To continue, run the same command with --resume.")
    console.say(_clean(f"The model '{news.model.name}' is in {news.model}"))
    if "validation_bits_per_byte" in metrics:
        console.say(f"Held-out songs: {metrics['validation_bits_per_byte']:.3f} bits/byte (lower is better)")
    steps = count_of(news.step, "step")
    best = f"Best after {metrics['steps']:.0f} of {steps}" if "steps" in metrics else steps
    minutes = metrics.get("training_minutes", 0.0)
    console.say(f"{best}, {minutes:.1f} minutes." if minutes >= 1 else f"{best}.")
    name = shlex.quote(_clean(news.model.name))
    console.say(f"Next: songsmith gen --model {name}\n      songsmith --model {name}")


def _clean(text: str) -> str:
    return strip_controls(text).rstrip()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
