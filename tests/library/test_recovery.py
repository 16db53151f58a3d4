"""Songs come back out of files that SQLite gives up on."""

import os
import random
import sqlite3
import subprocess
import sys
import tracemalloc
from contextlib import closing, suppress
from pathlib import Path

import pytest
from damaged_libraries import crash, damage, fill, make_take
from hypothesis import given, settings
from hypothesis import strategies as st

from songsmith.errors import DatabaseError, InputError
from songsmith.library.database import MisshapenFileError
from songsmith.library.library import Library
from songsmith.library.pages import find_rows
from songsmith.library.records import SongRecord
from songsmith.library.schema import MIGRATIONS

PAGE = 4096


def fill_much(path: Path, songs: int = 60) -> dict[str, SongRecord]:
    """Keep many songs, each longer than the one before, so that some need pages of their own; return them by id."""
    with Library(path) as library:
        put = [
            library.put_song(
                SongRecord(
                    title=f"Song {number}", text=f"line {number}é\n" * (number**2 // 8 + 1), kept=number % 5 > 0
                ),
                [make_take(f"take {number}\n")],
            )
            for number in range(songs)
        ]
        for song in put[::7]:
            library.put_song(SongRecord(id=song.id, title=f"{song.title}!", text=song.text, kept=song.kept))
        library.remove(put[3].id, put[4].id)
        return {song.id: library.song(song.id) for song in put if song not in (put[3], put[4])}


@pytest.fixture(scope="module")
def much(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, SongRecord], bytes]:
    """Return many songs, and the file that holds them."""
    songs = fill_much(path := tmp_path_factory.mktemp("much") / "library.sqlite3")
    return songs, path.read_bytes()


def recovered(source: Path, into: Path) -> dict[str, SongRecord]:
    with Library(into) as library:
        library.recover(source)
        assert library.verify().sound
        return {song.id: song for song in [*library.songs(), *library.drafts()]}


@pytest.mark.parametrize("page_bytes", [512, 4096, 65536])
def test_all_of_a_sound_file_is_read_as_sqlite_reads_it(tmp_path: Path, page_bytes: int):
    path = tmp_path / "any.sqlite3"
    chance = random.Random(page_bytes)
    rows = [
        (
            number,
            chance.choice([None, 0, 1, -5, 2**40, -(2**63), 1.5, "é" * chance.randrange(9000), b"\0" * 70_000]),
            "x",
        )
        for number in [-(2**63), -1, *range(400), 2**63 - 1]
    ]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {page_bytes}")
        connection.execute("CREATE TABLE t (row INTEGER PRIMARY KEY, a, b)")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
        connection.execute("DELETE FROM t WHERE row BETWEEN 100 AND 300")
        connection.execute("COMMIT")
    found = [(row.row, *row.values[1:]) for row in find_rows(path, (3,))]
    assert sorted(found) == [row for row in rows if not 100 <= row[0] <= 300]
    assert all(row.whole for row in find_rows(path, (3,)))


def test_all_songs_takes_and_revisions_come_back_in_their_order(tmp_path: Path):
    songs = fill_much(source := tmp_path / "old.sqlite3")
    assert recovered(source, tmp_path / "new.sqlite3") == songs
    with Library(source) as old, Library(tmp_path / "new.sqlite3") as new:
        assert new.songs() == old.songs()
        for song in songs.values():
            assert new.takes(song.id) == old.takes(song.id)
            assert list(new.revisions(new.song(song.id))) == list(old.revisions(song))
        last = max(song.number or 0 for song in songs.values())
        assert new.put_song(SongRecord(title="New", kept=True)).number == last + 1


@given(st.data())
@settings(max_examples=40)
def test_every_page_but_the_damaged_ones_is_saved(
    tmp_path_factory: pytest.TempPathFactory, much: tuple[dict[str, SongRecord], bytes], data: st.DataObject
):
    folder = tmp_path_factory.mktemp("damaged")
    path, songs, pages = folder / "library.sqlite3", much[0], bytearray(much[1])
    count = len(pages) // PAGE
    hit = data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=3, unique=True))
    for page in hit:
        start = page * PAGE + data.draw(st.integers(0, PAGE - 1))
        size = data.draw(st.integers(1, PAGE))
        pages[start : start + size] = data.draw(st.sampled_from([b"\0", b"\xff", b"\x0d", b"?"])) * len(
            pages[start : start + size]
        )
    path.write_bytes(pages)
    found = recovered(path, folder / "new.sqlite3")
    # Each page that was hit, and the one after it, holds so many songs at most; those that span pages may be cut short.
    whole = [song for song in songs.values() if found.get(song.id) == song]
    assert len(whole) >= len(songs) - 45 * len(hit)
    assert len(whole) > 0 or len(hit) > 1


@pytest.mark.parametrize("share", [0.99, 0.7, 0.3])
def test_a_truncated_file_gives_what_is_left_of_it(
    tmp_path: Path, much: tuple[dict[str, SongRecord], bytes], share: float
):
    path, (songs, content) = tmp_path / "library.sqlite3", much
    path.write_bytes(content[: int(len(content) * share)])
    with Library(path) as library:
        sound = False
        with suppress(DatabaseError):  # as long as no page is missing, it can be read
            sound = library.verify().sound
        assert not sound
        assert library.repair().before is not None
        found = library.songs()
        assert len([song for song in found if songs.get(song.id) == song]) >= len(songs) * share / 4
        assert library.verify().sound


def test_a_file_that_was_set_aside_is_brought_back_beside_new_songs(
    tmp_path: Path, much: tuple[dict[str, SongRecord], bytes]
):
    path, (songs, content) = tmp_path / "library.sqlite3", much
    path.write_bytes(b"?" * 100 + content[100:])
    with Library(path) as library:
        with pytest.raises(DatabaseError, match=r"songsmith songs repair \S+damaged-\S+\.sqlite3"):
            library.songs()
        library.put_song(SongRecord(title="Written since", kept=True))
        (kept,) = tmp_path.glob("*.damaged-*.sqlite3")
        before = kept.read_bytes()
        repaired = library.recover(kept)
        assert repaired.recovered == len(songs)
        numbers = [song.number for song in library.songs()]
        assert len(set(numbers)) == len(numbers) == len([song for song in songs.values() if song.kept]) + 1
        again = library.recover(kept)
        assert (again.recovered, again.held) == (0, len(songs))
        assert kept.read_bytes() == before


@pytest.mark.parametrize("pages", [None, 0, 1, 9])
@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_what_only_the_log_holds_comes_back_too(tmp_path: Path, pages: int | None):
    path = tmp_path / "library.sqlite3"
    crash(path)
    content = path.read_bytes()
    path.write_bytes(content if pages is None else content[: pages * PAGE])
    found = {song.title for song in recovered(path, tmp_path / "new.sqlite3").values()}
    assert {f"Song {number}" for number in range(26, 30)} <= found
    assert len(found) == 30 if pages is None else len(found) < 30


@pytest.mark.parametrize(
    ("at", "damage"), [(8, 0), (8, 3), (8, 2**31), (8, 2**32 - 1), (32, 2**32 - 1)], ids=lambda value: f"{value:#x}"
)
@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_a_log_that_tells_of_impossible_pages_holds_nobody_up(tmp_path: Path, at: int, damage: int):
    path = tmp_path / "library.sqlite3"
    crash(path)
    log = path.with_name(f"{path.name}-wal")
    content = bytearray(log.read_bytes())
    content[at : at + 4] = damage.to_bytes(4)  # how large pages are, or which one the first of them is
    log.write_bytes(content)
    path.write_bytes(b"?" * 100 + path.read_bytes()[100:])
    found = {song.title for song in recovered(path, tmp_path / "new.sqlite3").values()}
    assert {f"Song {number}" for number in range(20)} <= found


def test_a_row_that_goes_on_in_a_circle_of_pages_ends(tmp_path: Path):
    path = tmp_path / "library.sqlite3"
    size = 20_005  # of the row: its columns, and five bytes that say what they are
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (row INTEGER PRIMARY KEY, a)")
        connection.execute("INSERT INTO t VALUES (1, ?)", ("x" * 20_000,))
    content = bytearray(path.read_bytes())
    more = size + 500 * (PAGE - 4)  # as many pages more, and as much of it in the first
    before, after = (bytes([0x80 | number >> 14, 0x80 | number >> 7 & 0x7F, number & 0x7F]) for number in (size, more))
    assert content.count(before + b"\1") == 1
    content[:] = content.replace(before + b"\1", after + b"\1")
    content[-PAGE : -PAGE + 4] = (3).to_bytes(4)  # the last page leads back to the first of those it goes on in
    path.write_bytes(content)
    tracemalloc.start()
    try:
        ((_, text),) = [row.values for row in find_rows(path, (2,))]
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert text == "x" * 20_000
    assert peak_bytes < 1_000_000


def test_a_library_from_before_revisions_comes_back_too(tmp_path: Path):
    path = tmp_path / "old.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in MIGRATIONS[0]:
            connection.execute(statement)
        connection.execute(
            "INSERT INTO songs VALUES (1, 'abcdef', 7, 'Old', '', 'la', '[]', 1, '{}', ?, ?, 3)",
            ("2026-01-01T00:00:00.000+00:00",) * 2,
        )
    ((id, song),) = recovered(path, tmp_path / "new.sqlite3").items()
    assert (id, song.number, song.title, song.revision) == ("abcdef", 7, "Old", 1)


def test_what_is_no_library_is_refused_and_left(tmp_path: Path):
    fill(path := tmp_path / "library.sqlite3")
    (tmp_path / "letter.txt").write_text("Dear diary\n" * 1000)
    with Library(path) as library:
        with pytest.raises(InputError, match="No song can be read"):
            library.recover(tmp_path / "letter.txt")
        assert len(library.songs()) == 3


REPAIR_UNDER_A_LIMIT = """
import resource, sys
from pathlib import Path
from songsmith.errors import StorageError
from songsmith.library.library import Library
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    Library(Path(sys.argv[1])).repair()
except StorageError as error:
    print(error)
"""


@pytest.mark.skipif(os.name == "nt", reason="no file size limits there")
@pytest.mark.parametrize("limit", [8_000, 60_000, 150_000])
@pytest.mark.parametrize("torn", [True, False])
def test_a_repair_without_room_leaves_the_library_as_it_is(
    tmp_path: Path, much: tuple[dict[str, SongRecord], bytes], torn: bool, limit: int
):
    path, (songs, content) = tmp_path / "library.sqlite3", much
    path.write_bytes(content)
    if torn:
        path.write_bytes(content := b"?" * 100 + content[100:])
    else:
        damage(path, "songs", "authors", '["nobody"]')
    said = subprocess.run(
        [sys.executable, "-c", REPAIR_UNDER_A_LIMIT, path, str(limit)], capture_output=True, text=True, check=True
    )
    assert "library" in said.stdout
    assert [file.name for file in tmp_path.iterdir() if not file.name.endswith(("-wal", "-shm"))] == [path.name]
    if torn:
        assert path.read_bytes() == content
    with Library(path) as library:
        assert library.repair().before is not None
        assert {song.id for song in [*library.songs(), *library.drafts()]} == set(songs)


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_a_log_without_its_library_is_brought_back(tmp_path: Path):
    path = tmp_path / "library.sqlite3"
    crash(path)
    path.unlink()
    with Library(path) as library:
        assert library.repair().recovered >= 4
        assert library.verify().sound


def test_a_library_in_which_nothing_can_be_read_is_moved_aside(tmp_path: Path):
    path = tmp_path / "library.sqlite3"
    path.write_bytes(b"?" * 9000)
    with Library(path) as library:
        with pytest.raises(InputError, match=r"kept as \S+damaged-\S+\.sqlite3"):
            library.repair()
        (kept,) = tmp_path.iterdir()
        assert kept.read_bytes() == b"?" * 9000
        assert library.set_aside == [kept]
        assert library.repair().before is None


FAULTS = {
    "nothing was counted": "PRAGMA user_version = 0",
    "a step was not counted": "PRAGMA user_version = 1",
    "less than nothing was counted": "PRAGMA user_version = -5",
    "no takes": "DROP TABLE takes",
    "no revisions": "DROP TABLE revisions",
    "no search index": "DROP TABLE songs_index",
    "no numbering": "DROP TABLE numbering",
    "no trigger": "DROP TRIGGER songs_index_update",
    "no index": "DROP INDEX drafts_by_change",
    "another name of a song's authors": "ALTER TABLE songs RENAME COLUMN authors TO writers",
    "another name of a song's column": "ALTER TABLE songs RENAME COLUMN artist TO singer",
    "another name of a take's column": "ALTER TABLE takes RENAME COLUMN options TO choices",
    "another name of a revision's column": "ALTER TABLE revisions RENAME COLUMN authors TO writers",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_library_that_lacks_a_part_is_said_to_and_is_mended(tmp_path: Path, fault: str):
    songs = fill(path := tmp_path / "library.sqlite3")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(FAULTS[fault])
    with Library(path) as library:
        with suppress(MisshapenFileError):
            assert not library.verify().sound
        with suppress(DatabaseError):
            list(library.entries())
        before = library.repair().before
        assert before is not None
        assert before.exists()
        assert {song.id: song.text for song in library.songs()} == {song.id: song.text for song in songs}
        assert library.verify().sound
        assert library.put_song(SongRecord(title="More", kept=True)).number == 4
        assert library.repair().before is None


def test_a_header_that_forbids_writing_is_mended(tmp_path: Path):
    songs = fill(path := tmp_path / "library.sqlite3")
    content = bytearray(path.read_bytes())
    content[18] ^= 64
    path.write_bytes(content)
    with Library(path) as library:
        assert len(library.songs()) == len(songs)
        with pytest.raises(DatabaseError, match=r"is damaged.*songsmith songs repair"):
            library.put_song(SongRecord(title="More", kept=True))
        assert len(library.songs()) == len(songs)
        assert library.repair().recovered == len(songs) + 1
        assert library.put_song(SongRecord(title="More", kept=True)).number == 4


def test_nothing_of_somebody_elses_tables_becomes_a_song(tmp_path: Path):
    path = tmp_path / "places.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for width in (9, 12, 13, 17):
            names = ", ".join(f"c{number}" for number in range(1, width))
            connection.execute(f"CREATE TABLE t{width} (id INTEGER PRIMARY KEY, {names})")
            connection.execute(f"INSERT INTO t{width} VALUES (1{', ?' * (width - 1)})", ["secret"] * (width - 1))
    with Library(tmp_path / "library.sqlite3") as library:
        with pytest.raises(InputError, match="database of another program"):
            library.recover(path)
        assert not library.songs() + library.drafts()


def test_a_row_with_hardly_anything_right_keeps_its_words(tmp_path: Path):
    fill(path := tmp_path / "old.sqlite3")
    for column in ("id", "number", "authors", "state", "kept", "created_at", "updated_at"):
        damage(path, "songs", column, b"\xff")
    with Library(tmp_path / "library.sqlite3") as library:
        library.recover(path)
        assert "words of Blue Mountain\n[Chorus]\nla la\n" in {song.text for song in library.songs()}


@pytest.mark.parametrize("change", [2**53, 2**53 - 1, -(2**53)])
def test_the_largest_change_there_can_be_hides_no_song(tmp_path: Path, change: int):
    fill(path := tmp_path / "old.sqlite3")
    damage(path, "songs", "change", change)
    with Library(tmp_path / "library.sqlite3") as library:
        library.put_song(SongRecord(title="Here", kept=True))
        library.recover(path)
        assert library.verify().sound
        assert len(library.songs()) == 4


@pytest.mark.parametrize("id", [None, "", "not an id!", b"\xff", 5])
def test_a_file_brought_back_twice_gives_every_song_once(tmp_path: Path, id: object):
    fill(path := tmp_path / "old.sqlite3")
    damage(path, "songs", "id", id)
    damage(path, "takes", "id", id)
    with Library(tmp_path / "library.sqlite3") as library:
        first = library.recover(path)
        assert first.recovered >= 4
        found = (library.songs(), library.drafts())
        again = library.recover(path)
        assert again.recovered == again.adopted == 0
        assert (library.songs(), library.drafts()) == found


KILL = """
import os, sys
from pathlib import Path
from songsmith.library import repair
from songsmith.library.library import Library
repair._settle = lambda connection: os.kill(os.getpid(), 9)
Library(Path(sys.argv[1])).repair()
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_a_repair_that_was_killed_is_done_again_and_leaves_nothing_behind(
    tmp_path: Path, much: tuple[dict[str, SongRecord], bytes]
):
    path, (songs, content) = tmp_path / "library.sqlite3", much
    path.write_bytes(torn := b"?" * 100 + content[100:])
    subprocess.run([sys.executable, "-c", KILL, path], check=False)
    assert path.read_bytes() == torn
    assert list(tmp_path.glob("*.repairing-*"))
    with Library(path) as library:
        assert library.repair().recovered == len(songs)
        assert not list(tmp_path.glob("*.repairing-*"))
        assert {song.id for song in library.songs() + library.drafts()} == set(songs)
