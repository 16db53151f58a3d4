"""The engine in a child process, so that no import, model or crash can hold up the face that asks for takes.

Messages are JSON, one a line, over the child's standard input and output. The parent sends `Load`, `Write` and `Stop`; the
child answers with `ModelPreparing`, `ModelReady`, `ChunkWritten`, `TakeWritten`, `WriteEnded` and `Failed`. Closing its input
ends the child, so it never outlives its parent. Run by hand: nothing to see.
"""

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

from songsmith.errors import ModelError, SongsmithError
from songsmith.generation.options import GenerationOptions
from songsmith.lyrics import SectionKind, parse, render
from songsmith.markup import Prompt
from songsmith.memory import is_out_of_memory, memory_error, prepare_memory
from songsmith.options import from_mapping
from songsmith.safe_text import printable
from songsmith.settings import NO_MODEL
from songsmith.takes import FinishReason, Take


@dataclass(frozen=True, kw_only=True)
class Load:
    """Ask for a model; everything asked before is done first."""

    model: str
    device: str
    threads: int
    draft_model: str = NO_MODEL
    """A smaller one that guesses for it."""


@dataclass(frozen=True, kw_only=True)
class Write:
    """Ask for takes of a prompt."""

    request: int
    """Number that the answers carry."""
    prompt: Prompt
    options: Sequence[GenerationOptions]
    parent_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Ask for an end to a request; its takes come back as they stand."""

    request: int


@dataclass(frozen=True, kw_only=True)
class ModelPreparing:
    """The model is made ready for this processor, once for all, which takes more than a moment."""

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
    """Something the user should read; `request` is None where it was loading that failed."""

    request: int | None
    message: str
    next_step: str


@dataclass(frozen=True, kw_only=True)
class ProcessEnded:
    """The child is gone. Not sent by it, but found out."""

    exit_code: int
    expected: bool


Asked = Load | Write | Stop
Told = ModelPreparing | ModelReady | ChunkWritten | TakeWritten | WriteEnded | Failed
Heard = Told | ProcessEnded

_KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (Load, Write, Stop, ModelPreparing, ModelReady, ChunkWritten, TakeWritten, WriteEnded, Failed)
}


def encode_message(message: Asked | Told) -> bytes:
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
    elif kind == "TakeWritten":
        values["result"] = Take(**values["result"] | {"finish": FinishReason(values["result"]["finish"])})
    return _KINDS[kind](**values)


class EngineProcess:
    """A child process that writes. `heard()` blocks and belongs in a thread; everything else returns at once."""

    def __init__(self, *, model: str, device: str, threads: int, log: Path, draft_model: str = NO_MODEL) -> None:
        """Start the child and have it load a model.

        Args:
            model: name of the model, or a path to it.
            device: auto, cpu, cuda or mps.
            threads: for CPU work.
            draft_model: name of a smaller one that guesses for it, or none.
            log: file for what the child writes to its standard error; started afresh.
        """
        self._ended = False
        self._requests = 0
        with _open_log(log) as errors:
            self._child = subprocess.Popen(
                # -P: a file named like a library in the user's folder must not be imported in its place.
                [sys.executable, "-P", "-m", "songsmith.generation.process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,  # a Ctrl-C at the terminal is the face's to answer
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
            )
        self._send(Load(model=model, device=device, threads=threads, draft_model=draft_model))

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._child.pid

    def write(self, prompt: Prompt, options: Sequence[GenerationOptions], *, parent_id: str | None = None) -> int:
        """Ask for takes of a prompt, and return the number their messages will carry."""
        self._requests += 1
        self._send(Write(request=self._requests, prompt=prompt, options=options, parent_id=parent_id))
        return self._requests

    def stop(self, request: int) -> None:
        """Ask for an end to a request. Takes no time, whatever the child is doing."""
        self._send(Stop(request=request))

    def heard(self) -> Iterator[Heard]:
        """Yield what the child tells as it comes, and at last that it ended. Blocks; call it once, in a thread."""
        assert self._child.stdout is not None
        with self._child.stdout as lines:
            for line in lines:
                if line.endswith(b"\n"):  # else the child was killed in the middle of it
                    yield decode_message(line)
        yield ProcessEnded(exit_code=self._child.wait(), expected=self._ended)

    def close(self) -> None:
        """End the child. What it was writing is dropped."""
        self._ended = True
        self._child.kill()
        self._child.wait()
        assert self._child.stdin is not None
        with suppress(OSError):  # what was still on its way has nowhere to go
            self._child.stdin.close()

    def _send(self, message: Asked) -> None:
        assert self._child.stdin is not None
        with suppress(BrokenPipeError, ValueError):  # it has ended, and heard() says so
            self._child.stdin.write(encode_message(message))
            self._child.stdin.flush()


def _open_log(path: Path) -> IO[bytes]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("wb")
    except OSError:  # a home that cannot be written must not keep anyone from writing songs
        return Path(os.devnull).open("wb")


class _Child:
    """The other end of the pipes."""

    def __init__(self, asked: IO[bytes], told: IO[bytes]) -> None:
        self._asked, self._told = asked, told
        self._queue: SimpleQueue[Load | Write] = SimpleQueue()
        self._stopped: set[int] = set()

    def run(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()
        from songsmith.generation.engine import Engine
        from songsmith.model.store import ModelStore
        from songsmith.paths import find_paths

        engine: Engine | None = None
        while True:
            asked = self._queue.get()
            request = asked.request if isinstance(asked, Write) else None
            lost = False
            try:
                if isinstance(asked, Load):
                    engine = None  # the model before must be gone before the next one takes its memory
                    store, guessing, notice = ModelStore(find_paths()), None, ""
                    model = store.load(
                        asked.model, device=asked.device, threads=asked.threads,
                        preparing=partial(self._tell, ModelPreparing(model=asked.model)),
                    )  # fmt: skip
                    if asked.draft_model != NO_MODEL and model.backend.device_name == "cpu":
                        try:
                            guessing = store.load_draft(
                                asked.draft_model, model, device=asked.device,
                                preparing=partial(self._tell, ModelPreparing(model=asked.draft_model)),
                            )  # fmt: skip
                        except ModelError as error:  # it would have changed no word
                            notice = f"Writing without a draft model: {error.message}"
                    notice = f"{model.notice} {notice}".strip()
                    engine = Engine(model, draft_model=guessing)
                    self._tell(
                        ModelReady(
                            model=model.name, device=model.backend.device_name, format=model.manifest.format.value,
                            context_window_tokens=model.backend.context_window_tokens, notice=notice,
                        )
                    )  # fmt: skip
                elif engine is None:
                    self._tell(
                        Failed(request=request, message="No model is loaded.", next_step="Choose one that loads.")
                    )
                else:
                    self._write(engine, asked)
            except SongsmithError as error:
                self._tell(Failed(request=request, message=error.message, next_step=error.next_step))
                # After an error of CUDA's own nothing this process asks of the GPU succeeds; torch is not imported to ask.
                lost = type(error.__cause__).__name__ == "AcceleratorError"
            if request is not None:
                self._tell(WriteEnded(request=request))
            if lost:
                os._exit(1)  # whoever wants more starts another

    def give_up(self, error: SongsmithError) -> None:
        """Say why nothing more will come of this process."""
        self._tell(Failed(request=None, message=error.message, next_step=error.next_step))

    def _write(self, engine: Any, asked: Write) -> None:
        from songsmith.generation.writing import TakeFinished, write_takes

        if asked.request in self._stopped:
            return
        for event in write_takes(
            engine,
            asked.prompt,
            asked.options,
            parent_id=asked.parent_id,
            stopping=lambda: asked.request in self._stopped,
        ):
            if isinstance(event, TakeFinished):
                self._tell(TakeWritten(request=asked.request, take=event.take, result=event.result))
            else:
                self._tell(
                    ChunkWritten(
                        request=asked.request, take=event.take, text=event.text, tokens=event.tokens,
                        elapsed_s=event.elapsed_s, window_slid=event.window_slid,
                    )
                )  # fmt: skip

    def _listen(self) -> None:
        for line in self._asked:
            message = decode_message(line)
            if isinstance(message, Stop):
                self._stopped.add(message.request)
            else:
                self._queue.put(message)
        os._exit(0)  # the parent is gone; there is nobody left to write for

    def _tell(self, message: Told) -> None:
        try:
            self._told.write(encode_message(message))
            self._told.flush()
        except BrokenPipeError:
            os._exit(0)


class _GatedStream(io.TextIOWrapper):
    """A log that no text of a model can turn into commands for the terminal it is read on."""

    def write(self, text: str, /) -> int:
        """Write what may be shown."""
        return super().write(printable(text))


def _main(environ: Mapping[str, str]) -> None:
    # What a library prints must not get between the messages.
    told = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stderr = _GatedStream(os.fdopen(os.dup(2), "wb"), "utf-8", "backslashreplace", line_buffering=True)
    if hasattr(os, "nice") and "SONGSMITH_NO_NICE" not in environ:
        os.nice(5)  # keys come first
    child = _Child(sys.stdin.buffer, told)
    try:
        prepare_memory()
        child.run()
    except BaseException as error:  # a panic in Rust is no Exception
        if is_out_of_memory(error):  # else the end of the process says that something went wrong
            child.give_up(memory_error())
        raise


if __name__ == "__main__":
    _main(os.environ)
