"""Check that every row of a library can be read, repair those that cannot, and recover songs from a damaged file.

Works on a connection it is lent, in a transaction where it writes. Deletes nothing: the file as it was lies aside by then.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songsmith.errors import InputError, storing
from songsmith.library import numbering, salvage
from songsmith.library.pages import FoundRow, find_rows
from songsmith.library.records import LARGEST_NUMBER, DamagedRow, DamagedRowError, damaged_song, read_song, read_take
from songsmith.library.salvage import REVISION_COLUMNS, SONG_COLUMNS, TAKE_COLUMNS, Row
from songsmith.library.shape import is_strange, missing_parts
from songsmith.library.soundness import file_damage, index_agrees, rebuild_index

_KINDS: tuple[tuple[str, str, Callable[[Any], object], tuple[str, ...]], ...] = (
    ("song", "songs", read_song, SONG_COLUMNS),
    ("revision", "revisions", salvage.read_revision, REVISION_COLUMNS),
    ("take", "takes", read_take, TAKE_COLUMNS),
)
_SONG_WIDTHS = (len(SONG_COLUMNS) - 1, len(SONG_COLUMNS))
_NO_SONG = "NOT EXISTS (SELECT 1 FROM songs WHERE songs.id = song_id)"


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What was found in a library."""

    songs: int
    """Songs and drafts that can be read."""
    revisions: int
    takes: int
    damaged: tuple[DamagedRow, ...] = ()
    """Rows that cannot be read."""
    strays: int = 0
    """Takes and revisions whose song is gone."""
    file: tuple[str, ...] = ()
    """What SQLite finds wrong with the file."""
    index_agrees: bool = True
    """Whether the search index knows the songs as they are."""

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.damaged or self.strays or self.file) and self.index_agrees


@dataclass(frozen=True, kw_only=True)
class Mended:
    """A row that can be read again."""

    name: str
    columns: tuple[str, ...]
    """Where something else had to take the place of what could not be read."""


@dataclass(frozen=True, kw_only=True)
class Repaired:
    """What became of a library."""

    before: Path | None = None
    """Where the file lies as it was; None where nothing was to be mended."""
    recovered: int = 0
    """Songs and drafts that came out of that file."""
    held: int = 0
    """Those in that file that were here already."""
    mended: tuple[Mended, ...] = ()
    """Rows of which only a part could be saved."""
    adopted: int = 0
    """Songs made of takes or revisions whose song is gone."""


def verify_rows(connection: sqlite3.Connection) -> Verified:
    """Read everything there is."""
    damaged = []
    counts = {"song": 0, "revision": 0, "take": 0}
    for kind, table, read, _ in _KINDS:
        for row in connection.execute(f"SELECT * FROM {table} ORDER BY row"):
            try:
                read(row)
                counts[kind] += 1
            except DamagedRowError as error:
                plain = DamagedRow(kind=kind, row=row["row"], column=error.column)
                damaged.append(damaged_song(row, error) if kind == "song" else plain)
    strays = sum(
        connection.execute(f"SELECT count(*) FROM {table} WHERE {_NO_SONG}").fetchone()[0]
        for table in ("revisions", "takes")
    )
    return Verified(
        songs=counts["song"], revisions=counts["revision"], takes=counts["take"], damaged=tuple(damaged), strays=strays,
        file=(*file_damage(connection), *missing_parts(connection)), index_agrees=index_agrees(connection),
    )  # fmt: skip


def repair_rows(connection: sqlite3.Connection, before: Path) -> Repaired:
    """Mend every row that cannot be read. Songs whose rows are gone are made of what is left of them.

    Args:
        connection: in a transaction.
        before: where the file lies as it was.
    """
    connection.execute("PRAGMA defer_foreign_keys = ON")
    mended = []
    for kind, table, read, _ in _KINDS:
        for damaged in _damaged_rows(connection, table, read):
            row, columns = salvage.salvage(read, damaged)
            _number_anew(connection, table, row, columns)
            names = ", ".join(f"{column} = :{column}" for column in columns)
            connection.execute(f"UPDATE {table} SET {names} WHERE row = :row", row)
            if "id" in columns:
                _follow(connection, table, damaged["id"], row["id"])
            mended.append(Mended(name=_name(kind, row), columns=tuple(columns)))
    adopted = _settle(connection)
    return Repaired(before=before, mended=tuple(mended), adopted=adopted)


def recover_songs(connection: sqlite3.Connection, source: Path) -> Repaired:
    """Put every song, revision and take that can be read out of a file, page by page, into the library.

    Args:
        connection: in a transaction.
        source: the file.

    Raises:
        InputError: it holds no song.
        StorageError: it cannot be read.
    """
    if is_strange(source):  # its rows may have as many columns as a song's
        raise InputError(f"{source} is a database of another program.", "It stays as it is.")
    connection.execute("PRAGMA defer_foreign_keys = ON")
    here = {row[0] for row in connection.execute("SELECT id FROM songs")}
    offset = numbering.next_change(connection) - 1
    found: dict[Any, int] = {}  # how new the songs are that came out of the file
    mended: dict[Any, Mended] = {}
    held: set[Any] = set()
    for row, columns in _found(source, "song"):
        if row["id"] in here or (row["id"] in found and found[row["id"]] >= row["change"]):
            held |= {row["id"]} & here
            continue
        found[row["id"]] = row["change"]
        row["change"] = min(row["change"] + offset, LARGEST_NUMBER)
        _put_song(connection, row)
        mended.pop(row["id"], None)
        if columns:
            mended[row["id"]] = Mended(name=_name("song", row), columns=tuple(columns))
    for kind, table in (("revision", "revisions"), ("take", "takes")):
        for row, columns in _found(source, kind):
            if row["song_id"] in here:
                continue
            del row["row"]
            names = ", ".join(row)
            put = connection.execute(
                f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({', '.join(f':{name}' for name in row)})", row
            )
            if put.rowcount and columns:
                mended[len(mended)] = Mended(name=f"a {kind}", columns=tuple(columns))
    adopted = _settle(connection)
    if not (found or held or adopted):
        raise InputError(f"No song can be read from {source}.", "It was left as it is.")
    return Repaired(
        before=source, recovered=len(found), held=len(held), mended=tuple(mended.values()), adopted=adopted
    )  # fmt: skip


def _found(source: Path, wanted: str) -> Iterator[tuple[Row, list[str]]]:
    """Yield the rows of one kind in a file, made readable, each with the columns that were damaged or cut short."""
    ((_, _, read, names),) = [kind for kind in _KINDS if kind[0] == wanted]
    widths = _SONG_WIDTHS if wanted == "song" else (len(names),)
    with storing(source):
        for found in find_rows(source, widths):
            row = _named(found, names)
            mended, columns = salvage.salvage(read, row)
            if not found.whole and not columns:
                columns = [names[-1]]
            yield mended, columns


def _named(found: FoundRow, names: tuple[str, ...]) -> Row:
    row: Row = dict(zip(names, found.values, strict=False)) | {"row": found.row}
    if names is SONG_COLUMNS:
        row.setdefault("revision", 1)  # what a row from before revisions stands for
    return row


def _put_song(connection: sqlite3.Connection, row: Row) -> None:
    """Write a song out of a damaged file, over an older row of it that stood in the same file."""
    connection.execute("DELETE FROM songs WHERE id = ?", (row["id"],))
    taken = connection.execute("SELECT 1 FROM songs WHERE number = ?", (row["number"],)).fetchone()
    if row["number"] is None or taken:
        row["number"] = numbering.next_number(connection) if row["kept"] else None
    if connection.execute("SELECT 1 FROM songs WHERE change = ?", (row["change"],)).fetchone():
        row["change"] = numbering.next_change(connection)
    names = [name for name in SONG_COLUMNS if name != "row"]
    connection.execute(
        f"INSERT INTO songs ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})",
        {name: row[name] for name in names},
    )


def _damaged_rows(connection: sqlite3.Connection, table: str, read: Callable[[Any], object]) -> list[Row]:
    found = []
    for row in connection.execute(f"SELECT * FROM {table} ORDER BY row"):
        try:
            read(row)
        except DamagedRowError:
            found.append(dict(row))
    return found


def _number_anew(connection: sqlite3.Connection, table: str, row: Row, columns: list[str]) -> None:
    if table == "songs":
        if "change" in columns:
            row["change"] = numbering.next_change(connection)
        if row["kept"] and row["number"] is None:
            row["number"] = numbering.next_number(connection)
            columns += ["number"] if "number" not in columns else []
    elif table == "revisions" and "revision" in columns:
        row["revision"] = numbering.last_revision(connection, row["song_id"]) + 1


def _follow(connection: sqlite3.Connection, table: str, old: object, new: str) -> None:
    """Let rows that belong to another know it by its new id."""
    columns = (("takes", "parent_id"),) if table == "takes" else (("takes", "song_id"), ("revisions", "song_id"))
    for other, column in columns:
        connection.execute(f"UPDATE {other} SET {column} = ? WHERE {column} IS ?", (new, old))


def _settle(connection: sqlite3.Connection) -> int:
    """Make everything fit together again; return how many songs were made of what was left of them."""
    adopted = 0
    for table in ("revisions", "takes"):
        for (old,) in connection.execute(f"SELECT DISTINCT song_id FROM {table} WHERE {_NO_SONG}").fetchall():
            _adopt(connection, table, old)
            adopted += 1
    connection.execute(
        "UPDATE takes SET parent_id = NULL WHERE parent_id IS NOT NULL AND parent_id NOT IN (SELECT id FROM takes)"
    )
    connection.execute(
        """
        UPDATE songs SET revision = 1 + (SELECT max(revision) FROM revisions WHERE song_id = songs.id)
        WHERE revision <= (SELECT max(revision) FROM revisions WHERE song_id = songs.id)
        """
    )
    highest = connection.execute("SELECT max(number) FROM songs").fetchone()[0] or 0
    given = [row[0] for row in connection.execute("SELECT last FROM numbering") if numbering.counts(row[0])]
    connection.execute("DELETE FROM numbering")
    connection.execute("INSERT INTO numbering VALUES (?)", (max([highest, *given]),))
    rebuild_index(connection)
    return adopted


def _adopt(connection: sqlite3.Connection, table: str, old: object) -> None:
    """Make a draft of the last revision, or take, of a song whose own row is gone."""
    order = "revision" if table == "revisions" else "row"
    row = dict(
        connection.execute(f"SELECT * FROM {table} WHERE song_id IS ? ORDER BY {order} DESC LIMIT 1", (old,)).fetchone()
    )
    song = {"row": None, "id": old, "number": None, "artist": "", "authors": "[]", "kept": 0, "state": "{}", "updated_at": None,
            "created_at": None, "revision": 1} | {name: row[name] for name in SONG_COLUMNS if name in row and name not in
                                                  ("row", "id")}  # fmt: skip
    if table == "takes":
        song["text"] = f"{row['prompt_text']}{row['text']}"
    song["change"] = numbering.next_change(connection)
    mended, _ = salvage.salvage(read_song, song)
    _put_song(connection, mended)
    if mended["id"] != old:
        _follow(connection, "songs", old, mended["id"])


def _name(kind: str, row: Row) -> str:
    if kind == "song":
        return f"song {row['number']}" if row["number"] is not None else f"draft {row['id'][:8]}"
    return f"the {kind} in row {row['row']}"
