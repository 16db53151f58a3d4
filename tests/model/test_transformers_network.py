"""Networks that only transformers knows: the same logits, whole takes, and a word that they take longer."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from tiny_models import change_config, their_logits, write_tiny_model

from songsmith.errors import ModelError, UnsupportedError
from songsmith.generation.engine import Engine
from songsmith.generation.options import GenerationOptions
from songsmith.lyrics import Song
from songsmith.markup import Prompt
from songsmith.model.loading import LoadedModel
from songsmith.model.networks.transformers_network import TransformersNetwork
from songsmith.model.registry import ModelStore
from songsmith.paths import Paths, find_paths

KINDS = ("gpt_neox", "opt", "bloom", "gemma2", "phi", "mamba")
"""Rotary on a part of a head, learned positions, none at all, a sliding window, two at once, and a running state."""
SAME = 1e-3
SONG = [5, 300, 17, 4000, 99, 1, 2, 17, 17, 1000, 5, 64, 700, 8, 300, 3]

pytestmark = pytest.mark.usefixtures("one_torch_thread")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("models")
    return {kind: write_tiny_model(home / kind, kind) for kind in KINDS}


@pytest.fixture(scope="module")
def models(folders: dict[str, Path]) -> dict[str, LoadedModel]:
    store = ModelStore(find_paths())
    return {kind: store.load(str(folder), device="cpu", threads=1) for kind, folder in folders.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_logits_are_those_of_transformers_at_every_position(
    models: dict[str, LoadedModel], folders: dict[str, Path], kind: str
) -> None:
    network = models[kind].backend
    assert isinstance(network, TransformersNetwork)
    theirs = their_logits(folders[kind], SONG)
    assert np.ptp(theirs) > 1  # not all the same anyway
    assert np.abs(network.forward_full(SONG) - theirs).max() < SAME
    cache = network.new_cache(20)
    read = [network.forward([SONG[:7]], cache, all_positions=True)]
    read += [network.forward([[token]], cache) for token in SONG[7:12]]
    read.append(network.forward([SONG[12:]], cache, all_positions=True))
    assert np.abs(np.concatenate(read) - theirs).max() < SAME
    # Ragged rows: a fork that goes on otherwise, one taken back, and one put in place of another.
    cache.truncate(0, 4)
    rows = cache.expand(3)
    rows.truncate(1, 5)
    alone = network.new_cache(20)
    network.forward([SONG[:3]], alone)
    rows.replace(2, alone)
    assert rows.lengths == [12, 7, 3]
    logits = network.forward([SONG[12:13], SONG[7:10], SONG[3:5]], rows)
    assert np.abs(logits - theirs[[12, 9, 4]]).max() < SAME
    picked = rows.select([2, 0])
    assert picked.lengths == [5, 13]
    assert np.abs(network.forward([SONG[5:6], SONG[13:14]], picked) - theirs[[5, 13]]).max() < SAME


@settings(max_examples=15)
@given(data=st.data())
@pytest.mark.parametrize("kind", ["gpt_neox", "mamba"])
def test_whatever_is_read_and_taken_back_the_logits_are_of_what_is_left(
    models: dict[str, LoadedModel], kind: str, data: st.DataObject
) -> None:
    network = models[kind].backend
    token = st.integers(0, network.vocabulary_size - 1)
    cache, held = network.new_cache(24), [data.draw(st.lists(token, min_size=1, max_size=5))]
    network.forward(held, cache)
    for change in data.draw(st.lists(st.sampled_from(["truncate", "select", "replace", "read"]), max_size=6)):
        row = data.draw(st.integers(0, len(held) - 1))
        if change == "truncate":
            count = data.draw(st.integers(0, len(held[row])))
            cache.truncate(row, count)
            held[row] = held[row][: len(held[row]) - count]
        elif change == "select":
            rows = data.draw(st.lists(st.integers(0, len(held) - 1), min_size=1, max_size=3))
            cache, held = cache.select(rows), [held[number] for number in rows]
        elif change == "replace":
            other = network.new_cache(24)
            held[row] = data.draw(st.lists(token, min_size=1, max_size=5))
            network.forward([held[row]], other)
            cache.replace(row, other)
        else:
            read(network, cache, held, data.draw(st.lists(token, min_size=len(held), max_size=len(held))))
        assert cache.lengths == [len(tokens) for tokens in held]
    read(network, cache, held, [7] * len(held))


def read(network: Any, cache: Any, held: list[list[int]], new: Sequence[int]) -> None:
    if max(len(tokens) for tokens in held) >= cache.capacity:
        with pytest.raises(ValueError, match="do not fit"):
            network.forward([[token] for token in new], cache)
        return
    logits = network.forward([[token] for token in new], cache)
    held[:] = [[*tokens, token] for tokens, token in zip(held, new, strict=True)]
    for mine, tokens in zip(logits, held, strict=True):
        assert np.abs(mine - network.forward_full(tokens)[-1]).max() < SAME


@pytest.mark.parametrize("kind", KINDS)
def test_takes_are_written_and_their_model_says_that_it_takes_longer(models: dict[str, LoadedModel], kind: str) -> None:
    model = models[kind]
    assert f"no network of its own for {kind}: transformers runs it, which takes longer." in model.notice
    options = [GenerationOptions(seed=seed, max_new_tokens=12, min_lines=0, max_lines=0) for seed in (1, 2)]
    chunks = list(Engine(model).stream(Prompt(song=Song("The Mill")), options))
    texts = ["".join(chunk.text for chunk in chunks if chunk.take == take) for take in (0, 1)]
    assert all(texts)
    assert texts[0] != texts[1]
    for engine in (Engine(model), Engine(model, drafts=False)):
        assert "".join(chunk.text for chunk in engine.stream(Prompt(song=Song("The Mill")), options[1:])) == texts[1]


def test_a_gpt2_of_a_kind_that_songsmith_does_not_run_is_run_by_transformers(paths: Paths) -> None:
    folder = write_tiny_model(paths.models / "exact-gelu", "gpt2", activation_function="gelu")
    model = ModelStore(paths).load("exact-gelu", device="cpu", threads=1)
    assert np.abs(model.backend.forward_full(SONG) - their_logits(folder, SONG)).max() < SAME
    assert "takes longer" in model.notice


def test_a_network_that_looks_ahead_is_refused(paths: Paths) -> None:
    write_tiny_model(paths.models / "other", "roberta")
    with pytest.raises(UnsupportedError, match="'roberta' looks at the tokens to come"):
        ModelStore(paths).load("other", device="cpu", threads=1)
    write_tiny_model(paths.models / "turned", "roberta", is_decoder=True)
    turned = ModelStore(paths).load("turned", device="cpu", threads=1).backend
    assert turned.context_window_tokens == 64  # two of its positions are no token's
    assert np.isfinite(turned.forward_full(SONG * 4)).all()


def test_what_transformers_runs_cannot_be_trained_and_says_so(paths: Paths) -> None:
    write_tiny_model(paths.models / "neo", "gpt_neox")
    stored = ModelStore(paths).verify("neo")
    with pytest.raises(UnsupportedError, match="no network of its own for neo: it can write with it, but not train it"):
        _ = stored.spec


def drop(folder: Path, name: str) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights[name]
    save_file(weights, folder / "model.safetensors")


def spoil(folder: Path, name: str, value: float) -> None:
    weights = load_file(folder / "model.safetensors")
    weights[name].view(-1)[3] = value
    save_file(weights, folder / "model.safetensors")


REFUSED: dict[str, tuple[Any, str]] = {
    "nobody's": (
        lambda f: change_config(f, model_type="songformer"), "type 'songformer', which neither songsmith nor transformers 5"
    ),
    "a list of types": (lambda f: change_config(f, model_type=["opt"]), "which neither songsmith nor transformers"),
    "a translator": (lambda f: change_config(f, model_type="t5"), "a 't5', which doesn't write a text from left to right"),
    "one that fills gaps": (
        lambda f: change_config(f, model_type="roberta", architectures=["RobertaForMaskedLM"]),
        "'RobertaForMaskedLM', which doesn't write a text from left to right",
    ),
    "code of its own": (lambda f: change_config(f, auto_map={"AutoModelForCausalLM": "evil.Evil"}), "songsmith never runs"),
    "layers without end": (
        lambda f: change_config(f, num_hidden_layers=10**9), "num_hidden_layers as 1,000,000,000, but its weights have only 28"
    ),
    "layers under another name": (lambda f: change_config(f, num_layers=10**9), "num_layers as 1,000,000,000"),
    "labels without end": (lambda f: change_config(f, num_labels=10**9, vocab_size=9), "is (8192, 32), not (9, 32)"),
    "another width": (lambda f: change_config(f, hidden_size=64), "is (8192, 32), not (8192, 64)"),
    "a width without end": (lambda f: change_config(f, hidden_size=2**20), "is (8192, 32), not (8192, 1048576)"),
    "more layers than weights": (lambda f: change_config(f, num_hidden_layers=3), "no weight named gpt_neox.layers.2."),
    "a weight missing": (
        lambda f: drop(f, "gpt_neox.final_layer_norm.bias"), "no weight named gpt_neox.final_layer_norm.bias"
    ),
    "a weight that is no number": (lambda f: spoil(f, "embed_out.weight", float("nan")), "contains values that aren't numbers"),
    "words for numbers": (lambda f: change_config(f, hidden_size="wide"), "transformers can't build a 'gpt_neox'"),
    "heads that do not divide": (lambda f: change_config(f, num_attention_heads=5), "transformers can't"),
    "an unknown activation": (lambda f: change_config(f, hidden_act="os.system"), "transformers can't build a 'gpt_neox'"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_transformers_cannot_run_is_refused_in_one_sentence(paths: Paths, kind: str) -> None:
    harm, words = REFUSED[kind]
    harm(write_tiny_model(paths.models / "other", "gpt_neox"))
    with pytest.raises(ModelError) as caught:
        ModelStore(paths).load("other", device="cpu", threads=1)
    assert words in caught.value.message
    assert caught.value.next_step
    assert "\n" not in str(caught.value)


def test_an_unknown_architecture_is_told_with_those_that_are_known(paths: Paths) -> None:
    change_config(write_tiny_model(paths.models / "other", "opt"), model_type="songformer")
    with pytest.raises(ModelError) as caught:
        ModelStore(paths).read("other")
    assert "gpt2, llama, mistral, qwen2, qwen3" in caught.value.next_step


def test_nothing_that_a_config_says_brings_in_code(paths: Paths, tmp_path: Path) -> None:
    plain = write_tiny_model(paths.models / "plain", "opt")
    folder = write_tiny_model(paths.models / "mine", "opt")
    trace = tmp_path / "trace"
    (folder / "evil.py").write_text(f"open({str(trace)!r}, 'w')\n", encoding="utf-8")
    change_config(
        folder, _attn_implementation="someone/kernel", attn_implementation="someone/kernel", custom_generate="evil",
        quantization_config={"quant_method": "gguf"}, transformers_weights="evil.bin", dtype="float16", torchscript=True,
        output_attentions=True, use_cache=False, return_dict=False,
    )  # fmt: skip
    store = ModelStore(paths)
    logits = store.load("mine", device="cpu", threads=1).backend.forward_full(SONG)
    assert np.abs(logits - their_logits(plain, SONG)).max() < SAME
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    change_config(folder, auto_map=dict.fromkeys(("AutoConfig", "AutoModelForCausalLM"), "evil.Evil"), model_type="evil")
    with pytest.raises(ModelError):
        store.load("mine", device="cpu", threads=1)
    change_config(folder, **config | {"auto_map": {"AutoModelForCausalLM": "evil.Evil"}})
    with pytest.raises(ModelError, match="code of its own"):
        store.load("mine", device="cpu", threads=1)
    assert not trace.exists()


def test_weights_under_other_prefixes_and_in_half_precision_are_the_same_network(paths: Paths) -> None:
    folder = write_tiny_model(paths.models / "plain", "opt")
    other = write_tiny_model(paths.models / "other", "opt")
    weights = {name.removeprefix("model."): weight.half() for name, weight in load_file(other / "model.safetensors").items()}
    save_file({f"module._orig_mod.{name}": weight for name, weight in weights.items()}, other / "model.safetensors")
    logits = ModelStore(paths).load("other", device="cpu", threads=1).backend.forward_full(SONG)
    save_file({n: w.half().float() for n, w in load_file(folder / "model.safetensors").items()}, folder / "model.safetensors")
    assert np.abs(logits - their_logits(folder, SONG)).max() < SAME
