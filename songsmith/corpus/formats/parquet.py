"""Songs out of Parquet tables, a few rows at a time. Reads only columns that can be part of a song, or a fact of one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from typing import Any

from songsmith.corpus.formats.import_options import ImportOptions
from songsmith.corpus.formats.json_songs import Place, read_song
from songsmith.corpus.formats.tables import find_keys
from songsmith.corpus.formats.text_files import Cursor, SourceFile
from songsmith.corpus.records import RawRecord, SetAside
from songsmith.errors import InputError

_BATCH_BYTES = 4 << 20
_BATCH_ROWS = 1000


def check_parquet(file: SourceFile) -> None:
    """See whether a file is Parquet to its end, where its description stands.

    Raises:
        InputError: it is not, or it is cut short.
    """
    import pyarrow.parquet

    with _reading(file), file.packed() as packed:
        pyarrow.parquet.ParquetFile(packed)


def read_parquet(
    file: SourceFile, place: "partial[Place]", options: ImportOptions, cursor: Cursor
) -> Iterator[RawRecord | SetAside]:
    """Yield the songs of a Parquet table from the cursor on, which goes along.

    Raises:
        InputError: it is damaged.
        UsageError: there is no such column.
    """
    import pyarrow.parquet

    with _reading(file), file.packed() as packed:
        table = pyarrow.parquet.ParquetFile(packed, pre_buffer=False, buffer_size=_BATCH_BYTES)
        described = table.metadata
        columns = [field.name for field in table.schema_arrow if _is_told(field.type)]
        keys = find_keys(file.label, columns, options)
        behind = sum(described.row_group(group).num_rows for group in range(cursor.at))
        for group in range(cursor.at, described.num_row_groups):
            rows, size = described.row_group(group).num_rows, described.row_group(group).total_byte_size
            skip = cursor.line if group == cursor.at else 0
            cursor.at, cursor.line = group, 0
            # So many that they take a few megabytes, be they songs or books.
            batch_rows = max(1, min(_BATCH_ROWS, _BATCH_BYTES * rows // max(size, 1)))
            for batch in table.iter_batches(batch_rows, row_groups=[group], columns=columns):
                if cursor.line + batch.num_rows <= skip:
                    cursor.line += batch.num_rows
                    continue
                for row in _read_rows(batch):
                    cursor.line += 1
                    if cursor.line <= skip:
                        continue
                    here = place(where=f"row {behind + cursor.line}")
                    if row is None:
                        yield SetAside(id=here.label, title=here.where, reason="not UTF-8")
                    else:
                        told = {name: cell for name, cell in row.items() if cell is not None or name in keys.text}
                        yield read_song(told, here, keys)
                file.say_read(file.size_bytes * (behind + cursor.line) // max(described.num_rows, 1))
            behind += rows


def _read_rows(batch: Any) -> Iterator[dict[str, Any] | None]:
    """Yield the rows of a batch as JSON values, or None for one that is not text."""
    try:
        rows = batch.to_pylist()
    except UnicodeDecodeError:
        if batch.num_rows == 1:
            yield None
            return
        for number in range(batch.num_rows):
            yield from _read_rows(batch.slice(number, 1))
        return
    for row in rows:
        yield {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()}


def _is_told(kind: Any) -> bool:
    """Return whether values of a type say something of a song: text, numbers, dates; artists may be a list or an object."""
    from pyarrow import types

    if types.is_list(kind) or types.is_large_list(kind):
        kind = kind.value_type
        return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_struct(kind))
    if types.is_dictionary(kind):
        return _is_told(kind.value_type)
    told = (
        types.is_string, types.is_large_string, types.is_string_view, types.is_integer, types.is_floating,
        types.is_boolean, types.is_date, types.is_timestamp, types.is_struct,
    )  # fmt: skip
    return any(is_such(kind) for is_such in told)


@contextmanager
def _reading(file: SourceFile) -> Iterator[None]:
    from pyarrow import ArrowException

    try:
        yield
    except (ArrowException, OSError, OverflowError) as error:
        # pyarrow says of damage that it is an OSError; one of the system has a number.
        if isinstance(error, OSError) and (type(error) is not OSError or error.errno is not None):
            raise
        raise InputError(f"{file.label} is not Parquet, or damaged.", "Fetch or export it again.") from error
