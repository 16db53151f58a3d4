"""The screen's end of the model's process."""

from threading import Event, Thread

from songsmith.generation.options import GenerationOptions
from songsmith.generation.process import EngineProcess
from songsmith.markup import Prompt
from songsmith.settings import Settings
from songsmith.studio.studio import Studio
from songsmith.studio.workshop import WriteRequest
from songsmith.tui.engine_link import EngineLink
from songsmith.tui.messages import ModelLoaded, TakeExtended, WritingEnded


class Screen:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.heard = {kind: Event() for kind in (ModelLoaded, TakeExtended, WritingEnded)}

    def post_message(self, message: object) -> None:
        if type(message) in self.heard:
            self.heard[type(message)].set()


def test_a_take_may_end_while_it_is_being_stopped(paths, monkeypatch):
    screen = Screen()

    class Answered(EngineProcess):
        """A process whose answer to a stop has come before the stop returns."""

        def stop(self, request: int) -> None:
            super().stop(request)
            assert screen.heard[WritingEnded].wait(60)

    monkeypatch.setattr("songsmith.tui.engine_link.EngineProcess", Answered)
    studio = Studio(paths, Settings(device="cpu"))
    studio.prepare_home()
    link = EngineLink(studio, screen)
    listening = Thread(target=link.listen)
    listening.start()
    try:
        assert screen.heard[ModelLoaded].wait(60)
        endless = GenerationOptions(max_lines=0, min_lines=100_000, max_new_tokens=1_000_000)
        request = WriteRequest(prompt=Prompt(), options=endless, parent_id=None, song_id="a")
        link.write(request)
        assert screen.heard[TakeExtended].wait(60)
        link.stop(request)
    finally:
        link.close()
        listening.join(60)
    assert not listening.is_alive()
