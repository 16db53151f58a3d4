"""Killed at any instant, a run resumes and ends with the weights it would have had."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from runs import make_options, make_run, same, train_on
from safetensors.torch import load_file

from songsmith.training.checkpoint import load_checkpoint

STEPS = 60
PROGRAM = """
import sys
from pathlib import Path
import torch
from runs import make_options, make_run
from songsmith.training.checkpoint import load_checkpoint
from songsmith.training.events import StepFinished
from songsmith.training.trainer import train

torch.set_num_threads(1)
run = make_run(Path(sys.argv[1]), options=make_options(steps={steps}, evaluate_every_steps=2, dropout=0.1))
resume = load_checkpoint(run.folder, {{**run.identity, "device": "cpu"}}) is not None
for event in train(run, device=torch.device("cpu"), resume=resume):
    if isinstance(event, StepFinished):
        print(event.step, flush=True)
"""


def start(home: Path) -> "subprocess.Popen[str]":
    program = PROGRAM.format(steps=STEPS)
    return subprocess.Popen(
        [sys.executable, "-c", program, str(home)], cwd=Path(__file__).parent, stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_at_random_instants_it_ends_with_the_same_weights(tmp_path: Path, kills: int) -> None:
    options = make_options(steps=STEPS, evaluate_every_steps=2, dropout=0.1)
    whole, killed = (make_run(tmp_path / name, options=options) for name in ("whole", "killed"))
    draw = random.Random(kills)
    reached = 0
    for _ in range(kills):
        process = start(tmp_path / "killed")
        assert process.stdout is not None
        # So far that all the kills together nearly reach the end; then an instant within a step, a save or an evaluation.
        stop = min(STEPS - 20, reached + draw.randint(1, max(1, 2 * STEPS // kills)))
        for line in process.stdout:
            reached = int(line)
            if reached >= stop:
                break
        end_s = time.perf_counter() + draw.random() * 0.04
        while time.perf_counter() < end_s:
            pass
        process.kill()
        process.stdout.close()
        process.wait()
        found = load_checkpoint(killed.folder, {**killed.identity, "device": "cpu"})
        reached = found[0].step if found is not None else 0
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        expected, ended = train_on(whole), train_on(killed, resume=reached > 0)
    finally:
        torch.set_num_threads(threads)
    assert same(expected.tensors, ended.tensors)
    assert same(*(load_file(run.model_folder / "model.safetensors") for run in (whole, killed)))
