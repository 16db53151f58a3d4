"""What the model's process did, as the screens hear of it: facts, in the past tense."""

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from songsmith.studio.workshop import WriteRequest
    from songsmith.takes import Take
    from songsmith.tui.engine_link import EngineLink


class EngineMessage(Message):
    """News from a link; an old one may still be heard after a new one was made."""

    def __init__(self, link: "EngineLink") -> None:
        """Say which link it came over."""
        super().__init__()
        self.link = link


class PreparationBegan(EngineMessage):
    """The model is being made ready for this processor, which takes more than a moment, but only this once."""


class ModelLoaded(EngineMessage):
    """The model is ready to write."""

    def __init__(self, link: "EngineLink", *, model: str, device: str, plain: bool, notice: str) -> None:
        """Say which model it is, where it runs, whether it knows nothing of songs, and what else the user should know."""
        super().__init__(link)
        self.model, self.device, self.plain, self.notice = model, device, plain, notice


class TakeExtended(EngineMessage):
    """A take grew by a token."""

    def __init__(
        self, link: "EngineLink", *, request: "WriteRequest", text: str, tokens_per_s: float, window_slid: bool
    ) -> None:
        """Say what became visible, how fast it goes, and whether the oldest lines went out of sight."""
        super().__init__(link)
        self.request, self.text = request, text
        self.tokens_per_s, self.window_slid = tokens_per_s, window_slid


class TakeFinished(EngineMessage):
    """A take is whole."""

    def __init__(self, link: "EngineLink", *, request: "WriteRequest", take: "Take") -> None:
        """Hand over the take."""
        super().__init__(link)
        self.request, self.take = request, take


class WritingEnded(EngineMessage):
    """Nothing more comes for a request."""

    def __init__(self, link: "EngineLink", *, request: "WriteRequest") -> None:
        """Say for which."""
        super().__init__(link)
        self.request = request


class EngineFailed(EngineMessage):
    """Something went wrong that the user should read; the process goes on."""

    def __init__(self, link: "EngineLink", *, request: "WriteRequest | None", sentence: str) -> None:
        """Say what, and with which request; None where it was the loading of the model."""
        super().__init__(link)
        self.request, self.sentence = request, sentence


class EngineEnded(EngineMessage):
    """The process ended, and nobody had asked it to."""
