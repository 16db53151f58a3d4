"""The messages between the client and server of an engine: typed, as JSON, one per line.

The client sends `Load`, `Write` and `Stop`; the server answers with `ModelPreparing`, `ModelReady`, `ChunkWritten`,
`TextWithdrawn`, `TakeWritten`, `WriteEnded` and `Failed`. Many `Write`s may be under way at once; each event carries the number of
its request.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_args

from songsmith.generation.options import GenerationOptions
from songsmith.generation.priority import Priority
from songsmith.lyrics import SectionKind, parse, render
from songsmith.markup import Prompt
from songsmith.options import from_mapping
from songsmith.settings import NO_MODEL
from songsmith.takes import FinishReason, Take


@dataclass(frozen=True, kw_only=True)
class Load:
    """Ask for a model; what is being written by the one before is ended, as `Stop` does."""

    model: str
    device: str
    threads: int
    draft_model: str = NO_MODEL
    """A smaller one that proposes tokens for it."""


@dataclass(frozen=True, kw_only=True)
class Write:
    """Ask for takes of a prompt. They are written at once, beside those of other requests."""

    request: int
    """Number that the events carry."""
    prompt: Prompt
    options: Sequence[GenerationOptions]
    """Of each take."""
    parent_id: str | None = None
    """The take that these grow from."""
    priority: Priority = Priority.INTERACTIVE


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Ask for an end to a request; its takes that were begun come back as they stand."""

    request: int


@dataclass(frozen=True, kw_only=True)
class ModelPreparing:
    """The model is being made ready for this processor, which takes more than a moment, but only this once."""

    model: str


@dataclass(frozen=True, kw_only=True)
class ModelReady:
    """The model is loaded."""

    model: str
    device: str
    format: str
    context_window_tokens: int
    notice: str = ""
    """What the user should know, though the model writes."""


@dataclass(frozen=True, kw_only=True)
class ChunkWritten:
    """A take grew by a token."""

    request: int
    take: int
    text: str
    tokens: int
    elapsed_s: float
    window_slid: bool = False


@dataclass(frozen=True, kw_only=True)
class TextWithdrawn:
    """The line that a take was writing is written again: the end of its text so far is gone."""

    request: int
    take: int
    text: str
    """That end."""


@dataclass(frozen=True, kw_only=True)
class TakeWritten:
    """A take is whole."""

    request: int
    take: int
    result: Take


@dataclass(frozen=True, kw_only=True)
class WriteEnded:
    """Nothing more comes for a request."""

    request: int


@dataclass(frozen=True, kw_only=True)
class Failed:
    """Something the user should read: of a request, whose other takes go on, or None where it was loading that failed."""

    request: int | None
    message: str
    next_step: str


@dataclass(frozen=True, kw_only=True)
class ProcessEnded:
    """The process has ended. The client finds this out; it is not sent."""

    exit_code: int
    expected: bool


Request = Load | Write | Stop
ServerEvent = ModelPreparing | ModelReady | ChunkWritten | TextWithdrawn | TakeWritten | WriteEnded | Failed
Event = ServerEvent | ProcessEnded

_KINDS: dict[str, Any] = {kind.__name__: kind for kind in (*get_args(Request), *get_args(ServerEvent))}


def encode_message(message: Request | ServerEvent) -> bytes:
    """Return a message as one line of JSON."""
    values = {name: getattr(message, name) for name in message.__dataclass_fields__}
    if isinstance(message, Write):
        prompt = message.prompt
        values["options"] = [option.as_json() for option in message.options]
        values["prompt"] = {
            "title": prompt.song.title, "artist": prompt.song.artist, "text": render(prompt.song),
            "open_line": prompt.open_line, "next_section": prompt.next_section,
        }  # fmt: skip
    elif isinstance(message, TakeWritten):
        values["result"] = asdict(message.result)
    return json.dumps({"kind": type(message).__name__, **values}).encode() + b"\n"


def decode_message(line: bytes) -> Any:
    """Return the message that one line of JSON holds: the inverse of `encode_message`."""
    values = json.loads(line)
    kind = values.pop("kind")
    if kind == "Write":
        prompt = values["prompt"]
        section = prompt["next_section"]
        values["prompt"] = Prompt(
            song=parse(prompt["text"], title=prompt["title"], artist=prompt["artist"]), open_line=prompt["open_line"],
            next_section=SectionKind(section) if section else None,
        )  # fmt: skip
        values["options"] = [from_mapping(GenerationOptions, option) for option in values["options"]]
        values["priority"] = Priority(values["priority"])
    elif kind == "TakeWritten":
        values["result"] = Take(**values["result"] | {"finish": FinishReason(values["result"]["finish"])})
    return _KINDS[kind](**values)
