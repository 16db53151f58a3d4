"""What is put into a library is there: songs, drafts, takes, numbers, words to search for."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from songsmith.errors import NotFoundError
from songsmith.library.library import Library
from songsmith.library.records import SongRecord
from songsmith.lyrics import Author, SectionKind
from songsmith.takes import FinishReason, Take

VALLEY = "From this valley they say you are going\nWe will miss your bright eyes and sweet smile\n"


def make_take(**values: Any) -> Take:
    usual: dict[str, Any] = {
        "text": "Come and sit by my side\n", "prompt_text": VALLEY, "title": "Red River Valley", "model": "starter",
        "model_sha256": "ab12", "device": "cpu", "options": {"seed": 2**63 - 1, "temperature": 0.8, "top_k": 0},
        "seed": 2**63 - 1, "finish": FinishReason.MAX_LINES, "tokens": 9, "elapsed_s": 0.125, "version": "0.1.0",
    }  # fmt: skip
    return Take(**usual | values)


@pytest.fixture
def library(tmp_path: Path):
    with Library(tmp_path / "home" / "library.sqlite3") as library:
        yield library


def test_a_song_comes_back_as_it_was_put(library: Library):
    record = SongRecord(
        title="Red River Valley", artist="Traditional", text=f"  {VALLEY}\n\n[Chorus]\nCome and sit\t\n\n\n",
        authors=(Author.PERSON, Author.MODEL, Author.MODEL), kept=True, state={"cursor": [3, 4], "locks": {"1": True}},
    )  # fmt: skip
    put = library.put_song(record)
    assert put.number == 1
    assert put == replace(record, number=1, updated_at=put.updated_at)
    library.close()
    assert library.song("1") == library.song(record.id) == library.song(record.id[:6].upper()) == put
    assert [line.author for line in put.song.lines] == list(record.authors)
    assert put.song.sections[1].kind is SectionKind.CHORUS
    assert put.name == "Red River Valley"


def test_reading_where_nothing_is_kept_makes_nothing(tmp_path: Path):
    with Library(tmp_path / "home" / "library.sqlite3") as library:
        assert library.songs() == library.drafts() == library.search("river") == library.takes("1") == []
        with pytest.raises(NotFoundError):
            library.song("1")
        assert list(tmp_path.iterdir()) == []
        library.put_song(SongRecord(text="One line\n", kept=True))
        assert [song.name for song in library.songs()] == ["One line"]


def test_a_closed_library_is_one_file(tmp_path: Path):
    with Library(tmp_path / "library.sqlite3") as library:
        library.put_song(SongRecord(text=VALLEY))
    assert [path.name for path in tmp_path.iterdir()] == ["library.sqlite3"]


def test_a_draft_is_no_song_until_it_is_kept_and_stays_the_same_song(library: Library):
    draft = library.put_song(SongRecord(text=VALLEY))
    library.put_song(SongRecord(text=" \n", state={"opened": True}))
    titled = library.put_song(SongRecord(title="To be written"))
    assert library.songs() == library.search("valley") == []
    assert [record.id for record in library.drafts()] == [titled.id, draft.id]
    assert draft.number is None
    kept = library.put_song(replace(draft, kept=True))
    assert kept.number == 1
    assert [record.id for record in library.drafts()] == [titled.id]
    assert library.songs() == [kept]
    assert kept.created_at == draft.created_at
    assert kept.updated_at >= draft.updated_at


def test_a_song_keeps_its_number_and_no_other_ever_has_it(library: Library):
    first, second = (library.put_song(SongRecord(title=title, kept=True)) for title in "AB")
    assert (first.number, second.number) == (1, 2)
    # A face that does not know the number yet, or knows it wrong, cannot change it.
    assert library.put_song(replace(first, title="A2", number=None)).number == 1
    assert library.put_song(replace(first, title="A3", number=77)).number == 1
    library.remove(second.id)
    assert library.put_song(SongRecord(title="C", kept=True)).number == 3


def test_songs_come_with_the_one_changed_last_first(library: Library, tmp_path: Path):
    records = [library.put_song(SongRecord(title=title, kept=True)) for title in "ABC"]
    assert [record.title for record in library.songs()] == ["C", "B", "A"]
    set_back = Library(tmp_path / "home" / "library.sqlite3", clock=lambda: "2020-01-01T00:00:00.000+00:00")
    with set_back:
        set_back.put_song(records[0])
    assert [record.title for record in library.songs()] == ["A", "C", "B"]


@pytest.mark.parametrize(
    "key", ["2", "0", "-1", "", "abcde", "abcdef0", "9" * 40, "²", "*", "[a-f0-9]*", "'; --", "1 2"]
)
def test_a_song_that_is_not_there_is_not_found(library: Library, key: str):
    library.put_song(SongRecord(id="0123456789abcdef", kept=True))
    with pytest.raises(NotFoundError, match="songsmith songs list"):
        library.song(key)


def test_the_beginning_of_two_ids_names_neither(library: Library):
    for tail in "01":
        library.put_song(SongRecord(id=f"abcdef{tail}", title=tail))
    with pytest.raises(NotFoundError, match="More than one"):
        library.song("abcdef")
    assert library.song("abcdef1").title == "1"


def test_a_number_comes_before_an_id_that_looks_like_one(library: Library):
    library.put_song(SongRecord(id="123456789", title="by id"))
    assert library.song("123456").title == "by id"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("valley", ["Red River Valley"]),
        ("RIVERS", ["River of Doubt", "Red River Valley"]),
        ("valley going", ["Red River Valley"]),
        ("valley nowhere", []),
        ("bright ey", ["Red River Valley"]),
        ("cafe", ["Über Café"]),
        ("Cafe\u0301 uber", ["Über Café"]),
        ("traditional", ["Red River Valley"]),
        ("don't", ["Über Café"]),
        ("", []),
        ('"', []),
        ("🎵 -- * ( ) ^ :", []),
        ("valley 🎵", ["Red River Valley"]),
        ("doubt AND run", []),
        ("title:valley", []),
        ("valley OR", []),
        ("val*", ["Red River Valley"]),
        ("NEAR(valley going)", []),
        ("\0\ud800valley", ["Red River Valley"]),
        pytest.param("valley " * 5000, ["Red River Valley"], id="thousands of words"),
    ],
)
def test_search_finds_songs_with_all_the_words(library: Library, query: str, found: list[str]):
    library.put_song(SongRecord(title="Red River Valley", artist="Traditional", text=VALLEY, kept=True))
    library.put_song(SongRecord(title="River of Doubt", text="We run\n", kept=True))
    library.put_song(SongRecord(title="Über Café", text="Don't go\n", kept=True))
    library.put_song(SongRecord(title="A draft of a valley", text="going café\n"))
    assert [record.title for record in library.search(query)] == found


def test_search_knows_what_a_song_says_now(library: Library):
    record = library.put_song(SongRecord(title="Old", text="silver\n", kept=True))
    library.put_song(replace(record, title="New", text="gold\n"))
    assert library.search("silver") == library.search("old") == []
    assert [found.title for found in library.search("gold")] == ["New"]
    library.remove(record.id)
    assert library.search("gold") == []


def test_takes_come_back_with_their_provenance_oldest_first(library: Library):
    song = library.put_song(SongRecord(text=VALLEY))
    first = make_take(created_at="2026-01-01T00:00:00.000+00:00")
    second = make_take(created_at="2026-01-02T00:00:00.000+00:00", parent_id=first.id, text="", elapsed_s=0.1 + 0.2)
    library.add_take(song.id, first)
    library.add_take(song.id, second)
    assert library.takes(song.id) == [first, second]
    assert library.take(second.id) == second
    library.add_take(song.id, replace(first, text="changed"))
    assert library.take(first.id) == first


def test_a_song_is_saved_with_its_takes_in_whatever_order(library: Library):
    root = make_take()
    child = make_take(parent_id=root.id)
    stray = make_take(parent_id="a take nobody kept")
    song = library.put_song(SongRecord(text=VALLEY, kept=True), [child, root, stray])
    kept = {take.id: take for take in library.takes(song.id)}
    assert kept == {root.id: root, child.id: child, stray.id: replace(stray, parent_id=None)}
    library.put_song(song, [child, root, stray])  # saved again
    assert len(library.takes(song.id)) == 3


def test_a_song_and_its_takes_are_saved_together_or_not_at_all(library: Library):
    song = library.put_song(SongRecord(text="before\n"))
    with pytest.raises(TypeError):
        library.put_song(replace(song, text="after\n"), [make_take(), make_take(options={"not JSON": object()})])
    assert library.song(song.id).text == "before\n"
    assert library.takes(song.id) == []


def test_takes_go_with_their_song(library: Library):
    song, other = (library.put_song(SongRecord(text=VALLEY)) for _ in range(2))
    gone = make_take()
    library.add_take(song.id, gone)
    library.add_take(other.id, stays := make_take(parent_id=gone.id))
    library.remove(song.id)
    with pytest.raises(NotFoundError, match="no take"):
        library.take(gone.id)
    assert library.take(stays.id) == replace(stays, parent_id=None)
    with pytest.raises(NotFoundError, match="no song"):
        library.add_take(song.id, make_take())


def test_broken_characters_are_replaced_and_the_rest_is_saved(library: Library):
    put = library.put_song(SongRecord(title="\ud83c\udfb5", text="half \ud83c of a note\0\n", kept=True))
    assert put == library.song("1")
    assert (put.title, put.text) == ("🎵", "half \ufffd of a note\0\n")


def test_lines_nobody_claims_are_a_persons(library: Library):
    put = library.put_song(SongRecord(text="one\ntwo\n", authors=(Author.MODEL,)))
    assert [line.author for line in put.song.lines] == [Author.MODEL, Author.PERSON]


def test_two_libraries_in_one_process_see_each_other(library: Library, tmp_path: Path):
    with Library(tmp_path / "home" / "library.sqlite3") as other:
        library.put_song(SongRecord(title="A", kept=True))
        assert [record.title for record in other.songs()] == ["A"]
        other.put_song(SongRecord(title="B", kept=True))
        assert [record.number for record in library.songs()] == [2, 1]
