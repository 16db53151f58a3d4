"""Keys that reach a real terminal all at once: they take effect in the order they were pressed."""

import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from terminals import start_songsmith

from songsmith.library.library import Library

BACKSPACE, LEFT, RIGHT, ENTER = b"\x7f", b"\x1b[D", b"\x1b[C", b"\r"
HOME, CONTROL_HOME, END, DELETE, SHIFT_TAB = b"\x1b[H", b"\x1b[1;5H", b"\x1b[F", b"\x1b[3~", b"\x1b[Z"
F5, SAVE, UNDO, QUIT = b"\x1b[15~", b"\x13", b"\x1a", b"\x11"


class Terminal:
    """The workshop on a terminal of its own."""

    def __init__(self) -> None:
        self._process, self._terminal, inside = start_songsmith(hears_of_its_end=False)
        os.close(inside)
        self.shown = b""

    def press(self, *keys: bytes) -> None:
        """Send keys in one write."""
        os.write(self._terminal, b"".join(keys))

    def until(self, wanted: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 60
        while not wanted():
            assert time.monotonic() < deadline, f"never: {what}; {self.shown[-3000:]!r}"
            if select.select([self._terminal], [], [], 0.1)[0]:
                with suppress(OSError):  # it has ended, and its terminal with it
                    self.shown += os.read(self._terminal, 65536)

    def until_shown(self, text: bytes) -> None:
        """Wait for a text on the screen that was not there before."""
        begin = len(self.shown)
        self.until(lambda: text in self.shown[begin:], repr(text))

    def quit(self) -> int:
        self.press(QUIT)
        self.until(lambda: self._process.poll() is not None, "the end")
        return self._process.wait(timeout=30)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)


@pytest.fixture
def terminal(home) -> Iterator[Terminal]:
    terminal = Terminal()
    terminal.until_shown(b"Write a line")
    yield terminal
    terminal.close()


def test_keys_that_come_at_once_are_done_in_order(terminal, paths):
    terminal.press(b"abc", BACKSPACE, BACKSPACE, b"XY", LEFT, b"Z", HOME, DELETE, END, ENTER, b"two words", UNDO, b"!")
    terminal.press(SHIFT_TAB, b"Tittle", LEFT, LEFT, BACKSPACE, ENTER, b"?", SAVE, b"not saved")
    terminal.until_shown(b"Saved as")
    assert terminal.quit() == 0
    with Library(paths.library) as library:
        song = library.song("1")
        assert (song.title, song.text) == ("Title", "XZY\ntwo!?")
        assert [draft.text for draft in library.drafts()] == ["XZY\ntwo!?not saved"]


def test_keys_that_come_at_once_while_a_take_streams_are_done_in_order(terminal, paths):
    terminal.press(b"One", ENTER, F5)
    terminal.until_shown(b"tokens/s")
    terminal.press(CONTROL_HOME)
    for number in range(10):
        word = f"{number} ".encode()
        terminal.press(b"abc", BACKSPACE, BACKSPACE, b"XY", LEFT, LEFT, DELETE, RIGHT, word, SHIFT_TAB, END, b"t", ENTER)
    terminal.press(b"typed", SAVE)
    with Library(paths.library) as library:
        # Not by what the status line says: the end of the take may take its place at once.
        terminal.until(lambda: bool(library.songs()), "the song in the library")
        song = library.song("1")
    assert song.title == "t" * 10
    assert song.text.startswith("".join(f"aY{number} " for number in range(10)) + "typedOne\n")


def test_bytes_that_are_no_utf8_end_nothing(terminal, paths):
    terminal.press(b"caf\xe9 au lait", ENTER)
    terminal.press(b"na\xc3", b"\xafve", SAVE)
    terminal.until_shown(b"Saved as")
    assert terminal.quit() == 0
    with Library(paths.library) as library:
        assert library.song("1").text == "caf\ufffd au lait\nna\u00efve"


def test_nothing_that_is_pasted_presses_a_key(terminal, paths):
    pasted = b"a \x1b[31mred\x1b[0m mill\x1b\x11\x0e\x07\tand\x1b[Z a river\r\nruns\x1b"
    terminal.press(b"\x1b[200~", pasted, b"\x1b[201~", b"!", SAVE)
    terminal.until_shown(b"Saved as")
    assert terminal.quit() == 0
    with Library(paths.library) as library:
        assert (library.song("1").title, library.song("1").text) == ("", "a red mill\tand a river\nruns!")


@pytest.mark.parametrize("text", [b"word " * 2000, b"A line of a song\r" * 500])
def test_a_paste_that_is_not_marked_ends_with_the_cursor_in_sight(terminal, text):
    terminal.press(text, b"The end")
    terminal.until_shown(b"The end")
    assert terminal.quit() == 0
