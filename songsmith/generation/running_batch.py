"""A batch of sequences that are written together, step by step; others may join or leave between two steps.

Decides nothing about who may.

Two kinds: a batch whose every step is waited for (and which may read proposed tokens along), and one whose next step is queued on a
device before the last one's tokens are looked at. Both draw the same tokens.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from songsmith.generation.device_sampling import DeviceSampler, check_drawn
from songsmith.generation.reading import Reader
from songsmith.generation.sampling import Floats
from songsmith.generation.sequence import SequenceState, Withdrawal
from songsmith.generation.speculation.decoder import SpeculativeDecoder
from songsmith.generation.speculation.step_time import StepTimeModel
from songsmith.generation.token_classes import TokenClasses
from songsmith.memory import minding_memory
from songsmith.model.backend import Backend, Batch, Cache

# Letters in shapes: B = takes that go on, V = vocabulary size.

_SHORT_RUN = 8
"""Forced tokens that a take may always read in one step, where they fit its window; more, where no other take is near its end."""

Outcome = str | Withdrawal | Exception
"""The text that a take's new token adds; the line that it made a constraint withdraw; or why none could be drawn."""
Drawn = tuple[SequenceState, Outcome]


@dataclass(frozen=True)
class Prefilled:
    """A take whose song so far has been read."""

    row: SequenceState
    cache: Cache
    """Of one row. Other takes of the same prompt may share it: it is copied, never written to."""
    logits: Floats
    """(1, V), of the take's next token; overwritten when it is drawn."""


class RunningBatch(Protocol):
    """Takes that are written together."""

    @property
    def rows(self) -> Sequence[SequenceState]:
        """The takes that go on."""
        ...

    def step(self, joining: Sequence[Prefilled]) -> Iterator[Drawn]:
        """Write at least one token of every take, those that join among them; takes that end leave.

        Raises:
            OutOfMemoryError: the batch is of no more use. Its takes stand where what was yielded left them, and can be prefilled
                again.
            Exception: the network failed, likewise.
        """
        ...

    def remove(self, rows: Sequence[SequenceState]) -> None:
        """Let takes go."""
        ...

    def close(self) -> None:
        """End, with takes or without; what it used may be used by the next batch."""
        ...


class SyncBatch:
    """A batch whose every step is waited for."""

    def __init__(
        self, backend: Backend, reader: Reader, step_times: StepTimeModel, decoder: SpeculativeDecoder | None
    ) -> None:
        """Start without takes.

        Args:
            backend: runs the network.
            reader: reads the next context of takes that outgrow the window.
            step_times: learns how long steps take.
            decoder: proposes tokens to be read along, if there is one.
        """
        self._backend, self._reader, self._step_times, self._decoder = backend, reader, step_times, decoder
        self.rows: list[SequenceState] = []
        self._cache: Cache | None = None

    def step(self, joining: Sequence[Prefilled]) -> Iterator[Drawn]:
        """Read the last tokens, and what is proposed to follow them, then draw; see `RunningBatch`."""
        proposals, logits = self._forward() if self.rows else ([], [])
        if joining:
            self._join(joining)
            proposals += [[] for _ in joining]
            logits += [take.logits for take in joining]
        failed: list[SequenceState] = []
        for place, (row, proposal, of_row) in enumerate(zip(self.rows, proposals, logits, strict=True)):
            accepted = 0
            while True:
                try:
                    text = row.step(of_row[accepted])
                except (RuntimeError, ValueError) as error:
                    failed.append(row)
                    yield row, error
                    break
                yield row, row.withdrawal or text
                # What the take draws itself decides; a proposed token that is the same has been read already.
                if row.withdrawal or row.finish or accepted == len(proposal) or row.newest != proposal[accepted]:
                    break
                accepted += 1
            if self._decoder and proposal:
                self._decoder.accepted(place, accepted)
            cache = self._cached
            held = cache.lengths[place] - len(proposal) + accepted
            yield from _accept_forced(row, cache)
            row.withdrawal = None
            self._reader.roll_back(row, cache, place, held=held)
        self.remove([row for row in self.rows if row.finish is not None or row in failed])

    def remove(self, rows: Sequence[SequenceState]) -> None:
        """Let takes go."""
        if not rows:
            return
        going = closed_ranks([row not in rows for row in self.rows])
        self.rows = [self.rows[place] for place in going]
        self._cache = self._cached.select(going) if going else None

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
        self._reader.prefill_next_window(rows, cache)
        proposals = self._decoder.propose(rows, cache) if self._decoder else [[] for _ in rows]
        read = [
            [*row.unread(length), *proposal]
            for row, length, proposal in zip(rows, cache.lengths, proposals, strict=True)
        ]
        step_s = time.perf_counter()
        logits = self._backend.forward(read, cache, all_positions=any(proposals))
        self._step_times.note(len(rows), max(map(len, read)), time.perf_counter() - step_s)
        return proposals, _split(logits, read, proposals) if any(proposals) else list(logits[:, None])

    def _join(self, joining: Sequence[Prefilled]) -> None:
        longest = max(take.row.context_tokens + take.row.tokens_left for take in joining)
        capacity = min(self._backend.context_window_tokens, longest)
        first = len(self.rows)
        if self._cache is None:
            self._cache = self._backend.new_cache(capacity).expand(len(joining))
        else:
            self._cache = self._cache.add_rows(len(joining), capacity)
        for place, take in enumerate(joining, start=first):
            self._cache.replace(place, take.cache)
        self.rows += [take.row for take in joining]


class AsyncBatch:
    """A batch on a device that is given its next step before the last one's tokens are looked at."""

    def __init__(self, batch: Batch, backend: Backend, reader: Reader, classes: TokenClasses) -> None:
        """Start without takes.

        Args:
            batch: of the device, with an empty row for each of the takes that join first.
            backend: runs the network.
            reader: reads the next context of takes that outgrow the window.
            classes: of the model's tokens.
        """
        self._backend, self._reader, self._classes = backend, reader, classes
        self.rows: list[SequenceState] = []
        self._open = ExitStack()
        self._batch = self._open.enter_context(batch)
        self._changed = False
        """Takes have left, or have been rolled back, since the sampler was told of them."""

    def step(self, joining: Sequence[Prefilled]) -> Iterator[Drawn]:
        """Draw from the logits of the step that was queued last, and queue the next; see `RunningBatch`."""
        with minding_memory():  # the sampler takes memory of the device, too
            tokens, full = self._step(joining)
        failed: list[SequenceState] = []
        for row, token in zip(self.rows, tokens, strict=True):
            try:
                check_drawn(token)
            except RuntimeError as error:
                failed.append(row)
                yield row, error
                continue
            text = row.accept(token)
            yield row, row.withdrawal or text
            if not full:
                yield from _accept_forced(row, self._batch)
        self.remove([row for row in self.rows if row.finish is not None or row in failed])
        if self.rows:
            with minding_memory():
                self._roll_back()
                self._reader.prefill_next_window(self.rows, self._batch, queued=True, newest_read=not full)
                if full:
                    self._batch.step()
                self._catch_up()

    def remove(self, rows: Sequence[SequenceState]) -> None:
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

    @property
    def _sampler(self) -> DeviceSampler:
        return self._batch.get_or_create_state(lambda: DeviceSampler(self._batch, self._classes))

    def _step(self, joining: Sequence[Prefilled]) -> tuple[list[int], bool]:
        """Return the next token of each take, and whether a take had filled its window: then nothing has read them yet."""
        first = len(self.rows)
        if joining:
            self._join(joining)
        batch, rows, sampler = self._batch, self.rows, self._sampler
        if joining or self._changed:
            sampler.update_batch(rows)
        sampler.set_logits(batch, [*([None] * first), *(take.logits for take in joining)])
        self._changed = False
        # A take that has filled its window must get its next context before it goes on.
        full = max(batch.lengths) >= batch.capacity
        try:
            sampler.queue(batch, rows)
            if not full:
                batch.step()
            tokens = sampler.tokens(len(rows))
            if sampler.correct(batch, rows, tokens) and not full:
                for place in range(len(rows)):
                    batch.truncate(place, 1)
                batch.step()
        except Exception:
            sampler.give_back()
            raise
        return tokens, full

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

    def _roll_back(self) -> None:
        """Take back what was read of withdrawn lines; the token before such a line is read next."""
        for place, row in enumerate(self.rows):
            if row.withdrawal is not None:
                row.withdrawal, self._changed = None, True
                self._reader.roll_back(row, self._batch, place)
                self._batch.tokens[place] = row.last_id

    def _catch_up(self) -> None:
        """Read what some takes are ahead of the batch: forced tokens, or the token before a withdrawn line."""
        batch, rows = self._batch, self.rows
        unread = [row.unread(length) for row, length in zip(rows, batch.lengths, strict=True)]
        if not any(unread):
            return
        for place, tokens in enumerate(unread):
            if not tokens:  # every row has to read at least one token: it reads its last one again
                batch.truncate(place, 1)
        read = [tokens or [row.last_id] for row, tokens in zip(rows, unread, strict=True)]
        logits = self._backend.forward(read, batch)
        self._sampler.set_logits(
            batch, [logits[place : place + 1] if tokens else None for place, tokens in enumerate(unread)]
        )


def _accept_forced(row: SequenceState, cache: Cache) -> Iterator[Drawn]:
    """Go on with forced tokens, as many as can be read in one step together with what else is unread."""
    if not row.next_is_forced:
        return
    room = min(cache.capacity - row.context_tokens, max(_SHORT_RUN, cache.capacity - max(cache.lengths) - 1))
    while room > 0 and row.next_is_forced and not row.withdrawal:
        text = row.accept(row.next_forced)
        yield row, row.withdrawal or text
        room -= 1


def closed_ranks(going: Sequence[bool]) -> list[int]:
    """Return the places of those that go on: the last ones fill the gaps, so that few of them move."""
    left = [place for place, goes_on in enumerate(going) if goes_on]
    last = [place for place in left if place >= len(left)]
    return [place if going[place] else last.pop() for place in range(len(left))]


def _split(logits: Floats, read: Sequence[Sequence[int]], proposals: Sequence[Sequence[int]]) -> list[Floats]:
    """Split the logits behind all tokens read, (N, V): those behind the last token that is not proposed, and all after it."""
    ends = accumulate(map(len, read))
    return [logits[end - len(proposal) - 1 : end] for end, proposal in zip(ends, proposals, strict=True)]
