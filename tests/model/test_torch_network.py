"""The network in torch against transformers' own of every architecture: at every position, however its rows were read."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from architectures import CONFIGS, SIZES, their_model, weights_of
from hypothesis import given, settings
from hypothesis import strategies as st

from songsmith.errors import ModelError
from songsmith.model.architectures import read_spec
from songsmith.model.backend import Cache, Logits
from songsmith.model.networks.random_weights import random_weights
from songsmith.model.networks.torch_backend import TorchBackend
from songsmith.model.networks.torch_network import TorchNetwork

CPU = torch.device("cpu")
WINDOW = 64

pytestmark = pytest.mark.usefixtures("one_torch_thread")


@cache
def our_model(name: str) -> TorchBackend:
    return TorchBackend(*weights_of(their_model(name)), CPU, torch.float32)


def their_logits(model: Any, tokens: Sequence[int]) -> Logits:
    with torch.no_grad():
        logits: Logits = model(torch.tensor([tokens])).logits[0].numpy()
    return logits


@pytest.mark.parametrize("name", CONFIGS)
def test_every_position_of_the_window_is_read_as_in_transformers(name: str) -> None:
    ours = our_model(name)
    tokens = np.random.default_rng(1).integers(0, 61, ours.context_window_tokens).tolist()
    expected = their_logits(their_model(name), tokens)
    assert expected.std() > 0.5
    np.testing.assert_allclose(ours.forward_full(tokens), expected, atol=1e-3)
    cache = ours.new_cache(len(tokens))
    for place, token in enumerate(tokens):
        np.testing.assert_allclose(ours.forward([[token]], cache)[0], expected[place], atol=1e-3)


token = st.integers(0, 60)
turn = st.sampled_from(["read", "read", "select", "truncate", "replace"])


@settings(max_examples=40)
@given(st.sampled_from(list(CONFIGS)), st.lists(token, min_size=1, max_size=8), st.integers(1, 4), st.data())
def test_ragged_rows_are_read_as_in_transformers_whatever_was_done_to_them(
    name: str, prompt: list[int], rows: int, data: st.DataObject
) -> None:
    ours, theirs = our_model(name), their_model(name)
    alone = ours.new_cache(48)
    ours.forward([prompt], alone)
    cache: Cache = alone.expand(rows)
    read = [list(prompt) for _ in range(rows)]
    for what in data.draw(st.lists(turn, min_size=1, max_size=5), label="turns"):
        row = data.draw(st.integers(0, len(read) - 1))
        if what == "select":
            order = data.draw(st.lists(st.integers(0, len(read) - 1), min_size=1, max_size=4))
            cache, read = cache.select(order), [list(read[each]) for each in order]
        elif what == "truncate":
            taken = data.draw(st.integers(0, len(read[row]) - 1))
            cache.truncate(row, taken)
            read[row] = read[row][: len(read[row]) - taken]
        elif what == "replace":
            read[row] = data.draw(st.lists(token, min_size=1, max_size=8))
            alone = ours.new_cache(8)
            ours.forward([read[row]], alone)
            cache.replace(row, alone)
        else:
            more = [data.draw(st.lists(token, min_size=1, max_size=6)) for _ in read]
            logits = ours.forward(more, cache, all_positions=True)
            read = [before + new for before, new in zip(read, more, strict=True)]
            expected = [their_logits(theirs, text)[-len(new) :] for text, new in zip(read, more, strict=True)]
            np.testing.assert_allclose(logits, np.concatenate(expected), atol=1e-3)
    assert cache.lengths == [len(text) for text in read]


@settings(max_examples=15)
@given(
    st.sampled_from(["llama", "mistral", "qwen2", "qwen3"]), st.integers(1, 3), st.integers(1, 3), st.integers(1, 4),
    st.integers(1, 3), st.booleans(), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_small_shapes_match_transformers(
    kind: str, groups: int, key_value_heads: int, pairs: int, layers: int, tied: bool, seed: int
) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    heads = groups * key_value_heads
    sizes = {
        "num_attention_heads": heads, "num_key_value_heads": key_value_heads, "num_hidden_layers": layers,
        "hidden_size": 2 * pairs * heads, "head_dim": 2 * pairs, "tie_word_embeddings": tied, "initializer_range": 0.3,
    }  # fmt: skip
    torch.manual_seed(seed)
    theirs = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **SIZES | sizes)).eval()
    tokens = np.random.default_rng(seed).integers(0, 61, 20).tolist()
    ours = TorchBackend(*weights_of(theirs), CPU, torch.float32)
    np.testing.assert_allclose(ours.forward_full(tokens), their_logits(theirs, tokens), atol=1e-3)


@pytest.mark.parametrize("name", CONFIGS)
def test_greedy_tokens_are_those_of_generate(name: str) -> None:
    ours, tokens = our_model(name), [3, 14, 15, 9, 2]
    with torch.no_grad():
        expected = their_model(name).generate(
            torch.tensor([tokens]), attention_mask=torch.ones(1, 5), max_new_tokens=30, do_sample=False, eos_token_id=None,
            pad_token_id=0,
        )[0].tolist()  # fmt: skip
    cache = ours.new_cache(WINDOW)
    logits = ours.forward([tokens], cache)
    while len(tokens) < len(expected):
        tokens.append(int(logits[0].argmax()))
        logits = ours.forward([tokens[-1:]], cache)
    assert tokens == expected


@pytest.mark.parametrize("name", CONFIGS)
def test_double_precision_is_as_close_as_its_rotation(name: str) -> None:
    spec, weights = weights_of(their_model(name))
    tokens = list(range(40))
    double = TorchBackend(spec, weights, CPU, torch.float64).forward_full(tokens)
    np.testing.assert_allclose(double, our_model(name).forward_full(tokens), atol=1e-4)


@pytest.mark.parametrize("name", CONFIGS)
def test_weights_come_back_as_they_were_taken(name: str) -> None:
    spec, weights = weights_of(their_model(name))
    network = TorchNetwork(spec, weights, CPU, torch.float32, trainable=True)
    found = network.weights()
    assert found.keys() == weights.keys()
    assert all(torch.equal(found[each], weights[each]) for each in weights)
    others = random_weights(spec, 1)
    network.load(others)
    assert all(torch.equal(weight, others[each]) for each, weight in network.weights().items())


@pytest.mark.parametrize("name", ["llama", "qwen3"])
def test_a_missing_weight_is_named(name: str) -> None:
    spec = read_spec(CONFIGS[name][1] | {"model_type": name})
    weights = random_weights(spec, 0)
    del weights["layers.1.mlp.down_proj.weight"]
    with pytest.raises(ModelError, match=r"layers\.1\.mlp\.down_proj\.weight"):
        TorchBackend(spec, weights, CPU, torch.float32)


def test_random_weights_are_those_of_the_spec_and_seed() -> None:
    spec = read_spec(CONFIGS["qwen3"][1] | {"model_type": "qwen3"})
    weights = random_weights(spec, 5)
    assert {name: tuple(weight.shape) for name, weight in weights.items()} == spec.weight_shapes()
    assert all(torch.equal(weight, random_weights(spec, 5)[name]) for name, weight in weights.items())
    assert torch.equal(weights["layers.0.self_attn.q_norm.weight"], torch.ones(32))
    assert not torch.equal(weights["embed_tokens.weight"], random_weights(spec, 6)["embed_tokens.weight"])


@pytest.mark.gpu
@pytest.mark.parametrize("name", CONFIGS)
def test_bfloat16_on_cuda_is_close_to_float32(name: str) -> None:
    spec, weights = weights_of(their_model(name))
    ours = TorchBackend(spec, weights, torch.device("cuda:0"), torch.bfloat16)
    tokens = list(range(30))
    expected = our_model(name).forward_full(tokens)
    assert np.abs(ours.forward_full(tokens) - expected).max() < 0.2 * expected.std() + 0.05
    batch = ours.new_cache(40).expand(2)
    logits = ours.forward([tokens[:20], tokens[:7]], batch)
    logits = ours.forward([tokens[20:21], tokens[7:8]], batch)
    for row, place in enumerate((20, 7)):
        assert np.abs(logits[row] - expected[place]).max() < 0.2 * expected.std() + 0.05
