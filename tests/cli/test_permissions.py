"""What songsmith keeps is for its user alone; what it writes where it is asked to is as open as the user's umask says."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from songsmith.library.library import Library
from songsmith.library.records import SongRecord
from songsmith.paths import Paths
from songsmith.permissions import tighten

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no modes there")


def run(*arguments: str | Path, stdin: str = "") -> None:
    """Run the command line under a umask that lets everyone do everything."""
    done = subprocess.run(
        [sys.executable, "-c", "import os, sys; os.umask(0); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])",
         "-m", "songsmith", *map(str, arguments)],
        input=stdin, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def open_to_others(home: Path) -> list[str]:
    return [str(path.relative_to(home)) for path in [home, *home.rglob("*")] if mode(path) & 0o077]


def test_whatever_is_made_in_the_home_is_for_its_user_alone(home: Path, tmp_path: Path):
    songs = tmp_path / "songs.txt"
    songs.write_text("\n\n".join(f"[Verse]\nline {n} of a song\nand one more\n\n<|endoftext|>" for n in range(30)))
    run("gen", "Down by", "--max-lines", "1", "--max-new-tokens", "8", "--save", "-q")
    run("import", songs, "--corpus", "mine")
    run("clean", "mine")
    run("tokenizer", "train", "bpe", "--corpus", "mine", "--vocab-size", "300")
    run("songs", "verify")
    with Library(home / "library.sqlite3") as library:
        library.songs()
        run("songs", "list")  # while it is open, with its log
        made = {path.name for path in home.rglob("*")}
        assert {"library.sqlite3", "corpora", "mine", "raw-00001.jsonl", "state", "locks", "graphs", "tokenizers"} <= made
        assert open_to_others(home) == []


def test_an_export_is_as_open_as_the_umask_says(home: Path, tmp_path: Path):
    with Library(home / "library.sqlite3") as library:
        library.put_song(SongRecord(title="Mill", text="la\n", kept=True))
    run("songs", "export", "1", "-o", tmp_path / "song.txt")
    run("songs", "export", "--all", "-o", tmp_path / "all")
    assert mode(tmp_path / "song.txt") == mode(tmp_path / "all" / "1 Mill.txt") == 0o666
    assert mode(tmp_path / "all") == 0o777


def test_what_is_open_to_others_is_closed_when_the_home_is_opened(home: Path):
    home.mkdir(mode=0o755)
    home.chmod(0o755)
    with Library(home / "library.sqlite3") as library:
        library.put_song(SongRecord(title="Mill", kept=True))
    for name in ("models", "corpora", "state", "holiday"):
        (home / name).mkdir()
        (home / name).chmod(0o755)
    for name in ("library.sqlite3", "genius-token", "letter.txt"):
        (home / name).touch()
        (home / name).chmod(0o644)
    (elsewhere := home.with_name("elsewhere")).mkdir()
    elsewhere.chmod(0o755)
    (home / "training").symlink_to(elsewhere)
    run("songs", "list")
    assert {path.name: mode(path) for path in home.iterdir() if not path.is_symlink()} == {
        "library.sqlite3": 0o600, "models": 0o700, "corpora": 0o700, "state": 0o700, "genius-token": 0o600,
        "holiday": 0o755, "letter.txt": 0o644,  # not songsmith's
    }  # fmt: skip
    assert mode(home) == mode(elsewhere) == 0o755  # the user's own folder, and one that a link leads to


def test_a_home_that_nobody_named_is_closed_itself(tmp_path: Path):
    paths = Paths(data=tmp_path / "data", config=tmp_path / "config", state=tmp_path / "state", named=False)
    for folder in (paths.data, paths.config, paths.state):
        folder.mkdir()
        folder.chmod(0o755)
    tighten(paths)
    assert [mode(folder) for folder in (paths.data, paths.config, paths.state)] == [0o700] * 3
