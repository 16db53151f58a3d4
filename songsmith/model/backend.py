"""The interface between engine and network: token ids and a cache go in, logits come out.

A backend knows no text, no options and no randomness; sampling, stopping and text belong to the engine. Where memory runs out,
whatever a backend, a cache or a batch is asked for raises `OutOfMemoryError`.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from types import TracebackType

    from torch import Tensor

Logits = NDArray[np.float32]

Companion = TypeVar("Companion")

# Letters in shapes: B = rows of a batch, R = most rows it has room for, V = vocabulary size.


class Cache(Protocol):
    """What a backend remembers of the tokens it has read, row by row. Rows may differ in length."""

    @property
    def lengths(self) -> list[int]:
        """Tokens held for each row."""
        ...

    @property
    def capacity(self) -> int:
        """Most tokens a row can hold."""
        ...

    def expand(self, rows: int) -> "Cache":
        """Return a cache with the one row of this one `rows` times over."""
        ...

    def select(self, rows: Sequence[int]) -> "Cache":
        """Return a cache with only these rows, in this order. It may take the memory of this one, which is of no use after."""
        ...

    def add_rows(self, count: int, capacity: int) -> "Cache":
        """Return a cache with so many empty rows behind those of this one, and room for at least `capacity` tokens in each row.

        It may take the memory of this one, which is of no use after; where memory runs out, this one is as it was.
        """
        ...

    def replace(self, row: int, other: "Cache") -> None:
        """Put the one row of `other` in place of a row of this one, where it must fit."""
        ...

    def truncate(self, row: int, tokens: int) -> None:
        """Take back the last tokens of a row, as if they had not been read."""
        ...


class Batch(Cache, Protocol):
    """Rows that read one token each, step after step, on a device that works through what it was told while the host goes on.

    What it works with stays where it is in memory, so that work once done can be done again as it was recorded. A batch is
    opened by `with`, and may be opened again for other rows once it was left, unless an error ended it.
    """

    @property
    def tokens(self) -> "Tensor":
        """(R,) int64: the tokens that the next step reads, from whoever chooses them."""
        ...

    @property
    def logits(self) -> "Tensor":
        """(R, V) float32: of the tokens to follow."""
        ...

    def add_rows(self, count: int, capacity: int) -> "Batch":
        """Return a batch with so many empty rows behind those of this one: this one, or a larger one opened in its place."""
        ...

    @property
    def padded_batch_size(self) -> int:
        """Rows that work is done for: those there are, and some that fill them up to a size that comes again."""
        ...

    def step(self) -> None:
        """Have every row read its token, and go on at once."""
        ...

    def run(self, key: Hashable, work: Callable[[], None]) -> None:
        """Have work done: as it is written the first time, as it was recorded from then on.

        Args:
            key: names the work, and every size in it.
            work: reads and writes tensors that live as long as the batch, and never asks what they hold.
        """
        ...

    def get_or_create_state(self, make: Callable[[], Companion]) -> Companion:
        """Return what `make` returned the first time: what recorded work needs beside the batch lives as long as it does."""
        ...

    def __enter__(self) -> "Batch":
        """Begin."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        """End."""
        ...


class Backend(Protocol):
    """A network that can be run one step at a time."""

    @property
    def vocabulary_size(self) -> int:
        """Number of tokens it knows: V."""
        ...

    @property
    def context_window_tokens(self) -> int:
        """Most tokens a row of a cache can hold."""
        ...

    @property
    def device_name(self) -> str:
        """Where it runs, such as `cpu` or `cuda:0`."""
        ...

    def new_cache(self, capacity: int) -> Cache:
        """Return an empty cache of one row that can hold `capacity` tokens, at most the context window."""
        ...

    def open_batch(self, rows: int) -> Batch | None:
        """Return a batch of so many empty rows, each with room for the whole window; nothing where steps are waited for."""
        ...

    def forward(self, tokens: Sequence[Sequence[int]], cache: Cache, *, all_positions: bool = False) -> Logits:
        """Read tokens behind what the cache holds, at least one for each row, and remember them.

        Args:
            tokens: of each row.
            cache: of as many rows.
            all_positions: whether the logits behind every token are wanted, not only behind the last one of a row.

        Returns:
            (B, V) logits of the token to follow; with `all_positions`, (N, V) of the N tokens read, row after row. On the CPU and
            free to be overwritten, as the next step may do.
        """
        ...

    def forward_full(self, tokens: Sequence[int]) -> Logits:
        """Read a text from its start.

        Returns:
            (T, V) logits on the CPU: row t is of the token that follows token t.
        """
        ...
