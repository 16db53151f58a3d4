"""A network in torch, built from its spec: trained, and the reference for every faster executor.

Matrices are (in, out) whatever a checkpoint's layout is, and those that read the same vector are one: queries, keys and values, and
the gate beside the way up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812  (its name everywhere)
from torch import Tensor, nn

from songsmith.model.architectures.spec import NetworkSpec, NormKind, Part

# Letters in shapes: B = rows, T = tokens read now, N = B * T, S = tokens in the cache, D = width, H = heads, K = key-value heads,
# E = size of a head, V = vocabulary.

_LAYER_MATRICES: Mapping[str, tuple[Part, ...]] = {
    "qkv": (Part.QUERY, Part.KEY, Part.VALUE),
    "output": (Part.OUTPUT,),
    "up": (Part.GATE, Part.UP),
    "down": (Part.DOWN,),
}
_LAYER_NORMS: Mapping[str, tuple[Part, ...]] = {
    "attention_norm": (Part.ATTENTION_NORM,),
    "feed_forward_norm": (Part.FEED_FORWARD_NORM,),
    "query_norm": (Part.QUERY_NORM,),
    "key_norm": (Part.KEY_NORM,),
}


@dataclass(frozen=True)
class CacheView:
    """What a step reads and writes of a key-value cache."""

    layers: Sequence[Tensor]
    """(2, B, K, capacity, E) each: keys, then values."""
    span: int
    """S: tokens that are looked at, from the start."""
    rows: Tensor | None
    """(B, 1) numbers of the rows; None where all of them write to the end of the span."""
    mask: Tensor | None
    """(B, 1, T, S) of what each token sees, as attention takes it; None where that is all that lies before it."""


class Linear(nn.Module):
    """x @ weight + bias, with the weight (in, out)."""

    def __init__(self, weight: Tensor, bias: Tensor | None, sizes: tuple[int, ...]) -> None:
        """Take weight and bias.

        Args:
            weight: (in, out).
            bias: (out,).
            sizes: outputs of each of the maps that were put side by side in it.
        """
        super().__init__()
        self.weight, self.bias, self.sizes = weight, bias, sizes

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in) to (N, out)."""
        return torch.mm(x, self.weight) if self.bias is None else torch.addmm(self.bias, x, self.weight)


class Norm(nn.Module):
    """Layer norm or RMS norm, of the last dimension."""

    def __init__(self, weight: Tensor, bias: Tensor | None, kind: NormKind, epsilon: float) -> None:
        """Take weight and bias, (size,) each."""
        super().__init__()
        self.weight, self.bias, self.kind, self.epsilon = weight, bias, kind, epsilon

    def forward(self, x: Tensor) -> Tensor:
        """Norm each vector."""
        if self.kind is NormKind.RMS:
            # Of queries and keys in bfloat16 while the weights that are trained are float32.
            return F.rms_norm(x.to(self.weight.dtype), self.weight.shape, self.weight, self.epsilon).to(x.dtype)
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.epsilon)


class Layer(nn.Module):
    """One layer: attention, then a feed-forward network, each behind a norm and beside a residual path."""

    qkv: Linear
    output: Linear
    up: Linear
    down: Linear
    attention_norm: Norm
    feed_forward_norm: Norm
    query_norm: Norm
    key_norm: Norm

    def __init__(self, spec: NetworkSpec, parts: Mapping[str, nn.Module], dropout: float) -> None:
        """Put a layer together of its parts, by their names above."""
        super().__init__()
        self.heads, self.key_value_heads = spec.attention.heads, spec.attention.key_value_heads
        self.head_size = spec.attention.head_size
        self.gated, self.query_key_norm = spec.has(Part.GATE), spec.attention.query_key_norm
        self.dropout = dropout
        for name, part in parts.items():
            self.add_module(name, part)
            # Found faster than among the modules; for the same reason `forward` is called below, not the module.
            self.__dict__[name] = part

    def forward(
        self, x: Tensor, positions: Tensor, rotation: tuple[Tensor, Tensor] | None, cache: CacheView | None, number: int
    ) -> Tensor:
        """Map (N, D) to (N, D).

        Args:
            x: states of B rows of T tokens.
            positions: (B, T), or (1, T) without a cache.
            rotation: cosine and sine of the angles at the positions, (B, T, 1, E / 2) each; None where nothing is rotated.
            cache: that goes before, and takes what is read now; None: rows begin here.
            number: of this layer, from 0.
        """
        drop = self.dropout if self.training else 0.0
        gathered = self._attend(self.attention_norm.forward(x), positions, rotation, cache, number)
        x = x + (F.dropout(gathered, drop) if drop else gathered)
        wide = self.up.forward(self.feed_forward_norm.forward(x))  # (N, inner), or twice that
        if self.gated:
            gate, up = wide.chunk(2, -1)
            wide = F.silu(gate) * up
        else:
            wide = F.gelu(wide, approximate="tanh")
        found = self.down.forward(wide)
        return x + (F.dropout(found, drop) if drop else found)

    def _attend(
        self, x: Tensor, positions: Tensor, rotation: tuple[Tensor, Tensor] | None, cache: CacheView | None, number: int
    ) -> Tensor:
        """Let each of N tokens gather what it sees of its own past, (N, D) to (N, D)."""
        heads, shared, tokens = self.heads, self.key_value_heads, positions.shape[1]
        qkv = self.qkv.forward(x).view(-1, tokens, heads + 2 * shared, self.head_size)  # (B, T, H + 2K, E)
        if rotation is not None:
            query, key, value = torch.split(qkv, [heads, shared, shared], 2)
            if self.query_key_norm:
                query, key = self.query_norm.forward(query), self.key_norm.forward(key)
            qkv = torch.cat((_rotate(torch.cat((query, key), 2), *rotation), value), 2)
        query = qkv[:, :, :heads].transpose(1, 2)  # (B, H, T, E)
        new = qkv[:, :, heads:].view(-1, tokens, 2, shared, self.head_size)  # (B, T, 2, K, E)
        if cache is None:
            keys, values = new.permute(2, 0, 3, 1, 4).unbind()  # (B, K, T, E) each
            mask = None
        else:
            layer, span, mask = cache.layers[number], cache.span, cache.mask
            if cache.rows is None:
                layer[:, :, :, span - tokens : span] = new.permute(2, 0, 3, 1, 4)
            else:
                layer[:, cache.rows, :, positions] = new
            keys, values = layer[:, :, :, :span].unbind()  # (B, K, S, E) each
        drop, causal = self.dropout if self.training else 0.0, mask is None and tokens > 1
        if heads == shared:
            found = F.scaled_dot_product_attention(query, keys, values, mask, drop, causal)  # (B, H, T, E)
        elif causal:
            found = F.scaled_dot_product_attention(query, keys, values, None, drop, True, enable_gqa=True)
        else:
            found = _gather_in_groups(query, keys, values, mask, drop)
        return self.output.forward(found.transpose(1, 2).reshape(len(x), -1))


def _rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turn pairs of numbers of (B, T, heads, E), in float32 at least."""
    first, second = x.chunk(2, -1)
    return torch.cat((first * cosine - second * sine, second * cosine + first * sine), -1).to(x.dtype)


def _gather_in_groups(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, dropout: float) -> Tensor:
    """Return (B, H, T, E): values (B, K, S, E), weighed for each query (B, H, T, E) by how well keys (B, K, S, E) fit it.

    The heads that share keys are as so many tokens more: keys and values are read where they lie, and not repeated first.

    Args:
        query: of the last T of the S tokens.
        keys: of all of them.
        values: of all of them.
        mask: (B, 1, T, S) of what each sees; None: everything.
        dropout: share of the weights dropped.
    """
    (rows, heads, tokens, size), key_value_heads = query.shape, keys.shape[1]
    group = heads // key_value_heads
    if mask is not None and tokens > 1:
        mask = mask.repeat(1, 1, group, 1)
    folded = query.reshape(rows, key_value_heads, group * tokens, size)
    found = F.scaled_dot_product_attention(folded, keys, values, attn_mask=mask, dropout_p=dropout)
    return found.view(rows, heads, tokens, size)


class TorchNetwork(nn.Module):
    """A network that reads tokens. Its head is apart: not every state is wanted as logits."""

    def __init__(
        self, spec: NetworkSpec, weights: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype,
        *, trainable: bool = False, dropout: float = 0.0,
    ) -> None:  # fmt: skip
        """Take the weights of a checkpoint onto a device.

        Args:
            spec: what it computes.
            weights: by the names `spec.weight_shapes()` gives; more are ignored.
            device: where to run.
            dtype: the precision to run in.
            trainable: whether its weights have gradients, and memory of their own.
            dropout: share of activations dropped while it trains.

        Raises:
            ModelError: a weight is missing or has another shape.
        """
        super().__init__()
        spec.check_shapes({name: tuple(weight.shape) for name, weight in weights.items()})
        self.spec, self.dropout = spec, dropout

        def parameter(parts: Sequence[Part], layer: int = 0, *, bias: bool = False) -> Tensor:
            joined = _join(spec.take(weights, part, layer, bias=bias).detach().to(device, dtype) for part in parts)
            # Of a module that is not trained they are plain tensors, which are found faster.
            return nn.Parameter(joined.clone() if len(parts) == 1 else joined) if trainable else joined

        def linear(parts: Sequence[Part], layer: int) -> Linear:
            there = [part for part in parts if spec.has(part)]
            bias = parameter(there, layer, bias=True) if spec.has(there[0], bias=True) else None
            return Linear(parameter(there, layer), bias, tuple(spec.shape(part)[1] for part in there))

        def norm(parts: Sequence[Part], layer: int = 0) -> Norm:
            bias = parameter(parts, layer, bias=True) if spec.has(parts[0], bias=True) else None
            return Norm(parameter(parts, layer), bias, spec.norm.kind, spec.norm.epsilon)

        self.tokens = parameter([Part.TOKENS])  # (V, D)
        self.positions = parameter([Part.POSITIONS]) if spec.has(Part.POSITIONS) else None
        self.head = parameter([Part.HEAD]) if spec.has(Part.HEAD) else None  # (D, V)
        self.layers = nn.ModuleList(
            Layer(
                spec,
                {name: linear(parts, number) for name, parts in _LAYER_MATRICES.items()}
                | {name: norm(parts, number) for name, parts in _LAYER_NORMS.items() if spec.has(parts[0])},
                dropout,
            )
            for number in range(spec.layers)
        )
        self.final_norm = norm([Part.FINAL_NORM])
        if spec.rotary is not None:
            angles = torch.tensor(spec.rotary.frequencies(spec.attention.head_size), dtype=torch.float32, device=device)
            self.register_buffer("frequencies", angles, persistent=False)  # (E / 2,)

    def forward(self, ids: Tensor, positions: Tensor | None = None, cache: CacheView | None = None) -> Tensor:
        """Read tokens.

        Args:
            ids: (B, T) tokens.
            positions: (B, T) of each in its row; None where rows begin here.
            cache: what rows have read before, which takes what they read now; None where they begin here.

        Returns:
            (N, D) final states.
        """
        if positions is None:
            positions = torch.arange(ids.shape[1], device=ids.device)[None]
        x = F.embedding(ids, self.tokens)
        if self.positions is not None:
            # Padding behind the end of a window has no position of its own.
            x = x + F.embedding(positions.clamp(max=self.spec.context_window_tokens - 1), self.positions)
        if self.dropout and self.training:
            x = F.dropout(x, self.dropout)
        x = x.view(-1, self.spec.width)  # (N, D): only attention minds which rows tokens are of
        rotation = None if self.spec.rotary is None else self._rotation(positions)
        for number, layer in enumerate(self.layers):
            x = layer.forward(x, positions, rotation, cache, number)
        return self.final_norm.forward(x)

    def logits(self, states: Tensor) -> Tensor:
        """Return (N, V) logits of (N, D) final states."""
        return F.linear(states, self.tokens) if self.head is None else torch.mm(states, self.head)

    def _rotation(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return cosine and sine of the angles at (B, T) positions, (B, T, 1, E / 2) each, in float32."""
        assert self.spec.rotary is not None
        angles = (positions[..., None].float() * cast(Tensor, self.frequencies))[:, :, None]
        factor = self.spec.rotary.attention_factor
        return angles.cos() * factor, angles.sin() * factor

    def weights(self) -> dict[str, Tensor]:
        """Return its weights by the names of a checkpoint, in the layout of one; those that are so here share memory."""
        found: dict[str, Tensor] = {}
        for tensor in self.spec.tensors():
            home, there = self._home(tensor.parts[0], tensor.layer, bias=tensor.bias)
            held = home
            if there != tensor.parts:
                sizes = [self.spec.shape(part)[-1] for part in there]
                pieces = dict(zip(there, torch.split(home, sizes, -1), strict=True))
                held = _join(pieces[part] for part in tensor.parts)
            found[tensor.name] = self.spec.to_layout(held, tensor)
        return found

    @torch.no_grad()
    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Take other weights, by the names of a checkpoint, in place of its own."""
        done = set[Tensor]()
        for tensor in self.spec.tensors():
            home, there = self._home(tensor.parts[0], tensor.layer, bias=tensor.bias)
            if home not in done:
                done.add(home)
                home.copy_(_join(self.spec.take(weights, part, tensor.layer, bias=tensor.bias) for part in there))

    def _home(self, part: Part, layer: int, *, bias: bool) -> tuple[Tensor, tuple[Part, ...]]:
        """Return the tensor that holds a part, and all parts that it holds, side by side."""
        outside = {Part.TOKENS: self.tokens, Part.POSITIONS: self.positions, Part.HEAD: self.head}
        if part in outside:
            return cast(Tensor, outside[part]), (part,)
        if part is Part.FINAL_NORM:
            module, parts = self.final_norm, (part,)
        else:
            groups = (_LAYER_MATRICES | _LAYER_NORMS).items()  # type: ignore[operator]
            name, parts = next((name, parts) for name, parts in groups if part in parts)
            module = getattr(self.layers[layer], name)
        held = tuple(each for each in parts if self.spec.has(each))
        return cast(Tensor, module.bias if bias else module.weight), held


def _join(pieces: Iterable[Tensor]) -> Tensor:
    """Return tensors side by side, in memory that is in order; one alone may be itself."""
    found = list(pieces)
    return found[0].contiguous() if len(found) == 1 else torch.cat(found, -1)
