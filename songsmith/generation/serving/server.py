"""The server of an engine in a child process: loads a model and writes takes of many requests at once.

Requests come over standard input and events go over standard output, one message a line (see `protocol.py`). The end of its input
ends the process, so that it never outlives its parent.
"""

import io
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from queue import Empty, SimpleQueue
from typing import IO, TYPE_CHECKING

from songsmith.errors import ModelError, SongsmithError
from songsmith.generation import events
from songsmith.generation.serving.protocol import (
    ChunkWritten,
    Failed,
    Load,
    ModelPreparing,
    ModelReady,
    Request,
    ServerEvent,
    Stop,
    TakeWritten,
    TextWithdrawn,
    Write,
    WriteEnded,
    decode_message,
    encode_message,
)
from songsmith.memory import is_out_of_memory, memory_error, prepare_memory
from songsmith.safe_text import printable
from songsmith.settings import NO_MODEL

if TYPE_CHECKING:
    from songsmith.generation.engine import Engine
    from songsmith.generation.scheduler import Scheduler
    from songsmith.generation.writing import TakeAssembler

MOST_TAKES = 16
"""Takes of all requests that are written side by side; others wait for their turn."""

Loader = Callable[[Load, Callable[[ServerEvent], None]], "tuple[Engine, str]"]
"""Loads what is asked for, tells of what takes long, and returns an engine with what the user should know, or an empty text."""


def load_engine(request: Load, tell: Callable[[ServerEvent], None]) -> "tuple[Engine, str]":
    """Load the models that a request names from the user's folders.

    Raises:
        SongsmithError: the model that writes cannot be loaded. Without the draft model it writes nevertheless.
    """
    from songsmith.generation.engine import Engine
    from songsmith.model.registry import ModelStore
    from songsmith.paths import find_paths

    store, draft_model, notice = ModelStore(find_paths()), None, ""
    model = store.load(
        request.model, device=request.device, threads=request.threads,
        preparing=partial(tell, ModelPreparing(model=request.model)),
    )  # fmt: skip
    if request.draft_model != NO_MODEL and model.backend.device_name == "cpu":
        try:
            draft_model = store.load_draft(
                request.draft_model, model, device=request.device,
                preparing=partial(tell, ModelPreparing(model=request.draft_model)),
            )  # fmt: skip
        except ModelError as error:  # it would have changed no word
            notice = f"Writing without a draft model: {error.message}"
    return Engine(model, draft_model=draft_model), f"{model.notice} {notice}".strip()


@dataclass
class _Writing:
    """A request that is being written."""

    takes: "dict[int, int]"
    """The number of each take within the request, by its number in the scheduler; those that go on."""
    assembler: "TakeAssembler"
    begun: bool = False
    """A token has been written."""


class Server:
    """Serves the requests of one client."""

    def __init__(self, requests: IO[bytes], output: IO[bytes], *, load: Loader = load_engine) -> None:
        """Prepare to serve.

        Args:
            requests: lines to read.
            output: takes the lines of events.
            load: loads models.
        """
        self._requests, self._output, self._load = requests, output, load
        self._inbox: SimpleQueue[Request] = SimpleQueue()
        self._engine: Engine | None = None
        self._scheduler: Scheduler | None = None
        self._writing: dict[int, _Writing] = {}
        self._request_of: dict[int, int] = {}
        """The request of each take, by its number in the scheduler."""
        self._lost = False
        """A GPU has failed for good."""

    def run(self) -> None:
        """Serve for ever: the process ends when its input does, or when nothing more can be written."""
        threading.Thread(target=self._listen, daemon=True).start()
        while True:
            for request in self._next_requests():
                try:
                    self._handle(request)
                except SongsmithError as error:
                    number = request.request if isinstance(request, Write) else None
                    self._tell_failure(number, error)
                    if number is not None:
                        self.tell(WriteEnded(request=number))
            if self._scheduler is not None and self._scheduler.busy:
                for event in self._scheduler.step():
                    self._handle_event(event)
            if self._lost and not self._writing:
                os._exit(1)  # whoever wants more starts another

    def _next_requests(self) -> list[Request]:
        """Return what was asked for since the last look; wait for it if there is nothing to write."""
        busy = self._scheduler is not None and self._scheduler.busy
        requests = [] if busy else [self._inbox.get()]
        try:
            while True:
                requests.append(self._inbox.get_nowait())
        except Empty:
            return requests

    def _handle(self, request: Request) -> None:
        match request:
            case Load():
                self._load_model(request)
            case Write():
                self._begin(request)
            case Stop():
                self._stop(request.request)

    def _load_model(self, request: Load) -> None:
        for number in list(self._writing):
            self._stop(number)
        self._engine = self._scheduler = None  # the model before must be gone before the next one takes its memory
        self._engine, notice = self._load(request, self.tell)
        self._scheduler = self._engine.open_scheduler(most_takes=MOST_TAKES)
        model = self._engine.model
        self.tell(
            ModelReady(
                model=model.name, device=model.backend.device_name, format=model.manifest.format.value,
                context_window_tokens=model.backend.context_window_tokens, notice=notice,
            )
        )  # fmt: skip

    def _begin(self, request: Write) -> None:
        from songsmith.generation.scheduler import TakeRequest
        from songsmith.generation.writing import TakeAssembler

        if self._engine is None or self._scheduler is None:
            raise ModelError("No model is loaded.", "Choose one that loads.")
        asked_s = time.perf_counter()
        takes = {}
        for take, options in enumerate(request.options):
            asked = TakeRequest(
                prompt=request.prompt, options=options, priority=request.priority, group=request.request
            )
            takes[self._scheduler.add(asked, asked_s=asked_s)] = take
        assembler = TakeAssembler(self._engine.model, request.prompt, request.options, parent_id=request.parent_id)
        self._writing[request.request] = _Writing(takes, assembler)
        self._request_of |= dict.fromkeys(takes, request.request)
        self._end_if_done(request.request)

    def _stop(self, number: int) -> None:
        writing = self._writing.get(number)
        if writing is None or self._scheduler is None:
            return
        for take in writing.takes:
            self._scheduler.abort(take)
            del self._request_of[take]
        if writing.begun:
            for take, result in writing.assembler.stop():
                self.tell(TakeWritten(request=number, take=take, result=result))
        writing.takes.clear()
        self._end_if_done(number)

    def _handle_event(self, event: events.TokenChunk | events.TextWithdrawn | events.TakeFailed) -> None:
        number = self._request_of[event.take]
        writing = self._writing[number]
        take, assembler = writing.takes[event.take], writing.assembler
        match event:
            case events.TokenChunk():
                writing.begun = True
                self.tell(
                    ChunkWritten(
                        request=number, take=take, text=event.text, tokens=event.tokens, elapsed_s=event.elapsed_s,
                        window_slid=event.window_slid,
                    )
                )  # fmt: skip
                result = assembler.add(replace(event, take=take))
                if result is None:
                    return
                self.tell(TakeWritten(request=number, take=take, result=result))
            case events.TextWithdrawn():
                assembler.withdraw(replace(event, take=take))
                self.tell(TextWithdrawn(request=number, take=take, text=event.text))
                return
            case events.TakeFailed():
                self._tell_failure(number, event.error)
        del writing.takes[event.take], self._request_of[event.take]
        self._end_if_done(number)

    def _end_if_done(self, number: int) -> None:
        if not self._writing[number].takes:
            del self._writing[number]
            self.tell(WriteEnded(request=number))

    def _tell_failure(self, number: int | None, error: SongsmithError) -> None:
        self.tell(Failed(request=number, message=error.message, next_step=error.next_step))
        # After an error of CUDA's own nothing this process asks of the GPU succeeds; torch is not imported to ask.
        self._lost |= type(error.__cause__).__name__ == "AcceleratorError"

    def _listen(self) -> None:
        for line in self._requests:
            self._inbox.put(decode_message(line))
        os._exit(0)  # the parent is gone; there is nobody left to write for

    def tell(self, event: ServerEvent) -> None:
        """Send an event; where nobody is left to read it, end the process."""
        try:
            self._output.write(encode_message(event))
            self._output.flush()
        except BrokenPipeError:
            os._exit(0)


class _GatedStream(io.TextIOWrapper):
    """A log that no text of a model can turn into commands for the terminal it is read on."""

    def write(self, text: str, /) -> int:
        """Write what may be shown."""
        return super().write(printable(text))


def main(environ: Mapping[str, str], *, load: Loader = load_engine) -> None:
    """Serve whoever started this process.

    Args:
        environ: of the process.
        load: loads models.
    """
    # What a library prints must not get between the messages.
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stderr = _GatedStream(os.fdopen(os.dup(2), "wb"), "utf-8", "backslashreplace", line_buffering=True)
    if hasattr(os, "nice") and "SONGSMITH_NO_NICE" not in environ:
        os.nice(5)  # keys come first
    server = Server(sys.stdin.buffer, output, load=load)
    try:
        prepare_memory()
        server.run()
    except BaseException as error:  # a panic in Rust is no Exception
        if is_out_of_memory(error):  # else the end of the process says that something went wrong
            told = memory_error()
            server.tell(Failed(request=None, message=told.message, next_step=told.next_step))
        raise


if __name__ == "__main__":
    main(os.environ)
