"""A filter for everything that is drawn: no text of any widget controls the terminal, hides in a row or reverses it."""

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from songsmith.safe_text import printable


class TextGate(LineFilter):
    """Cleans each row of a widget as it is drawn. What it takes has no width, so everything stays where it was laid out."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the row with only what may be shown."""
        return [
            segment if segment.control else Segment(printable(segment.text).replace("\n", ""), segment.style)
            for segment in segments
        ]
