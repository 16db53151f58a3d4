"""Models are loaded as their files say, or refused in one sentence, and never changed."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from fakes import STARTER_OUTPUTS, write_random_model
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer as RustTokenizer

from songsmith.errors import ModelError, SongsmithError, UsageError
from songsmith.markup import MarkupFormat
from songsmith.model.architectures import read_spec
from songsmith.model.hashes import hash_file
from songsmith.model.loading import LoadedModel
from songsmith.model.networks.random_weights import random_weights
from songsmith.model.registry import ModelStore
from songsmith.model.tokenizer import Tokenizer
from songsmith.paths import Paths, find_paths
from songsmith.studio.models import describe


@pytest.fixture
def store(paths: Paths) -> ModelStore:
    return ModelStore(paths)


def fingerprint(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def test_the_starter_is_as_its_manifest_says(starter: LoadedModel) -> None:
    folder = find_paths().starter
    assert hash_file(folder / "model.safetensors") == starter.weights_sha256 == starter.manifest.weights_sha256
    assert starter.manifest.format is MarkupFormat.MARKUP
    assert starter.name == "starter"
    assert starter.manifest.licence
    assert starter.backend.device_name == "cpu"


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def change_weights(folder: Path, change: Callable[[dict[str, object]], None]) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors")


def change_config(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8")) | changes
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def add_a_word(folder: Path) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["model"]["vocab"]["zebra-crossing"] = STARTER_OUTPUTS
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")


def as_pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "weights cut short": (lambda f: cut(f / "model.safetensors", 5000), "damaged"),
    "weights almost whole": (lambda f: cut(f / "model.safetensors", (f / "model.safetensors").stat().st_size - 1), "damaged"),
    "weights empty": (lambda f: cut(f / "model.safetensors", 0), "damaged"),
    "weights of noise": (lambda f: (f / "model.safetensors").write_bytes(bytes(range(256)) * 40), "damaged"),
    "weights a folder": (lambda f: ((f / "model.safetensors").unlink(), (f / "model.safetensors").mkdir()), "is a folder"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "has no model.safetensors"),
    "only a pickle": (as_pickle, "as a pickle, which songsmith doesn't read"),
    "a weight missing": (lambda f: change_weights(f, lambda w: w.pop("transformer.wpe.weight")), "no weight named wpe"),
    "a weight of another shape": (
        lambda f: change_weights(f, lambda w: w.update({"transformer.ln_f.bias": w["transformer.ln_f.bias"][:7]})),
        "ln_f.bias is (7,), not (16,)",
    ),
    "another width": (lambda f: change_config(f, n_embd=32), f"not ({STARTER_OUTPUTS}, 32)"),
    "no config": (lambda f: (f / "config.json").unlink(), "config.json is missing"),
    "config no JSON": (lambda f: (f / "config.json").write_text("{", encoding="utf-8"), "can't be read"),
    "config deep": (lambda f: (f / "config.json").write_text("[" * 100_000, encoding="utf-8"), "can't be read"),
    "config binary": (lambda f: (f / "config.json").write_bytes(b"\xff\xfe\x00"), "can't be read"),
    "config a list": (lambda f: (f / "config.json").write_text("[]", encoding="utf-8"), "isn't a configuration"),
    "config of another type": (
        lambda f: change_config(f, model_type="songformer"), "'songformer', which neither songsmith nor transformers"
    ),
    "config without heads": (lambda f: change_config(f, n_head=None), "config.json"),
    "config with words": (lambda f: change_config(f, n_layer="two"), "config.json"),
    "heads that do not divide": (lambda f: change_config(f, n_head=3), "don't fit"),
    "config with an endless width": (lambda f: change_config(f, n_embd=float("inf")), "n_embd an impossible value"),
    "config that is not a number": (lambda f: change_config(f, layer_norm_epsilon=float("nan")), "layer_norm_epsilon"),
    "config of a giant": (lambda f: change_config(f, n_layer=10**30), "n_layer an impossible value"),
    "a window of one token": (lambda f: change_config(f, n_positions=1), "sees only the last token"),
    "another vocabulary": (lambda f: change_config(f, vocab_size=100), f"wte.weight is ({STARTER_OUTPUTS}, 16), not (100, 16)"),
    "tokenizer too big": (add_a_word, f"entries, but its network has {STARTER_OUTPUTS}"),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "no tokenizer"),
    "tokenizer no JSON": (lambda f: (f / "tokenizer.json").write_text("{", encoding="utf-8"), "can't be read"),
    "manifest no JSON": (lambda f: (f / "manifest.json").write_text("{", encoding="utf-8"), "can't be read"),
    "manifest a list": (lambda f: (f / "manifest.json").write_text("[]", encoding="utf-8"), "isn't a JSON object"),
    "manifest of another format": (lambda f: (f / "manifest.json").write_text('{"format": "x"}', encoding="utf-8"), "'x'"),
    "manifest with numbers for words": (
        lambda f: (f / "manifest.json").write_text('{"description": 5}', encoding="utf-8"), "description is of the wrong kind"
    ),
    "manifest with words for numbers": (
        lambda f: (f / "manifest.json").write_text('{"metrics": "good"}', encoding="utf-8"), "metrics is of the wrong kind"
    ),
    "manifest with sources that are no text": (
        lambda f: (f / "manifest.json").write_text('{"sources": [1]}', encoding="utf-8"), "sources are of the wrong kind"
    ),
    "manifest a folder": (lambda f: (f / "manifest.json").mkdir(), "is a folder, not a file"),
}  # fmt: skip


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_model_is_refused_in_one_sentence_and_left_alone(store: ModelStore, paths: Paths, kind: str) -> None:
    damage, words = DAMAGE[kind]
    folder = write_random_model(paths.models / "hurt")
    damage(folder)
    before = fingerprint(folder)
    with pytest.raises(ModelError) as caught:
        store.load("hurt", device="cpu", threads=1)
    assert words in caught.value.message
    assert caught.value.next_step
    assert "\n" not in str(caught.value)
    # The list shows what can be seen without loading, and never fails.
    entries = {entry.name: describe(entry, default="starter") for entry in store.entries()}
    assert list(entries) == ["starter", "hurt"]
    assert entries["starter"]["problem"] == ""
    assert store.info("hurt").problem == entries["hurt"]["problem"]
    assert all(isinstance(entries["hurt"][key], str) for key in ("description", "format", "size", "metrics"))
    assert fingerprint(folder) == before


def test_a_model_that_guesses_is_smaller_and_knows_the_same_tokens(
    store: ModelStore, paths: Paths, starter: LoadedModel
) -> None:
    write_random_model(paths.models / "small")
    assert store.load_draft("small", starter, device="cpu").parameters < starter.parameters
    target = store.load("small", device="cpu")
    with pytest.raises(ModelError, match="starter isn't smaller than small") as refused:
        store.load_draft("starter", target, device="cpu")
    assert "--draft-model" in refused.value.next_step
    other = write_random_model(paths.models / "other")
    vocabulary = json.loads((other / "tokenizer.json").read_text(encoding="utf-8"))
    entries = vocabulary["model"]["vocab"]
    first, second = list(entries)[400:402]
    entries[first], entries[second] = entries[second], entries[first]
    (other / "tokenizer.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    with pytest.raises(ModelError, match="other has other tokens than starter") as refused:
        store.load_draft("other", starter, device="cpu")
    assert "--tokenizer starter" in refused.value.next_step


def test_a_model_trained_here_may_guess_for_a_plain_one_though_it_has_marks_besides(
    store: ModelStore, paths: Paths, starter: LoadedModel
) -> None:
    guessing = write_random_model(paths.models / "trained")
    plain = Tokenizer.load(paths.gpt2_tokenizer)
    assert plain.with_marks().vocabulary_size > plain.vocabulary_size
    plain.with_marks().save(guessing)
    config = json.loads((guessing / "config.json").read_text(encoding="utf-8"))
    config["vocab_size"] = plain.with_marks().vocabulary_size
    (guessing / "config.json").write_text(json.dumps(config), encoding="utf-8")
    shape = read_spec(config)
    save_file(random_weights(shape, 0), guessing / "model.safetensors")
    target = replace(starter, name="plain", tokenizer=plain, parameters=10**9)
    assert store.load_draft("trained", target, device="cpu").name == "trained"
    marked = RustTokenizer.from_str(plain.with_marks().to_json())
    marked.add_tokens(["one more"])
    with pytest.raises(ModelError, match="trained has other tokens than marked"):
        store.load_draft("trained", replace(target, name="marked", tokenizer=Tokenizer(marked)), device="cpu")


def test_a_model_that_guesses_takes_no_threads_from_the_one_that_writes(
    store: ModelStore, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_random_model(paths.models / "small")
    paths.graphs.parent.mkdir(parents=True, exist_ok=True)
    paths.graphs.write_bytes(b"")  # no graph can be made, here or there: both run in torch
    monkeypatch.setattr(tempfile, "tempdir", str(paths.data / "nowhere"))
    before = torch.get_num_threads()
    try:
        target = store.load("starter", device="cpu", threads=3)
        store.load_draft("small", target, device="cpu")
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_loading_changes_nothing(store: ModelStore, paths: Paths) -> None:
    folder = write_random_model(
        paths.models / "mine", manifest={"format": "markup", "seed": None, "metrics": {"loss": 1.5}}
    )
    before = fingerprint(folder)
    loaded = store.load("mine", device="cpu", threads=1)
    assert fingerprint(folder) == before
    assert loaded.weights_sha256 == hash_file(folder / "model.safetensors")
    assert describe(store.info("mine"), default="mine")["metrics"] == "loss 1.5"


@pytest.mark.parametrize(
    ("device", "kind"),
    [
        ("tpu", UsageError),
        ("", UsageError),
        ("gpu:0", UsageError),
        ("cpu:1", ModelError),
        ("cpu:x", ModelError),
        ("cuda:99", ModelError),
    ],
)
def test_a_device_that_is_not_here_is_refused(
    store: ModelStore, paths: Paths, device: str, kind: type[SongsmithError]
) -> None:
    write_random_model(paths.models / "mine")
    with pytest.raises(kind, match="device"):
        store.load("mine", device=device, threads=1)


def test_gpt2s_own_two_tokenizer_files_are_enough(store: ModelStore, paths: Paths, tmp_path: Path) -> None:
    folder = write_random_model(paths.models / "older")
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    (folder / "vocab.json").write_text(json.dumps(tokenizer["vocab"]), encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(" ".join(pair) for pair in tokenizer["merges"]), encoding="utf-8")
    (folder / "tokenizer.json").unlink()
    loaded = store.load("older", device="cpu", threads=1)
    assert loaded.tokenizer.decode(loaded.tokenizer.encode("Down by the river")) == "Down by the river"
    shutil.rmtree(folder)
