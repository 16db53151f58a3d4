"""What any source of lyrics offers, what it hands over, and how it fails. Knows no site, no network and no disk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from songsmith.corpus.records import Fact
from songsmith.errors import FetchError

GO_ON = "Run the same command again later: it goes on where it stopped."


class SongOrder(StrEnum):
    """Which of an artist's songs come first."""

    POPULARITY = "popularity"
    TITLE = "title"


@dataclass(frozen=True, kw_only=True)
class SourceArtist:
    """An artist as the source knows them."""

    id: int
    """The source's own number."""
    name: str
    """As the source spells it."""


@dataclass(frozen=True, kw_only=True)
class SourceSong:
    """A song in the source's list; its lyrics have not been asked for."""

    id: str
    """The record's id in a corpus: source, colon, the source's number."""
    title: str
    artist: str
    """The one whose song it is, who need not be the artist whose list it is in."""
    url: str
    """Where its lyrics are."""
    is_feature: bool = False
    """Whether the artist only takes part in it."""
    no_lyrics: str = ""
    """Why there is nothing to ask for; empty if there should be lyrics."""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    """What else the source says of it."""


@dataclass(frozen=True, kw_only=True)
class SongPage:
    """A part of an artist's list of songs."""

    songs: tuple[SourceSong, ...]
    next_page: int | None
    """Number of the part that follows; none after the last."""


class LyricSource(Protocol):
    """A place lyrics come from. Every method is one request; none tries twice."""

    name: str
    """As records name it: `genius`."""
    pause_s: float
    """Seconds between two requests; the first new try after a failure waits about twice as long."""

    def find_artist(self, name: str) -> SourceArtist:
        """Return the artist of this name.

        Raises:
            FetchError: there is none, or the source cannot be asked.
        """

    def list_songs(self, artist: SourceArtist, page: int, order: SongOrder) -> SongPage:
        """Return a part of the artist's songs; the first page is 1.

        Raises:
            FetchError: the source cannot be asked.
        """

    def lyrics(self, song: SourceSong) -> str:
        """Return a song's words, as they come.

        Raises:
            NoLyrics: the song has none.
            FetchError: the source cannot be asked.
        """


class NoLyrics(Exception):  # noqa: N818  (nothing went wrong: there are none)
    """A song has no words there; the message says why."""


class PassingError(FetchError):
    """What may well work a little later."""

    def __init__(self, message: str, next_step: str = GO_ON, *, retry_after_s: float = 0.0) -> None:
        """Remember for how many seconds the source asked to be left alone; 0 if it did not say."""
        super().__init__(message, next_step)
        self.retry_after_s = retry_after_s


class SongError(FetchError):
    """One song cannot be had; the next one may."""


class BrokenPageError(PassingError, SongError):
    """The source failed at one request: worth another try, and if that is no use, the next song."""


@dataclass(frozen=True, kw_only=True)
class ArtistFound:
    """The source knows the artist; their songs go to this corpus."""

    artist: str
    corpus: str


@dataclass(frozen=True, kw_only=True)
class SongsListed:
    """The whole list is known."""

    songs: int
    """How many there are, with those that are held already and those without lyrics."""


@dataclass(frozen=True, kw_only=True)
class SongHeld:
    """A song was in the corpus before; its lyrics were not asked for again."""

    title: str


@dataclass(frozen=True, kw_only=True)
class SongKept:
    """A song is in the corpus now, and on disk."""

    id: str
    title: str
    artist: str


@dataclass(frozen=True, kw_only=True)
class SongSkipped:
    """A song is not in the corpus."""

    title: str
    reason: str
    failed: bool = False
    """Whether it may work another time: the source failed, rather than having no words."""


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Nothing is asked for a while."""

    seconds: float
    why: str


FetchEvent = ArtistFound | SongsListed | SongHeld | SongKept | SongSkipped | Waiting
