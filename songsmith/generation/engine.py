"""Takes from a loaded model, token by token, side by side. Knows tokens, texts and when to stop, not songs kept or screens."""

import sys
import time
from collections.abc import Generator, Sequence

from songsmith.errors import UsageError
from songsmith.generation.draft_model import DraftModel
from songsmith.generation.events import TakeFailed, TokenChunk
from songsmith.generation.guesses import Guesser
from songsmith.generation.options import GenerationOptions
from songsmith.generation.pace import Pace
from songsmith.generation.reading import Reader
from songsmith.generation.row import Alphabet
from songsmith.generation.running_batch import AsyncBatch, RunningBatch, SyncBatch
from songsmith.generation.scheduler import ChunkSize, Scheduler, TakeRequest
from songsmith.markup import Prompt
from songsmith.model.store import LoadedModel

_MOST_GUESSED_FOR = 2
"""Takes side by side: more were measured to be written as fast without guesses, for all wait for the longest guess."""


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
        self._chunk_size = ChunkSize()
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
        scheduler, asked_s = self.open_scheduler(), time.perf_counter()
        try:
            for prompt, options in takes:
                scheduler.add(TakeRequest(prompt=prompt, options=options), asked_s=asked_s)
            while scheduler.busy:
                for event in scheduler.step():
                    if isinstance(event, TakeFailed):
                        raise event.error
                    yield event
        finally:
            scheduler.close()

    def open_scheduler(self, *, most_takes: int = sys.maxsize) -> Scheduler:
        """Return a scheduler that writes takes of this model, which may join while others are written.

        Args:
            most_takes: that are written side by side; others wait.
        """
        return Scheduler(
            self.model.backend, self._reader, self._open_batch, most_takes=most_takes, chunk_size=self._chunk_size
        )

    def _open_batch(self, takes: int) -> RunningBatch:
        if self._drafts:  # as many as they are: steps with guesses are of no size that comes again
            guesser = Guesser(self._pace, self._draft_model, most_takes=self._most_guessed_for)
            return SyncBatch(self.model.backend, self._reader, self._pace, guesser)
        batch = self.model.backend.open_batch(takes)
        if batch is None:
            return SyncBatch(self.model.backend, self._reader, self._pace, None)
        return AsyncBatch(batch, self._reader, self._alphabet)
