"""Constraints to try the decoding loop with: one for each thing that a constraint can ask for."""

from collections.abc import Sequence
from copy import copy
from typing import Self

from songsmith.generation.processors.bias import LogitsBias
from songsmith.generation.processors.protocol import StatelessProcessor
from songsmith.lyric_reader import LyricReader
from songsmith.model.tokenizer import Tokenizer


class WithoutLetter(StatelessProcessor):
    """Has every line with a letter in it written again, a number of times."""

    def __init__(self, letter: str, tries: int) -> None:
        self.letter, self.tries = letter, tries

    def process(self, bias: LogitsBias, lyric: LyricReader) -> None:
        """Ask nothing of a single token."""

    def next_tokens(self, lyric: LyricReader) -> Sequence[int]:
        return ()

    def rejects_line(self, line: str, tries: int) -> bool:
        return tries < self.tries and self.letter in line


class EndsIn:
    """Ends every line after some tokens with the same words, which it forces."""

    def __init__(self, tokenizer: Tokenizer, words: str, after: int) -> None:
        self._ending, self._after = tokenizer.encode(f"{words}\n"), after
        self._line_ends = set(tokenizer.line_end_ids())
        self._marks = set(tokenizer.id_of_mark.values())
        self._count = 0

    def process(self, bias: LogitsBias, lyric: LyricReader) -> None:
        bias.mask(sorted(self._line_ends))  # no line ends but as it should

    def next_tokens(self, lyric: LyricReader) -> Sequence[int]:
        return self._ending if self._count >= self._after else ()

    def rejects_line(self, line: str, tries: int) -> bool:
        return False

    def accept(self, token: int) -> None:
        self._count = 0 if token in self._line_ends or token in self._marks else self._count + 1

    def fork(self) -> Self:
        return copy(self)
