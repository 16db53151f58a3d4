"""Stream takes from a loaded model, token by token, side by side. Knows tokens and text, not saved songs or screens."""

import sys
import time
from collections.abc import Generator, Sequence

from songsmith.errors import UsageError
from songsmith.generation.events import StreamEvent, TakeFailed
from songsmith.generation.options import GenerationOptions
from songsmith.generation.processors.protocol import LineConstraint
from songsmith.generation.reading import Reader
from songsmith.generation.running_batch import AsyncBatch, RunningBatch, SyncBatch
from songsmith.generation.scheduler import ChunkSize, Scheduler, TakeRequest
from songsmith.generation.speculation.decoder import SpeculativeDecoder
from songsmith.generation.speculation.draft_model import DraftModel
from songsmith.generation.speculation.step_time import StepTimeModel
from songsmith.generation.token_classes import TokenClasses
from songsmith.markup import Prompt
from songsmith.model.loading import LoadedModel

_MOST_SPECULATIVE_TAKES = 2
"""Takes side by side: with more, writing was measured to be as fast without speculation, for all wait for the longest proposal."""


class Engine:
    """Streams takes from one model."""

    def __init__(
        self, model: LoadedModel, *, drafts: bool | None = None, draft_model: LoadedModel | None = None,
        step_times: StepTimeModel | None = None,
    ) -> None:  # fmt: skip
        """Prepare to write with a model.

        Args:
            model: writes.
            drafts: whether to decode speculatively. On a CPU that changes how fast takes come, not what they say; it is done for
                one take and for two side by side, unless it is refused, or asked for with any number. With numbers as coarse as
                bfloat16, rounding depends on how many tokens are read together: there a speculatively decoded take is another
                take, as likely as the one without.
            draft_model: a smaller model with the same tokens that also proposes, where proposals are made.
            step_times: how long the model's steps take; measured while writing unless it is given.
        """
        self.model = model
        self._step_times = step_times or StepTimeModel()
        self._chunk_size = ChunkSize()
        self._draft_model = DraftModel(draft_model) if draft_model else None
        self._classes = TokenClasses(model)
        self._reader = Reader(model, self._classes)
        self._drafts = model.backend.device_name == "cpu" if drafts is None else drafts
        self._most_speculative = _MOST_SPECULATIVE_TAKES if drafts is None else sys.maxsize

    def stream(
        self, prompt: Prompt, options: Sequence[GenerationOptions], *, constraints: Sequence[LineConstraint] = ()
    ) -> Generator[StreamEvent]:
        """Write takes of one prompt together, one for each of `options`; yield every token as it comes.

        Raises:
            EngineError: the network failed: out of memory, or probabilities that are not numbers.
        """
        return self.stream_all([(prompt, option) for option in options], constraints=constraints)

    def stream_all(
        self, takes: Sequence[tuple[Prompt, GenerationOptions]], *, constraints: Sequence[LineConstraint] = ()
    ) -> Generator[StreamEvent]:
        """Write takes together, each of its own prompt and options; yield every token as it comes.

        A take's text depends on its prompt, options, seed and constraints, not on the takes beside it (but for float rounding).
        Where memory runs out, half of the takes wait for the other half. Closing the generator stops the work.

        Args:
            takes: prompt and options of each.
            constraints: hold for every take, each of which gets forks of its own. Only with constraints is text ever withdrawn.

        Raises:
            EngineError: the network failed: out of memory with one take alone, or probabilities that are not numbers.
        """
        if not takes:
            raise UsageError("No takes were asked for.", "Ask for at least one.")
        scheduler, asked_s = self.open_scheduler(), time.perf_counter()
        try:
            for prompt, options in takes:
                request = TakeRequest(prompt=prompt, options=options, constraints=constraints)
                scheduler.add(request, asked_s=asked_s)
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
        if self._drafts:  # steps with proposals differ in size: they cannot be recorded and replayed
            decoder = SpeculativeDecoder(self._step_times, self._draft_model, most_sequences=self._most_speculative)
            return SyncBatch(self.model.backend, self._reader, self._step_times, decoder)
        batch = self.model.backend.open_batch(takes)
        if batch is None:
            return SyncBatch(self.model.backend, self._reader, self._step_times, None)
        return AsyncBatch(batch, self.model.backend, self._reader, self._classes)
