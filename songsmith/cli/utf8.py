"""Use UTF-8 for arguments, file names and streams, even where the locale knows only ASCII (`LC_ALL=C`). Needs no other module."""

import os
import sys


def ensure_utf8() -> None:
    """Start again in Python's UTF-8 mode where it was turned off and the locale knows only ASCII; else return at once.

    Nothing less reaches everything: arguments have been decoded by now, and names of files are encoded by the same rule.
    """
    if sys.getfilesystemencoding() != "ascii" or sys.flags.utf8_mode or not sys.executable or sys.platform == "win32":
        return
    os.environ["PYTHONUTF8"] = "1"  # for processes that this one starts
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
