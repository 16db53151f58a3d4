"""Masks tokens that mean nothing in the model's format: reserved marks, and outputs that the tokenizer has no entry for."""

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
