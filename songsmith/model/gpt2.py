"""The GPT-2 network for inference in plain torch (Radford et al. 2019): the reference every faster backend is held to.

Float32 on the CPU, bfloat16 on CUDA, by the same code. Knows tensors and token ids, not text.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  (its name everywhere)
from torch import Tensor

from songsmith.model.architectures.spec import NetworkSpec
from songsmith.model.backend import Batch, Cache, Logits

# Letters in shapes: B = rows, T = tokens read now, N = B * T, S = tokens in the cache, D = width, H = heads, E = D / H,
# V = vocabulary.


# Rows that read less than their neighbours are filled up behind, and what fills them must have a place in the cache too.
_PADDING = 32


class KeyValueCache:
    """Keys and values of every layer in buffers that are never copied while a song grows."""

    def __init__(self, layers: list[Tensor], lengths: list[int]) -> None:
        """Hold a buffer for each layer: keys, then values, (2, B, H, capacity, E); row b is filled up to lengths[b]."""
        self.layers = layers
        self.lengths = lengths

    @property
    def capacity(self) -> int:
        """Most tokens a row can hold."""
        return self.layers[0].shape[3] - _PADDING

    def expand(self, rows: int) -> "KeyValueCache":
        """Return a cache with the one row of this one `rows` times over."""
        return self.select([0] * rows)

    def select(self, rows: Sequence[int]) -> "KeyValueCache":
        """Return a cache with only these rows, in this order."""
        index = torch.tensor(rows, device=self.layers[0].device)
        return KeyValueCache(
            [layer.index_select(1, index) for layer in self.layers], [self.lengths[row] for row in rows]
        )

    def replace(self, row: int, other: Cache) -> None:
        """Put the one row of `other` in place of a row of this one, where it must fit."""
        assert isinstance(other, KeyValueCache)
        filled = other.lengths[0]
        for mine, theirs in zip(self.layers, other.layers, strict=True):
            mine[:, row, :, :filled].copy_(theirs[:, 0, :, :filled])
        self.lengths[row] = filled

    def truncate(self, row: int, tokens: int) -> None:
        """Take back the last tokens of a row, as if they had not been read."""
        self.lengths[row] -= tokens  # what lies past its length is never looked at


@dataclass(frozen=True)
class _Block:
    """The weights of one layer. Matrices are (in, out), as GPT-2's checkpoints store them."""

    ln_1: tuple[Tensor, Tensor]
    attention_in: tuple[Tensor, Tensor]
    attention_out: tuple[Tensor, Tensor]
    ln_2: tuple[Tensor, Tensor]
    mlp_in: tuple[Tensor, Tensor]
    mlp_out: tuple[Tensor, Tensor]


class GPT2:
    """A GPT-2 that reads tokens and gives the logits of what follows."""

    def __init__(
        self, spec: NetworkSpec, weights: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype
    ) -> None:
        """Take the weights of a checkpoint onto a device.

        Args:
            spec: their shape.
            weights: by the names `spec.weight_shapes()` gives; more are ignored.
            device: where to run.
            dtype: the precision to run in.

        Raises:
            ModelError: a weight is missing or has another shape.
        """
        spec.check_shapes({name: tuple(weight.shape) for name, weight in weights.items()})

        def take(name: str) -> Tensor:
            return weights[name].to(device=device, dtype=dtype)

        def pair(name: str) -> tuple[Tensor, Tensor]:
            return take(f"{name}.weight"), take(f"{name}.bias")

        self.spec = spec
        self._device, self._dtype = device, dtype
        self._tokens = take("wte.weight")  # (V, D)
        # The head is the same matrix. Laid out like the others it is read a sixth faster, with every token.
        self._vocabulary = self._tokens.t().contiguous()  # (D, V)
        self._positions = take("wpe.weight")
        self._norm = pair("ln_f")
        parts = ("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj")
        self._blocks = [_Block(*(pair(f"h.{layer}.{part}") for part in parts)) for layer in range(spec.layers)]

    @property
    def vocabulary_size(self) -> int:
        """Number of tokens it knows: V."""
        return self.spec.vocabulary_size

    @property
    def context_window_tokens(self) -> int:
        """Most tokens a row of a cache can hold: GPT-2 has no positions past its window."""
        return self.spec.context_window_tokens

    @property
    def device_name(self) -> str:
        """Where it runs, such as `cpu` or `cuda:0`."""
        return str(self._device)

    def new_cache(self, capacity: int, *, rows: int = 1) -> KeyValueCache:
        """Return an empty cache of one row, or more, that can hold `capacity` tokens each, at most the context window."""
        heads = self.spec.attention.heads
        shape = (2, rows, heads, min(capacity, self.context_window_tokens) + _PADDING, self.spec.width // heads)
        layers = [torch.zeros(shape, dtype=self._dtype, device=self._device) for _ in self._blocks]
        return KeyValueCache(layers, [0] * rows)

    def open_batch(self, rows: int) -> Batch | None:
        """Return nothing: here every step is waited for."""
        return None

    @torch.inference_mode()
    def forward(self, tokens: Sequence[Sequence[int]], cache: Cache, *, all_positions: bool = False) -> Logits:
        """Read tokens behind what the cache holds, at least one for each row, and remember them.

        Returns:
            (B, V) float32 logits of the token to follow; with `all_positions`, (N, V) of all tokens read, row after row.
        """
        hidden, counts = self._read(tokens, cache)  # (B, T, D)
        if all_positions:
            rows = [row for row, count in enumerate(counts) for _ in range(count)]
            return self._head(hidden[rows, [place for count in counts for place in range(count)]])
        last = (
            hidden[list(range(len(counts))), [count - 1 for count in counts]] if len(set(counts)) > 1 else hidden[:, -1]
        )
        return self._head(last)  # (B, D) -> (B, V)

    @torch.inference_mode()
    def forward_full(self, tokens: Sequence[int]) -> Logits:
        """Read a text from its start and return (T, V) float32 logits: row t is of the token that follows token t."""
        hidden, _ = self._read([tokens], self.new_cache(len(tokens)))
        return self._head(hidden[0])  # (T, D) -> (T, V)

    def _head(self, hidden: Tensor) -> Logits:
        logits: Logits = torch.mm(hidden, self._vocabulary).float().cpu().numpy()
        return logits

    def _read(self, tokens: Sequence[Sequence[int]], cache: Cache) -> tuple[Tensor, list[int]]:
        """Return (B, T, D) final states, of which row b's are valid up to its count, and the counts."""
        assert isinstance(cache, KeyValueCache)
        counts = [len(row) for row in tokens]
        longest, starts = max(counts), list(cache.lengths)
        ends = [start + count for start, count in zip(starts, counts, strict=True)]
        span = max(starts) + longest
        if min(counts) < 1 or max(ends) > cache.capacity or span > cache.capacity + _PADDING:
            raise ValueError(f"{longest} tokens behind {max(starts)} do not fit a cache of {cache.capacity}")
        ids = np.zeros((len(counts), longest), dtype=np.int64)
        for row, row_tokens in enumerate(tokens):
            ids[row, : counts[row]] = row_tokens
        first = torch.tensor(starts, device=self._device)
        places = first[:, None] + torch.arange(longest, device=self._device)  # (B, T)
        # Rows in step, as takes of one prompt are, are one slice of the cache; others are found row by row.
        even = len(set(starts)) == 1 and len(set(counts)) == 1
        rows = None if even else torch.arange(len(counts), device=self._device)[:, None]
        mask = None
        if not even or (longest > 1 and starts[0] > 0):
            # A row sees its own past only; what lies past its length is another row's padding.
            mask = torch.arange(span, device=self._device) <= places[:, None, :, None]  # (B, 1, T, S)
        x = self._run(torch.from_numpy(ids).to(self._device), places, cache.layers, span=span, rows=rows, mask=mask)
        cache.lengths[:] = ends
        return x, counts

    def _run(
        self, ids: Tensor, places: Tensor, layers: Sequence[Tensor], *, span: int, rows: Tensor | None, mask: Tensor | None
    ) -> Tensor:  # fmt: skip
        """Read tokens, write their keys and values, and return their final states.

        Args:
            ids: (B, T) tokens.
            places: (B, T) of each in its row.
            layers: of the cache, (2, B, H, capacity, E) each.
            span: S, tokens of the cache that are looked at, from its start.
            rows: (B, 1) numbers of the rows; None where all of them write to the end of the span.
            mask: (B, 1, T, S) of what each token sees, as attention takes it; None where that is all that lies before it.

        Returns:
            (B, T, D).
        """
        (batch, longest), heads = ids.shape, self.spec.attention.heads
        split = (batch, longest, 3, heads, self.spec.width // heads)
        x = F.embedding(ids, self._tokens) + F.embedding(
            places.clamp(max=self.context_window_tokens - 1), self._positions
        )
        x = x.view(-1, self.spec.width)  # (N, D): only attention minds which rows tokens are of
        for block, layer in zip(self._blocks, layers, strict=True):
            mixed = _affine(self._normed(x, block.ln_1), block.attention_in).view(split)  # (B, T, 3, H, E)
            if rows is None:
                layer[:, :, :, span - longest : span] = mixed[:, :, 1:].permute(2, 0, 3, 1, 4)  # (2, B, H, T, E)
            else:
                layer[:, rows, :, places] = mixed[:, :, 1:]
            query = mixed[:, :, 0].transpose(1, 2)  # (B, H, T, E)
            keys, values = layer[:, :, :, :span].unbind()  # (B, H, S, E) each
            seen = F.scaled_dot_product_attention(
                query, keys, values, attn_mask=mask, is_causal=mask is None and longest > 1
            )
            x += _affine(seen.transpose(1, 2).reshape(x.shape), block.attention_out)
            inner = F.gelu(_affine(self._normed(x, block.ln_2), block.mlp_in), approximate="tanh")  # (N, inner)
            x += _affine(inner, block.mlp_out)
        return self._normed(x, self._norm).view(batch, longest, -1)

    def _normed(self, x: Tensor, norm: tuple[Tensor, Tensor]) -> Tensor:
        return F.layer_norm(x, (self.spec.width,), *norm, self.spec.norm.epsilon)


def _affine(x: Tensor, weights: tuple[Tensor, Tensor]) -> Tensor:
    weight, bias = weights
    return torch.addmm(bias, x, weight)  # (N, in) -> (N, out)


def random_weights(spec: NetworkSpec, seed: int) -> dict[str, Tensor]:
    """Return weights drawn as GPT-2's were before training: normal, 0.02 wide, residual projections narrower by depth."""
    generator = torch.Generator().manual_seed(seed)
    weights: dict[str, Tensor] = {}
    for name, shape in spec.weight_shapes().items():
        if name.endswith("bias"):
            weights[name] = torch.zeros(shape)
        elif ".ln_" in name or name.startswith("ln_"):
            weights[name] = torch.ones(shape)
        else:
            scale = 0.02 / math.sqrt(2 * spec.layers) if name.endswith("c_proj.weight") else 0.02
            weights[name] = torch.randn(shape, generator=generator) * scale
    return weights
