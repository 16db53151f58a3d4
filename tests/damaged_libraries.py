"""Libraries with damage in them, for tests."""

import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from songsmith.library.library import Library
from songsmith.library.records import SongRecord
from songsmith.library.salvage import REVISION_COLUMNS, SONG_COLUMNS, TAKE_COLUMNS
from songsmith.lyrics import Author
from songsmith.takes import FinishReason, Take

TITLES = ["Red River", "Blue Mountain", "Green Valley"]

VALUES = st.one_of(
    st.sampled_from(
        [
            None, "", "{", "[1,2]", '["nobody"]', "abc", "null", "[" * 100_000, '{"a":' * 50_000, "\x1b]0;x\x07\x1b[2J", "\x9b2J",
            b"", b"\x00\xff", b"{}", b"x" * 10_000, 0, 1, -1, 2, 2**53, 2**53 - 1, 2**63 - 1, -(2**63), 1.5, 1e300, float("inf"),
            "0001-01-01", "9999-12-31T23:59:59+00:00", "2026-01-01", '{"slots":[{"versions":[],"current":9}]}', '{"slots":5}',
            '{"authors":["nobody"]}', '{"attic":[1]}',
            '{"slots":[{"versions":[{"lines":["a\\nb"],"authors":[],"take_id":[]}],"current":0}]}',
            '{"song_id":[1]}', '{"song_id":"*"}', '[["a",1]]', "NaN", "1" * 5000,
        ]
    ),
    st.text(max_size=20),
    st.binary(max_size=20),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
)  # fmt: skip
"""What may stand in a column where something else is due."""
PLACES = st.sampled_from(
    [
        *(("songs", column) for column in SONG_COLUMNS[1:]),
        *(("revisions", column) for column in REVISION_COLUMNS[1:]),
        *(("takes", column) for column in TAKE_COLUMNS[1:]),
        ("numbering", "last"),
    ]
)


def make_take(text: str, **values: Any) -> Take:
    usual: dict[str, Any] = {
        "text": text, "prompt_text": "", "title": "", "model": "starter", "model_sha256": "ab12", "device": "cpu",
        "options": {"temperature": 0.9, "seed": 5}, "seed": 5, "finish": FinishReason.STOPPED, "tokens": 4, "elapsed_s": 0.5,
        "version": "0.1.0",
    }  # fmt: skip
    return Take(**usual | values)


def fill(path: Path) -> list[SongRecord]:
    """Keep three songs of two revisions and three takes each, and a draft; return the songs."""
    songs, content = _filled()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return songs


@cache
def _filled() -> tuple[list[SongRecord], bytes]:
    songs = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "library.sqlite3"
        with Library(path) as library:
            _put_songs(library, songs)
        return songs, path.read_bytes()


def _put_songs(library: Library, songs: list[SongRecord]) -> None:
    for title in TITLES:
        first = library.put_song(
            SongRecord(title=title, text="first wording\n", kept=True), [take := make_take("one\n"), make_take("two\n")]
        )
        library.add_take(first.id, make_take("three\n", parent_id=take.id))
        songs.append(
            library.put_song(SongRecord(id=first.id, title=title, text=f"words of {title}\n[Chorus]\nla la\n",
                                        authors=(Author.MODEL, Author.PERSON), kept=True))
        )  # fmt: skip
    library.put_song(SongRecord(title="A draft", text="not yet\n"))


def damage(path: Path, table: str, column: str, value: object, row: int = 2) -> bool:
    """Put a value where another is due; return False if the table cannot hold it at all."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        # What a stranger's tool, or a bit that flipped, need not keep to.
        connection.execute("UPDATE sqlite_schema SET sql = replace(sql, ' NOT NULL', '') WHERE type = 'table'")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        try:
            where = "" if table == "numbering" else " WHERE row = ?"
            connection.execute(f"UPDATE {table} SET {column} = ?{where}", (value, row)[: 1 + bool(where)])
        except (sqlite3.IntegrityError, sqlite3.DataError, OverflowError):
            return False
    return True


_CRASH = """
import os, sys
from pathlib import Path
from songsmith.library.library import Library
from songsmith.library.records import SongRecord
library = Library(Path(sys.argv[1]))
for number in range(30):
    library.put_song(SongRecord(title=f"Song {number}", text="line\\n" * 500, kept=True))
    if number == 25:
        library._database._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
os.kill(os.getpid(), 9)
"""


def crash(path: Path) -> None:
    """Let a program keep thirty songs and be killed: most are in the file, the last ones only in the log beside it."""
    subprocess.run([sys.executable, "-c", _CRASH, path], check=False)
