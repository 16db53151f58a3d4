"""What was saved stays: every wording of a song can be seen again and brought back."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songsmith.errors import NotFoundError
from songsmith.library.library import Library
from songsmith.library.records import SongRecord
from songsmith.library.schema import MIGRATIONS
from songsmith.lyrics import Author


@pytest.fixture
def library(tmp_path: Path):
    with Library(tmp_path / "library.sqlite3") as library:
        yield library


def wordings(library: Library, song: SongRecord) -> list[tuple[int, str]]:
    return [(entry.revision, entry.text) for entry in library.revisions(song) if isinstance(entry, SongRecord)]


def test_every_wording_that_was_saved_is_kept(library: Library):
    song = library.put_song(SongRecord(text="one\n", authors=(Author.MODEL,), kept=True, state={"slots": [1]}))
    assert song.revision == 1
    assert library.put_song(song).revision == 1  # the same once more
    assert library.put_song(replace(song, state={"slots": [2]})).revision == 1  # the words are the same
    for text in ("two\n", "", "three\n"):
        song = library.put_song(replace(song, text=text))
    assert wordings(library, song) == [(4, "three\n"), (3, ""), (2, "two\n"), (1, "one\n")]
    assert library.put_song(replace(song, title="A title")).revision == 5
    assert library.put_song(replace(song, title="A title", authors=())).revision == 6
    first = library.revision(library.song("1"), 1)
    assert (first.text, first.authors, first.state, first.number) == ("one\n", (Author.MODEL,), {"slots": [2]}, 1)
    for missing in (7, 2**63, 2**80):
        with pytest.raises(NotFoundError, match="songsmith songs revisions 1"):
            library.revision(library.song("1"), missing)


def test_a_draft_has_no_revisions_until_it_is_saved(library: Library):
    draft = library.put_song(SongRecord(text="on"))
    draft = library.put_song(replace(draft, text="one\n"))
    song = library.put_song(replace(draft, kept=True, text="one more\n"))
    assert wordings(library, song) == [(1, "one more\n")]


def test_restoring_is_a_new_revision_and_loses_nothing(library: Library):
    song = library.put_song(SongRecord(text="one\n", kept=True))
    song = library.put_song(replace(song, text="two\n"))
    song = library.put_song(library.revision(song, 1))
    assert wordings(library, song) == [(3, "one\n"), (2, "two\n"), (1, "one\n")]
    assert library.put_song(library.revision(song, 1)).revision == 3


def test_revisions_go_with_their_song(library: Library, tmp_path: Path):
    song = library.put_song(SongRecord(text="one\n", kept=True))
    library.put_song(replace(song, text="two\n"))
    library.remove(song.id)
    library.close()
    with closing(sqlite3.connect(tmp_path / "library.sqlite3")) as connection:
        assert connection.execute("SELECT count(*) FROM revisions").fetchone() == (0,)


@given(st.lists(st.sampled_from(["one\n", "two\n", "three\n", ""]), min_size=1, max_size=12))
def test_the_revisions_are_the_wordings_that_differed_from_the_one_before(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
):
    with Library(tmp_path_factory.getbasetemp() / "revisions.sqlite3") as library:
        song = library.put_song(SongRecord(text=texts[0], kept=True))
        for text in texts[1:]:
            song = library.put_song(replace(song, text=text))
        changed = [text for before, text in zip([None, *texts], texts, strict=False) if text != before]
        assert wordings(library, song) == list(enumerate(changed, start=1))[::-1]
        library.remove(song.id)


def test_a_library_from_before_revisions_is_taken_over_whole(tmp_path: Path):
    path = tmp_path / "library.sqlite3"
    moment = "2026-01-01T00:00:00.000+00:00"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in MIGRATIONS[0]:
            connection.execute(statement)
        connection.execute("PRAGMA user_version = 1")
        for number, kept in ((1, 1), (2, 1), (None, 0)):
            connection.execute(
                "INSERT INTO songs (id, number, title, artist, text, authors, kept, state, created_at, updated_at, change) "
                "VALUES (?, ?, ?, 'Ann', 'old words\n', '[\"model\"]', ?, '{}', ?, ?, ?)",
                (f"abcdef{number}", number, f"Song {number}", kept, moment, moment, number or 3),
            )
        connection.execute("UPDATE numbering SET last = 5")
        connection.execute(
            "INSERT INTO takes (id, song_id, text, prompt_text, title, model, model_sha256, device, options, seed, finish, "
            "tokens, elapsed_s, version, created_at) "
            "VALUES ('take1', 'abcdef1', 't', '', '', 'm', '', 'cpu', '{}', 1, 'stopped', 1, 0.5, '0', ?)",
            (moment,),
        )
    with Library(path) as library:
        assert [song.number for song in library.songs()] == [2, 1]
        assert [draft.title for draft in library.drafts()] == ["Song None"]
        assert [take.id for take in library.takes("abcdef1")] == ["take1"]
        assert [song.number for song in library.search("old words")] == [2, 1]
        song = library.song("1")
        assert (song.revision, song.authors, song.artist) == (1, (Author.MODEL,), "Ann")
        assert wordings(library, library.put_song(replace(song, text="new\n"))) == [(2, "new\n"), (1, "old words\n")]
        assert library.put_song(SongRecord(kept=True)).number == 6
        assert library.verify().sound
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)


def test_nothing_is_sorted_by_the_clock(tmp_path: Path):
    from damaged_libraries import make_take

    years = iter(range(2040, 2000, -1))
    # A clock set back again and again.
    library = Library(tmp_path / "library.sqlite3", clock=lambda: f"{next(years)}-01-01T00:00:00.000+00:00")
    song = library.put_song(SongRecord(text="one\n", kept=True))
    for text in ("two\n", "three\n"):
        song = library.put_song(replace(song, text=text))
    assert wordings(library, song) == [(3, "three\n"), (2, "two\n"), (1, "one\n")]
    for year in (2030, 2020, 2010):
        library.add_take(song.id, make_take(f"{year}", created_at=f"{year}-01-01T00:00:00.000+00:00"))
    assert [take.text for take in library.takes(song.id)] == ["2030", "2020", "2010"]
    drafts = [library.put_song(SongRecord(text=text)) for text in "abc"]
    library.put_song(drafts[0])
    assert [draft.text for draft in library.drafts()] == ["a", "c", "b"]
    library.close()
