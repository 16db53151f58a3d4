"""Run a network in torch, step by step: the reference for every faster executor.

Float32 on the CPU, bfloat16 on CUDA, by the same code. Knows tensors and token ids, not text.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from songsmith.memory import minding_memory
from songsmith.model.architectures.spec import NetworkSpec
from songsmith.model.backend import Batch, Cache, Logits
from songsmith.model.networks.torch_network import CacheView, TorchNetwork

# Letters in shapes: B = rows, T = tokens read now, N = B * T, S = tokens in the cache, D = width, K = key-value heads,
# E = size of a head, V = vocabulary.

# Rows that read less than their neighbours are filled up behind, and what fills them must have a place in the cache too.
_PADDING = 32


class KeyValueCache:
    """Keys and values of every layer in buffers that are never copied while a song grows."""

    def __init__(self, layers: list[Tensor], lengths: list[int]) -> None:
        """Hold a buffer for each layer: keys, then values, (2, B, K, capacity, E); row b is filled up to lengths[b]."""
        self.layers = layers
        self.lengths = lengths

    @property
    def capacity(self) -> int:
        """Most tokens a row can hold."""
        return self.layers[0].shape[3] - _PADDING

    def expand(self, rows: int) -> "KeyValueCache":
        """Return a cache with the one row of this one `rows` times over."""
        return self.select([0] * rows)

    @minding_memory()
    def select(self, rows: Sequence[int]) -> "KeyValueCache":
        """Return a cache with only these rows, in this order."""
        index = torch.tensor(rows, device=self.layers[0].device)
        return KeyValueCache(
            [layer.index_select(1, index) for layer in self.layers], [self.lengths[row] for row in rows]
        )

    @minding_memory()
    def add_rows(self, count: int, capacity: int) -> "KeyValueCache":
        """Return a cache with so many empty rows behind those of this one, and room for at least `capacity` tokens in each."""
        room, filled = max(self.capacity, capacity) + _PADDING, max(self.lengths, default=0)
        layers = []
        for layer in self.layers:
            two, rows, heads, _, width = layer.shape
            more = layer.new_zeros(two, rows + count, heads, room, width)
            more[:, :rows, :, :filled] = layer[:, :, :, :filled]
            layers.append(more)
        return KeyValueCache(layers, [*self.lengths, *[0] * count])

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


class TorchBackend:
    """A network that reads tokens and gives the logits of what follows."""

    def __init__(
        self, spec: NetworkSpec, weights: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype
    ) -> None:
        """Take the weights of a checkpoint onto a device.

        Args:
            spec: what it computes.
            weights: by the names `spec.weight_shapes()` gives; more are ignored.
            device: where to run.
            dtype: the precision to run in.

        Raises:
            ModelError: a weight is missing or has another shape.
        """
        self.spec = spec
        self._device, self._dtype = device, dtype
        self._network = TorchNetwork(spec, weights, device, dtype).eval()
        head = self._network.head
        # A tied head, laid out as any other matrix, is read a sixth faster, with every token.
        self._vocabulary = (self._network.tokens.detach().t() if head is None else head.detach()).contiguous()  # (D, V)

    @property
    def vocabulary_size(self) -> int:
        """Number of tokens it knows: V."""
        return self.spec.vocabulary_size

    @property
    def context_window_tokens(self) -> int:
        """Most tokens a row of a cache can hold."""
        return self.spec.context_window_tokens

    @property
    def device_name(self) -> str:
        """Where it runs, such as `cpu` or `cuda:0`."""
        return str(self._device)

    @minding_memory()
    def new_cache(self, capacity: int, *, rows: int = 1) -> KeyValueCache:
        """Return an empty cache of one row, or more, that can hold `capacity` tokens each, at most the context window."""
        attention, places = self.spec.attention, min(capacity, self.context_window_tokens) + _PADDING
        shape = (2, rows, attention.key_value_heads, places, attention.head_size)
        layers = [torch.zeros(shape, dtype=self._dtype, device=self._device) for _ in range(self.spec.layers)]
        return KeyValueCache(layers, [0] * rows)

    def open_batch(self, rows: int) -> Batch | None:
        """Return nothing: here every step is waited for."""
        return None

    @minding_memory()
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

    @minding_memory()
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
        view = CacheView(layers=cache.layers, span=span, rows=rows, mask=mask)
        states = self._network(torch.from_numpy(ids).to(self._device), places, view)  # (N, D)
        cache.lengths[:] = ends
        return states.view(len(counts), longest, -1), counts
