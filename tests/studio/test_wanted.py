"""What options and lists of names ask for."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songsmith.corpus.sites.sources import Wanted, same_song
from songsmith.errors import InputError, NotFoundError, UsageError
from songsmith.studio.wanted import read_list, want


def test_artists_say_whose_an_album_or_a_song_is():
    assert want(artists=["A", "B"]) == (Wanted(artists=("A",)), Wanted(artists=("B",)))
    assert want(artists=["A", "B"], albums=["X"], songs=["Y", "Y"]) == (
        Wanted(artists=("A", "B"), album="X"),
        Wanted(artists=("A", "B"), song="Y"),
    )
    assert want(songs=["Y"]) == (Wanted(song="Y"),)
    with pytest.raises(UsageError, match="There is nothing to fetch"):
        want()
    with pytest.raises(UsageError, match="A name is missing"):
        want(artists=[" "])


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("AC/DC", Wanted(artists=("AC/DC",))),
        ("Jay-Z", Wanted(artists=("Jay-Z",))),
        ("  A — Red River - Live ", Wanted(artists=("A",), song="Red River - Live")),
        ("# A", None),
        ("", None),
    ],
)
def test_lines_of_a_list(tmp_path: Path, line: str, wanted: Wanted | None):
    path = tmp_path / "list"
    path.write_text(f"Last\n{line}\n", encoding="utf-8")
    assert read_list(path) == [Wanted(artists=("Last",)), *([wanted] if wanted else [])]
    assert want(songs=["Y"], path=path)[0] == Wanted(song="Y")


def test_a_list_that_is_not_there(tmp_path: Path):
    with pytest.raises(NotFoundError, match="doesn't exist"):
        read_list(tmp_path / "list")
    with pytest.raises(InputError, match="can't be read: is a directory"):
        read_list(tmp_path)


@given(st.text(), st.text())
def test_the_same_song_is_the_same_however_it_is_spelt(artist: str, title: str):
    assert same_song(f" {artist.upper()}", title) == same_song(artist.upper(), f"{title} ")
    assert all(part or not name.strip() for part, name in zip(same_song(artist, title), (artist, title), strict=True))
