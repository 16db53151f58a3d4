"""Signals, and a terminal that goes away: the draft is kept that instant, the screen is given back, no process is left."""

import os
import re
import select
import signal
import termios
import time
from pathlib import Path

import pytest
from terminals import start_songsmith

from songsmith.library.library import Library
from songsmith.paths import Paths

CTRL_Q, CTRL_S, F5 = b"\x11", b"\x13", b"\x1b[15~"
PATIENCE_S = 60.0
SETTING_UP = re.compile(rb"\x1b\[\?([\d;]+)([hl])")
SHOWN_USUALLY = {b"25", b"7"}
"""The cursor, and the wrapping of lines."""


class Terminal:
    """Songsmith as the first program of a terminal, which hears from the system when that goes."""

    def __init__(self, *arguments: str) -> None:
        self.process, self.master, inside = start_songsmith(*arguments)
        self.attributes = termios.tcgetattr(inside)
        self.inside = inside  # kept open, so that what the workshop leaves behind can be looked at
        self.output = b""

    def press(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def until(self, wanted: bytes, *, times: int = 1) -> None:
        """Look at the screen until something was drawn on it."""
        deadline = time.monotonic() + PATIENCE_S
        while self.output.count(wanted) < times:
            left = deadline - time.monotonic()
            assert left > 0, f"never {wanted!r} in {self.output[-3000:]!r}"
            self._look(left)

    def _look(self, seconds: float) -> None:
        if select.select([self.master], [], [], seconds)[0]:
            self.output += os.read(self.master, 65536)

    @property
    def engine(self) -> int:
        """Process id of the model's process."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[0])

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def state(self) -> str:
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0]

    def stop(self, number: int) -> None:
        self.signal(number)
        deadline = time.monotonic() + PATIENCE_S
        while self.state() != "T":
            assert time.monotonic() < deadline
            self._look(0.01)

    def ended(self) -> int:
        """Wait for the end, and return the exit code."""
        deadline = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "it did not end"
            self._look(0.01)
        while select.select([self.master], [], [], 0)[0]:
            self._look(0)
        return self.process.returncode

    def hang_up(self) -> int:
        """Take the terminal away, and return the exit code."""
        os.close(self.inside)
        os.close(self.master)
        code = self.process.wait(PATIENCE_S)
        self.master = self.inside = -1
        return code

    def left_on(self) -> set[bytes]:
        """Return the modes of the terminal that are not as they were."""
        modes = dict(SETTING_UP.findall(self.output))
        changed = {mode for mode, value in modes.items() if (value == b"h") != (mode in SHOWN_USUALLY)}
        if len(re.findall(rb"\x1b\[>\d+u", self.output)) != self.output.count(b"\x1b[<u"):
            changed.add(b"keyboard")
        if termios.tcgetattr(self.inside) != self.attributes:
            changed.add(b"termios")
        return changed

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for end in (self.master, self.inside):
            if end >= 0:
                os.close(end)


@pytest.fixture
def terminal(home):
    terminal = Terminal()
    terminal.until(b"Write a line")
    yield terminal
    terminal.close()


def kept(paths: Paths) -> list[str]:
    with Library(paths.library) as library:
        return [record.text for record in library.drafts()]


def wait_for_end(pid: int) -> None:
    """Wait for a process that is nobody's child here."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([handle], [], [], PATIENCE_S)[0], f"{pid} goes on"
    finally:
        os.close(handle)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_keeps_the_draft_and_gives_the_screen_back(terminal, paths, number):
    terminal.press(b"\x1b[?2048;2$y")  # as a terminal answers that reports its size, and the mouse in pixels, by itself
    terminal.until(b"\x1b[?1016h")
    terminal.until(b"starter")
    terminal.press(b"One two ")
    terminal.until(b"two")
    terminal.press(b"thr@")
    terminal.until(b"@")
    engine = terminal.engine
    terminal.signal(number)
    assert terminal.ended() == 128 + number
    assert not Path(f"/proc/{engine}").exists()
    assert kept(paths) == ["One two thr@"]
    assert terminal.left_on() == set()
    assert b"Traceback" not in terminal.output


def write_endlessly(terminal: Terminal) -> int:
    """Have a take written, and return the process id of who writes."""
    terminal.press(b"Down by the river")
    terminal.until(b"river")
    terminal.press(F5)
    terminal.until(b"tokens/s")
    return terminal.engine


def test_a_signal_while_a_take_is_written_keeps_what_there_is(terminal, paths):
    engine = write_endlessly(terminal)
    terminal.signal(signal.SIGTERM)
    assert terminal.ended() == 143
    assert not Path(f"/proc/{engine}").exists()
    (text,) = kept(paths)
    assert text.startswith("Down by the river\n")
    assert terminal.left_on() == set()


def test_a_terminal_that_is_closed_while_a_take_is_written_ends_all_and_loses_nothing(terminal, paths):
    engine = write_endlessly(terminal)
    assert terminal.hang_up() == 129
    assert not Path(f"/proc/{engine}").exists()
    (text,) = kept(paths)
    assert text.startswith("Down by the river\n")


def test_the_models_process_ends_by_itself_when_the_workshop_is_killed(terminal):
    engine = write_endlessly(terminal)
    terminal.signal(signal.SIGKILL)
    terminal.ended()
    wait_for_end(engine)


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGTSTP])
def test_keys_arrive_once_and_in_order_however_often_it_is_stopped(terminal, paths, number):
    terminal.until(b"starter")
    due = ""
    for turn in range(4):
        terminal.stop(number)
        if number == signal.SIGSTOP:  # after SIGTSTP the terminal is the shell's
            terminal.press(f"while{turn} ".encode())
            due += f"while{turn} "
        drawn = terminal.output.count(b"\x1b[?1049h")
        terminal.signal(signal.SIGCONT)
        terminal.until(b"\x1b[?1049h", times=drawn + 1)
        terminal.until(b"\x1b[?2004h", times=drawn + 1)
        for letter in f"then{turn} ":  # one after the other: several readers would take turns
            terminal.press(letter.encode())
        due += f"then{turn} "
        terminal.press(b"\x0b")  # nothing to cut at the end of a line: comes after the letters
        drawn = terminal.output.count(b"then%d" % turn)
    terminal.press(CTRL_S)
    terminal.until(b"Saved as 1")
    terminal.press(CTRL_Q)
    assert terminal.ended() == 0
    with Library(paths.library) as library:
        assert library.song("1").text == due
    assert terminal.left_on() == set()


def test_a_signal_to_end_followed_by_one_to_continue_ends_it(terminal, paths):
    terminal.press(b"Kept@")
    terminal.until(b"@")
    terminal.signal(signal.SIGTERM)
    while terminal.process.poll() is None:
        terminal.signal(signal.SIGCONT)
        terminal._look(0.01)
    assert terminal.ended() == 143
    assert kept(paths) == ["Kept@"]
    assert terminal.left_on() == set()


def test_a_song_whose_terminal_is_closed_is_saved_as_it_stands(paths):
    terminal = Terminal("gen", "Down by the river", "--save", "--max-lines", "0", "--max-new-tokens", "1000000")
    try:
        terminal.until(b"\n", times=4)
        assert terminal.hang_up() == 129
    finally:
        terminal.close()
    with Library(paths.library) as library:
        assert library.song("1").text.startswith("Down by the river\n")
