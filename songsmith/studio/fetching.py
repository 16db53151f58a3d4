"""Fetch songs, one after the other, from a source into a corpus: retried where that helps, never fetched twice.

The words belong to those who wrote them: what is fetched is for private use, not for publishing.
"""

import random
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Self, TypeVar

from songsmith.corpus.records import RawRecord
from songsmith.corpus.sites.sources import (
    FETCHED,
    GO_ON,
    BrokenPageError,
    FetchEvent,
    ListDone,
    ListFound,
    LyricSource,
    NoLyrics,
    PassingError,
    SongError,
    SongHeld,
    SongKept,
    SongList,
    SongOrder,
    SongPage,
    SongSkipped,
    SongsListed,
    SourceName,
    SourceSong,
    UnavailableError,
    Waiting,
    Wanted,
    WantedFailed,
    same_song,
)
from songsmith.corpus.storage.store import Corpus, CorpusStore, folder_name
from songsmith.counting import count_of
from songsmith.errors import FetchError, NotFoundError, UsageError
from songsmith.paths import Paths

Answer = TypeVar("Answer")

_TRIES = 6
"""With half a second between requests, the last one comes about half a minute after the first."""
_LONGEST_WAIT_S = 300.0
"""A source that asks to wait for longer ends the run."""
_FAILURES_IN_A_ROW = 3
"""After this many unreadable pages in a row, the run ends: the source has changed, not the songs."""


@dataclass(frozen=True, kw_only=True)
class FetchOptions:
    """How to fetch, and into which corpus."""

    corpus: str = ""
    """Name of the corpus; empty: that of the artist."""
    max_songs: int | None = None
    """Stop when this many songs of an artist or album are in the corpus, those of earlier runs included."""
    order: SongOrder = SongOrder.POPULARITY
    """Which songs come first."""
    include_features: bool = False
    """Whether to include songs of others in which the artist takes part."""

    def __post_init__(self) -> None:
        if self.corpus:
            folder_name(self.corpus)
        if self.max_songs is not None and self.max_songs < 1:
            raise UsageError(f"--max-songs {self.max_songs} is out of range.", "Use --max-songs 1 or more.")


class FetchTally:
    """The counts of a fetch so far."""

    def __init__(self, name: str = "", corpus: str = "") -> None:
        """Begin with zero."""
        self.name, self.corpus = name, corpus
        self.found = 0
        """Songs in the source's list, as far as it is known."""
        self.listed: int | None = None
        """Songs in the source's list, once it is known completely."""
        self.kept = 0
        """Songs that are new in the corpus."""
        self.held = 0
        """Songs that were in the corpus before."""
        self.skipped: Counter[str] = Counter()
        """How many songs have no lyrics there, by reason."""
        self.failed = 0
        """Songs that the source should have, but that could not be fetched."""

    @property
    def seen(self) -> int:
        """Songs that have been processed."""
        return self.kept + self.held + self.failed + self.skipped.total()

    def add(self, event: FetchEvent) -> None:
        """Count an event."""
        match event:
            case SongsListed():
                self.found = event.songs
                self.listed = event.songs if event.whole else None
            case SongKept():
                self.kept += 1
            case SongHeld():
                self.held += 1
            case SongSkipped(failed=True):
                self.failed += 1
            case SongSkipped():
                self.skipped[event.reason] += 1


def open_source(name: SourceName, paths: Paths) -> LyricSource:
    """Return a source that is ready for requests.

    Raises:
        FetchError: it needs a token, and there is none.
    """
    match name:
        case SourceName.GENIUS:
            from songsmith.corpus.sites.credentials import Credentials
            from songsmith.corpus.sites.genius import GeniusSite, GeniusSource

            return GeniusSource(Credentials(paths).read(), GeniusSite.from_environment())
        case SourceName.LRCLIB:
            from songsmith.corpus.sites.lrclib import LrclibSite, LrclibSource

            return LrclibSource(LrclibSite.from_environment())


def fetch(
    paths: Paths, name: SourceName, wanted: Sequence[Wanted], options: FetchOptions
) -> Generator[FetchEvent, None, None]:
    """Fetch everything that is wanted from a source into corpora at `paths`; see `fetch_all`."""
    source = open_source(name, paths)
    try:
        yield from fetch_all(source, CorpusStore(paths), wanted, options)
    finally:
        source.close()


def fetch_all(
    source: LyricSource,
    corpora: CorpusStore,
    wanted: Sequence[Wanted],
    options: FetchOptions,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Generator[FetchEvent, None, None]:
    """Fetch one request after the other; what is not there is reported, and the others are fetched all the same.

    A song is on disk before its event is yielded. Stopped at any instant and started again, it continues: songs in the corpus
    are not fetched again. Songs without lyrics are, by the next run, since somebody may have added them.

    Raises:
        FetchError: something was not there, or the source cannot be reached.
        UsageError: the only artist's name cannot be the name of a corpus.
        StorageError: the disk is full, or another program writes to the corpus.
    """
    failed = 0
    for one in wanted:
        try:
            yield from _fetch_one(source, corpora, one, options, RetryPolicy(pause_s=source.pause_s, sleep=sleep))
        except (UnavailableError, UsageError) as error:
            if len(wanted) == 1:
                raise
            failed += 1
            yield WantedFailed(why=str(error))
    if failed:
        raise FetchError(
            f"{failed} of {len(wanted)} couldn't be fetched.", "The reasons are above; the others are complete."
        )


def _fetch_one(
    source: LyricSource, corpora: CorpusStore, wanted: Wanted, options: FetchOptions, retries: "RetryPolicy"
) -> Generator[FetchEvent, None, None]:
    found = yield from _find(source, wanted, retries)
    name = options.corpus or found.artist
    yield ListFound(name=str(found), corpus=name)
    with _Destination(corpora, name, source) as corpus:
        held, failures = yield from _bring(source, found, corpus, options, retries)
    if failures and not held:
        raise UnavailableError(failures[-1].message, failures[-1].next_step)
    if not held:
        raise UnavailableError(
            f"{source.title} has no lyrics of {found}.",
            "Check the spelling of the name."
            if options.include_features or wanted.album or wanted.song
            else "--include-features also fetches songs by others that feature them.",
        )
    yield ListDone()


def _find(source: LyricSource, wanted: Wanted, retries: "RetryPolicy") -> Generator[FetchEvent, None, SongList]:
    """Return what the source has under a name, by the first artist it is found for."""
    each = [wanted.of(artist) for artist in wanted.artists] or [wanted]
    for one in each:
        try:
            return (yield from retries.ask(partial(source.find, one)))
        except BrokenPageError as error:  # it may be found for another artist
            raise UnavailableError(error.message, error.next_step) from error
        except UnavailableError:
            if one is each[-1]:
                raise
    raise AssertionError  # the loop returned or raised


def _bring(
    source: LyricSource, found: SongList, corpus: "_Destination", options: FetchOptions, retries: "RetryPolicy"
) -> Generator[FetchEvent, None, tuple[int, list[SongError]]]:
    """Fetch songs, and return how many of the list are in the corpus then, and the last failures in a row."""
    page: int | None = 1
    seen: set[str] = set()
    coming: deque[SourceSong] = deque()
    held = 0
    failures: list[SongError] = []
    while page is not None or coming:
        # Without a limit the whole list is read first: its order, and so its pages, may change while songs are fetched.
        if page is not None and (not coming or options.max_songs is None):
            listed = SongPage(songs=found.songs or (), next_page=None)
            if found.songs is None:
                listed = yield from retries.ask(partial(source.list_songs, found, page, options.order))
            for song in listed.songs:
                if song.id not in seen and (options.include_features or not song.is_feature):
                    seen.add(song.id)
                    coming.append(song)
            page = listed.next_page
            yield SongsListed(songs=len(seen), whole=page is None)
            continue
        song = coming.popleft()
        if corpus.holds(song):
            held += 1
            yield SongHeld(title=song.title)
        elif song.no_lyrics:
            yield SongSkipped(title=song.title, reason=song.no_lyrics)
        else:
            try:
                text = yield from retries.ask(partial(source.lyrics, song))
            except NoLyrics as nothing:
                yield SongSkipped(title=song.title, reason=str(nothing))
            except SongError as error:
                failures.append(error)
                if len(failures) == _FAILURES_IN_A_ROW:
                    raise
                yield SongSkipped(title=song.title, reason=error.message, failed=True)
                continue
            else:
                corpus.keep(song, text)
                held += 1
                yield SongKept(id=song.id, title=song.title, artist=song.artist)
            failures.clear()
        if held == options.max_songs:
            break
    return held, failures


class _Destination(AbstractContextManager["_Destination"]):
    """A corpus that is created with its first song; its lock is held until the end."""

    def __init__(self, corpora: CorpusStore, name: str, source: LyricSource) -> None:
        self._corpora, self._name, self._source = corpora, name, source
        self._stack = ExitStack()
        self._corpus: Corpus | None = None

    def __enter__(self) -> Self:
        try:
            folder_name(self._name)  # refuses an invalid name before anything is fetched
        except UsageError as error:
            raise UsageError(error.message, "Choose a name for it with --corpus NAME.") from error
        with suppress(NotFoundError):
            self._use(self._corpora.open(self._name))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def holds(self, song: SourceSong) -> bool:
        if self._corpus is None:
            return False
        return self._corpus.holds(song.id) or (self._source.repeats_songs and song.same in self._same)

    def keep(self, song: SourceSong, text: str) -> None:
        """Write a song to disk."""
        corpus = self._corpus or self._use(self._corpora.create(self._name))
        corpus.append([_record(song, text, self._source.name)])
        if self._source.repeats_songs:
            self._same.add(song.same)

    @cached_property
    def _same(self) -> set[tuple[str, str]]:
        """The artists and titles that were fetched from this source, whatever their numbers there."""
        records = self._corpus.raw() if self._corpus else iter(())
        return {same_song(record.artist, record.title) for record in records if record.source == self._source.name}

    def _use(self, corpus: Corpus) -> Corpus:
        self._stack.enter_context(corpus.writing())
        self._corpus = corpus
        return corpus


class RetryPolicy:
    """Repeats requests that failed in a way that may pass: waits twice as long each time, or as long as the source asks for."""

    def __init__(self, *, pause_s: float, sleep: Callable[[float], None]) -> None:
        """Wait by calling `sleep`: about twice `pause_s` seconds the first time."""
        self._pause_s = pause_s
        self._sleep = sleep

    def ask(self, request: Callable[[], Answer]) -> Generator[Waiting, None, Answer]:
        """Return what a request gives, made again while it fails in a way that may pass; yields an event before each wait.

        Raises:
            FetchError: it failed too often, or the source asks to wait for very long.
        """
        for attempt in range(1, _TRIES):
            try:
                return request()
            except PassingError as error:
                # A random factor keeps many clients that failed together from retrying together.
                seconds = self._pause_s * 2**attempt * random.uniform(0.75, 1.25) + error.retry_after_s
                if error.retry_after_s > _LONGEST_WAIT_S:
                    minutes = round(error.retry_after_s / 60)
                    raise FetchError(
                        error.message, f"Wait {count_of(minutes, 'minute')}, as it asks. {GO_ON}"
                    ) from error
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
        metadata={**song.metadata, FETCHED: True},
    )
