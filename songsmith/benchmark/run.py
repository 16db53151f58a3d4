"""Run a whole benchmark of songsmith and its peers. Changes no files of the user, and leaves none behind."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from songsmith.benchmark.limits import measure_limits
from songsmith.benchmark.machine import describe_machine
from songsmith.benchmark.options import RANDOM_WEIGHTS, BenchmarkOptions, TrainingBenchmarkOptions
from songsmith.benchmark.results import BenchmarkResult, Row
from songsmith.benchmark.starts import measure_first_paint, measure_first_token, measure_help
from songsmith.benchmark.training import choose_precisions, measure_training
from songsmith.benchmark.worker import last_line
from songsmith.benchmark.writing import measure_long_song, measure_writing
from songsmith.errors import SongsmithError
from songsmith.model.registry import STARTER, ModelStore
from songsmith.settings import Settings


@dataclass(frozen=True, kw_only=True)
class MeasurementStarted:
    """The next thing is being measured."""

    what: str


@dataclass(frozen=True, kw_only=True)
class BenchmarkFinished:
    """Everything is measured."""

    result: BenchmarkResult


def run_benchmark(
    options: BenchmarkOptions, models: ModelStore, settings: Settings
) -> Iterator[MeasurementStarted | BenchmarkFinished]:
    """Measure everything `options` ask for, one thing after another. Takes minutes.

    Raises:
        ModelError: there is no such model.
        SongsmithError: songsmith itself could not write with it.
    """
    with tempfile.TemporaryDirectory(prefix="songsmith-bench-") as name:
        work = Path(name)
        environment = _environment(work, settings)
        if options.weights == RANDOM_WEIGHTS:
            yield MeasurementStarted(what=f"writing {RANDOM_WEIGHTS}")
            folder = _write_random_model(work / RANDOM_WEIGHTS)
        else:
            folder = models.find(options.weights).absolute()
        yield MeasurementStarted(what="limits of the machine")
        limits = measure_limits(settings.device, options.runs, environment)
        yield MeasurementStarted(what=f"takes with {folder.name}")
        loaded, rows = measure_writing(options, folder, environment, work)
        rows += limits.rows() + limits.shares(rows, loaded)
        song = None
        if options.long_tokens:
            yield MeasurementStarted(what=f"a long song with {folder.name}")
            song, found = measure_long_song(options.long_tokens, folder, environment)
            rows += found
        for model in dict.fromkeys((folder, models.find(STARTER).absolute())):
            yield MeasurementStarted(what=f"first token with {model.name}")
            rows += measure_first_token(options, model, environment, work)
        yield MeasurementStarted(what="--help")
        rows += measure_help(options, environment, work)
        yield MeasurementStarted(what="first paint")
        rows += measure_first_paint(options, environment, work)
        machine = describe_machine(loaded.device)
        yield BenchmarkFinished(result=BenchmarkResult(machine=machine, options=options, rows=rows, long_song=song))


def run_training_benchmark(
    options: TrainingBenchmarkOptions, settings: Settings
) -> Iterator[MeasurementStarted | BenchmarkFinished]:
    """Measure how fast songsmith and its peers train, in each precision that is asked for. Takes minutes.

    Raises:
        SongsmithError: songsmith itself could not train.
    """
    with tempfile.TemporaryDirectory(prefix="songsmith-bench-") as name:
        work, device = Path(name), ""
        rows: list[Row] = []
        for precision in choose_precisions(options, settings.device):
            yield MeasurementStarted(what=f"training {options.size} in {precision}")
            device, found = measure_training(options, precision, _environment(work, settings), work)
            rows += found
        yield BenchmarkFinished(result=BenchmarkResult(machine=describe_machine(device), options=options, rows=rows))


def _environment(work: Path, settings: Settings) -> dict[str, str]:
    # Nothing measured may open the songs of the person who measures; their device and threads go along.
    return {
        **os.environ, "SONGSMITH_HOME": str(work / "home"), "SONGSMITH_MODEL": STARTER,
        "SONGSMITH_DEVICE": settings.device, "SONGSMITH_THREADS": str(settings.threads),
    }  # fmt: skip


def _write_random_model(folder: Path) -> Path:
    folder.mkdir()
    command = [sys.executable, "-m", "songsmith.benchmark.random_model", str(folder)]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, errors="replace", check=False)
    if done.returncode:
        raise SongsmithError(f"Random weights couldn't be written: {last_line(done.stderr)}.", "Is the disk full?")
    return folder
