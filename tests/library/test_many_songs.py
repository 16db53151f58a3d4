"""A library of very many songs: what is shown first comes at once, and memory does not grow with the library."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from songsmith.library.library import Library
from songsmith.library.records import SongRecord

MEMORY = """
import sys
from pathlib import Path
from songsmith.__main__ import main
sys.argv = ["songsmith", *sys.argv[1:]]
try:
    main()
finally:
    (peak,) = [row.split()[1] for row in Path("/proc/self/status").read_text().splitlines() if row.startswith("VmHWM")]
    print(peak, file=sys.stderr)
"""
COUNTS = [pytest.param(10_000), pytest.param(1_000_000, marks=pytest.mark.slow)]


@pytest.fixture(params=COUNTS, scope="module")
def many(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """Return a home with so many songs, half a kilobyte each, and a hundred drafts in the midst of them."""
    home, count = tmp_path_factory.mktemp("many"), request.param
    with Library(home / "library.sqlite3") as library:
        library.put_song(SongRecord(title="First", kept=True))
        state = '{"authors": ["person"], "slots": [], "attic": []' + ' ' * 300 + '}'
        moment = "2026-01-01T00:00:00.000+00:00"
        rows = (
            (f"{row:032x}", row, f"Song {row}", f"words of song {row}\nthe second line\n" * 3, row % (count // 100) > 0, state,
             moment, moment, row)
            for row in range(2, count + 1)
        )  # fmt: skip
        with library._database.writing() as connection:
            connection.executemany(
                "INSERT INTO songs (id, number, title, artist, text, authors, kept, state, created_at, updated_at, change) "
                "VALUES (?, ?, ?, '', ?, '[]', ?, ?, ?, ?, ?)",
                rows,
            )
    yield home, count
    (home / "library.sqlite3").unlink()


@pytest.mark.skipif(sys.platform != "linux", reason="memory is asked for as Linux tells it")
def test_a_list_takes_no_more_memory_for_more_songs(many: tuple[Path, int]):
    home, count = many
    for command in (["list"], ["list", "--json"], ["search", "words"]):
        done = subprocess.run(
            [sys.executable, "-c", MEMORY, "songs", *command],
            env=os.environ | {"SONGSMITH_HOME": str(home)}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert len(done.stdout.splitlines()) >= count * 0.98
        # What Python and SQLite take for a library of one song, and SQLite's numbers of what it found.
        assert int(done.stderr.splitlines()[-1]) < 60_000 + count // 5, command  # KiB


def test_what_the_workshop_shows_first_is_there_at_once(many: tuple[Path, int]):
    home, count = many
    with Library(home / "library.sqlite3") as library:
        next(library.entries())  # opened
        began = time.process_time()
        assert len(library.drafts()) >= 99
        assert len(list(islice(library.entries(limit=201), 201))) == 201
        found = list(library.entries(f"{count - 1}", limit=201))
        assert isinstance(found[0], SongRecord)
        assert found[0].number == count - 1
        saved = library.put_song(SongRecord(title="One more", text="la\n", kept=True))
        assert next(library.entries()) == saved
        assert library.song(f"{count // 2 + 1}").title == f"Song {count // 2 + 1}"
        assert time.process_time() - began < 1
        library.remove(saved.id)


def test_a_single_letter_is_no_beginning_of_a_million_words(many: tuple[Path, int]):
    home, count = many
    with Library(home / "library.sqlite3") as library:
        assert (next(library.entries("w"), None) is None) == (count > 50_000)
        assert next(library.entries("wo"), None) is not None
