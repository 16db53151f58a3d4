"""The songs to train on: those of a corpus that match filters, each with its number of copies."""

import hashlib
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from songsmith.corpus.filters import Filter, FilterSet
from songsmith.corpus.storage.store import Corpus
from songsmith.errors import TrainingError, UsageError

if TYPE_CHECKING:
    from songsmith.training.dataset import TrainingSong


@dataclass(frozen=True, kw_only=True)
class SongChoice:
    """Which songs to train on, and how often each is read in an epoch."""

    corpus: str | None = None
    """Name; None for the only corpus, or the one that changed last."""
    filters: tuple[str, ...] = ()
    """Conditions that a song must match, such as `form=stanzaic`."""
    copies: tuple[str, ...] = ()
    """Conditions, and how often matching songs are read, such as `kind=song:2`; of several, the highest number counts."""
    max_songs: int | None = None
    """Maximum number of songs, the first ones; None for all."""


def describe_choice(choice: SongChoice) -> str:
    """Return a choice of songs as a phrase, for a manifest."""
    parts = [f"songs of the corpus '{choice.corpus}'"]
    if choice.filters:
        parts.append(f"with {', '.join(choice.filters)}")
    if choice.copies:
        parts.append(f"read as often as {', '.join(choice.copies)} says")
    if choice.max_songs is not None:
        parts.append(f"the first {choice.max_songs}")
    return ", ".join(parts)


def read_songs(corpus: Corpus, choice: SongChoice) -> "list[TrainingSong]":
    """Return the chosen songs of a corpus, in its order.

    Raises:
        TrainingError: the corpus was never cleaned, or no song matches.
        UsageError: a condition is not valid.
    """
    from songsmith.training.dataset import TrainingSong

    if not corpus.has_clean:
        raise TrainingError(
            f"Corpus '{corpus.name}' has not been cleaned yet.",
            f"Clean it first: songsmith clean {shlex.quote(corpus.name)}",
        )
    filter_set = FilterSet([Filter.parse(text) for text in choice.filters])
    copies = [_parse_copies(text) for text in choice.copies]
    songs: list[TrainingSong] = []
    counted = FilterSet([condition for condition, _ in copies])
    for record in corpus.clean():
        if choice.max_songs is not None and len(songs) >= choice.max_songs:
            break
        if filter_set.accepts(record):
            counted.accepts(record)
            times = max((times for condition, times in copies if condition.matches(record)), default=1)
            songs.append(TrainingSong(id=record.id, song=record.song, copies=times, source=record.source))
    else:  # every song was read: a field that none of them has is misspelt
        filter_set.check()
        counted.check()
    if not songs:
        reason = "has no songs" if not choice.filters else "has no song that meets the conditions"
        raise TrainingError(
            f"The corpus '{corpus.name}' {reason}.", f"See: songsmith corpus show {shlex.quote(corpus.name)}"
        )
    return songs


def _parse_copies(text: str) -> tuple[Filter, int]:
    condition, _, times = text.rpartition(":")
    if not condition or not times.isdecimal() or not 1 <= int(times) <= 100:
        raise UsageError(f"--copies {text} isn't valid.", "Write it like kind=song:2.")
    return Filter.parse(condition), int(times)


def hash_songs(songs: "Sequence[TrainingSong]") -> str:
    """Return the SHA-256 of songs as training sees them: ids, titles, artists, words and copies, in order."""
    digest = hashlib.sha256()
    for song in songs:
        values = [song.id, song.song.title, song.song.artist, song.copies]
        values += [[section.kind, *(line.text for line in section.lines)] for section in song.song.sections]
        digest.update(json.dumps(values, ensure_ascii=True).encode() + b"\n")
    return digest.hexdigest()
