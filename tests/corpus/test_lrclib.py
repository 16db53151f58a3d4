"""LRCLIB against a server of our own that searches as LRCLIB does: what is found with twenty entries a search, and how."""

import itertools
import random
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from genius_server import Answer, Fault
from hypothesis import given
from hypothesis import strategies as st
from lrclib_server import FakeEntry, FakeLrclib

from songsmith.corpus.records import RawRecord
from songsmith.corpus.sites.lrclib import LrclibSite, LrclibSource
from songsmith.corpus.sites.lrclib_search import MOST_SEARCHES, strip_times
from songsmith.corpus.sites.sources import (
    FetchEvent,
    ListFound,
    SongHeld,
    SongOrder,
    SongSkipped,
    SongsListed,
    Waiting,
    Wanted,
)
from songsmith.corpus.storage.store import CorpusStore
from songsmith.errors import FetchError, UsageError
from songsmith.paths import Paths
from songsmith.studio.fetching import FetchOptions, fetch_all

SINGERS = Wanted(artists=("The Old Singers",))


@pytest.fixture
def lrclib() -> Iterator[FakeLrclib]:
    with FakeLrclib([FakeEntry(id=number, title=f"Song {number}") for number in range(1, 6)]) as lrclib:
        yield lrclib


class Fetcher:
    """Someone who fetches songs, and never waits."""

    def __init__(self, lrclib: FakeLrclib, paths: Paths) -> None:
        self.corpora = CorpusStore(paths)
        self.site = LrclibSite(api=lrclib.api, pause_s=0)

    def __call__(self, wanted: Wanted = SINGERS, **options: Any) -> list[FetchEvent]:
        source = LrclibSource(self.site)
        try:
            return list(fetch_all(source, self.corpora, [wanted], FetchOptions(**options), sleep=lambda seconds: None))
        finally:
            source.close()

    def fails(self, wanted: Wanted, **options: Any) -> str:
        with pytest.raises(FetchError) as failure:
            self(wanted, **options)
        return str(failure.value)

    def records(self, corpus: str = "The Old Singers") -> list[RawRecord]:
        return list(self.corpora.open(corpus).raw())

    def titles(self, corpus: str = "The Old Singers") -> list[str]:
        return [record.title for record in self.records(corpus)]


@pytest.fixture
def fetch(lrclib: FakeLrclib, paths: Paths) -> Fetcher:
    return Fetcher(lrclib, paths)


def test_songs_come_with_where_they_are_from(fetch: Fetcher, lrclib: FakeLrclib):
    lrclib.entries[0] = FakeEntry(id=1, title="Señor", artist="The Old Singers feat. A Guest", duration=61.5)
    events = fetch(Wanted(artists=("the öld singers",)))
    assert events[:2] == [ListFound(name="The Old Singers", corpus="The Old Singers"), SongsListed(songs=5)]
    first = fetch.records()[0]
    assert (first.id, first.title, first.artist, first.source) == ("lrclib:1", "Señor", "The Old Singers", "lrclib")
    assert first.url == "https://lrclib.net/api/get/1"
    assert first.text == "Come and sit\nby my side\n\nif you love me"
    assert datetime.fromisoformat(first.fetched_at).utcoffset() is not None
    assert first.metadata == {
        "lrclib_id": 1, "album": "Songs of the Valley", "duration_s": 61.5, "featured_artists": "A Guest",
        "fetched": True,
    }  # fmt: skip
    assert len(lrclib.requests) == 1  # fewer than twenty entries are all there are
    assert lrclib.requests[0].agent.startswith("songsmith v")
    assert lrclib.requests[0].token == ""


def test_one_song_of_many_entries_comes_once_and_stays_once(fetch: Fetcher, lrclib: FakeLrclib):
    lrclib.entries = [
        FakeEntry(id=1, title="Red River", duration=1, plain=None, instrumental=True),
        FakeEntry(id=2, title="RED RIVER!", duration=2, plain=None, synced="[00:01.00] from the times"),
        FakeEntry(id=3, title="Red  river", album="Live", plain="from the valley"),
        FakeEntry(id=5, title="Red River (feat. A Guest)", plain="yet another"),
        FakeEntry(id=4, title="Red River", duration=4, plain="another"),
    ]
    fetch()
    assert [(record.id, record.text) for record in fetch.records()] == [("lrclib:3", "from the valley")]
    lrclib.entries = lrclib.entries[3:]  # now another entry comes first
    events = fetch()
    assert [type(event) for event in events[2:-1]] == [SongHeld]
    assert len(fetch.records()) == 1


def test_words_without_times_are_made_of_those_with(fetch: Fetcher, lrclib: FakeLrclib):
    lrclib.entries = [
        FakeEntry(id=1, title="A", plain="", synced="[ar:The Old Singers]\n[00:01.00]Come\r\n[00:02.5]\n[00:03]Sit")
    ]
    fetch()
    assert fetch.records()[0].text == "Come\n\nSit"


def test_songs_without_words_are_told_with_the_reason(fetch: Fetcher, lrclib: FakeLrclib):
    lrclib.entries += [
        FakeEntry(id=8, title="Air", plain=None, instrumental=True),
        FakeEntry(id=9, title="None", plain=None),
    ]
    skipped = {event.title: event.reason for event in fetch() if isinstance(event, SongSkipped)}
    assert skipped == {"Air": "it is an instrumental", "None": "its entry has no lyrics"}
    assert len(fetch.records()) == 5


def test_songs_of_others_come_only_when_asked_for(fetch: Fetcher, lrclib: FakeLrclib):
    lrclib.entries += [
        FakeEntry(id=8, title="Duet", artist="Somebody & The Old Singers"),
        FakeEntry(id=9, title="Other", artist="The Old Singers Revival Band"),
    ]
    fetch()
    assert "Duet" not in fetch.titles()
    fetch(include_features=True)
    assert fetch.records()[-1].artist == "Somebody & The Old Singers"
    assert "Other" not in fetch.titles()
    assert fetch.fails(Wanted(artists=("Revival Band",))).startswith("LRCLIB has no artist called 'Revival Band'.")


def make_many(songs: int) -> list[FakeEntry]:
    """Return entries as they are there: of each song some, on some albums, and those of others in between."""
    chance = random.Random(0)
    words = ["the", "you", "i", "love", "my", "to", "in", "on", *(f"word{i}" for i in range(300))]
    weights = [1 / (i + 3) ** 0.8 for i in range(len(words))]
    titles = [" ".join(chance.choices(words, weights, k=chance.randint(1, 4))) for _ in range(songs)]
    entries = []
    for i, title in enumerate(titles):
        albums = [f"Album number{i // 10}", *["Greatest Hits"] * (i % 4 == 0)]
        entries += [(title, "The Old Singers", chance.choice(albums)) for _ in range(chance.randint(1, 6))]
        entries += [(title, "Singers of Old", "The Old")]
    chance.shuffle(entries)
    return [
        FakeEntry(id=i, title=title, artist=artist, album=album, duration=float(i))
        for i, (title, artist, album) in enumerate(entries, 1)
    ]


def test_a_long_list_is_found_by_many_searches(fetch: Fetcher, lrclib: FakeLrclib):
    lrclib.entries = make_many(100)
    events = fetch()
    songs = {entry.title for entry in lrclib.entries if entry.artist == "The Old Singers"}
    assert len(set(fetch.titles())) == len(fetch.titles())
    assert len(set(fetch.titles())) >= 0.9 * len(songs)
    assert len(lrclib.requests) <= MOST_SEARCHES
    listed = [event for event in events if isinstance(event, SongsListed)]
    assert [event.whole for event in listed] == [*[False] * (len(listed) - 1), True]
    assert listed[0].songs <= 20
    asked = [tuple(request.query.items()) for request in lrclib.requests]
    assert len(set(asked)) == len(asked)


def test_no_more_is_searched_than_a_limit_needs(fetch: Fetcher, lrclib: FakeLrclib):
    lrclib.entries = make_many(100)
    fetch(max_songs=3)
    assert len(lrclib.requests) == 1
    fetch(max_songs=3)
    assert len(fetch.records()) == 3


def test_by_title_the_whole_list_is_sorted(fetch: Fetcher, lrclib: FakeLrclib):
    lrclib.entries = make_many(20)
    fetch(order=SongOrder.TITLE, max_songs=10)
    fetch(corpus="all")
    assert fetch.titles() == sorted(fetch.titles("all"), key=str.casefold)[:10]


def test_an_artist_whose_name_is_a_common_word_is_found(fetch: Fetcher, lrclib: FakeLrclib):
    lrclib.entries = [FakeEntry(id=i, title=f"Queen of {i}", artist=f"Band {i}") for i in range(1, 40)]
    lrclib.entries += [FakeEntry(id=i, title=f"You and {i}", artist="Queen") for i in range(40, 45)]
    fetch(Wanted(artists=("queen",)))
    assert len(fetch.records("Queen")) == 5


def test_an_album_with_and_without_its_artist(fetch: Fetcher, lrclib: FakeLrclib):
    lrclib.entries = make_many(100)
    lrclib.entries += [FakeEntry(id=9000, title="Else", artist="Others", album="Album number3")]
    fetch(Wanted(album="album number3"), corpus="one")
    songs = {
        entry.title for entry in lrclib.entries if entry.album == "Album number3" and entry.artist == "The Old Singers"
    }
    assert set(fetch.titles("one")) <= songs
    assert len(fetch.titles("one")) >= 0.9 * len(songs)
    fetch(Wanted(artists=("Others",), album="Album number3"), corpus="two")
    assert fetch.titles("two") == ["Else"]


def test_a_song_with_and_without_its_artist(fetch: Fetcher, lrclib: FakeLrclib):
    lrclib.entries += [FakeEntry(id=8, title="Song 3", artist="Others")]
    lrclib.entries += [FakeEntry(id=9, title="Song 3", artist="The Old Singers", album="Live")]
    assert fetch(Wanted(song="song 3"))[0] == ListFound(name="The Old Singers", corpus="The Old Singers")
    fetch(Wanted(artists=("Others",), song="Song 3"))
    assert (fetch.titles(), fetch.titles("Others")) == (["Song 3"], ["Song 3"])


def test_what_nobody_knows_is_told_with_what_is_like_it(fetch: Fetcher, lrclib: FakeLrclib):
    assert fetch.fails(Wanted(artists=("Old Singers",))) == (
        "LRCLIB has no artist called 'Old Singers'. Did you mean The Old Singers?"
    )
    assert fetch.fails(Wanted(artists=("Xyz",))) == (
        "LRCLIB has no artist called 'Xyz'. Look for the name at https://lrclib.net."
    )
    assert fetch.fails(Wanted(artists=("The Old Singers",), song="Song")).startswith(
        "LRCLIB has no song 'Song' by The Old Singers. Did you mean 'Song 1' by The Old Singers"
    )
    assert fetch.fails(Wanted(artists=("!!!",))).startswith("LRCLIB has no artist called '!!!'.")
    assert fetch.corpora.names() == []


def test_stopped_anywhere_it_goes_on_and_every_song_comes_once(fetch: Fetcher, lrclib: FakeLrclib):
    lrclib.entries = make_many(12)
    fetch(corpus="whole")
    for stop in (1, 2, 5, 9):
        source = LrclibSource(fetch.site)
        events = fetch_all(source, fetch.corpora, [SINGERS], FetchOptions())
        for _ in itertools.islice(events, stop):
            pass
        events.close()
        source.close()
    fetch()
    assert sorted(record.id for record in fetch.records()) == sorted(record.id for record in fetch.records("whole"))


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (Answer(status=429, headers={"Retry-After": "3"}), "LRCLIB asked for fewer requests (429)."),
        (Answer(status=500), "LRCLIB has a server error (500)."),
        (Fault.TRUNCATED, "An answer from LRCLIB broke off in the middle."),
        (Fault.CUT, "An answer from LRCLIB broke off in the middle."),
        (Answer(body="<html>Busy"), "LRCLIB sent an answer that can't be read."),
    ],
    ids=str,
)
def test_what_passes_is_asked_for_again(fetch: Fetcher, lrclib: FakeLrclib, fault: Answer | Fault, sentence: str):
    lrclib.entries = make_many(4)
    lrclib.fail("search", fault)
    waits = [event.why for event in fetch() if isinstance(event, Waiting)]
    assert waits == [sentence]
    first, again = (request.query for request in lrclib.requests[:2])
    assert first == again


def test_refusals_have_their_sentences(fetch: Fetcher, lrclib: FakeLrclib):
    lrclib.fail("search", Answer(status=403), Answer(body='{"a": 1}'), Answer(body='[{"id": 3}]'))
    assert fetch.fails(SINGERS).startswith("LRCLIB refuses to answer this network (403). It blocks many")
    for _ in range(2):
        assert fetch.fails(SINGERS) == (
            "songsmith doesn't understand what LRCLIB answered. "
            "Update songsmith and lyricsgenius; if that doesn't help, report it."
        )
    fetch.site = LrclibSite(api="http://127.0.0.1:9/", pause_s=0)
    assert fetch.fails(SINGERS).startswith("LRCLIB can't be reached.")


def test_requests_are_a_pause_apart(lrclib: FakeLrclib, monkeypatch: pytest.MonkeyPatch):
    now = [100.0]
    slept: list[float] = []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", slept.append)
    source = LrclibSource(LrclibSite(api=lrclib.api, pause_s=2))
    source.find(SINGERS)
    now[0] += 0.5
    source.find(Wanted(song="Song 1"))
    source.close()
    assert slept == [0.0, 1.5]


def test_the_site_is_lrclib_unless_the_environment_says_otherwise():
    assert LrclibSite.from_environment({}) == LrclibSite(api="https://lrclib.net/api/", pause_s=0.5)
    named = {"SONGSMITH_LRCLIB_API": "http://127.0.0.1:8/a/", "SONGSMITH_LRCLIB_PAUSE": "2"}
    assert LrclibSite.from_environment(named) == LrclibSite(api="http://127.0.0.1:8/a/", pause_s=2.0)
    for value in ("nan", "-1", "x"):
        with pytest.raises(UsageError):
            LrclibSite.from_environment({"SONGSMITH_LRCLIB_PAUSE": value})
    with pytest.raises(UsageError):
        LrclibSite.from_environment({"SONGSMITH_LRCLIB_API": "http://x"})


@pytest.mark.parametrize(
    ("synced", "words"),
    [
        ("[00:12.34]Come and sit", "Come and sit"),
        ("[00:12.34][00:56.78] Come", "Come"),
        ("[ti:Red River]\n[by: x]\n[00:01]One\n[00:02.000]\n[01:02:03]Two", "One\n\nTwo"),
        ("[00:01.00]<00:01.00>Come <00:01.50>and <00:02.00>sit", "Come and sit"),
        ("[Chorus]\n[x2] [?] come\n  indented", "[Chorus]\n[x2] [?] come\n  indented"),
        ("[Verse 1: The Guests]\n[00:01.00]Come", "[Verse 1: The Guests]\nCome"),
        ("[00:01.00]" * 20_000 + "Come", "Come"),
        ("", ""),
    ],
    ids=lambda value: value[:40],
)
def test_times_and_tags_go_and_words_stay(synced: str, words: str):
    assert strip_times(synced) == words


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="[]<>"))))
def test_lines_come_back_from_their_times(lines: list[str]):
    whole = [" ".join(line.split()) for line in lines]
    synced = "\n".join(f"[{i // 60:02}:{i % 60:02}.00]{line}" for i, line in enumerate(whole))
    assert strip_times(synced) == "\n".join(whole).strip()
    assert strip_times("\n".join(whole)) == "\n".join(whole).strip()
