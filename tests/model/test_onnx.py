"""The backend of the CPU against the reference: unrounded to the last digits, in 8 bits by what it predicts."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from songsmith.model.architectures.gpt2 import gpt2_spec
from songsmith.model.architectures.spec import NetworkSpec
from songsmith.model.loading import LoadedModel
from songsmith.model.networks.onnx_graph import (
    LARGEST,
    Precision,
    blocks_overflow,
    products_overflow,
    quantise_blocks,
    quantise_columns,
    write_graph,
)
from songsmith.model.networks.onnx_network import OnnxNetwork, open_session, run_graph
from songsmith.model.networks.random_weights import random_weights
from songsmith.model.networks.torch_backend import TorchBackend
from songsmith.model.registry import ModelStore
from songsmith.paths import find_paths

CPU = torch.device("cpu")
SMALL = gpt2_spec(vocabulary_size=97, context_window_tokens=64, width=32, layers=3, heads=4)
FULL = gpt2_spec(vocabulary_size=50257, context_window_tokens=1024, width=768, layers=12, heads=12)
VERSES = """The sun is down behind the hill, the lamps are lit along the quay,
And every boat that rode at noon lies rocking where it ought to be.
O bring the lantern to the door and set the kettle on the flame,
For one is late upon the road, and all the house knows by what name.

The wind goes round, the wind goes round, it tries the latch and lets it fall;
A dog gets up and lies again, a moth goes up and down the wall.
"""


def weights_of(config: NetworkSpec, seed: int = 0) -> dict[str, torch.Tensor]:
    # Wider than a fresh GPT-2's, with biases: what comes before makes a difference, and no part could be left out.
    generator = torch.Generator().manual_seed(seed + 1)
    return {
        name: weight * (8 if weight.dim() == 2 and config.width < 100 else 1)
        + (0.1 * torch.randn(weight.shape, generator=generator) if weight.dim() == 1 else 0)
        for name, weight in random_weights(config, seed).items()
    }


def pair_of(
    folder: Path, config: NetworkSpec, *, seed: int = 0, precision: Precision = Precision.FLOAT32
) -> tuple[TorchBackend, OnnxNetwork]:
    weights = weights_of(config, seed)
    path = folder / "network.onnx"
    write_graph(path, config, {name: weight.numpy() for name, weight in weights.items()}, precision=precision)
    return TorchBackend(config, weights, CPU, torch.float32), OnnxNetwork(config, open_session(path, threads=1))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[TorchBackend, OnnxNetwork]:
    return pair_of(tmp_path_factory.mktemp("small"), SMALL)


def text_of(length: int, config: NetworkSpec = SMALL, seed: int = 0) -> list[int]:
    return [int(token) for token in np.random.default_rng(seed).integers(0, config.vocabulary_size, length)]


def nats(logits: np.ndarray, ids: list[int]) -> float:
    rows = logits[:-1].astype(np.float64)
    chosen = rows[np.arange(len(ids) - 1), ids[1:]]
    return float((np.log(np.exp(rows - rows.max(axis=1, keepdims=True)).sum(axis=1)) + rows.max(axis=1) - chosen).sum())


def check_every_position(reference: TorchBackend, network: OnnxNetwork, length: int) -> None:
    """By score; and by a prefill, steps, and a neighbour that leaves."""
    tokens = text_of(length, network.spec)
    expected = reference.forward_full(tokens)
    scored = network.forward_full(tokens)
    assert (scored.shape, scored.dtype) == (expected.shape, np.float32)
    assert np.abs(scored - expected).max() < 1e-3
    cache = network.new_cache(length)
    network.forward([tokens[: length // 2]], cache)
    cache = cache.expand(3)
    for place in range(length // 2, length):
        if place == 3 * length // 4:
            cache = cache.select([2, 1])
        logits = network.forward([[tokens[place]]] * len(cache.lengths), cache)
        assert np.abs(logits - expected[place]).max() < 1e-3


def test_unrounded_it_gives_the_logits_of_the_reference(small: tuple[TorchBackend, OnnxNetwork]) -> None:
    check_every_position(*small, length=64)


@pytest.mark.slow
def test_unrounded_it_gives_them_over_the_whole_window_of_a_real_one(tmp_path: Path) -> None:
    check_every_position(*pair_of(tmp_path, FULL), length=1024)


shapes = st.builds(
    lambda vocabulary, heads, size, layers: gpt2_spec(
        vocabulary_size=vocabulary, context_window_tokens=24, width=heads * size, layers=layers, heads=heads
    ),
    st.integers(2, 40), st.integers(1, 4), st.sampled_from([8, 16]), st.integers(1, 3),
)  # fmt: skip


@given(shapes, st.data(), st.integers(0, 1000))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_of_any_shape_read_kept_and_replaced_are_as_if_alone(
    tmp_path_factory: pytest.TempPathFactory, config: NetworkSpec, data: st.DataObject, seed: int
) -> None:
    reference, network = pair_of(tmp_path_factory.mktemp("shape"), config, seed=seed)
    token = st.integers(0, config.vocabulary_size - 1)
    read = [data.draw(st.lists(token, min_size=1, max_size=5), label="prompt")]
    cache = network.new_cache(24)
    logits = network.forward(read, cache)
    read = [list(read[0]) for _ in range(data.draw(st.integers(1, 3), label="rows"))]
    cache = cache.expand(len(read))
    for _ in range(data.draw(st.integers(1, 4), label="turns")):
        match data.draw(st.sampled_from(["advance", "keep", "replace"])):
            case "keep":
                order = data.draw(st.lists(st.integers(0, len(read) - 1), min_size=1, max_size=3, unique=True))
                cache, read = cache.select(order), [list(read[row]) for row in order]
            case "replace":
                row = data.draw(st.integers(0, len(read) - 1))
                read[row] = data.draw(st.lists(token, min_size=1, max_size=6))
                fresh = network.new_cache(24)
                network.forward([read[row]], fresh)
                cache.replace(row, fresh)
            case _:
                pass
        portions = [data.draw(st.lists(token, min_size=1, max_size=3)) for _ in read]
        logits = network.forward(portions, cache)
        for row, portion in enumerate(portions):
            read[row] += portion
            np.testing.assert_allclose(logits[row], reference.forward_full(read[row])[-1], atol=1e-3, rtol=1e-3)
    assert cache.lengths == [len(tokens) for tokens in read]


@pytest.mark.parametrize("precision", [Precision.INT8, Precision.UINT8, Precision.BLOCKS])
def test_in_8_bits_a_row_is_not_changed_by_its_neighbours(tmp_path: Path, precision: Precision) -> None:
    _, network = pair_of(tmp_path, SMALL, precision=precision)

    def write(rows: list[list[int]]) -> list[np.ndarray]:
        cache = network.new_cache(64).expand(len(rows))
        network.forward([row[:9] for row in rows], cache)
        return [network.forward([[row[place]] for row in rows], cache).copy() for place in range(9, 20)]

    texts = [text_of(20, seed=seed) for seed in range(5)]
    for row, text in enumerate(texts):
        together, alone = write(texts), write([text])
        np.testing.assert_allclose([step[row] for step in together], [step[0] for step in alone], atol=1e-4)


def test_greedy_tokens_are_those_of_generate(tmp_path: Path) -> None:
    from transformers import GPT2Config as TheirConfig
    from transformers import GPT2LMHeadModel

    weights = weights_of(SMALL, seed=4)
    theirs = GPT2LMHeadModel(
        TheirConfig(vocab_size=97, n_positions=64, n_embd=32, n_layer=3, n_head=4, bos_token_id=0, eos_token_id=0)
    ).eval()
    named = {f"transformer.{name}": weight for name, weight in weights.items()}
    theirs.load_state_dict(named | {"lm_head.weight": weights["wte.weight"]})
    theirs.generation_config.eos_token_id = None
    _, network = pair_of(tmp_path, SMALL, seed=4)
    tokens = text_of(9, seed=3)
    ids = torch.tensor([tokens])
    expected = theirs.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=50, do_sample=False, pad_token_id=0
    )[0].tolist()
    cache = network.new_cache(64)
    logits = network.forward([tokens], cache)
    for _ in range(50):
        tokens.append(int(logits[0].argmax()))
        logits = network.forward([tokens[-1:]], cache)
    assert tokens == expected
    assert len(set(tokens[9:])) > 3


def test_in_8_bits_the_starter_predicts_verses_as_well_as_unrounded(starter: LoadedModel) -> None:
    assert isinstance(starter.backend, OnnxNetwork)
    exact = ModelStore(find_paths()).load("starter", device="cpu", threads=1, exact=True)
    ids = starter.tokenizer.encode(VERSES)
    cost, unrounded = (nats(model.backend.forward_full(ids), ids) for model in (starter, exact))
    assert abs(cost / unrounded - 1) < 0.01
    # And as it is written with: token by token, out of the cache in 8 bits.
    cache = starter.backend.new_cache(len(ids))
    steps = [starter.backend.forward([[token]], cache)[0].copy() for token in ids]
    assert abs(nats(np.array(steps), ids) / unrounded - 1) < 0.01


@pytest.mark.parametrize("precision", [Precision.INT8, Precision.UINT8, Precision.BLOCKS])
def test_with_any_kind_of_product_the_starter_predicts_as_well(
    tmp_path: Path, starter: LoadedModel, precision: Precision
) -> None:
    if precision is Precision.INT8 and products_overflow(run_graph):
        pytest.skip("the products of this processor overflow")
    store = ModelStore(find_paths())
    stored = store.read("starter")
    write_graph(tmp_path / "network.onnx", stored.spec, stored.arrays(), precision=precision)
    network = OnnxNetwork(stored.spec, open_session(tmp_path / "network.onnx", threads=1))
    ids = starter.tokenizer.encode(VERSES)
    unrounded = nats(store.load("starter", device="cpu", threads=1, exact=True).backend.forward_full(ids), ids)
    assert abs(nats(network.forward_full(ids), ids) / unrounded - 1) < 0.01


@given(st.integers(1, 300), st.integers(1, 20), st.integers(0, 1000))
def test_rounded_weights_are_within_half_a_step(inputs: int, outputs: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    matrix = (random.standard_normal((inputs, outputs)) * random.choice([0, 1e-3, 1, 50], outputs)).astype(np.float32)
    rounded, steps = quantise_columns(matrix)
    assert rounded.dtype == np.int8
    assert np.abs(rounded.astype(int)).max() <= LARGEST
    assert (np.abs(rounded * steps - matrix) <= steps * 0.501).all()


@given(st.integers(1, 300), st.integers(1, 20), st.integers(0, 1000))
def test_weights_rounded_in_blocks_are_within_half_a_step(inputs: int, outputs: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    matrix = (random.standard_normal((inputs, outputs)) * random.choice([0, 1e-3, 1, 50], outputs)).astype(np.float32)
    rounded, steps = quantise_blocks(matrix)
    moved = (rounded.astype(int) - 128) * steps.reshape(outputs, -1, 1)
    unrounded = moved.reshape(outputs, -1)[:, :inputs].T
    each = np.repeat(steps.reshape(outputs, -1), rounded.shape[2], axis=1)[:, :inputs].T
    assert (np.abs(unrounded - matrix) <= each * 0.501).all()


@pytest.mark.parametrize(("answer", "overflows"), [(255 * 127 * 64, False), (2 * 32767 * 16, True)])
def test_a_processor_whose_products_overflow_is_found_out(answer: float, overflows: bool) -> None:
    assert products_overflow(lambda graph: np.full((1, 64), answer, np.float32)) is overflows


@pytest.mark.parametrize(("answer", "overflows"), [(127 * 127 * 64, False), (32767 * 16, True)])
def test_a_processor_whose_products_of_blocks_overflow_is_found_out(answer: float, overflows: bool) -> None:
    assert blocks_overflow(lambda graph: np.array([[answer, -answer]], np.float32)) is overflows


def test_what_does_not_fit_a_cache_is_refused_and_changes_nothing(small: tuple[TorchBackend, OnnxNetwork]) -> None:
    reference, network = small
    cache = network.new_cache(10)
    network.forward([[1, 2]], cache)
    for portions in ([[]], [[0] * 9]):
        with pytest.raises(ValueError, match="do not fit"):
            network.forward(portions, cache)
    assert cache.lengths == [2]
    np.testing.assert_allclose(network.forward([[3]], cache)[0], reference.forward_full([1, 2, 3])[-1], atol=1e-3)
    assert network.new_cache(10_000).capacity == SMALL.context_window_tokens
