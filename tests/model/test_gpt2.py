"""Our GPT-2 against the one in transformers, and against itself: batched, cached, one token at a time."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from songsmith.errors import ModelError
from songsmith.model.architectures import read_spec
from songsmith.model.architectures.gpt2 import gpt2_spec
from songsmith.model.architectures.spec import NetworkSpec
from songsmith.model.backend import Logits
from songsmith.model.networks.random_weights import random_weights
from songsmith.model.networks.torch_backend import KeyValueCache, TorchBackend

CPU = torch.device("cpu")
SMALL = gpt2_spec(vocabulary_size=97, context_window_tokens=64, width=32, layers=3, heads=4)
FULL = gpt2_spec(vocabulary_size=50257, context_window_tokens=1024, width=768, layers=12, heads=12)


pytestmark = pytest.mark.usefixtures("one_torch_thread")


def reference_of(config: NetworkSpec, *, wide: float = 0.02):
    """Return transformers' GPT-2 with random weights, and ours with the same."""
    from transformers import GPT2Config as TheirConfig
    from transformers import GPT2LMHeadModel

    torch.manual_seed(7)
    theirs = GPT2LMHeadModel(
        TheirConfig(
            vocab_size=config.vocabulary_size, n_positions=config.context_window_tokens, n_embd=config.width,
            n_layer=config.layers, n_head=config.attention.heads, initializer_range=wide,
            bos_token_id=0, eos_token_id=0,
        )
    ).eval()  # fmt: skip
    with torch.no_grad():  # as they are made, biases are zero and norms one: a mix-up would not show
        for name, weight in theirs.named_parameters():
            if name.endswith("bias") or ".ln_" in name:
                weight.add_(torch.randn_like(weight) * 0.1)
    weights = {name.removeprefix("transformer."): weight for name, weight in theirs.state_dict().items()}
    return theirs, TorchBackend(config, weights, CPU, torch.float32)


@pytest.fixture(scope="module")
def full():
    return reference_of(FULL)


def small_model(seed: int = 0, config: NetworkSpec = SMALL) -> TorchBackend:
    # Ten times as wide as a fresh GPT-2's, so that what comes before makes a difference.
    weights = {
        name: weight * 10 if weight.dim() == 2 else weight for name, weight in random_weights(config, seed).items()
    }
    return TorchBackend(config, weights, CPU, torch.float32)


def text_of(length: int, config: NetworkSpec, seed: int = 0) -> list[int]:
    return [int(token) for token in np.random.default_rng(seed).integers(0, config.vocabulary_size, length)]


def logits_of(theirs, tokens: Sequence[int]) -> Logits:
    with torch.no_grad():
        return theirs(torch.tensor([tokens])).logits[0].numpy()


def check_logits(theirs, ours: TorchBackend, length: int) -> None:
    """Every position by score, and the ones behind a prefill by single steps."""
    tokens = text_of(length, ours.spec)
    expected = logits_of(theirs, tokens)
    scored = ours.forward_full(tokens)
    assert scored.shape == (length, ours.vocabulary_size)
    assert scored.dtype == np.float32
    assert np.abs(scored - expected).max() < 1e-3
    cache = ours.new_cache(length)
    for end in range(length - 8, length + 1):
        stepped = ours.forward([tokens[cache.lengths[0] : end]], cache)
        assert np.abs(stepped[0] - expected[end - 1]).max() < 1e-3
    assert cache.lengths == [length]


def test_full_shape_matches_transformers(full):
    check_logits(*full, length=64)


@pytest.mark.slow
def test_full_shape_matches_transformers_over_the_whole_window(full):
    check_logits(*full, length=1024)


@pytest.mark.parametrize("heads", [1, 2, 8])
def test_small_shapes_match_transformers(heads):
    config = gpt2_spec(vocabulary_size=50, context_window_tokens=40, width=16, layers=2, heads=heads)
    check_logits(*reference_of(config, wide=0.3), length=40)


def test_greedy_tokens_are_those_of_generate():
    theirs, ours = reference_of(SMALL, wide=0.2)
    tokens = text_of(9, SMALL, seed=3)
    ids = torch.tensor([tokens])
    # No token ends the text, or a greedy end would stop one of the two.
    theirs.generation_config.eos_token_id = None
    expected = theirs.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=50, do_sample=False, pad_token_id=0
    )[0].tolist()
    cache = ours.new_cache(64)
    logits = ours.forward([tokens], cache)
    for _ in range(50):
        tokens.append(int(logits[0].argmax()))
        logits = ours.forward([tokens[-1:]], cache)
    assert tokens == expected
    assert len(set(tokens[9:])) > 3


shapes = st.builds(
    lambda vocabulary, heads, size, layers: gpt2_spec(
        vocabulary_size=vocabulary, context_window_tokens=24, width=heads * size, layers=layers, heads=heads
    ),
    st.integers(2, 40), st.integers(1, 4), st.sampled_from([1, 3, 8]), st.integers(1, 3),
)  # fmt: skip


@st.composite
def batches(draw):
    # What three rows at most read, in portions: a row's next portion may be longer than its neighbour's.
    config = draw(shapes)
    rows = draw(st.integers(1, 3))
    portion = st.lists(st.integers(0, config.vocabulary_size - 1), min_size=1, max_size=4)
    return config, draw(st.lists(st.lists(portion, min_size=rows, max_size=rows), min_size=1, max_size=5))


def alone(model: TorchBackend, tokens: Sequence[int]) -> Logits:
    return model.forward_full(tokens)[-1]


@given(batches(), st.integers(0, 2**32 - 1))
def test_each_row_of_a_ragged_batch_is_as_if_alone(batch, seed):
    config, turns = batch
    model = small_model(seed, config)
    cache = model.new_cache(24).expand(len(turns[0]))
    read: list[list[int]] = [[] for _ in turns[0]]
    for portions in turns:
        logits = model.forward(portions, cache)
        for row, portion in enumerate(portions):
            read[row] += portion
            np.testing.assert_allclose(logits[row], alone(model, read[row]), atol=1e-4, rtol=1e-3)
    assert cache.lengths == [len(tokens) for tokens in read]


@given(st.data(), st.integers(0, 2**32 - 1))
def test_rows_kept_and_replaced_go_on_as_if_alone(data, seed):
    model = small_model(seed)
    token = st.integers(0, SMALL.vocabulary_size - 1)
    prompt = data.draw(st.lists(token, min_size=1, max_size=8), label="prompt")
    cache = model.new_cache(64)
    model.forward([prompt], cache)
    cache = cache.expand(4)
    read = [list(prompt) for _ in range(4)]
    for _ in range(data.draw(st.integers(1, 5), label="turns")):
        match data.draw(st.sampled_from(["advance", "keep", "replace"])):
            case "keep":
                order = data.draw(st.lists(st.integers(0, len(read) - 1), min_size=1, max_size=4, unique=True))
                cache, read = cache.select(order), [list(read[row]) for row in order]
            case "replace":
                row = data.draw(st.integers(0, len(read) - 1))
                read[row] = data.draw(st.lists(token, min_size=1, max_size=12))
                fresh = model.new_cache(64)
                model.forward([read[row]], fresh)
                cache.replace(row, fresh)
            case _:
                pass
        step = [data.draw(token) for _ in read]
        logits = model.forward([[one] for one in step], cache)
        for row, one in enumerate(step):
            read[row].append(one)
    for row, tokens in enumerate(read):
        np.testing.assert_allclose(logits[row], alone(model, tokens), atol=1e-3, rtol=1e-3)
    assert cache.lengths == [len(tokens) for tokens in read]


@given(batches(), st.integers(0, 2**32 - 1), st.data())
def test_what_is_forgotten_was_never_read_and_every_logit_is_given(batch, seed, data):
    config, turns = batch
    model = small_model(seed, config)
    cache = model.new_cache(24).expand(len(turns[0]))
    read: list[list[int]] = [[] for _ in turns[0]]
    for portions in turns:
        logits = model.forward(portions, cache, all_positions=True)
        at = 0
        for row, portion in enumerate(portions):
            scored = model.forward_full(read[row] + portion)[len(read[row]) :]
            np.testing.assert_allclose(logits[at : at + len(portion)], scored, atol=1e-4, rtol=1e-3)
            at += len(portion)
            forgotten = data.draw(st.integers(0, len(portion) - 1))
            cache.truncate(row, forgotten)
            read[row] += portion[: len(portion) - forgotten]
    assert cache.lengths == [len(tokens) for tokens in read]


def test_a_row_at_the_end_of_the_window_waits_beside_one_that_reads_more():
    model = small_model()
    window = SMALL.context_window_tokens
    cache = model.new_cache(window).expand(2)
    full, short = text_of(window, SMALL), text_of(20, SMALL, seed=1)
    model.forward([full[:-1], short[:10]], cache)
    logits = model.forward([full[-1:], short[10:]], cache)
    np.testing.assert_allclose(logits[0], alone(model, full), atol=1e-3, rtol=1e-3)
    np.testing.assert_allclose(logits[1], alone(model, short), atol=1e-3, rtol=1e-3)


def test_rows_of_a_kept_cache_are_its_own():
    model = small_model()
    cache = model.new_cache(16)
    model.forward([[1, 2, 3]], cache)
    copy = cache.select([0])
    model.forward([[4]], copy)
    assert cache.lengths == [3]
    np.testing.assert_allclose(model.forward([[5]], cache)[0], alone(model, [1, 2, 3, 5]), atol=1e-4, rtol=1e-3)


def test_logits_may_be_overwritten():
    model = small_model()
    cache = model.new_cache(16)
    model.forward([[1, 2]], cache)[:] = -np.inf
    np.testing.assert_allclose(model.forward([[3]], cache)[0], alone(model, [1, 2, 3]), atol=1e-4, rtol=1e-3)


def test_a_cache_is_never_larger_than_the_window():
    cache = small_model().new_cache(10_000)
    assert isinstance(cache, KeyValueCache)
    assert cache.capacity == SMALL.context_window_tokens


@pytest.mark.parametrize("portions", [[[]], [[0] * 9]])
def test_what_does_not_fit_a_cache_is_refused_and_changes_nothing(portions):
    model = small_model()
    cache = model.new_cache(10)
    model.forward([[1, 2]], cache)
    with pytest.raises(ValueError, match="do not fit"):
        model.forward(portions, cache)
    assert cache.lengths == [2]


def test_random_weights_are_those_of_the_config_and_seed():
    weights = random_weights(SMALL, 5)
    assert {name: tuple(weight.shape) for name, weight in weights.items()} == SMALL.weight_shapes()
    assert all(torch.equal(weight, random_weights(SMALL, 5)[name]) for name, weight in weights.items())
    assert not torch.equal(weights["wte.weight"], random_weights(SMALL, 6)["wte.weight"])
    model = TorchBackend(SMALL, weights, CPU, torch.float32)
    assert np.isfinite(model.forward_full([1, 2, 3])).all()
    assert (model.vocabulary_size, model.context_window_tokens, model.device_name) == (97, 64, "cpu")


@pytest.mark.parametrize("name", ["wte.weight", "h.2.mlp.c_proj.bias", "ln_f.bias"])
def test_a_missing_weight_is_named(name):
    weights = random_weights(SMALL, 0)
    del weights[name]
    with pytest.raises(ModelError, match=name):
        TorchBackend(SMALL, weights, CPU, torch.float32)


def test_a_weight_of_another_shape_is_named():
    weights = random_weights(SMALL, 0)
    weights["h.0.attn.c_attn.weight"] = weights["h.0.attn.c_attn.weight"].T
    with pytest.raises(ModelError, match=r"h\.0\.attn\.c_attn\.weight is \(96, 32\), not \(32, 96\)"):
        TorchBackend(SMALL, weights, CPU, torch.float32)


GOOD = {"model_type": "gpt2", "vocab_size": 97, "n_positions": 64, "n_embd": 32, "n_layer": 3, "n_head": 4}


def test_a_config_of_transformers_is_read():
    from transformers import GPT2Config as TheirConfig

    assert read_spec(TheirConfig().to_dict()) == replace(FULL, end_ids=(50256,))
    assert read_spec(GOOD) == SMALL


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model_type": "bloom"}, "'bloom'"),
        ({"model_type": None, "n_layer": None}, "config.json"),
        ({"activation_function": "relu"}, "activation_function"),
        ({"scale_attn_weights": False}, "scale_attn_weights"),
        ({"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx"),
        ({"add_cross_attention": True}, "add_cross_attention"),
        ({"n_embd": "wide"}, "config.json"),
        ({"n_layer": None}, "config.json"),
        ({"vocab_size": 0}, "sizes"),
        ({"n_head": 5}, "sizes"),
        ({"n_inner": -1}, "sizes"),
    ],
)
def test_a_config_it_cannot_run_is_refused(change, said):
    with pytest.raises(ModelError, match=said):
        read_spec(GOOD | change)


def test_a_config_without_a_type_is_known_by_its_names_and_one_of_other_names_is_not():
    sizes = {key: value for key, value in GOOD.items() if key != "model_type"}
    assert read_spec(sizes) == SMALL
    with pytest.raises(ModelError, match="no model_type"):
        read_spec({"hidden_size": 32, "num_hidden_layers": 3})


@pytest.mark.parametrize("key", [key for key in GOOD if key != "model_type"])
def test_a_config_without_a_size_is_refused(key):
    config = {name: value for name, value in GOOD.items() if name != key}
    with pytest.raises(ModelError, match=key):
        read_spec(config)


@pytest.mark.gpu
def test_bfloat16_on_cuda_is_close_to_float32():
    device = torch.device("cuda:0")
    weights = random_weights(FULL, 0)
    exact = TorchBackend(FULL, weights, CPU, torch.float32)
    model = TorchBackend(FULL, weights, device, torch.bfloat16)
    tokens = text_of(200, FULL)
    expected = exact.forward_full(tokens)
    # bfloat16 keeps 8 bits: within a few hundredths of the spread of the logits.
    assert np.abs(model.forward_full(tokens) - expected).max() < 0.1 * expected.std() + 0.05
    cache = model.new_cache(256)
    model.forward([tokens[:180]], cache)
    batch = cache.expand(3)
    model.forward([tokens[180:185], tokens[180:181], tokens[180:183]], batch)
    logits = model.forward([tokens[185:186], tokens[181:182], tokens[183:184]], batch)
    for row, place in enumerate((185, 181, 183)):
        assert np.abs(logits[row] - expected[place]).max() < 0.1 * expected.std() + 0.05
