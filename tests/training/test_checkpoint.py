"""A checkpoint is whole or not there, and fits one run only."""

from pathlib import Path

import pytest
import torch

from songsmith.errors import StorageError, TrainingError
from songsmith.training import checkpoint
from songsmith.training.checkpoint import TrainingState

STATE = TrainingState(
    identity={"data": "abc", "steps": 10},
    step=7,
    epoch=1,
    next_block=12,
    tokens=900,
    elapsed_s=1.5,
    precision="float32",
    best_step=4,
    best_bits_per_byte=2.5,
    losses=((1, 5.0), (2, 4.5)),
    evaluations=((0, 6.0, 4.0), (4, 4.0, 2.5)),
)
TENSORS = {"weight/wte.weight": torch.arange(6.0).view(2, 3), "random/cpu": torch.get_rng_state()}


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    checkpoint.save_checkpoint(tmp_path / "run", STATE, TENSORS)
    found = checkpoint.load_checkpoint(tmp_path / "run", STATE.identity)
    assert found is not None
    state, tensors = found
    assert state == STATE
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in tensors)


def test_the_last_checkpoint_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    checkpoint.save_checkpoint(tmp_path, STATE, TENSORS)
    (tmp_path / ".checkpoint-9.tmp").mkdir()  # killed while it was written
    last = checkpoint.save_checkpoint(tmp_path, TrainingState(identity=STATE.identity, step=10), TENSORS)
    assert list(tmp_path.iterdir()) == [last]


def test_a_checkpoint_that_was_not_finished_is_not_there(tmp_path: Path) -> None:
    checkpoint.save_checkpoint(tmp_path, STATE, TENSORS)
    (tmp_path / ".checkpoint-10.tmp").mkdir()
    (tmp_path / ".checkpoint-10.tmp" / "tensors.safetensors").write_bytes(b"half")
    found = checkpoint.load_checkpoint(tmp_path, STATE.identity)
    assert found is not None
    assert found[0].step == 7


def test_another_runs_checkpoint_is_refused_and_the_difference_named(tmp_path: Path) -> None:
    checkpoint.save_checkpoint(tmp_path, STATE, TENSORS)
    with pytest.raises(TrainingError, match=r"started with steps 10, not 20.*another --name"):
        checkpoint.load_checkpoint(tmp_path, {"data": "abc", "steps": 20})


def test_a_damaged_checkpoint_says_so(tmp_path: Path) -> None:
    path = checkpoint.save_checkpoint(tmp_path, STATE, TENSORS)
    (path / "tensors.safetensors").write_bytes(b"no tensors")
    with pytest.raises(TrainingError, match="can't be read"):
        checkpoint.load_checkpoint(tmp_path, STATE.identity)


def test_where_nothing_was_kept_there_is_nothing(tmp_path: Path) -> None:
    assert checkpoint.load_checkpoint(tmp_path / "none", {}) is None
    assert checkpoint.load_best(tmp_path / "none") is None


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        checkpoint.save_checkpoint(tmp_path / "file" / "run", STATE, TENSORS)

