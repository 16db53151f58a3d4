"""Clean songs on disk: replaced as a whole, so that a reader sees the old ones or the new ones. Knows no cleaning rules.

The songs and those set aside lie in two files whose names change each time; `clean.json`, renamed into place last, says
which two they are.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO, Any, TypeVar

from songsmith.corpus.journal import decode_row, write_whole
from songsmith.corpus.records import CleanRecord, SetAside, encode
from songsmith.errors import StorageError, storing

Kept = TypeVar("Kept", CleanRecord, SetAside)


@dataclass(frozen=True, kw_only=True)
class CleanSummary:
    """What `clean.json` says."""

    records: int
    set_aside: int
    raw_records: int
    """Raw songs there were when these were made of them."""
    bytes: int
    songs_file: str
    set_aside_file: str


class CleanWriter:
    """Takes songs for a new set of clean ones."""

    def __init__(self, songs: IO[bytes], set_aside: IO[bytes]) -> None:
        """Write to two files that are open."""
        self._songs, self._set_aside = songs, set_aside
        self.records = self.records_set_aside = self.bytes = 0

    def keep(self, record: CleanRecord) -> None:
        """Add a song."""
        line = encode(record)
        self._songs.write(line)
        self.bytes += len(line)
        self.records += 1

    def set_aside(self, record: SetAside) -> None:
        """Add one that is not used."""
        self._set_aside.write(encode(record))
        self.records_set_aside += 1


class CleanFiles:
    """The clean songs of one folder."""

    def __init__(self, folder: Path) -> None:
        """Keep songs in `folder`, which must be there before any are written."""
        self._folder = folder

    @property
    def pointer(self) -> Path:
        """The file that changes whenever the songs do."""
        return self._folder / "clean.json"

    def summary(self) -> CleanSummary | None:
        """Return what there is, or None.

        Raises:
            StorageError: `clean.json` is damaged.
        """
        if not self.pointer.exists():
            return None
        try:
            with storing(self.pointer):
                row = json.loads(self.pointer.read_bytes())
            # What else stands there, another version wrote.
            return CleanSummary(**{known.name: known.type(row[known.name]) for known in fields(CleanSummary)})  # type: ignore[operator]
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            raise StorageError(f"{self.pointer} is damaged.", "Clean the corpus again.") from error

    def songs(self) -> Iterator[CleanRecord]:
        """Yield the clean songs."""
        return self._read("songs_file", CleanRecord.from_json)

    def set_aside(self) -> Iterator[SetAside]:
        """Yield those that are not used."""
        return self._read("set_aside_file", SetAside.from_json)

    @contextmanager
    def replacing(self, *, raw_records: int) -> Iterator[CleanWriter]:
        """Lend a writer; what it was given takes the place of what there is when the block ends, unless it raises."""
        token = os.urandom(4).hex()
        paths = [self._folder / f"clean-{token}.jsonl", self._folder / f"set-aside-{token}.jsonl"]
        try:
            with storing(self._folder), paths[0].open("xb") as songs, paths[1].open("xb") as set_aside:
                writer = CleanWriter(songs, set_aside)
                yield writer
                for file in (songs, set_aside):
                    file.flush()
                    os.fsync(file.fileno())
            summary = CleanSummary(
                records=writer.records, set_aside=writer.records_set_aside, raw_records=raw_records,
                bytes=writer.bytes, songs_file=paths[0].name, set_aside_file=paths[1].name,
            )  # fmt: skip
            with storing(self.pointer):
                write_whole(self.pointer, json.dumps(asdict(summary), indent=1).encode() + b"\n")
        except BaseException:
            for path in paths:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
            raise
        for path in (*self._folder.glob("clean-*.jsonl"), *self._folder.glob("set-aside-*.jsonl")):
            if path not in paths:
                with suppress(OSError):
                    path.unlink(missing_ok=True)

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
            path = self._folder / getattr(summary, which) if summary else Path(os.devnull)
            with suppress(FileNotFoundError):  # replaced since: the pointer says another by now
                return path.open("rb")
        raise StorageError(f"{path} is gone.", "Clean the corpus again.")
