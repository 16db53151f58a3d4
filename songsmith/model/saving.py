"""Write a model directory: what transformers loads with from_pretrained, and the manifest beside it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from songsmith.errors import storing
from songsmith.files import replacing_folder
from songsmith.model.architectures import write_config
from songsmith.model.architectures.spec import NetworkSpec
from songsmith.model.hashes import hash_file
from songsmith.model.manifest import Manifest
from songsmith.model.tokenizer import Tokenizer
from songsmith.model.weights import WEIGHTS

if TYPE_CHECKING:
    from torch import Tensor


def save_model(
    folder: Path, spec: NetworkSpec, weights: Mapping[str, "Tensor"], tokenizer: Tokenizer, manifest: Manifest
) -> None:
    """Write a model directory whole or not at all; one that is there already is replaced.

    Weights are stored as float16: half the disk, and the network computes in float32 or bfloat16 as before.

    Args:
        folder: where it will be; its parent is made if it is not there.
        spec: of the network.
        weights: by the names `spec.weight_shapes()` gives.
        tokenizer: its own.
        manifest: the hash of the weights is filled in.

    Raises:
        StorageError: the disk is full, or the folder cannot be written.
    """
    new, old = (folder.parent / f".{folder.name}.{part}" for part in ("new", "old"))
    with storing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with replacing_folder(folder, temporary=new, old=old):
            _fill(new, spec, weights, tokenizer, manifest)


def _fill(
    folder: Path, spec: NetworkSpec, weights: Mapping[str, "Tensor"], tokenizer: Tokenizer, manifest: Manifest
) -> None:
    """Write all files of a model directory."""
    import torch
    from safetensors.torch import save

    halves = {
        spec.names.saved(name): weight.detach().to("cpu", torch.float16).contiguous()
        for name, weight in weights.items()
    }
    # Not save_file, which hides the disk's own errors and makes a file that only its owner can read.
    (folder / WEIGHTS).write_bytes(save(halves, metadata={"format": "pt"}))
    _write_json(folder / "config.json", _config_json(spec, tokenizer))
    _write_json(folder / "generation_config.json", {"bos_token_id": tokenizer.end, "eos_token_id": tokenizer.end})
    tokenizer.save(folder)
    replace(manifest, weights_sha256=hash_file(folder / WEIGHTS)).save(folder)


def _write_json(path: Path, values: Mapping[str, object]) -> None:
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def _config_json(spec: NetworkSpec, tokenizer: Tokenizer) -> dict[str, object]:
    end = tokenizer.end
    return {**write_config(spec), "dtype": "float16", "bos_token_id": end, "eos_token_id": end}
