"""Store songs, drafts and takes. Knows what the tables mean; shows nothing.

A row that cannot be read hides no other: it is passed over, named, and left as it is.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Self

from songsmith.errors import InputError, NotFoundError, storing
from songsmith.library import numbering
from songsmith.library.aside import claim_name, find_damaged, remove
from songsmith.library.database import Database, MisshapenFileError
from songsmith.library.records import (
    TAKE_COLUMNS,
    DamagedRow,
    DamagedRowError,
    DamagedSongError,
    SongRecord,
    damaged_song,
    read_revision,
    read_song,
    read_take,
    readable_moment,
    song_row,
    take_row,
)
from songsmith.library.repair import Repaired, Verified, recover_songs, repair_rows, verify_rows
from songsmith.library.search import match_query
from songsmith.lyrics import strip_controls
from songsmith.takes import Take, now

_SHORTEST_ID = 6
"""Fewer characters of an id would name another song too soon."""


class Library:
    """The songs of one user. The file is opened by the first use, whose thread it belongs to, and made by the first write."""

    def __init__(self, path: Path, *, busy_timeout_s: float = 10.0, clock: Callable[[], str] = now) -> None:
        """Remember where the file is; wait at most `busy_timeout_s` for another program's lock on it; ask `clock` for the time."""
        self._clock = clock
        self._database = Database(path, busy_timeout_s=busy_timeout_s)
        self._path = self._database.path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a later use opens it again."""
        self._database.close()

    def put_song(self, record: SongRecord, takes: Iterable[Take] = ()) -> SongRecord:
        """Write a song, and takes of it, at once: all of it or nothing.

        A kept song whose words, title, artist or authors differ from those of the one it replaces is a new revision; the
        wording before it stays among `revisions`.

        Args:
            record: replaces the song with its id. Its number, revision, `created_at` and `updated_at` are the library's.
            takes: new takes of it; those already here stay as they are.

        Returns:
            the song as it now stands.
        """
        with self._database.writing() as connection:
            row = song_row(record) | {"updated_at": self._clock(), "change": numbering.next_change(connection)}
            old = connection.execute("SELECT * FROM songs WHERE id = ?", (record.id,)).fetchone()
            row |= {"number": numbering.number_of(connection, old, kept=record.kept)}
            row |= {"revision": numbering.next_revision(connection, old, row)}
            if old is not None:
                row["created_at"] = readable_moment(old, "created_at") or record.created_at
            connection.execute(
                """
                INSERT INTO songs (id, number, title, artist, text, authors, kept, state, created_at, updated_at, change,
                                   revision)
                VALUES (:id, :number, :title, :artist, :text, :authors, :kept, :state, :created_at, :updated_at, :change,
                        :revision)
                ON CONFLICT (id) DO UPDATE SET
                    number = excluded.number, title = excluded.title, artist = excluded.artist, text = excluded.text,
                    authors = excluded.authors, kept = excluded.kept, state = excluded.state,
                    created_at = excluded.created_at, updated_at = excluded.updated_at, change = excluded.change,
                    revision = excluded.revision
                """,
                row,
            )
            _insert_takes(connection, record.id, takes)
            return read_song(connection.execute("SELECT * FROM songs WHERE id = ?", (record.id,)).fetchone())

    def song(self, key: str) -> SongRecord:
        """Return the song with this number, or the song or draft whose id begins like this (6 characters or more).

        Raises:
            NotFoundError: there is none, or more than one.
            DamagedSongError: its row cannot be read.
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
            try:
                return read_song(rows[0])
            except DamagedRowError as error:
                raise _damaged(damaged_song(rows[0], error)) from error
        what = f"More than one song has an id that begins with {key}." if rows else f"There is no song {_shown(key)}."
        raise NotFoundError(what, "See them with: songsmith songs list")

    def entries(self, words: str | None = None, *, limit: int = -1) -> Iterator[SongRecord | DamagedRow]:
        """Yield the kept songs, the one changed last first; or those that `search` finds. One at a time is in memory.

        Args:
            words: for `search`; None means every song.
            limit: how many at most; -1 is no limit.
        """
        if words is None:
            return self._songs("SELECT * FROM songs WHERE kept IS NOT 0 ORDER BY change DESC LIMIT ?", limit)
        match = match_query(words, songs=self._last_row())
        if not match:
            return iter(())
        # A word in the title says more of a song than one in its lyric.
        return self._songs(
            """
            SELECT songs.* FROM songs_index JOIN songs ON songs.row = songs_index.rowid
            WHERE songs_index MATCH ? AND songs.kept IS NOT 0
            ORDER BY bm25(songs_index, 8.0, 4.0, 1.0), songs.change DESC LIMIT ?
            """,
            match,
            limit,
        )

    def draft_entries(self) -> Iterator[SongRecord | DamagedRow]:
        """Yield the drafts that have a lyric or a title, the one changed last first."""
        for draft in self._songs("SELECT * FROM songs WHERE kept = 0 ORDER BY change DESC"):
            if isinstance(draft, DamagedRow) or draft.text.strip() or draft.title.strip():
                yield draft

    def songs(self) -> list[SongRecord]:
        """Return the kept songs that can be read, the one changed last first."""
        return [entry for entry in self.entries() if isinstance(entry, SongRecord)]

    def drafts(self) -> list[SongRecord]:
        """Return the drafts that can be read and have a lyric or a title, the one changed last first."""
        return [entry for entry in self.draft_entries() if isinstance(entry, SongRecord)]

    def search(self, query: str) -> list[SongRecord]:
        """Return the kept songs with all these words in title, artist or lyric, best first; the last may be unfinished.

        Case, accents and endings (`river`, `rivers`) do not matter; a query without a letter or a digit finds nothing.
        """
        return [entry for entry in self.entries(query) if isinstance(entry, SongRecord)]

    def remove(self, *ids: str) -> None:
        """Remove songs or drafts, and their takes and revisions with them: all at once or none."""
        with self._database.writing() as connection:
            connection.executemany("DELETE FROM songs WHERE id = ?", [(song_id,) for song_id in ids])

    def remove_draft(self, draft: SongRecord) -> None:
        """Remove a draft and its takes, if it still is the draft that was read: not once it is a song, or was changed."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM songs WHERE id = ? AND kept = 0 AND change = ?", (draft.id, draft.change))

    def revisions(self, song: SongRecord) -> Iterator[SongRecord | DamagedRow]:
        """Yield the wordings of a kept song that were saved, the last (which is the song itself) first."""
        yield song
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM revisions WHERE song_id = ? ORDER BY revision DESC", (song.id,)
            ).fetchall()
        for row in rows:
            try:
                yield read_revision(row, song)
            except DamagedRowError as error:
                yield DamagedRow(kind="revision", row=row["row"], column=error.column)

    def revision(self, song: SongRecord, revision: int) -> SongRecord:
        """Return a wording of a kept song that was saved.

        Raises:
            NotFoundError: there is none of this number.
            DamagedSongError: its row cannot be read.
        """
        if revision == song.revision:
            return song
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT * FROM revisions WHERE song_id = ? AND revision = ?",
                (song.id, min(revision, 2**62)),
            ).fetchone()
        if row is None:
            what = f"Song {song.number} has no revision {revision}." if song.kept else "A draft has no revisions."
            raise NotFoundError(what, f"See them with: songsmith songs revisions {song.number or 'NUMBER'}")
        try:
            return read_revision(row, song)
        except DamagedRowError as error:
            raise _damaged(DamagedRow(kind="revision", row=row["row"], column=error.column)) from error

    def add_take(self, song_id: str, take: Take) -> None:
        """Keep a take of a song that is here; one that is here already stays as it is.

        Raises:
            NotFoundError: the song is not here.
        """
        with self._database.writing() as connection:
            _insert_takes(connection, song_id, (take,))

    def take_entries(self, song_id: str) -> Iterator[Take | DamagedRow]:
        """Yield the takes of a song, in the order they were put in."""
        with self._database.reading() as connection:
            for row in connection.execute("SELECT * FROM takes WHERE song_id = ? ORDER BY row", (song_id,)):
                try:
                    yield read_take(row)
                except DamagedRowError as error:
                    yield DamagedRow(kind="take", row=row["row"], column=error.column)

    def takes(self, song_id: str) -> list[Take]:
        """Return the takes of a song that can be read, in the order they were put in."""
        return [entry for entry in self.take_entries(song_id) if isinstance(entry, Take)]

    def take(self, id: str) -> Take:
        """Return a take.

        Raises:
            NotFoundError: it is not here.
            DamagedSongError: its row cannot be read.
        """
        with self._database.reading() as connection:
            row = connection.execute("SELECT * FROM takes WHERE id = ?", (id,)).fetchone()
        if row is None:
            raise NotFoundError(
                f"There is no take {_shown(id)}.", "See a song's takes with: songsmith songs show NUMBER --takes"
            )
        try:
            return read_take(row)
        except DamagedRowError as error:
            raise _damaged(DamagedRow(kind="take", row=row["row"], column=error.column)) from error

    def verify(self) -> Verified:
        """See whether everything in the library can be read. Changes nothing.

        Raises:
            DatabaseError: SQLite itself finds the file damaged.
        """
        with self._database.reading(set_aside=False) as connection:
            return verify_rows(connection)

    def repair(self) -> Repaired:
        """Mend the rows that cannot be read, as far as they can; the library as it was is copied first.

        Of a file that SQLite itself finds damaged, or that lacks tables it should have, every row that can still be read is put
        into a new one. Only when that is complete does it take the place of the old one, which is moved aside.

        Raises:
            InputError: nothing in a damaged file is a song; it is moved aside.
        """
        try:
            damaged = self._database.is_damaged()
        except MisshapenFileError:
            return self._rebuild()
        if damaged:
            return self._rebuild_or_set_aside()
        if not self._database.exists or self.verify().sound:
            return Repaired()
        copy = self._database.copy_aside()
        with self._database.writing() as connection:
            return repair_rows(connection, copy)

    def recover(self, source: Path) -> Repaired:
        """Put the songs of another library's file, damaged or not, into this one; those that are here stay as they are.

        Raises:
            InputError: nothing in the file is a song.
            NotFoundError: there is no such file.
        """
        if not os.path.isfile(source):  # noqa: PTH113  (Path's own fails for a name that is too long)
            raise NotFoundError(f"{source} doesn't exist.", "Give a library that was moved aside, or a copy of one.")
        with self._database.writing() as connection:
            return recover_songs(connection, source)

    @property
    def set_aside(self) -> list[Path]:
        """Damaged libraries that were moved aside here, the last first; their songs may have been brought back."""
        return find_damaged(self._path)

    def _rebuild(self) -> Repaired:
        stamp = self._database.stamp()
        with storing(self._path.parent):
            rebuilt = claim_name(self._path, "repairing")
        try:
            new = Database(rebuilt)
            try:
                with new.writing() as connection:
                    repaired = recover_songs(connection, self._path)
                new.fold_log()
            finally:
                new.close()
            kept = self._database.replace(rebuilt, stamp=stamp)
            for killed in self._path.parent.glob(f"{self._path.stem}.repairing-*"):
                remove(killed)  # left by a repair that was killed; one that still runs has come too late
        finally:
            remove(rebuilt)
        return replace(repaired, before=kept)

    def _rebuild_or_set_aside(self) -> Repaired:
        try:
            return self._rebuild()
        except InputError as error:
            kept = self._database.set_aside()
            raise InputError(
                f"Nothing in the damaged library can be read as a song; it is kept as {kept}.",
                "The next run starts a new, empty library.",
            ) from error

    def _last_row(self) -> int:
        with self._database.reading() as connection:
            return int(connection.execute("SELECT max(row) FROM songs").fetchone()[0] or 0)

    def _songs(self, query: str, *values: object) -> Iterator[SongRecord | DamagedRow]:
        with self._database.reading() as connection:
            for row in connection.execute(query, values):
                try:
                    yield read_song(row)
                except DamagedRowError as error:
                    yield damaged_song(row, error)


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


def _damaged(row: DamagedRow) -> DamagedSongError:
    name = row.name[0].upper() + row.name[1:]
    return DamagedSongError(
        f"{name} can't be read: its column '{row.column}' is damaged.",
        "Fix what can be fixed with: songsmith songs repair",
    )


def _shown(key: str) -> str:
    return strip_controls(key)[:40]
