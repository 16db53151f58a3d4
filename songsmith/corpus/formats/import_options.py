"""How to read files that leave a choice: which columns hold what, and what divides songs. Reads nothing."""

from dataclasses import dataclass

from songsmith.corpus.formats.json_songs import Keys


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """What a person says of the files."""

    text_column: str = ""
    """Column or key with the lyrics; empty: text or lyrics, or what else is usual."""
    title_column: str = ""
    """Column or key with the title."""
    artist_column: str = ""
    """Column or key with the artist."""
    chords_column: str = ""
    """Column or key with the chords, which are kept in the metadata as `chords`."""
    separator: str = ""
    """What divides the songs of a text file, besides `<|endoftext|>` and `<|startoftext|>`."""
    max_unpacked_mb: int | None = None
    """How many megabytes (10^6 bytes) a gzipped file may unpack to; None: what is believed of a file of its size."""
    no_header: bool = False
    """Whether the first row of a CSV or TSV table is a song like the others; its columns are then called 1, 2 and so on."""

    @property
    def columns(self) -> dict[str, str]:
        """The column that was asked for, or nothing, for each part of a song."""
        return {
            "text": self.text_column, "title": self.title_column, "artist": self.artist_column,
            "chords": self.chords_column,
        }  # fmt: skip

    @property
    def keys(self) -> Keys:
        """The keys of a song in JSON."""
        return Keys(**{part: (key,) for part, key in self.columns.items() if key})
