"""What any source of lyrics offers, what it hands over, and how it fails. Knows no site, no network and no disk.

A source is one file beside this one, with a class that is a `LyricSource`; a name and a row of `SITES` here, where all
that others must know of it stands; and a case of `open_source` in `songsmith.studio.fetching`.
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
    """A source that can be asked."""

    GENIUS = "genius"
    LRCLIB = "lrclib"


@dataclass(frozen=True, kw_only=True)
class SourceInfo:
    """What must be known of a source without asking it."""

    title: str
    """As people name it."""
    pages: str
    """What every address of a song there holds."""
    numbers_songs_once: bool
    """Whether other words under an id that is held are the same song, whose page has changed."""


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
    """Whose: with an album or a song any of them will do; none: whoever made it."""
    album: str = ""
    """Title of an album."""
    song: str = ""
    """Title of a song."""

    def __post_init__(self) -> None:
        if not any(name.strip() for name in (*self.artists, self.album, self.song)):
            raise UsageError("A name is missing.", "Give one: --artist NAME")

    def of(self, artist: str) -> Self:
        """Return the same, by this artist alone."""
        return replace(self, artists=(artist,))

    @property
    def artist(self) -> str:
        """The first of the artists, or nothing."""
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
    """The one whose song it is, who need not be the artist whose list it is in."""
    url: str
    """Where its lyrics are."""
    is_feature: bool = False
    """Whether the artist only takes part in it."""
    no_lyrics: str = ""
    """Why there is nothing to ask for; empty if there should be lyrics."""
    text: str = ""
    """Its words, where the list came with them: then nothing more is asked for."""
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    """What else the source says of it."""

    @property
    def same(self) -> tuple[str, str]:
        """What it shares with other entries of the same song."""
        return same_song(self.artist, self.title)


@dataclass(frozen=True, kw_only=True)
class SongList:
    """What a source has under a name that was asked for."""

    id: int = 0
    """The source's own number, if it has one."""
    artist: str
    """Whose songs they are, as the source spells it."""
    album: str = ""
    """Title of the album, if it is one."""
    songs: tuple[SourceSong, ...] | None = None
    """All there are, if the search brought them along."""

    def __str__(self) -> str:
        return f"'{self.album}' by {self.artist}" if self.album else self.artist


@dataclass(frozen=True, kw_only=True)
class SongPage:
    """A part of a list of songs."""

    songs: tuple[SourceSong, ...]
    next_page: int | None
    """Number of the part that follows; none after the last."""


class LyricSource(Protocol):
    """A place lyrics come from. No method tries anything twice; each may be called again after it failed."""

    name: str
    """As records name it: `genius`."""
    title: str
    """As people name it: `Genius`."""
    pause_s: float
    """Seconds between two requests; the first new try after a failure waits about twice as long."""
    repeats_songs: bool
    """Whether one song may have several numbers there: then artist and title tell which songs are held."""

    def find(self, wanted: Wanted) -> SongList:
        """Return what the source has under a name; case, accents and punctuation may differ.

        Raises:
            UnavailableError: nothing, and the nearest names are told.
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
            SongError: they cannot be had; those of another song may.
            FetchError: the source cannot be asked.
        """

    def close(self) -> None:
        """Let go of the connections."""


def fold_name(name: str) -> str:
    """Return a name without case, accents, spaces and punctuation; one of signs alone as it is."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name).casefold() if c.isalnum())
    return plain or name.strip()


def same_song(artist: str, title: str) -> tuple[str, str]:
    """Return what all entries of one song share, however artist and title are spelt, and guests named in the title or not."""
    return fold_name(artist), fold_name(_GUESTS.sub("", title) or title)


def nearest(name: str, names: Mapping[str, str]) -> str:
    """Return the question whether one of the three nearest names was meant; nothing if there are none.

    Args:
        name: what was asked for.
        names: what there is, and how each is told.
    """
    close = sorted(names, key=lambda other: (-SequenceMatcher(None, fold_name(name), fold_name(other)).ratio(), other))[
        :3
    ]
    return f"Did you mean {' or '.join(names[other] for other in close)}?" if close else ""


class NoLyrics(Exception):  # noqa: N818  (nothing went wrong: there are none)
    """A song has no words there; the message says why."""


class PassingError(FetchError):
    """What may well work a little later."""

    def __init__(self, message: str, next_step: str = GO_ON, *, retry_after_s: float = 0.0) -> None:
        """Remember for how many seconds the source asked to be left alone; 0 if it did not say."""
        super().__init__(message, next_step)
        self.retry_after_s = retry_after_s


class UnavailableError(FetchError):
    """What was asked for cannot be had there; something else may."""


class SongError(FetchError):
    """One song cannot be had; the next one may."""


class BrokenPageError(PassingError, SongError):
    """The source failed at one request: worth another try, and if that is no use, the next song."""


@dataclass(frozen=True, kw_only=True)
class ListFound:
    """The source has what was asked for; the songs go to this corpus."""

    name: str
    """Artist or album, as the source spells it."""
    corpus: str


@dataclass(frozen=True, kw_only=True)
class SongsListed:
    """So much of the list is known."""

    songs: int
    """How many there are, with those that are held already and those without lyrics."""
    whole: bool = True
    """Whether that is all of it."""


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
class ListDone:
    """All of what was found last is in the corpus, or can never be."""


@dataclass(frozen=True, kw_only=True)
class WantedFailed:
    """One of several things that were asked for cannot be had; the others are fetched all the same."""

    why: str
    """In a sentence, with the next step."""


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Nothing is asked for a while."""

    seconds: float
    why: str


FetchEvent = ListFound | SongsListed | SongHeld | SongKept | SongSkipped | Waiting | ListDone | WantedFailed
