"""An artist's songs, one after the other, from a source into a corpus: tried again where that helps, never asked for twice.

The words belong to those who wrote them: what is fetched is for learning at home, not for publishing.
"""

import random
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Self, TypeVar

from songsmith.corpus.records import RawRecord
from songsmith.corpus.sources import (
    GO_ON,
    ArtistFound,
    FetchEvent,
    LyricSource,
    NoLyrics,
    PassingError,
    SongError,
    SongHeld,
    SongKept,
    SongOrder,
    SongSkipped,
    SongsListed,
    SourceSong,
    Waiting,
)
from songsmith.corpus.store import Corpus, CorpusStore, folder_name
from songsmith.errors import FetchError, NotFoundError, UsageError

Answer = TypeVar("Answer")

_TRIES = 6
"""With half a second between requests, the last one comes about half a minute after the first."""
_LONGEST_WAIT_S = 300.0
"""A source that wants to be left alone for longer ends the run: nobody watches a bar that stands still."""
_FAILURES_IN_A_ROW = 3
"""After so many pages that cannot be read, the source has changed, not the song."""


@dataclass(frozen=True, kw_only=True)
class FetchOptions:
    """What to fetch, and where to."""

    artist: str
    """Name of the artist."""
    corpus: str = ""
    """Name of the corpus; empty: that of the artist."""
    max_songs: int | None = None
    """End when so many of the artist's songs are in the corpus, those of earlier runs counted."""
    order: SongOrder = SongOrder.POPULARITY
    """Which songs come first."""
    include_features: bool = False
    """Take the songs of others, too, in which the artist takes part."""

    def __post_init__(self) -> None:
        if self.corpus:
            folder_name(self.corpus)
        if not self.artist.strip():
            raise UsageError("An artist without a name cannot be found.", "Give one: --artist NAME")
        if self.max_songs is not None and self.max_songs < 1:
            raise UsageError(f"{self.max_songs} songs are no songs.", "Use --max-songs 1 or more.")


class FetchTally:
    """What a fetch has come to so far."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.artist = self.corpus = ""
        self.listed: int | None = None
        """Songs in the source's list, once it is known to its end."""
        self.kept = 0
        """Songs that are new in the corpus."""
        self.held = 0
        """Songs that were there before."""
        self.skipped: Counter[str] = Counter()
        """For each reason, how many songs have no words there."""
        self.failed = 0
        """Songs that the source should have, and could not give."""

    @property
    def seen(self) -> int:
        """Songs that have been dealt with."""
        return self.kept + self.held + self.failed + self.skipped.total()

    def add(self, event: FetchEvent) -> None:
        """Count what happened."""
        match event:
            case ArtistFound():
                self.artist, self.corpus = event.artist, event.corpus
            case SongsListed():
                self.listed = event.songs
            case SongKept():
                self.kept += 1
            case SongHeld():
                self.held += 1
            case SongSkipped(failed=True):
                self.failed += 1
            case SongSkipped():
                self.skipped[event.reason] += 1


def fetch_from_genius(corpora: CorpusStore, options: FetchOptions) -> Iterator[FetchEvent]:
    """Fetch an artist's songs from Genius, with the token in the environment; see `fetch_artist`."""
    from songsmith.corpus.genius import GeniusSite, GeniusSource, read_token

    source = GeniusSource(read_token(), GeniusSite.from_environment())
    try:
        yield from fetch_artist(source, corpora, options)
    finally:
        source.close()


def fetch_artist(
    source: LyricSource,
    corpora: CorpusStore,
    options: FetchOptions,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Generator[FetchEvent, None, None]:
    """Fetch an artist's songs into a corpus, telling of each as it happens.

    A song is on disk before it is told of. Ended at any instant and begun again, it goes on: songs that are held are not
    asked for. Songs without words are, by the next run, since somebody may have added them.

    Raises:
        FetchError: the source refuses, cannot be reached, has changed, or knows no such artist or no lyrics of theirs.
        StorageError: the corpus cannot be written, or another program writes to it.
    """
    ask = _Patience(pause_s=source.pause_s, sleep=sleep).ask
    artist = yield from ask(partial(source.find_artist, options.artist.strip()))
    name = options.corpus or artist.name
    yield ArtistFound(artist=artist.name, corpus=name)
    coming: deque[SourceSong] = deque()
    seen: set[str] = set()
    page: int | None = 1
    held = 0
    failures: list[SongError] = []
    with _Destination(corpora, name) as corpus:
        while page is not None or coming:
            # Without a limit the whole list comes first: it moves while songs are fetched, and what is on which page too.
            if page is not None and (not coming or options.max_songs is None):
                listed = yield from ask(partial(source.list_songs, artist, page, options.order))
                for song in listed.songs:
                    if song.id not in seen and (options.include_features or not song.is_feature):
                        seen.add(song.id)
                        coming.append(song)
                page = listed.next_page
                if page is None:
                    yield SongsListed(songs=len(seen))
                continue
            song = coming.popleft()
            if corpus.holds(song.id):
                held += 1
                yield SongHeld(title=song.title)
            elif song.no_lyrics:
                yield SongSkipped(title=song.title, reason=song.no_lyrics)
            else:
                try:
                    text = yield from ask(partial(source.lyrics, song))
                except NoLyrics as nothing:
                    yield SongSkipped(title=song.title, reason=str(nothing))
                except SongError as error:
                    failures.append(error)
                    if len(failures) == _FAILURES_IN_A_ROW:
                        raise
                    yield SongSkipped(title=song.title, reason=error.message, failed=True)
                    continue
                else:
                    corpus.keep(_record(song, text, source.name))
                    held += 1
                    yield SongKept(id=song.id, title=song.title, artist=song.artist)
                failures.clear()
            if held == options.max_songs:
                return
    if failures and not held:
        raise failures[-1]
    if not held:
        raise FetchError(
            f"{source.name.capitalize()} has no lyrics of {artist.name}.",
            "See whether another spelling of the name is meant."
            if options.include_features
            else "With --include-features, songs of others in which they take part are fetched too.",
        )


class _Destination(AbstractContextManager["_Destination"]):
    """A corpus that is made when its first song comes; nobody else writes to it meanwhile."""

    def __init__(self, corpora: CorpusStore, name: str) -> None:
        self._corpora, self._name = corpora, name
        self._stack = ExitStack()
        self._corpus: Corpus | None = None

    def __enter__(self) -> Self:
        try:
            folder_name(self._name)  # if it can name none, that is better said now
        except UsageError as error:
            raise UsageError(error.message, "Choose a name for it with --corpus NAME.") from error
        with suppress(NotFoundError):
            self._use(self._corpora.open(self._name))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def holds(self, id: str) -> bool:
        return self._corpus is not None and self._corpus.holds(id)

    def keep(self, record: RawRecord) -> None:
        """Put a song on disk."""
        corpus = self._corpus or self._use(self._corpora.create(self._name))
        corpus.append([record])

    def _use(self, corpus: Corpus) -> Corpus:
        self._stack.enter_context(corpus.writing())
        self._corpus = corpus
        return corpus


class _Patience:
    """Tries again what may pass, waiting about twice as long each time, and as long as the source asks for."""

    def __init__(self, *, pause_s: float, sleep: Callable[[float], None]) -> None:
        self._pause_s = pause_s
        self._sleep = sleep

    def ask(self, request: Callable[[], Answer]) -> Generator[Waiting, None, Answer]:
        for attempt in range(1, _TRIES):
            try:
                return request()
            except PassingError as error:
                # Chance keeps many who failed together from coming back together.
                seconds = self._pause_s * 2**attempt * random.uniform(0.75, 1.25) + error.retry_after_s
                if error.retry_after_s > _LONGEST_WAIT_S:
                    minutes = round(error.retry_after_s / 60)
                    raise FetchError(error.message, f"Wait {minutes} minutes, as it asks. {GO_ON}") from error
                why = error.message
            yield Waiting(seconds=seconds, why=why)
            self._sleep(seconds)
        return request()


def _record(song: SourceSong, text: str, source: str) -> RawRecord:
    return RawRecord(
        id=song.id,
        text=text,
        title=song.title,
        artist=song.artist,
        source=source,
        url=song.url,
        fetched_at=datetime.now(UTC).isoformat(timespec="seconds"),
        facts=song.facts,
    )
