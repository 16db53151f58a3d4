"""The next number, change and revision of the library. Rows that hold something else in those places do not count."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from songsmith.library.records import LARGEST_NUMBER

_CONTENT = ("title", "artist", "text", "authors")
"""What makes one revision another."""


def next_change(connection: sqlite3.Connection) -> int:
    """Return the next change: larger than that of any song."""
    return _next(connection, "change")


def number_of(connection: sqlite3.Connection, old: sqlite3.Row | None, *, kept: bool) -> int | None:
    """Return the number a song has, or a new one if it is to be kept and has none.

    Args:
        connection: in a transaction.
        old: the song's row before, if there is one.
        kept: whether it is kept from now on.
    """
    number: int | None = old["number"] if old is not None else None
    if counts(number, least=1):
        return number
    return next_number(connection) if kept else None


def next_number(connection: sqlite3.Connection) -> int:
    """Return a number that no song has, nor any that was removed, and write down that it is given."""
    row = connection.execute("SELECT last FROM numbering").fetchone()
    last = row["last"] if row is not None and counts(row["last"]) else 0
    number = max(last + 1, _next(connection, "number"))
    connection.execute("DELETE FROM numbering")
    connection.execute("INSERT INTO numbering VALUES (?)", (number,))
    return number


def next_revision(connection: sqlite3.Connection, old: sqlite3.Row | None, row: Mapping[str, Any]) -> int:
    """Return the revision of a song that is about to be written; if that is a new one, put the old among `revisions`.

    Args:
        connection: in a transaction.
        old: the song's row before, if there is one.
        row: its columns from now on.
    """
    if old is None or old["kept"] == 0:
        return 1
    earlier, revision = last_revision(connection, old["id"]), old["revision"]
    if not counts(revision, least=1) or revision <= earlier:
        revision = earlier + 1
    if all(old[name] == row[name] for name in _CONTENT):
        return int(revision)
    # In SQL, so that what cannot be read is kept as it is, too.
    connection.execute(
        """
        INSERT INTO revisions (song_id, revision, title, artist, text, authors, state, updated_at)
        SELECT id, ?, title, artist, text, authors, state, updated_at FROM songs WHERE row = ?
        """,
        (revision, old["row"]),
    )
    return int(revision) + 1


def last_revision(connection: sqlite3.Connection, song_id: object) -> int:
    """Return the last of the earlier revisions of a song; 0 if there is none."""
    last = connection.execute(
        "SELECT max(revision) FROM revisions WHERE song_id = ? AND revision < ? AND typeof(revision) = 'integer'",
        (song_id, LARGEST_NUMBER - 2),
    ).fetchone()[0]
    return last if counts(last) else 0


def counts(value: object, *, least: int = 0) -> bool:
    """Return whether a value is a whole number of the kind that is counted with here."""
    return isinstance(value, int) and least <= value < LARGEST_NUMBER


def _next(connection: sqlite3.Connection, column: str) -> int:
    # The largest that has room above it: where one damaged row holds the largest there can be, counting goes on below it.
    found = connection.execute(
        f"""
        SELECT {column} FROM songs AS song
        WHERE {column} BETWEEN 0 AND ? AND typeof({column}) = 'integer'
        AND NOT EXISTS (SELECT 1 FROM songs WHERE songs.{column} = song.{column} + 1)
        ORDER BY {column} DESC LIMIT 1
        """,
        (LARGEST_NUMBER - 2,),
    ).fetchone()
    return (found[0] if found else 0) + 1
