"""Statistics of a corpus. Counts songs it is given; reads no file, and is told by its caller how lines sound."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any, Protocol

from songsmith.corpus.frequent import FrequentCounter
from songsmith.headers import SectionKind
from songsmith.lyrics import Section, Song
from songsmith.words import WORD

# What ends a line is often another comma; the words are the same.
_TAIL = " ,;:.!—-"
_LETTERS = {
    SectionKind.INTRO: "I", SectionKind.VERSE: "V", SectionKind.PRECHORUS: "P", SectionKind.CHORUS: "C",
    SectionKind.BRIDGE: "B", SectionKind.OUTRO: "O",
}  # fmt: skip
_RHYME_REACH_LINES = 4
_LONGEST_SCHEME_LINES = 8
_LONGEST_LINE_SYLLABLES = 40
_LINES_REMEMBERED = 250_000
_SHAPES_REMEMBERED = 50_000
_TOP = 10


class HeardLine(Protocol):
    """How a line sounds."""

    @property
    def syllables(self) -> int:
        """How many syllables it has."""

    @property
    def end_word(self) -> str | None:
        """Its last word, if it has one."""

    @property
    def rhyme_part(self) -> tuple[str, ...]:
        """The phones that it rhymes on; empty where they are not known."""

    @property
    def foreign(self) -> bool:
        """Whether its syllables are a rough count."""


Often = tuple[tuple[str, int], ...]
"""The most frequent, with their counts."""


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
    """How many sections with lines there are of each kind, the most frequent first."""
    lines_a_stanza: Mapping[int, int]
    """How many sections of any kind have this many lines."""
    lines_a_verse: Mapping[int, int]
    """How many verses have this many lines."""
    syllables_a_line: Mapping[int, int]
    """How many lines have this many syllables. A line that cannot be counted, such as one in another script, is left out."""
    mean_syllables_a_verse: float
    """Of the verses whose lines can all be counted."""
    verse_shapes: Often
    """The syllables of each line of a verse, as in `8-6-8-6`, of verses with two to eight lines."""
    rhyme_density: float | None
    """Share of the lines, of those whose last sounds are known, that rhyme with another of their stanza within four lines: the
    last words differ, and sound alike from the last stressed vowel on. None where no last sounds are known."""
    rhyme_schemes: Often
    """Which lines of a stanza with two to eight of them sound alike at the end, as in `ABAB`; a word repeated does."""
    forms: Often
    """The sections of a song: I intro, V verse, P pre-chorus, C chorus, B bridge, O outro; more than three alike, `V×5`."""
    repeated_lines: Often
    """The most frequent lines with their counts, each more than once. Punctuation at the end is ignored."""
    repeated_lines_slack: int
    """How much those counts may be too low at most; more than 0 only where there are too many lines to remember."""

    @property
    def mean_lines_a_stanza(self) -> float:
        """The mean length of a section in lines."""
        return mean(self.lines_a_stanza)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values, the means among them."""
        return asdict(self) | {
            "mean_words_a_song": self.words / (self.songs or 1),
            "mean_lines_a_song": self.lines / (self.songs or 1),
            "mean_lines_a_stanza": self.mean_lines_a_stanza,
            "mean_lines_a_verse": mean(self.lines_a_verse),
            "mean_syllables_a_line": mean(self.syllables_a_line),
        }


class StatisticsCounter:
    """Counts songs one by one.

    Its memory grows only with the number of different words and artists: of lines, forms and shapes the rarest are
    dropped when there are too many.
    """

    def __init__(self, hear: Callable[[str], HeardLine]) -> None:
        """Begin with nothing counted; `hear` returns how a line sounds."""
        self._hear = hear
        self._songs = self._words = self._bytes = self._lines = 0
        self._artists: set[str] = set()
        self._vocabulary: set[str] = set()
        self._kinds: Counter[str] = Counter()
        self._lengths: Counter[int] = Counter()
        self._verse_lengths: Counter[int] = Counter()
        self._syllables: Counter[int] = Counter()
        self._verse_syllables: Counter[int] = Counter()
        self._ends_heard = self._rhyming = 0
        self._repeated = FrequentCounter(_LINES_REMEMBERED)
        self._shapes, self._schemes, self._forms = (FrequentCounter(_SHAPES_REMEMBERED) for _ in range(3))

    def add(self, song: Song) -> None:
        """Count a song."""
        self._songs += 1
        if song.artist:
            self._artists.add(song.artist.casefold())
        known: dict[str, HeardLine] = {}  # a chorus that comes back is looked up once
        for section in song.sections:
            if section.lines:
                self._add_section(section, known)
        if form := write_form(song):
            self._forms.add(form)

    def _add_section(self, section: Section, known: dict[str, HeardLine]) -> None:
        self._kinds[section.kind.value] += 1
        self._lengths[len(section.lines)] += 1
        heard = []
        for line in section.lines:
            words = WORD.findall(line.text.lower())
            self._lines += 1
            self._words += len(words)
            self._vocabulary.update(words)
            self._bytes += len(line.text.encode("utf-8", "replace"))
            if words:
                self._repeated.add(line.text.rstrip(_TAIL))
            sound = known.get(line.text)
            if sound is None:
                sound = known[line.text] = self._hear(line.text)
            heard.append(sound)
        self._add_sounds(heard, is_verse=section.kind is SectionKind.VERSE)

    def _add_sounds(self, heard: Sequence[HeardLine], *, is_verse: bool) -> None:
        counts = [sound.syllables for sound in heard if _can_be_counted(sound)]
        self._syllables.update(counts)
        rhyming = find_rhymes(heard)
        self._rhyming += sum(rhyming)
        self._ends_heard += sum(bool(sound.rhyme_part) for sound in heard)
        short = 2 <= len(heard) <= _LONGEST_SCHEME_LINES
        if short and all(sound.rhyme_part for sound in heard):
            self._schemes.add(write_scheme(heard))
        if is_verse:
            self._verse_lengths[len(heard)] += 1
            if len(counts) == len(heard):
                self._verse_syllables[sum(counts)] += 1
                if short:
                    self._shapes.add("-".join(map(str, counts)))

    def finish(self) -> CorpusStatistics:
        """Return the statistics."""
        return CorpusStatistics(
            songs=self._songs, artists=len(self._artists), lines=self._lines, words=self._words,
            vocabulary=len(self._vocabulary), bytes=self._bytes, stanzas=dict(self._kinds.most_common()),
            lines_a_stanza=dict(sorted(self._lengths.items())),
            lines_a_verse=dict(sorted(self._verse_lengths.items())),
            syllables_a_line=dict(sorted(self._syllables.items())),
            mean_syllables_a_verse=mean(self._verse_syllables), verse_shapes=self._shapes.top(_TOP),
            rhyme_density=self._rhyming / self._ends_heard if self._ends_heard else None,
            rhyme_schemes=self._schemes.top(_TOP), forms=self._forms.top(_TOP),
            repeated_lines=tuple(row for row in self._repeated.top(_TOP) if row[1] > 1),
            repeated_lines_slack=self._repeated.slack,
        )  # fmt: skip


def write_form(song: Song) -> str:
    """Return the form of a song, such as `V-C-V-C-B-C`; empty sections are none."""
    letters = [_LETTERS[section.kind] for section in song.sections if section.lines]
    runs = [(letter, sum(1 for _ in run)) for letter, run in groupby(letters)]
    return "-".join(f"{letter}×{count}" if count > 3 else "-".join(letter * count) for letter, count in runs)


def find_rhymes(heard: Sequence[HeardLine]) -> list[bool]:
    """Return for each line of a stanza whether it rhymes with another within reach; a word does not with itself."""
    rhyming = [False] * len(heard)
    for first, second in _pairs_in_reach(len(heard)):
        one, other = heard[first], heard[second]
        if one.rhyme_part and one.rhyme_part == other.rhyme_part and one.end_word != other.end_word:
            rhyming[first] = rhyming[second] = True
    return rhyming


def write_scheme(heard: Sequence[HeardLine]) -> str:
    """Return a letter for each line of a stanza, the same for ends that sound alike: `ABCB`."""
    letters: dict[tuple[str, ...], str] = {}
    return "".join(letters.setdefault(sound.rhyme_part, chr(ord("A") + len(letters))) for sound in heard)


def mean(counts: Mapping[int, int]) -> float:
    """Return the mean of sizes, given how many there are of each; 0 where there are none."""
    return sum(size * count for size, count in counts.items()) / (sum(counts.values()) or 1)


def _pairs_in_reach(count: int) -> Iterator[tuple[int, int]]:
    return (
        (first, second)
        for first in range(count)
        for second in range(first + 1, min(first + _RHYME_REACH_LINES + 1, count))
    )


def _can_be_counted(sound: HeardLine) -> bool:
    return not sound.foreign and 1 <= sound.syllables <= _LONGEST_LINE_SYLLABLES
