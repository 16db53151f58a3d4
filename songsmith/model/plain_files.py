"""Files of a model directory, which may be anybody's: only regular ones are read, and only of a size that such a file can have.

A pipe, a device or an endless file in its place would hold up whoever opens it. Knows no model.
"""

import gc
import json
import os
import stat
from io import BufferedReader
from pathlib import Path
from typing import Any

from songsmith.errors import ModelError

MOST_JSON_BYTES = 4 * 2**20
"""Largest config, manifest or index that is read. The starter's manifest, with a line for each source, has 57 kB."""

_KINDS = (
    (stat.S_ISDIR, "folder"), (stat.S_ISFIFO, "pipe"), (stat.S_ISSOCK, "socket"), (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)  # fmt: skip


def find_other_kind(path: Path) -> str:
    """Return what lies at a path that is no regular file, such as `pipe`; empty if it is a file, or nothing is there."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return ""
    return "" if stat.S_ISREG(mode) else next((kind for fits, kind in _KINDS if fits(mode)), "special file")


def open_plain(path: Path) -> BufferedReader:
    """Open a regular file to read it. Never waits for whoever writes to a pipe.

    Raises:
        ModelError: something else lies there.
        OSError: it is not there, or cannot be read.
    """
    if kind := find_other_kind(path):  # before it is opened: opening a device may do something
        raise ModelError(f"{path} is a {kind}, not a file.", "Download or export the model again.")
    file = open(path, "rb", opener=_open_at_once)  # noqa: SIM115  (Path's own takes no opener)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):  # put in its place meanwhile
        file.close()
        raise ModelError(f"{path} isn't a file.", "Download or export the model again.")
    return file


def read_plain(path: Path, *, most_bytes: int) -> bytes:
    """Return what a regular file holds.

    Raises:
        ModelError: something else lies there, or it is larger than `most_bytes`.
        OSError: it is not there, or cannot be read.
    """
    with open_plain(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most_bytes:
            raise ModelError(
                f"{path} has {size:,} bytes; at most {most_bytes:,} are read.",
                "Download or export the model again.",
            )
        return file.read(size)  # no more, though some files of the system claim to be empty and have no end


def read_json(path: Path, *, most_bytes: int = MOST_JSON_BYTES) -> Any:
    """Return the value that a JSON file holds.

    Raises:
        ModelError: it is no JSON, or no file that `read_plain` reads.
        FileNotFoundError: it is not there.
    """
    try:
        return parse_json(read_plain(path, most_bytes=most_bytes))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        reason = (error.strerror or "").lower() if isinstance(error, OSError) else f"{error or type(error).__name__}"
        raise ModelError(f"{path} can't be read: {reason}.", "Fix it, or download the model again.") from error


def parse_json(content: bytes) -> Any:
    """Return the value that UTF-8 text in JSON stands for.

    Raises:
        ValueError: it is none.
        RecursionError: it holds lists in lists without end.
    """
    collecting = gc.isenabled()
    gc.disable()  # it would walk millions of small lists again and again, and none of them could go
    try:
        return json.loads(content.decode("utf-8"))
    finally:
        if collecting:
            gc.enable()


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
