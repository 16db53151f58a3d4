"""Checkpoints of Llama's kin, and of GPT-2 with a head of its own, in the shapes people have them: each is the same network."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fakes import STARTER_OUTPUTS
from safetensors.torch import load_file, save_file
from test_checkpoint_shapes import add_pad_token, convert, edit, part_tokenizer, rename, split
from tiny_models import their_logits, write_tiny_model

from songsmith.generation.engine import Engine
from songsmith.generation.events import TokenChunk
from songsmith.generation.options import GenerationOptions
from songsmith.lyrics import Song
from songsmith.markup import Prompt
from songsmith.model.registry import ModelStore
from songsmith.paths import Paths

TOKENS = [5, 300, 17, 4000, 99, 1, 2, 17, 17, 1000]
SAME = 1e-3
Maker = Callable[[Path], Path]

MAKERS: dict[str, Maker] = {
    "llama": partial(write_tiny_model, kind="llama"),
    "llama, tied": partial(write_tiny_model, kind="llama", tie_word_embeddings=True),
    "qwen2": partial(write_tiny_model, kind="qwen2"),
    "gpt2, untied": partial(write_tiny_model, kind="gpt2", tie_word_embeddings=False),
}
ALIKE: dict[str, Callable[[Path], object]] = {
    "sharded": split,
    "bare names": lambda f: rename(f, lambda name: name.removeprefix("model.").removeprefix("transformer.")),
    "a prefix before all": lambda f: rename(f, lambda name: f"model.{name}"),
    "of data-parallel training, compiled": lambda f: rename(f, lambda name: f"module._orig_mod.{name}"),
    "a pad token without a row": add_pad_token,
    "no decoder": lambda f: edit(f / "tokenizer.json", decoder=None),
    "two tokenizer files": part_tokenizer,
    "a token that needs no weight": lambda f: save_file(
        load_file(f / "model.safetensors") | {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4)},
        f / "model.safetensors",
    ),
}

pytestmark = pytest.mark.usefixtures("one_torch_thread")


def write(store: ModelStore, name: str) -> list[TokenChunk]:
    model = store.load(name, device="cpu", threads=1)
    assert model.notice == ""
    options = GenerationOptions(seed=1, max_new_tokens=16, min_lines=0, max_lines=0)
    return list(Engine(model).stream(Prompt(song=Song("The Mill")), [options]))


def score(store: ModelStore, name: str) -> "np.ndarray[Any, Any]":
    return store.load(name, device="cpu", threads=1, exact=True).backend.forward_full(TOKENS)


@pytest.mark.parametrize("make", MAKERS)
def test_a_saved_model_is_what_transformers_makes_of_it_and_writes(paths: Paths, make: str) -> None:
    folder = MAKERS[make](paths.models / "plain")
    store = ModelStore(paths)
    assert np.abs(score(store, "plain") - their_logits(folder, TOKENS)).max() < SAME
    assert "".join(chunk.text for chunk in write(store, "plain"))


@pytest.mark.parametrize("kind", ALIKE)
@pytest.mark.parametrize("make", ["llama", "gpt2, untied"])
def test_the_same_network_in_another_shape_is_the_same_network(paths: Paths, make: str, kind: str) -> None:
    MAKERS[make](paths.models / "plain")
    ALIKE[kind](MAKERS[make](paths.models / "other"))
    store = ModelStore(paths)
    assert (score(store, "other") == score(store, "plain")).all()
    assert [chunk.token for chunk in write(store, "other")] == [chunk.token for chunk in write(store, "plain")]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("make", ["llama, tied", "gpt2, untied"])
def test_numbers_of_half_the_size_are_read_for_what_they_are(paths: Paths, make: str, dtype: torch.dtype) -> None:
    convert(MAKERS[make](paths.models / "other"), dtype)
    rounded = MAKERS[make](paths.models / "rounded")
    convert(rounded, dtype)
    convert(rounded, torch.float32)
    store = ModelStore(paths)
    assert (score(store, "other") == score(store, "rounded")).all()
    assert [chunk.token for chunk in write(store, "other")] == [chunk.token for chunk in write(store, "rounded")]


@pytest.mark.parametrize("kind", ["llama", "gpt2", "opt"])
def test_rows_that_the_tokenizer_has_no_entries_for_are_never_drawn(paths: Paths, kind: str) -> None:
    folder = write_tiny_model(paths.models / "padded", kind, vocab_size=STARTER_OUTPUTS + 64, tie_word_embeddings=False)
    weights = load_file(folder / "model.safetensors")
    weights["lm_head.weight"][STARTER_OUTPUTS:] *= 100  # about half of them would beat all others at every step
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    store = ModelStore(paths)
    assert score(store, "padded").argmax(axis=1).min() >= STARTER_OUTPUTS
    tokens = [
        chunk.token
        for chunk in Engine(store.load("padded", device="cpu", threads=1)).stream(
            Prompt(song=Song("The Mill")), [GenerationOptions(seed=seed, max_new_tokens=16, min_lines=0) for seed in range(3)]
        )
    ]
    assert len(tokens) > 16
    assert max(tokens) < STARTER_OUTPUTS


def test_both_files_of_a_model_name_its_ends(paths: Paths) -> None:
    folder = write_tiny_model(paths.models / "mine", "llama", eos_token_id=7)
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [9, 10**6, 11]}), encoding="utf-8")
    assert ModelStore(paths).read("mine").end_ids == {7, 9, 11}
    other = write_tiny_model(paths.models / "other", "gpt_neox", eos_token_id=[5, 6])
    (other / "generation_config.json").write_text(json.dumps({"eos_token_id": 9}), encoding="utf-8")
    assert ModelStore(paths).read("other").end_ids == {5, 6, 9}
