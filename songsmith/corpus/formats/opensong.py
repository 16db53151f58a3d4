"""Read songs from OpenSong files: parts in the order in which they are sung, chords kept beside the words."""

import re
from xml.etree.ElementTree import Element

from songsmith.corpus.formats.found_song import FoundSong, squeeze
from songsmith.corpus.formats.song_parts import write_parts
from songsmith.corpus.formats.xml_files import children, find, local_name, plain_text
from songsmith.corpus.records import MetadataValue

_METADATA = ("key", "capo", "tempo", "time_sig", "copyright", "ccli", "hymn_number", "theme", "aka")
_NOT_SUNG = (";", "-")
"""How comments and breaks between pages begin."""
_HEADER = re.compile(r"\[([^\[\]]*)\].*")


def read_opensong(root: Element) -> FoundSong:
    """Return the song of an OpenSong document."""
    lyrics = "\n".join("".join(element.itertext()) for element in children(root, "lyrics"))
    text = write_parts(_read_parts(lyrics), plain_text(find(root, "presentation")).split())
    told = {local_name(child): plain_text(child) for child in root}
    metadata: dict[str, MetadataValue] = {name: told[name] for name in _METADATA if told.get(name)}
    if any(row.startswith(".") for row in lyrics.splitlines()):
        metadata["chords"] = lyrics.strip("\n")
    return FoundSong(
        text=text, title=plain_text(find(root, "title")), artist=plain_text(find(root, "author")), metadata=metadata
    )


def _read_parts(lyrics: str) -> dict[str, list[str]]:
    """Return the lines of each part. A row begins with a sign that says what it is: words, chords, the number of a verse."""
    parts: dict[str, list[str]] = {}
    name = ""
    for row in lyrics.splitlines():
        if found := _HEADER.fullmatch(row):
            name = found[1].strip()
        elif row and not row.startswith((".", *_NOT_SUNG)):
            # The lines of several verses may be below each other, each after its verse's number.
            number = row[0] if row[0].isdecimal() and not name[-1:].isdecimal() else ""
            # `|` breaks a line on a screen, `_` leaves room for a chord.
            words = squeeze(row.removeprefix(number).replace("|", " ").replace("_", ""))
            parts.setdefault(f"{name or 'V'}{number}" if number else name, []).append(words)
        elif not row and name in parts:
            parts[name].append("")
    return parts
