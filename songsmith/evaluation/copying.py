"""What samples copy verbatim from songs. Exact; keeps the samples in memory, but not the songs."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain

from songsmith.evaluation.diversity import split_lines, word_runs

VERBATIM_WORDS = 8
"""A run of at least this many words that is also in a song counts as copied; shorter ones are common speech."""


class VerbatimSearch:
    """Finds runs of words that samples share with songs, which are compared one by one.

    Case, punctuation and line ends are ignored; a run lies within one sample and one song.
    """

    def __init__(self, samples: Sequence[str]) -> None:
        """Index the song texts of the samples."""
        self.words = 0
        """Words in all samples."""
        self.longest_words = 0
        """Words in the longest run found so far; 0 if none has VERBATIM_WORDS."""
        self._copied: set[int] = set()
        # Where each run of VERBATIM_WORDS begins, in words from the start of the first sample.
        self._places: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for sample in samples:
            words = list(chain.from_iterable(split_lines(sample)))
            for place, run in enumerate(word_runs(words, VERBATIM_WORDS)):
                self._places[run].append(self.words + place)
            self.words += len(words)

    @property
    def share(self) -> float:
        """Fraction of the samples' words inside the runs found so far, 0 to 1."""
        return self._copied_words / max(1, self.words)

    @property
    def _copied_words(self) -> int:
        covered = end = 0
        for start in sorted(self._copied):
            covered += start + VERBATIM_WORDS - max(start, end)
            end = start + VERBATIM_WORDS
        return covered

    def compare(self, text: str) -> None:
        """Find runs of the samples in one song text."""
        # Words in the run that ends here, by where its last VERBATIM_WORDS begin in the samples.
        before: dict[int, int] = {}
        for run in word_runs(list(chain.from_iterable(split_lines(text))), VERBATIM_WORDS):
            if places := self._places.get(run):
                before = {place: before.get(place - 1, VERBATIM_WORDS - 1) + 1 for place in places}
                self._copied.update(before)
                self.longest_words = max(self.longest_words, *before.values())
            elif before:
                before = {}
