"""Killed at any instant, a run resumes and ends with the weights it would have had."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from clean_corpora import replace_clean
from fakes import write_random_model
from runs import make_options, make_run, make_songs, same, train_on
from safetensors.torch import load_file

from songsmith.corpus.records import CleanRecord
from songsmith.corpus.storage.store import CorpusStore
from songsmith.lyrics import render
from songsmith.paths import Paths
from songsmith.settings import Settings
from songsmith.studio.studio import Studio
from songsmith.studio.training import TrainingRequest, prepare_finetuning
from songsmith.studio.training_songs import SongChoice
from songsmith.training.checkpoint import load_checkpoint
from songsmith.training.run import TrainingRun

STEPS = 60
PROGRAM = """
import sys
from pathlib import Path
import torch
from runs import make_options
from test_training_kills import make
from songsmith.training.checkpoint import load_checkpoint
from songsmith.training.events import StepFinished
from songsmith.training.trainer import train

torch.set_num_threads(1)
run = make(sys.argv[2], Path(sys.argv[1]))
resume = load_checkpoint(run.folder, {{**run.identity, "device": "cpu"}}) is not None
for event in train(run, device=torch.device("cpu"), resume=resume):
    if isinstance(event, StepFinished):
        print(event.step, flush=True)
"""


def make(command: str, home: Path) -> TrainingRun:
    """Return a run of `train` or of `finetune`: of a model that lacks all marks but one, on a corpus in its home."""
    options = make_options(steps=STEPS, evaluate_every_steps=2, dropout=0.1)
    if command == "train":
        return make_run(home, options=options)
    paths = Paths(data=home, config=home, state=home)
    request = TrainingRequest(songs=SongChoice(corpus="songs"), options=options, name="tuned", resume=True)
    return prepare_finetuning(Studio(paths, Settings(device="cpu")), request, base=str(home / "base"))


def prepare(command: str, home: Path) -> None:
    """Put what `finetune` starts from into a home."""
    if command == "finetune":
        write_random_model(home / "base", window=32)
        songs = [CleanRecord(id=song.id, title=song.song.title, text=render(song.song)) for song in make_songs(30)]
        replace_clean(CorpusStore(Paths(data=home, config=home, state=home)).create("songs"), songs)


def start(command: str, home: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(home), command], cwd=Path(__file__).parent, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip


@pytest.mark.parametrize("command", ["train", "finetune"])
@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_at_random_instants_it_ends_with_the_same_weights(tmp_path: Path, command: str, kills: int) -> None:
    for name in ("whole", "killed"):
        prepare(command, tmp_path / name)
    whole, killed = (make(command, tmp_path / name) for name in ("whole", "killed"))
    draw = random.Random(kills)
    reached = 0
    for _ in range(kills):
        process = start(command, tmp_path / "killed")
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
