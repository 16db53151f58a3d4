"""Networks as data: what is read from a config.json is what transformers builds from it, and what is not supported is named."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from architectures import CONFIGS, LLAMA3, SIZES, their_config
from fakes import write_random_model
from hypothesis import given
from hypothesis import strategies as st

from songsmith.errors import ModelError
from songsmith.model.architectures import SUPPORTED_TYPES, read_spec, write_config
from songsmith.model.architectures.llama import LONGEST_WINDOW_TOKENS
from songsmith.model.architectures.rotary import Rotary
from songsmith.model.architectures.spec import Part


@pytest.mark.parametrize("name", CONFIGS)
def test_weights_have_the_names_and_shapes_of_transformers(name: str):
    from transformers import AutoModelForCausalLM

    config = their_config(name)
    with torch.device("meta"):
        theirs = AutoModelForCausalLM.from_config(config).state_dict()
    spec = read_spec(config.to_dict())
    shapes = {spec.names.saved(key): shape for key, shape in spec.weight_shapes().items()}
    tied = {"lm_head.weight"} if spec.tied_head else set()
    assert shapes == {key: tuple(weight.shape) for key, weight in theirs.items() if key not in tied}


@pytest.mark.parametrize("name", CONFIGS)
def test_what_is_written_is_read_again_here_and_by_transformers(name: str):
    from transformers import AutoConfig

    spec = read_spec(their_config(name).to_dict())
    written = write_config(spec)
    assert read_spec(json.loads(json.dumps(written))) == spec
    assert read_spec(AutoConfig.for_model(**written).to_dict()) == spec


@pytest.mark.parametrize(
    "name", [name for name, (kind, values) in CONFIGS.items() if read_spec(values | {"model_type": kind}).rotary]
)
def test_positions_turn_as_far_as_in_transformers(name: str):
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

    config = their_config(name)
    spec = read_spec(config.to_dict())
    assert spec.rotary is not None
    theirs = LlamaRotaryEmbedding(config)
    ours = torch.tensor(spec.rotary.frequencies(spec.attention.head_size))
    torch.testing.assert_close(ours, theirs.inv_freq, rtol=1e-5, atol=0)
    assert spec.rotary.attention_factor == pytest.approx(theirs.attention_scaling)


@given(
    st.sampled_from(["llama", "llama 3", "llama, linear", "qwen2, yarn", "qwen3"]), st.integers(1, 4), st.integers(1, 4),
    st.integers(1, 8), st.integers(2, 200_000), st.booleans(), st.lists(st.integers(0, 60), max_size=3, unique=True),
)  # fmt: skip
def test_every_spec_is_read_from_what_is_written_of_it(
    name: str, groups: int, key_value_heads: int, pairs: int, window: int, tied: bool, ends: list[int]
):
    kind, values = CONFIGS[name]
    sizes = {
        "model_type": kind, "num_key_value_heads": key_value_heads, "num_attention_heads": groups * key_value_heads,
        "head_dim": 2 * pairs, "max_position_embeddings": window, "tie_word_embeddings": tied, "eos_token_id": ends,
    }  # fmt: skip
    spec = read_spec(values | sizes)
    assert read_spec(json.loads(json.dumps(write_config(spec)))) == spec
    assert spec.end_ids == tuple(sorted(ends))
    assert spec.context_window_tokens == min(window, LONGEST_WINDOW_TOKENS)


def test_parts_of_a_fused_tensor_and_of_a_transposed_one_are_taken_alike():
    gpt2 = read_spec(CONFIGS["gpt2"][1] | {"model_type": "gpt2"})
    weights = {name: torch.randn(shape) for name, shape in gpt2.weight_shapes().items()}
    fused = [gpt2.take(weights, part, 1) for part in (Part.QUERY, Part.KEY, Part.VALUE)]
    assert torch.equal(torch.cat(fused, 1), weights["h.1.attn.c_attn.weight"])
    biases = [gpt2.take(weights, part, 1, bias=True) for part in (Part.QUERY, Part.KEY, Part.VALUE)]
    assert torch.equal(torch.cat(biases), weights["h.1.attn.c_attn.bias"])
    assert torch.equal(gpt2.take(weights, Part.HEAD), weights["wte.weight"].T)
    llama = read_spec(CONFIGS["llama"][1] | {"model_type": "llama"})
    weights = {name: torch.randn(shape) for name, shape in llama.weight_shapes().items()}
    assert torch.equal(llama.take(weights, Part.DOWN, 1), weights["layers.1.mlp.down_proj.weight"].T)
    for spec in (gpt2, llama):
        weights = {name: torch.randn(shape) for name, shape in spec.weight_shapes().items()}
        for part in Part:
            if spec.has(part):
                assert tuple(spec.take(weights, part).shape) == spec.shape(part)


def test_what_is_written_for_version_4_of_transformers_is_read():
    scaling = {key: value for key, value in LLAMA3.items() if key != "rope_theta"}
    old = SIZES | {"model_type": "llama", "rope_theta": 500.0, "rope_scaling": scaling}
    assert read_spec(old) == read_spec(SIZES | {"model_type": "llama", "rope_parameters": LLAMA3})
    oldest = SIZES | {"model_type": "llama", "rope_scaling": {"type": "linear", "factor": 2}}
    assert read_spec(oldest) == read_spec(CONFIGS["llama, linear"][1] | {
        "model_type": "llama", "rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}
    })  # fmt: skip


def test_a_window_that_slides_is_never_left():
    mistral = SIZES | {"model_type": "mistral", "max_position_embeddings": 5000}
    assert read_spec(mistral).context_window_tokens == 4096  # where the config does not say, transformers' own
    assert read_spec(mistral | {"sliding_window": 300}).context_window_tokens == 300
    assert read_spec(mistral | {"sliding_window": None}).context_window_tokens == 5000
    qwen = SIZES | {"model_type": "qwen2", "sliding_window": 20}
    assert read_spec(qwen).context_window_tokens == 64
    assert read_spec(qwen | {"use_sliding_window": True}).context_window_tokens == 20


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hidden_act": "gelu"}, "hidden_act"),
        ({"partial_rotary_factor": 0.5}, "partial_rotary_factor"),
        ({"rope_scaling": {"rope_type": "longrope", "factor": 2.0}}, "scaled by 'longrope'"),
        ({"rope_scaling": {"rope_type": ["llama3"]}}, "scaled by"),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 2.0}}, "no usable 'low_freq_factor'"),
        ({"rope_scaling": {"rope_type": "linear", "factor": 0}}, "no usable number of its positions"),
        ({"rope_scaling": {"rope_type": "linear", "factor": float("inf")}}, "no usable number of its positions"),
        ({"rope_scaling": "linear"}, "no usable"),
        ({"rope_theta": -1}, "no usable number of its positions"),
        ({"num_key_value_heads": 3}, "sizes that don't fit"),
        ({"num_key_value_heads": 0}, "sizes that don't fit"),
        ({"head_dim": 7}, "sizes that don't fit"),
        ({"num_attention_heads": 0}, "sizes that don't fit"),
        ({"num_hidden_layers": 0}, "sizes that don't fit"),
        ({"hidden_size": None}, "no usable"),
    ],
)
def test_a_config_it_cannot_run_is_refused(change: dict[str, Any], said: str):
    with pytest.raises(ModelError, match=said):
        read_spec(SIZES | {"model_type": "llama"} | change)


@given(st.dictionaries(
    st.sampled_from([*SIZES, "head_dim", "rope_theta", "rope_scaling", "rms_norm_eps", "sliding_window", "eos_token_id"]),
    st.none() | st.integers(-2, 9) | st.floats() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)
    | st.dictionaries(
        st.sampled_from(["rope_type", "type", "factor", "rope_theta"]), st.text(max_size=3) | st.integers() | st.floats()
    ),
), st.sampled_from(SUPPORTED_TYPES))  # fmt: skip
def test_whatever_a_config_says_it_is_read_or_refused_in_a_sentence(change: dict[str, Any], kind: str):
    try:
        spec = read_spec(SIZES | {"model_type": kind} | change)
    except ModelError:
        return
    if isinstance(spec.rotary, Rotary):
        assert len(spec.rotary.frequencies(spec.attention.head_size)) == spec.attention.head_size // 2


def test_an_architecture_that_nobody_knows_is_named_with_those_that_are_supported():
    with pytest.raises(ModelError, match="'bloom', which songsmith doesn't support") as caught:
        read_spec({"model_type": "bloom"})
    assert all(kind in caught.value.next_step for kind in SUPPORTED_TYPES)


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_layers_without_end_are_refused_before_any_is_listed(kind: str, tmp_path: Path):
    from songsmith.model.weights import Weights

    folder = write_random_model(tmp_path / "model")
    config = SIZES | json.loads((folder / "config.json").read_text(encoding="utf-8"))
    spec = read_spec(config | {"model_type": kind, "n_layer": 10**9, "num_hidden_layers": 10**9})
    with pytest.raises(ModelError, match="no weight named"):
        Weights.open(folder).check(spec)
