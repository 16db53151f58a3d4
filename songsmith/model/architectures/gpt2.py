"""GPT-2: layer norms, learned positions, a head that is the token table or one of its own.

Radford et al. 2019, Language Models are Unsupervised Multitask Learners.
"""

from collections.abc import Mapping
from typing import Any

from songsmith.errors import UnsupportedError
from songsmith.model.architectures.spec import (
    Attention,
    CheckpointNames,
    FeedForward,
    FeedForwardKind,
    Layout,
    NetworkSpec,
    Norm,
    NormKind,
    Part,
    Place,
)

MODEL_TYPES = ("gpt2",)
"""Values of `model_type` in config.json."""

# One function under many names, apart from how it is rounded (transformers' activations.py): the approximation of GELU by tanh.
_GELU_BY_TANH = ("gelu_new", "gelu_fast", "gelu_pytorch_tanh", "gelu_python_tanh", "gelu_accurate")
_SIZES = ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head")
_SUPPORTED = {"scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False, "add_cross_attention": False}
"""Switches that can have but one value here, which is theirs where a config does not name them."""


def _matrix(name: str) -> Place:
    return Place(name=name, layout=Layout.IN_OUT)


_NAMES = CheckpointNames(
    prefix="transformer.",
    places={
        Part.TOKENS: Place(name="wte"),
        Part.POSITIONS: Place(name="wpe"),
        Part.FINAL_NORM: Place(name="ln_f"),
        Part.HEAD: Place(name="lm_head"),
        Part.QUERY: _matrix("h.{}.attn.c_attn"),
        Part.KEY: _matrix("h.{}.attn.c_attn"),
        Part.VALUE: _matrix("h.{}.attn.c_attn"),
        Part.OUTPUT: _matrix("h.{}.attn.c_proj"),
        Part.UP: _matrix("h.{}.mlp.c_fc"),
        Part.DOWN: _matrix("h.{}.mlp.c_proj"),
        Part.ATTENTION_NORM: Place(name="h.{}.ln_1"),
        Part.FEED_FORWARD_NORM: Place(name="h.{}.ln_2"),
    },
)


def gpt2_spec(
    *, vocabulary_size: int, context_window_tokens: int, width: int, layers: int, heads: int,
    inner_width: int | None = None, layer_norm_epsilon: float = 1e-5, tied_head: bool = True, end_ids: tuple[int, ...] = (),
) -> NetworkSpec:  # fmt: skip
    """Return the spec of a GPT-2.

    Args:
        vocabulary_size: V.
        context_window_tokens: positions that have a vector.
        width: D, a multiple of the heads.
        layers: at least one.
        heads: of attention.
        inner_width: between the two matrices of a feed-forward network; None: four times the width.
        layer_norm_epsilon: added to variances.
        tied_head: whether the head is the table of tokens, as it is in GPT-2 itself.
        end_ids: tokens that end a text.

    Raises:
        ModelError: the sizes do not fit together.
    """
    return NetworkSpec(
        architecture="gpt2",
        vocabulary_size=vocabulary_size,
        context_window_tokens=context_window_tokens,
        width=width,
        layers=layers,
        norm=Norm(kind=NormKind.LAYER, epsilon=layer_norm_epsilon),
        attention=Attention(
            heads=heads,
            key_value_heads=heads,
            head_size=0 if heads < 1 or width % heads else width // heads,
            qkv_bias=True,
            output_bias=True,
        ),
        feed_forward=FeedForward(
            kind=FeedForwardKind.GELU, inner_width=4 * width if inner_width is None else inner_width, bias=True
        ),
        rotary=None,
        tied_head=tied_head,
        end_ids=end_ids,
        names=_NAMES,
    )


def recognises(config: Mapping[str, Any]) -> bool:
    """Return whether a config that names no type, as older files do not, is of a GPT-2: its names for sizes are its own."""
    return all(key in config for key in _SIZES)


def read(config: Mapping[str, Any], end_ids: tuple[int, ...]) -> NetworkSpec:
    """Read the keys of a config.json.

    Raises:
        UnsupportedError: it names something that songsmith does not support.
        KeyError, TypeError, ValueError: a key is missing, or has no usable value.
    """
    activation = config.get("activation_function", "gelu_new")
    if activation not in _GELU_BY_TANH:
        raise UnsupportedError(
            f"The model's activation_function is {activation!r}, which songsmith doesn't support.",
            f"Only {', '.join(_GELU_BY_TANH)} are supported, which are the same.",
        )
    for key, usual in _SUPPORTED.items():
        if config.get(key, usual) != usual:
            raise UnsupportedError(
                f"The model's {key} is {config[key]!r}, which songsmith doesn't support.",
                f"Only {usual!r} is supported.",
            )
    return gpt2_spec(
        vocabulary_size=int(config["vocab_size"]),
        context_window_tokens=int(config["n_positions"]),
        width=int(config["n_embd"]),
        layers=int(config["n_layer"]),
        heads=int(config["n_head"]),
        inner_width=None if config.get("n_inner") is None else int(config["n_inner"]),
        layer_norm_epsilon=float(config.get("layer_norm_epsilon", 1e-5)),
        tied_head=bool(config.get("tie_word_embeddings", True)),
        end_ids=end_ids,
    )


def write(spec: NetworkSpec) -> dict[str, Any]:
    """Return the keys of a config.json that `read` reads, and what transformers wants beside them."""
    inner = spec.feed_forward.inner_width
    return {
        "architectures": ["GPT2LMHeadModel"],
        "vocab_size": spec.vocabulary_size,
        "n_positions": spec.context_window_tokens,
        "n_embd": spec.width,
        "n_layer": spec.layers,
        "n_head": spec.attention.heads,
        "n_inner": None if inner == 4 * spec.width else inner,
        "layer_norm_epsilon": spec.norm.epsilon,
        "activation_function": "gelu_new",
        "attn_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "resid_pdrop": 0.0,
        "tie_word_embeddings": spec.tied_head,
    }
