"""How much songs repeat themselves and each other. Pure: song texts in, numbers out."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import chain
from statistics import fmean

from songsmith.lyrics import parse

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def split_words(line: str) -> list[str]:
    """Return the words of a line, whatever their case, without punctuation; apostrophes inside a word stay."""
    return _WORD.findall(unicodedata.normalize("NFC", line).casefold().replace("’", "'"))


def split_lines(text: str) -> list[list[str]]:
    """Return the words of each line of a song text. Headers, and lines without a word, are none."""
    return [words for line in parse(text).lines if (words := split_words(line.text))]


def word_runs(words: list[str], length: int) -> Iterator[tuple[str, ...]]:
    """Return every run of so many words, from first to last; words that are fewer have none."""
    return zip(*(words[start:] for start in range(length)), strict=False)


def distinct_2(texts: Sequence[str]) -> float:
    """Return the share of different ones among all word bigrams (distinct-2 of Li et al. 2016); 0 if there is none.

    A bigram lies within a line. The more text, the lower the share: compare only as many samples, equally long.
    """
    pairs = list(chain.from_iterable(word_runs(words, 2) for text in texts for words in split_lines(text)))
    return len(set(pairs)) / max(1, len(pairs))


def repeated_lines(texts: Sequence[str]) -> float:
    """Return the share of lines that stood in the same text before, word for word; 0 if there is no line."""
    lines = repeated = 0
    for text in texts:
        found = [tuple(words) for words in split_lines(text)]
        lines += len(found)
        repeated += len(found) - len(set(found))
    return repeated / max(1, lines)


def repeated_4grams(texts: Sequence[str]) -> float:
    """Return the share of word 4-grams that stood in the same text before, as the mean of the texts.

    It is seq-rep-4 of Welleck et al. 2020, on words: runs go on over the ends of lines, and texts with none are left out.
    """
    runs = [list(word_runs(list(chain.from_iterable(split_lines(text))), 4)) for text in texts]
    shares = [1 - len(set(found)) / len(found) for found in runs if found]
    return fmean(shares) if shares else 0.0
