"""Songs out of tables: CSV, TSV, and which of a table's columns hold the parts of a song. Keeps no row."""

import csv
import io
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from typing import BinaryIO

from songsmith.corpus.formats.import_options import ImportOptions
from songsmith.corpus.formats.json_songs import SYNONYMS, Keys, Place, read_song
from songsmith.corpus.formats.text_files import LONGEST_LINE_BYTES, Cursor, SourceFile, bounded_lines
from songsmith.corpus.records import RawRecord, SetAside
from songsmith.errors import InputError, UsageError


def read_table(
    file: SourceFile, place: "partial[Place]", options: ImportOptions, cursor: Cursor
) -> Iterator[RawRecord | SetAside]:
    """Yield the songs of CSV or TSV from the cursor on, which goes along.

    Raises:
        InputError: the first row names no columns, or a line is longer than any song.
        UsageError: there is no such column.
    """
    csv.field_size_limit(LONGEST_LINE_BYTES)
    with file.unpacked() as bytes_:
        lines: Iterator[str]
        if b"\r" in bytes_.readline(LONGEST_LINE_BYTES).rstrip(b"\r\n"):  # a bare one ends the lines of this file
            bytes_.seek(0)
            # It has a name of its own since it closes the file when it has none.
            text = io.TextIOWrapper(bytes_, "utf-8-sig", newline="")
            lines = bounded_lines(text, file.label)
            source, head = None, next(lines, "")
        else:
            bytes_.seek(0)
            # Undecoded, so that the file knows at every row where it stands.
            lines, source = map(bytes.decode, bounded_lines(bytes_, file.label)), bytes_
            head = next(lines, "").removeprefix("\ufeff")
        delimiter = "\t" if file.kind == ".tsv" else max(",;\t", key=head.count)
        rows = csv.reader(chain([head], lines), delimiter=delimiter, strict=True)
        columns = _read_header(rows, file.label)
        keys = find_keys(file.label, columns, options)
        lines_behind = 0
        if cursor.at and source:
            source.seek(cursor.at)
            lines_behind = cursor.line - rows.line_num
        while True:
            here = place(where=f"line {lines_behind + rows.line_num + 1}")
            try:
                cells = next(rows)
                if len(columns) == 1:  # then a delimiter is a comma in a line
                    cells = [delimiter.join(cells)] if cells else []
                if any(cells[len(columns) :]):
                    raise csv.Error("more cells than columns")
            except StopIteration:
                return
            except csv.Error as error:
                _move(cursor, source, lines_behind + rows.line_num)
                yield SetAside(id=here.label, title=here.where, reason=_why_no_row(error))
                continue
            _move(cursor, source, lines_behind + rows.line_num)
            if cells:
                values = zip(columns, cells, strict=False)
                yield read_song(
                    {column: cell for column, cell in values if column and (cell or column in keys.text)}, here, keys
                )


def find_keys(label: str, columns: Sequence[str], options: ImportOptions) -> Keys:
    """Return which columns hold the parts of a song: the one that was asked for, else all that are called so.

    Raises:
        UsageError: there is no such column, or none with lyrics.
    """
    found = {part: _find_columns(label, columns, part, asked) for part, asked in options.columns.items()}
    return Keys(**{part: names or SYNONYMS[part][:1] for part, names in found.items()})


def _move(cursor: Cursor, source: BinaryIO | None, line: int) -> None:
    if source is not None:
        cursor.at, cursor.line = source.tell(), line


def _read_header(rows: Iterator[list[str]], label: str) -> list[str]:
    try:
        return next(rows, [])
    except csv.Error as error:
        raise InputError(f"The first row of {label} does not name columns: {error}.", "Mend it there.") from error


def _why_no_row(error: csv.Error) -> str:
    if "end of data" in str(error):
        return "a quotation mark that never closes; nothing behind it was read"
    what = str(error) if "cells" in str(error) else "not a row of a table"
    return f"{what}; is a quotation mark missing?"


def _find_columns(label: str, columns: Sequence[str], part: str, asked: str) -> tuple[str, ...]:
    known = {column.strip().casefold().replace(" ", "_"): column for column in columns}
    if asked:
        if asked in columns:
            return (asked,)
        if column := known.get(asked.strip().casefold().replace(" ", "_")):
            return (column,)
    elif (
        found := tuple(known[name.casefold()] for name in SYNONYMS[part] if name.casefold() in known)
    ) or part != "text":
        return found
    names = ", ".join(column for column in columns if column) or "none"
    problem = f"has no column '{asked}'" if asked else "does not say which column holds the lyrics"
    raise UsageError(f"{label} {problem}.", f"Choose one with --{part}-column. Its columns are: {names}.")
