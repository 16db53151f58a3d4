"""How much of a file is read at once, and how large anything in it may be. Reads nothing."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ReadingLimits:
    """What keeps a file from filling the memory."""

    piece: int = 1 << 20
    """Characters of text, or bytes of JSON, that are read at once."""
    batch_bytes: int = 4 << 20
    """Bytes of Parquet that are read at once, roughly."""
    block_bytes: int = 4 << 20
    """Bytes that are asked of the Hugging Face Hub at once."""
    longest_song: int = 16 << 20
    """Characters of a song; a longer one is set aside."""
    longest_line_bytes: int = 64 << 20
    """A line is read as a whole; no song, nor any row of a table with one, comes near this."""
    believed_bytes: int = 256_000_000
    """So much any gzipped file may unpack to, unless a person says otherwise."""
