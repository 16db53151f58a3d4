"""Damage that SQLite finds in a library's file or search index, and how the index is rebuilt."""

import sqlite3


def rebuild_index(connection: sqlite3.Connection) -> None:
    """Build the search index anew from the songs, in a transaction."""
    rebuild = "INSERT INTO songs_index (songs_index) VALUES ('rebuild')"
    try:
        connection.execute(rebuild)
    except sqlite3.DatabaseError:
        # FTS5 opens no index whose own two records it cannot read, be it to drop it: it is given those of an empty one.
        connection.execute("DELETE FROM songs_index_data")
        connection.execute("INSERT INTO songs_index_data (id, block) VALUES (1, x''), (10, x'00000000000000')")
        connection.execute(rebuild)


def index_agrees(connection: sqlite3.Connection) -> bool:
    """Return whether the search index knows the songs as they are; of a file that cannot be written nothing is known."""
    try:
        connection.execute("INSERT INTO songs_index (songs_index, rank) VALUES ('integrity-check', 1)")
    except sqlite3.DatabaseError as error:
        return primary_code(error) != sqlite3.SQLITE_CORRUPT
    return True


def file_damage(connection: sqlite3.Connection, *, most: int = 20) -> list[str]:
    """Return what SQLite finds wrong with the file, but for damage of a row's own or of the search index."""
    rows = connection.execute(f"PRAGMA integrity_check({most})").fetchall()
    messages = [str(row[0]) for row in rows]
    return [
        message
        for message in messages
        if message != "ok" and "FTS5" not in message and not message.startswith("NULL value in")
    ]


def is_sound(connection: sqlite3.Connection) -> bool:
    """Return whether SQLite finds nothing wrong with the file, but for damage of a row's own or of the search index."""
    return not file_damage(connection, most=100)


def primary_code(error: sqlite3.DatabaseError) -> int:
    """Return SQLite's code for an error, without what it adds to it: https://sqlite.org/rescode.html."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF
