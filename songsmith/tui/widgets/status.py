"""The line above the keys: the model, its device and speed, and what has just happened."""

from rich.cells import cell_len, set_cell_size
from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import Label

from songsmith.lyrics import one_line

_GAP = 2
_NAME_CELLS = 48


def short_name(name: str) -> str:
    """Return what a song is called in one row: the beginning of it, where it is called after a long first line."""
    name = one_line(name)
    return name if cell_len(name) <= _NAME_CELLS else f"{set_cell_size(name, _NAME_CELLS - 1).rstrip()}…"


class StatusLine(Container):
    """Model, device and speed on the left; the latest news on the right, or below where it is too long for that.

    News may hold the next step, so they are never cut.
    """

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self.model = ""
        self.news = ""
        self.failed = False
        self._model_label = Label(id="status-model", markup=False)
        self._news_label = Label(id="status-news", markup=False)

    def compose(self) -> ComposeResult:
        """Lay out the two halves."""
        yield self._model_label
        yield self._news_label

    def on_resize(self) -> None:
        """Lay out the two halves for the new width."""
        self._lay_out()

    def show_model(self, model: str) -> None:
        """Show who writes."""
        if model != self.model:
            self.model = model
            self._model_label.update(model)
            self._lay_out()

    def tell(self, news: str, *, failed: bool = False) -> None:
        """Show what happened; `failed` marks what calls for action."""
        self.news, self.failed = news, failed
        self._news_label.update(news)
        self.set_class(failed, "-failed")
        self._lay_out()

    def _lay_out(self) -> None:
        too_long = cell_len(self.model) + _GAP + cell_len(self.news) > self.content_size.width
        self.set_class(bool(self.news) and too_long, "-tall")
