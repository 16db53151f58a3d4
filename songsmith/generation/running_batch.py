"""Takes that are written together, step by step; others may join or leave between two steps. Decides nothing about who may.

Two kinds: a batch whose every step is waited for (and which may read guessed tokens along), and one whose next step is queued on a
GPU before the last one's tokens are looked at. Both draw the same tokens.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from songsmith.generation.guesses import Guesser
from songsmith.generation.pace import Pace
from songsmith.generation.queued_sampling import QueuedSampler, check_drawn
from songsmith.generation.reading import Reader
from songsmith.generation.row import Alphabet, Row
from songsmith.generation.sampling import Floats
from songsmith.memory import minding_memory
from songsmith.model.backend import Backend, Batch, Cache

# Letters in shapes: B = takes that go on, V = vocabulary size.

Drawn = tuple[Row, str | Exception]
"""A take that has a new token, with the text it shows; or one that has none, with the reason."""


@dataclass(frozen=True)
class Prefilled:
    """A take whose song so far has been read."""

    row: Row
    cache: Cache
    """Of one row. Other takes of the same prompt may share it: it is copied, never written to."""
    logits: Floats
    """(1, V), of the take's next token; overwritten when it is drawn."""


class RunningBatch(Protocol):
    """Takes that are written together."""

    @property
    def rows(self) -> Sequence[Row]:
        """The takes that go on."""
        ...

    def step(self, joining: Sequence[Prefilled]) -> Iterator[Drawn]:
        """Draw at least one token for every take, those that join among them; takes that end leave.

        Raises:
            OutOfMemoryError: nothing was drawn; the batch is of no more use, its takes can be prefilled again.
            Exception: the network failed, likewise.
        """
        ...

    def remove(self, rows: Sequence[Row]) -> None:
        """Let takes go."""
        ...

    def close(self) -> None:
        """End, with takes or without; what it used may be used by the next batch."""
        ...


class SyncBatch:
    """A batch whose every step is waited for."""

    def __init__(self, backend: Backend, reader: Reader, pace: Pace, guesser: Guesser | None) -> None:
        """Start without takes.

        Args:
            backend: runs the network.
            reader: reads ahead for takes that outgrow the window.
            pace: learns how long steps take.
            guesser: proposes tokens to be read along, if there is one.
        """
        self._backend, self._reader, self._pace, self._guesser = backend, reader, pace, guesser
        self.rows: list[Row] = []
        self._cache: Cache | None = None

    def step(self, joining: Sequence[Prefilled]) -> Iterator[Drawn]:
        """Read the last tokens, and what is proposed to follow them, then draw; see `RunningBatch`."""
        drafts, logits = self._forward() if self.rows else ([], [])
        if joining:
            self._join(joining)
            drafts += [[] for _ in joining]
            logits += [take.logits for take in joining]
        failed: list[Row] = []
        for place, (row, draft, seen) in enumerate(zip(self.rows, drafts, logits, strict=True)):
            kept = 0
            while True:
                try:
                    text = row.step(seen[kept])
                except (RuntimeError, ValueError) as error:
                    failed.append(row)
                    yield row, error
                    break
                yield row, text
                # What the take draws itself decides; a guess that is the same has been read already.
                if row.finish is not None or kept == len(draft) or row.body[-1] != draft[kept]:
                    break
                kept += 1
            if self._guesser and draft:
                self._guesser.learn(place, kept)
                self._cached.truncate(place, len(draft) - kept)
        self.remove([row for row in self.rows if row.finish is not None or row in failed])

    def remove(self, rows: Sequence[Row]) -> None:
        """Let takes go."""
        if not rows:
            return
        going = closed_ranks([row not in rows for row in self.rows])
        self.rows = [self.rows[place] for place in going]
        if not going:
            self._cache = None
            return
        self._cache = self._cached.select(going)
        if self._guesser:
            self._guesser.select(going)

    def close(self) -> None:
        """Free its memory."""
        self.rows, self._cache = [], None

    @property
    def _cached(self) -> Cache:
        assert self._cache is not None
        return self._cache

    def _forward(self) -> tuple[list[list[int]], list[Floats]]:
        """Return the tokens proposed for each take, and the logits behind its last token and each of these."""
        rows, cache = self.rows, self._cached
        self._reader.read_ahead(rows, cache)
        drafts = self._guesser.guess(rows, cache) if self._guesser else [[] for _ in rows]
        read = [[row.body[-1], *draft] for row, draft in zip(rows, drafts, strict=True)]
        step_s = time.perf_counter()
        logits = self._backend.forward(read, cache, all_positions=any(drafts))
        self._pace.note(len(rows), max(map(len, read)), time.perf_counter() - step_s)
        return drafts, _parted(logits, [len(draft) + 1 for draft in drafts]) if any(drafts) else list(logits[:, None])

    def _join(self, joining: Sequence[Prefilled]) -> None:
        longest = max(len(take.row.head) + len(take.row.body) + take.row.tokens_left for take in joining)
        capacity = min(self._backend.context_window_tokens, longest)
        first = len(self.rows)
        if self._cache is None:
            self._cache = self._backend.new_cache(capacity).expand(len(joining))
        else:
            self._cache = self._cache.add_rows(len(joining), capacity)
            if self._guesser:
                self._guesser.add_rows(len(joining))
        for place, take in enumerate(joining, start=first):
            self._cache.replace(place, take.cache)
        self.rows += [take.row for take in joining]


class AsyncBatch:
    """A batch on a device that is given its next step before the last one's tokens are looked at."""

    def __init__(self, batch: Batch, reader: Reader, alphabet: Alphabet) -> None:
        """Start without takes.

        Args:
            batch: of the device, with an empty row for each of the takes that join first.
            reader: reads ahead for takes that outgrow the window.
            alphabet: of the model.
        """
        self._reader, self._alphabet = reader, alphabet
        self.rows: list[Row] = []
        self._open = ExitStack()
        self._batch = self._open.enter_context(batch)
        self._changed = False
        """Takes have left or been mended since the sampler was told of them."""

    def step(self, joining: Sequence[Prefilled]) -> Iterator[Drawn]:
        """Draw from the logits of the step that was queued last, and queue the next; see `RunningBatch`."""
        with minding_memory():  # the sampler takes memory of the device, too
            tokens, full, mended = self._step(joining)
        failed: list[Row] = []
        for row, token in zip(self.rows, tokens, strict=True):
            try:
                check_drawn(token)
            except RuntimeError as error:
                failed.append(row)
                yield row, error
            else:
                yield row, row.take_drawn(token)
        self._changed |= mended
        self.remove([row for row in self.rows if row.finish is not None or row in failed])
        if self.rows:
            with minding_memory():
                self._reader.read_ahead(self.rows, self._batch, queued=True, newest_read=not full)
                if full:
                    self._batch.step()

    def remove(self, rows: Sequence[Row]) -> None:
        """Let takes go."""
        if not rows:
            return
        going = closed_ranks([row not in rows for row in self.rows])
        self.rows = [self.rows[place] for place in going]
        if going:
            self._batch.select(going)
        self._changed = True

    def close(self) -> None:
        """Leave the device's batch to whoever opens the next."""
        self.rows = []
        self._open.close()

    def _step(self, joining: Sequence[Prefilled]) -> tuple[list[int], bool, bool]:
        first = len(self.rows)
        if joining:
            self._join(joining)
        batch, rows = self._batch, self.rows
        sampler = batch.get_or_create_state(lambda: QueuedSampler(batch, self._alphabet))
        if joining:
            sampler.begin(batch, rows, [take.logits for take in joining], first=first)
        elif self._changed:
            sampler.seat(rows)
        self._changed = False
        # A take that has filled its window must let go of its oldest lines before it goes on.
        full = max(batch.lengths) >= batch.capacity
        try:
            sampler.queue(batch, rows)
            if not full:
                batch.step()
            tokens = sampler.tokens(len(rows))
            mended = sampler.mend(batch, rows, tokens)
            if mended and not full:
                for place in range(len(rows)):
                    batch.truncate(place, 1)
                batch.step()
        except Exception:
            for row in rows:
                row.sampler.take_back()  # nothing was drawn by it
            raise
        return tokens, full, mended

    def _join(self, joining: Sequence[Prefilled]) -> None:
        first = len(self.rows)
        if first:
            batch = self._batch.add_rows(len(joining), self._batch.capacity)
            if batch is not self._batch:
                self._open.pop_all()  # the smaller one is given up: its memory is free
                self._batch = self._open.enter_context(batch)
        for place, take in enumerate(joining, start=first):
            self._batch.replace(place, take.cache)
        self.rows += [take.row for take in joining]


def closed_ranks(going: Sequence[bool]) -> list[int]:
    """Return the places of those that go on: the last ones fill the gaps, so that few of them move."""
    left = [place for place, goes_on in enumerate(going) if goes_on]
    last = [place for place in left if place >= len(left)]
    return [place if going[place] else last.pop() for place in range(len(left))]


def _parted(logits: Floats, counts: Sequence[int]) -> list[Floats]:
    """Part the logits of all rows, (N, V), into those of each."""
    ends = accumulate(counts)
    return [logits[end - count : end] for end, count in zip(ends, counts, strict=True)]
