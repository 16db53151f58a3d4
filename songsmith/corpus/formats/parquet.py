"""Read songs from Parquet tables, a few rows at a time. Reads only columns that can be part of a song, or of its metadata."""

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO

import numpy as np

from songsmith.corpus.formats.import_options import ImportOptions
from songsmith.corpus.formats.json_songs import SYNONYMS, Place, read_song
from songsmith.corpus.formats.reading_limits import ReadingLimits
from songsmith.corpus.formats.table_lines import ROWS_LOOKED_AT, fold_column, refuse_line_rows
from songsmith.corpus.formats.tables import find_keys
from songsmith.corpus.formats.text_files import Cursor, SourceFile
from songsmith.corpus.records import RawRecord, SetAside
from songsmith.errors import InputError

_BATCH_ROWS = 1000
_LONGEST_ROW = 10_000
_DICTIONARIES = {"PLAIN_DICTIONARY", "RLE_DICTIONARY"}
_DELTAS = {"DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"}


def check_parquet(file: SourceFile) -> None:
    """Check that a file is Parquet to its end, where its metadata is.

    Raises:
        InputError: it is not, or it is cut short.
    """
    import pyarrow.parquet

    with file.packed() as packed, _reading(file):
        _refuse_gzip(file, packed)
        pyarrow.parquet.ParquetFile(packed)


def read_parquet(
    file: SourceFile, place: "partial[Place]", options: ImportOptions, cursor: Cursor
) -> Iterator[RawRecord | SetAside]:
    """Yield the songs of a Parquet table from the cursor on, which is advanced.

    Raises:
        InputError: it is damaged.
        UsageError: there is no such column.
    """
    import pyarrow.parquet

    with file.packed() as packed, _reading(file):
        _refuse_gzip(file, packed)
        described = pyarrow.parquet.read_metadata(packed)
        table = pyarrow.parquet.ParquetFile(
            packed, pre_buffer=False, buffer_size=file.limits.batch_bytes, read_dictionary=_find_repeating(described)
        )
        told = {field.name: kind for field in table.schema_arrow if (kind := _told_column(field, options)) is not None}
        columns = list(told)
        keys = find_keys(file.label, columns, options)
        behind = sum(described.row_group(group).num_rows for group in range(cursor.at))
        for group in range(cursor.at, described.num_row_groups):
            rows = described.row_group(group).num_rows
            skip = cursor.line if group == cursor.at else 0
            cursor.at, cursor.line = group, 0
            batch_rows = _choose_batch_rows(described.row_group(group), file.limits)
            for batch in table.iter_batches(batch_rows, row_groups=[group], columns=columns):
                if cursor.line + batch.num_rows <= skip:
                    cursor.line += batch.num_rows
                    continue
                batch = _as_told(batch, told)
                if not behind and not cursor.line:
                    refuse_line_rows(file.label, _first_rows(batch, file.limits), options)
                for row in _read_rows(batch, file.limits):
                    cursor.line += 1
                    if cursor.line <= skip:
                        continue
                    here = place(where=f"row {behind + cursor.line}")
                    if isinstance(row, str):
                        yield SetAside(id=here.label, title=here.where, reason=row)
                    else:
                        said = {name: cell for name, cell in row.items() if cell is not None or name in keys.text}
                        yield read_song(said, here, keys)
                file.say_read(file.size_bytes * (behind + cursor.line) // max(described.num_rows, 1))
            behind += rows


def _first_rows(batch: Any, limits: ReadingLimits) -> list[dict[str, Any]]:
    """Return the first rows of a batch; none where one holds more than a line could."""
    rows = batch.slice(0, ROWS_LOOKED_AT)
    if max(sum(map(_sizes, rows.columns)), default=0) > _LONGEST_ROW:
        return []
    return [row for row in _read_rows(rows, limits) if isinstance(row, dict)]


def _refuse_gzip(file: SourceFile, packed: BinaryIO) -> None:
    start = packed.read(2)
    packed.seek(0)
    if start == b"\x1f\x8b":
        raise InputError(
            f"{file.label} is gzipped, which doesn't work for Parquet.", f"Unpack it: gunzip {shlex.quote(file.label)}"
        )


def _find_repeating(described: Any) -> list[str]:
    """Return the columns that store equal values once. Read that way, they take no more memory than in the file."""
    encodings: dict[str, set[str]] = {}
    for group in map(described.row_group, range(described.num_row_groups)):
        for chunk in map(group.column, range(group.num_columns)):
            if chunk.physical_type == "BYTE_ARRAY":
                encodings.setdefault(chunk.path_in_schema, set()).update(chunk.encodings)
    return [path for path, used in encodings.items() if used & _DICTIONARIES and not used & _DELTAS]


def _choose_batch_rows(group: Any, limits: ReadingLimits) -> int:
    """Return how many rows take a few megabytes, whatever the size of a row."""
    rows: int = limits.batch_bytes * group.num_rows // max(group.total_byte_size, 1)
    for chunk in map(group.column, range(group.num_columns)):
        # With delta encoding a value may share its beginning with the one before: each may be as long as all together.
        if _DELTAS & set(chunk.encodings):
            rows = min(rows, limits.batch_bytes // max(chunk.total_uncompressed_size, 1))
    return max(1, min(_BATCH_ROWS, rows))


def _read_rows(batch: Any, limits: ReadingLimits) -> Iterator[dict[str, Any] | str]:
    """Yield the rows of a batch as JSON values, a few megabytes at a time, or why one cannot be read."""
    sizes = sum(map(_sizes, batch.columns))
    start = 0
    while start < batch.num_rows:
        ends = np.cumsum(sizes[start:])
        count = max(1, int(np.searchsorted(ends, limits.batch_bytes, side="right")))
        if ends[0] > limits.longest_line_bytes:
            yield "longer than any song"
        else:
            yield from _read_few(batch.slice(start, count))
        start += count


def _read_few(batch: Any) -> Iterator[dict[str, Any] | str]:
    try:
        yield from batch.to_pylist()
    except UnicodeDecodeError:
        if batch.num_rows == 1:
            yield "not UTF-8"
            return
        for number in range(batch.num_rows):
            yield from _read_few(batch.slice(number, 1))


def _sizes(values: Any) -> Any:
    """Return, for each value, roughly how many bytes it takes in memory."""
    from pyarrow import compute, types

    def count(lengths: Any) -> Any:
        return lengths.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)

    if types.is_dictionary(values.type):
        return count(compute.take(compute.binary_length(values.dictionary), values.indices))
    if types.is_string(values.type) or types.is_large_string(values.type):
        return count(compute.binary_length(values))
    if types.is_list(values.type) or types.is_large_list(values.type):
        ends = np.cumsum(count(compute.list_value_length(values)))
        inner = np.concatenate([[0], np.cumsum(_sizes(values.flatten()))])[np.concatenate([[0], ends])]
        return np.diff(inner)
    if types.is_struct(values.type):
        return sum(map(_sizes, values.flatten()))
    return np.full(len(values), 8, np.int64)


def _told_column(field: Any, options: ImportOptions) -> Any | None:
    """Return how to read the values of a column, or nothing. Bytes are text if the column has the name of a part of a song.

    Other bytes may be pictures or sound.
    """
    import pyarrow
    from pyarrow import types

    kind = field.type.value_type if types.is_dictionary(field.type) else field.type
    if types.is_binary(kind) or types.is_large_binary(kind):
        known = {*options.columns.values(), *(name.casefold() for names in SYNONYMS.values() for name in names)}
        return pyarrow.large_string() if {field.name, fold_column(field.name)} & known else None
    return _told_type(field.type)


def _told_type(kind: Any) -> Any | None:
    """Return how to read values of a type that can describe a song, else nothing.

    Text, numbers, dates and times can, the last two as text; artists may be a list or an object, in which times are left out.
    """
    import pyarrow
    from pyarrow import types

    if types.is_date(kind) or types.is_timestamp(kind):
        return pyarrow.string()
    if types.is_list(kind) or types.is_large_list(kind):
        inner = None if _is_moment(kind.value_type) else _told_type(kind.value_type)
        is_name = inner is not None and (_is_text(inner) or types.is_struct(inner))
        return pyarrow.list_(inner) if is_name else None
    if types.is_struct(kind):
        fields = [(field.name, _told_type(field.type)) for field in kind if not _is_moment(field.type)]
        fields = [(name, told) for name, told in fields if told is not None]
        return pyarrow.struct(fields) if fields else None
    if types.is_string_view(kind):
        return pyarrow.large_string()
    is_number = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)
    return kind if is_number or _is_text(kind) else None


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_moment(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_date(kind) or types.is_timestamp(kind))


def _as_told(batch: Any, told: Mapping[str, Any]) -> Any:
    import pyarrow

    columns = [_retype(batch.column(name), kind) for name, kind in told.items()]
    return pyarrow.RecordBatch.from_arrays(columns, list(told))


def _retype(column: Any, kind: Any) -> Any:
    import pyarrow
    from pyarrow import compute

    if column.type == kind:
        return column
    if not _is_moment(column.type):
        how = compute.CastOptions(kind, allow_invalid_utf8=True)  # what is not UTF-8 is found row by row
        if pyarrow.types.is_dictionary(column.type):  # there, equal values are stored once
            return pyarrow.DictionaryArray.from_arrays(column.indices, compute.cast(column.dictionary, options=how))
        return compute.cast(column, options=how)
    try:
        text = column.cast(kind)
    except pyarrow.ArrowInvalid:  # an unknown time zone
        text = column.cast(pyarrow.timestamp(column.type.unit)).cast(kind)
    text = compute.replace_substring(text, " ", "T", max_replacements=1)
    # pyarrow returns `<value out of range>` for dates that no calendar has.
    return compute.if_else(compute.starts_with(text, "<"), None, text)


@contextmanager
def _reading(file: SourceFile) -> Iterator[None]:
    from pyarrow import ArrowException

    try:
        yield
    except (ArrowException, OSError, OverflowError) as error:
        # pyarrow raises OSError for damage, too; one of the system has a number.
        if isinstance(error, OSError) and (type(error) is not OSError or error.errno is not None):
            raise
        raise InputError(f"{file.label} isn't Parquet, or is damaged.", "Download or export it again.") from error
