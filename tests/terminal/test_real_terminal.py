"""The whole way in a real terminal: start, write, rewrite, keep, save, quit, reopen, compare."""

import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest
from tmux import Tmux

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")


@pytest.fixture
def terminal(home) -> Iterator[Tmux]:
    terminal = Tmux(str(home))
    yield terminal
    terminal.close()


def test_a_song_is_written_kept_and_found_again(terminal, home):
    songsmith = f"{sys.executable} -m songsmith"
    terminal.type(f"{songsmith}; echo ended $?")
    terminal.press("Enter")
    terminal.until(lambda: "Write a line" in terminal.screen, "the workshop")
    terminal.type("Down by the river")
    terminal.until(lambda: terminal.lyric == ["Down by the river"], "the line typed")
    terminal.press("C-g")
    terminal.until(lambda: len(terminal.lyric) > 3, "lines of the model's")
    terminal.settled()
    first = terminal.lyric

    terminal.press("C-r")
    terminal.until(lambda: terminal.lyric != first and len(terminal.lyric) == len(first), "another take")
    terminal.settled()
    second = terminal.lyric
    assert second[0] == "Down by the river"
    terminal.press("F3")
    terminal.until(lambda: terminal.lyric == first, "the take before")
    terminal.press("F4")
    terminal.until(lambda: terminal.lyric == second, "the take after")

    terminal.press("C-s")
    terminal.until(lambda: "Saved as 1" in terminal.screen, "saved")
    terminal.press("C-q")
    terminal.until(lambda: "ended 0" in terminal.screen, "the end")

    shown = subprocess.run(
        [sys.executable, "-m", "songsmith", "songs", "show", "1"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert [row for row in shown.stdout.splitlines() if row] == second

    terminal.type(f"clear; {songsmith}")
    terminal.press("Enter")
    terminal.until(lambda: "Write a line" in terminal.screen, "the workshop again")
    terminal.press("C-o")
    terminal.until(lambda: "enter open" in terminal.screen, "the songs")
    terminal.press("Enter")
    terminal.until(lambda: terminal.lyric == second, "the song as it was saved")
    terminal.press("C-q")


def test_what_is_found_in_a_corpus_stands_whole_on_the_screen(terminal, tmp_path):
    songsmith = f"{sys.executable} -m songsmith"
    songs = tmp_path / "winter.txt"
    songs.write_text("Winter lantern, sparrow song\nThe road is long\n", encoding="utf-8")
    terminal.type(
        f"{songsmith} import {songs}; {songsmith} clean; clear; {songsmith} corpus search lantern; echo ended $?"
    )
    terminal.press("Enter")
    terminal.until(lambda: "ended 0" in terminal.screen, "the end")
    rows = [row.rstrip() for row in terminal.screen.splitlines() if row.strip()]
    assert rows[0].startswith("Corpus 'winter'")
    assert rows[1].startswith("winter  [")
    assert rows[2:4] == ["  1: Winter lantern, sparrow song", "ended 0"]
