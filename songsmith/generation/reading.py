"""What a network reads before it writes: each prompt once, and the remaining context of songs that outgrow its window."""

from collections.abc import Sequence

from songsmith.generation.options import GenerationOptions
from songsmith.generation.processors.protocol import LineConstraint
from songsmith.generation.sequence import PendingWindow, SequenceState
from songsmith.generation.token_classes import TokenClasses
from songsmith.markup import Prompt
from songsmith.model.backend import Cache
from songsmith.model.loading import LoadedModel

# Of a song that has filled the window this share stays in the context. The new context is read that much of a window before it is
# needed, so many tokens at a time for every so many that are written: twice as fast as the song grows.
_KEPT, _LEAD = 1 / 8, 3 / 8
_READ_TOKENS, _READ_EVERY = 16, 8
# Where steps are queued on a device, reading a few tokens takes as long as reading many, and longer than several steps.
_QUEUED_READ_TOKENS, _QUEUED_READ_EVERY = 512, 128


class Reader:
    """Reads what sequences go on from."""

    def __init__(self, model: LoadedModel, classes: TokenClasses) -> None:
        """Prepare to read with a model."""
        self._model, self._backend, self._classes = model, model.backend, classes
        self._encoded: tuple[Prompt, tuple[list[int], list[int]]] | None = None

    def sequence(
        self, take: int, prompt: Prompt, options: GenerationOptions, constraints: Sequence[LineConstraint] = ()
    ) -> SequenceState:
        """Return the sequence of a take that is to be begun, with forks of these constraints. Nothing is read yet."""
        if self._encoded is None or self._encoded[0] != prompt:  # takes of one prompt come one after the other
            self._encoded = prompt, self._encode(prompt)
        return SequenceState(take, prompt, options, self._classes, *self._encoded[1], constraints)

    def prefill_ids(self, sequence: SequenceState) -> tuple[int, ...]:
        """Return the ids that a sequence goes on from: all that it says so far, or what of it the window holds.

        Args:
            sequence: to be begun, or to be gone on with when what was read of it has been lost.
        """
        window = self._backend.context_window_tokens
        sequence.pending_window, sequence.cache_is_stale, sequence.withdrawal = None, False, None
        if sequence.tokens and sequence.context_tokens > window:
            sequence.set_context(*self._next_context(sequence))
        elif not sequence.tokens and sequence.context_tokens >= window:
            kept = max(2, window // 2)
            sequence.set_context(*self._classes.slide(sequence.head, sequence.body, keep_tokens=kept))
        return (*sequence.head, *sequence.body)

    def roll_back(self, sequence: SequenceState, cache: Cache, row: int, *, held: int | None = None) -> None:
        """Bring a row of a cache in line with a sequence, of which it holds too much or another context.

        Behind a rollback the last token of the context is left for the next step to read.

        Args:
            sequence: may have been rolled back.
            cache: holds it.
            row: in which place.
            held: tokens at the start of the row that are the sequence's own; unless it is given, all of them.
        """
        if sequence.cache_is_stale:
            sequence.cache_is_stale = False
            ids = [*sequence.head, *sequence.body][:-1]
            alone = self._backend.new_cache(max(1, len(ids)))
            if ids:
                self._backend.forward([ids], alone)
            cache.replace(row, alone)
            return
        length = cache.lengths[row]
        excess = length - min(length if held is None else held, sequence.context_tokens - 1)
        if excess > 0:
            cache.truncate(row, excess)

    def _next_context(self, sequence: SequenceState) -> tuple[list[int], list[int]]:
        """Return head and body of the context of a sequence that has filled its window. They depend on the sequence alone."""
        window = self._backend.context_window_tokens
        since = max(0, sequence.context_tokens - 1 - _lead_begins(window))
        known = len(sequence.body) - since
        head, body = self._classes.slide(
            sequence.head, sequence.body[:known], keep_tokens=max(2, int(window * _KEPT))
        )  # fmt: skip
        return head, [*body, *sequence.body[known:]]

    def _encode(self, prompt: Prompt) -> tuple[list[int], list[int]]:
        tokenizer = self._model.tokenizer
        head, body = map(tokenizer.encode_pieces, prompt.pieces(self._classes.format))
        return head or tokenizer.encode("\n"), body  # without <|endoftext|>, too, there must be a first token

    def prefill_next_window(
        self, sequences: Sequence[SequenceState], cache: Cache, *, queued: bool = False, newest_read: bool = False
    ) -> None:
        """Read the next context of sequences near the end of the window bit by bit, and give it to those that have filled theirs.

        What a context holds, and from which token on it is used, depends on the sequence alone; when it is read, on the others too.

        Args:
            sequences: of the batch.
            cache: holds them.
            queued: whether steps are queued on a device.
            newest_read: whether the newest token of each sequence has been read, or is about to be.
        """
        backend = self._backend
        window = backend.context_window_tokens
        if cache.capacity < window:  # no sequence can become that long
            return
        most, every = (_QUEUED_READ_TOKENS, _QUEUED_READ_EVERY) if queued else (_READ_TOKENS, _READ_EVERY)
        lengths = [length - newest_read for length in cache.lengths]
        near = [row for row, length in enumerate(lengths) if length >= _lead_begins(window)]
        for number, row in enumerate(near):
            sequence = sequences[row]
            pending = sequence.pending_window
            if pending is None:
                due = sequence.tokens + number * every // len(near)  # not all of them in the same step
                head, body = self._next_context(sequence)
                pending = PendingWindow(backend.new_cache(window), head, body, begun_at=sequence.tokens, due=due)
                sequence.pending_window = pending
            if lengths[row] >= window:
                if unread := pending.unread:
                    backend.forward([unread], pending.cache)
                cache.replace(row, pending.cache)
                sequence.set_context(pending.head, pending.body)
            elif sequence.tokens >= pending.due and (unread := pending.unread):
                pending.due += every
                backend.forward([unread[:most]], pending.cache)


def _lead_begins(window: int) -> int:
    """Return how many tokens of a context have been read when reading the next one begins."""
    return window - int(window * _LEAD)
