"""Assemble whole takes, with their provenance, from the events of an engine."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from songsmith import __version__
from songsmith.generation.engine import Engine
from songsmith.generation.events import StreamEvent, TextWithdrawn, TokenChunk
from songsmith.generation.options import GenerationOptions
from songsmith.generation.processors.protocol import LineConstraint
from songsmith.markup import Prompt
from songsmith.model.loading import LoadedModel
from songsmith.takes import FinishReason, Take


@dataclass(frozen=True, kw_only=True)
class TakeFinished:
    """A take is whole."""

    take: int
    """Which one, counted from 0."""
    result: Take


class TakeAssembler:
    """Puts the takes of one request together from their chunks."""

    def __init__(
        self, model: LoadedModel, prompt: Prompt, options: Sequence[GenerationOptions], *, parent_id: str | None = None
    ) -> None:
        """Start without chunks.

        Args:
            model: that writes.
            prompt: the place in a song to write at.
            options: of each take.
            parent_id: the take that these grow from.
        """
        self._model, self._prompt, self._options, self._parent_id = model, prompt, options, parent_id
        self._texts: dict[int, list[str]] = {take: [] for take in range(len(options))}
        self._latest: dict[int, StreamEvent] = {}

    def add(self, chunk: TokenChunk) -> Take | None:
        """Take a chunk in; return the take if it is whole."""
        self._texts[chunk.take].append(chunk.text)
        self._latest[chunk.take] = chunk
        return self._assemble(chunk.take, chunk.finish) if chunk.finish is not None else None

    def withdraw(self, withdrawn: TextWithdrawn) -> None:
        """Take the end of a take's text back."""
        self._texts[withdrawn.take] = ["".join(self._texts[withdrawn.take]).removesuffix(withdrawn.text)]
        self._latest[withdrawn.take] = withdrawn

    def stop(self) -> Iterator[tuple[int, Take]]:
        """Yield the takes that go on, by their numbers, as they stand; they are then over."""
        for take in list(self._texts):
            yield take, self._assemble(take, FinishReason.STOPPED)

    def _assemble(self, take: int, finish: FinishReason) -> Take:
        last, prompt, options, model = self._latest.get(take), self._prompt, self._options[take], self._model
        return Take(
            text="".join(self._texts.pop(take)), prompt_text=prompt.text,
            title=prompt.song.title or (last.title if last else ""), model=model.name,
            model_sha256=model.weights_sha256, device=model.backend.device_name, options=options.as_json(),
            seed=options.seed, finish=finish, tokens=last.tokens if last else 0,
            elapsed_s=round(last.elapsed_s, 3) if last else 0.0, version=__version__, parent_id=self._parent_id,
        )  # fmt: skip


def write_takes(
    engine: Engine,
    prompt: Prompt,
    options: Sequence[GenerationOptions],
    *,
    parent_id: str | None = None,
    stopping: Callable[[], bool] = lambda: False,
    constraints: Sequence[LineConstraint] = (),
) -> Iterator[StreamEvent | TakeFinished]:
    """Write takes of one prompt, one for each of `options`: yield what the engine tells, and each take when it is whole.

    Args:
        engine: writes.
        prompt: the place in a song to write at.
        options: of each take.
        parent_id: the take that these grow from.
        stopping: asked after every token; once it says yes, what stands becomes takes that were `stopped`.
        constraints: hold for every take.
    """
    takes = TakeAssembler(engine.model, prompt, options, parent_id=parent_id)
    stream = engine.stream(prompt, options, constraints=constraints)
    for event in stream:
        whole = None
        if isinstance(event, TextWithdrawn):
            takes.withdraw(event)
        else:
            whole = takes.add(event)
        yield event
        if whole is not None:
            yield TakeFinished(take=event.take, result=whole)
        elif stopping():
            stream.close()
            yield from (TakeFinished(take=take, result=result) for take, result in takes.stop())
            return
