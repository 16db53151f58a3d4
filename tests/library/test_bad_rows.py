"""One bad row hides no other, is kept as it is, and is mended as far as it can be."""

import sqlite3
import tempfile
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from damaged_libraries import PLACES, TITLES, VALUES, damage, fill, make_take
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from songsmith.errors import SongsmithError
from songsmith.library.library import Library
from songsmith.library.records import DamagedRow, DamagedSongError, SongRecord


def raw_rows(path: Path, table: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = bytes
        return connection.execute(f"SELECT * FROM {table} ORDER BY row").fetchall()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("state", "{"), ("state", "[1,2]"), ("state", "[" * 100_000), ("authors", '["nobody"]'), ("authors", "{}"),
        ("change", "abc"), ("title", b"blob"), ("text", None), ("updated_at", "\x1b[2J"),
        ("number", 2**62), ("kept", "maybe"), ("id", b"\xff"),
    ],
)  # fmt: skip
def test_a_bad_row_is_passed_over_named_and_kept(tmp_path: Path, column: str, value: object):
    fill(path := tmp_path / "library.sqlite3")
    assert damage(path, "songs", column, value)
    before = raw_rows(path, "songs")
    with Library(path) as library:
        assert sorted(song.title for song in library.songs()) == ["Green Valley", "Red River"]
        (row,) = [entry for entry in library.entries() if isinstance(entry, DamagedRow)]
        assert (row.kind, row.row, row.column) == ("song", 2, column)
        assert row.number == (None if column == "number" else 2)
        assert [song.title for song in library.drafts()] == ["A draft"]
        if row.number:
            with pytest.raises(DamagedSongError, match=rf"Song 2 can't be read: its column '{column}' is damaged.*songs repair"):
                library.song("2")
        assert library.put_song(SongRecord(title="New", kept=True)).number == 4
    assert [entry.name for entry in tmp_path.iterdir()] == ["library.sqlite3"]
    assert raw_rows(path, "songs")[: len(before)] == before


def test_a_bad_take_and_a_bad_revision_hide_no_other(tmp_path: Path):
    song = fill(path := tmp_path / "library.sqlite3")[0]
    assert damage(path, "takes", "options", "{", row=2)
    assert damage(path, "revisions", "text", b"\xff", row=1)
    with Library(path) as library:
        assert [take.text for take in library.takes(song.id)] == ["one\n", "three\n"]
        assert [type(entry) for entry in library.take_entries(song.id)].count(DamagedRow) == 1
        now, before = library.revisions(song)
        assert now == song
        assert before == DamagedRow(kind="revision", row=1, column="text")
        with pytest.raises(DamagedSongError):
            library.revision(song, 1)


def use_everything(path: Path) -> None:
    """Do what faces do; what fails says so in a sentence."""
    with Library(path) as library:
        for song in [*library.songs(), *library.drafts()]:
            library.takes(song.id)
            for revision in library.revisions(song):
                if isinstance(revision, SongRecord):
                    library.revision(song, revision.revision)
            library.song(song.id)
            library.put_song(replace(song, text=f"{song.text}more\n"), [make_take("another\n")])
        library.search("words")
        for number in "1234":
            with suppress(SongsmithError):
                library.song(number)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(PLACES, VALUES, st.sampled_from([1, 2, 3, 4]))
def test_no_value_in_any_column_loses_another_song(place: tuple[str, str], value: object, row: int):
    with tempfile.TemporaryDirectory() as folder:
        fill(path := Path(folder) / "library.sqlite3")
        if not damage(path, *place, value, row):
            return
        hit = TITLES[row - 1] if place[0] == "songs" and row <= 3 else None
        with Library(path) as library:
            assert {song.title for song in library.songs()} >= set(TITLES) - {hit}
        use_everything(path)
        with Library(path) as library:
            assert {song.title for song in library.songs()} >= set(TITLES) - {hit}
            library.put_song(SongRecord(title="New", kept=True))
            numbers = [song.number for song in library.songs()]
            assert len(numbers) == len(set(numbers))
            library.repair()
            assert library.verify().sound
            shown = {song.title for song in library.songs()} | {song.title for song in library.drafts()}
            assert shown >= set(TITLES) - ({hit} if place[1] in ("title", "kept") else set())
            assert library.search("words")
        assert not list(Path(folder).glob("*.damaged-*"))


def test_repair_keeps_what_can_be_read_and_a_copy_of_the_rest(tmp_path: Path):
    songs = fill(path := tmp_path / "library.sqlite3")
    damage(path, "songs", "authors", '["nobody"]', row=1)
    damage(path, "songs", "text", b"caf\xc3\xa9 \xff\n", row=2)
    damage(path, "takes", "options", "{", row=1)
    damage(path, "revisions", "updated_at", "\x1b", row=3)
    before = raw_rows(path, "songs")
    with Library(path) as library:
        assert [row.name for row in library.verify().damaged] == [
            "song 1", "song 2", "the revision in row 3", "the take in row 1",
        ]  # fmt: skip
        repaired = library.repair()
        assert {row.name: row.columns for row in repaired.mended} == {
            "song 1": ("authors",), "song 2": ("text",), "the revision in row 3": ("updated_at",),
            "the take in row 1": ("options",),
        }  # fmt: skip
        assert library.song("1") == replace(songs[0], authors=())
        assert library.song("2").text == "café \ufffd\n"
        assert library.song("3") == songs[2]
        assert len(library.takes(songs[0].id)) == 3
        assert library.search("café")[0].number == 2
        assert library.verify().sound
        assert library.repair().before is None
    assert repaired.before is not None
    assert raw_rows(repaired.before, "songs") == before


def test_takes_whose_song_is_gone_become_a_draft(tmp_path: Path):
    fill(path := tmp_path / "library.sqlite3")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM songs WHERE row IN (1, 2)")
        connection.execute("DELETE FROM revisions WHERE row = 2")
    with Library(path) as library:
        assert library.verify().strays == 7
        assert library.repair().adopted == 2
        assert {draft.text for draft in library.drafts()} == {"first wording\n", "three\n", "not yet\n"}
        assert sum(len(library.takes(draft.id)) for draft in library.drafts()) == 6
        assert library.verify().sound


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM songs_index_data WHERE id > 10",
        "DELETE FROM songs_index_data",
        "UPDATE songs_index_data SET block = x'ffffffffffffffff' WHERE id = 10",
        "UPDATE songs_index_data SET block = zeroblob(50)",
        "UPDATE songs_index_data SET block = x'ff' WHERE id > 1",
        "DELETE FROM songs_index_docsize",
    ],
)
def test_a_damaged_search_index_is_rebuilt(tmp_path: Path, damage: str):
    song = fill(path := tmp_path / "library.sqlite3")[0]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(damage)
    before = raw_rows(path, "songs")
    with Library(path) as library:
        assert len(library.songs()) == 3
        assert not library.verify().index_agrees
        for attempt in (lambda: library.search("words"), lambda: library.put_song(song)):
            with suppress(SongsmithError):
                attempt()
            attempt()  # it has been rebuilt
        library.repair()
        assert len(library.search("words")) == 3
        assert library.verify().sound
    assert not list(tmp_path.glob("*.damaged-*"))
    assert len(raw_rows(path, "songs")) == len(before)
