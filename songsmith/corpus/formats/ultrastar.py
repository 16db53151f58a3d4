"""Read songs from UltraStar files, a karaoke format: syllables joined to words and lines, without the notes.

The file as it came is kept in the metadata as `synced_lyrics`, so that the times are not lost.
"""

import re

from songsmith.corpus.formats.found_song import FoundSong, squeeze
from songsmith.corpus.records import MetadataValue

_TAG = re.compile(r"#([A-Z0-9]{1,40}):(.*)")
_NOTE = re.compile(r"[:*FRG] -?\d{1,9} -?\d{1,9} -?\d{1,4} ?(.*)", re.ASCII)
_METADATA = {"LANGUAGE": "language", "YEAR": "year", "GENRE": "genre", "EDITION": "edition"}
_START = 1 << 14
_HELD = "~"
"""The mark of a syllable that is held."""


def is_ultrastar(text: str) -> bool:
    """Return whether a text begins as UltraStar's do: tags, then notes."""
    rows = text[:_START].lstrip("\ufeff \n").split("\n")
    first = next((row for row in rows if not _TAG.match(row) and not re.fullmatch(r"P\s?\d\s*", row)), "")
    return _TAG.match(rows[0]) is not None and _NOTE.fullmatch(first) is not None


def read_ultrastar(text: str) -> FoundSong:
    """Return the song of a text that `is_ultrastar`; the part of the second of two singers comes after the first's."""
    tags: dict[str, str] = {}
    lines = [""]
    for row in text.split("\n"):
        if tag := _TAG.match(row):
            tags.setdefault(tag[1], tag[2].strip())
        elif note := _NOTE.fullmatch(row.rstrip("\r")):
            lines[-1] += "" if note[1].strip() == _HELD else note[1].replace(_HELD, "")
        else:  # a break, another singer, the end
            lines.append("")
    words = [line for row in lines if (line := squeeze(row))]
    metadata: dict[str, MetadataValue] = {key: tags[name] for name, key in _METADATA.items() if tags.get(name)}
    metadata["synced_lyrics"] = text
    return FoundSong(
        text="\n".join(words), title=tags.get("TITLE", ""), artist=tags.get("ARTIST", ""), metadata=metadata
    )
