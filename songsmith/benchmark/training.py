"""Training speed: every contestant trains in fresh processes, in turns."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from songsmith.benchmark.options import TrainingBenchmarkOptions
from songsmith.benchmark.results import OURS, Measure, Row
from songsmith.benchmark.trainers import COMPILED, MUON, TRAINERS, Pace
from songsmith.benchmark.turns import in_turns
from songsmith.benchmark.worker import Absent, last_line
from songsmith.errors import SongsmithError
from songsmith.training.options import Precision


def choose_precisions(options: TrainingBenchmarkOptions, device: str) -> tuple[Precision, ...]:
    """Return what is measured: `auto` is float32, and bfloat16 besides where the device gains from it."""
    if options.precision is not Precision.AUTO:
        return (options.precision,)
    import torch

    from songsmith.model.device import choose_device, choose_training_dtype

    gains = choose_training_dtype(choose_device(device)) is torch.bfloat16
    return (Precision.FLOAT32, Precision.BFLOAT16) if gains else (Precision.FLOAT32,)


def measure_training(
    options: TrainingBenchmarkOptions, precision: Precision, environment: Mapping[str, str], work: Path
) -> tuple[str, list[Row]]:
    """Return the device songsmith trained on, and a row for every contestant.

    Raises:
        SongsmithError: songsmith itself could not train.
    """
    names = [
        name for name in TRAINERS if name in (OURS, MUON) or (options.compile if name == COMPILED else options.peers)
    ]
    outcomes = in_turns(
        {name: partial(time_training, name, options, precision, environment, work) for name in names}, options.runs
    )
    if outcomes[OURS].absent:
        raise SongsmithError(f"songsmith couldn't be measured: {outcomes[OURS].absent}.", "Try a smaller --size.")
    rows = [
        Row(
            measure=Measure.TRAINING_TOKENS_PER_S,
            contestant=name,
            weights=options.size,
            precision=precision.value,
            values=tuple(pace.tokens / pace.elapsed_s for pace in outcome.values),
            absent=outcome.absent,
        )
        for name, outcome in outcomes.items()
    ]
    return outcomes[OURS].values[0].device, rows


def time_training(
    contestant: str, options: TrainingBenchmarkOptions, precision: Precision, environment: Mapping[str, str], work: Path
) -> Pace:
    """Let a contestant train in a process of its own, and return its pace.

    Raises:
        Absent: it failed.
    """
    with tempfile.TemporaryDirectory(dir=work) as folder:
        command = [sys.executable, "-m", "songsmith.benchmark.trainers", contestant, folder]
        done = subprocess.run(
            [*command, json.dumps(options.as_json()), precision.value], env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
    if done.returncode or not done.stdout:
        raise Absent(last_line(done.stderr) or f"it ended with exit code {done.returncode}")
    return Pace(**json.loads(last_line(done.stdout)))
