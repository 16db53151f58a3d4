"""Time fresh processes from their start, as a user would see it: nothing is imported or cached in Python yet."""

import os
import pty
import re
import select
import signal
import struct
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fcntl import ioctl
from termios import TIOCSWINSZ

from songsmith.benchmark.worker import Absent, last_line, wait_for

_LONGEST_S = 300.0
_ALTERNATE_SCREEN = "\x1b[?1049h"
# Escape sequences set modes and colours; a sequence that is not whole yet may still become one.
_SEQUENCE = re.compile(
    r"\x1b(\[[0-?]*[ -/]*([@-~]|$)|\][^\x07\x1b]*(\x07|\x1b\\|$)|[P_^X][^\x1b]*(\x1b\\|$)|[ -/]*[0-~]|$)"
)


@dataclass(frozen=True, kw_only=True)
class FreshStart:
    """One process, from its start to what was waited for."""

    elapsed_s: float
    peak_memory_mib: float


def time_to_end(command: Sequence[str], environment: Mapping[str, str]) -> FreshStart:
    """Run a command whose output nobody reads, until it ends.

    Raises:
        Absent: it failed.
    """
    start_s = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    memory = wait_for(process)
    elapsed_s = time.perf_counter() - start_s
    if process.returncode != 0:
        raise Absent(f"it ended with exit code {process.returncode}")
    return FreshStart(elapsed_s=elapsed_s, peak_memory_mib=memory)


def time_to_text(command: Sequence[str], environment: Mapping[str, str], *, behind: str) -> FreshStart:
    """Run a command in a terminal until it writes something behind a text it repeats first.

    Raises:
        Absent: it ended without that.
    """
    # A terminal, because programs hold back what they write to a pipe until there is more of it.
    return _time_in_terminal(command, environment, lambda shown: len(shown.partition(behind)[2]) > 0, full_screen=False)


def time_to_paint(command: Sequence[str], environment: Mapping[str, str]) -> FreshStart:
    """Run a full-screen program in a terminal of 80 columns and 24 rows until it draws, then end it.

    Raises:
        Absent: it ended without drawing.
    """
    return _time_in_terminal(command, environment, draws, full_screen=True)


def draws(shown: str) -> bool:
    """Return whether a program has gone to the alternate screen and put a character there, be it a space."""
    _, switched, after = shown.partition(_ALTERNATE_SCREEN)
    return bool(switched) and bool(_SEQUENCE.sub("", after))


def _time_in_terminal(
    command: Sequence[str], environment: Mapping[str, str], enough: Callable[[str], bool], *, full_screen: bool
) -> FreshStart:
    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    start_s = time.perf_counter()
    process = subprocess.Popen(
        command, env={**environment, "TERM": "xterm-256color"}, stdin=theirs if full_screen else subprocess.DEVNULL,
        stdout=theirs, stderr=theirs if full_screen else subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    shown, elapsed_s = "", None
    try:
        while time.perf_counter() - start_s < _LONGEST_S:
            if not select.select([ours], [], [], 1.0)[0]:
                continue
            try:
                output = os.read(ours, 65536)
            except OSError:  # how Linux says that the other end is closed
                output = b""
            if not output:
                break
            now_s = time.perf_counter()
            shown += output.decode("utf-8", errors="replace")
            if elapsed_s is None and enough(shown):
                elapsed_s = now_s - start_s
                if full_screen:
                    break
    finally:
        # The whole session: a workshop has an engine of its own.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        memory = wait_for(process)
        os.close(ours)
    if elapsed_s is None:
        raise Absent(last_line(_SEQUENCE.sub("", shown)) or "it ended without a word")
    return FreshStart(elapsed_s=elapsed_s, peak_memory_mib=memory)
