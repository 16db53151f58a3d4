"""Check a file of JSON lines, and report which cannot be read, run by run. Repairs nothing."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songsmith.corpus.storage.journal import decode_row
from songsmith.corpus.verification.damage import Damage, Remedy

_TORN = "is torn: the last line has no end"


@dataclass(frozen=True, kw_only=True)
class _Bad:
    line: int
    start: int
    end: int
    why: str


class LineChecker:
    """Reads a file of JSON lines to its end, and collects what is wrong with it."""

    def __init__(
        self, path: Path, from_json: Callable[[dict[str, Any]], object], *, remedy: Remedy, durable: int | None = None
    ) -> None:
        """Read `path`, each line of which should hold what `from_json` accepts.

        Args:
            path: the file.
            from_json: raises ValueError or TypeError for anything but its records.
            remedy: how to repair a line that cannot be read.
            durable: bytes that were stored; a torn last line after them was left by a killed run. None: all were.
        """
        self.path = path
        self.lines = 0
        """Lines that are whole and can be read."""
        self.bytes = 0
        """Bytes that were read."""
        self._from_json, self._remedy, self._durable = from_json, remedy, durable
        self._bad: list[_Bad] = []

    def rows(self) -> Iterator[tuple[object, int, int]]:
        """Yield the row of each good line, with its number and the byte it begins at."""
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                start = self.bytes
                self.bytes += len(line)
                try:
                    value = self._from_json(decode_row(line))
                except (ValueError, TypeError, RecursionError) as error:
                    self.refuse(number, start, _why(line, error))
                    continue
                self.lines += 1
                yield value, number, start

    def refuse(self, line: int, start: int, why: str) -> None:
        """Count the line that was read last, which begins at byte `start`, among the damaged ones."""
        before = self._bad[-1] if self._bad else None
        if before and before.end == start and before.why == why:
            self._bad[-1] = _Bad(line=before.line, start=before.start, end=self.bytes, why=why)
        else:
            self._bad.append(_Bad(line=line, start=start, end=self.bytes, why=why))

    def damage(self) -> Iterator[Damage]:
        """Yield what was wrong, a run of lines at a time."""
        for bad in self._bad:
            yield Damage(
                path=self.path, what=bad.why, remedy=self._remedy, line=bad.line, byte=bad.start,
                pieces=((bad.start, bad.end),) if self._remedy is Remedy.LINES else (),
                heals=bad.why == _TORN and self._durable is not None and bad.start >= self._durable,
            )  # fmt: skip


def _why(line: bytes, error: Exception) -> str:
    if not line.endswith(b"\n"):
        return _TORN
    if isinstance(error, UnicodeDecodeError):
        return "contains something that isn't text"
    if isinstance(error, json.JSONDecodeError | RecursionError):
        return "contains something that isn't JSON"
    return "contains something that isn't one of its records"
