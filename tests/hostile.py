"""Strings that would drive a terminal, hide or turn a line around, and a way to see on a terminal what came of them."""

import os
import pty
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from songsmith.cli.app import app

ESCAPES = "\x1b]0;pwned\x07\x1b[2J\x1b[38;5;199m\x9b38;5;199m\x9d0;pwned\x9c\x7f\x08\x0b\r"
HIDDEN = "\u202e\u2066\u2028\ufeff\u2064\U000e0041"
MARKUP = "[bold red][link=evil]x"
NAME = f"Evil{ESCAPES}{HIDDEN}{MARKUP}"
"""As a file may be called."""
TEXT = f"{NAME}\ud800\x00\x85"
"""As JSON may hold."""

UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]")
# What rich and songsmith send on their own account: colours, a bar that is drawn anew, the cursor hidden meanwhile.
_OWN = re.compile(r"\x1b\[[\d;]*m|\x1b\[\d*[AK]|\x1b\[\?25[lh]|\r")


def check_shown(text: str, *, terminal: bool = False) -> None:
    """See that text is safe to show: no escape but songsmith's own, no colour or link of the string's."""
    if terminal:
        assert "\x1b[38;5;199m" not in text
        assert "\x1b]" not in text
        text = _OWN.sub("", text)
    found = UNSAFE.search(text)
    assert found is None, repr(text[max(0, found.start() - 60) : found.end() + 60])


@contextmanager
def terminal(patch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """Make a pseudo-terminal of 100 columns stand for the standard streams; what it was sent is in the list at the end."""
    outside, inside = pty.openpty()
    sent: list[bytes] = []

    def read() -> None:
        with suppress(OSError):
            while piece := os.read(outside, 65536):
                sent.append(piece)

    reader = threading.Thread(target=read)
    with open(inside, "w", encoding="utf-8") as out, open(os.dup(inside), encoding="utf-8") as source:  # noqa: PTH123
        patch.setenv("TERM", "xterm-256color")
        patch.setenv("COLUMNS", "100")
        for name, stream in (("stdin", source), ("stdout", out), ("stderr", out)):
            patch.setattr(sys, name, stream)
        reader.start()
        yield sent
        out.flush()
        patch.undo()
    reader.join()
    os.close(outside)


def on_terminal(*arguments: str) -> tuple[int, str]:
    """Run a command on a pseudo-terminal; return its exit code, and all that the terminal was sent."""
    with pytest.MonkeyPatch.context() as patch, terminal(patch) as sent:
        try:
            app(list(arguments), prog_name="songsmith")
        except SystemExit as ended:
            code = int(ended.code or 0)
    return code, b"".join(sent).decode("utf-8", "surrogateescape").replace("\r\n", "\n")
