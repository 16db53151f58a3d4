"""The engine in its own process: many requests at once, and nothing that happens there harms who asked."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from homes import begin_used
from hypothesis import given
from hypothesis import strategies as st

from songsmith.generation.engine import Engine
from songsmith.generation.options import GenerationOptions
from songsmith.generation.priority import Priority
from songsmith.generation.serving.client import EngineProcess
from songsmith.generation.serving.protocol import (
    ChunkWritten,
    Event,
    Failed,
    Load,
    ModelPreparing,
    ModelReady,
    ProcessEnded,
    Request,
    TakeWritten,
    TextWithdrawn,
    Write,
    WriteEnded,
    decode_message,
    encode_message,
)
from songsmith.generation.writing import TakeFinished, write_takes
from songsmith.lyrics import SectionKind, parse
from songsmith.markup import Prompt
from songsmith.takes import FinishReason

PROMPT = Prompt(song=parse("Down by the river", title="Title"))
ENDLESS = GenerationOptions(seed=1, max_lines=0, min_lines=100_000, max_new_tokens=1_000_000)


@pytest.fixture
def home(home: Path, used_state: Path) -> Path:
    """Return SONGSMITH_HOME of this test alone, in which somebody has written before."""
    return begin_used(home, used_state)


@pytest.fixture
def engine(paths) -> Iterator[EngineProcess]:
    engine = EngineProcess(model="starter", device="cpu", threads=1, log=paths.engine_log)
    yield engine
    engine.close()


def read_until(events: Iterator[Event], wanted: Callable[[Event], bool]) -> list[Event]:
    said: list[Event] = []
    for message in events:
        said.append(message)
        if wanted(message):
            return said
    raise AssertionError(f"never came; read {said}")


@given(
    st.text(), st.text(), st.booleans(), st.sampled_from([None, *SectionKind]), st.integers(0, 2**63 - 1),
    st.floats(0, 10), st.none() | st.text(), st.sampled_from(Priority),
)  # fmt: skip
def test_requests_survive_the_pipe(text, title, open_line, section, seed, temperature, parent_id, priority):
    write = Write(
        request=7, prompt=Prompt(song=parse(text, title=title), open_line=open_line, next_section=section),
        options=[GenerationOptions(seed=seed, temperature=temperature)], parent_id=parent_id, priority=priority,
    )  # fmt: skip
    line = encode_message(write)
    assert line.count(b"\n") == 1
    assert decode_message(line) == write


@given(st.text(), st.integers(0, 2**63 - 1))
def test_events_survive_the_pipe(text, number):
    for event in (
        ChunkWritten(request=number, take=number, text=text, tokens=number, elapsed_s=0.25, window_slid=True),
        TextWithdrawn(request=number, take=number, text=text), Failed(request=None, message=text, next_step=text),
    ):  # fmt: skip
        line = encode_message(event)
        assert line.count(b"\n") == 1
        assert decode_message(line) == event


def test_a_large_model_that_is_made_ready_says_so_once(paths, large_folder):
    for expected in (True, False):
        engine = EngineProcess(model=str(large_folder), device="cpu", threads=1, log=paths.engine_log)
        said = read_until(engine.events(), lambda message: isinstance(message, ModelReady))
        engine.close()
        assert any(isinstance(message, ModelPreparing) for message in said) is expected


def test_it_writes_what_the_engine_writes_here(engine, starter):
    from songsmith.generation.engine import Engine

    options = [GenerationOptions(seed=5, max_lines=4), GenerationOptions(seed=6, max_lines=3)]
    request = engine.write(PROMPT, options, parent_id="parent")
    said = read_until(engine.events(), lambda message: isinstance(message, WriteEnded))
    assert isinstance(said[0], ModelReady)
    assert said[0].model == "starter"
    takes = {message.take: message.result for message in said if isinstance(message, TakeWritten)}
    here = {
        event.take: event.result
        for event in write_takes(Engine(starter), PROMPT, options)
        if isinstance(event, TakeFinished)
    }
    for number, take in takes.items():
        assert take.text == here[number].text
        assert take.parent_id == "parent"
        chunks = [message.text for message in said if isinstance(message, ChunkWritten) and message.take == number]
        assert "".join(chunks) == take.text
    assert {message.request for message in said[1:] if hasattr(message, "request")} == {request}


def test_stopping_ends_a_long_take_and_gives_what_it_has(engine):
    events = engine.events()
    request = engine.write(PROMPT, [ENDLESS])
    said = read_until(events, lambda message: isinstance(message, ChunkWritten) and message.tokens > 20)
    engine.stop(request)
    said += read_until(events, lambda message: isinstance(message, WriteEnded))
    (take,) = [message.result for message in said if isinstance(message, TakeWritten)]
    assert take.finish is FinishReason.STOPPED
    assert take.text == "".join(message.text for message in said if isinstance(message, ChunkWritten))
    engine.write(PROMPT, [GenerationOptions(seed=2, max_lines=1, min_lines=1)])
    read_until(events, lambda message: isinstance(message, TakeWritten) and message.result.seed == 2)


def test_a_request_is_written_beside_one_that_is_being_written_and_stopped_alone(engine, starter):
    events = engine.events()
    long = engine.write(PROMPT, [ENDLESS])
    read_until(events, lambda message: isinstance(message, ChunkWritten))
    options = GenerationOptions(seed=2, max_lines=3)
    short = engine.write(PROMPT, [options], priority=Priority.BACKGROUND)
    said = read_until(events, lambda message: isinstance(message, TakeWritten))
    assert said[-1].request == short
    assert said[-1].result.text == "".join(chunk.text for chunk in Engine(starter).stream(PROMPT, [options]))
    assert any(isinstance(message, ChunkWritten) and message.request == long for message in said)
    third = engine.write(PROMPT, [ENDLESS, ENDLESS])
    read_until(events, lambda message: isinstance(message, ChunkWritten) and message.request == third)
    engine.stop(long)
    said = read_until(events, lambda message: isinstance(message, WriteEnded) and message.request == long)
    (take,) = [message for message in said if isinstance(message, TakeWritten)]
    assert (take.request, take.result.finish) == (long, FinishReason.STOPPED)
    read_until(events, lambda message: isinstance(message, ChunkWritten) and message.tokens > 50)
    engine.stop(third)
    said = read_until(events, lambda message: isinstance(message, WriteEnded) and message.request == third)
    assert [message.take for message in said if isinstance(message, TakeWritten)] == [0, 1]


def test_a_request_stopped_before_it_is_begun_writes_nothing(engine):
    events = engine.events()
    first = engine.write(PROMPT, [ENDLESS])
    second = engine.write(PROMPT, [GenerationOptions(seed=2)])
    engine.stop(second)
    engine.stop(first)
    said = read_until(events, lambda message: isinstance(message, WriteEnded) and message.request == first)
    assert not [message for message in said if isinstance(message, ChunkWritten | TakeWritten)]


def test_a_draft_model_changes_no_word_and_one_that_cannot_guess_is_left_out(paths, starter, plain_folder):
    options = GenerationOptions(seed=3, max_lines=4)
    guessing = EngineProcess(
        model="starter", draft_model=str(plain_folder), device="cpu", threads=1, log=paths.engine_log
    )
    events = guessing.events()
    guessing.write(PROMPT, [options])
    take = read_until(events, lambda message: isinstance(message, TakeWritten))[-1].result
    assert take.text == "".join(chunk.text for chunk in Engine(starter).stream(PROMPT, [options]))
    guessing.close()
    read_until(events, lambda message: isinstance(message, ProcessEnded))
    left_out = EngineProcess(
        model=str(plain_folder), draft_model="starter", device="cpu", threads=1, log=paths.engine_log
    )
    events = left_out.events()
    ready = next(events)
    assert isinstance(ready, ModelReady)
    assert "isn't smaller" in ready.notice
    left_out.close()
    read_until(events, lambda message: isinstance(message, ProcessEnded))


def test_a_model_that_cannot_be_loaded_is_said_in_a_sentence(paths):
    engine = EngineProcess(model="nobody", device="cpu", threads=1, log=paths.engine_log)
    events = engine.events()
    failed = next(events)
    assert isinstance(failed, Failed)
    assert "nobody" in failed.message
    assert "models list" in failed.next_step
    request = engine.write(PROMPT, [GenerationOptions()])
    assert read_until(events, lambda message: isinstance(message, WriteEnded))[-1] == WriteEnded(request=request)
    engine.close()
    read_until(events, lambda message: isinstance(message, ProcessEnded))


@pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX does")
def test_a_crash_is_told_and_closing_is_not_one(engine, paths):
    events = engine.events()
    read_until(events, lambda message: isinstance(message, ModelReady))
    os.kill(engine.pid, signal.SIGKILL)
    ended = read_until(events, lambda message: isinstance(message, ProcessEnded))[-1]
    assert ended == ProcessEnded(exit_code=-signal.SIGKILL, expected=False)
    engine.write(PROMPT, [GenerationOptions()])  # into a closed pipe: no exception

    other = EngineProcess(model="starter", device="cpu", threads=1, log=paths.engine_log)
    other.close()
    assert [message.expected for message in other.events() if isinstance(message, ProcessEnded)] == [True]


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="watches a process as Linux does")
def test_the_child_ends_with_its_parent(paths, tmp_path: Path):
    script = """
import sys
from pathlib import Path
from songsmith.generation.serving.client import EngineProcess
engine = EngineProcess(model="starter", device="cpu", threads=1, log=Path(sys.argv[1]))
print(engine.pid, flush=True)
for message in engine.events():
    print(type(message).__name__, flush=True)
"""
    parent = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "log")], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert parent.stdout.readline() == b"ModelReady\n"
    watch = os.pidfd_open(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert select.select([watch], [], [], 30)[0], "the child is still there"
    os.close(watch)


BROKEN_SERVER = """
import os, sys
from dataclasses import replace
from songsmith.generation.engine import Engine
from songsmith.generation.serving.server import main
from songsmith.model.registry import ModelStore
from songsmith.paths import find_paths

class AcceleratorError(RuntimeError):
    pass

class Network:
    def __init__(self, backend):
        self.backend, self.steps = backend, 0

    def __getattr__(self, name):
        return getattr(self.backend, name)

    def forward(self, tokens, cache, *, all_positions=False):
        self.steps += 1
        {fault}
        return self.backend.forward(tokens, cache, all_positions=all_positions)

def load(request, tell):
    model = ModelStore(find_paths()).load("starter", device="cpu", threads=1)
    return Engine(replace(model, backend=Network(model.backend)), drafts=False), ""

main(os.environ, load=load)
"""


@contextmanager
def server(fault: str, *requests: Request) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a server whose network has a fault, and send it requests."""
    script = BROKEN_SERVER.format(fault=fault)
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdin is not None
    assert child.stdout is not None
    with child:
        for message in [Load(model="starter", device="cpu", threads=1), *requests]:
            child.stdin.write(encode_message(message))
        child.stdin.flush()
        yield child


def test_a_process_whose_gpu_broke_down_tells_what_it_has_and_makes_way(home):
    asked = [Write(request=request, prompt=PROMPT, options=[GenerationOptions(min_lines=50)]) for request in (1, 2)]
    fault = "if self.steps > 12: raise AcceleratorError('CUDA error: an illegal memory access was encountered')"
    with server(fault, *asked) as child:
        ready, *told = [decode_message(line) for line in child.stdout]
        assert child.wait() == 1
    assert isinstance(ready, ModelReady)
    for request in (1, 2):
        *chunks, failed, ended = [message for message in told if message.request == request]
        assert len(chunks) >= 10
        assert all(isinstance(chunk, ChunkWritten) for chunk in chunks)
        assert isinstance(failed, Failed)
        assert "illegal memory access" in failed.message
        assert ended == WriteEnded(request=request)


def test_what_a_library_says_of_a_model_cannot_drive_the_terminal_its_log_is_read_on(home):
    fault = "print('a token \\x1b]0;x\\x07\\x9b2J of ’ \\udc80', file=sys.stderr)"
    write = Write(request=1, prompt=PROMPT, options=[GenerationOptions(max_new_tokens=1)])
    with server(fault, write) as child:
        while not isinstance(decode_message(child.stdout.readline()), WriteEnded):
            pass
        _, log = child.communicate()
    assert log.decode().strip() == "a token ]0;x2J of ’ �"
