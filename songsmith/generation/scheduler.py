"""Continuous batching: takes join and leave while others are being written. Decides who is written, and how much is prefilled when.

A take's text depends on its prompt, options and seed, not on the takes beside it (but for float rounding). While takes are being
written, the prompt of one that joins is read in chunks, so that none of them waits long for its next token.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass

from songsmith.errors import EngineError, OutOfMemoryError
from songsmith.generation.events import StreamEvent, TakeFailed, TextWithdrawn, TokenChunk
from songsmith.generation.options import GenerationOptions
from songsmith.generation.priority import Priority
from songsmith.generation.processors.protocol import LineConstraint
from songsmith.generation.reading import Reader
from songsmith.generation.running_batch import Outcome, Prefilled, RunningBatch
from songsmith.generation.sampling import NO_NUMBERS, NOTHING_LEFT, Floats
from songsmith.generation.sequence import SequenceState, Withdrawal
from songsmith.markup import Prompt
from songsmith.model.backend import Backend, Cache

# Letters in shapes: V = vocabulary size.

_LONGEST_WAIT_S = 0.035
"""How long a take may wait for its next token while a prompt is read: less than 50 ms, though times vary."""
_LEAST_CHUNK_S, _LEAST_CHUNK_TOKENS, _FIRST_CHUNK_TOKENS = 0.005, 2, 8
"""Where steps alone take that long, prompts must be read nevertheless."""
_GROWTH = 2
_FASTER, _SLOWER = 0.25, 0.5
"""How much a chunk that took less, or more, than was thought changes what is thought of the next."""

_NEXT_STEPS = {
    NOTHING_LEFT: "Lower --min-lines, raise or leave out --no-repeat-ngram, or choose another model.",
    NO_NUMBERS: "Check it with `songsmith models verify`, or choose another model.",
}


@dataclass(frozen=True, kw_only=True)
class TakeRequest:
    """A take to be written."""

    prompt: Prompt
    """The place in a song to write at."""
    options: GenerationOptions
    constraints: Sequence[LineConstraint] = ()
    """Are forked for this take."""
    priority: Priority = Priority.INTERACTIVE
    group: Hashable = None
    """Takes that were asked for together, such as those of one user: where not all find room, groups get as many each."""


class ChunkSize:
    """How many tokens of a prompt may be read while takes wait for their next one, learned from how long chunks took."""

    def __init__(self, longest_wait_s: float = _LONGEST_WAIT_S) -> None:
        """Start small.

        Args:
            longest_wait_s: that a step and a chunk together may take.
        """
        self._longest_wait_s = longest_wait_s
        self._token_s = 0.0
        self._most = _FIRST_CHUNK_TOKENS

    def note(self, tokens: int, took_s: float) -> None:
        """Take in how long a chunk took."""
        token_s = took_s / tokens
        change = (_FASTER if token_s < self._token_s else _SLOWER) if self._token_s else 1
        self._token_s += (token_s - self._token_s) * change
        self._most = max(self._most, tokens * _GROWTH)  # each token of a much larger chunk may take longer

    def tokens(self, step_s: float) -> int:
        """Return the size of the next chunk, beside a step of the running takes that takes so many seconds."""
        room_s = max(_LEAST_CHUNK_S, self._longest_wait_s - step_s)
        wanted = int(room_s / self._token_s) if self._token_s else self._most
        return max(_LEAST_CHUNK_TOKENS, min(wanted, self._most))


class _Prefill:
    """A text being read, chunk by chunk, for all takes that go on from it."""

    def __init__(self, text: tuple[int, ...], cache: Cache) -> None:
        self.text, self.cache = text, cache
        self.logits: Floats | None = None
        """(1, V) behind the text, once all of it has been read."""

    @property
    def unread(self) -> int:
        """Tokens still to be read."""
        return len(self.text) - self.cache.lengths[0]

    def read(self, backend: Backend, tokens: int) -> None:
        """Read so many tokens more."""
        start = self.cache.lengths[0]
        logits = backend.forward([self.text[start : start + tokens]], self.cache)
        if not self.unread:
            self.logits = logits.copy()


@dataclass
class _Sequence:
    """A take that was asked for and has not ended."""

    row: SequenceState
    request: TakeRequest
    asked_s: float
    prefill: _Prefill | None = None
    """What is read of its prompt while it waits."""

    @property
    def number(self) -> int:
        return self.row.take

    @property
    def share(self) -> tuple[Priority, Hashable]:
        """With whom it shares places."""
        return self.request.priority, self.request.group

    def prefilled(self) -> Prefilled:
        """Return what a batch needs to take it in, and forget it."""
        prefill, self.prefill = self.prefill, None
        assert prefill is not None
        assert prefill.logits is not None
        return Prefilled(self.row, prefill.cache, prefill.logits.copy())


SchedulerEvent = StreamEvent | TakeFailed


class Scheduler:
    """Writes takes side by side. Not for use by several threads at once."""

    def __init__(
        self, backend: Backend, reader: Reader, open_batch: Callable[[int], RunningBatch], *, most_takes: int, chunk_size: ChunkSize
    ) -> None:  # fmt: skip
        """Start without takes.

        Args:
            backend: runs the network.
            reader: makes takes of prompts.
            open_batch: returns a batch without takes, with room for so many.
            most_takes: that are written side by side; others wait.
            chunk_size: learns how much may be prefilled while takes wait.
        """
        self._backend, self._reader, self._open_batch = backend, reader, open_batch
        self._most_takes = self._most_now = most_takes
        self._chunk_size = chunk_size
        self._added = 0
        self._waiting: dict[int, _Sequence] = {}
        self._running: dict[int, _Sequence] = {}
        self._batch: RunningBatch | None = None
        self._step_s = 0.0
        """Seconds that the last step of the running takes took."""
        self._fewer = False
        """Memory ran out, and nobody has been told yet."""

    @property
    def busy(self) -> bool:
        """Whether a take is being written, or waits."""
        return bool(self._waiting or self._running)

    def add(self, request: TakeRequest, *, asked_s: float | None = None) -> int:
        """Have a take written: it joins the others as soon as there is room for it and its prompt has been read.

        Args:
            request: what to write.
            asked_s: when it was asked for, by `time.perf_counter()`; now if not given.

        Returns:
            The number that its events carry as `take`, counted from 0.
        """
        number, self._added = self._added, self._added + 1
        row = self._reader.sequence(number, request.prompt, request.options, request.constraints)
        self._waiting[number] = _Sequence(row, request, time.perf_counter() if asked_s is None else asked_s)
        return number

    def abort(self, take: int) -> None:
        """Let a take go; nothing more is told of it. One that has ended or was never there is passed over."""
        self._waiting.pop(take, None)
        sequence = self._running.pop(take, None)
        if sequence is not None and self._batch is not None:
            self._batch.remove([sequence.row])
        self._close_if_idle()

    def step(self) -> list[SchedulerEvent]:
        """Read on in the prompts of takes that wait, and write at least one token of every take that is being written.

        Returns:
            What was written, in that order; it may be nothing.
        """
        events: list[SchedulerEvent] = []
        joining = self._prefill(events)
        if joining or self._running:
            start_s = time.perf_counter()
            self._write(joining, events)
            self._step_s = time.perf_counter() - start_s
        self._close_if_idle()
        return events

    def close(self) -> None:
        """Let all takes go."""
        self._waiting, self._running = {}, {}
        self._close_if_idle()

    def _write(self, joining: Sequence[_Sequence], events: list[SchedulerEvent]) -> None:
        before = len(self._running)
        prefilled = [sequence.prefilled() for sequence in joining]
        for sequence in joining:
            self._running[sequence.number] = self._waiting.pop(sequence.number)
        try:
            if self._batch is None:
                self._batch = self._open_batch(len(joining))
            for row, outcome in self._batch.step(prefilled):
                events.append(self._take_in(row, outcome))
        except (OutOfMemoryError, MemoryError) as error:
            takes, self._running, self._batch = self._running, {}, None
            self._waiting |= takes
            self._write_fewer(takes, before if joining and before else len(takes) // 2, error, events)
        except (RuntimeError, ValueError, EngineError) as error:
            takes, self._running, self._batch = self._running, {}, None
            events += [TakeFailed(take=take, error=_engine_error(error)) for take in takes]

    def _prefill(self, events: list[SchedulerEvent]) -> list[_Sequence]:
        """Read on in prompts, and return the takes whose prompts have been read."""
        chosen = self._next_takes()
        ready: list[_Sequence] = []
        # While nobody waits for a token, whole prompts are read: of all takes that are as urgent as the first.
        tokens_left = self._chunk_size.tokens(self._step_s) if self._running else sys.maxsize
        for sequence in chosen:
            if not self._running and sequence.request.priority != chosen[0].request.priority:
                break
            try:
                prefill = self._prefill_of(sequence)
                if tokens := min(prefill.unread, tokens_left):
                    start_s = time.perf_counter()
                    prefill.read(self._backend, tokens)
                    tokens_left -= tokens
                    if self._running:
                        self._chunk_size.note(tokens, time.perf_counter() - start_s)
            except (OutOfMemoryError, MemoryError) as error:
                takes = {each.number: each for each in chosen}
                self._write_fewer(takes, len(self._running) or len(takes) // 2, error, events)
                return []
            except (RuntimeError, ValueError, EngineError) as error:
                del self._waiting[sequence.number]
                events.append(TakeFailed(take=sequence.number, error=_engine_error(error)))
                continue
            if not prefill.unread:
                ready.append(sequence)
        return ready

    def _prefill_of(self, sequence: _Sequence) -> _Prefill:
        """Return the prefill of a take, which may be another's that goes on from the same text."""
        if sequence.prefill is None:
            text = self._reader.prefill_ids(sequence.row)
            known = (each.prefill for each in self._waiting.values() if each.prefill and each.prefill.text == text)
            sequence.prefill = next(known, None) or _Prefill(text, self._backend.new_cache(len(text)))
        return sequence.prefill

    def _next_takes(self) -> list[_Sequence]:
        """Return the takes that wait and find room: by priority, then of the group that has the fewest, then by age."""
        if not self._waiting:
            return []
        groups = Counter(each.share for each in self._running.values())
        queue = [self._waiting[number] for number in sorted(self._waiting)]
        chosen: list[_Sequence] = []
        while queue:
            first = min(queue, key=lambda each: (each.request.priority, groups[each.share]))
            if len(self._running) + len(chosen) >= self._most_now and not self._make_room(first):
                break
            queue.remove(first)
            chosen.append(first)
            groups[first.share] += 1
        return chosen

    def _make_room(self, sequence: _Sequence) -> bool:
        """Have a less urgent take wait, to be prefilled anew; return whether there was one."""
        last = max(self._running.values(), key=lambda each: (each.request.priority, each.number), default=None)
        if last is None or last.request.priority <= sequence.request.priority or self._batch is None:
            return False
        self._batch.remove([last.row])
        self._waiting[last.number] = self._running.pop(last.number)
        self._close_if_idle()
        return True

    def _write_fewer(
        self, takes: Collection[int], most: int, error: Exception, events: list[SchedulerEvent]
    ) -> None:  # fmt: skip
        """Go on with at most so many takes at once, those that wait prefilled anew; 0: these takes have failed."""
        if not most:
            for take in takes:
                del self._waiting[take]
                events.append(TakeFailed(take=take, error=_engine_error(error)))
            return
        self._most_now, self._fewer = most, True
        for sequence in self._waiting.values():
            sequence.prefill = None

    def _take_in(self, row: SequenceState, outcome: Outcome) -> SchedulerEvent:
        sequence = self._running[row.take]
        elapsed_s, title = time.perf_counter() - sequence.asked_s, row.lyric.title.strip()
        if isinstance(outcome, Exception):
            del self._running[row.take]
            return TakeFailed(take=row.take, error=_engine_error(outcome))
        if isinstance(outcome, Withdrawal):
            return TextWithdrawn(
                take=row.take, text=outcome.text, tokens=row.tokens, elapsed_s=elapsed_s, title=title
            )  # fmt: skip
        if row.finish is not None:
            del self._running[row.take]
        slid, row.slid = row.slid, False
        fewer, self._fewer = self._fewer, False
        return TokenChunk(
            take=row.take, text=outcome, tokens=row.tokens, token=row.newest, elapsed_s=elapsed_s, title=title, window_slid=slid,
            fewer_at_once=fewer, settled=row.settled, finish=row.finish,
        )  # fmt: skip

    def _close_if_idle(self) -> None:
        if self._running:
            return
        if self._batch is not None:
            self._batch.close()
            self._batch = None
        if not self._waiting:
            self._most_now = self._most_takes


def _engine_error(error: Exception) -> EngineError:
    """Return what to say when the network failed, or its probabilities leave nothing to draw."""
    if isinstance(error, EngineError):
        return error
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    told = EngineError(f"The model failed: {reason}.", _NEXT_STEPS.get(reason, "Try fewer takes, or --device cpu."))
    told.__cause__ = error
    return told
