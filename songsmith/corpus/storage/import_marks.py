"""How far an import came, stored beside its songs, so that an interrupted one need not read everything again.

A mark is never ahead of the songs that are durable: songs after it are read again and found in the corpus. A mark that no
longer fits the files, the options or the corpus, or cannot be read, is ignored.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from songsmith.corpus.storage.journal import encode_row
from songsmith.errors import storing
from songsmith.files import write_whole


@dataclass(frozen=True, kw_only=True)
class ImportMark:
    """How far an import has come."""

    source: str
    """A fingerprint of the files and of how they are read."""
    place: tuple[int, int, int] = (0, 0, 0)
    """Number of the file, and where in it, as `Importer.place` says."""
    taken: int = 0
    """Songs that were added, or were in the corpus already."""
    left_out: int = 0
    """Songs that the filters did not accept."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """How many records could not be used, by reason."""
    corpus_songs: int = 0
    """Songs in the corpus at that time; if there are fewer now, some were removed."""


def load_mark(folder: Path, source: str) -> ImportMark | None:
    """Return the mark that an import of this source left in a corpus, if there is one."""
    try:
        row = json.loads(_file(folder).read_bytes())
        mark = ImportMark(**row | {"place": tuple(map(int, row["place"]))})
        fits = mark.source == source and len(mark.place) == 3 and mark.corpus_songs >= 0
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return mark if fits else None


def save_mark(folder: Path, mark: ImportMark) -> None:
    """Store how far an import came. What it counts must be durable."""
    with storing(_file(folder)):
        write_whole(_file(folder), encode_row(asdict(mark)))


def remove_mark(folder: Path) -> None:
    """Remove the mark of an import."""
    with storing(_file(folder)):
        _file(folder).unlink(missing_ok=True)


def _file(folder: Path) -> Path:
    return folder / "import-mark.json"
