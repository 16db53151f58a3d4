"""The title's line, which keeps one line of what is pasted and hands on the rest."""

from collections.abc import Callable

from textual import events

from songsmith.studio.draft import title_and_lyric
from songsmith.tui.widgets.typed_text import LineInput


class TitleInput(LineInput):
    """Edits the draft's title."""

    def __init__(self, pasted: Callable[[str], None], *, id: str) -> None:
        """Show an empty title.

        Args:
            pasted: told, once a paste is in the title, of what came with it and is no title.
            id: the widget's id.
        """
        super().__init__(placeholder="Title", id=id, compact=True)
        self._pasted = pasted

    def on_paste(self, event: events.Paste) -> None:
        """Put in what the terminal pastes."""
        event.stop()
        event.prevent_default()
        self._put_in(event.text)

    def action_paste(self) -> None:
        """Put in what was copied in the workshop."""
        self._put_in(self.app.clipboard)

    def _put_in(self, text: str) -> None:
        title, rest = title_and_lyric(text)
        if title:
            self.replace(title, *self.selection)
        self._pasted(rest)
