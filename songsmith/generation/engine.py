"""Takes from a loaded model, token by token, side by side. Knows tokens, texts and when to stop, not songs kept or screens."""

import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from songsmith.errors import EngineError, UsageError
from songsmith.generation.draft_model import DraftModel
from songsmith.generation.guesses import Guesser
from songsmith.generation.options import GenerationOptions
from songsmith.generation.pace import Pace
from songsmith.generation.queued_sampling import QueuedSampler, check_drawn
from songsmith.generation.reading import Reader
from songsmith.generation.row import Alphabet, Row
from songsmith.generation.sampling import NO_NUMBERS, NOTHING_LEFT, Floats
from songsmith.markup import Prompt
from songsmith.model.backend import Batch
from songsmith.model.store import LoadedModel
from songsmith.takes import FinishReason

# Letters in shapes: B = takes that go on, V = vocabulary size.

_MOST_GUESSED_FOR = 2
"""Takes side by side: more were measured to be written as fast without guesses, for all wait for the longest guess."""

_NEXT_STEPS = {
    NOTHING_LEFT: "Lower --min-lines, raise or leave out --no-repeat-ngram, or choose another model.",
    NO_NUMBERS: "Check it with `songsmith models verify`, or choose another model.",
}


@dataclass(frozen=True, kw_only=True)
class TokenChunk:
    """What one token added to one take."""

    take: int
    """Which take, counted from 0."""
    text: str
    """Lyric that became visible: whole characters, often none."""
    tokens: int
    """Tokens of this take so far."""
    token: int
    """Id of the token."""
    elapsed_s: float
    """Seconds since the stream began."""
    title: str = ""
    """Title the model has given the song so far, where it was not given one."""
    window_slid: bool = False
    """The oldest lines just went out of the model's sight."""
    fewer_at_once: bool = False
    """Memory ran out just now: from here on fewer takes are written side by side."""
    finish: FinishReason | None = None
    """Why the take ended; None while it goes on."""


class Engine:
    """Streams takes from one model."""

    def __init__(
        self, model: LoadedModel, *, drafts: bool | None = None, draft_model: LoadedModel | None = None,
        pace: Pace | None = None,
    ) -> None:  # fmt: skip
        """Prepare to write with a model.

        Args:
            model: writes.
            drafts: whether to guess at lines that come back. On a CPU it changes how fast takes come, not what they say, and is
                done for one take and for two side by side, unless it is refused or asked for with any number. Where numbers are
                as coarse as bfloat16, rounding differs with the number of tokens that are read together: there a take with
                guesses is another take, as likely as the one without.
            draft_model: a smaller model of the same tokens that guesses too, where guesses are made.
            pace: how long the model's steps take; found out while writing unless it is given.
        """
        self.model = model
        self._pace = pace or Pace()
        self._draft_model = DraftModel(draft_model) if draft_model else None
        self._alphabet = Alphabet(model)
        self._reader = Reader(model, self._alphabet)
        self._drafts = model.backend.device_name == "cpu" if drafts is None else drafts
        self._most_guessed_for = _MOST_GUESSED_FOR if drafts is None else sys.maxsize

    def stream(self, prompt: Prompt, options: Sequence[GenerationOptions]) -> Generator[TokenChunk]:
        """Write takes of one prompt together, one for each of `options`; yield every token as it comes.

        Raises:
            EngineError: the network failed: out of memory, or odds that are no numbers.
        """
        return self.stream_all([(prompt, option) for option in options])

    def stream_all(self, takes: Sequence[tuple[Prompt, GenerationOptions]]) -> Generator[TokenChunk]:
        """Write takes together, each of its own prompt and options; yield every token as it comes.

        A take's text depends on its prompt, options and seed, not on the takes beside it (but for float rounding). Where memory
        runs out, half of the takes wait for the other half. Closing the generator stops the work.

        Raises:
            EngineError: the network failed: out of memory with one take alone, or odds that are no numbers.
        """
        if not takes:
            raise UsageError("No takes were asked for.", "Ask for at least one.")
        start_s = time.perf_counter()
        groups, fewer = [self._reader.rows(takes)], False
        while groups:
            group = groups.pop(0)
            try:
                for chunk in self._stream(group, start_s):
                    yield replace(chunk, fewer_at_once=True) if fewer else chunk
                    fewer = False
            except (RuntimeError, ValueError, MemoryError) as error:
                left = [row for row in group if row.finish is None]
                if len(left) == 1 or not _is_out_of_memory(error):
                    reason = (str(error).splitlines() or [type(error).__name__])[0]
                    raise EngineError(
                        f"The model failed: {reason}.", _NEXT_STEPS.get(reason, "Try fewer takes, or --device cpu.")
                    ) from error
                half, fewer = (len(left) + 1) // 2, True
                groups[:0] = [left[:half], left[half:]]

    def _stream(self, rows: list[Row], start_s: float) -> Generator[TokenChunk]:
        """Go on with takes from where they are."""
        # Guesses are as many as they are: steps with guesses are of no size that comes again.
        batch = None if self._drafts else self.model.backend.open_batch(len(rows))
        return self._stream_waiting(rows, start_s) if batch is None else self._stream_queued(rows, batch, start_s)

    def _stream_waiting(self, rows: list[Row], start_s: float) -> Generator[TokenChunk]:
        """Write with a network whose every step is waited for."""
        cache, seen = self._reader.begin(rows)
        drafts: list[list[int]] = [[] for _ in rows]
        guesser = Guesser(self._pace, self._draft_model, most_takes=self._most_guessed_for) if self._drafts else None
        while True:
            for place, (row, draft, logits) in enumerate(zip(rows, drafts, seen, strict=True)):
                kept = 0
                while True:
                    yield _chunk(row, row.step(logits[kept]), start_s)
                    # What the take draws itself decides; a guess that is the same has been read already.
                    if row.finish is not None or kept == len(draft) or row.body[-1] != draft[kept]:
                        break
                    kept += 1
                if guesser and draft:
                    guesser.learn(place, kept)
                    cache.truncate(place, len(draft) - kept)
            going = _closed_ranks([row.finish is None for row in rows])
            if not going:
                return
            if len(going) < len(rows):
                rows, cache = [rows[place] for place in going], cache.select(going)
                if guesser:
                    guesser.select(going)
            self._reader.read_ahead(rows, cache)
            drafts = guesser.guess(rows, cache) if guesser else [[] for _ in rows]
            read = [[row.body[-1], *draft] for row, draft in zip(rows, drafts, strict=True)]
            step_s = time.perf_counter()
            logits = self.model.backend.forward(read, cache, all_positions=any(drafts))
            self._pace.note(len(rows), max(map(len, read)), time.perf_counter() - step_s)
            seen = _parted(logits, [len(draft) + 1 for draft in drafts]) if any(drafts) else list(logits[:, None])

    def _stream_queued(self, rows: list[Row], batch: Batch, start_s: float) -> Generator[TokenChunk]:
        """Write with a network that is given its next step before the last one's tokens are looked at."""
        with batch:
            _, seen = self._reader.begin(rows, batch)
            sampler = batch.get_or_create_state(lambda: QueuedSampler(batch, self._alphabet))
            sampler.begin(batch, rows, seen)
            while True:
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
                for row, token in zip(rows, tokens, strict=True):
                    check_drawn(token)
                    yield _chunk(row, row.take_drawn(token), start_s)
                going = _closed_ranks([row.finish is None for row in rows])
                if not going:
                    return
                if len(going) < len(rows):
                    rows = [rows[place] for place in going]
                    batch.select(going)
                if mended or len(rows) < len(tokens):
                    sampler.seat(rows)
                self._reader.read_ahead(rows, batch, queued=True, newest_read=not full)
                if full:
                    batch.step()


def _is_out_of_memory(error: Exception) -> bool:
    # torch and ONNX Runtime each have a kind of their own, and libraries of CUDA none; none is imported here.
    said = str(error).lower()
    return (
        isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "alloc" in said or "out of memory" in said
    )  # fmt: skip


def _chunk(row: Row, text: str, start_s: float) -> TokenChunk:
    slid, row.slid = row.slid, False
    return TokenChunk(
        take=row.take, text=text, tokens=row.tokens, token=row.newest, elapsed_s=time.perf_counter() - start_s,
        title=row.reader.title.strip(), window_slid=slid, finish=row.finish,
    )  # fmt: skip


def _closed_ranks(going: Sequence[bool]) -> list[int]:
    """Return the places of those that go on: the last ones fill the gaps, so that few of them move."""
    left = [place for place, goes_on in enumerate(going) if goes_on]
    last = [place for place in left if place >= len(left)]
    return [place if going[place] else last.pop() for place in range(len(left))]


def _parted(logits: Floats, counts: Sequence[int]) -> list[Floats]:
    """Part the logits of all rows, (N, V), into those of each."""
    ends = accumulate(counts)
    return [logits[end - count : end] for end, count in zip(ends, counts, strict=True)]
