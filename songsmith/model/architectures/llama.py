"""Llama and its relatives: SmolLM2 and Llama 3 (`llama`), Mistral, Qwen2 and 2.5, Qwen3.

RMS norms, rotary positions, grouped-query attention, a gated feed-forward network. Qwen2 has biases on queries, keys and values;
Qwen3 norms queries and keys.
"""

from collections.abc import Mapping
from typing import Any

from songsmith.errors import UnsupportedError
from songsmith.model.architectures.rotary import read_rotary, write_rotary
from songsmith.model.architectures.spec import (
    Attention,
    CheckpointNames,
    FeedForward,
    FeedForwardKind,
    NetworkSpec,
    Norm,
    NormKind,
    Part,
    Place,
)

MODEL_TYPES = ("llama", "mistral", "qwen2", "qwen3")
"""Values of `model_type` in config.json."""

LONGEST_WINDOW_TOKENS = 8192
"""Many of these networks read a hundred thousand tokens. No song is as long, and a GPU takes memory for the whole window."""

_CLASSES = {
    "llama": "LlamaForCausalLM", "mistral": "MistralForCausalLM", "qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM",
}  # fmt: skip
_NAMES = CheckpointNames(
    prefix="model.",
    places={
        Part.TOKENS: Place(name="embed_tokens"),
        Part.FINAL_NORM: Place(name="norm"),
        Part.HEAD: Place(name="lm_head"),
        Part.QUERY: Place(name="layers.{}.self_attn.q_proj"),
        Part.KEY: Place(name="layers.{}.self_attn.k_proj"),
        Part.VALUE: Place(name="layers.{}.self_attn.v_proj"),
        Part.OUTPUT: Place(name="layers.{}.self_attn.o_proj"),
        Part.GATE: Place(name="layers.{}.mlp.gate_proj"),
        Part.UP: Place(name="layers.{}.mlp.up_proj"),
        Part.DOWN: Place(name="layers.{}.mlp.down_proj"),
        Part.ATTENTION_NORM: Place(name="layers.{}.input_layernorm"),
        Part.FEED_FORWARD_NORM: Place(name="layers.{}.post_attention_layernorm"),
        Part.QUERY_NORM: Place(name="layers.{}.self_attn.q_norm"),
        Part.KEY_NORM: Place(name="layers.{}.self_attn.k_norm"),
    },
)


def recognises(config: Mapping[str, Any]) -> bool:
    """Return that a config which names no type is never known to be of this architecture: many others have its keys."""
    return False


def read(config: Mapping[str, Any], end_ids: tuple[int, ...]) -> NetworkSpec:
    """Read the keys of a config.json. Where one is missing, transformers' own default holds.

    The context window is cut to `LONGEST_WINDOW_TOKENS`, and to the sliding window where positions see no further: within it a
    sliding window changes nothing.

    Raises:
        UnsupportedError: it names something that songsmith does not support.
        KeyError, TypeError, ValueError: a key is missing, or has no usable value.
    """
    kind = str(config["model_type"])
    if (activation := config.get("hidden_act", "silu")) != "silu":
        raise UnsupportedError(
            f"The model's hidden_act is {activation!r}, which songsmith doesn't support.", "Only 'silu' is supported."
        )
    width, heads = int(config["hidden_size"]), int(config["num_attention_heads"])
    key_value_heads = config.get("num_key_value_heads", {"mistral": 8, "qwen2": 32, "qwen3": 32}.get(kind))
    head_size = config.get("head_dim", 128 if kind == "qwen3" else None)
    if head_size is None:
        head_size = 0 if heads < 1 or width % heads else width // heads
    positions = int(config["max_position_embeddings"])
    sliding_window = _read_sliding_window(kind, config)
    bias = kind in ("llama", "qwen3") and bool(config.get("attention_bias", False))
    return NetworkSpec(
        architecture=kind,
        vocabulary_size=int(config["vocab_size"]),
        context_window_tokens=min(positions, sliding_window or positions, LONGEST_WINDOW_TOKENS),
        width=width,
        layers=int(config["num_hidden_layers"]),
        norm=Norm(kind=NormKind.RMS, epsilon=float(config.get("rms_norm_eps", 1e-6))),
        attention=Attention(
            heads=heads,
            key_value_heads=heads if key_value_heads is None else int(key_value_heads),
            head_size=int(head_size),
            qkv_bias=bias or kind == "qwen2",
            output_bias=bias,
            query_key_norm=kind == "qwen3",
            sliding_window=sliding_window,
        ),
        feed_forward=FeedForward(
            kind=FeedForwardKind.GATED_SILU,
            inner_width=int(config["intermediate_size"]),
            bias=kind == "llama" and bool(config.get("mlp_bias", False)),
        ),
        rotary=read_rotary(config, max_position_embeddings=positions),
        tied_head=bool(config.get("tie_word_embeddings", False)),
        end_ids=end_ids,
        names=_NAMES,
    )


def _read_sliding_window(kind: str, config: Mapping[str, Any]) -> int | None:
    if kind == "llama" or (kind != "mistral" and not config.get("use_sliding_window", False)):
        return None
    window = config.get("sliding_window", 4096)
    return None if window is None else int(window)


def write(spec: NetworkSpec) -> dict[str, Any]:
    """Return the keys of a config.json that `read` reads, and what transformers wants beside them."""
    assert spec.rotary is not None
    attention = spec.attention
    return {
        "architectures": [_CLASSES[spec.architecture]],
        "vocab_size": spec.vocabulary_size,
        "hidden_size": spec.width,
        "num_hidden_layers": spec.layers,
        "num_attention_heads": attention.heads,
        "num_key_value_heads": attention.key_value_heads,
        "head_dim": attention.head_size,
        "attention_bias": attention.output_bias,
        "attention_dropout": 0.0,
        "use_sliding_window": attention.sliding_window is not None,
        "sliding_window": attention.sliding_window,
        "intermediate_size": spec.feed_forward.inner_width,
        "mlp_bias": spec.feed_forward.bias,
        "hidden_act": "silu",
        "rms_norm_eps": spec.norm.epsilon,
        "tie_word_embeddings": spec.tied_head,
        **write_rotary(spec.rotary),
    }
