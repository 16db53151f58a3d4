"""Training learns, ends where it is asked to, goes on where it ended, and leaves a model that others can load."""

import json
import math
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from architectures import CONFIGS
from clean_corpora import replace_clean
from runs import make_options, make_run, make_songs, same, train_on
from safetensors.torch import load_file

from songsmith.benchmark.random_model import write_random_model
from songsmith.corpus.records import CleanRecord
from songsmith.corpus.storage.store import CorpusStore
from songsmith.errors import TrainingError
from songsmith.lyrics import render
from songsmith.markup import MarkupFormat
from songsmith.model.architectures import read_spec
from songsmith.model.manifest import Manifest
from songsmith.model.registry import ModelStore
from songsmith.paths import Paths
from songsmith.settings import Settings
from songsmith.studio.studio import Studio
from songsmith.studio.training import TrainingRequest, prepare_finetuning
from songsmith.studio.training_songs import SongChoice
from songsmith.training.checkpoint import load_checkpoint
from songsmith.training.events import (
    CheckpointSaved,
    Evaluated,
    SampleWritten,
    StepFinished,
    TrainingFinished,
    TrainingStarted,
)
from songsmith.training.options import OptimizerName, Unit
from songsmith.training.run import TrainingRun
from songsmith.training.trainer import _thin, train

CPU = torch.device("cpu")


@pytest.mark.parametrize("optimizer", list(OptimizerName))
@pytest.mark.parametrize("unit", list(Unit))
def test_a_network_learns_and_says_how_it_goes(tmp_path: Path, optimizer: OptimizerName, unit: Unit) -> None:
    run = make_run(tmp_path, options=make_options(optimizer=optimizer, unit=unit, steps=24, sample_every_steps=12))
    news = list(train(run, device=CPU))
    assert isinstance(news[0], TrainingStarted)
    assert news[0].total_steps == 24
    steps = [event for event in news if isinstance(event, StepFinished)]
    assert [event.step for event in steps] == list(range(1, 25))
    evaluated = [event for event in news if isinstance(event, Evaluated)]
    assert evaluated[0].step == 0
    assert evaluated[-2].bits_per_byte < 0.9 * evaluated[0].bits_per_byte
    assert sum(isinstance(event, SampleWritten) for event in news) == 2
    assert [event.step for event in news if isinstance(event, CheckpointSaved)] == [4, 8, 12, 16, 20, 24]
    done = news[-1]
    assert isinstance(done, TrainingFinished)
    assert not done.interrupted
    assert done.metrics["validation_bits_per_byte"] == pytest.approx(
        min(event.bits_per_byte for event in evaluated), abs=1e-3
    )


@pytest.mark.parametrize("architecture", ["gpt2", "llama", "qwen2", "qwen3"])
def test_what_comes_out_is_a_model_that_songsmith_and_transformers_load_alike(paths: Paths, architecture: str) -> None:
    import transformers

    run = make_run(paths.data, architecture=architecture)
    list(train(run, device=CPU))
    ours = ModelStore(paths).load("invented", device="cpu", threads=1, exact=True)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(run.model_folder, dtype=torch.float32)
    splitter = transformers.AutoTokenizer.from_pretrained(run.model_folder)
    text = "River moon along the harbour"
    ids = ours.tokenizer.encode(text)
    assert splitter(text)["input_ids"] == ids
    with torch.no_grad():
        expected = theirs(torch.tensor([ids])).logits[0].numpy()
    assert ours.backend.forward_full(ids) == pytest.approx(expected, abs=1e-4)  # type: ignore[attr-defined]
    manifest = Manifest.load(run.model_folder)
    assert manifest.format is MarkupFormat.MARKUP
    assert manifest.weights_sha256
    assert manifest.metrics["validation_bits_per_byte"] > 0
    assert manifest.options == json.loads(json.dumps(run.options.as_json()))


@pytest.mark.parametrize(
    ("architecture", "length"), [("gpt2", {"steps": 14}), ("gpt2", {"epochs": 1.5}), ("qwen3", {"steps": 14})], ids=str
)
def test_stopped_and_resumed_it_ends_as_if_it_had_not_been(
    tmp_path: Path, architecture: str, length: dict[str, float]
) -> None:
    options = make_options(dropout=0.1, evaluate_every_steps=3, sample_every_steps=2, micro_batch_size=6, **length)
    whole, broken = (
        make_run(tmp_path / name, options=options, architecture=architecture) for name in ("whole", "broken")
    )
    expected = train_on(whole)
    stopped = train_on(broken, stop_after=2)
    assert isinstance(stopped.events[-1], TrainingFinished)
    assert stopped.events[-1].interrupted
    again = train_on(broken, resume=True, stop_after=7)
    assert isinstance(again.events[0], TrainingStarted)
    assert again.events[0].step == 2
    found = train_on(broken, resume=True)
    done = found.events[-1]
    assert isinstance(done, TrainingFinished)
    assert not done.interrupted
    assert same(expected.tensors, found.tensors)
    weights = [load_file(run.model_folder / "model.safetensors") for run in (whole, broken)]
    assert same(*weights)


def test_abandoned_between_two_checkpoints_it_goes_on_from_the_first(tmp_path: Path) -> None:
    whole, broken = (make_run(tmp_path / name) for name in ("whole", "broken"))
    for event in (training := train(broken, device=CPU)):
        if isinstance(event, StepFinished) and event.step == 7:
            training.close()  # type: ignore[attr-defined]
    resumed = train_on(broken, resume=True)
    assert isinstance(resumed.events[0], TrainingStarted)
    assert resumed.events[0].step == 4
    assert same(train_on(whole).tensors, resumed.tensors)


def test_without_resume_a_run_begins_anew(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    train_on(run, stop_after=5)
    again = train_on(run)
    assert isinstance(again.events[0], TrainingStarted)
    assert again.events[0].step == 0
    assert sum(isinstance(event, StepFinished) for event in again.events) == 12


def test_a_finished_run_leaves_its_model_and_nothing_else(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    train_on(run)
    assert not run.folder.exists()
    assert (run.model_folder / "model.safetensors").exists()


def test_two_do_not_train_the_same_run_at_once(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    training = train(run, device=CPU)
    next(training)
    with pytest.raises(TrainingError, match="trained by another"):
        next(train(run, device=CPU))
    training.close()  # type: ignore[attr-defined]
    train_on(run)


def test_too_little_memory_says_what_to_do(tmp_path: Path) -> None:
    run = make_run(tmp_path, options=make_options(micro_batch_size=2**16, block_size_tokens=32, gradient_accumulation_steps=2**16))
    with pytest.raises(TrainingError, match=r"n't enough memory.*--micro-batch-size"):
        train_on(run)


def test_the_loss_of_a_long_run_is_spaced_evenly() -> None:
    losses: tuple[tuple[int, float], ...] = ()
    for step in range(1, 9001):
        losses = _thin((*losses, (step, 0.0)))
    gaps = {after[0] - before[0] for before, after in pairwise(losses)}
    assert len(gaps) == 1
    assert (losses[0][0], len(losses) > 1000) == (1, True)
    assert losses[-1][0] > 8990


def test_other_songs_or_options_are_not_resumed(tmp_path: Path) -> None:
    train_on(make_run(tmp_path), stop_after=5)
    with pytest.raises(TrainingError, match="songs 30, not 31"):
        list(train(make_run(tmp_path, songs=31), device=CPU, resume=True))
    with pytest.raises(TrainingError, match=r"learning_rate 0\.003, not 0\.001"):
        list(train(make_run(tmp_path, options=make_options(learning_rate=1e-3)), device=CPU, resume=True))


def test_with_nothing_to_resume_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no checkpoint"):
        list(train(make_run(tmp_path), device=CPU, resume=True))
    assert not (tmp_path / "models").exists()


def test_less_than_one_block_of_songs_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    run = make_run(tmp_path, songs=2, options=make_options(block_size_tokens=4096))
    with pytest.raises(TrainingError, match=r"fewer than one block of 4096.*--block-size \d+"):
        list(train(run, device=CPU))
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize("at", [8, 9])
def test_a_loss_that_is_no_number_ends_training_and_what_was_good_stays(tmp_path: Path, at: int) -> None:
    run = make_run(tmp_path, options=make_options(steps=200, max_grad_norm=0))
    events = train(run, device=CPU)
    # One step before an evaluation, and one behind it.
    assert next(event for event in events if isinstance(event, StepFinished) and event.step == at - 1)
    # What an overflow leaves behind, in the run's own weights.
    trainer = events.gi_yieldfrom.gi_frame.f_locals["self"]  # type: ignore[attr-defined]
    with torch.no_grad():
        trainer._network.network.final_norm.weight.fill_(math.inf)
    with pytest.raises(TrainingError, match=f"no longer a number at step {at}; the best model so far was kept"):
        list(events)
    found = load_checkpoint(run.folder, {**run.identity, "device": "cpu"})
    assert found is not None
    assert all(tensor.isfinite().all() for name, tensor in found[1].items() if name.startswith("weight/"))
    assert all(tensor.isfinite().all() for tensor in load_file(run.model_folder / "model.safetensors").values())


def test_time_can_decide_how_long(tmp_path: Path) -> None:
    run = make_run(tmp_path, options=make_options(minutes=0.02, evaluate_every_steps=1000))
    news = list(train(run, device=CPU))
    steps = [event for event in news if isinstance(event, StepFinished)]
    assert steps[-1].progress == 1
    assert steps[-2].progress < 1
    assert steps[-1].lr_scale < 1


def test_passes_before_a_step_are_as_good_as_one_larger_pass(tmp_path: Path) -> None:
    large = make_run(tmp_path / "large", options=make_options(micro_batch_size=4, steps=4))
    small = make_run(tmp_path / "small", options=make_options(micro_batch_size=2, gradient_accumulation_steps=2, steps=4))
    left, right = train_on(large).tensors, train_on(small).tensors
    assert all(torch.allclose(left[name], right[name], atol=2e-3) for name in left if name.startswith("weight/"))


@pytest.mark.gpu
def test_a_gpu_trains_in_bfloat16(tmp_path: Path) -> None:
    from songsmith.training.options import Precision

    run = make_run(tmp_path, options=make_options(precision=Precision.AUTO, steps=24))
    news = list(train(run, device=torch.device("cuda")))
    started, evaluated = news[0], [event for event in news if isinstance(event, Evaluated)]
    assert isinstance(started, TrainingStarted)
    assert (started.device.partition(":")[0], started.precision) == ("cuda", "bfloat16")
    assert evaluated[-1].bits_per_byte < 0.9 * evaluated[0].bits_per_byte


@pytest.mark.parametrize("name", ["smollm2", "qwen3"])
def test_a_model_of_another_architecture_learns_from_a_corpus_stopped_or_not(paths: Paths, name: str) -> None:
    from transformers import AutoModelForCausalLM

    kind, values = CONFIGS[name]
    outputs = 300
    (paths.models / "base").mkdir(parents=True)
    write_random_model(paths.models / "base", read_spec(values | {"model_type": kind, "vocab_size": outputs}))
    songs = [CleanRecord(id=song.id, title=song.song.title, text=render(song.song)) for song in make_songs(12)]
    replace_clean(CorpusStore(paths).create("songs"), songs)
    studio = Studio(paths, Settings(device="cpu"))

    def prepare(tuned: str) -> TrainingRun:
        request = TrainingRequest(songs=SongChoice(corpus="songs"), options=make_options(), name=tuned, resume=True)
        return prepare_finetuning(studio, request, base="base")

    whole, broken = prepare("whole"), prepare("broken")
    assert whole.spec.vocabulary_size > outputs  # marks have to be learned
    train_on(whole)
    train_on(broken, stop_after=7)
    train_on(prepare("broken"), resume=True)
    assert same(*(load_file(run.model_folder / "model.safetensors") for run in (whole, broken)))
    ours = ModelStore(paths).load("whole", device="cpu", threads=1, exact=True)
    ids = ours.tokenizer.encode("River moon along the harbour")
    with torch.no_grad():
        tuned = AutoModelForCausalLM.from_pretrained(whole.model_folder, dtype=torch.float32)
        expected = tuned(torch.tensor([ids])).logits[0].numpy()
    assert ours.backend.forward_full(ids) == pytest.approx(expected, abs=1e-3)  # type: ignore[attr-defined]
    base = ModelStore(paths).load("base", device="cpu", threads=1, exact=True).backend.forward_full(ids)
    assert abs(base - expected[:, :outputs]).max() > 0.05  # it did learn
