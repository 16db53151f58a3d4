"""Recover what can be read of a damaged row, column by column. Values in, values out."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from songsmith.library import records
from songsmith.library.records import DamagedRowError, SongRecord
from songsmith.takes import FinishReason, now

SONG_COLUMNS = (
    "row", "id", "number", "title", "artist", "text", "authors", "kept", "state", "created_at", "updated_at", "change", "revision",
)  # fmt: skip
"""As they stand in the file; those of a library from before revisions lack the last."""
REVISION_COLUMNS = ("row", "song_id", "revision", "title", "artist", "text", "authors", "state", "updated_at")
TAKE_COLUMNS = (
    "row", "id", "song_id", "parent_id", "text", "prompt_text", "title", "model", "model_sha256", "device", "options", "seed",
    "finish", "tokens", "elapsed_s", "version", "created_at",
)  # fmt: skip

Row = dict[str, Any]
"""The columns of a row by name."""


def salvage(read: Callable[[Any], object], row: Mapping[str, Any]) -> tuple[Row, list[str]]:
    """Return a row that can be read, and the columns in which something else had to take the place of what was there.

    Args:
        read: what raises a DamagedRowError for the first column that is damaged.
        row: the columns; a change that is None is the caller's to give, as is a number.
    """
    mended, changed = dict(row), []
    while True:
        try:
            read(mended)
        except DamagedRowError as error:
            if error.column in changed:  # then the stand-in is at fault: a bug, not a row
                raise
            changed.append(error.column)
            mended[error.column] = _stand_in(error.column, mended)
        else:
            return mended, changed


def read_revision(row: Any) -> object:
    """Read a row of `revisions` by itself."""
    return records.read_revision(row, SongRecord())


def _stand_in(column: str, row: Mapping[str, Any]) -> Any:
    value = row[column]
    if column == "id":
        # Always the same for the same row, so that a file brought back twice gives its songs once.
        return sha256(repr(sorted(row.items())).encode("utf-8", "backslashreplace")).hexdigest()[:32]
    if column in ("created_at", "updated_at"):
        other = "updated_at" if column == "created_at" else "created_at"
        return (records.readable_moment(row, other) if other in row else None) or now()
    if column == "kept":
        return 0 if value == "0" else 1  # a song too many is seen, one too few is not
    if column in ("number", "parent_id"):
        return None
    if column in _STAND_INS:
        return _STAND_INS[column]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else "" if value is None else str(value)


_STAND_INS: Mapping[str, Any] = {
    "authors": "[]", "state": "{}", "options": "{}", "change": 0, "revision": 1, "seed": 0, "tokens": 0, "elapsed_s": 0.0,
    "finish": FinishReason.STOPPED.value,
}  # fmt: skip
