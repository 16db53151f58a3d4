"""The tables, as the migrations that create them. Knows SQL; opens nothing.

A step that has been released is never edited: a change is a new step at the end. `PRAGMA user_version` counts the steps
a file has taken.
"""

_FIRST = (
    # `row` is what the search index points at: an implicit rowid may change when a file is vacuumed.
    """
    CREATE TABLE songs (
        row INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        number INTEGER UNIQUE,
        title TEXT NOT NULL,
        artist TEXT NOT NULL,
        text TEXT NOT NULL,
        authors TEXT NOT NULL,
        kept INTEGER NOT NULL,
        state TEXT NOT NULL,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        change INTEGER NOT NULL
    )
    """,
    # What the lists are sorted by: two changes may bear one time, and clocks are set back.
    "CREATE UNIQUE INDEX songs_by_change ON songs (change)",
    # A removed song's number is not given to another, so the last one given is written down.
    "CREATE TABLE numbering (last INTEGER NOT NULL)",
    "INSERT INTO numbering VALUES (0)",
    """
    CREATE TABLE takes (
        row INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        song_id TEXT NOT NULL REFERENCES songs (id) ON DELETE CASCADE,
        parent_id TEXT REFERENCES takes (id) ON DELETE SET NULL,
        text TEXT NOT NULL,
        prompt_text TEXT NOT NULL,
        title TEXT NOT NULL,
        model TEXT NOT NULL,
        model_sha256 TEXT NOT NULL,
        device TEXT NOT NULL,
        options TEXT NOT NULL,
        seed INTEGER NOT NULL,
        finish TEXT NOT NULL,
        tokens INTEGER NOT NULL,
        elapsed_s REAL NOT NULL,
        version TEXT NOT NULL,
        created_at TEXT NOT NULL
    )
    """,
    "CREATE INDEX takes_of_song ON takes (song_id, created_at)",
    "CREATE INDEX takes_of_parent ON takes (parent_id)",
    """
    CREATE VIRTUAL TABLE songs_index USING fts5 (
        title, artist, text, content = 'songs', content_rowid = 'row',
        tokenize = 'porter unicode61 remove_diacritics 2'
    )
    """,
    """
    CREATE TRIGGER songs_index_insert AFTER INSERT ON songs BEGIN
        INSERT INTO songs_index (rowid, title, artist, text) VALUES (new.row, new.title, new.artist, new.text);
    END
    """,
    """
    CREATE TRIGGER songs_index_delete AFTER DELETE ON songs BEGIN
        INSERT INTO songs_index (songs_index, rowid, title, artist, text)
        VALUES ('delete', old.row, old.title, old.artist, old.text);
    END
    """,
    """
    CREATE TRIGGER songs_index_update AFTER UPDATE OF title, artist, text ON songs BEGIN
        INSERT INTO songs_index (songs_index, rowid, title, artist, text)
        VALUES ('delete', old.row, old.title, old.artist, old.text);
        INSERT INTO songs_index (rowid, title, artist, text) VALUES (new.row, new.title, new.artist, new.text);
    END
    """,
)

_REVISIONS = (
    # Which wording a song's row holds. Those before it stand in `revisions`, as the row held them, damage and all.
    "ALTER TABLE songs ADD COLUMN revision INTEGER NOT NULL DEFAULT 1",
    """
    CREATE TABLE revisions (
        row INTEGER PRIMARY KEY,
        song_id TEXT NOT NULL REFERENCES songs (id) ON DELETE CASCADE,
        revision INTEGER NOT NULL,
        title TEXT NOT NULL,
        artist TEXT NOT NULL,
        text TEXT NOT NULL,
        authors TEXT NOT NULL,
        state TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        UNIQUE (song_id, revision)
    )
    """,
    # Drafts are few, songs may be many: who looks for drafts must not walk past every song.
    "CREATE INDEX drafts_by_change ON songs (change) WHERE kept = 0",
    # Takes come in the order they were put in: clocks are set back.
    "DROP INDEX takes_of_song",
    "CREATE INDEX takes_of_song ON takes (song_id)",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST, _REVISIONS)
"""The steps, oldest first; each is a row of statements taken in one transaction."""
