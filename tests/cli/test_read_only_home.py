"""Songs in a home that cannot be written are listed, shown, found and exported."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest
from damaged_libraries import fill

from songsmith.library.schema import MIGRATIONS

pytestmark = pytest.mark.skipif(os.name == "nt", reason="other permissions there")

MOUNT = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'


@cache
def has(*command: str) -> bool:
    return shutil.which(command[0]) is not None and subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture(params=["modes", "read-only mount"])
def read_only(request: pytest.FixtureRequest) -> Iterator[tuple[Path, list[str]]]:
    """Return a home, and what must stand before a command so that it cannot write there."""
    root = os.geteuid() == 0
    # Not under pytest's own folder, which another user could not even enter.
    folder = Path(tempfile.mkdtemp(prefix="songsmith-test-"))
    folder.chmod(0o755)
    home = folder / "home"
    home.mkdir()
    if request.param == "modes":
        # The other user must be able to read the program and all it imports, wherever these are installed.
        other = ("setpriv", "--reuid=65534", "--clear-groups", sys.executable, "-c", "import songsmith.cli.songs")
        if root and not has(*other):
            pytest.skip("modes do not bind this user, and no other can run songsmith here")
        before = ["setpriv", "--reuid=65534", "--clear-groups"] if root else []
    else:
        if not has("unshare", "-m", "sh", "-c", MOUNT, tempfile.gettempdir(), "true"):
            pytest.skip("nothing can be mounted here")
        before = ["unshare", "-m", "sh", "-c", MOUNT, str(home)]
    yield home, before
    for path in (home, *home.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    shutil.rmtree(folder)


def close(home: Path) -> None:
    for path in (*home.rglob("*"), home):
        path.chmod(0o555 if path.is_dir() else 0o444)


RUN = """
import json, sys
from typer.testing import CliRunner
from songsmith.cli.app import app
done = [CliRunner().invoke(app, ["songs", *command]) for command in json.loads(sys.argv[1])]
json.dump([(one.exit_code, one.stdout, one.stderr) for one in done], sys.stdout)
"""


def run(home: Path, before: list[str], *commands: list[str]) -> list[tuple[int, str, str]]:
    """Run commands, one after the other in one process; return the exit code and the output of each."""
    done = subprocess.run(
        [*before, sys.executable, "-c", RUN, json.dumps(commands)],
        env=os.environ | {"SONGSMITH_HOME": str(home)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return [tuple(one) for one in json.loads(done.stdout)]


def check_everything_that_reads(home: Path, before: list[str], *, last: str = "Green Valley") -> None:
    commands = [["list"], ["search", "words"], ["show", "1", "--takes"], ["export", "1"], ["verify"], ["rm", "--yes", "1"]]
    *read, verified, refused = run(home, before, *commands)
    for command, (code, shown, told) in zip(commands, read, strict=False):
        assert (code, told if command[0] != "show" else "") == (0, ""), command
        assert shown
    assert read[0][1].split("\t")[1] == last
    assert verified[0] == 0
    assert refused[:2] == (5, "")
    assert "can't be written" in refused[2]


def test_a_library_that_was_closed(read_only: tuple[Path, list[str]]):
    home, before = read_only
    fill(home / "library.sqlite3")
    close(home)
    check_everything_that_reads(home, before)
    assert [path.name for path in home.iterdir()] == ["library.sqlite3"]


CRASH = """
import os, sys
from pathlib import Path
from songsmith.library.library import Library
from songsmith.library.records import SongRecord
library = Library(Path(sys.argv[1]))
library.put_song(SongRecord(title="Written last", text="words in the log\\n", kept=True))
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("index", [True, False])
def test_what_a_killed_program_saved_last_is_there(read_only: tuple[Path, list[str]], index: bool):
    home, before = read_only
    fill(home / "library.sqlite3")
    subprocess.run([sys.executable, "-c", CRASH, home / "library.sqlite3"], check=False)
    if not index:
        (home / "library.sqlite3-shm").unlink()
    assert (home / "library.sqlite3-wal").stat().st_size
    close(home)
    check_everything_that_reads(home, before, last="Written last")


def test_a_library_from_before_revisions(read_only: tuple[Path, list[str]]):
    home, before = read_only
    with closing(sqlite3.connect(home / "library.sqlite3", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for statement in MIGRATIONS[0]:
            connection.execute(statement)
        connection.execute("PRAGMA user_version = 1")
        connection.execute(
            "INSERT INTO songs VALUES (1, 'abcdef', 1, 'Old', '', 'first', '[]', 1, '{}', ?, ?, 1)",
            ("2026-01-01T00:00:00.000+00:00",) * 2,
        )
    content = (home / "library.sqlite3").read_bytes()
    close(home)
    done = run(home, before, ["list"], ["search", "first"], ["show", "1"], ["export", "1"])
    listed, found, shown, exported = (out for _, out, _ in done)
    assert listed.split("\t")[1] == found.split("\t")[1] == "Old"
    assert (shown, exported) == ("first\n", "Old\n\nfirst\n")
    assert (home / "library.sqlite3").read_bytes() == content


def test_a_home_that_can_be_written_with_a_library_that_cannot(tmp_path: Path):
    if os.geteuid() == 0:
        pytest.skip("modes do not bind this user")
    fill(tmp_path / "library.sqlite3")
    (tmp_path / "library.sqlite3").chmod(0o444)
    check_everything_that_reads(tmp_path, [])
