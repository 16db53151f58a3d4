"""What every source of lyrics offers, what it returns, and how it fails. Knows no site, no network and no disk.

A source is one file beside this one, with a class that is a `LyricSource`; a name and a row of `SITES` here, with all that
others must know about it; and a case of `open_source` in `songsmith.studio.fetching`.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Protocol, Self

from songsmith.corpus.records import MetadataValue
from songsmith.errors import FetchError, UsageError

GO_ON = "Run the same command again later to continue."
FETCHED = "fetched"
"""The metadata field that is true for every song that came from a source, in raw and clean records and in what is exported."""


_GUESTS = re.compile(r"\s*[(\[](?:feat|ft|featuring|with)\b[^)\]]*[)\]]", re.IGNORECASE)


class SourceName(StrEnum):
    """A source that lyrics can be fetched from."""

    GENIUS = "genius"
    LRCLIB = "lrclib"


@dataclass(frozen=True, kw_only=True)
class SourceInfo:
    """What must be known about a source without a request."""

    title: str
    """As people name it."""
    pages: str
    """What every URL of a song there contains."""
    numbers_songs_once: bool
    """Whether other lyrics under an id that is in the corpus are the same song, whose page has changed."""


SITES = {
    SourceName.GENIUS: SourceInfo(title="Genius", pages="genius.com/", numbers_songs_once=True),
    SourceName.LRCLIB: SourceInfo(title="LRCLIB", pages="lrclib.net/", numbers_songs_once=True),
}
"""All sources. Records of theirs have the name as source, and name, colon, number as id."""


class SongOrder(StrEnum):
    """Which of an artist's songs come first."""

    POPULARITY = "popularity"
    TITLE = "title"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a person asks for: all songs of an artist, those of an album, or one song."""

    artists: tuple[str, ...] = ()
    """By which artists: with an album or a song, any of them; none: by anybody."""
    album: str = ""
    """Title of an album."""
    song: str = ""
    """Title of a song."""

    def __post_init__(self) -> None:
        if not any(name.strip() for name in (*self.artists, self.album, self.song)):
            raise UsageError("A name is missing.", "Give one: --artist NAME")

    def of(self, artist: str) -> Self:
        """Return the same request for this artist only."""
        return replace(self, artists=(artist,))

    @property
    def artist(self) -> str:
        """The first of the artists, or an empty string."""
        return self.artists[0] if self.artists else ""

    def __str__(self) -> str:
        whose = " or ".join(self.artists)
        title = self.song or self.album
        return f"'{title}'{' by ' * bool(whose)}{whose}" if title else whose


@dataclass(frozen=True, kw_only=True)
class SourceSong:
    """A song in the source's list."""

    id: str
    """The record's id in a corpus: source, colon, the source's number."""
    title: str
    artist: str
    """The primary artist, who need not be the artist whose list it is in."""
    url: str
    """The URL of its page."""
    is_feature: bool = False
    """Whether the artist only takes part in it."""
    no_lyrics: str = ""
    """Why it has no lyrics; empty if it should have some."""
    text: str = ""
    """Its lyrics, if the list came with them: then no further request is needed."""
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    """What else the source says about it."""

    @property
    def same(self) -> tuple[str, str]:
        """A key that all entries of the same song share."""
        return same_song(self.artist, self.title)


@dataclass(frozen=True, kw_only=True)
class SongList:
    """What a source found under a name."""

    id: int = 0
    """The source's own number, if it has one."""
    artist: str
    """The artist, as the source spells it."""
    album: str = ""
    """Title of the album, if it is one."""
    songs: tuple[SourceSong, ...] | None = None
    """All songs, if they came with the search."""

    def __str__(self) -> str:
        return f"'{self.album}' by {self.artist}" if self.album else self.artist


@dataclass(frozen=True, kw_only=True)
class SongPage:
    """A part of a list of songs."""

    songs: tuple[SourceSong, ...]
    next_page: int | None
    """Number of the part that follows; none after the last."""


class LyricSource(Protocol):
    """A source of lyrics. No method retries anything; each may be called again after it failed."""

    name: str
    """As records name it: `genius`."""
    title: str
    """As people name it: `Genius`."""
    pause_s: float
    """Seconds between two requests; the first new try after a failure waits about twice as long."""
    repeats_songs: bool
    """Whether one song may have several numbers there: then songs in the corpus are recognised by artist and title."""

    def find(self, wanted: Wanted) -> SongList:
        """Return what the source has under a name; case, accents and punctuation are ignored.

        Raises:
            UnavailableError: there is nothing; the message names the nearest.
            FetchError: the source cannot be asked.
        """

    def list_songs(self, found: SongList, page: int, order: SongOrder) -> SongPage:
        """Return a part of what was found; the first page is 1.

        Raises:
            FetchError: the source cannot be asked.
        """

    def lyrics(self, song: SourceSong) -> str:
        """Return a song's words, as they come.

        Raises:
            NoLyrics: the song has none.
            SongError: they cannot be fetched; those of another song may.
            FetchError: the source cannot be asked.
        """

    def close(self) -> None:
        """Close the connections."""


def fold_name(name: str) -> str:
    """Return a name without case, accents, spaces and punctuation; one of punctuation only as it is."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name).casefold() if c.isalnum())
    return plain or name.strip()


def same_song(artist: str, title: str) -> tuple[str, str]:
    """Return a key that all entries of one song share, however artist and title are spelt, with guests in the title or not."""
    return fold_name(artist), fold_name(_GUESTS.sub("", title) or title)


def nearest(name: str, names: Mapping[str, str]) -> str:
    """Return the question whether one of the three nearest names was meant; empty if there are none.

    Args:
        name: what was asked for.
        names: what there is, and how a message names each.
    """
    close = sorted(names, key=lambda other: (-SequenceMatcher(None, fold_name(name), fold_name(other)).ratio(), other))[
        :3
    ]
    return f"Did you mean {' or '.join(names[other] for other in close)}?" if close else ""


class NoLyrics(Exception):  # noqa: N818  (nothing went wrong: there are none)
    """A song has no lyrics there; the message says why."""


class PassingError(FetchError):
    """An error that may pass in a little while."""

    def __init__(self, message: str, next_step: str = GO_ON, *, retry_after_s: float = 0.0) -> None:
        """Store how many seconds the source asked to wait; 0 if it did not say."""
        super().__init__(message, next_step)
        self.retry_after_s = retry_after_s


class UnavailableError(FetchError):
    """What was asked for is not there; something else may be."""


class SongError(FetchError):
    """One song cannot be fetched; the next one may."""


class BrokenPageError(PassingError, SongError):
    """One request failed: worth a retry, and if that fails, the next song may work."""


@dataclass(frozen=True, kw_only=True)
class ListFound:
    """The source has what was asked for; the songs go to this corpus."""

    name: str
    """Artist or album, as the source spells it."""
    corpus: str


@dataclass(frozen=True, kw_only=True)
class SongsListed:
    """How much of the list is known."""

    songs: int
    """How many songs there are, including those in the corpus and those without lyrics."""
    whole: bool = True
    """Whether that is all of it."""


@dataclass(frozen=True, kw_only=True)
class SongHeld:
    """A song was in the corpus already; its lyrics were not fetched again."""

    title: str


@dataclass(frozen=True, kw_only=True)
class SongKept:
    """A song is in the corpus now, and on disk."""

    id: str
    title: str
    artist: str


@dataclass(frozen=True, kw_only=True)
class SongSkipped:
    """A song was not added to the corpus."""

    title: str
    reason: str
    failed: bool = False
    """Whether it may work another time: the source failed, rather than having no words."""


@dataclass(frozen=True, kw_only=True)
class ListDone:
    """Every song that was found is in the corpus, or has no lyrics."""


@dataclass(frozen=True, kw_only=True)
class WantedFailed:
    """One of several things that were asked for is not there; the others are fetched all the same."""

    why: str
    """In a sentence, with the next step."""


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """No request is sent for a while."""

    seconds: float
    why: str


FetchEvent = ListFound | SongsListed | SongHeld | SongKept | SongSkipped | Waiting | ListDone | WantedFailed
