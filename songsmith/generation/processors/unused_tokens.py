"""Mask tokens without a meaning in the model's format: reserved marks, and outputs without a tokenizer entry."""

from songsmith.generation.processors.bias import LogitsBias
from songsmith.generation.processors.protocol import StatelessProcessor
from songsmith.generation.token_classes import TokenMask
from songsmith.lyric_reader import LyricReader

_UNUSED = int(TokenMask.UNUSED)


class UnusedTokens(StatelessProcessor):
    """Never lets a token without a meaning be drawn."""

    def process(self, bias: LogitsBias, lyric: LyricReader) -> None:
        """Mask `TokenMask.UNUSED`, always."""
        bias.classes |= _UNUSED
