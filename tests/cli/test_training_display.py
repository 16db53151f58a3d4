"""What a person sees of a training run: on a terminal, in a log, and at its end."""

import io
import os
import pty
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songsmith.cli.loss_plot import draw_losses
from songsmith.cli.training_display import follow
from songsmith.errors import TrainingError
from songsmith.training.events import (
    CheckpointSaved,
    Evaluated,
    SampleWritten,
    StepFinished,
    TrainingEvent,
    TrainingFinished,
    TrainingStarted,
)

HOSTILE = "The [bold]River[/bold] [/]\n\nFrom \x1b]0;pwned\x07this\x9b31m valley\r\n\x1b[2Jthey say\u202e\n"
CLEANED = ["The [bold]River[/bold] [/]", "", "From ]0;pwnedthis31m valley", "[2Jthey say"]


def step(number: int, of: int, *, seconds: float = 1.0) -> StepFinished:
    return StepFinished(
        step=number, progress=number / of, epoch=1, nats_per_token=4.0, lr_scale=1.0, tokens_per_s=2000.0,
        tokens=number * 100, elapsed_s=number * seconds, remaining_s=(of - number) * seconds,
    )  # fmt: skip


def finished(*, interrupted: bool = False, model: Path = Path("/models/valley")) -> TrainingFinished:
    return TrainingFinished(
        step=100, model=model, interrupted=interrupted,
        metrics={
            "validation_bits_per_byte": 1.7123, "validation_nats_per_token": 3.4, "steps": 80, "training_minutes": 2.5
        },
        losses=tuple((number, 3.0 + 3.0 / number) for number in range(1, 101)),
        evaluations=((0, 6.0, 3.0), (50, 3.2, 1.8), (100, 3.1, 1.7123)),
    )  # fmt: skip


def script(sample: str = "Valley\n\nFrom this valley") -> Iterator[TrainingEvent]:
    yield TrainingStarted(
        parameters=19_400_000, train_songs=95, validation_songs=5, epoch_tokens=1234, device="cpu",
        precision="float32", step=0, total_steps=100,
    )  # fmt: skip
    yield Evaluated(step=0, nats_per_token=6.0, bits_per_byte=3.0, songs=5, best=True)
    for number in range(1, 51):
        yield step(number, 100, seconds=0.1)
    yield Evaluated(step=50, nats_per_token=3.2, bits_per_byte=1.8004, songs=5, best=False)
    yield CheckpointSaved(step=50, path=Path("/training/valley"))
    yield SampleWritten(step=50, text=sample)
    yield finished()


def watch(
    monkeypatch: pytest.MonkeyPatch, events: Iterator[TrainingEvent], *, width: int = 100, encoding: str = "utf-8",
    stopping: Callable[[], bool] = lambda: False, term: str = "xterm-256color",
    raised: type[Exception] | None = None,
) -> str:  # fmt: skip
    """Follow events on a terminal and return every character that went there."""
    for name, value in {"TERM": term, "COLUMNS": str(width), "LINES": "40"}.items():
        monkeypatch.setenv(name, value)
    ours, theirs = pty.openpty()
    seen = io.BytesIO()

    def read() -> None:
        try:
            while part := os.read(ours, 65536):
                seen.write(part)
        except OSError:  # the other end was closed
            return

    reader = Thread(target=read)
    reader.start()
    try:
        with open(theirs, "w", encoding=encoding, errors="replace") as terminal:  # noqa: PTH123  (a descriptor)
            monkeypatch.setattr(sys, "stderr", terminal)
            with pytest.raises(raised) if raised else nullcontext():
                follow(events, stopping=stopping)
            monkeypatch.undo()
    finally:
        reader.join()
        os.close(ours)
    return seen.getvalue().decode(encoding, "replace")


def without_styles(output: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output).replace("\r", "")


def test_a_log_gets_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    result = follow(script(HOSTILE))
    assert result is not None
    assert result.model == Path("/models/valley")
    output = capsys.readouterr()
    assert output.out == ""
    lines = output.err.splitlines()
    assert [line for line in lines if " loss " not in line] == [
        "Training 19.4 M weights on cpu in float32: 95 songs to train on, 5 in the validation set, 1,234 tokens per epoch.",
        "step 0  6.000 nats/token  3.000 bits/byte  on 5 songs  best",
        "step 50  3.200 nats/token  1.800 bits/byte  on 5 songs",
        *(f"    {line}".rstrip() for line in CLEANED),
        "The model 'valley' is in /models/valley",
        "Validation set: 1.712 bits per byte (lower is better)",
        "Best after 80 of 100 steps, 2.5 minutes.",
        "Next: songsmith gen --model valley",
        "      songsmith --model valley",
    ]
    assert "step 1  epoch 1  loss 4.000 nats/token  2,000 tokens/s  1%  0:10 left" in lines
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", output.err)


@pytest.mark.parametrize(
    ("steps", "seconds", "fewest", "most"), [(10_000, 0.001, 20, 21), (600, 60.0, 600, 600), (2_000, 1.0, 33, 41)]
)
def test_a_log_gets_a_line_a_minute_and_one_every_twentieth(
    steps: int, seconds: float, fewest: int, most: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert follow(step(number, steps, seconds=seconds) for number in range(1, steps + 1)) is None
    lines = capsys.readouterr().err.splitlines()
    assert fewest <= len(lines) <= most
    times = [int(re.findall(r"step (\d+)", line)[0]) for line in lines]
    gaps = [later - earlier for earlier, later in zip(times, [*times[1:], steps], strict=True)]
    assert max(gaps) * seconds <= max(60.0, seconds)
    assert max(gaps) / steps <= 0.051


def test_a_run_that_went_on_and_was_stopped_says_both(capsys: pytest.CaptureFixture[str]) -> None:
    begun = TrainingStarted(
        parameters=1_000_000, train_songs=1, validation_songs=1, epoch_tokens=9, device="cuda", precision="bfloat16",
        step=600, total_steps=None,
    )  # fmt: skip
    follow(iter([begun, finished(interrupted=True, model=Path("/models/Old 'songs'"))]))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Training 1.0 M weights on cuda in bfloat16, resuming at step 600: 1 song to train on")
    assert lines[1] == "Stopped early, at step 100. To continue, run the same command with --resume."
    assert lines[-2] == """Next: songsmith gen --model 'Old '"'"'songs'"'"''"""


def test_what_training_raises_comes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing() -> Iterator[TrainingEvent]:
        yield step(1, 10)
        raise TrainingError("The loss is no longer a number.")

    with pytest.raises(TrainingError):
        follow(failing())
    output = watch(monkeypatch, failing(), raised=TrainingError)
    assert output.rfind("\x1b[?25h") > output.rfind("\x1b[?25l") >= 0  # the cursor is back
    assert "nats/token:" not in output


def test_a_terminal_shows_what_stays_above_what_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    output = watch(monkeypatch, script(HOSTILE))
    text = without_styles(output)
    assert "step 0  6.000 nats/token  3.000 bits/byte  on 5 songs  best\n" in text
    assert "step 50  3.200 nats/token  1.800 bits/byte  on 5 songs\n" in text
    assert "50%  0:05 left" in text
    assert "step 50  epoch 1  loss 4.000 nats/token  2,000 tokens/s  saved at 50" in text
    panel = [line[1:-1].strip() for line in text.splitlines() if line.startswith("│") and line.endswith("│")]
    assert panel == CLEANED
    assert not re.search(r"\x1b\][0-9]|\x07|\x9b|\x1b\[2J", output)
    plot, _, end = text.partition("nats/token:")[2].partition("step 100\n")
    assert re.search("[\u2801-\u28ff]", plot)
    assert plot.count("●") >= 3  # one in its heading
    assert end.startswith("The model 'valley' is in /models/valley\n")
    assert end.rstrip().endswith("songsmith --model valley")


def test_a_terminal_says_that_it_is_stopping(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Stopping: " in watch(monkeypatch, script(), stopping=lambda: True)
    assert "Stopping: " not in watch(monkeypatch, script())


def test_a_terminal_that_can_do_little(monkeypatch: pytest.MonkeyPatch) -> None:
    ascii_only = watch(monkeypatch, script(), encoding="ascii")
    assert "nats/token:" not in ascii_only
    assert "songsmith gen --model valley" in ascii_only
    dumb = watch(monkeypatch, script(), term="dumb")
    assert "\x1b" not in dumb
    assert "step 0  6.000 nats/token" in dumb
    narrow = without_styles(watch(monkeypatch, script(), width=24))
    assert "songsmith gen --model valley" in narrow


def test_hundreds_of_steps_a_second_cost_next_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [step(number, 20_000) for number in range(1, 20_001)]
    spent: list[float] = []

    def feed() -> Iterator[TrainingEvent]:
        begun = time.thread_time()
        yield from steps
        spent.append(time.thread_time() - begun)

    watch(monkeypatch, feed())
    assert spent[0] / len(steps) < 20e-6


CURVE = st.lists(st.one_of(st.floats(0, 100), st.just(float("inf")), st.just(float("nan"))), max_size=80)


@given(CURVE, CURVE, st.integers(0, 130), st.integers(3, 30))
def test_a_plot_keeps_to_its_room(losses: list[float], judged: list[float], width: int, height: int) -> None:
    picture = draw_losses(
        list(enumerate(losses, start=1)), [(10 * place, nats, 1.0) for place, nats in enumerate(judged)],
        width=width, height=height,
    ).plain  # fmt: skip
    lines = picture.splitlines()
    assert len(lines) in (0, height)
    assert all(len(line) <= max(width, 40) for line in lines)
    assert all(len(line) <= width for line in lines[1:])


def test_a_plot_falls_where_the_loss_falls() -> None:
    plot = draw_losses([(number, 10 - number / 10) for number in range(1, 100)], [(50, 7.0, 1.0)], width=67, height=14)
    rows = [row[7:] for row in plot.plain.splitlines()[1:-1]]
    heights = [next(number for number, row in enumerate(rows) if row[column] not in " ●") for column in (0, 20, 40, 59)]
    assert heights == sorted(set(heights))
    assert "step 0" not in plot.plain
    assert "step 99" in plot.plain
    (circle,) = [(number, row.index("●")) for number, row in enumerate(rows) if "●" in row]
    assert circle[1] in (29, 30, 31)
    assert draw_losses([(1, 2.0)], [], width=80).plain == ""
