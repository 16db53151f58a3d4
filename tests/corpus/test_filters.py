"""Conditions on songs, as people write them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songsmith.corpus.filters import Filter, FilterSet, matches
from songsmith.corpus.records import CleanRecord, RawRecord
from songsmith.errors import UsageError

METADATA = {
    "year": 1796, "oov": 0.03, "kind": "song", "sensitive": False, "column": "12", "flag": "TRUE", "none": None,
    "released": "1999-03-04", "month": "2001-02", "chart position": 3,
}  # fmt: skip
SONG = RawRecord(
    id="pg:7", title="Ae Fond Kiss", artist="Robert Burns", text="Ae fond kiss\n", source="book", metadata=METADATA
)


@pytest.mark.parametrize(
    "expression",
    [
        "kind=song", "kind==song", "kind != hymn", "kind=Song", "artist=robert burns", "artist!~byron", "nothing!~x",
        "oov<=0.03", "oov<0.031", "oov>=.03", "oov = 0.030",
        "year>1700", "year<10000", "year=1796.0", "artist~burns", "artist~BURNS", "title~fond k", "text~kiss",
        "sensitive=false", "sensitive!=true", "sensitive=False", "sensitive~fal", "column<100", "column=12.0",
        "flag=true", "flag!=false", "released<2000", "released=1999", "released>=1999", "month<=2001",
        "released<=1999-12-31", "released>1999-03", "id=pg:7",
        "source=book", "nothing!=x", "nothing!=", "none!=x", "url=", "artist!=", "chart position<=3", "year~79",
    ],
)  # fmt: skip
def test_a_song_meets(expression: str):
    clean = CleanRecord(id=SONG.id, title=SONG.title, artist=SONG.artist, text=SONG.text, source="book", metadata=METADATA)
    assert Filter.parse(expression).matches(SONG)
    assert matches(clean, [Filter.parse(expression)])


@pytest.mark.parametrize(
    "expression",
    [
        "kind=hymn", "kind!=song", "kind!=Song", "artist!~BURNS", "released>1999", "released!=1999", "month<2001",
        "oov<0.03", "year<1700", "artist~byron", "sensitive=true", "sensitive=0",
        "sensitive<1", "nothing=x", "nothing=", "nothing<1", "nothing~x", "none=x", "title<5", "column>100",
        "flag=false", "released>2000-01-01", "year<abc", "year>abc", "oov<=2000-01-01",
    ],
)  # fmt: skip
def test_a_song_does_not_meet(expression: str):
    assert not Filter.parse(expression).matches(SONG)


@pytest.mark.parametrize("expression", ["kind=song,year>1900", "year>1900, kind=song", "year<1900,oov<=0.1"])
def test_two_conditions_in_one_are_refused(expression: str):
    with pytest.raises(UsageError, match="one --filter for each"):
        Filter.parse(expression)
    assert Filter.parse("text~one, two=three").value == "one, two=three"


@pytest.mark.parametrize("expression", ["", "kind", "=song", "kind>", "oov<=", "artist~", "artist!~", "  ", "!", "<3"])
def test_what_is_no_condition_is_refused_with_an_example(expression: str):
    with pytest.raises(UsageError, match="kind=song"):
        Filter.parse(expression)


def test_all_conditions_hold_and_none_takes_every_song():
    assert matches(SONG, [])
    assert matches(SONG, [Filter.parse("kind=song"), Filter.parse("year<1800")])
    assert not matches(SONG, [Filter.parse("kind=song"), Filter.parse("year<1700")])


@given(expression=st.text(max_size=20), fact=st.none() | st.booleans() | st.integers() | st.floats() | st.text())
def test_no_condition_breaks_on_any_fact(expression: str, fact: object):
    song = RawRecord(id="x", text="", metadata={"fact": fact})
    for sign in ("=", "!=", "<", "<=", ">", ">=", "~", "!~"):
        try:
            condition = Filter.parse(f"fact{sign}{expression}")
        except UsageError:
            continue
        assert isinstance(condition.matches(song), bool)
    with suppress(UsageError):
        Filter.parse(expression).matches(song)


@pytest.mark.parametrize("expression", ["sensitve!=true", "sensitve=true", "Kind=song"])
def test_a_field_that_no_song_has_is_noticed_with_those_there_are(expression: str):
    filter_set = FilterSet([Filter.parse("kind=song"), Filter.parse(expression)])
    assert filter_set.notice == ""
    filter_set.accepts(SONG)
    with pytest.raises(UsageError, match=r"No song has '(sensitve|Kind)'; there are: .*kind, .*sensitive, .*artist"):
        filter_set.check()


def test_a_field_that_some_song_has_is_none_to_notice():
    filter_set = FilterSet([Filter.parse("year!=5"), Filter.parse("title=x")])
    assert [filter_set.accepts(RawRecord(id="a", text="", title="x")), filter_set.accepts(SONG)] == [True, False]
    filter_set.check()
