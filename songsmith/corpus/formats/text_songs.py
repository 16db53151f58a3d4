"""Read songs from text, separated by dividers, with chords or times; and from files that hold one song.

Sets aside texts longer than any song.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from songsmith.corpus.formats.chord_marks import has_chords, is_chordpro, read_onsong
from songsmith.corpus.formats.chordpro import read_chordpro
from songsmith.corpus.formats.found_song import FoundSong, as_record
from songsmith.corpus.formats.import_options import ImportOptions
from songsmith.corpus.formats.json_songs import Place
from songsmith.corpus.formats.kinds import CHORDPRO, PAGES, SUBTITLES, XML, find_kind
from songsmith.corpus.formats.lrc import read_lrc
from songsmith.corpus.formats.marked_text import read_marked_text
from songsmith.corpus.formats.subtitles import read_subtitles
from songsmith.corpus.formats.text_files import Cursor, SourceFile
from songsmith.corpus.records import RawRecord, SetAside, has_words
from songsmith.lyrics import SectionKind, parse_header

DIVIDERS = ("<|startoftext|>", "<|endoftext|>")
"""What separates the songs of a text file."""
# A line with room for a title, blank lines, and the next one.
_ABOVE = re.compile(r"[ \t]*([^\[({\n][^\n]{0,100})\n((?:[ \t]*\n)*)([^\n]{1,300})")
_OF_A_PAGE = re.compile(r"lyrics\s*$|contributors?\b|translations?\b", re.IGNORECASE)
_FIRST = (SectionKind.VERSE, SectionKind.INTRO, SectionKind.CHORUS, SectionKind.PRECHORUS)
_LATER = re.compile(r"\b(?:[2-9]|\d\d+)\b")
_START = 1 << 16


def read_text(
    file: SourceFile, place: "partial[Place]", options: ImportOptions, cursor: Cursor
) -> Iterator[RawRecord | SetAside]:
    """Yield the songs of a text file; the cursor is not advanced."""
    source = place(where="").source
    separator = options.separator
    dividers = re.compile("|".join(map(re.escape, filter(None, (*DIVIDERS, separator)))))
    longest = max(map(len, (*DIVIDERS, separator)))
    left, too_long, divided = "", False, False
    with file.text() as text:
        while True:
            chunk = text.read(file.limits.piece)
            *whole, left = dividers.split(left + chunk)
            divided = divided or bool(whole)
            for song in whole if chunk else (*whole, left):
                if too_long:
                    yield SetAside(
                        id=f"{source}:{song[:40].strip()}", reason="longer than any song; is a separator missing?"
                    )
                elif song.strip():
                    yield from _read_song(song.strip("\n"), place, title="" if divided else file.title)
                too_long = False
            if not chunk:
                return
            if len(left) > file.limits.longest_song:
                too_long, left = True, left[-longest:]


def read_marked_up(
    file: SourceFile, place: "partial[Place]", options: ImportOptions, cursor: Cursor
) -> Iterator[RawRecord | SetAside]:
    """Yield the songs of a file in one of the formats that are read as a whole; the cursor is not advanced.

    Raises:
        InputError: it is XML, and broken or of a kind that is not read.
    """
    here = place(where="1")
    with file.text() as text:
        content = text.read(file.limits.longest_song + 1)
    kind = find_kind(file)
    if len(content) > file.limits.longest_song:
        yield SetAside(id=here.label, title=file.filename, reason="longer than any song")
    elif kind in CHORDPRO or (kind == ".onsong" and is_chordpro(content)):
        yield from read_chordpro(content, here)
    elif kind in PAGES:
        # Imported here, as is what reads XML: most imports read neither, and would wait for both.
        from songsmith.corpus.formats.genius_page import read_genius_page

        yield read_genius_page(content, here)
    elif kind in XML:
        from songsmith.corpus.formats.xml_songs import read_xml

        yield as_record(read_xml(content, file.label), here)
    elif kind in SUBTITLES:
        yield as_record(read_subtitles(content), here)
    elif kind == ".onsong":
        yield as_record(read_onsong(content), here)
    else:
        yield read_lrc(content, here)


def is_marked(file: SourceFile) -> bool:
    """Return whether text has the marks of a song: times, chords, or directives of ChordPro.

    Raises:
        InputError: it cannot be read.
    """
    with file.text() as text:
        start = text.read(_START)
    return is_chordpro(start) or read_marked_text(start) is not None


def _read_song(words: str, place: "partial[Place]", *, title: str) -> Iterator[RawRecord | SetAside]:
    """Yield the song in a text; with directives of ChordPro, it may be several."""
    here = place(where="1", name=title)
    if is_chordpro(words):
        yield from read_chordpro(words, here)
        return
    above, below = _split_title(words)
    song = read_marked_text(below) or FoundSong(text=below)
    yield as_record(replace(song, title=song.title or above), here)


def _split_title(text: str) -> tuple[str, str]:
    """Return the first line of a text if it is alone above a header or chords, as titles are, and the rest; else nothing."""
    found = _ABOVE.match(text)
    if not found or not has_words(found[1]) or parse_header(found[1].strip()) or _OF_A_PAGE.search(found[1]):
        return "", text
    below = found[3].strip()
    is_title = below.startswith("[") and (_begins_song(below) or (found[2] != "" and has_chords(below)))
    return (found[1].strip(), text[found.start(3) :]) if is_title else ("", text)


def _begins_song(row: str) -> bool:
    """Return whether a row is a header that songs begin with; a line above `[Verse 2]` or `[Outro]` is sung."""
    header = parse_header(row)
    return header is not None and header[0] in _FIRST and not _LATER.search(row)
