"""Move files aside: to unused names, never over another file. They are never deleted once complete."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

COMPANIONS = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a file, by the endings of the names."""


def claim_name(path: Path, why: str) -> Path:
    """Make an empty file beside `path` whose name says why and when, and return it."""
    stem = f"{path.stem}.{why}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    attempt = 1
    while True:
        kept = path.with_name(f"{stem}{f'-{attempt}' if attempt > 1 else ''}{path.suffix}")
        if not any(kept.with_name(kept.name + tail).exists() for tail in COMPANIONS):
            with suppress(FileExistsError):
                kept.touch(exist_ok=False)  # takes the name, so that nobody else can
                return kept
        attempt += 1


def move_aside(path: Path) -> Path:
    """Give a damaged file and its companions another name, and return it."""
    kept = claim_name(path, "damaged")
    # Only names change here, and a damaged file is not synced. The log goes first: SQLite would delete one that it finds
    # beside no library.
    for tail in (*COMPANIONS, ""):
        with suppress(FileNotFoundError):
            path.with_name(path.name + tail).replace(kept.with_name(kept.name + tail))
    return kept


def remove(path: Path) -> None:
    """Delete a file that was never completed, and its companions."""
    for tail in (*COMPANIONS, ""):
        with suppress(OSError):
            path.with_name(path.name + tail).unlink()


def find_damaged(path: Path) -> list[Path]:
    """Return the damaged files that were moved aside from `path`, the last first."""
    with suppress(OSError):
        return sorted(path.parent.glob(f"{path.stem}.damaged-*{path.suffix}"), reverse=True)
    return []
