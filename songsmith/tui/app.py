"""The Textual application: opens the workshop screen and ends with it."""

import gc
import os
import signal
from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.filter import LineFilter
from textual.screen import Screen

from songsmith.studio.studio import Studio
from songsmith.studio.workshop import Workshop
from songsmith.tui.gate import TextGate
from songsmith.tui.key_order import KeyOrderApp
from songsmith.tui.screens.workshop import WorkshopScreen
from songsmith.tui.themes import DARK, LIGHT, THEMES, choose_theme, remember_theme

_STDIN = 0
_TERMINAL_CHECK_S = 1.0


class SongsmithApp(KeyOrderApp):
    """The workshop as a terminal application."""

    CSS_PATH = "songsmith.tcss"
    TITLE = "songsmith"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", priority=True, system=True),
        Binding("f2", "switch_theme", "Theme", show=False),
    ]

    def __init__(self, studio: Studio) -> None:
        """Open a workshop in a user's studio."""
        super().__init__()
        self._gate = TextGate()
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = choose_theme(studio.settings.theme, os.environ)
        self._paths = studio.paths
        self._workshop = WorkshopScreen(Workshop(studio.library, studio.paths), studio)

    async def action_quit(self) -> None:
        """Put the draft away and end; where it cannot be, only when asked once more."""
        if self._workshop.leave():
            self.exit()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Let every text of every widget pass the gate before it is drawn."""
        return [*super().get_line_filters(), self._gate]

    def action_switch_theme(self) -> None:
        """Change between dark and light, and remember it."""
        self.theme = LIGHT.name if self.theme == DARK.name else DARK.name
        self._workshop.tell(remember_theme(self._paths, self.theme, os.environ))

    def end_by_signal(self, number: int) -> None:
        """Put the draft away, end the model's process, and leave; the exit code is 128 + `number`, as in a shell."""
        self._workshop.end()
        self.exit(return_code=128 + number)

    def get_driver_class(self) -> type[Driver]:
        """Return the driver of this platform's terminals."""
        driver = super().get_driver_class()
        if driver.__module__ != "textual.drivers.linux_driver":
            return driver
        from songsmith.tui.terminal import TerminalDriver

        return TerminalDriver

    def get_default_screen(self) -> Screen[None]:
        """Start with the workshop: no empty screen is made and drawn before it."""
        return self._workshop

    def on_mount(self) -> None:
        """Watch the terminal."""
        gc.enable()
        if not self.is_headless:
            self.set_interval(_TERMINAL_CHECK_S, self._check_terminal)

    def _check_terminal(self) -> None:
        """Leave when the terminal has gone, of which only the first program of a session hears by a signal."""
        if not os.isatty(_STDIN):
            self.end_by_signal(getattr(signal, "SIGHUP", 1))
