"""The draft on screen: a text area that tells a model's lines from a person's and follows a take as it grows."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets import TextArea
from textual.widgets.text_area import Location

from songsmith.lyrics import Author, parse_header
from songsmith.studio.draft import edited_span


class DraftEditor(TextArea):
    """Edits the draft's text."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"draft-editor--model"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+home", "go_to_start", "Start of the song", show=False),
        Binding("ctrl+end", "go_to_end", "End of the song", show=False),
        # The draft's undo, which knows takes and versions, in place of the text area's own.
        Binding("ctrl+z,super+z", "screen.undo", "Undo"),
        Binding("ctrl+y,super+y", "screen.redo", "Redo", show=False),
    ]

    def __init__(self, authors: Callable[[], Sequence[Author]], *, id: str) -> None:
        """Show an empty draft.

        Args:
            authors: who wrote each row of the draft.
            id: the widget's id.
        """
        super().__init__(
            id=id, soft_wrap=True, show_line_numbers=False, highlight_cursor_line=False,
            placeholder="Write a line, then press ctrl+g for more.",
        )  # fmt: skip
        self._authors = authors

    def get_line(self, line_index: int) -> Text:
        """Colour headers, and the lines a model wrote."""
        line = super().get_line(line_index)
        authors = self._authors()
        if parse_header(line.plain.strip()) is not None:
            line.stylize("bold")
        elif line_index < len(authors) and authors[line_index] is Author.MODEL:
            line.stylize(self.get_component_rich_style("draft-editor--model", partial=True))
        return line

    def action_go_to_start(self) -> None:
        """Move the cursor to the first row."""
        self.move_cursor((0, 0))

    def action_go_to_end(self) -> None:
        """Move the cursor behind the last word."""
        self.move_cursor(self.document.end)

    @property
    def row(self) -> int:
        """The row the cursor is in."""
        return self.cursor_location[0]

    def location(self, offset: int) -> Location:
        """Return row and column of an offset into the text."""
        before = self.text[:offset]
        return before.count("\n"), offset - (before.rfind("\n") + 1)

    def show(self, text: str) -> None:
        """Make the text `text` by editing only what differs, so that the cursor stays with its words."""
        shown = self.text
        if shown == text:
            return
        start, end = edited_span(shown, text)
        inserted = text[start : end + len(text) - len(shown)]
        self.replace(inserted, self.location(start), self.location(end), maintain_selection_offset=True)
