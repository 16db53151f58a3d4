"""The line above the keys: who writes, where, how fast; and what just happened."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Label


class StatusLine(Horizontal):
    """Model, device and speed on the left; the latest news on the right."""

    def __init__(self) -> None:
        """Start with nothing to tell."""
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

    def show_model(self, model: str) -> None:
        """Show who writes."""
        if model != self.model:
            self.model = model
            self._model_label.update(model)

    def tell(self, news: str, *, failed: bool = False) -> None:
        """Show what happened; `failed` marks what calls for action."""
        self.news, self.failed = news, failed
        self._news_label.update(news)
        self.set_class(failed, "-failed")
