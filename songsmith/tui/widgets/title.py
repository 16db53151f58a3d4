"""The line of the title, which keeps one line of what is pasted and passes on the rest."""

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from songsmith.studio.draft import title_and_lyric
from songsmith.tui.widgets.typed_text import LineInput, text_of


class TitleInput(LineInput):
    """Edits the draft's title."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+j", "submit", show=False)]

    def __init__(
        self, *, edited: Callable[[], None], pasted: Callable[[str], None], left: Callable[[], None], id: str
    ) -> None:
        """Show an empty title.

        Args:
            edited: called after each edit, before the next key.
            pasted: told, once a paste is in the title, of what came with it and is no title.
            left: called when Enter leaves the title.
            id: the widget's id.
        """
        super().__init__(placeholder="Title", id=id, compact=True)
        self._edited, self._pasted, self._left = edited, pasted, left
        self._pasting = False

    def watch_value(self) -> None:
        """Tell of an edit, but for one half of a paste."""
        if self.is_mounted and not self._pasting:
            self._edited()

    def text_of(self, event: events.Key) -> str | None:
        """Return what a key types here, or None where it does something else."""
        return text_of(event)

    def type_text(self, text: str) -> None:
        """Put in what a key types."""
        self._restart_blink()
        self.replace(text, *self.selection)

    def paste_text(self, text: str) -> None:
        """Put in a line, and hand on the rest."""
        title, rest = title_and_lyric(text)
        self._pasting = True
        if title:
            self.replace(title, *self.selection)
        self._pasting = False
        self._pasted(rest)

    def action_paste(self) -> None:
        """Put in what was copied in the workshop."""
        self.paste_text(self.app.clipboard)

    async def action_submit(self) -> None:
        """Leave the title at once: a message would come behind the keys that follow."""
        self._left()
