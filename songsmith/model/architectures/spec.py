"""A network as data: what it computes and where a checkpoint keeps its weights. Everything that runs a network builds it from this.

A spec is read from a config.json by the module of its architecture, and holds no weights. An executor asks for weights by what they
are in the network (`Part`), always in the same layout; names, layouts and fused tensors of checkpoints are known only here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from songsmith.errors import ModelError
from songsmith.model.architectures.rotary import Rotary

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    Weight = TypeVar("Weight", Tensor, NDArray[Any])

# Letters in shapes: D = width, H = attention heads, K = key-value heads, E = size of a head, V = vocabulary.


class NormKind(StrEnum):
    """What is done to a vector before it is read."""

    LAYER = "layer"
    """Mean taken off, divided by the standard deviation; weight and bias (Ba et al. 2016)."""
    RMS = "rms"
    """Divided by the root of the mean square; weight only (Zhang and Sennrich 2019)."""


class FeedForwardKind(StrEnum):
    """What happens between the attention of one layer and that of the next."""

    GELU = "gelu"
    """down(gelu(up(x))), GELU by its approximation with tanh."""
    GATED_SILU = "gated silu"
    """down(silu(gate(x)) * up(x)) (SwiGLU, Shazeer 2020)."""


class Layout(StrEnum):
    """How a checkpoint keeps a matrix."""

    IN_OUT = "in, out"
    """As transformers' Conv1D does."""
    OUT_IN = "out, in"
    """As torch's Linear does."""


class Part(StrEnum):
    """What a weight is in a network. The order is that of `NetworkSpec.tensors`."""

    TOKENS = "tokens"
    """(V, D): a vector for each token."""
    POSITIONS = "positions"
    """(context window, D): a vector for each position, where they are learned."""
    FINAL_NORM = "final norm"
    HEAD = "head"
    """(D, V): from the last state to logits, where it is not the table of tokens turned over."""
    QUERY = "query"
    """(D, H * E)."""
    KEY = "key"
    """(D, K * E)."""
    VALUE = "value"
    """(D, K * E)."""
    OUTPUT = "output"
    """(H * E, D): from what attention gathered, back into the stream."""
    GATE = "gate"
    """(D, inner), of a gated network only."""
    UP = "up"
    """(D, inner)."""
    DOWN = "down"
    """(inner, D)."""
    ATTENTION_NORM = "attention norm"
    """(D,): before attention."""
    FEED_FORWARD_NORM = "feed-forward norm"
    """(D,): before the feed-forward network."""
    QUERY_NORM = "query norm"
    """(E,): of each query, before it is rotated."""
    KEY_NORM = "key norm"
    """(E,): of each key, before it is rotated."""


_OUTSIDE_LAYERS = (Part.TOKENS, Part.POSITIONS, Part.FINAL_NORM, Part.HEAD)
NORMS = (Part.FINAL_NORM, Part.ATTENTION_NORM, Part.FEED_FORWARD_NORM, Part.QUERY_NORM, Part.KEY_NORM)
"""Parts that are one vector of weights."""
_TABLES = (Part.TOKENS, Part.POSITIONS)


@dataclass(frozen=True, kw_only=True)
class Norm:
    """How vectors are normed, everywhere in a network."""

    kind: NormKind
    epsilon: float
    """Added to the mean of the squares, so that nothing is divided by zero."""


@dataclass(frozen=True, kw_only=True)
class Attention:
    """Causal self-attention. Scores are divided by the root of the size of a head."""

    heads: int
    """H, of queries."""
    key_value_heads: int
    """K: each serves the H / K heads of queries in a row (grouped-query attention, Ainslie et al. 2023)."""
    head_size: int
    """E."""
    qkv_bias: bool
    """Whether queries, keys and values have a bias."""
    output_bias: bool
    query_key_norm: bool = False
    """Whether each head's queries and keys are normed, by weights that all heads share."""
    sliding_window: int | None = None
    """Tokens that a position sees. Never fewer than the context window, so it changes nothing: kept to be written back."""

    @property
    def qkv_sizes(self) -> tuple[int, int, int]:
        """Numbers of a token's queries, keys and values."""
        keys = self.key_value_heads * self.head_size
        return self.heads * self.head_size, keys, keys


@dataclass(frozen=True, kw_only=True)
class FeedForward:
    """The network behind each attention."""

    kind: FeedForwardKind
    inner_width: int
    """Width between its matrices."""
    bias: bool


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a checkpoint keeps a part."""

    name: str
    """Of its tensors, without `.weight` and `.bias`; `{}` stands for the number of the layer. Parts of one name are one tensor: one
    behind the other along the outputs, in the order they are listed in."""
    layout: Layout = Layout.OUT_IN
    """Of a matrix. Tables and norms have but one."""


@dataclass(frozen=True, kw_only=True)
class CheckpointNames:
    """Where a checkpoint keeps everything."""

    places: Mapping[Part, Place]
    """Of every part that a network of this architecture may have. Names are without what some programs put before all of them."""
    prefix: str
    """What transformers puts before all names but the head's."""

    def saved(self, name: str) -> str:
        """Return the name that transformers gives a tensor."""
        head = self.places[Part.HEAD].name if Part.HEAD in self.places else None
        return name if name.rpartition(".")[0] == head else f"{self.prefix}{name}"


@dataclass(frozen=True, kw_only=True)
class CheckpointTensor:
    """One tensor of a checkpoint."""

    name: str
    """Without a prefix."""
    shape: tuple[int, ...]
    parts: tuple[Part, ...]
    """What it holds, one behind the other along the outputs."""
    layer: int
    """0 where it is of no layer."""
    bias: bool
    """Whether it holds biases, not weights."""
    layout: Layout
    """Of a matrix."""


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """A decoder of layers: norm and attention, norm and feed-forward network, each added to a residual stream; a norm; a head."""

    architecture: str
    """`model_type` of its config.json."""
    vocabulary_size: int
    """V."""
    context_window_tokens: int
    """Most tokens it is given at once."""
    width: int
    """D."""
    layers: int
    norm: Norm
    attention: Attention
    feed_forward: FeedForward
    rotary: Rotary | None
    """How positions turn queries and keys; None: a learned vector for each is added to its token's."""
    tied_head: bool
    """Whether the head is the table of tokens."""
    end_ids: tuple[int, ...] = ()
    """Tokens that end a text, by its config.json."""
    names: CheckpointNames = field(repr=False, compare=False)
    """Where its weights are in a checkpoint."""

    def __post_init__(self) -> None:
        attention = self.attention
        sizes = (
            self.vocabulary_size, self.context_window_tokens, self.width, self.layers, attention.heads,
            attention.key_value_heads, attention.head_size, self.feed_forward.inner_width,
        )  # fmt: skip
        uneven = self.rotary is not None and attention.head_size % 2
        if min(sizes) < 1 or attention.heads % attention.key_value_heads or uneven:
            raise ModelError(
                "The model's config.json gives sizes that don't fit together.", "Download or export it again."
            )

    def has(self, part: Part, *, bias: bool = False) -> bool:
        """Return whether the network has a part, or its biases."""
        there = {
            Part.POSITIONS: self.rotary is None,
            Part.HEAD: not self.tied_head,
            Part.GATE: self.feed_forward.kind is FeedForwardKind.GATED_SILU,
            Part.QUERY_NORM: self.attention.query_key_norm,
            Part.KEY_NORM: self.attention.query_key_norm,
        }.get(part, True)
        if not bias or not there:
            return there
        if part in NORMS:
            return self.norm.kind is NormKind.LAYER
        if part in (Part.QUERY, Part.KEY, Part.VALUE):
            return self.attention.qkv_bias
        if part is Part.OUTPUT:
            return self.attention.output_bias
        return part in (Part.GATE, Part.UP, Part.DOWN) and self.feed_forward.bias

    def shape(self, part: Part) -> tuple[int, ...]:
        """Return the shape of a part's weights as executors take them: a matrix is (in, out)."""
        wide, inner, head = self.width, self.feed_forward.inner_width, self.attention.head_size
        queries, keys, values = self.attention.qkv_sizes
        shapes: dict[Part, tuple[int, ...]] = {
            Part.TOKENS: (self.vocabulary_size, wide), Part.POSITIONS: (self.context_window_tokens, wide),
            Part.HEAD: (wide, self.vocabulary_size), Part.QUERY: (wide, queries), Part.KEY: (wide, keys),
            Part.VALUE: (wide, values), Part.OUTPUT: (queries, wide), Part.GATE: (wide, inner), Part.UP: (wide, inner),
            Part.DOWN: (inner, wide), Part.QUERY_NORM: (head,), Part.KEY_NORM: (head,),
        }  # fmt: skip
        return shapes.get(part, (wide,))

    def take(self, weights: "Mapping[str, Weight]", part: Part, layer: int = 0, *, bias: bool = False) -> "Weight":
        """Return a part's weights, or its biases, out of a checkpoint. What is returned may share the checkpoint's memory.

        Args:
            weights: by their names in the checkpoint, of shapes that were checked.
            part: one the network has; a tied head is had, too.
            layer: from 0; of no matter for a part of no layer.
            bias: whether the biases are wanted: (out,).

        Returns:
            Of the shape that `shape` gives: matrices are (in, out).
        """
        if part is Part.HEAD and self.tied_head:
            return weights[self._name(Part.TOKENS, 0, bias=False)].T
        place = self.names.places[part]
        found = weights[self._name(part, layer, bias=bias)]
        if _is_matrix(part) and not bias and place.layout is Layout.OUT_IN:
            found = found.T
        start, sharing = 0, self._parts_of(place)
        if len(sharing) == 1:
            return found
        for other in sharing[: sharing.index(part)]:
            start += self.shape(other)[-1]
        return found[..., start : start + self.shape(part)[-1]]

    def to_layout(self, found: "Weight", tensor: CheckpointTensor) -> "Weight":
        """Return what executors hold of a tensor, (in, out) or (out,), in the layout of the checkpoint."""
        if _is_matrix(tensor.parts[0]) and not tensor.bias and tensor.layout is Layout.OUT_IN:
            return found.T
        return found

    def tensors(self) -> Iterator[CheckpointTensor]:
        """Yield every tensor of a checkpoint, one after the other: a config may claim more layers than could ever be listed."""
        for part in _OUTSIDE_LAYERS:
            yield from self._tensors_of(part, 0)
        for layer in range(self.layers):
            for part in Part:
                if part not in _OUTSIDE_LAYERS:
                    yield from self._tensors_of(part, layer)

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every weight by its name in a checkpoint, without a prefix."""
        return {tensor.name: tensor.shape for tensor in self.tensors()}

    def check_shapes(self, found: Mapping[str, tuple[int, ...]]) -> None:
        """Make sure that weights are all there, and of the right shapes; others may be there too.

        Args:
            found: the shape of each weight by its name.

        Raises:
            ModelError: one is missing, or has another shape.
        """
        for tensor in self.tensors():
            name, shape = tensor.name, tensor.shape
            if name not in found:
                raise ModelError(f"The model has no weight named {name}.", "Download or export it again.")
            if found[name] != shape:
                raise ModelError(f"The model's {name} is {found[name]}, not {shape}.", "Download or export it again.")

    def _tensors_of(self, part: Part, layer: int) -> Iterator[CheckpointTensor]:
        """Yield the tensors that a part is the first in."""
        if not self.has(part):
            return
        place = self.names.places[part]
        sharing = self._parts_of(place)
        if sharing[0] is not part:
            return
        shape = self.shape(part)
        wide = sum(self.shape(each)[-1] for each in sharing)
        whole = (*shape[:-1], wide)
        if _is_matrix(part) and place.layout is Layout.OUT_IN:
            whole = whole[::-1]
        for bias in (False, True):
            if not bias or self.has(part, bias=True):
                yield CheckpointTensor(
                    name=self._name(part, layer, bias=bias), shape=(wide,) if bias else whole, parts=sharing,
                    layer=layer, bias=bias, layout=place.layout,
                )  # fmt: skip

    def _parts_of(self, place: Place) -> tuple[Part, ...]:
        return tuple(
            part for part, other in self.names.places.items() if other.name == place.name and self.has(part)
        )  # fmt: skip

    def _name(self, part: Part, layer: int, *, bias: bool) -> str:
        return f"{self.names.places[part].name.format(layer)}.{'bias' if bias else 'weight'}"


def _is_matrix(part: Part) -> bool:
    return part not in NORMS and part not in _TABLES
