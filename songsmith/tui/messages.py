"""What workers tell the screens: facts, in the past tense."""

from textual.message import Message

from songsmith.generation.process import EngineProcess, Heard


class EngineSaid(Message):
    """The generating process said something."""

    def __init__(self, engine: EngineProcess, said: Heard) -> None:
        """Carry what was said, and by which process: an old one may still be heard after a new one started."""
        super().__init__()
        self.engine = engine
        self.said = said
