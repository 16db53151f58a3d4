"""Checkpoints in the shapes people have them: each writes, is measured and trained as the plain one, or is told why not."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fakes import STARTER_OUTPUTS, write_random_model
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from songsmith.cli.app import app
from songsmith.errors import ModelError
from songsmith.generation.engine import Engine
from songsmith.generation.options import GenerationOptions
from songsmith.lyrics import Song
from songsmith.markup import Prompt
from songsmith.model.networks.onnx_network import OnnxNetwork
from songsmith.model.registry import ModelStore
from songsmith.paths import Paths
from songsmith.training.network import TrainableNetwork

TOKENS = [5, 300, 17, 4000, 99]


def edit(path: Path, **changes: Any) -> None:
    values = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps({key: value for key, value in values.items() if value is not ...}), encoding="utf-8")


def rename(folder: Path, name: Callable[[str], str]) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file({name(old): weight for old, weight in weights.items()}, folder / "model.safetensors")


def convert(folder: Path, dtype: torch.dtype) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file({name: weight.to(dtype) for name, weight in weights.items()}, folder / "model.safetensors")


def split(folder: Path) -> None:
    """Part the weights as transformers' max_shard_size does."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    files = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    place = {name: files[number % 2] for number, name in enumerate(weights)}
    for file in files:
        part = {name: weight for name, weight in weights.items() if place[name] == file}
        save_file(part, folder / file, metadata={"format": "pt"})
    index = {"metadata": {"total_size": 0}, "weight_map": place}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")


def add_pad_token(folder: Path) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    pad = {**tokenizer["added_tokens"][-1], "id": STARTER_OUTPUTS, "content": "[PAD]", "special": True}
    edit(folder / "tokenizer.json", added_tokens=[*tokenizer["added_tokens"], pad])


def part_tokenizer(folder: Path) -> None:
    model = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text(json.dumps(model["vocab"]), encoding="utf-8")
    merges = "".join(f"{' '.join(pair)}\n" for pair in model["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}", encoding="utf-8")


ALIKE: dict[str, Callable[[Path], object]] = {
    "sharded": split,
    "bare names": lambda f: rename(f, lambda name: name.removeprefix("transformer.")),
    "of data-parallel training": lambda f: rename(f, lambda name: f"module.{name}"),
    "compiled": lambda f: rename(f, lambda name: f"_orig_mod.{name}"),
    "both": lambda f: rename(f, lambda name: f"module._orig_mod.{name}"),
    "a pad token without a row": add_pad_token,
    "gelu_fast": lambda f: edit(f / "config.json", activation_function="gelu_fast"),
    "gelu_pytorch_tanh": lambda f: edit(f / "config.json", activation_function="gelu_pytorch_tanh"),
    "n_inner spelt out": lambda f: edit(f / "config.json", n_inner=64),
    "no model_type": lambda f: edit(f / "config.json", model_type=...),
    "no decoder": lambda f: edit(f / "tokenizer.json", decoder=None),
    "a post-processor": lambda f: edit(f / "tokenizer.json", post_processor={"type": "ByteLevel", "trim_offsets": False}),
    "two tokenizer files": part_tokenizer,
    "a head beside": lambda f: rename(f, lambda name: name) or save_file(
        {**(w := load_file(f / "model.safetensors")), "lm_head.weight": w["transformer.wte.weight"].clone()},
        f / "model.safetensors",
    ),
}  # fmt: skip


def write(store: ModelStore, name: str) -> str:
    model = store.load(name, device="cpu", threads=1)
    assert isinstance(model.backend, OnnxNetwork)
    options = GenerationOptions(seed=1, max_new_tokens=24, min_lines=0)
    return "".join(chunk.text for chunk in Engine(model).stream(Prompt(song=Song("The Mill")), [options]))


def cost(store: ModelStore, name: str) -> float:
    """Return what a few tokens cost in the network that learns."""
    stored = store.read(name)
    row = torch.tensor([TOKENS])
    return float(TrainableNetwork(stored.spec, stored.tensors())(row[:, :-1], row[:, 1:]).sum().detach())


def score(store: ModelStore, name: str) -> "np.ndarray[Any, Any]":
    return store.load(name, device="cpu", threads=1, exact=True).backend.forward_full(TOKENS)


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory, one_torch_thread: None) -> "tuple[str, np.ndarray[Any, Any], float]":
    """Return what a network in the usual shape writes, how it scores a few tokens, and what they cost."""
    home = tmp_path_factory.mktemp("usual")
    store = ModelStore(Paths(data=home, config=home, state=home / "state"))
    write_random_model(home / "models" / "plain")
    return write(store, "plain"), score(store, "plain"), cost(store, "plain")


@pytest.mark.usefixtures("one_torch_thread")
@pytest.mark.parametrize("kind", ALIKE)
def test_the_same_network_in_another_shape_is_the_same_network(
    paths: Paths, usual: "tuple[str, np.ndarray[Any, Any], float]", kind: str
) -> None:
    store = ModelStore(paths)
    ALIKE[kind](write_random_model(paths.models / "other"))
    written, scores, nats = usual
    assert write(store, "other") == written
    assert (score(store, "other") == scores).all()
    assert cost(store, "other") == nats
    entries = {entry.name: entry for entry in store.entries()}
    assert (entries["other"].problem, entries["other"].bytes > 0) == ("", True)


@pytest.mark.usefixtures("one_torch_thread")
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_numbers_of_another_size_are_read_for_what_they_are(paths: Paths, dtype: torch.dtype) -> None:
    store = ModelStore(paths)
    convert(write_random_model(paths.models / "other"), dtype)
    rounded = write_random_model(paths.models / "rounded")
    convert(rounded, dtype)
    convert(rounded, torch.float32)
    assert write(store, "other") == write(store, "rounded")
    assert (score(store, "other") == score(store, "rounded")).all()
    assert cost(store, "other") == cost(store, "rounded")


@pytest.mark.usefixtures("one_torch_thread")
@pytest.mark.parametrize("inner", [24, 200])
def test_a_perceptron_of_another_width_is_what_transformers_makes_of_it(paths: Paths, inner: int) -> None:
    from transformers import GPT2LMHeadModel

    store = ModelStore(paths)
    folder = write_random_model(paths.models / "other", inner=inner)
    theirs = GPT2LMHeadModel.from_pretrained(folder)(torch.tensor([TOKENS])).logits[0].detach().numpy()
    assert np.abs(score(store, "other") - theirs).max() < 1e-5
    in_8_bits = store.load("other", device="cpu", threads=1).backend
    assert isinstance(in_8_bits, OnnxNetwork)
    assert np.abs(in_8_bits.forward_full(TOKENS) - theirs).max() < 0.05
    nats = -torch.log_softmax(torch.from_numpy(theirs), -1)[range(4), TOKENS[1:]].sum()
    assert cost(store, "other") == pytest.approx(float(nats), abs=1e-4)


@pytest.mark.usefixtures("one_torch_thread")
def test_a_checkpoint_in_the_worst_shape_writes_is_measured_and_goes_on_to_be_trained(paths: Paths, tmp_path: Path) -> None:
    folder = write_random_model(tmp_path / "worst", window=32)
    convert(folder, torch.bfloat16)
    rename(folder, lambda name: f"_orig_mod.{name}")
    split(folder)
    add_pad_token(folder)
    edit(folder / "config.json", activation_function="gelu_fast", model_type=...)
    edit(folder / "tokenizer.json", decoder=None)
    songs = tmp_path / "songs.jsonl"
    song = {"artist": "Burns", "text": "Should auld acquaintance be forgot\nAnd never brought to mind"}
    lines = (json.dumps(song | {"title": f"Song {number}", "text": f"{song['text']} {number}"}) for number in range(12))
    songs.write_text("\n".join(lines), encoding="utf-8")

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, (result.output, result.exception)
        return result.stdout

    run("gen", "Down by the river", "--model", str(folder), "--seed", "1", "--max-new-tokens", "5", "--quiet")
    run("import", str(songs))
    run("clean", "songs", "--keep-duplicates")
    run("finetune", "--base", str(folder), "--name", "taught", "--steps", "2", "--micro-batch-size", "1")
    assert json.loads(run("eval", "taught", "--corpus", str(songs), "--samples", "1", "--json"))["songs"] == 12
    assert "intact" in run("models", "verify", "taught")


def adapt(folder: Path, config: str) -> None:
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(config, encoding="utf-8")


def run_of_training(folder: Path) -> None:
    for number in ("9", "10"):
        write_random_model(folder / f"checkpoint-{number}")
    (folder / "model.safetensors").unlink()


def in_whole_numbers(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file({name: weight.to(torch.int8) for name, weight in weights.items()}, folder / "model.safetensors")


def lose_a_shard(folder: Path) -> None:
    split(folder)
    (folder / "model-00002-of-00002.safetensors").unlink()


def point_outside(folder: Path) -> None:
    split(folder)
    edit(folder / "model.safetensors.index.json", weight_map={"wte.weight": "../starter/model.safetensors"})


def rename_weights(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "model.safetensors").rename(folder / name)


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "adapter": (
        lambda f: adapt(f, '{"base_model_name_or_path": "openai-community/gpt2"}'),
        "other has an adapter without 'openai-community/gpt2', the model that it changes. Load both with PEFT",
    ),
    "adapter without a base": (lambda f: adapt(f, "{}"), r"an adapter without its base \(adapter_config.json names none\)"),
    "adapter of nothing": (lambda f: adapt(f, "["), r"an adapter without its base \(adapter_config.json names none\)"),
    "run": (run_of_training, r"itself has no weights, but checkpoint-10 in it does\. Use .*checkpoint-10\."),
    "gguf": (rename_weights("model.gguf"), "has its weights as GGUF, which songsmith doesn't read"),
    "pickle": (rename_weights("pytorch_model-00001-of-00002.bin"), "has its weights as a pickle"),
    "tensorflow": (rename_weights("tf_model.h5"), "has its weights for TensorFlow"),
    "untied": (lambda f: edit(f / "config.json", tie_word_embeddings=False), "no weight named lm_head.weight"),
    "int8": (in_whole_numbers, "wte.weight is stored as I8, which songsmith doesn't read"),
    "shard lost": (lose_a_shard, "lacks model-00002-of-00002.safetensors, one of the 2 files"),
    "index that points outside": (point_outside, "names files that aren't parts of a model"),
    "index without names": (lambda f: (split(f), edit(f / "model.safetensors.index.json", weight_map={})), "names no weights"),
    "twice": (
        lambda f: save_file(
            {**(w := load_file(f / "model.safetensors")), "wte.weight": w["transformer.wte.weight"].clone()},
            f / "model.safetensors",
        ),
        "has wte.weight twice",
    ),
    "text split otherwise": (
        lambda f: edit(
            f / "tokenizer.json", pre_tokenizer={"type": "Split", "pattern": {"Regex": "[a-z]"}, "behavior": "Isolated"}
        ),
        "splits text by a pattern that songsmith doesn't know",
    ),
    "another tokenizer": (lambda f: edit(f / "tokenizer.json", model={"type": "Unigram", "vocab": {}}), "isn't byte-level BPE"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_read_is_told_by_what_it_is_and_never_called_damaged(paths: Paths, kind: str) -> None:
    change, words = REFUSED[kind]
    change(write_random_model(paths.models / "other"))
    store = ModelStore(paths)
    for read in (lambda: store.load("other", device="cpu", threads=1), lambda: store.read("other")):
        with pytest.raises(ModelError) as caught:
            read()
        assert re.search(words, str(caught.value)), str(caught.value)
        assert "damaged" not in str(caught.value)
    assert [entry.name for entry in store.entries()] == ["starter", "other"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="whoever may do everything may read it")
def test_weights_that_may_not_be_read_are_not_called_damaged(paths: Paths) -> None:
    folder = write_random_model(paths.models / "other")
    (folder / "model.safetensors").chmod(0)
    with pytest.raises(ModelError, match=r"model\.safetensors can't be read: permission denied") as caught:
        ModelStore(paths).read("other")
    assert "damaged" not in str(caught.value)


def test_weights_too_large_for_any_network_are_told_from_sound_ones(paths: Paths) -> None:
    folder = write_random_model(paths.models / "mine")
    weights = {name: weight.double() for name, weight in load_file(folder / "model.safetensors").items()}
    weights["transformer.h.0.mlp.c_fc.weight"] *= 1e200
    save_file(weights, folder / "model.safetensors")
    store = ModelStore(paths)
    for use in (store.verify, store.load):
        with pytest.raises(ModelError, match=r"h\.0\.mlp\.c_fc\.weight contains values that aren't numbers"):
            use("mine")
