"""A rich console that passes every text through `safe_text`. Import it where it is used: it imports rich."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from songsmith.safe_text import printable


class GatedConsole(Console):
    """A console that lets no text drive the terminal: neither escapes nor what hides or turns text around."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as any console does, the text of each segment made safe; rich's own control codes stay."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)
