"""Append-only files of JSON lines, which survive a kill and a power cut. Knows bytes and lines, not songs."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from songsmith.errors import storing


def encode_row(row: Mapping[str, Any]) -> bytes:
    """Return one line of JSON in UTF-8.

    Raises:
        UnicodeEncodeError: a text holds half a character.
    """
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def decode_row(line: bytes) -> dict[str, Any]:
    """Return the row that a line holds.

    Raises:
        ValueError: it is torn, or holds no row.
        TypeError: it holds another value.
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
