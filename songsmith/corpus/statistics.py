"""What a corpus is like, in numbers. Counts songs it is handed; reads no file."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from songsmith.lyrics import Song

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


@dataclass(frozen=True, kw_only=True)
class CorpusStatistics:
    """Counts over all songs of a corpus."""

    songs: int
    artists: int
    """Different artists that are named."""
    lines: int
    words: int
    vocabulary: int
    """Different words, whatever their case."""
    bytes: int
    """Of the lines in UTF-8, without line breaks."""
    stanzas: Mapping[str, int]
    """How many there are of each kind, the most frequent first."""
    lines_a_stanza: Mapping[int, int]
    """How many stanzas have so many lines."""
    repeated_lines: tuple[tuple[str, int], ...]
    """The lines that stand there most often, and how often; each more than once."""

    @property
    def mean_lines_a_stanza(self) -> float:
        """The mean length of a stanza in lines."""
        return self.lines / (sum(self.stanzas.values()) or 1)


class StatisticsCounter:
    """Counts songs one after the other."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._songs = self._words = self._bytes = 0
        self._artists: set[str] = set()
        self._vocabulary: set[str] = set()
        self._kinds: Counter[str] = Counter()
        self._lengths: Counter[int] = Counter()
        self._lines: Counter[str] = Counter()

    def add(self, song: Song) -> None:
        """Count a song."""
        self._songs += 1
        if song.artist:
            self._artists.add(song.artist.casefold())
        for section in song.sections:
            if section.lines:
                self._kinds[section.kind.value] += 1
                self._lengths[len(section.lines)] += 1
        for line in song.lines:
            words = _WORD.findall(line.text.lower())
            self._words += len(words)
            self._vocabulary.update(words)
            self._bytes += len(line.text.encode("utf-8", "replace"))
            self._lines[line.text] += 1

    def finish(self, *, repeated_lines: int = 10) -> CorpusStatistics:
        """Return what it came to, with at most so many repeated lines."""
        return CorpusStatistics(
            songs=self._songs, artists=len(self._artists), lines=self._lines.total(), words=self._words,
            vocabulary=len(self._vocabulary), bytes=self._bytes, stanzas=dict(self._kinds.most_common()),
            lines_a_stanza=dict(sorted(self._lengths.items())),
            repeated_lines=tuple(row for row in self._lines.most_common(repeated_lines) if row[1] > 1),
        )  # fmt: skip
