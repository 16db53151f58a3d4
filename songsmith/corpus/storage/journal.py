"""Append-only files of JSON lines that outlive a kill and a power cut. Knows bytes and lines, not songs."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from songsmith.errors import storing
from songsmith.files import sync_folder


def encode_row(row: Mapping[str, Any]) -> bytes:
    """Return one line of JSON in UTF-8.

    Raises:
        UnicodeEncodeError: a text holds half a character.
    """
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def decode_row(line: bytes) -> dict[str, Any]:
    """Return the row that a line holds.

    Raises:
        ValueError: it is torn, or holds none.
    """
    if not line.endswith(b"\n"):
        raise ValueError("the line is torn")
    row = json.loads(line.decode())
    if not isinstance(row, dict):
        raise TypeError("the line isn't a JSON object")
    return row


def whole_rows(path: Path, start: int = 0) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield each row from byte `start` on with the byte it ends at; ends before the first that is torn or unreadable."""
    if not path.exists():
        return
    with storing(path), path.open("rb") as file:
        file.seek(start)
        for line in file:
            try:
                row = decode_row(line)
            except (ValueError, TypeError, RecursionError):
                return
            start += len(line)
            yield row, start


def append(path: Path, start: int, lines: bytes) -> int:
    """Write lines behind byte `start`, where the file must end or be torn, and return the new end. Durable on return.

    Raises:
        OSError: it could not be written; then the file ends at `start` again, as far as the disk allows.
    """
    existed = path.exists()
    # Without a buffer: one that could not be written would be tried again when the file is closed.
    with path.open("r+b" if existed else "xb", buffering=0) as file:
        try:
            if file.seek(0, os.SEEK_END) != start:
                file.truncate(start)
                file.seek(start)
            left = memoryview(lines)
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except BaseException:
            with suppress(OSError):
                file.truncate(start)
            raise
    if not existed:
        sync_folder(path.parent)
    return start + len(lines)
