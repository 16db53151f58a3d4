"""Songs and takes as rows of the library. Reads and writes no file."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import Any

from songsmith.lyrics import Author, Song, parse, with_authors
from songsmith.takes import FinishReason, Take, new_id, now

TAKE_COLUMNS = tuple(column.name for column in fields(Take))


class DamagedRowError(Exception):
    """A row that this program cannot have written."""


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


def read_song(row: sqlite3.Row) -> SongRecord:
    """Return the record a row of `songs` holds.

    Raises:
        DamagedRowError: it holds none.
    """
    try:
        return SongRecord(
            id=row["id"], number=row["number"], title=row["title"], artist=row["artist"], text=row["text"],
            authors=tuple(map(Author, json.loads(row["authors"]))), kept=bool(row["kept"]),
            state=dict(json.loads(row["state"])), created_at=row["created_at"], updated_at=row["updated_at"],
            change=int(row["change"]),
        )  # fmt: skip
    except (ValueError, TypeError) as error:
        raise DamagedRowError from error


def take_row(take: Take) -> dict[str, Any]:
    """Return the take's columns."""
    row = {name: _storable(value) if isinstance(value, str) else value for name, value in asdict(take).items()}
    return row | {"options": json.dumps(dict(take.options)), "finish": take.finish.value}


def read_take(row: sqlite3.Row) -> Take:
    """Return the take a row of `takes` holds.

    Raises:
        DamagedRowError: it holds none.
    """
    try:
        values = {name: row[name] for name in TAKE_COLUMNS}
        return Take(**values | {"options": dict(json.loads(row["options"])), "finish": FinishReason(row["finish"])})
    except (ValueError, TypeError) as error:
        raise DamagedRowError from error


def _storable(text: str) -> str:
    # Half a character (a lone surrogate, from a broken paste) has no place in UTF-8; whole pairs are joined.
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
