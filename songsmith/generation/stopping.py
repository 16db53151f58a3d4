"""When a take ends: at the end of its song or section, or at a limit of lines or tokens."""

from collections.abc import Set

from songsmith.generation.options import GenerationOptions
from songsmith.generation.token_classes import TokenClasses
from songsmith.lyric_reader import LyricReader
from songsmith.markup import MarkupFormat
from songsmith.takes import FinishReason


class StoppingRules:
    """The stopping rules of one take. They hold no state."""

    def __init__(self, options: GenerationOptions, classes: TokenClasses) -> None:
        """Take `max_new_tokens`, `max_lines`, `min_lines` and `stop_at_section`, and the tokens that end a song or a section."""
        self._options = options
        self._ends = classes.ends
        self._section_marks: Set[int] = classes.sections if options.stop_at_section else frozenset()
        # A plain model ends its section with a blank line; before min_lines that only begins another stanza.
        self._stops_at_blank_line = options.stop_at_section and classes.format is MarkupFormat.PLAIN

    def before_reading(self, token: int, lyric: LyricReader) -> FinishReason | None:
        """Return why a token ends the take instead of becoming part of it; None where it does not."""
        if token in self._ends:
            return FinishReason.END_OF_SONG
        if token in self._section_marks and lyric.finished_lines:
            return FinishReason.END_OF_SECTION
        return None

    def after_reading(self, tokens: int, lyric: LyricReader, *, section_began: bool) -> FinishReason | None:
        """Return why the take ends behind a token; None where it goes on.

        Args:
            tokens: of the take so far.
            lyric: has read the token.
            section_began: whether a section began with it.
        """
        options = self._options
        if options.max_lines and lyric.finished_lines >= options.max_lines:
            return FinishReason.MAX_LINES
        if self._stops_at_blank_line and section_began and lyric.finished_lines >= max(1, options.min_lines):
            return FinishReason.END_OF_SECTION
        if tokens >= options.max_new_tokens:
            return FinishReason.MAX_TOKENS
        return None
