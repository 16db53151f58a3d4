"""A dialog to choose a song from: those kept, and drafts left over from another time."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList
from textual.widgets.option_list import Option

from songsmith.library.records import SongRecord

_KEYS = "enter open · f8 discard draft · esc close"


class SongsScreen(ModalScreen[SongRecord | None]):
    """Type to search, up and down to choose; ends with the song chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close"),
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("down", "move(1)", "Down", show=False, priority=True),
        Binding("f8", "discard", "Discard draft", show=False, priority=True),
    ]

    def __init__(self, find: Callable[[str], Sequence[SongRecord]], discard: Callable[[SongRecord], None]) -> None:
        """Offer songs and drafts.

        Args:
            find: returns the songs for the words typed; no words mean all, and the drafts.
            discard: throws a draft away.
        """
        super().__init__()
        self._find, self._discard = find, discard
        self._found: Sequence[SongRecord] = ()
        self._asked: SongRecord | None = None

    def compose(self) -> ComposeResult:
        """Lay out search, list and keys."""
        with Vertical(id="songs-box") as box:
            box.border_title = "Songs"
            yield Input(placeholder="Search", id="songs-search", compact=True)
            yield OptionList(id="songs-list", compact=True)
            yield Label(_KEYS, id="songs-keys")

    def on_mount(self) -> None:
        """Show everything there is."""
        self._list("")

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        self._list(event.value)

    @on(Input.Submitted)
    def _open_highlighted(self) -> None:
        highlighted = self.query_one(OptionList).highlighted
        if highlighted is not None and self._found:
            self.dismiss(self._found[highlighted])

    @on(OptionList.OptionSelected)
    def _open_selected(self, event: OptionList.OptionSelected) -> None:
        if self._found:
            self.dismiss(self._found[event.option_index])

    def action_move(self, by: int) -> None:
        """Move the highlight."""
        songs = self.query_one(OptionList)
        if by < 0:
            songs.action_cursor_up()
        else:
            songs.action_cursor_down()

    def action_discard(self) -> None:
        """Throw the highlighted draft away, if asked twice. A saved song is not this dialog's to remove."""
        highlighted = self.query_one(OptionList).highlighted
        record = self._found[highlighted] if highlighted is not None and self._found else None
        keys = self.query_one("#songs-keys", Label)
        if record is None or record.kept:
            keys.update("Only drafts can be discarded here; songs go with `songsmith songs rm`.")
        elif record is not self._asked:
            self._asked = record
            keys.update("f8 again throws this draft away for good.")
        else:
            self._discard(record)
            keys.update(_KEYS)
            self._list(self.query_one(Input).value)

    def _list(self, words: str) -> None:
        self._found = self._find(words)
        songs = self.query_one(OptionList)
        songs.clear_options()
        songs.add_options([Option(_describe(record)) for record in self._found])
        if self._found:
            songs.highlighted = 0
        else:
            songs.add_option(
                Option(Content.styled("Nothing found." if words else "No songs yet.", "dim"), disabled=True)
            )


def _describe(record: SongRecord) -> Content:
    number = f"{record.number:>4}" if record.number is not None else "draft"
    when = datetime.fromisoformat(record.updated_at).astimezone().strftime("%Y-%m-%d %H:%M")
    return Content.assemble((f"{number:>5}  ", "bold"), record.name[:48], (f"  {when}", "dim"))
