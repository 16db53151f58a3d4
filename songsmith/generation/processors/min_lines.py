"""Keep a song, or a section that is to be finished, from ending before it has enough lines."""

from songsmith.generation.options import GenerationOptions
from songsmith.generation.processors.bias import LogitsBias
from songsmith.generation.processors.protocol import StatelessProcessor
from songsmith.generation.token_classes import TokenMask
from songsmith.lyric_reader import LyricReader

_END, _SECTIONS = int(TokenMask.END), int(TokenMask.SECTIONS)


class MinLines(StatelessProcessor):
    """Masks the ends of songs and sections until `min_lines` lines are finished."""

    def __init__(self, options: GenerationOptions) -> None:
        """Take `min_lines`, `stop_at_section` and `stay_in_section`."""
        self._min_lines = options.min_lines
        self._first_section = _SECTIONS if options.stay_in_section else 0
        self._later_sections = _SECTIONS if options.stop_at_section else 0

    def process(self, bias: LogitsBias, lyric: LyricReader) -> None:
        """Mask what would end the song, and what would end a section that more lines are wanted in."""
        if lyric.finished_lines < self._min_lines:
            is_start = lyric.finished_lines == 0 and lyric.sections_begun == 0
            bias.classes |= _END | (self._first_section if is_start else self._later_sections)
