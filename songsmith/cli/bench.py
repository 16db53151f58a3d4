"""`songsmith bench`: how fast songsmith is on this machine, and what else a person could use."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from songsmith.cli import console

if TYPE_CHECKING:
    from songsmith.benchmark.results import BenchmarkResult


def bench(
    weights: Annotated[
        str, typer.Option(help="gpt2-random (124M, made anew), or the name of a model, or a path to one.")
    ] = "gpt2-random",
    takes: Annotated[str, typer.Option(help="Numbers of takes to write side by side.")] = "1,4,16",
    new_tokens: Annotated[int, typer.Option(help="Tokens in each take.")] = 100,
    runs: Annotated[int, typer.Option(help="How often each thing is measured; the median counts.")] = 3,
    peers: Annotated[bool, typer.Option(help="Measure what you could use instead, in the same run.")] = True,
    output: Annotated[
        Path | None, typer.Option(help="Write the result there too, as JSON.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Measure speed, start and memory on this machine, beside transformers and bare apps."""
    from songsmith.benchmark.options import BenchmarkOptions
    from songsmith.benchmark.run import BenchmarkFinished, run_benchmark
    from songsmith.errors import storing
    from songsmith.studio.studio import Studio

    options = BenchmarkOptions(weights=weights, takes=_numbers(takes), new_tokens=new_tokens, runs=runs, peers=peers)
    studio = Studio.open()
    for event in run_benchmark(options, studio.models, studio.settings):
        if not isinstance(event, BenchmarkFinished):
            console.say(f"measuring: {event.what}")
            continue
        text = json.dumps(event.result.as_json(), ensure_ascii=False) + "\n"
        if output is not None:
            with storing(output):
                output.write_text(text, encoding="utf-8")
        if as_json:
            console.write(text)
        else:
            _show(event.result)


def _numbers(text: str) -> tuple[int, ...]:
    from songsmith.errors import UsageError

    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"--takes {text} is no list of numbers.", "Write it like 1,4,16.") from error


def _show(result: "BenchmarkResult") -> None:
    machine = result.machine
    console.say(
        f"{machine.cpu}, {machine.processors} processors, {machine.device}; {machine.date}; Python {machine.python}, "
        f"torch {machine.torch}, transformers {machine.transformers}, typer {machine.typer}, textual {machine.textual}"
    )
    rows = []
    for row in result.rows:
        *words, unit = row.measure.value.removesuffix("_per_s").split("_")
        what = " ".join([*words, unit] if row.measure.value.endswith("_per_s") else words)
        unit = "tokens/s" if row.measure.value.endswith("_per_s") else {"mib": "MiB"}.get(unit, unit)
        runs = " ".join(f"{value:.{_places(value)}f}" for value in row.values)
        ratio = result.ratio(row)
        rows.append(
            (what, row.weights, f"{row.takes or ''}", row.contestant,
             f"absent: {row.absent}" if row.median is None else f"{row.median:.{_places(row.median)}f} {unit}", runs,
             "" if ratio is None else f"{ratio:.2f}")
        )  # fmt: skip
    console.show_table(("Measured", "Model", "Takes", "Of", "Median", "Runs", "songsmith / this"), rows)


def _places(value: float) -> int:
    return 0 if value >= 100 else 1 if value >= 10 else 3
