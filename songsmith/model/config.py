"""The shape of a GPT-2, read from its config.json. Needs no weights and loads no network."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from songsmith.errors import ModelError

# One function under many names, apart from how it is rounded (transformers' activations.py): the approximation of GELU by tanh.
_GELU_BY_TANH = ("gelu_new", "gelu_fast", "gelu_pytorch_tanh", "gelu_python_tanh", "gelu_accurate")
_SIZES = ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head")


@dataclass(frozen=True, kw_only=True)
class GPT2Config:
    """The shape of a GPT-2, from the config.json that transformers writes."""

    vocabulary_size: int
    context_window_tokens: int
    width: int
    layers: int
    heads: int
    layer_norm_epsilon: float = 1e-5
    inner_width: int | None = None
    """Width between the two matrices of a perceptron; None: four times the width."""

    @classmethod
    def from_json(cls, config: Mapping[str, Any]) -> Self:
        """Read the keys of a config.json.

        Raises:
            ModelError: the config is of another architecture, or lacks a key.
        """
        kind = config.get("model_type")
        # Older files name no type; these names for its sizes are GPT-2's.
        if kind != "gpt2" and not (kind is None and all(key in config for key in _SIZES)):
            raise ModelError(f"The model is of type '{kind}', not gpt2.", "Choose a GPT-2 model.")
        activation = config.get("activation_function", "gelu_new")
        if activation not in _GELU_BY_TANH:
            raise ModelError(
                f"The model's activation_function is {activation!r}, which songsmith doesn't support.",
                f"Only {', '.join(_GELU_BY_TANH)} are supported, which are the same.",
            )
        changed = {
            "scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False, "add_cross_attention": False,
            "tie_word_embeddings": True,
        }  # fmt: skip
        for key, usual in changed.items():
            if config.get(key, usual) != usual:
                raise ModelError(
                    f"The model's {key} is {config[key]!r}, which songsmith doesn't support.",
                    f"Only {usual!r} is supported.",
                )
        try:
            shape = cls(
                vocabulary_size=int(config["vocab_size"]),
                context_window_tokens=int(config["n_positions"]),
                width=int(config["n_embd"]),
                layers=int(config["n_layer"]),
                heads=int(config["n_head"]),
                layer_norm_epsilon=float(config.get("layer_norm_epsilon", 1e-5)),
                inner_width=None if config.get("n_inner") is None else int(config["n_inner"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"The model's config.json has no usable {error}.", "Download or export it again."
            ) from error
        sizes = (shape.vocabulary_size, shape.context_window_tokens, shape.width, shape.layers, shape.heads)
        if min(sizes) < 1 or shape.width % shape.heads or shape.inner < 1:
            raise ModelError(
                "The model's config.json gives sizes that don't fit together.", "Download or export it again."
            )
        return shape

    @property
    def inner(self) -> int:
        """Width between the two matrices of a perceptron."""
        return 4 * self.width if self.inner_width is None else self.inner_width

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every weight by its name in a checkpoint, without the `transformer.` in front."""
        return dict(self._each_weight())

    def _each_weight(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        wide, inner = self.width, self.inner
        yield "wte.weight", (self.vocabulary_size, wide)
        yield "wpe.weight", (self.context_window_tokens, wide)
        yield "ln_f.weight", (wide,)
        yield "ln_f.bias", (wide,)
        block = {
            "attn.c_attn": (wide, 3 * wide), "attn.c_proj": (wide, wide), "mlp.c_fc": (wide, inner),
            "mlp.c_proj": (inner, wide),
        }  # fmt: skip
        for layer in range(self.layers):
            for name, shape in block.items():
                yield f"h.{layer}.{name}.weight", shape
                yield f"h.{layer}.{name}.bias", shape[1:]
            for norm in ("ln_1", "ln_2"):
                yield f"h.{layer}.{norm}.weight", (wide,)
                yield f"h.{layer}.{norm}.bias", (wide,)

    def check_shapes(self, found: Mapping[str, tuple[int, ...]]) -> None:
        """Make sure that weights are all there, and of the right shapes; others may be there too.

        Args:
            found: the shape of each weight by its name.

        Raises:
            ModelError: one is missing, or has another shape.
        """
        # One after the other: a config may claim more layers than could ever be named.
        for name, shape in self._each_weight():
            if name not in found:
                raise ModelError(f"The model has no weight named {name}.", "Download or export it again.")
            if found[name] != shape:
                raise ModelError(f"The model's {name} is {found[name]}, not {shape}.", "Download or export it again.")
