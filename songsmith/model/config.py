"""The shape of a GPT-2, read from its config.json. Needs no weights and loads no network."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from songsmith.errors import ModelError


@dataclass(frozen=True, kw_only=True)
class GPT2Config:
    """The shape of a GPT-2, from the config.json that transformers writes."""

    vocabulary_size: int
    context_window_tokens: int
    width: int
    layers: int
    heads: int
    layer_norm_epsilon: float = 1e-5

    @classmethod
    def from_json(cls, config: Mapping[str, Any]) -> Self:
        """Read the keys of a config.json.

        Raises:
            ModelError: the config is of another architecture, or lacks a key.
        """
        kind = config.get("model_type")
        if kind != "gpt2":
            raise ModelError(f"The model is of type '{kind}', not gpt2.", "Choose a GPT-2 model.")
        changed = {
            "activation_function": "gelu_new", "scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False,
            "add_cross_attention": False, "tie_word_embeddings": True,
        }  # fmt: skip
        for key, usual in changed.items():
            if config.get(key, usual) != usual:
                raise ModelError(
                    f"The model's {key} is {config[key]!r}, which is not supported.", f"Only {usual!r} is."
                )
        try:
            shape = cls(
                vocabulary_size=int(config["vocab_size"]),
                context_window_tokens=int(config["n_positions"]),
                width=int(config["n_embd"]),
                layers=int(config["n_layer"]),
                heads=int(config["n_head"]),
                layer_norm_epsilon=float(config.get("layer_norm_epsilon", 1e-5)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"The model's config.json lacks a usable {error}.", "Fetch or export it again.") from error
        sizes = (shape.vocabulary_size, shape.context_window_tokens, shape.width, shape.layers, shape.heads)
        if min(sizes) < 1 or shape.width % shape.heads or (config.get("n_inner") or 4 * shape.width) != 4 * shape.width:
            raise ModelError("The model's config.json gives sizes that do not fit.", "Fetch or export it again.")
        return shape

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every weight by its name in a checkpoint, without the `transformer.` in front."""
        wide = self.width
        shapes: dict[str, tuple[int, ...]] = {
            "wte.weight": (self.vocabulary_size, wide),
            "wpe.weight": (self.context_window_tokens, wide),
            "ln_f.weight": (wide,),
            "ln_f.bias": (wide,),
        }
        block = {"attn.c_attn": 3, "attn.c_proj": 1, "mlp.c_fc": 4, "mlp.c_proj": 1}
        for layer in range(self.layers):
            for name, wider in block.items():
                inner = 4 * wide if name == "mlp.c_proj" else wide
                shapes[f"h.{layer}.{name}.weight"] = (inner, wider * wide)
                shapes[f"h.{layer}.{name}.bias"] = (wider * wide,)
            for norm in ("ln_1", "ln_2"):
                shapes[f"h.{layer}.{norm}.weight"] = shapes[f"h.{layer}.{norm}.bias"] = (wide,)
        return shapes

    def check_shapes(self, found: Mapping[str, tuple[int, ...]]) -> None:
        """Make sure that weights are all there, and of the right shapes; others may be there too.

        Args:
            found: the shape of each weight by its name.

        Raises:
            ModelError: one is missing, or has another shape.
        """
        for name, shape in self.weight_shapes().items():
            if name not in found:
                raise ModelError(f"The model has no weight named {name}.", "Fetch or export it again.")
            if found[name] != shape:
                raise ModelError(f"The model's {name} is {found[name]}, not {shape}.", "Fetch or export it again.")
