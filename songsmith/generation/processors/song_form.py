"""Keep to the form that the prompt began: an open line gets a word, and a song has one title, at its start."""

from copy import copy
from typing import Self

from songsmith.generation.processors.bias import LogitsBias
from songsmith.generation.token_classes import TokenMask
from songsmith.lyric_reader import LyricReader
from songsmith.markup import Prompt

_FORM, _TITLES = int(TokenMask.FORM), int(TokenMask.TITLES)


class SongForm:
    """Masks what the place in the song does not allow."""

    def __init__(self, prompt: Prompt) -> None:
        """Look at the prompt."""
        self._open_line = prompt.open_line
        self._titled = bool(prompt.song.title or prompt.song.sections)

    def process(self, bias: LogitsBias, lyric: LyricReader) -> None:
        """Mask all marks and line ends right behind an open line, and titles once there is a title or a section."""
        if self._open_line:
            bias.classes |= _FORM
        if self._titled or lyric.sections_begun:
            bias.classes |= _TITLES

    def accept(self, token: int) -> None:
        """Take note that the open line has a word."""
        self._open_line = False

    def fork(self) -> Self:
        """Return a processor with the same state."""
        return copy(self)
