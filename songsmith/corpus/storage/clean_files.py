"""Clean songs on disk: replaced as a whole, so that a reader sees the old ones or the new ones. Knows no cleaning rules.

The songs, those set aside, and the report of what was done are in three files whose names change each time; `clean.json`,
renamed into place last, names them. It also names those of the cleaning before, whose files stay: one step of undo.
"""

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import IO, Any, TypeVar

from songsmith.corpus.records import CleanRecord, SetAside, encode
from songsmith.corpus.storage.journal import decode_row
from songsmith.errors import NotFoundError, StorageError, storing
from songsmith.files import sync_file, sync_folder, write_whole

Kept = TypeVar("Kept")

_KINDS = ("clean", "set-aside", "report")


@dataclass(frozen=True, kw_only=True)
class CleanSummary:
    """What `clean.json` says about one set of clean songs."""

    records: int
    set_aside: int
    raw_records: int
    """How many raw songs there were when these were made."""
    bytes: int
    songs_file: str
    set_aside_file: str
    report_file: str = ""
    """Empty where an older version cleaned, which wrote none."""
    made_with: Mapping[str, Any] = field(default_factory=dict)
    """How they were cleaned, as JSON values; empty where an older version cleaned."""

    @property
    def files(self) -> tuple[str, ...]:
        """The names of its files."""
        return tuple(filter(None, (self.songs_file, self.set_aside_file, self.report_file)))


class CleanWriter:
    """Writes a new set of clean songs."""

    def __init__(self, open_file: Callable[[str], IO[bytes]]) -> None:
        """Write to new files that `open_file` opens for reading and writing: `clean`, `set-aside` and `report`."""
        self._open_file = open_file
        self._songs, self._set_aside, self._report = map(open_file, _KINDS)
        self.records = self.records_set_aside = self.bytes = 0
        self.made_with: Mapping[str, Any] = {}
        """How the songs were cleaned; set by whoever cleans."""

    @property
    def files(self) -> tuple[IO[bytes], ...]:
        """The files as they are now."""
        return self._songs, self._set_aside, self._report

    def keep(self, record: CleanRecord) -> None:
        """Add a song."""
        self.keep_lines(encode(record), 1)

    def keep_lines(self, lines: bytes, count: int) -> None:
        """Add songs as the lines of JSON that store them."""
        self._songs.write(lines)
        self.bytes += len(lines)
        self.records += count

    def set_aside(self, record: SetAside) -> None:
        """Add a song that is set aside."""
        self._set_aside.write(encode(record))
        self.records_set_aside += 1

    def report(self, lines: bytes) -> None:
        """Add lines of JSON to the report."""
        self._report.write(lines)

    def read(self, start: int, size: int) -> CleanRecord:
        """Return a song that was added, by the offset and size of its line."""
        self._songs.seek(start)
        line = self._songs.read(size)
        self._songs.seek(0, os.SEEK_END)
        return CleanRecord.from_json(decode_row(line))

    def leave_out(self, rows: Collection[int]) -> None:
        """Remove songs that were added, by their numbers from 0."""
        before, self._songs = self._songs, self._open_file(_KINDS[0])
        self.records = self.bytes = 0
        with before:
            before.seek(0)
            for row, line in enumerate(before):
                if row not in rows:
                    self.keep_lines(line, 1)

    def close(self) -> None:
        """Close the files."""
        for file in self.files:
            with suppress(OSError):  # a full disk was reported before
                file.close()


class CleanFiles:
    """The clean songs of one folder, and the set before them."""

    def __init__(self, folder: Path) -> None:
        """Store songs in `folder`, which must exist before any are written."""
        self._folder = folder

    @property
    def pointer(self) -> Path:
        """The file that changes whenever the songs do."""
        return self._folder / "clean.json"

    def summary(self) -> CleanSummary | None:
        """Return the summary of the clean songs, or None.

        Raises:
            StorageError: `clean.json` is damaged.
        """
        row = self._row()
        return None if row is None else self._read_summary(row)

    def songs(self) -> Iterator[CleanRecord]:
        """Yield the clean songs."""
        return self._read("songs_file", CleanRecord.from_json)

    def set_aside(self) -> Iterator[SetAside]:
        """Yield those that are set aside."""
        return self._read("set_aside_file", SetAside.from_json)

    def report(self) -> Iterator[Mapping[str, Any]]:
        """Yield the report of the cleaning; nothing where an older version cleaned."""
        return self._read("report_file", dict)

    @contextmanager
    def replacing(self, *, raw_records: int) -> Iterator[CleanWriter]:
        """Lend a writer; its songs replace the present ones when the block ends, unless it raises."""
        self._sweep()
        opened: list[Path] = []

        def open_file(kind: str) -> IO[bytes]:
            opened.append(self._folder / f"{kind}-{os.urandom(4).hex()}.jsonl")
            return opened[-1].open("x+b")

        try:
            with storing(self._folder):
                writer = CleanWriter(open_file)
                try:
                    yield writer
                    for file in writer.files:
                        sync_file(file)
                finally:
                    writer.close()
            songs, set_aside, report = (Path(file.name).name for file in writer.files)
            summary = CleanSummary(
                records=writer.records, set_aside=writer.records_set_aside, raw_records=raw_records, bytes=writer.bytes,
                songs_file=songs, set_aside_file=set_aside, report_file=report, made_with=writer.made_with,
            )  # fmt: skip
            with storing(self.pointer):
                self._point_to(asdict(summary) | self._remember())
        except BaseException:
            for path in opened:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
            raise
        self._sweep()

    def undo(self) -> CleanSummary | None:
        """Restore the clean songs that were replaced last, and return their summary.

        None: there were none, and there are none now.

        Raises:
            NotFoundError: there is nothing to undo, or the songs before are no longer stored.
            StorageError: `clean.json` is damaged.
        """
        row = self._row()
        if row is None:
            raise NotFoundError("There is no cleaning to undo.")
        self._read_summary(row)
        if "previous" not in row:
            raise NotFoundError("Only the last cleaning can be undone, and it already was.")
        previous = self._read_summary(row["previous"]) if row["previous"] else None
        with storing(self.pointer):
            if previous is None:
                self.pointer.unlink()
                sync_folder(self._folder)
            else:
                for name in previous.files:
                    (self._folder / name).stat()  # raises if one is missing, and nothing is changed
                self._point_to(asdict(previous))
        self._sweep()
        return previous

    def _point_to(self, row: Mapping[str, Any]) -> None:
        write_whole(self.pointer, json.dumps(row, indent=1).encode() + b"\n")

    def _remember(self) -> dict[str, Any]:
        """Return what `clean.json` is to say about the songs that are about to be replaced."""
        try:
            summary = self.summary()
        except StorageError:
            return {}
        return {"previous": asdict(summary) if summary else None}

    def _sweep(self) -> None:
        """Remove the files that belong to no set: those of older sets, and what a killed process left.

        Only the process that may write to the folder may call it: it would remove what another is about to rename.
        """
        with suppress(StorageError):
            row = self._row() or {}
            kept: set[str] = set()
            for known in (row, row.get("previous")):
                kept |= set(self._read_summary(known).files) if known else set()
            for pattern in (*(f"{kind}-*.jsonl" for kind in _KINDS), ".*.tmp"):
                for path in self._folder.glob(pattern):
                    if path.name not in kept:
                        with suppress(OSError):
                            path.unlink(missing_ok=True)

    def _row(self) -> dict[str, Any] | None:
        if not self.pointer.exists():
            return None
        try:
            with storing(self.pointer):
                row = json.loads(self.pointer.read_bytes())
            if not isinstance(row, dict):
                raise TypeError("it isn't a JSON object")
        except (ValueError, TypeError, RecursionError) as error:
            raise self._damaged() from error
        return row

    def _read_summary(self, row: Mapping[str, Any]) -> CleanSummary:
        try:
            # Other keys are from another version.
            values = {known.name: row[known.name] for known in fields(CleanSummary) if known.name in row}
            for known in fields(CleanSummary):
                wanted = known.type if isinstance(known.type, type) else dict
                if known.name in values and not isinstance(values[known.name], wanted):
                    raise TypeError(f"{known.name} is {values[known.name]!r}")
            return CleanSummary(**values)
        except (ValueError, TypeError, LookupError) as error:
            raise self._damaged() from error

    def _damaged(self) -> StorageError:
        return StorageError(f"{self.pointer} is damaged.", "Clean the corpus again.")

    def _read(self, which: str, from_json: Callable[[dict[str, Any]], Kept]) -> Iterator[Kept]:
        file = self._open(which)
        with storing(self._folder), file:
            for line in file:
                try:
                    record = from_json(decode_row(line))
                except (ValueError, TypeError, RecursionError) as error:
                    raise StorageError(f"{file.name} is damaged.", "Clean the corpus again.") from error
                yield record

    def _open(self, which: str) -> IO[bytes]:
        for _ in range(5):
            summary = self.summary()
            name = getattr(summary, which) if summary else ""
            path = self._folder / name if name else Path(os.devnull)
            with suppress(FileNotFoundError):  # replaced meanwhile: the pointer names another file by now
                return path.open("rb")
        raise StorageError(f"{path} is missing.", "Clean the corpus again.")
