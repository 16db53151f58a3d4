"""Read the rows of CSV and TSV, one by one. A broken row is returned as it is, with the reason; the rows after it are right."""

import codecs
import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice, tee
from typing import TYPE_CHECKING, BinaryIO

from songsmith.corpus.formats import text_files

if TYPE_CHECKING:
    from _csv import Reader

_LONGEST_CELL = 16 << 20
_NEVER_CLOSES = "a quotation mark that never closes; nothing behind it was read"
# How far to look for the end of a broken row, and how long a row after it may be.
_MOST_BROKEN_LINES = 20_000
_MOST_TRIES = 200
_MOST_PEEKED_LINES = 2000
_MOST_PEEKED = 1 << 20


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """Lines that are not a row of the table."""

    reason: str


class TableRows:
    """The rows of a table, each as its cells; knows where each begins and ends, and can take rows back."""

    def __init__(
        self, readline: Callable[[int], bytes], file: text_files.SourceFile, *, delimiter: str, source: BinaryIO | None
    ) -> None:
        """Begin with the next line.

        Args:
            readline: returns the next line, of at most that many bytes; empty at the end.
            file: whose rows they are.
            delimiter: what separates the cells.
            source: the file that lines are read from, if the place of a line in it is known.
        """
        csv.field_size_limit(_LONGEST_CELL)
        self.limits = file.limits
        """How large anything in the file may be."""
        self.width = 0
        """How many cells a row has; 0: not known yet."""
        self.line = 0
        """Lines read so far."""
        self.first_line = 1
        """The line with which the last row begins, counted from 1."""
        self._readline, self._file, self._delimiter, self._source = readline, file, delimiter, source
        self._again: deque[bytes] = deque()
        self._record: list[bytes] = []
        self._taken: list[bytes] = []
        self._read: Iterator[bytes] = iter(())
        """Lines that the reader has taken since then, one by one and as a stream."""
        self._doubled: bool | None = None
        self._is_spaced = self._is_quoted = self._is_multiline = self._ended = False
        self._begin()

    @property
    def at(self) -> int:
        """Where the last row ends, in bytes of the unpacked file; 0 where that is not known."""
        if self._source is None:
            return 0
        if not self._again:
            return self._source.tell()
        waiting = sum(len(line) + (bool(self._doubled) and line.endswith(b"\r\n")) for line in self._again)
        return self._source.tell() - waiting

    def seek(self, at: int, line: int) -> None:
        """Go to the beginning of a row, with this many lines before it."""
        if self._source is not None:
            self._source.seek(at)
            self._again.clear()
            self.line = line
            self._begin()

    def take_back(self) -> None:
        """Return the last row again next time."""
        self._again.extendleft(reversed(self._record))
        self.line -= len(self._record)
        self._record.clear()
        self._begin()

    def describe(self, header: Sequence[str]) -> None:
        """Say which columns there are, after the row that names them, if one does."""
        self.width = len(header)
        # How a row after a broken one is told from a line of a song.
        self._is_spaced = any(name[:1] == " " for name in header[1:])
        self._is_quoted = self.width == 1 or (bool(self._record) and self._record[0][:1] == b'"')

    def peek(self, count: int) -> list[list[str]]:
        """Return the next rows, at most this many and a megabyte of them, without going past them."""
        lines: list[bytes] = []
        found: list[list[str]] = []
        with suppress(csv.Error):
            found = list(islice(self._parse(self._few(lines), strict=False), count))
        self._again.extendleft(reversed(lines))
        self._begin()
        return found[:-1] if sum(map(len, lines)) >= _MOST_PEEKED else found

    def read_first(self) -> list[str] | None:
        """Return the next row, which may be of any width; None at the end.

        Raises:
            csv.Error: it is not a row.
        """
        try:
            return next(self._rows, None)
        finally:
            self._note_record()
            self.line += len(self._record)

    def __iter__(self) -> Iterator[list[str] | BrokenRow]:
        """Yield the rows that have cells, and broken ones."""
        record, width = self._record, self.width
        while not self._ended:
            self.first_line = self.line + 1
            row: list[str] | BrokenRow
            try:
                try:
                    row = next(self._rows)
                finally:
                    self._note_record()
                if width == 1:  # then a delimiter is a comma in a line
                    row = [self._delimiter.join(row)] if row else []
                elif any(row[width:]):
                    row = self._mend("more cells than columns")
                elif len(record) > 1:
                    self._is_multiline = True
                elif self._is_multiline and row and (len(row) < width or record[0].count(b'"') % 2):
                    # The rest of a row that ended too early.
                    row = self._mend("fewer cells than columns" if len(row) < width else "not a row of a table")
            except StopIteration:
                return
            except csv.Error as error:
                row = self._mend("a cell longer than any song" if "limit" in str(error) else "not a row of a table")
            self.line += len(record)
            if row:
                yield row

    def _begin(self) -> None:
        self._rows = self._parse(self._feed())
        self._noted = 0

    def _parse(self, lines: Iterable[str], *, strict: bool = True) -> "Reader":
        return csv.reader(lines, delimiter=self._delimiter, strict=strict, skipinitialspace=self._is_spaced)

    def _feed(self) -> Iterator[str]:
        """Yield lines for a new reader."""
        while self._again or self._doubled is not False:
            if (line := self._next_line()) is None:
                return
            self._taken.append(line)
            yield line.decode()
        # As above, but fast: in most files this reads nearly every line.
        lines, self._read = tee(iter(partial(self._readline, self.limits.longest_line_bytes + 1), b""))
        yield from map(bytes.decode, lines)

    def _note_record(self) -> None:
        """Remember the lines of which the reader made the last row."""
        count, self._noted = self._rows.line_num - self._noted, self._rows.line_num
        self._record[:] = self._taken
        self._taken.clear()
        self._record += islice(self._read, count - len(self._record))
        if self._record:
            self._check_length(self._record[-1])  # a longer one is a row at once, or none

    def _next_line(self) -> bytes | None:
        if self._again:
            return self._again.popleft()
        read = self._readline(self.limits.longest_line_bytes + 1)
        if not read:
            return None
        self._check_length(read)
        if self._doubled is None:  # a tool that doubled line ends did so in the first line, too
            self._doubled = read.endswith(b"\r\r\n")
            read = read.removeprefix(codecs.BOM_UTF8)
        return read[:-2] + b"\n" if self._doubled and read.endswith(b"\r\r\n") else read

    def _check_length(self, line: bytes) -> None:
        if len(line) > self.limits.longest_line_bytes:
            raise text_files.endless_line(self._file)

    def _mend(self, reason: str) -> list[str] | BrokenRow:
        """Return the cells of a row that could not be read, if they are certain; else skip it."""
        if any(b'\\"' in line for line in self._record) and (cells := self._unescape()):
            return cells
        if self._delimiter == "\t" and (cells := self._read_plain()):
            return cells
        if b'"' not in b"".join(self._record):
            return BrokenRow(f"{reason}; is a quotation mark missing?")
        self._again.extendleft(reversed(self._record))
        self._record.clear()
        found = self._pass_broken()
        self._begin()
        if not found:
            self._ended = True
            return BrokenRow(_NEVER_CLOSES)
        return BrokenRow(f"{reason}; is a quotation mark missing?")

    def _read_plain(self) -> list[str]:
        """Return the cells of a line of TSV whose quotation marks are only characters: it is a whole row, as is the next."""
        line, *rest = self._record
        if line.count(b"\t") != self.width - 1:
            return []
        self._again.extendleft(reversed(rest))
        if (below := self._next_line()) is not None:
            self._again.appendleft(below)
        if below and below.count(b"\t") != self.width - 1:
            for _ in rest:
                self._again.popleft()
            return []
        self._record[:] = [line]
        self._begin()
        return line.decode().rstrip("\r\n").split("\t")

    def _unescape(self) -> list[str]:
        r"""Return the cells of a row in which `\"` is a quotation mark; nothing if that is not a row."""
        lines: list[bytes] = []
        self._again.extendleft(reversed(self._record))
        cells: list[str] = []
        with suppress(csv.Error, StopIteration):
            escaped = (_unescape_quotes(line) for line in self._few(lines))
            cells = next(self._parse(escaped))
        if len(cells) < self.width or any(cells[self.width :]):
            self._again.extendleft(reversed(lines))
            for _ in self._record:
                self._again.popleft()
            return []
        self._record[:] = lines
        self._begin()
        return cells

    def _pass_broken(self) -> bool:
        """Go past the line that ends a broken row, which its cells do not show; return whether there is one.

        At its end the quotation marks are paired, or one ends the line, and a good row follows.
        """
        quotes = tries = 0
        while (line := self._next_line()) is not None:
            self._record.append(line)
            quotes += line.count(b'"')
            if quotes % 2 == 0 or self._closes(line.rstrip()):
                tries += 1
                if self._is_before_row():
                    return True
            if tries > _MOST_TRIES or len(self._record) > _MOST_BROKEN_LINES:
                return False
        return False

    def _closes(self, line: bytes) -> bool:
        """Return whether the line read last ends with a mark that may close a cell; in the first, one behind nothing opens it."""
        return line[-1:] == b'"' and (len(self._record) > 1 or line[-2:-1] not in (b"", self._delimiter.encode()))

    def _is_before_row(self) -> bool:
        """Return whether a row follows, or the end."""
        lines: list[bytes] = []
        cells: list[str] | None = []
        try:
            reader = self._parse(self._few(lines))
            cells = next(filter(None, reader), None)
        except csv.Error:
            cells = []
        self._again.extendleft(reversed(lines))
        if cells is None:
            return True
        start = lines[0] if lines else b""
        return (
            len(cells) >= self.width and (self.width == 1 or not any(cells[self.width :]))
            and b"".join(lines).count(b'"') % 2 == 0 and bool(start.strip())
            and (not self._is_quoted or start.startswith(b'"'))
            # In a line of a song, a comma is followed by a space.
            and (self._is_spaced or not any(cell[:1] == " " for cell in cells[1:]))
        )  # fmt: skip

    def _few(self, lines: list[bytes]) -> Iterator[str]:
        """Yield the next lines as far as a row may go, and note them in `lines`."""
        length = 0
        while len(lines) < _MOST_PEEKED_LINES and length < _MOST_PEEKED and (line := self._next_line()) is not None:
            lines.append(line)
            length += len(line)
            yield line.decode()


def _unescape_quotes(line: str) -> str:
    r"""Return a line with `\"` doubled as CSV does; `\\` stays a backslash."""
    if '\\"' not in line:
        return line
    return "\\\\".join(part.replace('\\"', '""') for part in line.split("\\\\"))
