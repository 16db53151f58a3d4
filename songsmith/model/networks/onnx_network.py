"""A network on ONNX Runtime: the executor for CPUs. Loads a graph that `compiled.py` had made; needs no torch."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songsmith.memory import minding_memory
from songsmith.model.architectures.spec import NetworkSpec
from songsmith.model.backend import Batch, Cache, Logits

# Its makers are told of every session unless this is set before it loads; songsmith tells nobody what is written.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime
from onnxruntime import InferenceSession as Session

Array = NDArray[Any]

# Letters in shapes: B = rows, T = tokens read now, W = tokens whose logits are wanted, S = capacity of the cache,
# K = key-value heads, E = size of a head, V = vocabulary.

_FATAL = 4
# Rows that read less than their neighbours are filled up behind, and what fills them must have a place in the cache too.
_PADDING = 32


def open_session(path: Path, *, threads: int) -> Session:
    """Load a graph onto the CPU.

    Args:
        path: of the graph.
        threads: that share a step's work.
    """
    onnxruntime.disable_telemetry_events()  # on Windows the variable alone does not do it
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = _FATAL  # what goes wrong is raised as well
    return Session(path, options, providers=["CPUExecutionProvider"])


def run_graph(graph: bytes) -> Array:
    """Run a graph without inputs once, and return its one output."""
    outputs: list[Array] = Session(graph, providers=["CPUExecutionProvider"]).run(None, {})
    return outputs[0]


class OnnxCache:
    """Keys and values of every layer, in memory that the session writes to where it lies."""

    def __init__(self, buffers: list[Array], lengths: list[int]) -> None:
        """Hold keys of each layer, then values of each layer, (B, K, S, E); row b is filled up to lengths[b]."""
        self.buffers = buffers
        self.lengths = lengths
        self._bound: dict[tuple[int, int], _Bound] = {}

    @property
    def capacity(self) -> int:
        """Most tokens a row can hold."""
        return int(self.buffers[0].shape[2]) - _PADDING

    @minding_memory()
    def expand(self, rows: int) -> "OnnxCache":
        """Return a cache with the one row of this one `rows` times over."""
        filled = self.lengths[0]
        buffers = []
        for buffer in self.buffers:
            # Untouched pages of zeros cost nothing: only what is filled is copied.
            many = np.zeros((rows, *buffer.shape[1:]), buffer.dtype)
            many[:, :, :filled] = buffer[:, :, :filled]
            buffers.append(many)
        return OnnxCache(buffers, self.lengths * rows)

    @minding_memory()
    def add_rows(self, count: int, capacity: int) -> "OnnxCache":
        """Return a cache with so many empty rows behind those of this one, and room for at least `capacity` tokens in each."""
        room, filled = max(self.capacity, capacity) + _PADDING, max(self.lengths, default=0)
        buffers = []
        for buffer in self.buffers:
            rows, heads, _, width = buffer.shape
            more = np.zeros((rows + count, heads, room, width), buffer.dtype)
            more[:rows, :, :filled] = buffer[:, :, :filled]
            buffers.append(more)
        return OnnxCache(buffers, [*self.lengths, *[0] * count])

    @minding_memory()
    def select(self, rows: Sequence[int]) -> "OnnxCache":
        """Return a cache with only these rows, in this order. It takes the memory of this one, which is of no use after."""
        moved = {row: [buffer[row].copy() for buffer in self.buffers] for row in _read_late(rows)}
        for place, row in enumerate(rows):
            if place == row:
                continue
            for number, buffer in enumerate(self.buffers):
                source = moved[row][number] if row in moved else buffer[row]
                buffer[place, :, : self.lengths[row]] = source[:, : self.lengths[row]]
        return OnnxCache([buffer[: len(rows)] for buffer in self.buffers], [self.lengths[row] for row in rows])

    def replace(self, row: int, other: Cache) -> None:
        """Put the one row of `other` in place of a row of this one, where it must fit."""
        assert isinstance(other, OnnxCache)
        filled = other.lengths[0]
        for mine, theirs in zip(self.buffers, other.buffers, strict=True):
            mine[row, :, :filled] = theirs[0, :, :filled]
        self.lengths[row] = filled

    def truncate(self, row: int, tokens: int) -> None:
        """Take back the last tokens of a row, as if they had not been read."""
        self.lengths[row] -= tokens  # what lies past its length is never looked at

    def bind(self, session: Session, tokens: int, wanted: int, vocabulary: int) -> "_Bound":
        """Return where a step of this size reads and writes. The few sizes there are come again and again."""
        if (tokens, wanted) not in self._bound:
            self._bound[tokens, wanted] = _Bound(session, self.buffers, tokens, wanted, vocabulary)
        return self._bound[tokens, wanted]


def _read_late(rows: Sequence[int]) -> set[int]:
    """Return the rows that would be written over before they are read."""
    return {row for place, row in enumerate(rows) if row < place and rows[row] != row}


class _Bound:
    """Memory of one size of step. The session reads and writes it where it lies, step after step."""

    def __init__(self, session: Session, buffers: list[Array], tokens: int, wanted: int, vocabulary: int) -> None:
        rows = len(buffers[0])
        self.inputs: dict[str, Array] = {
            "ids": np.zeros((rows, tokens), np.int64), "position_ids": np.zeros((rows, tokens), np.int64),
            "lengths": np.zeros(rows, np.int32), "counts": np.zeros(rows, np.int32), "longest": np.zeros(1, np.int32),
            "logit_indices": np.zeros(wanted, np.int64),
        }  # fmt: skip
        self.logits = np.empty((wanted, vocabulary), np.float32)
        self.binding = session.io_binding()
        value = onnxruntime.OrtValue.ortvalue_from_numpy  # shares the array's memory
        asked = {
            put.name for put in session.get_inputs()
        }  # a network with rotary positions has no use for their numbers
        for name in asked & self.inputs.keys():
            self.binding.bind_ortvalue_input(name, value(self.inputs[name]))
        self.binding.bind_ortvalue_output("logits", value(self.logits))
        layers = len(buffers) // 2
        for number, buffer in enumerate(buffers):
            part, layer = ("keys", number) if number < layers else ("values", number - layers)
            shared = value(buffer)
            self.binding.bind_ortvalue_input(f"{part}.{layer}", shared)
            self.binding.bind_ortvalue_output(f"{part}_now.{layer}", shared)


class OnnxNetwork:
    """A network that reads tokens and gives the logits of what follows."""

    def __init__(self, spec: NetworkSpec, session: Session) -> None:
        """Run the graph of a session.

        Args:
            spec: of the network in it.
            session: from `open_session`.
        """
        self.spec = spec
        self._session = session
        kinds = {"tensor(int8)": np.int8, "tensor(float)": np.float32}
        self._cache_dtype = next(kinds[put.type] for put in session.get_inputs() if put.name == "keys.0")

    @property
    def vocabulary_size(self) -> int:
        """Number of tokens it knows: V."""
        return self.spec.vocabulary_size

    @property
    def context_window_tokens(self) -> int:
        """Most tokens a row of a cache can hold: there are no positions past them."""
        return self.spec.context_window_tokens

    @property
    def device_name(self) -> str:
        """Where it runs."""
        return "cpu"

    @minding_memory()
    def new_cache(self, capacity: int) -> OnnxCache:
        """Return an empty cache of one row that can hold `capacity` tokens, at most the context window."""
        attention, slots = self.spec.attention, min(capacity, self.context_window_tokens) + _PADDING
        shape = (1, attention.key_value_heads, slots, attention.head_size)
        return OnnxCache([np.zeros(shape, self._cache_dtype) for _ in range(2 * self.spec.layers)], [0])

    def open_batch(self, rows: int) -> Batch | None:
        """Return nothing: here every step is waited for."""
        return None

    def forward(self, tokens: Sequence[Sequence[int]], cache: Cache, *, all_positions: bool = False) -> Logits:
        """Read tokens behind what the cache holds, at least one for each row, and remember them.

        Returns:
            (B, V) float32 logits of the token to follow; with `all_positions`, (N, V) of all tokens read, row after row. The next
            step of this cache may write over them.
        """
        wide = max(map(len, tokens))
        return self._run(
            tokens,
            cache,
            [
                row * wide + place
                for row, row_tokens in enumerate(tokens)
                for place in range(0 if all_positions else len(row_tokens) - 1, len(row_tokens))
            ],
        )

    def forward_full(self, tokens: Sequence[int]) -> Logits:
        """Read a text from its start and return (T, V) float32 logits: row t is of the token that follows token t."""
        return self._run([tokens], self.new_cache(len(tokens)), range(len(tokens)))

    @minding_memory()
    def _run(self, tokens: Sequence[Sequence[int]], cache: Cache, wanted: Sequence[int]) -> Logits:
        assert isinstance(cache, OnnxCache)
        counts = [len(row) for row in tokens]
        longest, starts = max(counts), cache.lengths
        ends = [start + count for start, count in zip(starts, counts, strict=True)]
        if min(counts) < 1 or max(ends) > cache.capacity or max(starts) + longest > cache.capacity + _PADDING:
            raise ValueError(f"{longest} tokens behind {max(starts)} do not fit a cache of {cache.capacity}")
        bound = cache.bind(self._session, longest, len(wanted), self.vocabulary_size)
        inputs = bound.inputs
        for row, row_tokens in enumerate(tokens):
            inputs["ids"][row, : counts[row]] = row_tokens
            # Behind its tokens a row holds padding, at any place that there is.
            inputs["position_ids"][row] = np.minimum(np.arange(starts[row], starts[row] + longest), ends[row] - 1)
        inputs["lengths"][:] = ends
        inputs["lengths"] -= 1
        inputs["counts"][:] = counts
        inputs["longest"][:] = max(ends)
        inputs["logit_indices"][:] = wanted
        self._session.run_with_iobinding(bound.binding)
        cache.lengths[:] = ends
        return bound.logits
