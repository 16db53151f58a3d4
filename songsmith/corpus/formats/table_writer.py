"""Write songs as Parquet tables: a column for each field and metadata key. Writes rows it is handed; chooses nothing."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from songsmith.corpus.records import MetadataValue
from songsmith.errors import StorageError

ROWS_A_GROUP = 5000
"""Rows that are written together at most."""
_CHARACTERS_A_GROUP = 16 << 20
_LARGEST_INT = 1 << 63


class Columns:
    """The columns that rows need, each of the narrowest type that holds all its values."""

    def __init__(self) -> None:
        """Begin without columns."""
        self._kinds: dict[str, set[str]] = {}

    def add(self, row: Mapping[str, MetadataValue]) -> None:
        """Add the columns and types of a row."""
        for name, value in row.items():
            kinds = self._kinds.setdefault(name, set())
            if value is not None:
                kinds.add(_kind(value))

    @property
    def dtypes(self) -> dict[str, str]:
        """The Arrow type of each column: bool, int64, float64 or string. A column of several types is text."""
        names = sorted(self._kinds, key=lambda name: name == "text")  # the longest column comes last
        return {name: _widest(self._kinds[name]) for name in names}


class TableWriter:
    """Writes rows into one Parquet file, some thousands at a time, so that no more are in memory."""

    def __init__(self, path: Path, dtypes: Mapping[str, str], *, rows_a_group: int = ROWS_A_GROUP) -> None:
        """Begin a new file with these columns; at most this many rows are written together. The caller makes it durable."""
        import pyarrow as pa
        from pyarrow import parquet

        self.rows = 0
        self.bytes = 0
        """How large the rows are in memory."""
        self._dtypes, self._rows_a_group = dtypes, rows_a_group
        self._waiting: list[Mapping[str, MetadataValue]] = []
        self._characters = 0
        self._schema = pa.schema([(name, pa.type_for_alias(dtype)) for name, dtype in dtypes.items()])
        self._file = path.open("xb")
        self._writer: Any = parquet.ParquetWriter(self._file, self._schema, compression="zstd")

    def add(self, row: Mapping[str, MetadataValue]) -> None:
        """Write a row.

        Raises:
            StorageError: it does not fit the columns.
        """
        self._waiting.append(row)
        self._characters += len(str(row.get("text", "")))
        if len(self._waiting) >= self._rows_a_group or self._characters >= _CHARACTERS_A_GROUP:
            self._write()

    def _write(self) -> None:
        import pyarrow as pa

        columns = {name: [_cast(row.get(name), dtype) for row in self._waiting] for name, dtype in self._dtypes.items()}
        try:
            table = pa.table(columns, schema=self._schema)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise StorageError(
                "The corpus changed while it was being read.", "Try again when nothing changes it."
            ) from error
        self._writer.write_table(table)
        self.rows += table.num_rows
        self.bytes += table.nbytes
        self._waiting, self._characters = [], 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            try:
                if kind is None:
                    if self._waiting:
                        self._write()
                    self._writer.close()
            finally:
                with suppress(Exception):  # left open, it would try again when it is collected, and raise
                    self._writer.close()
                self._writer.is_open = False


def _kind(value: MetadataValue) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int64" if -_LARGEST_INT <= value < _LARGEST_INT else "string"
    return "float64" if isinstance(value, float) else "string"


def _widest(kinds: set[str]) -> str:
    if kinds == {"int64", "float64"}:
        return "float64"
    return next(iter(kinds)) if len(kinds) == 1 else "string"


def _cast(value: MetadataValue, dtype: str) -> MetadataValue:
    if dtype == "string" and value is not None:
        return str(value)
    return float(value) if dtype == "float64" and isinstance(value, int) else value
