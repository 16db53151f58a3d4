"""Read songs from JSONL, line by line, and from JSON as lyricsgenius saves it, file by file. Sets aside bad lines."""

import json
import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain, islice
from typing import Any

from songsmith.corpus.formats.import_options import ImportOptions
from songsmith.corpus.formats.json_songs import Keys, Place, read_songs
from songsmith.corpus.formats.table_lines import ROWS_LOOKED_AT, refuse_line_rows
from songsmith.corpus.formats.text_files import Cursor, SourceFile, bounded_lines
from songsmith.corpus.records import RawRecord, SetAside
from songsmith.errors import InputError

_LONG_BYTES = 1 << 20
_LONGEST_PLAIN_KEY = 100
_PLAIN_KEY = re.compile(rf"[\w .-]{{1,{_LONGEST_PLAIN_KEY}}}", re.ASCII)
_VALUE = re.compile(r"[^\s,]")
_LONGEST_JSON_BYTES = 64 << 20
"""It is read as a whole, and the parsed values take twenty times as much memory."""


def read_json_lines(
    file: SourceFile, place: "partial[Place]", options: ImportOptions, cursor: Cursor
) -> Iterator[RawRecord | SetAside]:
    """Yield the songs of JSONL from the cursor on, which is advanced.

    Raises:
        InputError: a line is longer than any song, or each is one line of a song.
    """
    with file.unpacked() as lines:
        lines.seek(cursor.at)
        beginning: list[bytes] = []
        following = bounded_lines(lines, file)
        if not cursor.at:
            beginning += _few(following)
            refuse_line_rows(
                file.label, _objects(b"".join(beginning).decode("utf-8-sig", "ignore").split("\n")), options
            )
        for line in chain(beginning, following):
            start, cursor.at = cursor.at, cursor.at + len(line)
            rows = line.decode("utf-8" if start else "utf-8-sig").rstrip("\r\n").split("\r")  # line ends of old Macs
            first, cursor.line = cursor.line + 1, cursor.line + len(rows)
            yield from _read_rows(rows, first, place, options.keys)


def read_json(
    file: SourceFile, place: "partial[Place]", options: ImportOptions, cursor: Cursor
) -> Iterator[RawRecord | SetAside]:
    """Yield the songs of JSON, which is read as a whole; the cursor is not advanced.

    Raises:
        InputError: it is not JSON, or too large.
    """
    with file.text() as text:
        content = text.read(_LONGEST_JSON_BYTES + 1)
    if len(content) > _LONGEST_JSON_BYTES:
        raise InputError(
            f"{file.label} contains more than {_LONGEST_JSON_BYTES >> 20} MB in one piece.",
            "Use JSONL, one song per line: it can be any size.",
        )
    try:
        value = json.loads(content, strict=False)
    except RecursionError as error:
        raise InputError(f"{file.label} is nested too deeply to be songs.", "Export it again.") from error
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":  # one song per line, or one value after the other, whatever its ending
            yield from _read_values(content, place, options.keys)
            return
        raise InputError(
            f"{file.label} isn't valid JSON: {error.msg.lower()} at line {error.lineno}, column {error.colno}.",
            "Export it again, or fix it there.",
        ) from error
    except ValueError as error:  # a number of thousands of digits
        raise InputError(f"{file.label} isn't valid JSON: {error}.", "Export it again, or fix it.") from error
    if isinstance(value, list):
        few = value[:ROWS_LOOKED_AT]
        refuse_line_rows(file.label, [row for row in few if isinstance(row, dict)], options)
    yield from read_songs(value, place(where="1"), options.keys)


def seek_keys(file: SourceFile, keys: Iterable[str]) -> Generator[None, None, list[str]]:
    """Return which of some keys are nowhere in a JSON file, yielding now and then. Unusual ones are assumed to be there.

    Raises:
        InputError: the file cannot be read.
    """
    left = {key: f'"{key}"'.encode() for key in keys if _PLAIN_KEY.fullmatch(key)}  # others may be escaped in many ways
    before = b""
    with file.unpacked() as unpacked:
        while left and (chunk := unpacked.read(file.limits.piece)):
            window = before + chunk
            left = {key: spelt for key, spelt in left.items() if spelt not in window}
            before = window[-_LONGEST_PLAIN_KEY - 2 :]
            yield
    return list(left)


def first_keys(file: SourceFile) -> list[str]:
    """Return the keys of the first object in a file of JSON; none if it is a large one."""
    with file.text() as text:
        start = text.read(file.limits.piece).lstrip("[ \r\n\t")
    try:
        value, _ = json.JSONDecoder(strict=False).raw_decode(start)
    except (ValueError, RecursionError):
        return []
    return list(value) if isinstance(value, dict) else []


def _few(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the first lines, unless they are long: those hold songs."""
    length = 0
    for line in islice(lines, ROWS_LOOKED_AT):
        yield line
        length += len(line)
        if length > _LONG_BYTES:
            return


def _objects(rows: Iterable[str]) -> list[dict[str, Any]]:
    """Return the objects among rows of JSON."""
    found = []
    for row in rows:
        with suppress(ValueError, RecursionError):
            found.append(json.loads(row, strict=False))
    return [value for value in found if isinstance(value, dict)]


def _read_values(content: str, place: "partial[Place]", keys: Keys) -> Iterator[RawRecord | SetAside]:
    """Yield the songs of JSON values that follow each other, on one line or several."""
    decoder = json.JSONDecoder(strict=False)
    at, line = 0, 1
    while found := _VALUE.search(content, at):
        line += content.count("\n", at, found.start())
        at = found.start()
        here = place(where=str(line))
        try:
            value, end = decoder.raw_decode(content, at)
        except (ValueError, RecursionError):
            end = content.find("\n", at)
            end = len(content) if end < 0 else end
            yield SetAside(id=here.label, title=f"line {line}", reason="not valid JSON")
        else:
            yield from read_songs(value, here, keys)
        line += content.count("\n", at, end)
        at = end


def _read_rows(rows: Iterable[str], first: int, place: "partial[Place]", keys: Keys) -> Iterator[RawRecord | SetAside]:
    for number, row in enumerate(rows, first):
        if not row.strip():
            continue
        here = place(where=str(number))
        try:
            value = json.loads(row, strict=False)
        except (ValueError, RecursionError):
            yield SetAside(id=here.label, title=f"line {number}", reason="not valid JSON")
            continue
        yield from read_songs(value, here, keys)
