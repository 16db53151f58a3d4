"""The interfaces of logits processors and constraints. Processors run on the host, one set for each sequence."""

from collections.abc import Sequence
from typing import Protocol, Self

from songsmith.generation.processors.bias import LogitsBias
from songsmith.lyric_reader import LyricReader


class LogitsProcessor(Protocol):
    """Decides which tokens a sequence may draw next, and how likely they are made.

    A processor checks its own options once, when it is made, and holds the state of one sequence. That state may only depend on
    the tokens it was made with and has accepted: so the same song comes of the same seed, and a fork goes on as its original.
    """

    def process(self, bias: LogitsBias, lyric: LyricReader) -> None:
        """Mask, bias or penalise tokens for the next draw.

        Args:
            bias: is empty before the first processor of a step writes to it.
            lyric: what the sequence has written so far, as text. Not to be changed.
        """
        ...

    def accept(self, token: int) -> None:
        """Take note of the next token of the sequence, whether it was drawn or forced."""
        ...

    def fork(self) -> Self:
        """Return a processor with the same state that goes on independently of this one."""
        ...


class LineConstraint(LogitsProcessor, Protocol):
    """A processor that can also force tokens, and have a line written again."""

    def next_tokens(self, lyric: LyricReader) -> Sequence[int]:
        """Return tokens that must come next; they are read without a draw. Asked whenever no forced tokens are left.

        Of several constraints that force tokens at one place, the first is obeyed.
        """
        ...

    def rejects_line(self, line: str, tries: int) -> bool:
        """Return whether a line that has just ended is to be withdrawn and written again, with new random numbers.

        Args:
            line: its text, with what the prompt says of it.
            tries: how often a line was withdrawn at this place. A constraint that never gives up writes for ever; at temperature
                0 a new try writes the same line, unless the constraint masks something else.
        """
        ...


class StatelessProcessor:
    """A processor that depends on nothing but the lyric."""

    def accept(self, token: int) -> None:
        """Take note of nothing."""

    def fork(self) -> Self:
        """Return this processor: there is no state to part."""
        return self
