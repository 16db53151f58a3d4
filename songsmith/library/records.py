"""Songs and takes as rows of the library. Reads and writes no file."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

from songsmith.errors import DatabaseError
from songsmith.lyrics import Author, Song, parse, with_authors
from songsmith.takes import FinishReason, Take, new_id, now

TAKE_COLUMNS = tuple(column.name for column in fields(Take))
LARGEST_NUMBER = 2**53
"""No number or change is larger: past it not every reader of JSON counts right, and nobody saves so often."""
_YEARS = range(1900, 9000)
_LONGEST_ID = 64


class Row(Protocol):
    """Columns by name."""

    def __getitem__(self, column: str, /) -> Any:
        """Return the value of a column."""


class DamagedRowError(Exception):
    """A row that this program cannot have written."""

    def __init__(self, column: str) -> None:
        """Say which column shows it."""
        super().__init__(column)
        self.column = column


class DamagedSongError(DatabaseError):
    """A song whose row cannot be read; the others can."""


@dataclass(frozen=True, kw_only=True)
class DamagedRow:
    """What is known of a row that cannot be read. It stays in the library as it is."""

    kind: str
    """`song`, `draft`, `revision` or `take`."""
    row: int
    """Where it stands in its table."""
    column: str
    """The column that shows it."""
    number: int | None = None
    """Number of the song, where that can be read."""

    @property
    def name(self) -> str:
        """What to call it."""
        return f"song {self.number}" if self.number is not None else f"the {self.kind} in row {self.row}"

    def __str__(self) -> str:
        return f"{self.name} ({self.column})"


@dataclass(frozen=True, kw_only=True)
class SongRecord:
    """A song as the library holds it."""

    id: str = field(default_factory=new_id)
    number: int | None = None
    """What a person calls it by; the library gives it when the song is first kept, and never to another."""
    title: str = ""
    artist: str = ""
    text: str = ""
    """The lyric as it was typed."""
    authors: tuple[Author, ...] = ()
    """Who wrote each line of the lyric; lines past the last of them are a person's."""
    kept: bool = False
    """False is a draft: work that nobody has saved yet."""
    state: Mapping[str, Any] = field(default_factory=dict)
    """What the workshop needs to open the song again, as JSON values; nobody else looks into it."""
    created_at: str = field(default_factory=now)
    updated_at: str = field(default_factory=now)
    """When it was last put into the library."""
    change: int = field(default=0, compare=False)
    """Grows whenever it is put into the library; two changes may bear one time. The library's to set."""
    revision: int = field(default=1, compare=False)
    """Which of the wordings that were saved this is, counted from 1; says nothing of a draft. The library's to set."""

    @cached_property
    def song(self) -> Song:
        """The song, each line with its author."""
        return with_authors(parse(self.text, title=self.title, artist=self.artist), self.authors)

    @property
    def name(self) -> str:
        """What to call it: its title, else its first line."""
        return self.song.name


def song_row(record: SongRecord) -> dict[str, Any]:
    """Return the record's columns."""
    return {
        "id": record.id,
        "title": _storable(record.title),
        "artist": _storable(record.artist),
        "text": _storable(record.text),
        "authors": json.dumps([author.value for author in record.authors]),
        "kept": record.kept,
        "state": json.dumps(dict(record.state)),
        "created_at": record.created_at,
        "updated_at": record.updated_at,
    }


def read_song(row: Row) -> SongRecord:
    """Return the record a row of `songs` holds.

    Raises:
        DamagedRowError: it holds none.
    """
    return SongRecord(
        id=_identity(row, "id"),
        number=None if _value(row, "number") is None else _count(row, "number", least=1),
        title=_text(row, "title"), artist=_text(row, "artist"), text=_text(row, "text"), authors=_authors(row),
        kept=bool(_count(row, "kept", most=1)), state=_object(row, "state"), created_at=_moment(row, "created_at"),
        updated_at=_moment(row, "updated_at"), change=_count(row, "change", least=-LARGEST_NUMBER),
        revision=_count(row, "revision"),
    )  # fmt: skip


def damaged_song(row: Row, error: DamagedRowError) -> DamagedRow:
    """Return what is known of a row of `songs` that cannot be read."""
    kind = "song"
    try:
        kind = "draft" if _value(row, "kept") == 0 else kind
        number = _count(row, "number", least=1)
    except DamagedRowError:
        number = None
    return DamagedRow(kind=kind, row=row["row"], column=error.column, number=number)


def read_revision(row: Row, current: SongRecord) -> SongRecord:
    """Return the song as a row of `revisions` holds it.

    Raises:
        DamagedRowError: it does not.
    """
    return SongRecord(
        id=current.id, number=current.number, title=_text(row, "title"), artist=_text(row, "artist"),
        text=_text(row, "text"), authors=_authors(row), kept=True, state=_object(row, "state"),
        created_at=current.created_at, updated_at=_moment(row, "updated_at"), revision=_count(row, "revision"),
    )  # fmt: skip


def take_row(take: Take) -> dict[str, Any]:
    """Return the take's columns."""
    row = {name: _storable(value) if isinstance(value, str) else value for name, value in asdict(take).items()}
    return row | {"options": json.dumps(dict(take.options)), "finish": take.finish.value}


def read_take(row: Row) -> Take:
    """Return the take a row of `takes` holds.

    Raises:
        DamagedRowError: it holds none.
    """
    elapsed_s, finish = _value(row, "elapsed_s"), _value(row, "finish")
    if not isinstance(elapsed_s, int | float):
        raise DamagedRowError("elapsed_s")
    if finish not in [reason.value for reason in FinishReason]:
        raise DamagedRowError("finish")
    return Take(
        text=_text(row, "text"), prompt_text=_text(row, "prompt_text"), title=_text(row, "title"),
        model=_text(row, "model"), model_sha256=_text(row, "model_sha256"), device=_text(row, "device"),
        options=_object(row, "options"), seed=_count(row, "seed", least=-(2**63), most=2**63), finish=FinishReason(finish),
        tokens=_count(row, "tokens"), elapsed_s=elapsed_s, version=_text(row, "version"),
        parent_id=None if _value(row, "parent_id") is None else _identity(row, "parent_id"), id=_identity(row, "id"),
        created_at=_moment(row, "created_at"),
    )  # fmt: skip


def _value(row: Row, column: str) -> Any:
    try:
        return row[column]
    except LookupError as error:  # the table itself lacks it
        raise DamagedRowError(column) from error


def _text(row: Row, column: str) -> str:
    value = _value(row, column)
    if not isinstance(value, str):
        raise DamagedRowError(column)
    return value


def _identity(row: Row, column: str) -> str:
    value = _text(row, column)
    if not (value.isascii() and value.isalnum() and len(value) <= _LONGEST_ID):
        raise DamagedRowError(column)
    return value


def _count(row: Row, column: str, *, least: int = 0, most: int = LARGEST_NUMBER) -> int:
    value = _value(row, column)
    if not isinstance(value, int) or not least <= value <= most:
        raise DamagedRowError(column)
    return value


def readable_moment(row: Row, column: str) -> str | None:
    """Return the time a column holds, or None if it holds none."""
    try:
        return _moment(row, column)
    except DamagedRowError:
        return None


def _moment(row: Row, column: str) -> str:
    value = _text(row, column)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise DamagedRowError(column) from error
    if moment.tzinfo is None or moment.year not in _YEARS:
        raise DamagedRowError(column)
    return value


def _json(row: Row, column: str) -> Any:
    try:
        return json.loads(_text(row, column))
    except (ValueError, RecursionError) as error:
        raise DamagedRowError(column) from error


def _object(row: Row, column: str) -> dict[str, Any]:
    value = _json(row, column)
    if not isinstance(value, dict):
        raise DamagedRowError(column)
    return value


def _authors(row: Row) -> tuple[Author, ...]:
    values = _json(row, "authors")
    if not isinstance(values, list):
        raise DamagedRowError("authors")
    try:
        return tuple(map(Author, values))
    except (ValueError, TypeError) as error:
        raise DamagedRowError("authors") from error


def _storable(text: str) -> str:
    # Half a character (a lone surrogate, from a broken paste) has no place in UTF-8; whole pairs are joined.
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
