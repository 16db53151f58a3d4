"""Genius through the real lyricsgenius, against a server of our own: what comes, what fails, what is never asked twice."""

import itertools
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from genius_server import TOKEN, Answer, FakeGenius, FakeSong, Fault, Layout
from hypothesis import given, settings
from hypothesis import strategies as st

from songsmith.corpus.records import RawRecord
from songsmith.corpus.sites.credentials import make_token
from songsmith.corpus.sites.genius import GeniusSite, GeniusSource
from songsmith.corpus.sites.sources import (
    FetchEvent,
    ListDone,
    ListFound,
    SongHeld,
    SongKept,
    SongOrder,
    SongSkipped,
    SongsListed,
    Waiting,
    Wanted,
    WantedFailed,
)
from songsmith.corpus.storage.store import CorpusStore
from songsmith.errors import FetchError, NotFoundError, StorageError, UsageError
from songsmith.paths import Paths, find_paths
from songsmith.studio.fetching import FetchOptions, fetch_all

SINGERS, GUESTS = (1, "The Old Singers"), (2, "The Guests")
LYRIC = "From this valley they say you are going\nI'll miss “you” – señor\n\n[Chorus]\nCome and sit\n\n[?] (x2)"


def make_song(number: int, **values: Any) -> FakeSong:
    usual = {"title": f"Song {number}", "lyrics": f"{LYRIC}\nthe song of {number}"}
    return FakeSong(id=number, **usual | values)


@pytest.fixture
def genius() -> Iterator[FakeGenius]:
    with FakeGenius([make_song(number) for number in range(11, 16)], artists=[SINGERS, GUESTS]) as genius:
        yield genius


class Fetcher:
    """Someone who fetches songs, and never waits."""

    def __init__(self, genius: FakeGenius, paths: Paths) -> None:
        self.corpora = CorpusStore(paths)
        self.site = GeniusSite(api=genius.api, web=genius.web, pause_s=0)
        self.pause_s = 1.0
        """For waits, as if there were a pause; there is none between requests."""
        self.waited: list[float] = []
        self.token = TOKEN

    def events(self, *wanted: str | Wanted, **options: Any) -> Iterator[FetchEvent]:
        source = GeniusSource(make_token(self.token, "GENIUS_ACCESS_TOKEN"), self.site)
        source.pause_s = self.pause_s
        all_wanted = [Wanted(artists=(one,)) if isinstance(one, str) else one for one in wanted or ["The Old Singers"]]
        try:
            yield from fetch_all(source, self.corpora, all_wanted, FetchOptions(**options), sleep=self.waited.append)
        finally:
            source.close()

    def __call__(self, *wanted: str | Wanted, **options: Any) -> list[FetchEvent]:
        return list(self.events(*wanted, **options))

    def fails(self, *wanted: str | Wanted, **options: Any) -> str:
        """Return the sentence that a fetch ends in."""
        with pytest.raises(FetchError) as failure:
            self(*wanted, **options)
        assert failure.value.exit_code == 8
        assert failure.value.next_step
        assert TOKEN not in str(failure.value)
        return str(failure.value)

    def records(self, corpus: str = "The Old Singers") -> list[RawRecord]:
        return list(self.corpora.open(corpus).raw())

    def numbers(self, corpus: str = "The Old Singers") -> list[int]:
        return [int(record.id.removeprefix("genius:")) for record in self.records(corpus)]


@pytest.fixture
def fetch(genius: FakeGenius, paths: Paths) -> Fetcher:
    return Fetcher(genius, paths)


def kinds(events: list[FetchEvent]) -> list[type]:
    return [type(event) for event in events]


def skipped(events: list[FetchEvent]) -> dict[str, str]:
    return {event.title: event.reason for event in events if isinstance(event, SongSkipped)}


def test_songs_come_whole_one_after_the_other(fetch: Fetcher, genius: FakeGenius):
    genius.songs[0] = make_song(11, title="Señor Ōé", featured=(GUESTS,))
    events = fetch("the old singers")
    assert events[:2] == [ListFound(name="The Old Singers", corpus="The Old Singers"), SongsListed(songs=5)]
    assert kinds(events[2:]) == [*[SongKept] * 5, ListDone]
    first = fetch.records()[0]
    assert first.text == genius.songs[0].lyrics
    assert (first.id, first.title, first.artist, first.source) == (
        "genius:11",
        "Señor Ōé",
        "The Old Singers",
        "genius",
    )
    assert first.url == f"https://genius.com/{genius.songs[0].path}"
    assert datetime.fromisoformat(first.fetched_at).utcoffset() == timedelta(0)
    assert first.metadata == {
        "genius_id": 11,
        "genius_artist_id": 1,
        "release_date": "1893-07-22",
        "featured_artists": "The Guests",
        "fetched": True,
    }
    assert fetch.waited == []


def test_a_song_is_on_disk_before_it_is_told_of(fetch: Fetcher):
    for event in fetch.events():
        if isinstance(event, SongKept):
            assert fetch.records()[-1].id == event.id


def test_no_lyrics_are_asked_for_twice(fetch: Fetcher, genius: FakeGenius):
    fetch(max_songs=2)
    genius.songs.insert(0, make_song(99))
    again = fetch()
    assert sorted(genius.asked_lyrics()) == [11, 12, 13, 14, 15, 99]
    assert kinds(again).count(SongHeld) == 2
    assert kinds(fetch()) == [ListFound, SongsListed, *[SongHeld] * 6, ListDone]
    assert sorted(fetch.numbers()) == sorted(genius.asked_lyrics())


def test_a_list_of_many_pages_is_read_before_it_can_move(fetch: Fetcher, genius: FakeGenius):
    genius.songs_a_page = 2
    fetch()
    lists = ["/songs" in request.path for request in genius.requests]
    assert lists == [False, *[True] * 3, *[False] * 5]
    assert fetch.numbers() == [11, 12, 13, 14, 15]


def test_no_more_is_listed_than_a_limit_needs(fetch: Fetcher, genius: FakeGenius):
    genius.songs_a_page = 2
    genius.songs[1] = make_song(12, state="unreleased")
    fetch(max_songs=2)
    assert fetch.numbers() == [11, 13]
    assert [request.query["page"] for request in genius.requests if request.query.get("sort")] == ["1", "2"]


def test_a_limit_counts_what_is_held(fetch: Fetcher, genius: FakeGenius):
    fetch(max_songs=2)
    fetch(max_songs=2)
    assert fetch.numbers() == [11, 12]
    fetch(max_songs=4)
    assert fetch.numbers() == [11, 12, 13, 14]


def test_songs_come_by_popularity_or_title(fetch: Fetcher, genius: FakeGenius):
    genius.songs = [make_song(11, title="Zion"), make_song(12, title="Amen")]
    fetch(corpus="one")
    fetch(corpus="two", order=SongOrder.TITLE)
    assert (fetch.numbers("one"), fetch.numbers("two")) == ([11, 12], [12, 11])


def test_songs_of_others_come_only_when_asked_for(fetch: Fetcher, genius: FakeGenius):
    genius.songs += [make_song(21, artist=GUESTS, featured=(SINGERS,))]
    assert fetch()[1] == SongsListed(songs=5)
    assert 21 not in fetch.numbers()
    fetch(include_features=True)
    assert fetch.records()[-1].artist == "The Guests"


def test_every_layout_gives_its_words_and_dirt_stays_for_cleaning(fetch: Fetcher, genius: FakeGenius):
    genius.songs = [make_song(11, layout=Layout.STATE_ONLY), make_song(12, layout=Layout.LEAKY)]
    fetch()
    from_state, leaky = fetch.records()
    assert from_state.text == genius.songs[0].lyrics
    assert leaky.text.startswith("27ContributorsTranslationsDeutschCatalàSong 12 LyricsFrom this valley")
    assert "You might also like[Chorus]" in leaky.text
    assert leaky.text.endswith("270Embed")


ERAS = [Layout.OF_2018, Layout.OF_2020, Layout.OF_2022, Layout.OF_2025, Layout.MODERN, Layout.STATE_ONLY]


def test_pages_of_every_era_give_their_words(fetch: Fetcher, genius: FakeGenius):
    genius.songs = [make_song(number, layout=layout) for number, layout in enumerate(ERAS, 11)]
    fetch()
    texts = [record.text for record in fetch.records()]
    assert texts.pop(2) == f"Song 13 Lyrics{genius.songs[2].lyrics}3Embed"
    assert texts == [song.lyrics for song in genius.songs if song.layout is not Layout.OF_2022]


ALBUM = (70, "Songs of the Valley")


def test_an_album_comes_whole_and_in_order(fetch: Fetcher, genius: FakeGenius):
    genius.songs[1:4] = [make_song(number, album=ALBUM, artist=GUESTS) for number in (14, 12, 13)]
    genius.songs_a_page = 2
    events = fetch(Wanted(artists=("the guests",), album="songs of the  valley"))
    assert events[0] == ListFound(name="'Songs of the Valley' by The Guests", corpus="The Guests")
    assert fetch.numbers("The Guests") == [14, 12, 13]
    assert fetch.records("The Guests")[0].metadata["album"] == "Songs of the Valley"
    again = fetch(Wanted(album="Songs of the Valley"))
    assert kinds(again) == [ListFound, SongsListed, SongsListed, *[SongHeld] * 3, ListDone]


def test_a_song_comes_with_one_search_and_one_page(fetch: Fetcher, genius: FakeGenius):
    genius.songs += [make_song(20, title="Song 12", artist=GUESTS)]
    fetch(Wanted(artists=("The Guests",), song="song 12"), corpus="mine")
    assert fetch.numbers("mine") == [20]
    assert len(genius.requests) == 2
    fetch(Wanted(song="Song 12"), corpus="mine")
    assert fetch.numbers("mine") == [20, 12]


def test_a_song_is_looked_for_by_each_artist_in_turn(fetch: Fetcher, genius: FakeGenius):
    genius.songs += [make_song(20, title="Home", artist=GUESTS)]
    fetch(Wanted(artists=("The Old Singers", "The Guests"), song="Home"))
    assert fetch.numbers("The Guests") == [20]
    assert fetch.fails(Wanted(artists=("Nobody", "The Old Singers"), song="Home")) == (
        "Genius has no song 'Home' by The Old Singers. "
        "Did you mean 'Home' by The Guests or 'Song 11' by The Old Singers or 'Song 12' by The Old Singers?"
    )


def test_an_album_nobody_knows(fetch: Fetcher, genius: FakeGenius):
    genius.songs[0] = make_song(11, album=ALBUM)
    assert fetch.fails(Wanted(album="Songs of the Sea")) == (
        "Genius has no album 'Songs of the Sea'. Did you mean 'Songs of the Valley' by The Old Singers?"
    )
    assert fetch.fails(Wanted(album="Xyz")).endswith("Look for the title at https://genius.com.")


def test_one_name_nobody_knows_does_not_lose_the_others(fetch: Fetcher, genius: FakeGenius):
    genius.songs += [make_song(20, artist=GUESTS)]
    genius.fail("search/artist", *[Answer(status=500)] * 6)
    genius.artists += [(9, "!!!")]
    told: list[str] = []

    def fetch_five() -> None:
        for event in fetch.events("Broken", "Xyz", "The Old Singers", "!!!", "The Guests"):
            told.extend([event.why.split(".")[0]] if isinstance(event, WantedFailed) else [])

    with pytest.raises(FetchError, match=r"3 of 5 couldn't be fetched\.") as failure:
        fetch_five()
    assert failure.value.exit_code == 8
    assert told == [
        "Genius has a server error (500)",
        "Genius has no artist called 'Xyz'",
        "'!!!' can't be the name of a corpus",
    ]
    assert fetch.numbers("The Old Singers") == [11, 12, 13, 14, 15]
    assert fetch.numbers("The Guests") == [20]


def test_a_song_behind_a_wall_does_not_lose_the_others(fetch: Fetcher, genius: FakeGenius):
    genius.songs[0] = make_song(11, layout=Layout.WALLED)
    message = fetch.fails(Wanted(song="Song 11"), Wanted(song="Song 12"))
    assert message == "1 of 2 couldn't be fetched. The reasons are above; the others are complete."
    assert fetch.numbers() == [12]


def test_what_ends_every_fetch_ends_this_one_at_once(fetch: Fetcher, genius: FakeGenius):
    genius.fail("search/artist", Answer(status=403))
    assert fetch.fails("The Old Singers", "The Guests").startswith("Genius refuses to answer this network (403).")
    assert len(genius.requests) == 1


def test_songs_without_words_are_passed_over_with_the_reason(fetch: Fetcher, genius: FakeGenius):
    genius.songs = [
        make_song(11, state="unreleased"),
        make_song(12, instrumental=True),
        make_song(13, layout=Layout.PLACEHOLDER),
        make_song(14, layout=Layout.EMPTY),
        make_song(15),
        make_song(16),
    ]
    genius.fail("song-15", Answer(status=404))
    genius.songs_a_page = 3
    genius.songs[3:3] = genius.songs[2:3] * 2  # the list moved: a song is on two pages, and twice on one
    assert skipped(fetch()) == {
        "Song 11": "it is not released yet",
        "Song 12": "it is an instrumental",
        "Song 13": "its page has no lyrics",
        "Song 14": "its page has no lyrics",
        "Song 15": "its page is gone",
    }
    assert genius.asked_lyrics() == [13, 14, 15, 16]
    assert fetch.numbers() == [16]


def test_where_nothing_is_kept_no_corpus_is_made(fetch: Fetcher, genius: FakeGenius):
    genius.songs = [make_song(13, layout=Layout.PLACEHOLDER)]
    assert fetch.fails().startswith("Genius has no lyrics of The Old Singers. --include-features also")
    assert "spelling of the name" in fetch.fails(include_features=True)
    assert fetch.corpora.names() == []


@pytest.mark.parametrize("name", ["THE OLD SINGERS", " the  óld singers!", "Theoldsingers The"])
def test_an_artist_is_found_by_name_only(fetch: Fetcher, genius: FakeGenius, name: str):
    if name == "Theoldsingers The":
        assert fetch.fails(name) == (
            "Genius has no artist called 'Theoldsingers The'. Did you mean The Old Singers or The Guests?"
        )
        assert len(genius.requests) == 1
    else:
        assert fetch(name)[0] == ListFound(name="The Old Singers", corpus="The Old Singers")


def test_an_artist_nobody_is_like_is_not_found(fetch: Fetcher):
    assert fetch.fails("Xyz") == "Genius has no artist called 'Xyz'. Look for the name at https://genius.com."


def test_the_exact_name_wins_and_a_name_of_signs_is_one(fetch: Fetcher, genius: FakeGenius):
    genius.artists = [(7, "The Old, Singers"), SINGERS, (8, "???"), (9, "!!!")]
    genius.songs.append(make_song(90, artist=(9, "!!!")))
    fetch()
    assert fetch.numbers() == [11, 12, 13, 14, 15]
    fetch("!!!", corpus="Signs")
    assert fetch.numbers("Signs") == [90]
    with pytest.raises(UsageError, match=r"can't be the name of a corpus\. Choose a name for it with --corpus NAME"):
        fetch("!!!")


@pytest.mark.parametrize("page", ["search", "/songs", "song-13"])
def test_a_busy_genius_is_left_alone_as_long_as_it_asks(fetch: Fetcher, genius: FakeGenius, page: str):
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    genius.fail(page, Answer(status=429, headers={"Retry-After": "7"}))
    genius.fail(page, Answer(status=503, headers={"Retry-After": date}), Answer(status=429))
    events = fetch()
    assert [event for event in events if isinstance(event, Waiting)] == [
        Waiting(seconds=seconds, why=f"Genius {why}.")
        for seconds, why in zip(
            fetch.waited, ["asked for fewer requests (429)", "has a server error (503)"] + 2 * ["asked for fewer requests (429)"],
            strict=False,
        )
    ]  # fmt: skip
    assert 7 < fetch.waited[0] < 10
    assert 95 < fetch.waited[1] < 106
    assert 6 <= fetch.waited[2] <= 10
    assert fetch.numbers() == [11, 12, 13, 14, 15]


def test_tries_come_at_growing_distances_and_end(fetch: Fetcher, genius: FakeGenius):
    genius.fail("/songs", *[Answer(status=429)] * 6)
    assert fetch.fails() == (
        "Genius asked for fewer requests (429). Run the same command again later to continue."
    )
    assert [round(seconds / 2**attempt, 1) for attempt, seconds in enumerate(fetch.waited, 1)] == pytest.approx(
        [1.0] * 5, abs=0.26
    )
    assert len({seconds / 2**attempt for attempt, seconds in enumerate(fetch.waited, 1)}) == 5


def test_a_wait_that_is_too_long_is_left_to_the_person(fetch: Fetcher, genius: FakeGenius):
    genius.fail("song-13", Answer(status=429, headers={"Retry-After": "3600"}))
    assert "Wait 60 minutes, as it asks." in fetch.fails()
    assert fetch.waited == []
    assert fetch.numbers() == [11, 12]


FAR_DATES = ["Fri, 31 Dec 9999 23:59:59 -1200", "Mon, 01 Jan 0001 00:00:00 +1200"]


@pytest.mark.parametrize("retry_after", ["soon", "-5", "", "٣", "9" * 400, "Thu, 99 Foo 2026", *FAR_DATES])
def test_nonsense_in_retry_after_does_no_harm(fetch: Fetcher, genius: FakeGenius, retry_after: str):
    genius.fail("song-13", Answer(status=429, headers={"Retry-After": retry_after.encode().decode("latin-1")}))
    if len(retry_after) > 100:
        assert "as it asks" in fetch.fails()
    else:
        fetch()
        assert fetch.waited[0] < 3


@pytest.mark.parametrize(
    "fault", [Fault.DROPPED, Fault.TRUNCATED, Fault.CUT, Fault.SILENT], ids=lambda fault: fault.name
)
def test_a_broken_connection_is_tried_again_and_half_a_song_is_not_kept(
    fetch: Fetcher, genius: FakeGenius, fault: Fault
):
    fetch.site = GeniusSite(api=genius.api, web=genius.web, pause_s=0, timeout_s=0.1 if fault is Fault.SILENT else 15)
    genius.fail("song-13", fault, fault)
    genius.fail("/songs", fault)
    events = fetch()
    assert [event.why for event in events if isinstance(event, Waiting)] == 3 * [
        {
            Fault.DROPPED: "The connection to Genius broke.",
            Fault.SILENT: "Genius didn't answer within 0.1 seconds.",
        }.get(fault, "An answer from Genius broke off in the middle.")
    ]
    assert [record.text for record in fetch.records()] == [song.lyrics for song in genius.songs]


def test_a_connection_that_stays_broken_ends_the_fetch_with_what_came(fetch: Fetcher, genius: FakeGenius):
    genius.fail("song-13", *[Fault.DROPPED] * 6)
    assert fetch.fails().startswith("The connection to Genius broke. Run the same command again later")
    assert fetch.numbers() == [11, 12]
    fetch()
    assert fetch.numbers() == [11, 12, 13, 14, 15]


def test_a_song_that_genius_fails_at_does_not_stop_the_others(fetch: Fetcher, genius: FakeGenius):
    genius.fail("song-13", *[Answer(status=500)] * 6)
    (failed,) = [event for event in fetch() if isinstance(event, SongSkipped)]
    assert failed == SongSkipped(title="Song 13", reason="Genius has a server error (500).", failed=True)
    fetch()
    assert fetch.numbers() == [11, 12, 14, 15, 13]


def test_a_genius_that_fails_at_every_song_is_left_alone(fetch: Fetcher, genius: FakeGenius):
    genius.fail("-lyrics", *[Answer(status=500)] * 18)
    assert fetch.fails().startswith("Genius has a server error (500).")
    assert genius.asked_lyrics() == [*[11] * 6, *[12] * 6, *[13] * 6]


def of_digits(tag: str) -> str:
    """Return a page with a number of thousands of digits where a character is named."""
    return f"<html><body><div {tag}>la &#{'1' * 5000}; la</div></body></html>"


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (Answer(body=of_digits('data-lyrics-container="true"')), "song-13-13-lyrics."),
        (Answer(body=of_digits('class="lyrics"')), "song-13-13-lyrics."),
        (Fault.TRUNCATED, "An answer from Genius broke off in the middle."),
        (Fault.CUT, "An answer from Genius broke off in the middle."),
        (Fault.DRIPPING, "Genius sent an answer so slowly that it was not whole within 0.2 seconds."),
        (Answer(body="x" * 3000), "Genius sends what has no end."),
    ],
    ids=["digits", "digits of old", "truncated", "cut", "dripping", "endless"],
)
def test_a_page_nobody_can_read_is_passed_over_and_the_others_come(
    fetch: Fetcher, genius: FakeGenius, trouble: Answer | Fault, reason: str
):
    genius.songs = [make_song(number, lyrics="la") for number in (12, 13, 14)]
    longest_bytes = 10_000 if isinstance(trouble, Answer) and "&#" in trouble.body else 2900
    fetch.site = GeniusSite(api=genius.api, web=genius.web, pause_s=0, longest_s=0.2, longest_bytes=longest_bytes)
    genius.fail("song-13", *[trouble] * 6)
    (failed,) = [event for event in fetch() if isinstance(event, SongSkipped)]
    assert failed.failed
    assert failed.reason.endswith(reason)
    assert fetch.numbers() == [12, 14]


def test_a_page_that_cannot_be_read_is_passed_over_three_mean_a_new_layout(fetch: Fetcher, genius: FakeGenius):
    genius.songs[1] = make_song(12, layout=Layout.CHANGED)
    (failed,) = [event for event in fetch() if isinstance(event, SongSkipped)]
    assert failed.failed
    genius.songs += [make_song(number, layout=Layout.CHANGED) for number in range(20, 25)]
    message = fetch.fails()
    assert "Genius has changed its page layout. Update songsmith" in message
    assert genius.asked_lyrics()[5:] == [12, 20, 21]


def test_one_song_in_a_layout_nobody_knows_is_no_success(fetch: Fetcher, genius: FakeGenius):
    genius.songs = [make_song(12, layout=Layout.CHANGED)]
    assert "changed its page layout" in fetch.fails()


@pytest.mark.parametrize(
    ("layout", "sentence"),
    [
        (Layout.WALLED, "shows its lyrics only to paying or logged-in users, or has no licence for them. Leave it out"),
        (Layout.UNLICENSED, "shows its lyrics only to paying or logged-in users, or has no licence for them. Leave it out"),
        (
            Layout.CAPTCHA,
            "Genius refuses to answer this network before it knows that a person asks. It blocks many data",
        ),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_page_that_is_not_for_everybody(fetch: Fetcher, genius: FakeGenius, layout: Layout, sentence: str):
    genius.songs = [make_song(12, layout=layout)]
    assert sentence in fetch.fails()


@pytest.mark.parametrize("status", [402, 451])
def test_a_page_that_law_or_money_keeps_does_not_stop_the_others(fetch: Fetcher, genius: FakeGenius, status: int):
    genius.fail("song-12", Answer(status=status))
    (failed,) = [event for event in fetch() if isinstance(event, SongSkipped)]
    assert failed.failed
    assert f"({status})." in failed.reason
    assert fetch.numbers() == [11, 13, 14, 15]


@pytest.mark.parametrize("page", ["search", "/songs", "song-13"])
def test_an_answer_that_drips_is_given_up_and_asked_for_again(fetch: Fetcher, genius: FakeGenius, page: str):
    fetch.site = GeniusSite(api=genius.api, web=genius.web, pause_s=0, longest_s=0.2)
    genius.fail(page, Fault.DRIPPING)
    (waiting,) = [event for event in fetch() if isinstance(event, Waiting)]
    assert waiting.why == "Genius sent an answer so slowly that it was not whole within 0.2 seconds."
    assert fetch.numbers() == [11, 12, 13, 14, 15]


def test_an_answer_without_end_is_not_kept_in_memory(fetch: Fetcher, genius: FakeGenius):
    genius.fail("song-13", Answer(body="x" * (33 << 20)))
    (waiting,) = [event for event in fetch() if isinstance(event, Waiting)]
    assert waiting.why == "Genius sends what has no end."


def test_a_page_that_moved_is_followed(fetch: Fetcher, genius: FakeGenius):
    home = f"/web/{genius.songs[0].path}"
    genius.fail("song-13", Answer(status=301, headers={"Location": home}))
    genius.fail("song-14", Answer(status=302, headers={"Location": "/web/nowhere"}))
    genius.fail("song-15", *[Answer(status=302, headers={"Location": f"/web/{genius.songs[4].path}"})] * 40)
    events = fetch()
    assert skipped(events) == {"Song 14": "its page is gone", "Song 15": "its page is gone"}
    assert fetch.records()[2].text == genius.songs[0].lyrics


def test_the_token_goes_to_the_api_and_nowhere_else(fetch: Fetcher, genius: FakeGenius):
    with FakeGenius() as elsewhere:
        location = f"{elsewhere.api}artists/1/songs"
        genius.fail("/songs", Answer(status=302, headers={"Location": location}))
        assert "redirects elsewhere" in fetch.fails()
        assert elsewhere.requests == []
    genius.requests.clear()
    fetch()
    assert {("token-api" in request.path, request.token) for request in genius.requests} == {
        (True, f"Bearer {TOKEN}"),
        (False, ""),
    }


@pytest.mark.parametrize(
    ("page", "answer", "sentence"),
    [
        ("/songs", Answer(status=401), "Genius doesn't accept the token in GENIUS_ACCESS_TOKEN. Copy"),
        ("search", Answer(status=403), "Genius refuses to answer this network (403). It blocks"),
        ("song-13", Answer(status=403), "Genius refuses to answer this network (403). It blocks"),
        ("/songs", Answer(status=404), "Genius no longer has a page there (404). Update"),
        ("/songs", Answer(status=204), "Genius no longer has a page there (204). Update"),
        ("search", Answer(body='{"response": {"sections": 5}}'), "songsmith doesn't understand what Genius"),
        ("search", Answer(body="[]"), "songsmith doesn't understand what Genius answered. Update"),
        ("/songs", Answer(body='{"response": null}'), "songsmith doesn't understand what Genius answered. Update"),
        ("/songs", Answer(body='{"songs": [{"id": "x"}]}'), "songsmith doesn't understand what Genius answered."),
        ("/songs", Answer(body="<html>log in</html>"), "Genius sent an answer that can't be read. Run"),
        ("song-13", Answer(status=429), "Genius asked for fewer requests (429). Run"),
    ],
    ids=lambda value: str(getattr(value, "status", value))[:30],
)
def test_each_refusal_has_its_sentence(fetch: Fetcher, genius: FakeGenius, page: str, answer: Answer, sentence: str):
    # It sends back what it was sent, as some do: nothing of that may be shown.
    leaking = Answer(
        status=answer.status, body=answer.body or f"<html>Bearer {TOKEN}</html>", headers={"X-Token": TOKEN}
    )
    genius.fail(page, *[leaking] * 6)
    assert fetch.fails().startswith(sentence)


def test_a_genius_that_cannot_be_reached(fetch: Fetcher, genius: FakeGenius):
    fetch.site = GeniusSite(api="http://127.0.0.1:9/", web="http://127.0.0.1:9/", pause_s=0)
    assert fetch.fails() == (
        "Genius can't be reached. Check your internet connection, and the proxy if you use one."
    )
    fetch.site = GeniusSite(api=genius.api, web="http://no-such-host.invalid/", pause_s=0)
    assert fetch.fails().startswith("Genius can't be reached.")
    genius.fail("search", Fault.SILENT)
    fetch.site = GeniusSite(api=genius.api, web=genius.web, pause_s=0, timeout_s=0.1)
    assert fetch.fails().startswith("Genius didn't answer within 0.1 seconds. Check")
    assert fetch.waited == []


def test_only_one_fetches_into_a_corpus(fetch: Fetcher, genius: FakeGenius, paths: Paths):
    with CorpusStore(paths).create("The Old Singers").writing(), pytest.raises(StorageError, match="Another songsmith"):
        fetch()
    assert genius.asked_lyrics() == []
    begun = fetch.events()
    next(event for event in begun if isinstance(event, SongKept))
    with pytest.raises(StorageError, match="Another songsmith"):
        fetch()
    begun.close()
    fetch()
    assert fetch.numbers() == [11, 12, 13, 14, 15]


def test_texts_no_json_can_hold_whole_are_kept(fetch: Fetcher, genius: FakeGenius):
    genius.songs = [make_song(11, title="half \ud83d a face", lyrics="one\n\x00two\u2028three \U0001f3b6")]
    fetch()
    assert fetch.records()[0].text.startswith("one\n")
    assert "\U0001f3b6" in fetch.records()[0].text


@pytest.mark.parametrize("token", ["", "  ", "two words", "señor", "line\nline"])
def test_what_cannot_be_a_token_is_refused_unseen(token: str):
    with pytest.raises(FetchError, match=r"https://genius\.com/api-clients") as failure:
        make_token(token, "GENIUS_ACCESS_TOKEN")
    assert not token.strip() or token not in str(failure.value)


def test_the_site_is_genius_unless_the_environment_says_otherwise():
    assert GeniusSite.from_environment({}) == GeniusSite(
        api="https://api.genius.com/", web="https://genius.com/", pause_s=0.5
    )
    named = {"SONGSMITH_GENIUS_API": "http://127.0.0.1:8/a/", "SONGSMITH_GENIUS_PAUSE": "2"}
    assert GeniusSite.from_environment(named) == GeniusSite(api="http://127.0.0.1:8/a/", pause_s=2.0)
    for name, value in itertools.product(
        ("SONGSMITH_GENIUS_API", "SONGSMITH_GENIUS_PAUSE"), ("nan", "-1", "ftp://x/", "http://x")
    ):
        with pytest.raises(UsageError):
            GeniusSite.from_environment({name: value})


@pytest.mark.parametrize("options", [{"max_songs": 0}, {"corpus": "//"}])
def test_options_that_cannot_work(options: dict[str, Any]):
    with pytest.raises(UsageError):
        FetchOptions(**options)


def test_what_has_no_name_is_not_looked_for():
    with pytest.raises(UsageError):
        Wanted(artists=(" ",))


TROUBLE = st.sampled_from(
    [Answer(status=429), Answer(status=500), Answer(status=502), Fault.DROPPED, Fault.TRUNCATED, Fault.CUT, None]
)


@settings(max_examples=25)  # each is some fetches
@given(
    troubles=st.lists(st.tuples(st.sampled_from(["search", "/songs", "12-", "14-"]), TROUBLE), max_size=20),
    stops=st.lists(st.integers(0, 9), max_size=3),
    page=st.integers(1, 6),
)
def test_whatever_passes_and_wherever_it_is_stopped_every_song_comes_once(
    troubles: list[tuple[str, Answer | Fault | None]],
    stops: list[int],
    page: int,
    tmp_path_factory: pytest.TempPathFactory,
):
    folder = tmp_path_factory.mktemp("home")
    paths = Paths(data=folder, config=folder, state=folder / "state")
    with FakeGenius([make_song(number) for number in range(11, 16)]) as genius:
        genius.songs_a_page = page
        for part, trouble in troubles:
            genius.fail(part, *[trouble] if trouble else [])
        held: set[int] = set()
        for stop in [*stops, *[None] * 10]:
            fetch, asked = Fetcher(genius, paths), len(genius.asked_lyrics())
            events = fetch.events()
            try:
                ended = list(itertools.islice(events, stop))
            except FetchError:
                ended = []
            events.close()
            assert not held & set(genius.asked_lyrics()[asked:])
            try:
                held = set(fetch.numbers())
                assert len(held) == len(fetch.numbers())
            except NotFoundError:
                assert not any(isinstance(event, SongKept) for event in ended)
            if len(held) == 5:
                break
        assert sorted(held) == [11, 12, 13, 14, 15]
        assert {record.text for record in fetch.records()} == {song.lyrics for song in genius.songs}
    shutil.rmtree(folder)


def test_nothing_on_disk_holds_the_token(fetch: Fetcher, home: Path):
    fetch()
    files = [path for path in home.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []
    assert find_paths().data == home
