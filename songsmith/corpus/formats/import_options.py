"""Options for reading files: which columns hold what, and what separates songs. Reads nothing."""

from dataclasses import dataclass

from songsmith.corpus.formats.json_songs import Keys


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """What a person says about the files."""

    text_column: str = ""
    """Column or key with the lyrics; empty: text, lyrics, or another usual name."""
    title_column: str = ""
    """Column or key with the title."""
    artist_column: str = ""
    """Column or key with the artist."""
    chords_column: str = ""
    """Column or key with the chords, which are kept in the metadata as `chords`."""
    separator: str = ""
    """What separates the songs of a text file, besides `<|endoftext|>` and `<|startoftext|>`."""
    max_unpacked_mb: int | None = None
    """How many megabytes (10^6 bytes) a gzipped file may unpack to; None: what is plausible for its size."""
    no_header: bool = False
    """Whether the first row of a CSV or TSV table is a song like the others; its columns are then called 1, 2 and so on."""

    @property
    def columns(self) -> dict[str, str]:
        """For each part of a song the column that was asked for, or nothing."""
        return {
            "text": self.text_column, "title": self.title_column, "artist": self.artist_column,
            "chords": self.chords_column,
        }  # fmt: skip

    @property
    def keys(self) -> Keys:
        """The keys of a song in JSON."""
        return Keys(**{part: (key,) for part, key in self.columns.items() if key})
