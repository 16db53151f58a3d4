"""Training learns, ends where it is asked to, goes on where it ended, and leaves a model that others can load."""

import json
import math
from pathlib import Path

import pytest
import torch
from runs import make_options, make_run
from safetensors.torch import load_file

from songsmith.errors import TrainingError
from songsmith.markup import MarkupFormat
from songsmith.model.manifest import Manifest
from songsmith.model.store import ModelStore
from songsmith.paths import Paths
from songsmith.training.checkpoint import load_checkpoint
from songsmith.training.events import (
    CheckpointSaved,
    Evaluated,
    SampleWritten,
    StepFinished,
    TrainingEvent,
    TrainingFinished,
    TrainingStarted,
)
from songsmith.training.options import OptimizerName, Unit
from songsmith.training.trainer import TrainingRun, train

CPU = torch.device("cpu")


def kept(run: TrainingRun) -> dict[str, torch.Tensor]:
    """Return every tensor of a run's last checkpoint."""
    found = load_checkpoint(run.folder, run.identity)
    assert found is not None
    return found[1]


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize("optimizer", list(OptimizerName))
@pytest.mark.parametrize("unit", list(Unit))
def test_a_network_learns_and_says_how_it_goes(tmp_path: Path, optimizer: OptimizerName, unit: Unit) -> None:
    run = make_run(tmp_path, options=make_options(optimizer=optimizer, unit=unit, steps=24, sample_every_steps=12))
    news = list(train(run, device=CPU))
    assert isinstance(news[0], TrainingStarted)
    assert news[0].total_steps == 24
    steps = [event for event in news if isinstance(event, StepFinished)]
    assert [event.step for event in steps] == list(range(1, 25))
    judged = [event for event in news if isinstance(event, Evaluated)]
    assert judged[0].step == 0
    assert judged[-2].bits_per_byte < 0.9 * judged[0].bits_per_byte
    assert sum(isinstance(event, SampleWritten) for event in news) == 2
    assert [event.step for event in news if isinstance(event, CheckpointSaved)] == [4, 8, 12, 16, 20, 24]
    done = news[-1]
    assert isinstance(done, TrainingFinished)
    assert not done.interrupted
    assert done.metrics["validation_bits_per_byte"] == pytest.approx(
        min(event.bits_per_byte for event in judged), abs=1e-3
    )


def test_what_comes_out_is_a_model_that_songsmith_and_transformers_load_alike(paths: Paths) -> None:
    import transformers

    run = make_run(paths.data)
    list(train(run, device=CPU))
    ours = ModelStore(paths).load("invented", device="cpu", threads=1)
    theirs = transformers.GPT2LMHeadModel.from_pretrained(run.model_folder, dtype=torch.float32)
    splitter = transformers.AutoTokenizer.from_pretrained(run.model_folder)
    text = "River moon along the harbour"
    ids = ours.tokenizer.encode(text)
    assert splitter(text)["input_ids"] == ids
    with torch.no_grad():
        expected = theirs(torch.tensor([ids])).logits[0].numpy()
    assert ours.backend.score(ids) == pytest.approx(expected, abs=1e-4)  # type: ignore[attr-defined]
    manifest = Manifest.load(run.model_folder)
    assert manifest.format is MarkupFormat.MARKUP
    assert manifest.weights_sha256
    assert manifest.metrics["validation_bits_per_byte"] > 0
    assert manifest.options == json.loads(json.dumps(run.options.as_json()))


def test_stopped_and_resumed_it_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    options = make_options(dropout=0.1, steps=14)
    whole, broken = (make_run(tmp_path / name, options=options) for name in ("whole", "broken"))
    list(train(whole, device=CPU))
    for stop_after in (3, 9, 99):
        made = 0

        def enough() -> bool:
            return made >= stop_after  # noqa: B023  (called within the loop's turn)

        events: list[TrainingEvent] = []
        for event in train(broken, device=CPU, resume=stop_after > 3, stopping=enough):
            events.append(event)
            made = event.step if isinstance(event, StepFinished) else made
        done = events[-1]
        assert isinstance(done, TrainingFinished)
        assert done.interrupted == (stop_after < 14)
    assert same(kept(whole), kept(broken))
    weights = [load_file(run.model_folder / "model.safetensors") for run in (whole, broken)]
    assert same(*weights)


def test_abandoned_between_two_checkpoints_it_goes_on_from_the_first(tmp_path: Path) -> None:
    whole, broken = (make_run(tmp_path / name) for name in ("whole", "broken"))
    list(train(whole, device=CPU))
    for event in (training := train(broken, device=CPU)):
        if isinstance(event, StepFinished) and event.step == 7:
            training.close()  # type: ignore[attr-defined]
    resumed = list(train(broken, device=CPU, resume=True))
    assert isinstance(resumed[0], TrainingStarted)
    assert resumed[0].step == 4
    assert same(kept(whole), kept(broken))


def test_without_resume_a_run_begins_anew(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    list(train(run, device=CPU))
    first = kept(run)
    list(train(run, device=CPU))
    assert same(first, kept(run))


def test_other_songs_or_options_are_not_resumed(tmp_path: Path) -> None:
    list(train(make_run(tmp_path), device=CPU))
    with pytest.raises(TrainingError, match="songs 30, not songs 31"):
        list(train(make_run(tmp_path, songs=31), device=CPU, resume=True))
    with pytest.raises(TrainingError, match=r"learning_rate 0\.003, not learning_rate 0\.001"):
        list(train(make_run(tmp_path, options=make_options(learning_rate=1e-3)), device=CPU, resume=True))


def test_with_nothing_to_resume_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no checkpoint"):
        list(train(make_run(tmp_path), device=CPU, resume=True))
    assert not (tmp_path / "models").exists()


def test_less_than_one_block_of_songs_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    run = make_run(tmp_path, songs=2, options=make_options(block_tokens=4096))
    with pytest.raises(TrainingError, match=r"less than one block of 4096.*--block-tokens \d+"):
        list(train(run, device=CPU))
    assert not (tmp_path / "models").exists()


def test_a_loss_that_is_no_number_ends_training_and_what_was_good_stays(tmp_path: Path) -> None:
    run = make_run(tmp_path, options=make_options(steps=200, clip_norm=0))
    events = train(run, device=CPU)
    assert next(event for event in events if isinstance(event, CheckpointSaved) and event.step == 8)
    # What an overflow leaves behind, in the run's own weights.
    trainer = events.gi_frame.f_locals["self"]  # type: ignore[attr-defined]
    with torch.no_grad():
        trainer._network.ln_f.weight.fill_(math.inf)
    with pytest.raises(TrainingError, match="no longer a number at step 9"):
        list(events)
    tensors = kept(run)
    assert all(tensor.isfinite().all() for name, tensor in tensors.items() if name.startswith("weight/"))
    assert all(tensor.isfinite().all() for tensor in load_file(run.model_folder / "model.safetensors").values())


def test_time_can_decide_how_long(tmp_path: Path) -> None:
    run = make_run(tmp_path, options=make_options(minutes=0.02, evaluate_every_steps=1000))
    news = list(train(run, device=CPU))
    steps = [event for event in news if isinstance(event, StepFinished)]
    assert steps[-1].progress == 1
    assert steps[-2].progress < 1
    assert steps[-1].learning_rate_share < 0.5


def test_passes_before_a_step_are_as_good_as_one_larger_pass(tmp_path: Path) -> None:
    large = make_run(tmp_path / "large", options=make_options(batch_blocks=4, steps=4))
    small = make_run(tmp_path / "small", options=make_options(batch_blocks=2, accumulation=2, steps=4))
    for run in (large, small):
        list(train(run, device=CPU))
    left, right = kept(large), kept(small)
    assert all(torch.allclose(left[name], right[name], atol=2e-3) for name in left if name.startswith("weight/"))


@pytest.mark.gpu
def test_a_gpu_trains_in_bfloat16(tmp_path: Path) -> None:
    from songsmith.training.options import Precision

    run = make_run(tmp_path, options=make_options(precision=Precision.AUTO, steps=24))
    news = list(train(run, device=torch.device("cuda")))
    started, judged = news[0], [event for event in news if isinstance(event, Evaluated)]
    assert isinstance(started, TrainingStarted)
    assert (started.device, started.precision) == ("cuda:0", "bfloat16")
    assert judged[-1].bits_per_byte < 0.9 * judged[0].bits_per_byte
