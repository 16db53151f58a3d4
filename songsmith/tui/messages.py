"""Messages that other threads post to the screens."""

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from songsmith.generation.serving.protocol import Event
    from songsmith.studio.engine_session import Connection


class EngineEvent(Message):
    """An event of the engine's protocol."""

    def __init__(self, connection: "Connection", event: "Event") -> None:
        """Say what happened, and over which connection: an earlier one may still have something to tell."""
        super().__init__()
        self.connection, self.event = connection, event
