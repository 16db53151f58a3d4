"""Terminals without a window: songsmith runs on one end, a test types and looks at the other."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios


def start_songsmith(*arguments: str, hears_of_its_end: bool = True) -> tuple[subprocess.Popen[bytes], int, int]:
    """Start songsmith on a terminal of 80 by 24.

    Args:
        arguments: of the command line.
        hears_of_its_end: as the first program of a terminal does, by a signal, when that goes; others see for themselves.

    Returns:
        its process; the end that a person has, to type at and to look at; and its own end, to be closed.
    """
    outside, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    def take_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        [sys.executable, "-m", "songsmith", *arguments], stdin=inside, stdout=inside, stderr=inside,
        env=os.environ | {"TERM": "xterm-256color"}, start_new_session=True,
        preexec_fn=take_terminal if hears_of_its_end else None,
    )  # fmt: skip
    return process, outside, inside
