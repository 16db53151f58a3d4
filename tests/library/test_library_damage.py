"""A library that cannot be used says so, and nothing in it is lost."""

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from damaged_libraries import crash

from songsmith.errors import DatabaseError, StorageError
from songsmith.library.library import Library
from songsmith.library.records import SongRecord
from songsmith.library.schema import MIGRATIONS

COMPANIONS = ("", "-wal", "-shm")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "library.sqlite3"


def fill(path: Path, songs: int = 40) -> None:
    with Library(path) as library:
        for number in range(songs):
            library.put_song(SongRecord(title=f"Song {number}", text=f"line {number}\n" * 100, kept=True))


def read_all(path: Path) -> list[str]:
    with Library(path) as library:
        records = library.songs()
        for record in records:
            library.takes(record.id)
        return [record.title for record in records]


def files(folder: Path) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in folder.iterdir()}


def assert_kept_aside(path: Path, before: dict[str, bytes], message: str) -> None:
    aside = {name.replace(path.name, "", 1): data for name, data in before.items() if name.startswith(path.name)}
    (kept,) = re.findall(r"moved to (\S+\.sqlite3)\.", message)
    assert re.fullmatch(r"library\.damaged-\d{8}T\d{6}Z(-\d+)?\.sqlite3", Path(kept).name)
    for tail, data in aside.items():
        assert tail == "-shm" or Path(kept + tail).read_bytes() == data
        assert not path.with_name(path.name + tail).exists()


def test_a_file_that_is_no_database_is_kept_aside_byte_for_byte(path: Path):
    path.write_bytes(b"Dear diary, " * 1000)
    before = files(path.parent)
    with pytest.raises(DatabaseError, match="next run starts a new, empty library") as caught:
        read_all(path)
    assert_kept_aside(path, before, str(caught.value))
    assert read_all(path) == []
    fill(path, songs=1)
    assert read_all(path) == ["Song 0"]


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.98])
def test_a_truncated_library_is_kept_aside_byte_for_byte(path: Path, share: float):
    fill(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    before = files(path.parent)
    with pytest.raises(DatabaseError, match="is damaged") as caught:
        read_all(path)
    assert_kept_aside(path, before, str(caught.value))


def test_a_library_that_is_found_damaged_while_writing_is_kept_aside(path: Path):
    path.write_bytes(b"SQLite format 3\0" + b"\1" * 5000)
    before = files(path.parent)
    with pytest.raises(DatabaseError, match="is damaged") as caught, Library(path) as library:
        library.put_song(SongRecord(title="A"))
    assert_kept_aside(path, before, str(caught.value))


def test_damage_deep_in_the_file_is_met_later_and_kept_aside(path: Path):
    fill(path)
    pages = bytearray(path.read_bytes())
    for page in range(4096 * 2, len(pages), 4096):
        pages[page : page + 200] = b"\xff" * 200
    path.write_bytes(pages)
    with pytest.raises(DatabaseError, match="is damaged"), Library(path) as library:
        library.songs()
    assert not path.exists()
    (kept,) = path.parent.glob("*.damaged-*.sqlite3")
    assert kept.read_bytes() == pages


def test_one_bad_byte_in_a_lyric_hides_no_song(path: Path):
    fill(path, songs=2)
    path.write_bytes(path.read_bytes().replace(b"line 1", b"line \xff"))
    assert read_all(path) == ["Song 1", "Song 0"]


@pytest.fixture
def crashed(path: Path) -> Path:
    """Return a library whose last writer was killed: most is in the file, the last songs only in the log beside it."""
    crash(path)
    assert path.with_name(path.name + "-wal").stat().st_size > 0
    return path


def test_a_crash_loses_nothing(crashed: Path):
    assert len(read_all(crashed)) == 30


@pytest.mark.parametrize("pages", [0, 1, 9])
def test_a_log_is_kept_with_its_damaged_library(crashed: Path, pages: int):
    crashed.write_bytes(crashed.read_bytes()[: pages * 4096])
    before = files(crashed.parent)
    with pytest.raises(DatabaseError, match="is damaged") as caught:
        read_all(crashed)
    assert_kept_aside(crashed, before, str(caught.value))
    assert read_all(crashed) == []


def test_what_was_kept_aside_before_is_never_overwritten(path: Path):
    for number in range(3):
        path.write_bytes(b"damage %d" % number * 100)
        with pytest.raises(DatabaseError):
            read_all(path)
    assert {entry.read_bytes()[:8] for entry in path.parent.iterdir()} == {b"damage 0", b"damage 1", b"damage 2"}


def test_an_empty_file_is_a_new_library(path: Path):
    path.touch()
    assert read_all(path) == []
    assert path.stat().st_size == 0
    fill(path, songs=1)
    assert read_all(path) == ["Song 0"]


def test_a_newer_library_is_left_as_it_is(path: Path):
    fill(path, songs=3)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    before = files(path.parent)
    with Library(path) as library:
        for use in (library.songs, lambda: library.put_song(SongRecord(title="A"))):
            with pytest.raises(DatabaseError, match="newer songsmith") as caught:
                use()
            assert "pip install --upgrade songsmith" in caught.value.next_step
    assert files(path.parent) == before


def test_somebody_elses_database_is_left_as_it_is(path: Path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE songs (name)")
        connection.execute("INSERT INTO songs VALUES ('precious')")
    connection.close()
    with pytest.raises(DatabaseError, match="Move it away"):
        read_all(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT * FROM songs").fetchall() == [("precious",)]
    connection.close()


def test_a_library_that_stays_locked_is_given_up_on_and_then_works(path: Path):
    fill(path, songs=1)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with Library(path, busy_timeout_s=0.05) as library:
        assert len(library.songs()) == 1  # who only reads need not wait
        with pytest.raises(DatabaseError, match=r"for 0\.05 seconds") as caught:
            library.put_song(SongRecord(title="A", kept=True))
        assert "nothing was changed" in str(caught.value)
        holder.close()
        library.put_song(SongRecord(title="A", kept=True))
        assert len(library.songs()) == 2


def test_a_full_disk_loses_nothing_that_was_kept(path: Path):
    fill(path, songs=3)
    with Library(path) as library:
        library.songs()
        connection = library._database._connection
        assert connection is not None
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 1}")  # SQLite's own full disk
        with pytest.raises(StorageError, match="is full") as caught:
            library.put_song(SongRecord(title="Too big", text="line\n" * 100_000, kept=True))
        assert "Free some space" in caught.value.next_step
        assert len(library.songs()) == 3
        assert library.put_song(SongRecord(title="With room again", kept=True)).number == 4


WRITE_UNDER_A_LIMIT = """
import resource, sys
from pathlib import Path
from songsmith.errors import StorageError
from songsmith.library.library import Library
from songsmith.library.records import SongRecord
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
library = Library(Path(sys.argv[1]))
written = 0
try:
    while True:
        library.put_song(SongRecord(title=f"Song {written}", text="line\\n" * 500, kept=True))
        written += 1
except StorageError as error:
    print(written, error, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no file size limits there")
def test_a_write_that_the_system_cuts_short_loses_nothing_that_was_kept(path: Path):
    result = subprocess.run(
        [sys.executable, "-c", WRITE_UNDER_A_LIMIT, path], capture_output=True, text=True, check=True
    )
    written, message = result.stdout.split(" ", 1)
    assert int(written) > 5
    assert "library.sqlite3" in message
    assert len(read_all(path)) == int(written)


def test_a_home_that_is_a_file_is_named(tmp_path: Path):
    home = tmp_path / "home"
    home.write_text("not a folder")
    with Library(home / "library.sqlite3") as library:
        with pytest.raises(StorageError, match=rf"{re.escape(str(home))} isn't a folder"):
            library.songs()
        with pytest.raises(StorageError, match="SONGSMITH_HOME"):
            library.put_song(SongRecord(title="A"))
    assert home.read_text() == "not a folder"


def test_a_library_that_is_a_folder_is_named(path: Path):
    path.mkdir()
    with Library(path) as library:
        for use in (library.songs, lambda: library.put_song(SongRecord(title="A"))):
            with pytest.raises(StorageError, match=r"library\.sqlite3 can't be used: is a directory"):
                use()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="modes do not bind this user")
def test_a_library_that_could_not_be_written_can_be_once_its_mode_says_so(path: Path):
    fill(path, songs=2)
    path.chmod(0o400)
    with Library(path) as library:
        assert len(library.songs()) == 2
        with pytest.raises(StorageError, match="cannot be written"):
            library.put_song(SongRecord(title="A"))
    assert list(path.parent.iterdir()) == [path]
    path.chmod(0o600)
    with Library(path) as library:
        assert library.put_song(SongRecord(title="A", kept=True)).number == 3


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="modes do not bind this user")
def test_a_library_that_cannot_be_read_is_said_to(path: Path):
    fill(path, songs=2)
    for place in (path, path.parent):
        place.chmod(0)
        with Library(path) as library, pytest.raises(StorageError, match=r"cannot be read\. Make it readable"):
            library.songs()
        place.chmod(0o700)
    assert len(read_all(path)) == 2


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="modes do not bind this user")
def test_a_home_that_cannot_be_written_is_named(tmp_path: Path):
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    with Library(home / "library.sqlite3") as library, pytest.raises(StorageError, match="can't be written"):
        library.put_song(SongRecord(title="A"))


def test_a_library_that_was_moved_away_while_open_is_not_written_to(path: Path):
    fill(path, songs=2)
    with Library(path) as library:
        library.songs()
        path.rename(moved := path.with_name("moved.sqlite3"))
        assert library.songs() == []
        assert library.put_song(SongRecord(title="A", kept=True)).number == 1
        assert path.exists()
    assert read_all(moved) == ["Song 1", "Song 0"]


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_library_behind_a_link_is_mended_where_it_is(tmp_path: Path, path: Path):
    elsewhere = tmp_path / "elsewhere" / "songs.db"
    fill(elsewhere, songs=3)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(elsewhere)
    elsewhere.write_bytes(b"?" * 100 + elsewhere.read_bytes()[100:])
    with Library(path) as library:
        assert library.repair().recovered == 3
    assert path.is_symlink()
    assert read_all(elsewhere) == read_all(path) == ["Song 2", "Song 1", "Song 0"]
    (kept,) = elsewhere.parent.glob("songs.damaged-*.db")
    assert kept.read_bytes().startswith(b"?")
