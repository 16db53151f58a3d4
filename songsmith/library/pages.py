"""Read rows page by page from an SQLite file that SQLite itself cannot read. See https://sqlite.org/fileformat2.html.

Every page that holds rows of a table is read, whether or not a path still leads to it; pages that were given back are
passed over, as are cells that make no sense. What a log beside the file holds counts as written. Writes nothing, and
knows no table: rows are told apart by how many columns they have.
"""

import struct
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import BinaryIO

_MAGIC = b"SQLite format 3\0"
_USUAL_PAGE_BYTES = 4096
_TABLE_LEAF = 0x0D
_LOG_HEADER_BYTES, _FRAME_HEADER_BYTES = 32, 24
_LOG_MAGIC = (0x377F0682, 0x377F0683)
_MOST_PAYLOAD_BYTES = 1 << 30
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}

Value = None | int | float | str | bytes


@dataclass(frozen=True, kw_only=True)
class FoundRow:
    """A row of some table."""

    row: int
    """Its rowid."""
    values: tuple[Value, ...]
    """Its columns; None for those that were cut off."""
    whole: bool
    """Whether nothing of it was cut off."""


def find_rows(path: Path, columns: Collection[int]) -> Iterator[FoundRow]:
    """Yield every row in a file with so many columns, of which the first is the table's INTEGER PRIMARY KEY.

    Args:
        path: the file; its log, if it has one, is called `path` with `-wal` behind it. Where only the log is, that is read.
        columns: how many columns the wanted rows may have.

    Raises:
        OSError: the file cannot be read.
    """
    log = path.with_name(f"{path.name}-wal")
    with BytesIO() if log.is_file() and not path.exists() else path.open("rb") as file:
        if log.is_file():
            with log.open("rb") as frames:
                yield from _Pages(file, frames).rows(columns)
        else:
            yield from _Pages(file, None).rows(columns)


class _Pages:
    """The pages of a file, each as it was written last."""

    def __init__(self, file: BinaryIO, log: BinaryIO | None) -> None:
        self._file, self._log = file, log
        header = file.read(100)
        self.page_bytes, reserved = _USUAL_PAGE_BYTES, 0
        if header.startswith(_MAGIC) and len(header) == 100:
            size = int.from_bytes(header[16:18])
            size = 65536 if size == 1 else size
            if _is_page_size(size):
                self.page_bytes, reserved = size, header[20]
        self._frames: dict[int, int] = {}
        """Where the log has a page that it holds."""
        if log is not None:
            self._read_log(log)
        self._usable = self.page_bytes - reserved
        in_file = -(-file.seek(0, 2) // self.page_bytes)
        self._in_file = range(1, in_file + 1)
        # The log may have more, numbered in any way if it is damaged.
        self._in_log = sorted(number for number in self._frames if number > in_file)
        self._count = max(in_file, *self._in_log[-1:], 0)

    def _read_log(self, log: BinaryIO) -> None:
        header = log.read(_LOG_HEADER_BYTES)
        if len(header) < _LOG_HEADER_BYTES or int.from_bytes(header[:4]) not in _LOG_MAGIC:
            return
        size, salts = int.from_bytes(header[8:12]), header[16:24]
        if not _is_page_size(size):
            return
        self.page_bytes = size
        waiting: dict[int, int] = {}
        place = _LOG_HEADER_BYTES
        while len(frame := log.read(_FRAME_HEADER_BYTES)) == _FRAME_HEADER_BYTES:
            if frame[8:16] == salts:  # others are left from before the log was begun anew
                waiting[int.from_bytes(frame[:4])] = place + _FRAME_HEADER_BYTES
                if any(frame[4:8]):  # ends a transaction
                    self._frames |= waiting
                    waiting.clear()
            place = log.seek(place + _FRAME_HEADER_BYTES + self.page_bytes)

    def page(self, number: int) -> bytes:
        """Return a page, counted from 1; filled up with zeros where the file ends."""
        if number in self._frames and self._log is not None:
            self._log.seek(self._frames[number])
            page = self._log.read(self.page_bytes)
        else:
            self._file.seek((number - 1) * self.page_bytes)
            page = self._file.read(self.page_bytes)
        return page.ljust(self.page_bytes, b"\0")

    def rows(self, columns: Collection[int]) -> Iterator[FoundRow]:
        given_back = self._given_back()
        for number in chain(self._in_file, self._in_log):
            page = self.page(number)
            start = 100 if number == 1 else 0
            if page[start] != _TABLE_LEAF or number in given_back:
                continue
            cells = min(int.from_bytes(page[start + 3 : start + 5]), (self._usable - start - 8) // 2)
            for place in struct.unpack_from(f">{cells}H", page, start + 8):
                with suppress(IndexError, ValueError, struct.error):  # no cell, whatever it is
                    row = self._cell(page, place, columns)
                    if row is not None:
                        yield row

    def _given_back(self) -> set[int]:
        """Return the pages that hold nothing any more."""
        found: set[int] = set()
        trunk = int.from_bytes(self.page(1)[32:36]) if self.page(1).startswith(_MAGIC) else 0
        while 0 < trunk <= self._count and trunk not in found:
            page = self.page(trunk)
            leaves = min(int.from_bytes(page[4:8]), self._usable // 4 - 2)
            found |= {trunk, *struct.unpack_from(f">{leaves}I", page, 8)}
            trunk = int.from_bytes(page[:4])
        return found

    def _cell(self, page: bytes, place: int, columns: Collection[int]) -> FoundRow | None:
        size, place = _read_varint(page, place)
        row, place = _read_varint(page, place)
        if not 0 < size < _MOST_PAYLOAD_BYTES:
            return None
        local = self._local_bytes(size)
        types = _read_types(page[place : min(place + local, self._usable)])
        if len(types) not in columns or types[0] != 0:  # a rowid stands beside the row, not in it
            return None
        payload = page[place : place + local]
        if local < size:
            payload += self._overflow(int.from_bytes(page[place + local : place + local + 4]), size - local)
        values, whole = _decode(payload, types)
        return FoundRow(row=row - (1 << 64) if row >= 1 << 63 else row, values=values, whole=whole)

    def _local_bytes(self, size: int) -> int:
        if size <= self._usable - 35:
            return size
        least = (self._usable - 12) * 32 // 255 - 23
        local = least + (size - least) % (self._usable - 4)
        return local if local <= self._usable - 35 else least

    def _overflow(self, number: int, size: int) -> bytes:
        parts: list[bytes] = []
        read: set[int] = set()
        while size > 0 and 0 < number <= self._count and number not in read:
            read.add(number)
            page = self.page(number)
            parts.append(page[4 : min(self._usable, size + 4)])
            size -= len(parts[-1])
            number = int.from_bytes(page[:4])
        return b"".join(parts)


def _is_page_size(size: int) -> bool:
    return 512 <= size <= 65536 and not size & (size - 1)


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    """Return the number at a place, and the place behind it."""
    value = 0
    for read in range(8):
        byte = data[place + read]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + read + 1
    return value << 8 | data[place + 8], place + 9


def _read_types(data: bytes) -> list[int]:
    """Return the header of a row: the size of it, the type of each column."""
    end, place = _read_varint(data, 0)
    types = []
    while place < end:
        kind, place = _read_varint(data, place)
        types.append(kind)
    if place != end:
        raise ValueError("its header has another size")
    return types


def _decode(payload: bytes, types: list[int]) -> tuple[tuple[Value, ...], bool]:
    place, _ = _read_varint(payload, 0)  # the header's size: the columns come behind it
    values: list[Value] = []
    whole = True
    for kind in types:
        size = 8 if kind == 7 else (kind - 12) // 2 if kind >= 12 else _INTEGER_BYTES.get(kind, 0)
        if kind in (10, 11):
            raise ValueError("there is no such type")
        data = payload[place : place + size]
        place += size
        whole = whole and len(data) == size
        values.append(_value(kind, data, size))
    return tuple(values), whole


def _value(kind: int, data: bytes, size: int) -> Value:
    if kind >= 12:
        if size and not data:
            return None
        return data if kind % 2 == 0 else data.decode("utf-8", "replace")
    if kind in (8, 9):
        return kind - 8
    if kind == 0 or len(data) < size:
        return None
    return float(struct.unpack(">d", data)[0]) if kind == 7 else int.from_bytes(data, signed=True)
