"""The screen's end of the model's process: requests go out, what comes back is posted as messages. Touches no widget."""

from threading import Lock

from textual.message_pump import MessagePump

from songsmith.generation.process import (
    ChunkWritten,
    EngineProcess,
    Failed,
    Heard,
    ModelPreparing,
    ModelReady,
    ProcessEnded,
    TakeWritten,
    WriteEnded,
)
from songsmith.studio.studio import Studio
from songsmith.studio.workshop import WriteRequest
from songsmith.tui.messages import (
    EngineEnded,
    EngineFailed,
    EngineMessage,
    ModelLoaded,
    PreparationBegan,
    TakeExtended,
    TakeFinished,
    WritingEnded,
)


class EngineLink:
    """A process with the studio's model, and who is told what it does."""

    def __init__(self, studio: Studio, told: MessagePump) -> None:
        """Start the process."""
        self._told = told
        self._requests: dict[int, WriteRequest] = {}
        self._numbering = Lock()  # an answer must not come before its request is noted
        self._process = EngineProcess(
            model=studio.settings.model,
            device=studio.settings.device,
            threads=studio.workshop_threads(),
            draft_model=studio.settings.draft_model,
            log=studio.paths.engine_log,
        )

    @property
    def pid(self) -> int:
        """Process id of the model's process."""
        return self._process.pid

    def write(self, request: WriteRequest) -> None:
        """Have a request written; its messages will carry it."""
        with self._numbering:
            number = self._process.write(request.prompt, [request.options], parent_id=request.parent_id)
            self._requests[number] = request

    def stop(self, request: WriteRequest) -> None:
        """Have a request ended; its take comes back as it stands."""
        with self._numbering:  # a request that ends meanwhile is forgotten by the listening thread
            numbers = [number for number, known in self._requests.items() if known is request]
        for number in numbers:
            self._process.stop(number)

    def close(self) -> None:
        """End the process, and with it `listen()`."""
        self._process.close()

    def listen(self) -> None:
        """Post what the process does until it ends. Blocks: it belongs in a thread."""
        for heard in self._process.heard():
            with self._numbering:
                message = self._translate(heard)
            if message is not None:
                self._told.post_message(message)

    def _translate(self, heard: Heard) -> EngineMessage | None:
        match heard:
            case ModelPreparing():
                return PreparationBegan(self)
            case ModelReady():
                return ModelLoaded(
                    self, model=heard.model, device=heard.device, plain=heard.format == "plain", notice=heard.notice
                )
            case ChunkWritten():
                rate = heard.tokens / heard.elapsed_s if heard.elapsed_s else 0.0
                return TakeExtended(
                    self,
                    request=self._requests[heard.request],
                    text=heard.text,
                    tokens_per_s=rate,
                    window_slid=heard.window_slid,
                )
            case TakeWritten():
                return TakeFinished(self, request=self._requests[heard.request], take=heard.result)
            case WriteEnded():
                return WritingEnded(self, request=self._requests.pop(heard.request))
            case Failed():
                request = self._requests[heard.request] if heard.request is not None else None
                return EngineFailed(self, request=request, sentence=f"{heard.message} {heard.next_step}".strip())
            case ProcessEnded():
                return None if heard.expected else EngineEnded(self)
