"""`songsmith bench`: how fast songsmith is on this machine, next to the alternatives."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from songsmith.cli import completion, console
from songsmith.safe_text import json_row
from songsmith.training.options import Precision

if TYPE_CHECKING:
    from songsmith.benchmark.options import TrainingBenchmarkOptions
    from songsmith.benchmark.results import BenchmarkResult

_TRAINING = "With --training"


def bench(
    weights: Annotated[
        str,
        typer.Option(
            help="gpt2-random (124M random weights), the name of a model, or a path to one.",
            autocompletion=completion.models,
        ),
    ] = "gpt2-random",
    takes: Annotated[str, typer.Option(help="Numbers of takes to write side by side.")] = "1,4,16",
    new_tokens: Annotated[int, typer.Option(help="Tokens in each take.")] = 100,
    runs: Annotated[int, typer.Option(help="How many times to measure each thing; the median counts.")] = 3,
    long_tokens: Annotated[int, typer.Option(help="Length of one take timed token by token; 0 skips it.")] = 2000,
    peers: Annotated[bool, typer.Option(help="Measure other programs too, in the same run.")] = True,
    output: Annotated[
        Path | None, typer.Option(help="Also write the result to this file, as JSON.", show_default=False)
    ] = None,
    png: Annotated[
        Path | None, typer.Option(help="Also draw the takes to this file, as a picture.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    training: Annotated[bool, typer.Option("--training", help="Measure only how fast models train.")] = False,
    size: Annotated[str, typer.Option(help="tiny, small, base or gpt2.", rich_help_panel=_TRAINING)] = "small",
    block_size_tokens: Annotated[
        int,
        typer.Option(
            "--block-size", help="Tokens in a block, at most the size's context window.", rich_help_panel=_TRAINING
        ),
    ] = 512,
    micro_batch_size: Annotated[int, typer.Option(help="Blocks in a step.", rich_help_panel=_TRAINING)] = 8,
    steps: Annotated[int, typer.Option(help="Steps timed in each run.", rich_help_panel=_TRAINING)] = 6,
    precision: Annotated[
        Precision, typer.Option(help="auto: float32, or bfloat16 where it is faster.", rich_help_panel=_TRAINING)
    ] = Precision.AUTO,
    compile: Annotated[
        bool, typer.Option("--compile", help="Also measure songsmith with --compile.", rich_help_panel=_TRAINING)
    ] = False,
) -> None:
    """Measure writing speed, start-up time and memory on this machine, next to other programs."""
    from songsmith.benchmark.options import BenchmarkOptions
    from songsmith.benchmark.picture import save_picture
    from songsmith.benchmark.run import BenchmarkFinished, run_benchmark, run_training_benchmark
    from songsmith.errors import UsageError, storing
    from songsmith.permissions import as_open_as_asked
    from songsmith.studio.studio import Studio

    studio = Studio.open()
    if training:
        if png is not None:
            raise UsageError("--png draws takes, but --training writes none.", "Leave one of them out.")
        lesson = _lesson(
            size, block_size_tokens=block_size_tokens, micro_batch_size=micro_batch_size, steps=steps, precision=precision,
            compile=compile, runs=runs, peers=peers,
        )  # fmt: skip
        events = run_training_benchmark(lesson, studio.settings)
    else:
        options = BenchmarkOptions(
            weights=weights, takes=_numbers(takes), new_tokens=new_tokens, runs=runs, long_tokens=long_tokens, peers=peers
        )  # fmt: skip
        events = run_benchmark(options, studio.models, studio.settings)
    for event in events:
        if not isinstance(event, BenchmarkFinished):
            console.say(f"measuring: {event.what}")
            continue
        text = json_row(event.result.as_json())
        # Shown first: what took minutes to measure must not be lost for a folder that is not there.
        if as_json:
            console.write(text)
        else:
            show_result(event.result)
        if output is not None:
            with storing(output), as_open_as_asked():
                output.write_text(text, encoding="utf-8")
        if png is not None:
            save_picture(png, event.result)


def _lesson(size: str, **choices: Any) -> "TrainingBenchmarkOptions":
    from songsmith.benchmark.options import TrainingBenchmarkOptions
    from songsmith.errors import UsageError
    from songsmith.studio.training import SIZES

    if size not in SIZES:
        raise UsageError(f"Unknown size '{size}'.", f"Use one of {', '.join(SIZES)}.")
    return TrainingBenchmarkOptions(size=size, **asdict(SIZES[size]), **choices)


def _numbers(text: str) -> tuple[int, ...]:
    from songsmith.errors import UsageError

    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"--takes {text} isn't a list of numbers.", "Write it like 1,4,16.") from error


def show_result(result: "BenchmarkResult") -> None:
    """Show what was measured as a table, and say on what machine."""
    machine = result.machine
    console.say(
        f"{machine.cpu}, {machine.processors} processors, {machine.device}; {machine.date}; Python {machine.python}, "
        + ", ".join(f"{name.replace('_', '-')} {version}" for name, version in machine.versions().items())
    )
    rows = []
    for row in result.rows:
        median = "" if row.median is None else f"{row.median:.{_places(row.median)}f} {row.measure.unit}".rstrip()
        runs = " ".join(f"{value:.{_places(value)}f}" for value in row.values)
        ratio = result.ratio(row)
        rows.append(
            (row.measure.words, f"{row.weights} {row.precision}".strip(), f"{row.takes or ''}", row.contestant,
             median or f"absent: {row.absent}", runs, "" if ratio is None else f"{ratio:.2f}")
        )  # fmt: skip
    console.show_table(("Measured", "Model", "Takes", "Of", "Median", "Runs", "songsmith / this"), rows)


def _places(value: float) -> int:
    return 0 if value >= 100 else 1 if value >= 10 else 3
