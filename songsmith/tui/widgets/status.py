"""The line above the keys: who writes, where, how fast; and what just happened."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.reactive import reactive
from textual.widgets import Label


class StatusLine(Horizontal):
    """Model, device and speed on the left; the latest news on the right."""

    model = reactive("")
    news = reactive("")
    failed = reactive(False)

    def compose(self) -> ComposeResult:
        """Make the two halves."""
        yield Label(id="status-model", markup=False)
        yield Label(id="status-news", markup=False)

    def watch_model(self, model: str) -> None:
        """Show who writes."""
        if self.is_mounted:
            self.query_one("#status-model", Label).update(model)

    def watch_news(self, news: str) -> None:
        """Show what happened."""
        if self.is_mounted:
            self.query_one("#status-news", Label).update(news)

    def watch_failed(self, failed: bool) -> None:
        """Mark news that calls for action."""
        self.set_class(failed, "-failed")

    def tell(self, news: str, *, failed: bool = False) -> None:
        """Show what happened."""
        self.news, self.failed = news, failed
