"""Songs out of JSONL, a line at a time, and out of JSON as lyricsgenius saves it, a file at a time. Sets aside bad lines."""

import json
from collections.abc import Iterable, Iterator
from functools import partial

from songsmith.corpus.formats.import_options import ImportOptions
from songsmith.corpus.formats.json_songs import Keys, Place, read_songs
from songsmith.corpus.formats.text_files import Cursor, SourceFile, bounded_lines
from songsmith.corpus.records import RawRecord, SetAside
from songsmith.errors import InputError

_LONGEST_JSON_BYTES = 64 << 20
"""It is held as a whole, and what is made of it takes twenty times as much."""


def read_json_lines(
    file: SourceFile, place: "partial[Place]", options: ImportOptions, cursor: Cursor
) -> Iterator[RawRecord | SetAside]:
    """Yield the songs of JSONL from the cursor on, which goes along.

    Raises:
        InputError: a line is longer than any song.
    """
    with file.unpacked() as lines:
        lines.seek(cursor.at)
        for line in bounded_lines(lines, file.label):
            start, cursor.at = cursor.at, cursor.at + len(line)
            rows = line.decode("utf-8" if start else "utf-8-sig").rstrip("\r\n").split("\r")  # as an old Mac ends lines
            first, cursor.line = cursor.line + 1, cursor.line + len(rows)
            yield from _read_rows(rows, first, place, options.keys)


def read_json(
    file: SourceFile, place: "partial[Place]", options: ImportOptions, cursor: Cursor
) -> Iterator[RawRecord | SetAside]:
    """Yield the songs of JSON, which is held as a whole; the cursor stays where it is.

    Raises:
        InputError: it is no JSON, or too large.
    """
    with file.text() as text:
        content = text.read(_LONGEST_JSON_BYTES + 1)
    if len(content) > _LONGEST_JSON_BYTES:
        raise InputError(
            f"{file.label} holds more than {_LONGEST_JSON_BYTES >> 20} MB in one piece.",
            "Write one song a line (JSONL): that can be of any size.",
        )
    try:
        value = json.loads(content, strict=False)
    except RecursionError as error:
        raise InputError(f"{file.label} is nested deeper than any song.", "Export it again.") from error
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and error.lineno > 1:  # one song a line, whatever it is called
            yield from _read_rows(content.split("\n"), 1, place, options.keys)
            return
        raise InputError(
            f"{file.label} is not valid JSON: {error.msg.lower()} at line {error.lineno}, column {error.colno}.",
            "Export it again, or mend it there.",
        ) from error
    except ValueError as error:  # a number of thousands of digits
        raise InputError(f"{file.label} is not valid JSON: {error}.", "Export it again, or mend it.") from error
    yield from read_songs(value, place(where="1"), options.keys)


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
