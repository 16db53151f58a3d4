"""An evening at the workshop: after many takes and many engines, nothing has piled up that was not there at first."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue

import pytest

from songsmith.generation.options import GenerationOptions
from songsmith.generation.serving.protocol import ChunkWritten, Event, ModelReady, ProcessEnded, TakeWritten, WriteEnded
from songsmith.library.library import Library
from songsmith.settings import Settings
from songsmith.studio.engine_session import EngineClient
from songsmith.studio.studio import Studio
from songsmith.studio.workshop import Workshop

MOST_GROWTH_KB = 24_000
"""What memory may grow by that is no leak: an allocator keeps a little more of what was freed for a while."""

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="what a process holds is read from /proc")


@dataclass(frozen=True, kw_only=True)
class Held:
    """What a process holds."""

    memory_kb: int
    descriptors: int
    threads: int
    children: int


def held_by(pid: int) -> Held:
    folder = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    children = [child for task in (folder / "task").iterdir() for child in (task / "children").read_text().split()]
    return Held(
        memory_kb=int(status["VmRSS"].split()[0]), descriptors=len(list((folder / "fd").iterdir())),
        threads=int(status["Threads"]), children=len(children),
    )  # fmt: skip


def assert_nothing_piled_up(before: Held, after: Held) -> None:
    assert after.memory_kb <= before.memory_kb + MOST_GROWTH_KB
    # Fewer is no growth: threads of a library that had nothing to do may end.
    for what in ("descriptors", "threads", "children"):
        assert getattr(after, what) <= getattr(before, what), what


class Session:
    """A workshop, and the engine that writes for it, put together as the screen does it."""

    def __init__(self, studio: Studio, workshop: Workshop) -> None:
        self.studio, self.workshop = studio, workshop
        self._inbox: SimpleQueue[Event] = SimpleQueue()

    def wait_for(self, kind: type[Event]) -> None:
        """Take events up to the next of a kind, and give the workshop what is written."""
        while True:
            event = self._inbox.get(timeout=60)
            if isinstance(event, ChunkWritten):
                self.workshop.extend(event.text)
            elif isinstance(event, TakeWritten):
                self.workshop.finish(event.result)
            if isinstance(event, kind):
                return

    def _read(self, engine: EngineClient) -> None:
        for event in engine.events():
            self._inbox.put(event)

    @contextmanager
    def engine(self) -> Iterator[EngineClient]:
        engine = self.studio.start_engine()
        reading = threading.Thread(target=self._read, args=[engine])
        reading.start()
        try:
            self.wait_for(ModelReady)
            yield engine
        finally:
            engine.close()
            reading.join()

    def write_take(self, engine: EngineClient) -> None:
        request = self.workshop.go_on()
        assert request is not None
        engine.write(request.prompt, [request.options], parent_id=request.parent_id)
        self.wait_for(WriteEnded)
        assert self.workshop.text
        self.workshop.autosave()
        self.workshop.undo()


@pytest.fixture
def session(paths) -> Iterator[Session]:
    studio = Studio(paths, Settings(device="cpu", threads=1))
    studio.prepare_home()
    with Library(paths.library) as library:
        workshop = Workshop(library, paths)
        workshop.options = replace(GenerationOptions(), max_lines=1, min_lines=1)
        yield Session(studio, workshop)
        workshop.close()


@pytest.mark.parametrize("takes", [30, pytest.param(300, marks=pytest.mark.slow)])
def test_many_takes_of_one_engine(session: Session, takes: int) -> None:
    with session.engine() as engine:
        pids = (os.getpid(), engine.pid)
        for _ in range(takes // 3):  # until all that is kept for good is there
            session.write_take(engine)
        before = [held_by(pid) for pid in pids]
        for _ in range(takes - takes // 3):
            session.write_take(engine)
        for pid, held in zip(pids, before, strict=True):
            assert_nothing_piled_up(held, held_by(pid))


@pytest.mark.parametrize("engines", [6, pytest.param(50, marks=pytest.mark.slow)])
def test_many_engines_in_one_session(session: Session, engines: int) -> None:
    """Every other one is killed, as if memory had run out."""
    before = None
    for number in range(engines):
        with session.engine() as engine:
            session.write_take(engine)
            if number % 2:
                os.kill(engine.pid, signal.SIGKILL)
                session.wait_for(ProcessEnded)
        if number == 1:
            before = held_by(os.getpid())
    assert before is not None
    assert_nothing_piled_up(before, held_by(os.getpid()))
