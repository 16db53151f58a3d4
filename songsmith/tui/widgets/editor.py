"""The draft on screen: a text area that tells a model's lines from a person's and follows a take as it grows."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import TextArea
from textual.widgets.text_area import Edit, EditResult, Location, Selection

from songsmith.lyrics import Author, parse_header
from songsmith.studio.draft import edited_span
from songsmith.tui.widgets.typed_text import text_of, typed_text

_NEWLINES = {"enter", "ctrl+j"}
"""The second is what Enter is in text that a program types, or a terminal pastes unmarked."""


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

    def __init__(
        self,
        authors: Callable[[], Sequence[Author]],
        *,
        edited: Callable[[], None],
        moved: Callable[[], None],
        id: str,
    ) -> None:
        """Show an empty draft.

        Args:
            authors: who wrote each row of the draft.
            edited: called after each edit by hand, before the next key.
            moved: called when the cursor went elsewhere by itself, or a paste begins or ends.
            id: the widget's id.
        """
        super().__init__(
            id=id, soft_wrap=True, show_line_numbers=False, highlight_cursor_line=False,
            placeholder="Write a line, then press ctrl+g for more.",
        )  # fmt: skip
        self._authors, self._edited, self._moved = authors, edited, moved
        self._editing = False  # also while the model's text comes in

    def get_line(self, line_index: int) -> Text:
        """Colour headers, and the lines a model wrote."""
        line = super().get_line(line_index)
        authors = self._authors()
        if parse_header(line.plain.strip()) is not None:
            line.stylize("bold")
        elif line_index < len(authors) and authors[line_index] is Author.MODEL:
            line.stylize(self.get_component_rich_style("draft-editor--model", partial=True))
        return line

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        """Return whether a key types into the draft."""
        return typed_text(character) is not None

    def text_of(self, event: events.Key) -> str | None:
        """Return what a key types here, or None where it does something else."""
        return "\n" if event.key in _NEWLINES else text_of(event)

    def type_text(self, text: str) -> None:
        """Put in what a key types."""
        self.replace(text, *self.selection, maintain_selection_offset=False)

    def paste_text(self, text: str) -> None:
        """Put in what is pasted, as a step of its own."""
        self._moved()
        self.type_text(text)
        self._moved()
        self.call_after_refresh(self.scroll_cursor_visible)  # before that there is no such row to scroll to

    def action_paste(self) -> None:
        """Put in what was copied in the workshop."""
        self.paste_text(self.app.clipboard)

    def edit(self, edit: Edit) -> EditResult:
        """Edit the text, and report edits made by a person."""
        if self._editing:
            return super().edit(edit)
        self._editing = True
        try:
            result = super().edit(edit)
        finally:
            self._editing = False
        self._edited()
        return result

    def watch_selection(self, before: Selection, now: Selection) -> None:
        """Tell when the cursor went elsewhere, but for the edit that is being made."""
        self._restart_blink()
        if self.is_mounted and not self._editing and before != now:
            self._moved()

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self.call_after_refresh(self.scroll_cursor_visible)

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
        self._editing = True
        try:
            self.replace(inserted, self.location(start), self.location(end), maintain_selection_offset=True)
        finally:
            self._editing = False
