"""Whole takes, with their provenance, out of an engine's stream."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from songsmith import __version__
from songsmith.generation.engine import Engine
from songsmith.generation.events import TokenChunk
from songsmith.generation.options import GenerationOptions
from songsmith.markup import Prompt
from songsmith.takes import FinishReason, Take


@dataclass(frozen=True, kw_only=True)
class TakeFinished:
    """A take is whole."""

    take: int
    """Which one, counted from 0."""
    result: Take


def write_takes(
    engine: Engine,
    prompt: Prompt,
    options: Sequence[GenerationOptions],
    *,
    parent_id: str | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Iterator[TokenChunk | TakeFinished]:
    """Write takes of one prompt, one for each of `options`: yield their chunks, and each take when it is whole.

    Args:
        engine: writes.
        prompt: the place in a song to write at.
        options: of each take.
        parent_id: the take that these grow from.
        stopping: asked after every token; once it says yes, what stands becomes takes that were `stopped`.
    """
    texts: dict[int, list[str]] = {take: [] for take in range(len(options))}
    latest: dict[int, TokenChunk] = {}

    def whole(take: int, finish: FinishReason) -> TakeFinished:
        chunk = latest.get(take)
        title = prompt.song.title or (chunk.title if chunk else "")
        result = Take(
            text="".join(texts.pop(take)), prompt_text=prompt.text, title=title, model=engine.model.name,
            model_sha256=engine.model.weights_sha256, device=engine.model.backend.device_name,
            options=options[take].as_json(), seed=options[take].seed, finish=finish,
            tokens=chunk.tokens if chunk else 0, elapsed_s=round(chunk.elapsed_s, 3) if chunk else 0.0,
            version=__version__, parent_id=parent_id,
        )  # fmt: skip
        return TakeFinished(take=take, result=result)

    stream = engine.stream(prompt, options)
    for chunk in stream:
        texts[chunk.take].append(chunk.text)
        latest[chunk.take] = chunk
        yield chunk
        if chunk.finish is not None:
            yield whole(chunk.take, chunk.finish)
        elif stopping():
            stream.close()
            for take in list(texts):
                yield whole(take, FinishReason.STOPPED)
            return
