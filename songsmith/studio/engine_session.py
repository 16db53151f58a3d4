"""The engine of a workshop: starts its process, sends requests, and handles its events. Knows no screen and no draft."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from songsmith.generation.options import GenerationOptions
from songsmith.generation.serving.protocol import (
    ChunkWritten,
    Event,
    Failed,
    ModelPreparing,
    ModelReady,
    ProcessEnded,
    TakeWritten,
    TextWithdrawn,
    WriteEnded,
)
from songsmith.markup import Prompt
from songsmith.studio.workshop import WriteRequest
from songsmith.takes import Take


class EngineClient(Protocol):
    """An engine that writes; see `EngineProcess`."""

    @property
    def pid(self) -> int:
        """Id of the process that writes."""
        ...

    def write(self, prompt: Prompt, options: Sequence[GenerationOptions], *, parent_id: str | None = None) -> int:
        """Ask for takes of a prompt, and return the number their events will carry."""
        ...

    def stop(self, request: int) -> None:
        """Ask for an end to a request; returns at once."""
        ...

    def events(self) -> Iterator[Event]:
        """Yield events as they come, at last `ProcessEnded`. Blocks."""
        ...

    def close(self) -> None:
        """End the engine."""
        ...


@dataclass(eq=False)
class Connection:
    """A session's connection to one engine. Events of an earlier one may still come after the next was opened."""

    engine: EngineClient
    requests: dict[int, WriteRequest] = field(default_factory=dict)
    """What was asked for, by its number, until its end was told."""


class SessionObserver(Protocol):
    """What a session tells the face that it serves."""

    def on_model_preparing(self) -> None:
        """Tell that the model is being made ready for this processor, which takes more than a moment."""
        ...

    def on_model_loaded(self, model: ModelReady) -> None:
        """Tell that the model can write; a request that waited for it is being written."""
        ...

    def on_chunk(self, chunk: ChunkWritten) -> None:
        """Tell that the take being written grew."""
        ...

    def on_text_withdrawn(self, text: str) -> None:
        """Tell that the take being written has taken the end of its text back."""
        ...

    def on_take_finished(self, take: Take, request: WriteRequest, *, current: bool) -> None:
        """Hand over a take that is whole.

        Args:
            take: it.
            request: what it was written for.
            current: whether that is what is being written; otherwise it was stopped, or its engine was given up.
        """
        ...

    def on_writing_ended(self) -> None:
        """Tell that what was being written has ended."""
        ...

    def on_engine_failed(self, sentence: str, *, loaded: bool) -> None:
        """Tell that writing failed, or that the model could not be loaded.

        Args:
            sentence: what the user should read.
            loaded: whether there is a model that can go on.
        """
        ...

    def on_engine_ended(self, *, wrote: bool) -> None:
        """Tell that the engine ended, though nobody had asked it to.

        Args:
            wrote: whether something was being written, or waited.
        """
        ...


class EngineSession:
    """The engine that writes for a workshop, one request at a time. All of it is called from one thread."""

    def __init__(self, start_engine: Callable[[], EngineClient], observer: SessionObserver) -> None:
        """Prepare a session; nothing is started yet.

        Args:
            start_engine: starts an engine that loads its model.
            observer: is told what happens.
        """
        self._start_engine, self._observer = start_engine, observer
        self._connection: Connection | None = None
        self._request: WriteRequest | None = None
        self._waiting: WriteRequest | None = None
        self.model: ModelReady | None = None
        """The model, once it is loaded."""

    @property
    def writing(self) -> bool:
        """Whether something is being written, or waits for the model."""
        return self._request is not None or self._waiting is not None

    @property
    def pid(self) -> int:
        """Id of the process that writes, or 0 while there is none."""
        return self._connection.engine.pid if self._connection is not None else 0

    def start(self) -> Connection | None:
        """Start an engine, unless there is one.

        Returns:
            The connection whose events are to be handed to `handle` as they come; None where there was one.

        Raises:
            SongsmithError: it cannot be started.
            OSError: likewise.
        """
        if self._connection is not None:
            return None
        self._connection = Connection(self._start_engine())
        return self._connection

    def submit(self, request: WriteRequest) -> bool:
        """Have a request written by the engine that was started.

        Returns:
            Whether it is being written: otherwise it waits until the model is loaded.
        """
        assert self._connection is not None
        if self.model is None:
            self._waiting = request
            return False
        engine = self._connection.engine
        number = engine.write(request.prompt, [request.options], parent_id=request.parent_id)
        self._connection.requests[number] = self._request = request
        return True

    def stop(self) -> None:
        """Stop what is being written, now; its take comes back as it stands."""
        if self._connection is not None:
            for number, request in self._connection.requests.items():
                if request is self._request:
                    self._connection.engine.stop(number)
        self._request = self._waiting = None

    def close(self) -> None:
        """End the engine."""
        if self._connection is not None:
            self._connection.engine.close()

    def handle(self, connection: Connection, event: Event) -> None:
        """Follow an event of an engine, and tell the observer what it means."""
        is_current = connection is self._connection
        match event:
            case ModelPreparing() if is_current:
                self._observer.on_model_preparing()
            case ModelReady() if is_current:
                self.model = event
                waiting, self._waiting = self._waiting, None
                if waiting is not None:
                    self.submit(waiting)
                self._observer.on_model_loaded(event)
            case ChunkWritten():
                if connection.requests[event.request] is self._request:
                    self._observer.on_chunk(event)
            case TextWithdrawn():
                if connection.requests[event.request] is self._request:
                    self._observer.on_text_withdrawn(event.text)
            case TakeWritten():
                request = connection.requests[event.request]
                self._observer.on_take_finished(event.result, request, current=request is self._request)
            case WriteEnded():
                if connection.requests.pop(event.request) is self._request:
                    self._request = None
                    self._observer.on_writing_ended()
            case Failed() if is_current:
                self._handle_failure(connection, event)
            case ProcessEnded() if is_current and not event.expected:
                wrote = self.writing
                self._drop()
                self._observer.on_engine_ended(wrote=wrote)

    def _handle_failure(self, connection: Connection, failed: Failed) -> None:
        if failed.request is None:
            self._drop()
        elif connection.requests[failed.request] is not self._request:
            return
        self._request = self._waiting = None
        self._observer.on_engine_failed(
            f"{failed.message} {failed.next_step}".strip(), loaded=failed.request is not None
        )

    def _drop(self) -> None:
        """Let go of an engine that is of no more use; the next start starts another."""
        self.close()
        self._connection = self.model = self._request = self._waiting = None
