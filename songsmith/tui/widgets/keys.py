"""The row of keys: where there is no room for all, the most important ones."""

from collections.abc import Iterable

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

_SHOWN = (
    "go_on", "write_out", "rewrite", "step(-1)", "step(1)", "stop", "undo", "save", "songs", "new", "quit",
)  # fmt: skip
"""Actions, in the order in which their keys stand."""
_KEPT = (
    "quit", "go_on", "stop", "save", "rewrite", "songs", "undo", "write_out", "new", "step(-1)", "step(1)",
)  # fmt: skip
"""Actions, those first that are shown even in the narrowest terminal."""


class KeysFooter(Footer):
    """Textual's footer, which has the keys at its end fall off where the terminal is narrow."""

    def __init__(self) -> None:
        """Show the keys close together."""
        super().__init__(compact=True, show_command_palette=False)

    def compose(self) -> ComposeResult:
        """Lay the keys out in their order."""
        keys = sorted(
            (widget for widget in super().compose() if isinstance(widget, FooterKey)),
            key=lambda key: _place(key, _SHOWN),
        )
        self._fit(keys)
        yield from keys

    def on_resize(self) -> None:
        """Show more keys, or fewer."""
        self._fit(self.query(FooterKey))

    def _fit(self, keys: Iterable[FooterKey]) -> None:
        room = self.app.size.width + 1  # no space is needed after the last key
        for key in sorted(keys, key=lambda key: _place(key, _KEPT)):
            room -= cell_len(f"{key.key_display} {key.description} ")
            key.display = room >= 0  # once a key does not fit, no less important one is shown


def _place(key: FooterKey, order: tuple[str, ...]) -> int:
    action = key.action.rpartition(".")[2]  # `screen.undo` is `undo`
    return order.index(action) if action in order else len(order)
