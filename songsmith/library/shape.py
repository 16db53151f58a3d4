"""Whether a file has the tables, columns, indexes and triggers that a library of this version has. Changes nothing."""

import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path

from songsmith.library.schema import MIGRATIONS


def missing_parts(connection: sqlite3.Connection) -> list[str]:
    """Return what should be in a library's file and is not, as a person should read it."""
    there = _parts(connection)
    return [f"the {part} is missing" for part in _expected() if part not in there]


def holds_songs(connection: sqlite3.Connection) -> bool:
    """Return whether a file is a library, in whatever condition: somebody else's has no such table of songs."""
    columns = {part for part in _expected() if part.endswith(" of songs")}
    return len(columns & set(_parts(connection))) > len(columns) / 2


def is_strange(path: Path) -> bool:
    """Return whether SQLite can read a file, and finds in it the tables of another program."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            return bool(_parts(connection)) and not holds_songs(connection)
    except sqlite3.Error:
        return False


@cache
def _expected() -> tuple[str, ...]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for step in MIGRATIONS:
            for statement in step:
                connection.execute(statement)
        return tuple(_parts(connection))


def _parts(connection: sqlite3.Connection) -> dict[str, None]:
    found: dict[str, None] = {}
    rows = connection.execute(
        "SELECT type, name, sql LIKE 'CREATE VIRTUAL%' FROM sqlite_schema WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'"
    )
    for kind, name, is_virtual in rows.fetchall():
        found[f"{kind} {name}"] = None
        if kind == "table" and not is_virtual:  # a damaged search index cannot be asked
            columns = connection.execute("SELECT name FROM pragma_table_info(?)", (name,)).fetchall()
            found |= {f"column {column} of {name}": None for (column,) in columns}
    return found
