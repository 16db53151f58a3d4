"""The client of an engine in a child process: starts it, sends requests, yields its events."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from songsmith.generation.options import GenerationOptions
from songsmith.generation.priority import Priority
from songsmith.generation.serving.protocol import (
    Event,
    Load,
    ProcessEnded,
    Request,
    Stop,
    Write,
    decode_message,
    encode_message,
)
from songsmith.markup import Prompt
from songsmith.settings import NO_MODEL


class EngineProcess:
    """A child process that writes. `events()` blocks and belongs in a thread; everything else returns at once."""

    def __init__(self, *, model: str, device: str, threads: int, log: Path, draft_model: str = NO_MODEL) -> None:
        """Start the child and have it load a model.

        Args:
            model: name of the model, or a path to it.
            device: auto, cpu, cuda or mps.
            threads: for CPU work.
            draft_model: name of a smaller one that proposes tokens for it, or none.
            log: file for what the child writes to its standard error; started afresh.
        """
        self._ended = False
        self._requests = 0
        with _open_log(log) as errors:
            self._child = subprocess.Popen(
                # -P: a file named like a library in the user's folder must not be imported in its place.
                [sys.executable, "-P", "-m", "songsmith.generation.serving.server"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,  # a Ctrl-C at the terminal is the face's to answer
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
            )
        self._send(Load(model=model, device=device, threads=threads, draft_model=draft_model))

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._child.pid

    def write(
        self, prompt: Prompt, options: Sequence[GenerationOptions], *, parent_id: str | None = None,
        priority: Priority = Priority.INTERACTIVE,
    ) -> int:  # fmt: skip
        """Ask for takes of a prompt, and return the number their events will carry. Several requests are written side by side."""
        self._requests += 1
        self._send(
            Write(request=self._requests, prompt=prompt, options=options, parent_id=parent_id, priority=priority)
        )
        return self._requests

    def stop(self, request: int) -> None:
        """Ask for an end to a request; others go on. Returns at once, whatever the child is doing."""
        self._send(Stop(request=request))

    def events(self) -> Iterator[Event]:
        """Yield the child's events as they come, and at last that it ended. Blocks; call it once, in a thread."""
        assert self._child.stdout is not None
        with self._child.stdout as lines:
            for line in lines:
                if line.endswith(b"\n"):  # else the child was killed in the middle of it
                    yield decode_message(line)
        yield ProcessEnded(exit_code=self._child.wait(), expected=self._ended)

    def close(self) -> None:
        """End the child. What it was writing is dropped."""
        self._ended = True
        self._child.kill()
        self._child.wait()
        assert self._child.stdin is not None
        with suppress(OSError):  # what was not sent yet has nowhere to go
            self._child.stdin.close()

    def _send(self, message: Request) -> None:
        assert self._child.stdin is not None
        with suppress(BrokenPipeError, ValueError):  # it has ended, and events() says so
            self._child.stdin.write(encode_message(message))
            self._child.stdin.flush()


def _open_log(path: Path) -> IO[bytes]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("wb")
    except OSError:  # a home that cannot be written must not keep anyone from writing songs
        return Path(os.devnull).open("wb")
