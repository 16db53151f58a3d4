"""The state a training run resumes from: safetensors and JSON, never a pickle.

A run's folder holds `checkpoint-N/` (the last one; an older one only until the new one is complete) and
`best.safetensors`. Everything is written under a temporary name and renamed once it is on the disk: whenever the process
is killed, one complete checkpoint remains.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from songsmith.errors import TrainingError, storing
from songsmith.files import replacing_folder, write_whole

_PREFIX = "checkpoint-"
_BEST = "best.safetensors"
_INPUTS = {
    "data": "other songs", "tokenizer": "another tokenizer", "base": "another base model", "shape": "another network",
}  # fmt: skip
"""Entries of the identity that are hashes, in words."""


@dataclass(frozen=True, kw_only=True)
class TrainingState:
    """The position and history of a run; its tensors are stored apart."""

    identity: Mapping[str, Any]
    """Options and hashes of songs, tokenizer and base model. A checkpoint with another identity is refused."""
    step: int = 0
    epoch: int = 0
    next_block: int = 0
    """First block of the epoch that was not used yet."""
    tokens: int = 0
    """Predicted tokens so far."""
    elapsed_s: float = 0.0
    precision: str = ""
    best_step: int = 0
    best_bits_per_byte: float = float("inf")
    losses: tuple[tuple[int, float], ...] = ()
    """Training loss: step and nats per token, thinned as the run grows."""
    evaluations: tuple[tuple[int, float, float], ...] = ()
    """Validation loss: step, nats per token, bits per byte."""


def save_checkpoint(folder: Path, state: TrainingState, tensors: Mapping[str, Tensor]) -> Path:
    """Write a checkpoint and delete older ones. Returns its folder.

    Args:
        folder: of the run; created if missing.
        state: position and history of the run.
        tensors: weights, optimiser state and states of random generators, by unique names.

    Raises:
        StorageError: the folder cannot be written; the previous checkpoint is intact.
    """
    path = folder / f"{_PREFIX}{state.step}"
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with replacing_folder(path, temporary=folder / f".{path.name}.tmp") as new:
            (new / "tensors.safetensors").write_bytes(_encode(tensors))
            (new / "state.json").write_text(json.dumps(asdict(state), ensure_ascii=False), encoding="utf-8")
        for other in folder.iterdir():
            if other.name.startswith((_PREFIX, f".{_PREFIX}")) and other != path:
                shutil.rmtree(other, ignore_errors=True)
    return path


def load_checkpoint(folder: Path, identity: Mapping[str, Any]) -> tuple[TrainingState, dict[str, Tensor]] | None:
    """Return state and tensors of a run's last checkpoint, or None where there is none.

    Raises:
        TrainingError: it is damaged, or belongs to a run with other songs or options.
    """
    found = sorted(
        (int(path.name.removeprefix(_PREFIX)), path)
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.name.removeprefix(_PREFIX).isdecimal() and (path / "state.json").exists()
    )
    if not found:
        return None
    path = found[-1][1]
    try:
        values = json.loads((path / "state.json").read_text(encoding="utf-8"))
        state = TrainingState(**values)
        state = replace(
            state,
            losses=tuple((step, nats) for step, nats in state.losses),
            evaluations=tuple((step, nats, bits) for step, nats, bits in state.evaluations),
        )
        tensors = load_file(path / "tensors.safetensors")
    except Exception as error:  # safetensors raises its own and OSErrors alike
        raise TrainingError(
            f"The checkpoint {path} can't be read: {error}.", f"Choose another --name, or remove {folder}."
        ) from error
    asked = json.loads(json.dumps(identity))
    other = sorted(key for key in asked.keys() | state.identity.keys() if asked.get(key) != state.identity.get(key))
    if other:
        was = [_INPUTS.get(key) or f"{key} {state.identity.get(key)}, not {asked.get(key)}" for key in other]
        raise TrainingError(
            f"The checkpoint is from a different run, started with {'; '.join(was)}.",
            f"Resume with the same songs and options, choose another --name, or remove {folder}.",
        )
    return state, tensors


def save_best(folder: Path, weights: Mapping[str, Tensor]) -> None:
    """Save the weights of the best evaluation so far.

    Raises:
        StorageError: the folder cannot be written; the previous best weights are intact.
    """
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / _BEST, _encode(weights), temporary=folder / f".{_BEST}.tmp")


def load_best(folder: Path) -> dict[str, Tensor] | None:
    """Return the weights of the best evaluation, or None before the first.

    Raises:
        TrainingError: their file is damaged.
    """
    path = folder / _BEST
    try:
        return load_file(path) if path.exists() else None
    except Exception as error:  # safetensors raises its own and OSErrors alike
        raise TrainingError(f"{path} can't be read: {error}.", f"Choose another --name, or remove {folder}.") from error


def delete_run(folder: Path) -> None:
    """Delete a run's checkpoints and best weights: before it starts again, and after its model is written.

    Raises:
        StorageError: they cannot be deleted.
    """
    with storing(folder):
        if folder.is_dir():
            shutil.rmtree(folder)


def _encode(tensors: Mapping[str, Tensor]) -> bytes:
    # Not save_file, which hides the OSError of a full disk.
    content: bytes = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
    return content


def optimizer_tensors(
    optimizers: Mapping[str, torch.optim.Optimizer], names: Mapping[nn.Parameter, str]
) -> dict[str, Tensor]:
    """Return the state of optimisers as tensors named `optimizer/KIND/PARAMETER/KEY`."""
    return {
        f"optimizer/{kind}/{names[cast(nn.Parameter, weight)]}/{key}": value
        for kind, optimizer in optimizers.items()
        for weight, state in optimizer.state.items()
        for key, value in state.items()
    }


def restore_optimizers(
    optimizers: Mapping[str, torch.optim.Optimizer], names: Mapping[nn.Parameter, str], tensors: Mapping[str, Tensor]
) -> None:
    """Restore the state of optimisers from what `optimizer_tensors` returned."""
    weights = {name: weight for weight, name in names.items()}
    for path, value in tensors.items():
        if path.startswith("optimizer/"):
            _, kind, name, key = path.split("/")
            weight = weights[name]
            # Step counts, too: fused AdamW keeps them on the device.
            optimizers[kind].state[weight][key] = value.to(weight.device)
