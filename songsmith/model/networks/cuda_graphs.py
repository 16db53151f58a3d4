"""A network on CUDA whose steps are recorded once and replayed, in memory that stays in place.

A step launches hundreds of small pieces of work, and launching them one by one takes longer than doing them. So each size of
step is recorded once as a CUDA graph and from then on launched whole. On any other device the same steps are simply run.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from songsmith.memory import minding_memory
from songsmith.model.architectures.spec import NetworkSpec
from songsmith.model.backend import Companion
from songsmith.model.networks.torch_backend import KeyValueCache, TorchBackend
from songsmith.model.networks.torch_network import CacheView

if TYPE_CHECKING:
    from types import TracebackType

# Letters in shapes: B = rows that are run, R = most rows of a batch, S = tokens of the cache looked at, D = width,
# K = key-value heads, E = size of a head, V = vocabulary.

# Each span is recorded by itself, which takes as long as dozens of steps; to look at more than is filled costs little.
_SHORTEST_SPAN = 256
# A step has a mask, which flash attention does not take, and cuDNN plans anew for every size.
_ATTENTION = [SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


class GraphCache:
    """Does work on a device, by CUDA graphs where it was done before."""

    def __init__(self, device: torch.device) -> None:
        """Record on a GPU; on any other device work is always done as it is written."""
        self._device = device
        self._graphs: dict[Hashable, torch.cuda.CUDAGraph | None] = {}  # None where it could not be recorded
        on_gpu = device.type == "cuda"
        self._stream = torch.cuda.Stream(device) if on_gpu else None  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle() if on_gpu else None

    @property
    def recorded(self) -> set[Hashable]:
        """Keys of all work that is launched whole."""
        return {key for key, graph in self._graphs.items() if graph is not None}

    @torch.inference_mode()
    def run(self, key: Hashable, work: Callable[[], None]) -> None:
        """Do work: as it is written the first time, as it was recorded from then on."""
        graph = self._graphs.get(key)
        if graph is not None:
            graph.replay()
        elif self._stream is None or key in self._graphs:
            work()
        else:
            self._run_and_record(key, work, self._stream)

    def _run_and_record(self, key: Hashable, work: Callable[[], None], stream: torch.cuda.Stream) -> None:
        caller = torch.cuda.current_stream(self._device)
        stream.wait_stream(caller)
        try:
            with torch.cuda.device(self._device), torch.cuda.stream(stream):
                work()  # libraries set themselves up in this, on the stream that is recorded next
                self._record(key, work, stream)
        finally:
            caller.wait_stream(stream)

    def _record(self, key: Hashable, work: Callable[[], None], stream: torch.cuda.Stream) -> None:
        graph = torch.cuda.CUDAGraph()
        try:
            # Other threads may use the GPU meanwhile; only this one is watched for what cannot be recorded.
            with torch.cuda.graph(graph, pool=self._pool, stream=stream, capture_error_mode="thread_local"):
                work()  # launches nothing
        except RuntimeError as error:
            # What went wrong in a recording may make its end fail for another reason. The error itself is in no variable here
            # that outlives this block: with its traceback it would hold the memory of the batch until somebody looks for cycles.
            if any(isinstance(cause, torch.OutOfMemoryError) for cause in (error, error.__context__)):
                raise torch.OutOfMemoryError("CUDA out of memory while a step was recorded") from None
            self._graphs[key] = None  # slower, but it writes
        else:
            self._graphs[key] = graph


class StaticBatch(KeyValueCache):
    """Rows of a `CudaGraphNetwork` that read one token each, step after step."""

    def __init__(self, network: "CudaGraphNetwork", rows: int) -> None:
        """Take memory for at most so many rows."""
        self._network = network
        self._buffers = network.new_cache(network.context_window_tokens, rows=rows).layers
        super().__init__([], [])
        device = self._buffers[0].device
        self._recorder = GraphCache(device)
        self._companion: object = None
        self.tokens = torch.zeros(rows, dtype=torch.int64, device=device)
        """(R,): what the next step reads."""
        self.logits = torch.zeros(rows, network.vocabulary_size, device=device)
        """(R, V): of the tokens to follow."""
        self._numbers = torch.arange(rows, device=device)
        self._slots = torch.arange(self._buffers[0].shape[3], device=device)
        # Each row's length, and what a step adds to it: nothing where it only fills the batch up.
        self._places = torch.zeros(2, rows, dtype=torch.int64, device=device)
        self._lengths_there: list[int] = []  # as the device has them

    @property
    def most_rows(self) -> int:
        """Rows it has room for: R."""
        return len(self.tokens)

    @property
    def padded_batch_size(self) -> int:
        """Rows that work is done for: those there are, and some that fill them up to a size that comes again."""
        return min(round_rows(len(self.lengths)), self.most_rows)

    @property
    def recorded(self) -> set[Hashable]:
        """Keys of all work that is launched whole."""
        return self._recorder.recorded

    def clear(self, rows: int) -> None:
        """Begin anew with so many empty rows."""
        self._lengths_there = []  # whoever had it before may have been cut off between a step and its count
        self._hold([0] * rows)

    def _hold(self, lengths: list[int]) -> None:
        self.lengths = lengths
        self.layers = [buffer[:, : len(lengths)] for buffer in self._buffers]

    @minding_memory()
    def select(self, rows: Sequence[int]) -> "StaticBatch":
        """Return this batch with only these rows, in this order."""
        moved = [(place, row) for place, row in enumerate(rows) if place != row]
        if moved:
            to, source = ([pair[side] for pair in moved] for side in (0, 1))
            for buffer in self._buffers:
                buffer[:, to] = buffer[:, source]
            for each in (self.tokens, self.logits):
                each[to] = each[source]
        self._hold([self.lengths[row] for row in rows])
        return self

    @minding_memory()
    def add_rows(self, count: int, capacity: int) -> "StaticBatch":
        """Return this batch with so many empty rows more, or a larger one, opened with all this one holds.

        Each row has room for the whole window, whatever `capacity` is asked for.
        """
        rows = len(self.lengths)
        if rows + count <= self.most_rows:
            self._hold([*self.lengths, *[0] * count])
            return self
        larger = self._network.open_batch(rows + count)
        longest = max(self.lengths, default=0)
        for mine, theirs in zip(self._buffers, larger._buffers, strict=True):
            theirs[:, :rows, :, :longest] = mine[:, :rows, :, :longest]
        larger.logits[:rows] = self.logits[:rows]
        larger._hold([*self.lengths, *[0] * count])
        return larger

    @minding_memory()
    def step(self) -> None:
        """Have every row read its token of `tokens`, and go on at once; `logits` follow."""
        longest, rows = max(self.lengths), self.padded_batch_size
        if longest >= self.capacity:
            raise ValueError(f"1 token behind {longest} does not fit a cache of {self.capacity}")
        if self._lengths_there != self.lengths:
            fill = self.most_rows - len(self.lengths)
            places = [[*self.lengths, *[0] * fill], [*[1] * len(self.lengths), *[0] * fill]]
            self._places.copy_(torch.tensor(places))
        span = min(max(_SHORTEST_SPAN, 1 << longest.bit_length()), len(self._slots))
        self._recorder.run(("step", rows, span), lambda: self._step(rows, span))
        self.lengths[:] = [length + 1 for length in self.lengths]
        self._lengths_there = list(self.lengths)

    def _step(self, rows: int, span: int) -> None:
        lengths, grown = self._places[:, :rows]
        mask = torch.zeros(rows, span, dtype=self._buffers[0].dtype, device=lengths.device)
        mask.masked_fill_(self._slots[:span] > lengths[:, None], float("-inf"))  # (B, S)
        layers = [buffer[:, :rows] for buffer in self._buffers]
        self.logits[:rows] = self._network.step(self.tokens[:rows], lengths, layers, self._numbers[:rows], mask)
        lengths += grown

    @minding_memory()
    def run(self, key: Hashable, work: Callable[[], None]) -> None:
        """Have work done: as it is written the first time, as it was recorded from then on."""
        self._recorder.run(key, work)

    @minding_memory()
    def get_or_create_state(self, make: Callable[[], Companion]) -> Companion:
        """Return what `make` returned the first time."""
        if self._companion is None:
            self._companion = make()
        return cast(Companion, self._companion)

    def __enter__(self) -> "StaticBatch":
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        """Leave it to the next, unless it broke down: then its memory is free."""
        if kind is None or not issubclass(kind, Exception):
            self._network.release(self)


class CudaGraphNetwork(TorchBackend):
    """A network whose single steps are queued, not waited for. All else is done as `TorchBackend` does it."""

    def __init__(
        self, spec: NetworkSpec, weights: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype
    ) -> None:
        """Take the weights of a checkpoint onto a device, as `TorchBackend` does."""
        super().__init__(spec, weights, device, dtype)
        self._idle: list[StaticBatch] = []

    @minding_memory()
    def open_batch(self, rows: int) -> StaticBatch:
        """Return a batch of so many empty rows: the one that was left last, with all it recorded, where it is large enough."""
        batch = None
        with suppress(IndexError):
            batch = self._idle.pop()
        if batch is None or batch.most_rows < rows:
            batch = None  # its memory is free before more is taken
            batch = StaticBatch(self, round_rows(rows))
        batch.clear(rows)
        return batch

    def release(self, batch: StaticBatch) -> None:
        """Keep a batch that was left for whoever opens the next."""
        self._idle[:] = [batch]

    def step(self, tokens: Tensor, lengths: Tensor, layers: Sequence[Tensor], rows: Tensor, mask: Tensor) -> Tensor:
        """Read one token of each row.

        Args:
            tokens: (B,).
            lengths: (B,) tokens in the cache, where each one's keys and values go.
            layers: of the cache, (2, B, K, capacity, E) each.
            rows: (B,) numbers from 0.
            mask: (B, S): 0 for what a row sees, its token among it, and -inf for what it does not.

        Returns:
            (B, V) logits.
        """
        view = CacheView(layers=layers, span=mask.shape[1], rows=rows[:, None], mask=mask[:, None, None])
        with sdpa_kernel(_ATTENTION):
            states = self._network(tokens[:, None], lengths[:, None], view)
        return torch.mm(states, self._vocabulary)  # (B, D) -> (B, V)


def round_rows(rows: int) -> int:
    """Return the size of batch that so many rows are filled up to: 1, 2, 3, 4, 6, 8, 12, 16, 24 and so on."""
    power = 1 << (rows - 1).bit_length()
    return power * 3 // 4 if rows <= power * 3 // 4 else power
