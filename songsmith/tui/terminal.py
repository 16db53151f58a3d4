"""The workshop's terminal driver: handles signals, and a terminal that disappears, where Textual's driver does not.

Signals are handled in the event loop, not at whatever point the program was interrupted: Textual's own handlers write to the
screen's queue even from inside that queue. Not for Windows, which has no such signals.
"""

import os
import selectors
import signal
import termios
from contextlib import suppress
from threading import Lock
from typing import IO, Any, Protocol, cast

from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from songsmith.tui.terminal_text import TerminalText

_READ_BYTES = 4096
_LOOK_S = 0.1
"""How often the thread that reads keys checks whether it should end, and whether an escape came alone."""
_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class EndsBySignal(Protocol):
    """An application that can be told to end."""

    def end_by_signal(self, number: int) -> None:
        """Save the draft, and end."""


class _Screen:
    """The terminal's file; once the terminal has disappeared, writes are dropped and do not block."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._file.flush()

    def fileno(self) -> int:
        return self._file.fileno()


class TerminalDriver(LinuxDriver):
    """Textual's driver, with one thread that reads keys however often the program is stopped and continued."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        """Take over the signals of a program on a terminal."""
        super().__init__(app, **options)
        self._file = cast(Any, _Screen(cast(IO[str], self._file)))
        self._reads = Lock()
        ends = cast(EndsBySignal, app)
        for number in _ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                self._loop.add_signal_handler(number, ends.end_by_signal, number)
        self._loop.add_signal_handler(signal.SIGTSTP, self._sigtstp_application)
        self._loop.add_signal_handler(signal.SIGCONT, self._sigcont_application)

    def start_application_mode(self) -> None:
        """Take over the screen, also after a SIGSTOP, which left no time to restore it."""
        reader, writer, attributes = self._key_thread, self._writer_thread, self.attrs_before
        taken = reader is not None and reader.is_alive()
        if taken and writer is not None:
            self.write("\x1b[<u")  # keyboard modes are a stack, and are pushed once more below
            writer.stop()
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if taken:
            # The second thread has ended at once, see below. The terminal may be raw already: keep the attributes saved first.
            self._key_thread, self.attrs_before = reader, attributes
            self._app.refresh(layout=True)  # another program may have written on the screen

    def stop_application_mode(self) -> None:
        """Restore the screen, also the mode in which the mouse is reported."""
        if self._mouse_pixels:
            self.write("\x1b[?1016l")
        super().stop_application_mode()

    def _sigcont_application(self, *_: object) -> None:
        if not self._app._exit:  # service managers send SIGCONT after every SIGTERM: do not take the screen over again
            super()._sigcont_application()

    def _run_input_thread(self) -> None:
        if not self._reads.acquire(blocking=False):
            return  # two threads would share the keys, and only one would be told to end
        try:
            super()._run_input_thread()
        finally:
            self._reads.release()

    def run_input_thread(self) -> None:
        """Read keys until told to end, or until the terminal has disappeared, which the application checks itself."""
        with suppress(OSError, termios.error):
            self._read_keys()

    def _read_keys(self) -> None:
        parser, text = XTermParser(self._debug), TerminalText()
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            ending = False
            while not ending:
                ending = self.exit_event.is_set()  # what was sent before that is still read
                events: list[Message] = []
                if selector.select(_LOOK_S) and (read := text.feed(os.read(self.fileno, _READ_BYTES))):
                    events += parser.feed(read)
                for event in [*events, *parser.tick()]:
                    self.process_message(event)
