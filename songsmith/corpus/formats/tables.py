"""Read songs from CSV and TSV, and find the columns that hold the parts of a song. Holds no row."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import BinaryIO

from songsmith.corpus.formats.import_options import ImportOptions
from songsmith.corpus.formats.json_songs import SYNONYMS, Keys, Place, read_song
from songsmith.corpus.formats.table_lines import (
    LINE_TEXT,
    ROWS_LOOKED_AT,
    find_line_columns,
    fold_column,
    join_lines,
    known_columns,
)
from songsmith.corpus.formats.table_rows import BrokenRow, TableRows
from songsmith.corpus.formats.text_files import Cursor, SourceFile
from songsmith.corpus.records import RawRecord, SetAside
from songsmith.errors import InputError, UsageError

_LONGEST_NAME = 60
_NAMES_DELIMITER = "sep="
"""A row above the header that tells Excel what separates the cells."""


def read_table(
    file: SourceFile, place: "partial[Place]", options: ImportOptions, cursor: Cursor
) -> Iterator[RawRecord | SetAside]:
    """Yield the songs of CSV or TSV from the cursor on, which is advanced.

    Raises:
        InputError: the first row names no columns, a line is longer than any song, or rows that are lines are in no order.
        UsageError: there is no such column, or no header.
    """
    with file.unpacked() as unpacked:
        rows = _open_rows(file, unpacked)
        columns, options = _read_header(rows, file, options)
        rows.describe(columns)
        lines = find_line_columns(file.label, columns, options, rows.peek(ROWS_LOOKED_AT))
        if lines:
            options = replace(options, text_column=columns[lines.text])
        keys = find_keys(file.label, columns, options)
        if cursor.at:
            rows.seek(cursor.at, cursor.line)
        if lines:
            file.remarks.append(f"{file.label} has one row per line of lyrics; its rows were put together into songs.")
            yield from join_lines(rows, place, columns, keys, lines, cursor)
            return
        is_named = all(columns)
        for cells in rows:
            here = place(where=f"line {rows.first_line}")
            cursor.at, cursor.line = rows.at, rows.line
            if isinstance(cells, BrokenRow):
                yield SetAside(id=here.label, title=here.where, reason=cells.reason)
                continue
            row = dict(zip(columns, cells, strict=False))
            if not (is_named and all(cells)):
                row = {column: cell for column, cell in row.items() if column and (cell or column in keys.text)}
            yield read_song(row, here, keys)


def find_keys(label: str, columns: Sequence[str], options: ImportOptions) -> Keys:
    """Return which columns hold the parts of a song: the one that was asked for, else all with a usual name.

    Raises:
        UsageError: there is no such column, or none with lyrics.
    """
    found = {part: _find_columns(label, columns, part, asked) for part, asked in options.columns.items()}
    return Keys(**{part: names or SYNONYMS[part][:1] for part, names in found.items()})


def _open_rows(file: SourceFile, unpacked: BinaryIO) -> TableRows:
    """Return the rows of a table from its beginning on."""
    first = unpacked.readline(file.limits.longest_line_bytes)
    unpacked.seek(0)
    readline: Callable[[int], bytes] = unpacked.readline
    source: BinaryIO | None = unpacked
    if b"\r" in first.rstrip(b"\r\n"):  # a carriage return alone ends the lines of this file
        # It has a name of its own since it closes the file when it has none.
        text = io.TextIOWrapper(unpacked, "utf-8", newline="")
        readline, source = (lambda limit: text.readline(limit).encode()), None
        first = first.partition(b"\r")[0]
    head = first.decode("utf-8", "replace")
    delimiter = "\t" if file.kind == ".tsv" and "\t" in head else max(",;\t|", key=head.count)
    return TableRows(readline, file, delimiter=delimiter, source=source)


def _read_header(rows: TableRows, file: SourceFile, options: ImportOptions) -> tuple[list[str], ImportOptions]:
    """Return the names of the columns, and how to read them if their names do not say it.

    Raises:
        InputError: the first row is not a row.
        UsageError: it is a song, not names.
    """
    blank = False
    try:
        while (cells := rows.read_first()) is not None:
            said = "".join(cells).strip()
            if said and said != _NAMES_DELIMITER:
                break
            blank = blank or not said
    except csv.Error as error:
        raise InputError(f"The first row of {file.label} doesn't name columns: {error}.", "Fix it there.") from error
    if cells is None:
        return [], options
    if options.no_header:
        rows.take_back()
        numbers = [str(number) for number in range(1, len(cells) + 1)]
        return numbers, options if options.text_column or len(cells) > 1 else replace(options, text_column="1")
    if options.text_column or known_columns(cells).keys() & {*SYNONYMS["text"], *LINE_TEXT}:
        return cells, options
    if len(cells) > 1:
        if any("\n" in cell.strip() for cell in cells):
            number = 1 + max(range(len(cells)), key=lambda place: len(cells[place]))
            raise UsageError(
                f"{file.label} has no header row: its first row is already a song.",
                f"Say which column holds the lyrics, by its number: --no-header --text-column {number}",
            )
        return cells, options
    if blank or "\n" in cells[0].strip() or len(cells[0]) > _LONGEST_NAME:
        rows.take_back()
        file.remarks.append(f"{file.label} has no header row: each row was read as a song.")
        return ["1"], replace(options, text_column="1")
    file.remarks.append(
        f"The first row of {file.label}, '{cells[0]}', was read as a column name. If it is a song, use --no-header."
    )
    return cells, replace(options, text_column=cells[0])


def _find_columns(label: str, columns: Sequence[str], part: str, asked: str) -> tuple[str, ...]:
    known = known_columns(columns)
    if asked:
        if asked in columns:
            return (asked,)
        if column := known.get(fold_column(asked)):
            return (column,)
    elif (
        found := tuple(known[name.casefold()] for name in SYNONYMS[part] if name.casefold() in known)
    ) or part != "text":
        return found
    names = ", ".join(column for column in columns if column) or "none"
    problem = f"has no column '{asked}'" if asked else "doesn't say which column has the lyrics"
    raise UsageError(f"{label} {problem}.", f"Choose one with --{part}-column. Its columns are: {names}.")
