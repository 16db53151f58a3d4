"""A real terminal for tests: tmux runs a program, types to it and reads its screen."""

import os
import select
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path


class Tmux:
    """A terminal of 80 by 24 that a program runs in: a shell, unless it is another."""

    def __init__(self, home: str, *program: str) -> None:
        self._server = f"songsmith-{uuid.uuid4().hex[:8]}"
        self._home = home
        self._run(
            "-f",
            os.devnull,
            "new-session",
            "-d",
            "-x",
            "80",
            "-y",
            "24",
            "-e",
            f"SONGSMITH_HOME={home}",
            *(program or ("sh",)),
        )
        # What the program writes comes here, too: the sign to look at the screen again.
        self._folder = Path(tempfile.mkdtemp())
        signs = self._folder / "signs"
        os.mkfifo(signs)
        self._signs = os.open(signs, os.O_RDONLY | os.O_NONBLOCK)
        self._run("pipe-pane", f"exec cat > {signs}")

    def _run(self, *arguments: str) -> str:
        command = ["tmux", "-L", self._server, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout

    def type(self, text: str) -> None:
        self._run("send-keys", "-l", text)

    def press(self, *keys: str) -> None:
        for key in keys:
            self._run("send-keys", key)

    @property
    def screen(self) -> str:
        return self._run("capture-pane", "-p")

    @property
    def lyric(self) -> list[str]:
        """The rows of the draft: between the title and the status line."""
        rows = [row.strip() for row in self.screen.splitlines()]
        return [row for row in rows[1:22] if row]

    def until(self, wanted: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 60
        while not wanted():
            assert time.monotonic() < deadline, f"never: {what}\n{self.screen}"
            if select.select([self._signs], [], [], 0.5)[0]:
                os.read(self._signs, 65536)

    def settled(self) -> None:
        """Wait until the model has stopped writing: the key to stop it is gone from the footer."""
        self.until(lambda: "Writing" not in self.screen and "loading" not in self.screen, "the end of a take")

    def close(self) -> None:
        self._run("kill-server")
        os.close(self._signs)
        shutil.rmtree(self._folder)
