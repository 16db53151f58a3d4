"""Any song, any take, any query."""

import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songsmith.library.library import Library
from songsmith.library.records import SongRecord
from songsmith.lyrics import Author
from songsmith.takes import FinishReason, Take

# Whole characters: half ones are replaced, which has a test of its own.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.builds(
    SongRecord, title=TEXTS, artist=TEXTS, text=TEXTS, authors=st.lists(st.sampled_from(Author)).map(tuple),
    kept=st.booleans(), state=st.dictionaries(st.text(), JSON, max_size=4),
)  # fmt: skip
TAKES = st.builds(
    Take, text=TEXTS, prompt_text=TEXTS, title=TEXTS, model=TEXTS, model_sha256=st.text(string.hexdigits), device=TEXTS,
    options=st.dictionaries(st.text(), JSON, max_size=3), seed=st.integers(0, 2**63 - 1), finish=st.sampled_from(FinishReason),
    tokens=st.integers(0, 10**6), elapsed_s=st.floats(0, 1e9), version=TEXTS,
)  # fmt: skip


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory):
    with Library(tmp_path_factory.mktemp("home") / "library.sqlite3") as library:
        yield library


@given(RECORDS, st.lists(TAKES, max_size=3))
def test_any_record_comes_back_as_it_was_put(library: Library, record: SongRecord, takes: list[Take]):
    put = library.put_song(record, takes)
    fields = ("id", "title", "artist", "text", "authors", "kept", "state", "created_at")
    assert [getattr(put, name) for name in fields] == [getattr(record, name) for name in fields]
    assert (put.number is not None) == record.kept
    library.close()
    assert library.song(record.id) == put
    assert sorted(library.takes(record.id), key=lambda take: take.id) == sorted(takes, key=lambda take: take.id)
    assert len(put.song.lines) == len([line for section in put.song.sections for line in section.lines])


@given(RECORDS, st.text() | st.text(string.punctuation + " aAnNdDoOrRtT", max_size=30))
def test_no_query_fails(library: Library, record: SongRecord, query: str):
    library.put_song(record)
    library.search(query)


@given(st.lists(st.text(string.ascii_letters + "äöüéñ", min_size=1, max_size=9), min_size=1, max_size=8), st.data())
def test_any_words_of_a_song_find_it(library: Library, words: list[str], data: st.DataObject):
    put = library.put_song(SongRecord(text=" ".join(words) + "\n", kept=True))
    asked = data.draw(st.lists(st.sampled_from(words), min_size=1, max_size=4))
    assert put.id in [record.id for record in library.search(" ".join(asked))]
    library.remove(put.id)


def test_the_index_still_agrees_with_the_songs(library: Library, tmp_path: Path):
    """After all of the above: an index that misses a word, or keeps one too many, fails SQLite's own check."""
    with library._database.writing() as connection:
        connection.execute("INSERT INTO songs_index (songs_index, rank) VALUES ('integrity-check', 1)")
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
