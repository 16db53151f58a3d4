"""How much samples repeat themselves and each other. Pure: song texts in, numbers out."""

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import chain
from statistics import fmean

from songsmith.lyrics import parse
from songsmith.words import WORD


def split_words(line: str) -> list[str]:
    """Return the words of a line, case-folded and without punctuation; apostrophes inside a word stay."""
    return WORD.findall(unicodedata.normalize("NFC", line).casefold().replace("’", "'"))


def split_lines(text: str) -> list[list[str]]:
    """Return the words of each line of a song text, without headers and lines that have no word."""
    return [words for line in parse(text).lines if (words := split_words(line.text))]


def word_runs(words: list[str], length: int) -> Iterator[tuple[str, ...]]:
    """Return every run of `length` consecutive words, in order; none if there are fewer words."""
    return zip(*(words[start:] for start in range(length)), strict=False)


def distinct_2(texts: Sequence[str]) -> float:
    """Return the fraction of distinct word bigrams (distinct-2 of Li et al. 2016), 0 to 1; 0 if there is no bigram.

    A bigram lies within a line. The more text, the lower the value: compare only the same number of samples of one length.
    """
    pairs = list(chain.from_iterable(word_runs(words, 2) for text in texts for words in split_lines(text)))
    return len(set(pairs)) / max(1, len(pairs))


def repeated_lines(texts: Sequence[str]) -> float:
    """Return the fraction of lines that repeat an earlier line of the same text verbatim; 0 if there is no line."""
    lines = repeated = 0
    for text in texts:
        found = [tuple(words) for words in split_lines(text)]
        lines += len(found)
        repeated += len(found) - len(set(found))
    return repeated / max(1, lines)


def repeated_4grams(texts: Sequence[str]) -> float:
    """Return the fraction of word 4-grams that repeat an earlier one of the same text, as the mean over texts.

    It is seq-rep-4 of Welleck et al. 2020, on words: 4-grams cross line ends, and texts without any are left out.
    """
    runs = [list(word_runs(list(chain.from_iterable(split_lines(text))), 4)) for text in texts]
    shares = [1 - len(set(found)) / len(found) for found in runs if found]
    return fmean(shares) if shares else 0.0
