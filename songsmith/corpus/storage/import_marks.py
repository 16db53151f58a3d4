"""How far an import came, noted beside the songs it brought, so that one that was killed need not read all again.

A mark only ever lags behind the songs that are durable: what lies between is read again and found held. A mark that does
not fit the files, the options or the corpus any more, or cannot be read, is as good as none.
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
    """Where an import stands."""

    source: str
    """A fingerprint of the files and of how they are read."""
    place: tuple[int, int, int] = (0, 0, 0)
    """Number of the file, and where in it, as `Importer.place` says."""
    taken: int = 0
    """Songs that were kept, or were held already."""
    left_out: int = 0
    """Songs that no filter took."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """How many records could not be used, by reason."""
    corpus_songs: int = 0
    """Songs of the corpus at that time; if there are fewer now, some were taken out."""


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
    """Note how far an import came. What it counts must be durable."""
    with storing(_file(folder)):
        write_whole(_file(folder), encode_row(asdict(mark)))


def remove_mark(folder: Path) -> None:
    """Forget how far an import came."""
    with storing(_file(folder)):
        _file(folder).unlink(missing_ok=True)


def _file(folder: Path) -> Path:
    return folder / "import-mark.json"
