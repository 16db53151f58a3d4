"""The time from the start of a process to its first lyric, its help or its first paint."""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from songsmith.benchmark import scripts
from songsmith.benchmark.fresh import FreshStart, time_to_end, time_to_paint, time_to_text
from songsmith.benchmark.options import BenchmarkOptions
from songsmith.benchmark.results import OURS, Measure, Row
from songsmith.benchmark.turns import in_turns

_PROMPT = "Down by the river"
_SONGSMITH = (sys.executable, "-m", "songsmith")
# A start below a second is noisier than a run of minutes, and cheaper.
_QUICK_STARTS_A_RUN = 3


def measure_first_token(
    options: BenchmarkOptions, folder: Path, environment: Mapping[str, str], work: Path
) -> list[Row]:
    """Return how long `songsmith gen` takes to its first lyric, and its memory, beside a script with transformers."""
    ours = [*_SONGSMITH, "gen", _PROMPT, "--quiet", "--model", str(folder), "--max-new-tokens", "8", "--seed", "1"]
    theirs = [
        sys.executable,
        str(_script(work, scripts.TRANSFORMERS_FIRST_TOKEN)),
        str(folder),
        _PROMPT,
        environment["SONGSMITH_DEVICE"],
    ]
    contestants = {OURS: partial(time_to_text, ours, environment, behind=_PROMPT)}
    if options.peers:
        contestants["script with transformers"] = partial(time_to_text, theirs, environment, behind=_PROMPT)
    return _rows(
        contestants,
        options.runs,
        Measure.FIRST_TOKEN_S,
        memory=Measure.FIRST_TOKEN_PEAK_MEMORY_MIB,
        weights=folder.name,
    )


def measure_help(options: BenchmarkOptions, environment: Mapping[str, str], work: Path) -> list[Row]:
    """Return how long `songsmith --help` takes, beside the help of a Typer app of one command."""
    contestants = {OURS: partial(time_to_end, [*_SONGSMITH, "--help"], environment)}
    if options.peers:
        command = [sys.executable, str(_script(work, scripts.TYPER_ONE_COMMAND)), "--help"]
        contestants["Typer app of one command"] = partial(time_to_end, command, environment)
    return _rows(contestants, options.runs * _QUICK_STARTS_A_RUN, Measure.HELP_S)


def measure_first_paint(options: BenchmarkOptions, environment: Mapping[str, str], work: Path) -> list[Row]:
    """Return how long the workshop takes until it draws, beside a Textual app of nothing."""
    contestants = {OURS: partial(time_to_paint, _SONGSMITH, environment)}
    if options.peers:
        command = [sys.executable, str(_script(work, scripts.TEXTUAL_BARE))]
        contestants["bare Textual app"] = partial(time_to_paint, command, environment)
    return _rows(contestants, options.runs * _QUICK_STARTS_A_RUN, Measure.FIRST_PAINT_S)


def _script(work: Path, text: str) -> Path:
    path = work / "peer.py"
    path.write_text(text, encoding="utf-8")
    return path


def _rows(
    contestants: Mapping[str, Callable[[], FreshStart]], runs: int, measure: Measure, *, memory: Measure | None = None,
    weights: str = "",
) -> list[Row]:  # fmt: skip
    rows: list[Row] = []
    in_turns(contestants, 1)  # the first start of all fills the disk cache
    for name, outcome in in_turns(contestants, runs).items():
        seconds = tuple(start.elapsed_s for start in outcome.values)
        rows.append(Row(measure=measure, contestant=name, weights=weights, values=seconds, absent=outcome.absent))
        if memory is not None:
            peaks = tuple(start.peak_memory_mib for start in outcome.values)
            rows.append(Row(measure=memory, contestant=name, weights=weights, values=peaks, absent=outcome.absent))
    return sorted(rows, key=lambda row: list(Measure).index(row.measure))
