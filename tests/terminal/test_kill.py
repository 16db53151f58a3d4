"""`kill -9` at any instant of a session: at most a second of typing is lost, and the library is whole."""

import json
import os
import random
import select
import signal
import sqlite3
import time
from pathlib import Path

import pytest
from terminals import start_songsmith

from songsmith.library.library import Library
from songsmith.paths import Paths
from songsmith.studio.workshop import Workshop

CONTROL = {name: bytes([ord(name) - ord("a") + 1]) for name in "grsz"}
ALLOWED_LOSS_S = 1.0


class Session:
    """The workshop on a terminal of its own, with somebody typing."""

    def __init__(self) -> None:
        self._process, self._terminal, inside = start_songsmith(hears_of_its_end=False)
        os.close(inside)
        self.typed: list[tuple[float, float, str]] = []
        """Each word, when it was typed, and how long the workshop had waited for a processor until then."""
        self._shown = b""
        while b"Write a line" not in self._shown:
            if not select.select([self._terminal], [], [], 60)[0]:
                self.kill()
                raise AssertionError(f"no workshop, but {self._shown!r}")
            self._read()

    def press(self, keys: bytes) -> None:
        os.write(self._terminal, keys)

    def watch(self, seconds: float) -> None:
        """Look at the screen for a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self._terminal], [], [], left)[0]:
                self._read()

    def _read(self) -> None:
        try:
            self._shown = (self._shown + os.read(self._terminal, 65536))[-100_000:]
        except OSError:
            self.kill()
            raise AssertionError(f"the workshop ended by itself: {self._shown.decode(errors='replace')}") from None

    def waited_s(self) -> float:
        """Return how long the workshop was ready to run while other processes had the processors; 0 where no system tells."""
        try:
            return int(Path(f"/proc/{self._process.pid}/schedstat").read_text().split()[1]) / 1e9
        except (OSError, IndexError, ValueError):
            return 0.0

    def write_songs(self, chance: random.Random, seconds: float) -> None:
        """Type words nobody typed before, and now and then ask the model, until the time is up."""
        end, word = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            word += 1
            self.press(f"w{word}x ".encode())
            self.typed.append((time.monotonic(), self.waited_s(), f"w{word}x "))
            self.watch(min(chance.uniform(0.01, 0.06), max(0.0, end - time.monotonic())))
            key = chance.choices([b"", b"\r", CONTROL["g"], CONTROL["r"], CONTROL["s"]], [20, 2, 1, 1, 1])[0]
            if key:
                self.watch(0.1)  # nobody asks for a verse in the middle of a word
                self.press(key)
                self.watch(0.1)

    def kill(self) -> float:
        self._process.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        self._process.wait()
        os.close(self._terminal)
        return killed

    def hang_up(self) -> int:
        """Take the terminal away, and return how the workshop ended."""
        os.close(self._terminal)
        return self._process.wait(timeout=30)


def kept_words(path: Path) -> str:
    """Return everything the library holds of any draft or song: text and versions."""
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = connection.execute("SELECT text, state FROM songs").fetchall()
    connection.close()
    return " ".join(text.replace("\n", " ") + " " + json.dumps(json.loads(state)) for text, state in rows)


def kill_once(paths: Paths, seed: int) -> None:
    chance = random.Random(seed)
    session = Session()
    session.write_songs(chance, chance.uniform(0.2, 4.0))
    waited_s = session.waited_s()
    killed = session.kill()
    # The second is one in which the workshop could run: what the tests beside this one take from it is not its loss.
    due = [
        word.strip()
        for at, waited_before_s, word in session.typed
        if killed - at - (waited_s - waited_before_s) > ALLOWED_LOSS_S
    ]
    if not paths.library.exists():
        assert not due
        return
    kept = kept_words(paths.library)
    assert [word for word in due if word not in kept] == []
    with Library(paths.library) as library:
        left = Workshop(library, paths).left_over()
        assert left or not due or library.songs()
        for record in left:
            library.remove(record.id)


@pytest.mark.parametrize("seed", range(5))
def test_a_killed_session_loses_at_most_a_second(paths, seed):
    kill_once(paths, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5, 50))
def test_a_killed_session_loses_at_most_a_second_many_times(paths, seed):
    kill_once(paths, seed)


def test_a_workshop_whose_terminal_has_gone_puts_its_draft_away_and_ends(paths):
    session = Session()
    session.press(b"Not lost")
    session.watch(0.3)
    session.hang_up()
    with Library(paths.library) as library:
        assert [record.text for record in Workshop(library, paths).left_over()] == ["Not lost"]
