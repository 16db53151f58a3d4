"""Read songs from ChordPro: words without their chords, sections with headers. Refuses nothing; sets aside songs without words.

The lyric is what is sung: chords and annotations in brackets are removed, `{start_of_chorus}` becomes
`[Chorus]`, `{chorus}` becomes a `[Chorus]` with no text, which repeats it. Comments, tabs and grids are left out, except a
comment that names a section. The file as it came is kept in the metadata as `chords`, so that the places of the chords are not
lost.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from songsmith.corpus.formats.chord_marks import read_tags
from songsmith.corpus.formats.chord_sheet import read_chord_sheet
from songsmith.corpus.formats.found_song import FoundSong, as_record, squeeze
from songsmith.corpus.records import MetadataValue, RawRecord, SetAside, has_words
from songsmith.lyrics import parse_header

if TYPE_CHECKING:  # it imports this module
    from songsmith.corpus.formats.json_songs import Place

_NAME = re.compile(r"\w+")
_NEW_SONG = re.compile(r"^[ \t]*\{[ \t]*(?:new_song|ns)\b[^\n]*$", re.MULTILINE | re.IGNORECASE)
_CHORD = re.compile(r"\[[A-H][^\[\]\n]{0,12}\]\S")
_BRACKETS = re.compile(r"\[[^\[\]]*\]")
_LABEL = re.compile(r"label\s*=\s*\"([^\"]*)\"", re.IGNORECASE)
_SHORT = {
    "t": "title", "st": "subtitle", "a": "artist", "c": "comment", "ci": "comment_italic", "cb": "comment_box",
    "soc": "start_of_chorus", "eoc": "end_of_chorus", "sov": "start_of_verse", "eov": "end_of_verse",
    "sob": "start_of_bridge", "eob": "end_of_bridge", "sot": "start_of_tab", "eot": "end_of_tab",
    "sog": "start_of_grid", "eog": "end_of_grid",
}  # fmt: skip
_NOT_SUNG = {"tab", "grid", "abc", "ly", "svg", "textblock"}
_COMMENTS = {"comment", "comment_italic", "comment_box", "highlight"}
_METADATA = {
    "key", "capo", "tempo", "time", "year", "album", "composer", "lyricist", "copyright", "arranger", "duration"
}  # fmt: skip


def read_chordpro(content: str, place: "Place") -> Iterator[RawRecord | SetAside]:
    """Yield the songs of a ChordPro file."""
    songs = [song for song in _NEW_SONG.split(content) if song.strip()] or [content]
    for number, song in enumerate(songs, 1):
        # In a file of several, one without a title does not take the file's name.
        here = replace(place, where=f"{place.where}:{number}", name=place.name if len(songs) == 1 else "")
        yield as_record(parse_chordpro(song), here, reason="no line of lyrics")


def parse_chordpro(content: str) -> FoundSong:
    """Return the one song that a text in ChordPro is."""
    # Files with these endings may also be sheets with chords in tags, or in lines above the words.
    marked = read_tags(content) or (content if _CHORD.search(content) else read_chord_sheet(content))
    sheet = _Sheet(marked or content)
    return FoundSong(
        text=sheet.lyric if sheet.has_lines else "", title=sheet.title, artist=sheet.artist,
        metadata={**sheet.metadata, "chords": content.strip("\n")},
    )  # fmt: skip


class _Sheet:
    """One song, read line by line."""

    def __init__(self, content: str) -> None:
        self.title = self.subtitle = self.artist = ""
        self.metadata: dict[str, MetadataValue] = {}
        self.has_lines = False
        self._rows: list[str] = []
        self._part = ""
        """The current section; in it a blank line does not separate stanzas."""
        for row in content.split("\n"):
            self._read(row.strip())
        if not self.artist and self.subtitle:  # which used to hold the artist
            self.artist = self.subtitle
        elif self.subtitle:
            self.metadata["subtitle"] = self.subtitle

    @property
    def lyric(self) -> str:
        """The song text."""
        return "\n".join(self._rows).strip("\n")

    def _read(self, line: str) -> None:
        if line.startswith("#"):
            return
        inner = line[1:-1].strip() if line.startswith("{") and line.endswith("}") else ""
        if _NAME.match(inner):
            name, _, value = inner.partition(":") if ":" in inner else inner.partition(" ")
            name = name.partition("-")[0].strip().lower()  # a part after a dash says for which instrument it is
            self._obey(_SHORT.get(name, name), value.strip())
        elif self._part in _NOT_SUNG:
            return
        elif parse_header(line):
            self._begin(line)
        elif not line:
            if not self._part:
                self._leave_blank()
        elif words := squeeze(_BRACKETS.sub("", line)):
            self._rows.append(words)
            self.has_lines = self.has_lines or has_words(words)

    def _obey(self, name: str, value: str) -> None:
        if name == "meta":
            name, _, value = value.partition(" ")
            value = value.strip()
        if name in ("title", "subtitle", "artist"):
            if value and not getattr(self, name):
                setattr(self, name, value)
        elif name in _METADATA:
            if value:
                self.metadata[name] = value
        elif name.startswith("start_of_"):
            self._part = name.removeprefix("start_of_")
            if self._part not in _NOT_SUNG:
                self._begin(_header(self._part, value))
        elif name.startswith("end_of_"):
            self._part = ""
            self._leave_blank()
        elif name == "chorus":
            self._begin(_header("chorus", value))
            self._leave_blank()
        elif name in _COMMENTS and parse_header(f"[{value}]"):
            self._begin(f"[{value}]")

    def _begin(self, header: str) -> None:
        self._leave_blank()
        self._rows.append(header)

    def _leave_blank(self) -> None:
        if self._rows and self._rows[-1]:
            self._rows.append("")


def _header(part: str, value: str) -> str:
    """Return the header of a section, with its label if it has one: `[Chorus: Last time]`, or `[Verse 1]` if that says both."""
    name = part.replace("_", " ").replace("-", " ").title().replace("Pre Chorus", "Pre-Chorus")
    label = found[1] if (found := _LABEL.search(value)) else value
    label = " ".join(re.sub(r"[\[\]]", " ", label).split())
    plain, labelled = parse_header(f"[{name}]"), parse_header(f"[{label}]")
    if plain and labelled and plain[0] is labelled[0]:
        return f"[{label}]"
    return f"[{name}: {label}]" if label else f"[{name}]"
