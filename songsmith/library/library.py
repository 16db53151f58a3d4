"""Keeps songs, drafts and takes. Knows what the tables mean; asks nobody and shows nothing."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from songsmith.errors import NotFoundError
from songsmith.library.database import Database
from songsmith.library.records import TAKE_COLUMNS, SongRecord, read_song, read_take, song_row, take_row
from songsmith.library.search import match_query
from songsmith.lyrics import strip_controls
from songsmith.takes import Take, now

_SHORTEST_ID = 6
"""Fewer characters of an id would name another song too soon."""

_NEWEST_FIRST = "ORDER BY change DESC"


class Library:
    """The songs of one user. The file is opened by the first use, whose thread it belongs to, and made by the first write."""

    def __init__(self, path: Path, *, busy_timeout_s: float = 10.0) -> None:
        """Remember where the file is; wait at most `busy_timeout_s` for another program's lock on it."""
        self._database = Database(path, busy_timeout_s=busy_timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a later use opens it again."""
        self._database.close()

    def put_song(self, record: SongRecord, takes: Iterable[Take] = ()) -> SongRecord:
        """Write a song, and takes of it, at once: all of it or nothing.

        Args:
            record: replaces the song with its id. Its number, `created_at` and `updated_at` are the library's to set.
            takes: new takes of it; those already here stay as they are.

        Returns:
            the song as it now stands.
        """
        with self._database.writing() as connection:
            row = song_row(record) | {"updated_at": now(), "number": _number(connection, record)}
            connection.execute(
                """
                INSERT INTO songs (id, number, title, artist, text, authors, kept, state, created_at, updated_at, change)
                VALUES (:id, :number, :title, :artist, :text, :authors, :kept, :state, :created_at, :updated_at,
                        (SELECT coalesce(max(change), 0) + 1 FROM songs))
                ON CONFLICT (id) DO UPDATE SET
                    number = excluded.number, title = excluded.title, artist = excluded.artist, text = excluded.text,
                    authors = excluded.authors, kept = excluded.kept, state = excluded.state,
                    updated_at = excluded.updated_at, change = excluded.change
                """,
                row,
            )
            _insert_takes(connection, record.id, takes)
            return read_song(connection.execute("SELECT * FROM songs WHERE id = ?", (record.id,)).fetchone())

    def song(self, key: str) -> SongRecord:
        """Return the song with this number, or the song or draft whose id begins like this (6 characters or more).

        Raises:
            NotFoundError: there is none, or more than one.
        """
        with self._database.reading() as connection:
            rows = []
            if key.isascii() and key.isdigit() and len(key) < 19:  # more digits than SQLite counts to
                rows = connection.execute("SELECT * FROM songs WHERE number = ?", (int(key),)).fetchall()
            if not rows and len(key) >= _SHORTEST_ID and key.isalnum():
                rows = connection.execute(
                    "SELECT * FROM songs WHERE id GLOB ? LIMIT 2", (f"{key.lower()}*",)
                ).fetchall()
            if len(rows) == 1:
                return read_song(rows[0])
        what = f"More than one song has an id that begins with {key}." if rows else f"There is no song {_shown(key)}."
        raise NotFoundError(what, "See them with: songsmith songs list")

    def songs(self) -> list[SongRecord]:
        """Return the kept songs, the one changed last first."""
        with self._database.reading() as connection:
            rows = connection.execute(f"SELECT * FROM songs WHERE kept {_NEWEST_FIRST}")
            return [read_song(row) for row in rows]

    def drafts(self) -> list[SongRecord]:
        """Return the drafts that have a lyric or a title, the one changed last first."""
        with self._database.reading() as connection:
            rows = connection.execute(f"SELECT * FROM songs WHERE NOT kept {_NEWEST_FIRST}")
            drafts = [read_song(row) for row in rows]
        return [draft for draft in drafts if draft.text.strip() or draft.title.strip()]

    def search(self, query: str) -> list[SongRecord]:
        """Return the kept songs with all these words in title, artist or lyric, best first; the last may be unfinished.

        Case, accents and endings (`river`, `rivers`) do not matter; a query without a letter or a digit finds nothing.
        """
        match = match_query(query)
        if not match:
            return []
        with self._database.reading() as connection:
            # A word in the title says more of a song than one in its lyric.
            rows = connection.execute(
                """
                SELECT songs.* FROM songs_index JOIN songs ON songs.row = songs_index.rowid
                WHERE songs_index MATCH ? AND songs.kept
                ORDER BY bm25(songs_index, 8.0, 4.0, 1.0), songs.change DESC
                """,
                (match,),
            )
            return [read_song(row) for row in rows]

    def remove(self, *ids: str) -> None:
        """Remove songs or drafts, and their takes with them: all at once or none."""
        with self._database.writing() as connection:
            connection.executemany("DELETE FROM songs WHERE id = ?", [(song_id,) for song_id in ids])

    def add_take(self, song_id: str, take: Take) -> None:
        """Keep a take of a song that is here; one that is here already stays as it is.

        Raises:
            NotFoundError: the song is not here.
        """
        with self._database.writing() as connection:
            _insert_takes(connection, song_id, (take,))

    def takes(self, song_id: str) -> list[Take]:
        """Return the takes of a song, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT * FROM takes WHERE song_id = ? ORDER BY created_at, row", (song_id,))
            return [read_take(row) for row in rows]

    def take(self, id: str) -> Take:
        """Return a take.

        Raises:
            NotFoundError: it is not here.
        """
        with self._database.reading() as connection:
            row = connection.execute("SELECT * FROM takes WHERE id = ?", (id,)).fetchone()
            if row is not None:
                return read_take(row)
        raise NotFoundError(
            f"There is no take {_shown(id)}.", "See a song's takes with: songsmith songs show NUMBER --takes"
        )


def _number(connection: sqlite3.Connection, record: SongRecord) -> int | None:
    """Return the number the song has, or a new one if it is to be kept and has none."""
    row = connection.execute("SELECT number FROM songs WHERE id = ?", (record.id,)).fetchone()
    number: int | None = row["number"] if row else None
    if number is None and record.kept:
        connection.execute("UPDATE numbering SET last = last + 1")
        number = connection.execute("SELECT last FROM numbering").fetchone()["last"]
    return number


def _insert_takes(connection: sqlite3.Connection, song_id: str, takes: Iterable[Take]) -> None:
    rows = [take_row(take) | {"song_id": song_id} for take in takes]
    if not rows:
        return
    if connection.execute("SELECT 1 FROM songs WHERE id = ?", (song_id,)).fetchone() is None:
        raise NotFoundError(f"There is no song {_shown(song_id)}.", "See them with: songsmith songs list")
    columns = [name for name in ("song_id", *TAKE_COLUMNS) if name != "parent_id"]
    new = [
        row for row in rows
        if connection.execute(
            f"INSERT INTO takes ({', '.join(columns)}) VALUES ({', '.join(f':{name}' for name in columns)}) "
            "ON CONFLICT (id) DO NOTHING",
            row,
        ).rowcount
    ]  # fmt: skip
    # Once all are in, in whatever order they came. A parent that nobody kept is none: the take stands as a root.
    connection.executemany(
        "UPDATE takes SET parent_id = :parent_id WHERE id = :id AND :parent_id IN (SELECT id FROM takes)", new
    )


def _shown(key: str) -> str:
    return strip_controls(key)[:40]
