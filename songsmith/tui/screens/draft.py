"""The draft on a screen: title, text, versions and status. Saves what is typed to disk. Knows no model."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import TextArea

from songsmith.errors import SongsmithError
from songsmith.studio.workshop import Workshop
from songsmith.tui.widgets.editor import DraftEditor
from songsmith.tui.widgets.keys import KeysFooter
from songsmith.tui.widgets.status import StatusLine
from songsmith.tui.widgets.takes import TakesPanel
from songsmith.tui.widgets.title import TitleInput

_AUTOSAVE_S = 0.4
"""How often the draft goes to disk, if it changed."""
_NOT_ON_DISK = "Not saved to disk"
_WIDE_COLUMNS = 110
"""From this width on, the takes stand beside the draft."""


class DraftScreen(Screen[None]):
    """Shows a workshop's draft, and passes what is typed into it to the workshop."""

    AUTO_FOCUS = "#draft"

    def __init__(self, workshop: Workshop) -> None:
        """Show the draft of a workshop."""
        super().__init__()
        self.workshop = workshop
        self._warned = False
        """The user was told that the draft isn't on disk, and how to quit all the same."""

    def compose(self) -> ComposeResult:
        """Lay out title, draft, takes, status and keys."""
        yield TitleInput(edited=self._sync_editor, pasted=self._take_paste, left=self.action_to_draft, id="title")
        with Horizontal(id="desk"):
            yield DraftEditor(
                lambda: self.workshop.draft.authors,
                edited=self._sync_editor,
                moved=self.workshop.close_step,
                id="draft",
            )
            yield VerticalScroll(TakesPanel(), id="takes", can_focus=False)
        yield StatusLine()
        yield KeysFooter()

    def on_mount(self) -> None:
        """Keep the draft on disk. Textual calls this beside the `on_mount` of a class that builds on this one."""
        self.set_interval(_AUTOSAVE_S, self._autosave)

    def on_resize(self, event: events.Resize) -> None:
        """Show the takes beside the draft where there is room."""
        self.set_class(event.size.width >= _WIDE_COLUMNS, "-wide")
        if self.is_mounted:
            self._show_takes()

    def tell(self, news: str) -> None:
        """Show what happened in the status line."""
        self._status.tell(news)

    @property
    def _editor(self) -> DraftEditor:
        return self.query_one(DraftEditor)

    @property
    def _status(self) -> StatusLine:
        return self.query_one(StatusLine)

    @on(TextArea.Changed)
    @on(TextArea.SelectionChanged)
    def _follow(self) -> None:
        self._show_takes()

    def set_focus(self, widget: Widget | None, scroll_visible: bool = True, from_app_focus: bool = False) -> None:
        """Move the focus; what is typed in another field is a step of undo of its own."""
        self.workshop.close_step()
        super().set_focus(widget, scroll_visible, from_app_focus)

    def action_to_draft(self) -> None:
        """Go from the title to the draft: now, not when keys behind this one have gone into the title."""
        self.set_focus(self._editor)

    def _take_paste(self, rest: str) -> None:
        """Put the part of a paste that is not the title at the start of the draft; the whole paste is one step of undo."""
        text, title = self.workshop.text, self.query_one(TitleInput).value
        if rest:
            text = f"{rest}\n\n{text}" if text.strip() else rest
            self._status.tell("Pasted; everything after the title is at the start of the draft.")
        self.workshop.close_step()
        self.workshop.type(text, title=title)
        self.workshop.close_step()
        self._show_draft()
        self._show_takes()

    def _sync_editor(self) -> None:
        """Pass what was typed since the last call to the workshop."""
        title = self.query_one(TitleInput)
        self.workshop.type(self._editor.text, title=title.value)
        song = self.workshop.draft.song
        title.placeholder = f"Title ({song.name})" if song.lines else "Title"

    def _show_draft(self, *, follow: bool = False) -> None:
        editor, workshop = self._editor, self.workshop
        editor.show(workshop.text)
        title = self.query_one(TitleInput)
        if title.value != workshop.draft.title:
            title.value = workshop.draft.title
        if follow and workshop.anchor is not None:
            editor.move_cursor(editor.location(workshop.anchor))
            editor.scroll_cursor_visible()

    def _show_takes(self) -> None:
        if self.has_class("-wide"):
            self.query_one(TakesPanel).show(
                *self.workshop.versions_at(self._editor.row), self.workshop.draft.removed_versions
            )

    def _autosave(self) -> None:
        self._sync_editor()

        def save() -> None:
            if self.workshop.autosave() and self._status.news.startswith(_NOT_ON_DISK):
                self._status.tell("Saved to disk again.")

        if self._report_errors(save):
            self._warned = False

    def _report_errors(self, act: Callable[[], object]) -> bool:
        """Run an action that uses the disk, and return whether it succeeded. An error is shown: the draft is still in memory."""
        try:
            act()
        except SongsmithError as error:
            way_out = " ctrl+q again quits without it." if self._warned else ""
            self._status.tell(f"{_NOT_ON_DISK}: {error}{way_out}", failed=True)
            return False
        return True

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except SongsmithError as error:
            self._status.tell(str(error), failed=True)
