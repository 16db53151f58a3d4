"""Lyrics from Genius through lyricsgenius: one request per call.

Retries nothing, stores nothing, sends the token to Genius only.

The words belong to those who wrote them. Fetch them for private use; do not publish them, or a model that recites them.
"""

import logging
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from songsmith.corpus.records import MetadataValue
from songsmith.corpus.sites.credentials import Token
from songsmith.corpus.sites.sources import (
    SITES,
    NoLyrics,
    SongError,
    SongList,
    SongOrder,
    SongPage,
    SourceName,
    SourceSong,
    UnavailableError,
    Wanted,
    fold_name,
    nearest,
)
from songsmith.corpus.sites.web import (
    LONGEST_ANSWER_BYTES,
    UPDATE,
    NotThereError,
    ResponseGuard,
    StrangeAnswerError,
    WalledPageError,
    blocked,
    check_manners,
    reading,
)
from songsmith.errors import FetchError, UsageError

Entry = TypeVar("Entry")

_SONGS_A_PAGE = 50
_HITS = 20
# What a page shows in place of the lyrics of a song that has none.
_PLACEHOLDER = re.compile(
    r'class="[^"]*LyricsPlaceholder|>\s*This song is an instrumental|>\s*Lyrics for this song have yet to be'
)
# What is on a page behind a paywall, a licence or a login.
_WALL = re.compile(
    r'"isAccessibleForFree"\s*:\s*"?false|class="[^"]*paywall|not (?:licensed|authorized) to (?:display|show)'
    r"|(?:sign in|log in|sign up|subscribe) to (?:read|see|view|unlock) (?:the |these |full )*lyrics",
    re.IGNORECASE,
)
# What is on a page with a CAPTCHA.
_CAPTCHA = re.compile(r"<title>\s*Just a moment|cf-challenge|cf_chl_|captcha", re.IGNORECASE)
# Where the lyrics were from 2014 to 2020, and from then until 2022.
_OLD_CONTAINERS = ("div.lyrics", 'div[class^="Lyrics__Container"]', 'div[class*=" Lyrics__Container"]')


@dataclass(frozen=True, kw_only=True)
class GeniusSite:
    """Which addresses of Genius are used, and with which pauses. Tests use a loopback server."""

    api: str = "https://api.genius.com/"
    """Root of the API that wants a token. SONGSMITH_GENIUS_API"""
    web: str = "https://genius.com/"
    """Root of the song pages, and of the search beside them. SONGSMITH_GENIUS_WEB"""
    pause_s: float = 0.5
    """Seconds between two requests. SONGSMITH_GENIUS_PAUSE"""
    timeout_s: float = 15.0
    """Seconds without a byte after which a response is given up."""
    longest_s: float = 60.0
    """Seconds after which a response is given up although it is still arriving."""
    longest_bytes: int = LONGEST_ANSWER_BYTES
    """Bytes after which an answer is given up."""

    def __post_init__(self) -> None:
        check_manners(self.api, self.web, pause_s=self.pause_s)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Return the addresses of Genius, or those that the variables name instead."""
        variables = os.environ if environ is None else environ
        names = {"api": "SONGSMITH_GENIUS_API", "web": "SONGSMITH_GENIUS_WEB", "pause_s": "SONGSMITH_GENIUS_PAUSE"}
        values: dict[str, Any] = {key: variables[name] for key, name in names.items() if variables.get(name)}
        try:
            return cls(**values | {"pause_s": float(values.get("pause_s", cls.pause_s))})
        except ValueError as error:
            raise UsageError("SONGSMITH_GENIUS_PAUSE isn't a number of seconds.", "Unset it, or correct it.") from error


class GeniusSource:
    """Genius as a source of lyrics."""

    name = SourceName.GENIUS.value
    title = SITES[SourceName.GENIUS].title
    repeats_songs = False

    def __init__(self, token: Token, site: GeniusSite | None = None) -> None:
        """Prepare the client; no request is sent yet."""
        from lyricsgenius import Genius  # type: ignore[import-untyped]  # imports requests and bs4

        # Its warnings are covered by our own messages; without a handler Python would print them in between.
        logging.getLogger("lyricsgenius").addHandler(logging.NullHandler())
        site = site or GeniusSite()
        self.pause_s = site.pause_s
        self._client = Genius(
            token.value, timeout=site.timeout_s, sleep_time=site.pause_s, retries=0, user_agent="songsmith"
        )
        self._client.API_ROOT = site.api
        self._client.WEB_ROOT = site.web
        self._client.PUBLIC_API_ROOT = site.web + "api/"

        def refuse(status: int) -> FetchError | None:
            return token.refused() if status == 401 else None

        # lyricsgenius hides the responses of Genius, but passes on what a hook raises.
        self._guard = ResponseGuard(
            self.title, timeout_s=site.timeout_s, longest_s=site.longest_s, longest_bytes=site.longest_bytes, refusal=refuse
        )  # fmt: skip
        self._guard.attach(self._client._session)
        self._ask = self._guard.ask

    def check(self) -> None:
        """Check that Genius accepts the token.

        Raises:
            FetchError: it does not, or cannot be asked.
        """
        from lyricsgenius import API

        # Called on the class, since another method of the same name uses the public search, which needs no token.
        answer = self._ask(lambda: API.search_songs(self._client, "song", per_page=1))
        with reading(self.title):  # another server may answer: only Genius has hits
            if not isinstance(answer["hits"], list):
                raise TypeError

    def find(self, wanted: Wanted) -> SongList:
        """Return an artist, an album or a song; case, accents and punctuation are ignored.

        Raises:
            UnavailableError: there is none; the message names the nearest.
            FetchError: Genius cannot be asked.
        """
        if wanted.song:
            return self._find_song(wanted)
        return self._find_album(wanted) if wanted.album else self._find_artist(wanted.artist)

    def list_songs(self, found: SongList, page: int, order: SongOrder) -> SongPage:
        """Return fifty of an album's or an artist's songs, including those the artist only takes part in.

        Raises:
            FetchError: Genius cannot be asked.
        """
        if found.album:
            answer = self._ask(lambda: self._client.album_tracks(found.id, per_page=_SONGS_A_PAGE, page=page))
        else:
            wanted = {"per_page": _SONGS_A_PAGE, "page": page, "sort": order.value}
            answer = self._ask(lambda: self._client.artist_songs(found.id, **wanted))
        with reading(self.title):
            if found.album:
                songs = [_read_song(track["song"], album=found.album) for track in answer["tracks"]]
            else:
                songs = [_read_song(song, artist_id=found.id) for song in answer["songs"]]
            following = answer.get("next_page")
        return SongPage(
            songs=tuple(songs), next_page=following if isinstance(following, int) and following > page else None
        )

    def lyrics(self, song: SourceSong) -> str:
        """Return the words on a song's page, as they come.

        Raises:
            NoLyrics: the page is gone, or says that there are none.
            SongError: there is a page, but it shows no words, or none that can be found in it.
            FetchError: Genius cannot be asked.
        """
        try:
            text: str | None = self._ask(lambda: self._client.lyrics(song_url=song.url))
            if text is None:
                with reading(self.title):
                    text = _look_closer(self._guard.page, song.url)
        except NotThereError as error:
            raise NoLyrics("its page is gone") from error
        except StrangeAnswerError:
            raise SongError(f"songsmith doesn't understand the page {song.url}.", UPDATE) from None
        if not text.strip():
            raise NoLyrics("its page has no lyrics")
        return text

    def close(self) -> None:
        """Close the connections."""
        self._client._session.close()

    def _find_artist(self, name: str) -> SongList:
        hits = self._search("artist", name)
        with reading(self.title):
            artists = [SongList(id=int(hit["id"]), artist=str(hit["name"])) for hit in hits]
        if found := _choose(name, "", [(artist.artist, (), artist) for artist in artists]):
            return found
        raise UnavailableError(
            f"Genius has no artist called '{name}'.",
            nearest(name, {artist.artist: artist.artist for artist in artists})
            or "Look for the name at https://genius.com.",
        )

    def _find_album(self, wanted: Wanted) -> SongList:
        hits = self._search("album", f"{wanted.album} {wanted.artist}".strip())
        with reading(self.title):
            albums = [
                SongList(id=int(hit["id"]), album=str(hit["name"]), artist=str(hit["artist"]["name"])) for hit in hits
            ]
        if found := _choose(wanted.album, wanted.artist, [(album.album, (album.artist,), album) for album in albums]):
            return found
        raise _unknown("album", wanted, {album.album: str(album) for album in albums})

    def _find_song(self, wanted: Wanted) -> SongList:
        hits = self._search("song", f"{wanted.song} {wanted.artist}".strip())
        with reading(self.title):
            songs = [(_read_song(hit), tuple(_leaders(hit).values())) for hit in hits]
        if found := _choose(wanted.song, wanted.artist, [(song.title, names, song) for song, names in songs]):
            return SongList(artist=found.artist, songs=(found,))
        raise _unknown("song", wanted, {song.title: f"'{song.title}' by {song.artist}" for song, _ in songs})

    def _search(self, kind: str, words: str) -> list[dict[str, Any]]:
        """Return the hits of one kind, in the order of Genius."""
        answer = self._ask(lambda: self._client.search(words, per_page=_HITS, type_=kind))
        with reading(self.title):
            hits = [hit for section in answer["sections"] for hit in section["hits"]]
            return [hit["result"] for hit in hits if hit["index"] == kind]


def _choose(title: str, artist: str, entries: Iterable[tuple[str, tuple[str, ...], Entry]]) -> Entry | None:
    """Return the first entry of this title and, if one is named, of this artist; an exact title comes before a similar one."""
    near: Entry | None = None
    for known, artists, entry in entries:
        if fold_name(known) == fold_name(title) and (not artist or fold_name(artist) in map(fold_name, artists)):
            if known == title:
                return entry
            near = near or entry
    return near


def _unknown(kind: str, wanted: Wanted, names: Mapping[str, str]) -> UnavailableError:
    whose = f" by {wanted.artist}" if wanted.artist else ""
    title = wanted.song or wanted.album
    return UnavailableError(
        f"Genius has no {kind} '{title}'{whose}.",
        nearest(title, names) or "Look for the title at https://genius.com.",
    )


def _look_closer(page: str, url: str) -> str:
    """Return the lyrics that lyricsgenius did not find on a page, or raise why there are none."""
    if _PLACEHOLDER.search(page):
        return ""
    if words := _read_old_layout(page):
        return words
    if _CAPTCHA.search(page):
        raise blocked("Genius", "before it knows that a person asks")
    if _WALL.search(page):
        raise WalledPageError(
            f"The page {url} shows its lyrics only to paying or logged-in users, or has no licence for them.",
            "Leave it out, or get the lyrics elsewhere.",
        )
    raise SongError(f"The page {url} has no lyrics where they used to be: Genius has changed its page layout.", UPDATE)


def _read_old_layout(page: str) -> str:
    """Return the lyrics of a page in the layouts until 2022; lyricsgenius knows only the later ones."""
    from bs4 import BeautifulSoup

    # After a <br>, the line break in the HTML means nothing.
    soup = BeautifulSoup(re.sub(r"(<br\s*/?>)\s*\n", r"\1", page), "html.parser")
    for selector in _OLD_CONTAINERS:
        if containers := soup.select(selector):
            for line_break in soup.find_all("br"):
                line_break.replace_with("\n")
            texts = [container.get_text() for container in containers]
            return re.sub(r"\n{3,}", "\n\n", "\n".join(texts)).strip()
    return ""


def _leaders(song: Mapping[str, Any]) -> dict[int, str]:
    """Return the primary artists of a song, by number."""
    people = [song["primary_artist"], *(song.get("primary_artists") or ())]
    return {int(person["id"]): str(person["name"]) for person in people}


def _read_song(song: Mapping[str, Any], *, artist_id: int | None = None, album: str = "") -> SourceSong:
    number, whose = int(song["id"]), song["primary_artist"]
    no_lyrics = ""
    if song.get("lyrics_state") == "unreleased":
        no_lyrics = "it is not released yet"
    elif song.get("instrumental"):
        no_lyrics = "it is an instrumental"
    metadata = _read_metadata(song) | {"genius_id": number, "genius_artist_id": int(whose["id"])}
    return SourceSong(
        id=f"genius:{number}",
        title=str(song["title"]),
        artist=str(whose["name"]),
        url=str(song["url"]),
        is_feature=artist_id is not None and artist_id not in _leaders(song),
        no_lyrics=no_lyrics,
        metadata={"album": album} | metadata if album else metadata,
    )


def _read_metadata(song: Mapping[str, Any]) -> dict[str, MetadataValue]:
    """Return the metadata in a list; each field may be missing."""
    metadata: dict[str, MetadataValue] = {}
    if released := _read_date(song.get("release_date_components") or {}):
        metadata["release_date"] = released
    if guests := [str(guest["name"]) for guest in song.get("featured_artists") or ()]:
        metadata["featured_artists"] = ", ".join(guests)
    if album := (song.get("album") or {}).get("name"):
        metadata["album"] = str(album)
    if language := song.get("language"):
        metadata["language"] = str(language)
    return metadata


def _read_date(parts: Mapping[str, int | None]) -> str:
    """Return the known part of a date: 1999, 1999-03 or 1999-03-04."""
    date = ""
    for name, form in (("year", "{:04}"), ("month", "-{:02}"), ("day", "-{:02}")):
        if not (part := parts.get(name)):
            break
        date += form.format(part)
    return date
