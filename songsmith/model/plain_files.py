"""Read files of a model directory from anybody: only regular files, and only of a plausible size.

A pipe, a device or an endless file in its place would hold up whoever opens it. Knows no model.
"""

import gc
import json
from io import BufferedReader
from pathlib import Path
from typing import Any

from songsmith.errors import ModelError
from songsmith.files import NotRegularError, TooLargeError, open_regular, read_regular

MOST_JSON_BYTES = 4 * 2**20
"""Largest config, manifest or index that is read. The starter's manifest, with a line for each source, has 57 kB."""


def open_plain(path: Path) -> BufferedReader:
    """Open a regular file to read it. Never waits for whoever writes to a pipe.

    Raises:
        ModelError: something else lies there.
        OSError: it is not there, or cannot be read.
    """
    try:
        return open_regular(path)
    except NotRegularError as error:
        raise _not_a_file(path, error) from error


def read_plain(path: Path, *, most_bytes: int) -> bytes:
    """Return what a regular file holds.

    Raises:
        ModelError: something else lies there, or it is larger than `most_bytes`.
        OSError: it is not there, or cannot be read.
    """
    try:
        return read_regular(path, most_bytes=most_bytes)
    except NotRegularError as error:
        raise _not_a_file(path, error) from error
    except TooLargeError as error:
        raise ModelError(
            f"{path} has {error.size_bytes:,} bytes; at most {most_bytes:,} are read.",
            "Download or export the model again.",
        ) from error


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


def _not_a_file(path: Path, error: NotRegularError) -> ModelError:
    return ModelError(f"{path} is a {error}, not a file.", "Download or export the model again.")
