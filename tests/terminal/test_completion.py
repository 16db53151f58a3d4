"""Completion, as the shells do it: installed with the command, then a word begun and Tab pressed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tmux import Tmux

from songsmith.corpus.storage.store import CorpusStore
from songsmith.library.library import Library
from songsmith.library.records import SongRecord

SHELLS = ("bash", "zsh", "fish")
BEGUN = {
    "songsmith fine": "songsmith finetune",
    "songsmith corpus mer": "songsmith corpus merge",
    "songsmith gen --min-l": "songsmith gen --min-lines",
    "songsmith gen --device cu": "songsmith gen --device cuda",
    "songsmith songs export --format mark": "songsmith songs export --format markdown",
    "songsmith gen --model ol": "songsmith gen --model old-style",
    "songsmith models info my": "songsmith models info my\\ model",
    "songsmith clean lul": "songsmith clean lullabies",
    "songsmith songs show 1": "songsmith songs show 12",
}


@pytest.fixture
def furnished(paths, plain_folder) -> None:
    """Put models, a corpus and a song into the home; one model has a name that a shell would run."""
    for name in ("old-style", "my model", "x$(touch ran)`touch ran`"):
        shutil.copytree(plain_folder, paths.models / name)
    CorpusStore(paths).create("lullabies")
    with Library(paths.library) as library:
        for number in range(1, 13):
            library.put_song(SongRecord(title=f"Song $(touch ran) '{number}'", text="Sleep", kept=True))
        for number in range(1, 12):
            library.remove(library.song(str(number)).id)


@pytest.fixture
def user(tmp_path) -> dict[str, str]:
    """Return the environment of a person who has songsmith on the PATH and nothing configured."""
    bin = tmp_path / "bin"
    bin.mkdir()
    command = bin / "songsmith"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m songsmith "$@"\n')
    command.chmod(0o755)
    root = Path(__file__).parents[2]
    return {"HOME": str(tmp_path), "PATH": f"{bin}:{os.environ['PATH']}", "PYTHONPATH": str(root), "LC_ALL": "C.UTF-8"}


@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")
@pytest.mark.parametrize("shell", SHELLS)
def test_tab_completes_commands_options_and_names(shell: str, furnished, user, home, tmp_path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    # Not the last command: the shell would become songsmith, which could not tell whose child it is.
    subprocess.run([shell, "-c", "songsmith --install-completion; true"], env=os.environ | user, check=True, timeout=60)
    variables = [f"{name}={value}" for name, value in user.items()]
    terminal = Tmux(str(home), "env", *variables, shell, "-i")
    try:
        terminal.until(lambda: terminal.screen.rstrip().endswith(tuple("#$%>")), "a prompt")
        for begun, completed in BEGUN.items():
            terminal.type(begun)
            terminal.press("Tab")
            terminal.until(lambda wanted=completed: wanted in " ".join(terminal.screen.split()), f"{begun} completed")
            terminal.press("C-u")
            terminal.until(lambda gone=begun: gone not in terminal.screen, "an empty line")
        terminal.type("songsmith models info x")
        terminal.press("Tab", "Tab")
        terminal.type("; echo done")
        terminal.until(lambda: "echo done" in terminal.screen, "the end of the line")
    finally:
        terminal.close()
    assert not list(tmp_path.rglob("ran"))
