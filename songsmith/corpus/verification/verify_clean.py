"""Check that the clean songs of a corpus are those that `clean.json` names. Repairs nothing."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from songsmith.corpus.records import CleanRecord, SetAside
from songsmith.corpus.storage.hash_index import HashIndex
from songsmith.corpus.verification.damage import BytesChecked, Damage, Remedy
from songsmith.corpus.verification.verify_lines import LineChecker
from songsmith.counting import count_of

POINTER = "clean.json"
_SONGS_A_REPORT = 2000
FILE_NAME = re.compile(r"(clean|set-aside|report)-[0-9a-f]+\.jsonl")
FILES: dict[str, Callable[[dict[str, Any]], object]] = {
    "songs_file": CleanRecord.from_json,
    "set_aside_file": SetAside.from_json,
    "report_file": dict,
}


class CleanVerifier:
    """Checks the clean songs of a folder."""

    def __init__(self, folder: Path, raw_ids: HashIndex, *, checked: int, total: int) -> None:
        """Check `folder`, whose raw songs have these ids; this many of its `total` bytes have been checked."""
        self._folder, self._raw_ids = folder, raw_ids
        self._checked, self._total = checked, total
        self.files: set[str] = set()
        """Names of all files that belong to a set of clean songs."""

    def verify(self) -> Iterator[Damage | BytesChecked]:
        """Yield what is wrong, and now and then the progress."""
        path = self._folder / POINTER
        if not path.exists():
            return
        try:
            row = json.loads(path.read_bytes())
            self._remember_files(row)
            previous = row.get("previous")
            if previous is not None:
                self._remember_files(previous)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            self.files.clear()
            yield Damage(path=path, what="is damaged", remedy=Remedy.CLEAN)
            return
        yield from self._verify_set(row, Remedy.CLEAN)
        if row["raw_records"] > len(self._raw_ids):
            what = f"counts {row['raw_records']} raw songs, but there are {len(self._raw_ids)}"
            yield Damage(path=path, what=what, remedy=Remedy.CLEAN)
        if previous is not None:
            yield from self._verify_set(previous, Remedy.PREVIOUS)

    def _remember_files(self, row: Mapping[str, Any]) -> None:
        for name in ("records", "set_aside", "raw_records", "bytes"):
            if not isinstance(row[name], int):
                raise TypeError(name)
        for which in FILES:
            name = row.get(which, "") if which == "report_file" else row[which]
            if name and not FILE_NAME.fullmatch(name):
                raise ValueError(name)
            self.files.add(name)

    def _verify_set(self, row: Mapping[str, Any], remedy: Remedy) -> Iterator[Damage | BytesChecked]:
        for which, from_json in FILES.items():
            name = row.get(which, "")
            path = self._folder / name
            if not name:
                continue
            if not path.is_file():
                yield Damage(path=path, what="is missing", remedy=remedy)
                continue
            lines = LineChecker(path, from_json, remedy=remedy)
            strange = 0
            for record, _, _ in lines.rows():
                strange += isinstance(record, CleanRecord) and self._raw_ids.get(record.id) is None
                if lines.lines % _SONGS_A_REPORT == 0:
                    yield BytesChecked(count=self._checked + lines.bytes, total=self._total)
            self._checked += lines.bytes
            yield from lines.damage()
            if strange:
                yield Damage(
                    path=path, what=f"contains {count_of(strange, 'song')} missing from the raw ones", remedy=remedy
                )
            expected = {"songs_file": row["records"], "set_aside_file": row["set_aside"]}.get(which, lines.lines)
            wrong_size = which == "songs_file" and lines.bytes != row["bytes"]
            if (lines.lines != expected or wrong_size) and not any(lines.damage()):
                what = f"contains {count_of(lines.lines, 'record')} ({lines.bytes} bytes), but {POINTER} says otherwise"
                yield Damage(path=path, what=what, remedy=remedy)
