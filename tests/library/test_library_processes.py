"""Two programs at once, and programs that are killed."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from songsmith.library.library import Library

WRITE = """
import sys
from itertools import count
from pathlib import Path
from songsmith.library.library import Library
from songsmith.library.records import SongRecord
path, name, songs = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
library = Library(path)
print("ready", flush=True)
sys.stdin.readline()
for number in range(songs) if songs else count():
    print(library.put_song(SongRecord(title=f"{name} {number}", text="line\\n" * 50, kept=True)).title, flush=True)
library.close()
"""


def start(path: Path, name: str, songs: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", WRITE, str(path), name, str(songs)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def go(writer: "subprocess.Popen[str]") -> None:
    assert writer.stdin is not None
    writer.stdin.write("go\n")
    writer.stdin.flush()


def check(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    with Library(path) as library:
        return [record.title for record in library.songs()]


def test_two_programs_may_write_at_once_from_the_first_moment_on(tmp_path: Path):
    path = tmp_path / "home" / "library.sqlite3"
    writers = [start(path, name, 50) for name in "AB"]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        go(writer)
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    assert sorted(check(path)) == sorted(f"{name} {number}" for name in "AB" for number in range(50))
    with Library(path) as library:
        assert sorted(record.number or 0 for record in library.songs()) == list(range(1, 101))


@pytest.mark.parametrize("kills", [5, pytest.param(50, marks=pytest.mark.slow)])
@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_what_was_acknowledged_survives_a_kill(tmp_path: Path, kills: int):
    path = tmp_path / "library.sqlite3"
    chance = random.Random(kills)
    acknowledged: set[str] = set()
    for kill in range(kills):
        with start(path, f"{kill}", 0) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
            go(writer)
            # Some are killed while they make the file, some after many a write; none by the clock.
            for _ in range(chance.choice([0, 0, 1, 5, 30])):
                acknowledged.add(writer.stdout.readline().strip())
            for _ in range(chance.randrange(30_000)):
                pass
            writer.send_signal(signal.SIGKILL)
            acknowledged |= {line.strip() for line in writer.stdout if line.endswith("\n")}
        if path.exists():
            assert acknowledged <= set(check(path))
    assert len(acknowledged) > kills
