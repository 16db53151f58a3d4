"""An LRCLIB of our own on a loopback port: the search that it documents, with its twenty entries and no lists."""

import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any

from genius_server import Answer, FakeSite, Request


@dataclass(frozen=True, kw_only=True)
class FakeEntry:
    """An entry of LRCLIB; one song may have many."""

    id: int
    title: str
    artist: str = "The Old Singers"
    album: str = "Songs of the Valley"
    duration: float = 180.0
    plain: str | None = "Come and sit\nby my side\n\nif you love me"
    synced: str | None = None
    instrumental: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it as a search shows it."""
        return {
            "id": self.id,
            "name": self.title,
            "trackName": self.title,
            "artistName": self.artist,
            "albumName": self.album,
            "duration": self.duration,
            "instrumental": self.instrumental,
            "plainLyrics": self.plain,
            "syncedLyrics": self.synced,
        }


class FakeLrclib(FakeSite):
    """LRCLIB; `with FakeLrclib(entries) as lrclib` runs it."""

    def __init__(self, entries: list[FakeEntry] | None = None) -> None:
        """Offer these entries."""
        super().__init__()
        self.entries = entries or []
        self.api = f"{self.root}/api/"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that send songsmith here."""
        return {"SONGSMITH_LRCLIB_API": self.api, "SONGSMITH_LRCLIB_PAUSE": "0", "NO_PROXY": "127.0.0.1"}

    def look_up(self, request: Request) -> Answer:
        """Return what LRCLIB has at a path."""
        if request.path != "/api/search":
            return Answer(status=404, body='{"message": "Failed to find specified track", "statusCode": 404}')
        found = [entry.as_json() for entry in self.entries if _meets(entry, request.query)][:20]
        return Answer(body=json.dumps(found), headers={"Content-Type": "application/json"})


def _meets(entry: FakeEntry, query: dict[str, str]) -> bool:
    title, artist, album = _words(entry.title), _words(entry.artist), _words(entry.album)
    if words := _words(query.get("q", "")):
        return all(word in title + artist + album for word in words)
    if not (wanted := _words(query.get("track_name", ""))):
        return False  # an artist or an album alone finds nothing
    return (
        _has_phrase(title, wanted)
        and all(word in artist for word in _words(query.get("artist_name", "")))
        and _has_phrase(album, _words(query.get("album_name", "")))
    )


def _has_phrase(words: list[str], phrase: list[str]) -> bool:
    return f" {' '.join(phrase)} " in f" {' '.join(words)} " if phrase else True


@cache
def _words(text: str) -> list[str]:
    """Return words without accents, apostrophes and case, as LRCLIB keeps them."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text).casefold() if not unicodedata.combining(c))
    return re.findall(r"\w+", re.sub("['’]", "", plain))
