"""Killed at any instant, a run resumes and ends with the weights it would have had."""

import random
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection
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
from songsmith.training.events import StepFinished
from songsmith.training.run import TrainingRun
from songsmith.training.trainer import train

STEPS = 60
# Processes of their own, all forked from one that has loaded torch.
PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(["test_training_kills", "torch._dynamo"])


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


def go_on(command: str, home: Path, steps: "Connection[int, int]") -> None:
    """Train to the end, from the last checkpoint if there is one, and tell each step."""
    torch.set_num_threads(1)
    run = make(command, home)
    resume = load_checkpoint(run.folder, {**run.identity, "device": "cpu"}) is not None
    for event in train(run, device=torch.device("cpu"), resume=resume):
        if isinstance(event, StepFinished):
            steps.send(event.step)


@pytest.mark.parametrize("command", ["train", "finetune"])
@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_at_random_instants_it_ends_with_the_same_weights(tmp_path: Path, command: str, kills: int) -> None:
    for name in ("whole", "killed"):
        prepare(command, tmp_path / name)
    whole, killed = (make(command, tmp_path / name) for name in ("whole", "killed"))
    draw = random.Random(kills)
    reached = 0
    for _ in range(kills):
        steps, told = PROCESSES.Pipe(duplex=False)
        process = PROCESSES.Process(target=go_on, args=(command, tmp_path / "killed", told))
        process.start()
        told.close()
        # So far that all the kills together nearly reach the end; then an instant within a step, a save or an evaluation.
        stop = min(STEPS - 20, reached + draw.randint(1, max(1, 2 * STEPS // kills)))
        while reached < stop:
            reached = steps.recv()
        end_s = time.perf_counter() + draw.random() * 0.04
        while time.perf_counter() < end_s:
            pass
        process.kill()
        process.join()
        process.close()
        steps.close()
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
