"""Lyrics from LRCLIB over its open HTTP API, which needs no token. Retries nothing, stores nothing.

The words belong to those who wrote them. Fetch them for private use; do not publish them, or a model that recites them.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from songsmith import __version__
from songsmith.corpus.sites.lrclib_search import Harvest, Query
from songsmith.corpus.sites.sources import (
    SITES,
    NoLyrics,
    SongList,
    SongOrder,
    SongPage,
    SourceName,
    SourceSong,
    Wanted,
)
from songsmith.corpus.sites.web import LONGEST_ANSWER_BYTES, ResponseGuard, check_manners, reading
from songsmith.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class LrclibSite:
    """Which address of LRCLIB is used, and with which pauses. Tests use a loopback server."""

    api: str = "https://lrclib.net/api/"
    """Root of its API. SONGSMITH_LRCLIB_API"""
    pause_s: float = 0.5
    """Seconds between two requests. SONGSMITH_LRCLIB_PAUSE"""
    timeout_s: float = 30.0
    """Seconds without a byte after which a response is given up; a search may take a while."""
    longest_s: float = 60.0
    """Seconds after which a response is given up although it is still arriving."""
    longest_bytes: int = LONGEST_ANSWER_BYTES
    """Bytes after which an answer is given up."""

    def __post_init__(self) -> None:
        check_manners(self.api, pause_s=self.pause_s)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Return the address of LRCLIB, or the one that the variables name instead."""
        variables = os.environ if environ is None else environ
        try:
            pause_s = float(variables.get("SONGSMITH_LRCLIB_PAUSE") or cls.pause_s)
        except ValueError as error:
            raise UsageError("SONGSMITH_LRCLIB_PAUSE isn't a number of seconds.", "Unset it, or correct it.") from error
        return cls(api=variables.get("SONGSMITH_LRCLIB_API") or cls.api, pause_s=pause_s)


class LrclibSource:
    """LRCLIB as a source of lyrics."""

    name = SourceName.LRCLIB.value
    title = SITES[SourceName.LRCLIB].title
    repeats_songs = True

    def __init__(self, site: LrclibSite | None = None) -> None:
        """Prepare the client; no request is sent yet."""
        import requests

        self._site = site or LrclibSite()
        self.pause_s = self._site.pause_s
        self._next_at_s = 0.0
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"songsmith v{__version__} (a songwriting tool, for personal use)"
        self._guard = ResponseGuard(
            self.title, timeout_s=self._site.timeout_s, longest_s=self._site.longest_s, longest_bytes=self._site.longest_bytes
        )  # fmt: skip
        self._guard.attach(self._session)
        self._harvests: dict[Wanted, Harvest] = {}

    def find(self, wanted: Wanted) -> SongList:
        """Return an artist, an album or a song; case, accents and punctuation are ignored.

        It takes a few searches if the name is a common word. Called again after a failure, it continues from there.

        Raises:
            UnavailableError: there is none; the message names the nearest.
            FetchError: LRCLIB cannot be asked.
        """
        harvest = self._harvests.setdefault(wanted, Harvest(wanted))
        while not harvest.songs and (query := harvest.next_query):
            self._search(harvest, query)
        del self._harvests[wanted]
        if not harvest.songs:
            raise harvest.nothing()
        if wanted.song:
            song = next(iter(harvest.songs.values()))
            return SongList(artist=song.artist, songs=(song,))
        found = SongList(artist=harvest.artist, album=harvest.album)
        self._harvests[_key(found)] = harvest
        return found

    def list_songs(self, found: SongList, page: int, order: SongOrder) -> SongPage:
        """Return the songs found so far, or on a later page those of one more search.

        Raises:
            FetchError: LRCLIB cannot be asked.
        """
        harvest = self._harvests[_key(found)]
        if page > 1 and (query := harvest.next_query):
            self._search(harvest, query)
        is_last = harvest.next_query is None
        return SongPage(songs=harvest.hand_over(order, is_last=is_last), next_page=None if is_last else page + 1)

    def lyrics(self, song: SourceSong) -> str:
        """Return the lyrics that came with the search.

        Raises:
            NoLyrics: there are none.
        """
        if not song.text:
            raise NoLyrics(song.no_lyrics)
        return song.text

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _search(self, harvest: Harvest, query: Query) -> None:
        time.sleep(max(0.0, self._next_at_s - time.monotonic()))
        try:
            entries = self._guard.ask(lambda: self._get(query))
        finally:
            self._next_at_s = time.monotonic() + self.pause_s
        with reading(self.title):
            harvest.take(query, entries)

    def _get(self, query: Query) -> list[dict[str, Any]]:
        answer = self._session.get(f"{self._site.api}search", params=dict(query), timeout=self._site.timeout_s)
        return [dict(entry) for entry in answer.json()]


def _key(found: SongList) -> Wanted:
    return Wanted(artists=(found.artist,), album=found.album)
