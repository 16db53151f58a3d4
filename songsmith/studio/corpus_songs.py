"""Select songs of a corpus, and write them as JSON. Changes nothing."""

import hashlib
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from heapq import nlargest

from songsmith.corpus.filters import Filter, FilterSet
from songsmith.corpus.records import CleanRecord, RawRecord
from songsmith.corpus.storage.store import Corpus
from songsmith.errors import NotFoundError, UsageError
from songsmith.lyrics import one_line
from songsmith.safe_text import json_row as json_row
from songsmith.studio.corpora import SongsRead

_SONGS_A_REPORT = 500
_NEAR_ENOUGH = 0.6


@dataclass(frozen=True, kw_only=True)
class SongsWanted:
    """Which songs of a corpus are wanted."""

    filters: Sequence[Filter] = ()
    """Conditions that each meets."""
    max_songs: int | None = None
    """At most this many."""
    raw: bool = False
    """The raw songs, even if there are clean ones."""


def read_wanted(corpus: Corpus, wanted: SongsWanted) -> Iterator[SongsRead | RawRecord | CleanRecord]:
    """Yield songs, the clean ones if there are any, else the raw ones; and now and then how many have been read.

    Raises:
        UsageError: no song meets the filters, or none has a field that they name.
    """
    if wanted.max_songs is not None and wanted.max_songs < 1:
        raise UsageError(f"--max-songs {wanted.max_songs} is out of range.", "Use --max-songs 1 or more.")
    raw = wanted.raw or not corpus.has_clean
    total = corpus.raw_records if raw else corpus.sizes().clean_records
    filter_set = FilterSet(wanted.filters)
    taken = 0
    songs: Iterator[RawRecord | CleanRecord] = corpus.raw() if raw else corpus.clean()
    for count, record in enumerate(songs, 1):
        if filter_set.accepts(record):
            taken += 1
            yield record
        if taken == wanted.max_songs:
            return  # not all have been read
        if count % _SONGS_A_REPORT == 0:
            yield SongsRead(count=count, total=total)
    filter_set.check()
    if wanted.filters and not taken:
        raise UsageError(
            f"No song in corpus '{corpus.name}' matches {' and '.join(map(str, wanted.filters))}.",
            "Loosen the filters.",
        )


def find_song(corpus: Corpus, id: str) -> tuple[RawRecord, CleanRecord | None]:
    """Return a raw song, and its clean record if there is one.

    Raises:
        NotFoundError: there is none with this id; the message names the nearest ids and titles.
    """
    song = next((song for song in corpus.raw() if song.id == id), None)
    if song is None:
        raise _no_such_song(corpus, id)
    clean = corpus.clean() if corpus.has_clean else iter(())
    return song, next((song for song in clean if song.id == id), None)


def why_set_aside(corpus: Corpus, id: str) -> str:
    """Return why a song was set aside; empty if it was not."""
    return next((aside.reason for aside in corpus.set_aside() if aside.id == id), "")


def draw_ids(ids: Sequence[str], *, share: float, seed: int) -> frozenset[str]:
    """Return a share of some ids, at least one and not all: the same for the same ids and seed, whatever their order.

    Raises:
        UsageError: the share is not between 0 and 1, or there are fewer than two ids.
    """
    if not 0 < share < 1:
        raise UsageError(f"A share of {share:g} doesn't leave two parts.", "Use one between 0 and 1, such as 0.1.")
    if len(ids) < 2:
        raise UsageError("A corpus with fewer than two songs can't be split.", "Import or fetch more songs.")
    ranked = sorted(ids, key=lambda id: hashlib.sha256(f"{seed}:{id}".encode("utf-8", "surrogatepass")).digest())
    return frozenset(ranked[: min(max(1, round(share * len(ids))), len(ids) - 1)])


def _no_such_song(corpus: Corpus, id: str) -> NotFoundError:
    if reason := why_set_aside(corpus, id):
        return NotFoundError(
            f"'{id}' was set aside when it was imported: {reason}.", "Fix it at its source, then import it again."
        )
    matcher = SequenceMatcher(b=id.casefold(), autojunk=False)

    def likeness(name: str) -> float:
        matcher.set_seq1(name.casefold())
        hopeless = matcher.real_quick_ratio() < _NEAR_ENOUGH or matcher.quick_ratio() < _NEAR_ENOUGH
        return 0.0 if hopeless else matcher.ratio()

    near = nlargest(3, ((max(likeness(song.id), likeness(song.title)), song.id, song.title) for song in corpus.raw()))
    likely = [f"{known} ({one_line(title) or 'Untitled'})" for share, known, title in near if share >= _NEAR_ENOUGH]
    step = f"Find its id with: songsmith corpus search WORDS --corpus {shlex.quote(corpus.name)}"
    if likely:
        step = f"Did you mean {' or '.join(likely)}?"
    return NotFoundError(f"There is no song '{id}' in corpus '{corpus.name}'.", step)
