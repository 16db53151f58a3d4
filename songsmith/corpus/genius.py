"""Lyrics from Genius through lyricsgenius: one request a call. Tries nothing twice, keeps nothing, shows the token to nobody else.

The words belong to those who wrote them. Fetch them to learn from at home; do not publish them, or a model that recites them.
"""

import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import SequenceMatcher
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Self, TypeVar

from songsmith.corpus.records import Fact
from songsmith.corpus.sources import (
    BrokenPageError,
    NoLyrics,
    PassingError,
    SongError,
    SongOrder,
    SongPage,
    SourceArtist,
    SourceSong,
)
from songsmith.errors import FetchError, UsageError

if TYPE_CHECKING:
    from requests import Response

Answer = TypeVar("Answer")

_TOKEN_PAGE = "https://genius.com/api-clients"
_SONGS_A_PAGE = 50
_UPDATE = "Update songsmith and lyricsgenius, and if that does not help, report it."
# Where a page has a song's words, a song without any has one of these instead.
_PLACEHOLDER = re.compile(
    r'class="[^"]*LyricsPlaceholder|>\s*This song is an instrumental|>\s*Lyrics for this song have yet to be'
)


@dataclass(frozen=True, kw_only=True)
class GeniusSite:
    """Which Genius is asked, and how politely. Tests put a server of their own here."""

    api: str = "https://api.genius.com/"
    """Root of the API that wants a token. SONGSMITH_GENIUS_API"""
    web: str = "https://genius.com/"
    """Root of the song pages, and of the search beside them. SONGSMITH_GENIUS_WEB"""
    pause_s: float = 0.5
    """Seconds between two requests. SONGSMITH_GENIUS_PAUSE"""
    timeout_s: float = 15.0
    """Seconds that pass without a word before an answer is given up."""

    def __post_init__(self) -> None:
        for root in (self.api, self.web):
            if not re.match(r"https?://[^/]+/(.*/)?$", root):
                raise UsageError(f"'{root}' is no root of a site.", "It begins with https:// and ends with a slash.")
        if not 0 <= self.pause_s <= 3600:  # so put, NaN is refused too
            raise UsageError(f"A pause of {self.pause_s} seconds cannot be made.", "Use a number from 0 to 3600.")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Return Genius itself, or what the variables name in its stead."""
        variables = os.environ if environ is None else environ
        names = {"api": "SONGSMITH_GENIUS_API", "web": "SONGSMITH_GENIUS_WEB", "pause_s": "SONGSMITH_GENIUS_PAUSE"}
        values: dict[str, Any] = {key: variables[name] for key, name in names.items() if variables.get(name)}
        try:
            return cls(**values | {"pause_s": float(values.get("pause_s", cls.pause_s))})
        except ValueError as error:
            raise UsageError("SONGSMITH_GENIUS_PAUSE is no number of seconds.", "Unset it, or mend it.") from error


def read_token(environ: Mapping[str, str] | None = None) -> str:
    """Return the token in GENIUS_ACCESS_TOKEN.

    Raises:
        FetchError: there is none, or what is there cannot be one.
    """
    token = (os.environ if environ is None else environ).get("GENIUS_ACCESS_TOKEN", "").strip()
    if not token:
        raise FetchError(
            "Genius wants a token, and GENIUS_ACCESS_TOKEN is not set.",
            f"Make one at {_TOKEN_PAGE} (free) and put it there: export GENIUS_ACCESS_TOKEN=...",
        )
    if not re.fullmatch(r"[!-~]+", token):  # it could not be sent, and the complaint would show it
        raise FetchError(
            "GENIUS_ACCESS_TOKEN holds what no token can: spaces, or characters beyond ASCII.",
            f"Copy the client access token anew from {_TOKEN_PAGE}.",
        )
    return token


class GeniusSource:
    """Genius as a source of lyrics."""

    name = "genius"

    def __init__(self, token: str, site: GeniusSite | None = None) -> None:
        """Get ready to ask; nothing is asked yet."""
        from lyricsgenius import Genius  # type: ignore[import-untyped]  # takes requests and bs4 along

        site = site or GeniusSite()
        self.pause_s = site.pause_s
        self._slow = f"Genius did not answer within {site.timeout_s:g} seconds."
        self._client = Genius(token, timeout=site.timeout_s, sleep_time=site.pause_s, retries=0, user_agent="songsmith")
        self._client.API_ROOT = site.api
        self._client.WEB_ROOT = site.web
        self._client.PUBLIC_API_ROOT = site.web + "api/"
        # lyricsgenius hides what Genius answered. It lets through what is raised here.
        self._client._session.hooks["response"].append(self._inspect)
        self._answered = False
        self._page = ""

    def find_artist(self, name: str) -> SourceArtist:
        """Return the artist of this name; case, accents and punctuation may differ.

        Raises:
            FetchError: there is none (the nearest names are told), or Genius cannot be asked.
        """
        answer = self._ask(lambda: self._client.search_artists(name, per_page=20))
        with _reading():
            hits = [hit for section in answer["sections"] for hit in section["hits"] if hit["index"] == "artist"]
            artists = [SourceArtist(id=int(hit["result"]["id"]), name=str(hit["result"]["name"])) for hit in hits]
        for same in (str, _fold):
            for artist in artists:  # the likeliest first, by Genius's own judgement
                if (wanted := same(name)) and same(artist.name) == wanted:
                    return artist
        near = sorted({artist.name for artist in artists}, key=lambda other: -_likeness(name, other))[:3]
        raise FetchError(
            f"Genius knows no artist called '{name}'.",
            f"Did you mean {' or '.join(near)}?" if near else "Look for the name at https://genius.com.",
        )

    def list_songs(self, artist: SourceArtist, page: int, order: SongOrder) -> SongPage:
        """Return fifty of the artist's songs, those they only take part in among them.

        Raises:
            FetchError: Genius cannot be asked.
        """
        wanted = {"per_page": _SONGS_A_PAGE, "page": page, "sort": order.value}
        answer = self._ask(lambda: self._client.artist_songs(artist.id, **wanted))
        with _reading():
            songs = tuple(_read_song(song, artist) for song in answer["songs"])
            following = answer.get("next_page")
        return SongPage(songs=songs, next_page=following if isinstance(following, int) and following > page else None)

    def lyrics(self, song: SourceSong) -> str:
        """Return the words on a song's page, as they come.

        Raises:
            NoLyrics: the page is gone, or says that there are none.
            SongError: there is a page, but no words can be found in it.
            FetchError: Genius cannot be asked.
        """
        try:
            text: str | None = self._ask(lambda: self._client.lyrics(song_url=song.url))
        except _NotThereError as error:
            raise NoLyrics("its page is gone") from error
        if text is None and not _PLACEHOLDER.search(self._page):
            raise SongError(
                f"The page {song.url} holds no lyrics where they used to be: Genius has changed its page layout.",
                _UPDATE,
            )
        if not (text or "").strip():
            raise NoLyrics("its page has no lyrics")
        return text or ""

    def close(self) -> None:
        """Let go of the connections."""
        self._client._session.close()

    def _inspect(self, response: "Response", **_: object) -> None:
        """Look at an answer before lyricsgenius does, and raise what it would hide."""
        self._answered = True
        if response.is_redirect:
            return
        if response.status_code != 200:
            response.close()  # unread, so of no more use
            raise _explain(response.status_code, _seconds(response.headers.get("Retry-After", "")))
        if "charset" not in response.headers.get("Content-Type", ""):
            response.encoding = "utf-8"  # or requests takes it for Latin-1, as the web once did
        self._page = response.text
        measured = "Content-Length" in response.headers or "Transfer-Encoding" in response.headers
        if not measured and not self._page.rstrip().endswith(("</html>", "}")):
            raise PassingError("An answer from Genius broke off in the middle.")

    def _ask(self, request: Callable[[], Answer]) -> Answer:
        from requests import exceptions as failed

        try:
            with _reading():
                return request()
        except failed.SSLError:
            raise FetchError(
                "The connection to Genius is not safe: its certificate does not hold.",
                "See whether this network wants you to log in first, and whether the clock is right.",
            ) from None
        except (failed.Timeout, failed.ConnectionError) as error:
            slow = isinstance(error, failed.Timeout) or "timed out" in str(error)
            if self._answered:
                raise PassingError(self._slow if slow else "The connection to Genius broke.") from None
            # It never worked, so waiting a little would only keep the person in the dark.
            raise FetchError(
                self._slow if slow else "Genius cannot be reached.",
                "Check the connection to the internet, and the proxy if there is one.",
            ) from None
        except failed.TooManyRedirects:
            raise _NotThereError("Genius leads from page to page, and nowhere.", _UPDATE) from None
        except failed.JSONDecodeError:
            raise PassingError("Genius answered with something that cannot be read.") from None
        except failed.RequestException:  # a body that breaks off, or is not what it says it is
            raise PassingError("An answer from Genius broke off in the middle.") from None


class _NotThereError(FetchError):
    """There is no such page."""


def _explain(status: int, retry_after_s: float) -> FetchError:
    if status == 401:
        return FetchError(
            "Genius does not accept the token in GENIUS_ACCESS_TOKEN.",
            f"Copy the client access token anew from {_TOKEN_PAGE}.",
        )
    if status == 403:
        return FetchError(
            "Genius refuses to answer this network (403).",
            "It blocks many data centres, VPNs and proxies: run the same command from another network; "
            "it goes on where it stopped.",
        )
    if status == 429:
        return PassingError("Genius asks for fewer requests (429).", retry_after_s=retry_after_s)
    if status == 408 or status >= 500:
        return BrokenPageError(f"Genius has a fault of its own ({status}).", retry_after_s=retry_after_s)
    return _NotThereError(f"Genius has no page where its pages used to be ({status}).", _UPDATE)


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except (LookupError, TypeError, AttributeError, AssertionError, RecursionError, ValueError) as error:
        if isinstance(error, OSError):  # those of requests are both
            raise
        raise FetchError("Genius answers in a way that songsmith does not know.", _UPDATE) from error


def _read_song(song: dict[str, Any], artist: SourceArtist) -> SourceSong:
    number, whose = int(song["id"]), song["primary_artist"]
    leaders = {whose["id"], *(leader["id"] for leader in song.get("primary_artists") or ())}
    no_lyrics = ""
    if song.get("lyrics_state") == "unreleased":
        no_lyrics = "it is not released yet"
    elif song.get("instrumental"):
        no_lyrics = "it is an instrumental"
    return SourceSong(
        id=f"genius:{number}",
        title=str(song["title"]),
        artist=str(whose["name"]),
        url=str(song["url"]),
        is_feature=artist.id not in leaders,
        no_lyrics=no_lyrics,
        facts=_read_facts(song) | {"genius_id": number, "genius_artist_id": int(whose["id"])},
    )


def _read_facts(song: dict[str, Any]) -> dict[str, Fact]:
    """Return what a list tells besides; each may be missing."""
    facts: dict[str, Fact] = {}
    if released := _read_date(song.get("release_date_components") or {}):
        facts["release_date"] = released
    if guests := [str(guest["name"]) for guest in song.get("featured_artists") or ()]:
        facts["featured_artists"] = ", ".join(guests)
    if album := (song.get("album") or {}).get("name"):
        facts["album"] = str(album)
    if language := song.get("language"):
        facts["language"] = str(language)
    return facts


def _read_date(parts: dict[str, int | None]) -> str:
    """Return as much of a date as is known: 1999, 1999-03 or 1999-03-04."""
    date = ""
    for name, form in (("year", "{:04}"), ("month", "-{:02}"), ("day", "-{:02}")):
        if not (part := parts.get(name)):
            break
        date += form.format(part)
    return date


def _seconds(retry_after: str) -> float:
    """Return how long a Retry-After header asks to wait: it is a number of seconds, or a date."""
    try:
        if retry_after.strip().isdigit():
            return min(float(retry_after), 86400.0)
        moment = parsedate_to_datetime(retry_after)
        return max(0.0, (moment.astimezone(UTC) - datetime.now(UTC)).total_seconds())
    except ValueError:
        return 0.0


def _fold(name: str) -> str:
    """Return a name without case, accents, spaces and punctuation."""
    return "".join(c for c in unicodedata.normalize("NFKD", name).casefold() if c.isalnum())


def _likeness(name: str, other: str) -> float:
    return SequenceMatcher(None, _fold(name), _fold(other)).ratio()
