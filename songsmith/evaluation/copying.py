"""What samples have word for word from songs. Exact; keeps the samples, and of the songs nothing."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain

from songsmith.evaluation.diversity import split_lines, word_runs

VERBATIM_WORDS = 8
"""A run of this many words that also stands in another song is called copied; shorter ones are common speech."""


class VerbatimSearch:
    """Looks for runs of words that samples share with songs, handed to it one by one.

    Case, punctuation and line ends do not matter; a run lies within one sample and one song.
    """

    def __init__(self, samples: Sequence[str]) -> None:
        """Take the song texts of the samples."""
        self.words = 0
        """Words of all samples."""
        self.longest_words = 0
        """Words in the longest run found so far; 0 if none has VERBATIM_WORDS."""
        self._copied: set[int] = set()
        # Where each run of that many words begins; words are counted on from sample to sample.
        self._places: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for sample in samples:
            words = list(chain.from_iterable(split_lines(sample)))
            for place, run in enumerate(word_runs(words, VERBATIM_WORDS)):
                self._places[run].append(self.words + place)
            self.words += len(words)

    @property
    def share(self) -> float:
        """Share of the samples' words that lie in runs found so far."""
        return self._copied_words / max(1, self.words)

    @property
    def _copied_words(self) -> int:
        covered = end = 0
        for start in sorted(self._copied):
            covered += start + VERBATIM_WORDS - max(start, end)
            end = start + VERBATIM_WORDS
        return covered

    def compare(self, text: str) -> None:
        """Look for runs of the samples in one song text."""
        before: dict[
            int, int
        ] = {}  # words in the run up to here, by where its last VERBATIM_WORDS begin in the samples
        for run in word_runs(list(chain.from_iterable(split_lines(text))), VERBATIM_WORDS):
            if places := self._places.get(run):
                before = {place: before.get(place - 1, VERBATIM_WORDS - 1) + 1 for place in places}
                self._copied.update(before)
                self.longest_words = max(self.longest_words, *before.values())
            elif before:
                before = {}
