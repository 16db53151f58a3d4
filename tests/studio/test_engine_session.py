"""The model of a workshop without its screen: what is asked for is written, whatever becomes of the engine."""

from collections.abc import Callable, Iterator

import pytest
from fakes import ScriptedEngine
from hypothesis import given, settings
from hypothesis import strategies as st

from songsmith.errors import StorageError
from songsmith.generation.options import GenerationOptions
from songsmith.generation.serving.protocol import ChunkWritten, Event, ModelReady
from songsmith.lyrics import parse
from songsmith.markup import Prompt
from songsmith.studio.engine_session import Connection, EngineSession
from songsmith.studio.workshop import WriteRequest
from songsmith.takes import FinishReason, Take


class Desk:
    """A session, what it told, and events that are read when a test wants them."""

    def __init__(self, *, loads: bool = True) -> None:
        self.engines: list[ScriptedEngine] = []
        self.loads = loads
        self.session = EngineSession(self._start, self)
        self.told: list[object] = []
        self.takes: list[tuple[Take, WriteRequest, bool]] = []
        self.text = ""
        self.events: list[tuple[Connection, Iterator[Event]]] = []

    def _start(self) -> ScriptedEngine:
        self.engines.append(ScriptedEngine(loads=self.loads))
        return self.engines[-1]

    def start(self) -> None:
        connection = self.session.start()
        if connection is not None:
            self.events.append((connection, connection.engine.events()))

    def read(self, until: Callable[[Event], bool], engine: int = -1) -> None:
        """Hand over an engine's events up to one."""
        connection, events = self.events[engine]
        for event in events:
            self.session.handle(connection, event)
            if until(event):
                return

    def read_to_the_end(self, engine: int = -1) -> None:
        self.read(lambda event: False, engine)

    def on_model_preparing(self) -> None:
        self.told.append("preparing")

    def on_model_loaded(self, model: ModelReady) -> None:
        self.told.append("loaded")

    def on_chunk(self, chunk: ChunkWritten) -> None:
        self.text += chunk.text

    def on_text_withdrawn(self, text: str) -> None:
        assert text
        assert self.text.endswith(text)
        self.text = self.text.removesuffix(text)
        self.told.append("withdrawn")

    def on_take_finished(self, take: Take, request: WriteRequest, *, current: bool) -> None:
        self.takes.append((take, request, current))

    def on_writing_ended(self) -> None:
        self.told.append("writing ended")

    def on_engine_failed(self, sentence: str, *, loaded: bool) -> None:
        self.told.append((sentence, loaded))

    def on_engine_ended(self, *, wrote: bool) -> None:
        self.told.append(("ended", wrote))


def request(seed: int = 1, **options: object) -> WriteRequest:
    return WriteRequest(
        prompt=Prompt(song=parse("Down by the river")), options=GenerationOptions(seed=seed, **options), parent_id=None,
        song_id=f"song {seed}",
    )  # fmt: skip


def endless(seed: int = 1) -> WriteRequest:
    return request(seed, max_lines=0, min_lines=100_000, max_new_tokens=1_000_000)


def written(tokens: int) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, ChunkWritten) and event.tokens >= tokens


def test_a_request_that_waits_for_the_model_is_written_when_it_is_there():
    desk = Desk(loads=False)
    desk.start()
    assert not desk.session.submit(request())
    assert desk.session.writing
    assert desk.engines[0].asked == []
    desk.engines[0].load()
    desk.read(lambda event: desk.told[-1:] == ["writing ended"])
    ((take, asked, current),) = desk.takes
    assert (take.text, asked.song_id, current) == (desk.text, "song 1", True)
    assert desk.told == ["loaded", "writing ended"]
    assert not desk.session.writing


def test_what_waits_for_the_model_can_be_stopped():
    desk = Desk(loads=False)
    desk.start()
    desk.session.submit(request())
    desk.session.stop()
    assert not desk.session.writing
    desk.engines[0].load()
    desk.read(lambda event: isinstance(event, ModelReady))
    assert desk.engines[0].asked == []


def test_a_take_that_was_stopped_is_kept_for_its_song_while_the_next_is_written():
    desk = Desk()
    desk.start()
    desk.read(lambda event: isinstance(event, ModelReady))
    desk.session.submit(endless(1))
    desk.read(written(3))
    desk.session.stop()
    before = desk.text
    desk.session.submit(endless(2))
    desk.read(written(5))
    ((take, asked, current),) = desk.takes
    assert (take.finish, asked.song_id, current) == (FinishReason.STOPPED, "song 1", False)
    assert take.text.startswith(before)
    assert desk.text != before
    assert desk.session.writing
    assert "writing ended" not in desk.told


def test_text_that_is_withdrawn_is_in_no_take():
    desk = Desk()
    desk.start()
    desk.read(lambda event: isinstance(event, ModelReady))
    desk.session.submit(request())
    for tokens in (3, 9):
        desk.read(written(tokens))
        desk.engines[0].withdraw_word()
        desk.read(lambda event: desk.told[-1] == "withdrawn")
    desk.read(lambda event: desk.told[-1] == "writing ended")
    ((take, _, _),) = desk.takes
    assert take.text == desk.text


def test_after_a_crash_the_next_request_starts_another_engine():
    desk = Desk()
    desk.start()
    desk.read(lambda event: isinstance(event, ModelReady))
    desk.session.submit(endless())
    desk.read(written(3))
    desk.engines[0].crash()
    desk.read_to_the_end()
    assert desk.told == ["loaded", ("ended", True)]
    assert (desk.session.writing, desk.session.model) == (False, None)
    desk.start()
    assert len(desk.engines) == 2
    assert not desk.session.submit(request(2))
    desk.read(lambda event: desk.told[-1] == "writing ended")
    assert desk.takes[-1][1].song_id == "song 2"


def test_an_engine_without_a_model_is_given_up_and_what_it_tells_later_changes_nothing():
    desk = Desk(loads=False)
    desk.start()
    desk.session.submit(request(1))
    desk.engines[0].fail_to_load("The model is damaged.")
    desk.read_to_the_end()  # it is closed, and says so
    assert desk.told == [("The model is damaged.", False)]
    assert not desk.session.writing
    desk.loads = True
    desk.start()
    desk.session.handle(desk.events[0][0], ModelReady(model="old", device="cpu", format="markup", context_window_tokens=1))
    assert desk.session.model is None
    desk.session.submit(request(2))
    desk.read(lambda event: desk.told[-1] == "writing ended")
    assert [asked.song_id for _, asked, _ in desk.takes] == ["song 2"]


def test_an_error_of_a_request_ends_it_and_the_engine_writes_on():
    desk = Desk()
    desk.start()
    desk.read(lambda event: isinstance(event, ModelReady))
    desk.session.submit(endless(1))
    desk.read(written(2))
    desk.engines[0].fail("Memory ran out.")
    desk.read(lambda event: len(desk.told) == 2)
    assert desk.told[-1] == ("Memory ran out.", True)
    assert not desk.session.writing
    assert desk.session.submit(request(2))
    desk.read(lambda event: desk.told[-1] == "writing ended")
    assert [asked.song_id for _, asked, _ in desk.takes] == ["song 2"]


def test_an_engine_that_cannot_be_started_is_an_error_and_can_be_tried_again():
    attempts = []

    def start() -> ScriptedEngine:
        attempts.append(len(attempts))
        if len(attempts) == 1:
            raise StorageError("The disk is full.")
        return ScriptedEngine()

    session = EngineSession(start, Desk())
    with pytest.raises(StorageError):
        session.start()
    assert session.start() is not None
    assert session.start() is None


@given(st.lists(st.sampled_from(["submit", "stop", "read", "read", "crash"]), max_size=30))
@settings(max_examples=30)
def test_every_take_that_was_begun_comes_back_once_and_only_what_was_asked_last_is_current(actions: list[str]) -> None:
    desk, seeds = Desk(), iter(range(1, 100))
    current: str | None = None
    crashed = False
    for action in actions:
        if action == "submit":
            desk.start()
            crashed = False
            desk.session.stop()
            asked = endless(next(seeds))
            desk.session.submit(asked)
            current = asked.song_id
        elif action == "stop":
            desk.session.stop()
            current = None
        elif action == "crash" and desk.engines and not crashed:
            desk.engines[-1].crash()
            desk.read_to_the_end()
            current, crashed = None, True
        elif desk.engines and desk.session.writing:
            desk.read(lambda event: isinstance(event, ChunkWritten | ModelReady))
        assert desk.session.writing is (current is not None)
    kept = [asked.song_id for _, asked, _ in desk.takes]
    assert len(kept) == len(set(kept))
    assert all(not was_current for _, _, was_current in desk.takes)  # none of them ends by itself
