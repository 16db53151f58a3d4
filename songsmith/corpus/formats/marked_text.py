"""Read words from texts with marks: times of LRC, chords in any style, ChordPro, OnSong, UltraStar.

A text without such marks is left alone; most have none, which is quick to see.
"""

import re

from songsmith.corpus.formats.chord_marks import is_chordpro, read_chord_marks, seek_onsong
from songsmith.corpus.formats.chord_sheet import read_chord_sheet
from songsmith.corpus.formats.chordpro import parse_chordpro
from songsmith.corpus.formats.found_song import FoundSong
from songsmith.corpus.formats.lrc import has_stamps, parse_lrc
from songsmith.corpus.formats.ultrastar import is_ultrastar, read_ultrastar

_GAP, _BEGINNING = "    ", 300
"""The most characters between two chords, or before the first, somewhere in the beginning of a sheet."""
# A time, a tag, or what may be a chord; not `[Chorus]` or `[Verse]`.
_BRACKET = re.compile(r"\[(?:[-+ ]?\d|(?i:ch|tab)\]|[A-H](?=[\]#b♯♭mMd\d/as+°øØΔ (-]))")


def read_marked_text(text: str, *, placed: bool = False) -> FoundSong | None:
    """Return the song in a text with marks; None if it has none.

    Args:
        text: the text, with line breaks as newlines.
        placed: whether chords in rows above words are looked for only if gaps at the beginning show which words they belong
            to. That is quick, and a table or a JSON file holds many texts that are not sheets.
    """
    if text.lstrip("\ufeff\n")[:1] == "#" and is_ultrastar(text):
        return read_ultrastar(text)
    has_brackets = "[" in text and _BRACKET.search(text) is not None
    if has_brackets and has_stamps(text):
        return parse_lrc(text)
    if "{" in text and is_chordpro(text):
        return parse_chordpro(text)
    if has_brackets and (song := seek_onsong(text)):
        return song
    words = read_chord_marks(text) if has_brackets else None
    if words is None and (not placed or text.find(_GAP, 0, _BEGINNING) >= 0 or "\t" in text):
        words = read_chord_sheet(text)
    return None if words is None else FoundSong(text=words, metadata={"chords": text})
