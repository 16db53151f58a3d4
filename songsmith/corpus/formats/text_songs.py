"""Songs out of text: divided by marks, without the chords above their words, as ChordPro, as LRC, as a page of Genius.

Sets aside what is longer than any song.
"""

import re
from collections.abc import Iterator
from functools import partial

from songsmith.corpus.formats.chord_sheet import read_chord_sheet
from songsmith.corpus.formats.chordpro import read_chordpro
from songsmith.corpus.formats.genius_page import read_genius_page
from songsmith.corpus.formats.import_options import ImportOptions
from songsmith.corpus.formats.json_songs import Place
from songsmith.corpus.formats.lrc import read_lrc
from songsmith.corpus.formats.text_files import Cursor, SourceFile
from songsmith.corpus.records import RawRecord, SetAside, identify

CHORDPRO = (".cho", ".crd", ".chopro", ".chordpro", ".pro")
"""Endings of ChordPro."""
PAGES = (".html", ".htm")
"""Endings of pages saved from the web."""
DIVIDERS = ("<|startoftext|>", "<|endoftext|>")
"""What divides the songs of a text file."""
_LONGEST_SONG = 16 << 20
_CHUNK = 1 << 20


def read_text(
    file: SourceFile, place: "partial[Place]", options: ImportOptions, cursor: Cursor
) -> Iterator[RawRecord | SetAside]:
    """Yield the songs of a text file; the cursor stays where it is."""
    source = place(where="").source
    separator = options.separator
    dividers = re.compile("|".join(map(re.escape, filter(None, (*DIVIDERS, separator)))))
    longest = max(map(len, (*DIVIDERS, separator)))
    left, too_long, divided = "", False, False
    with file.text() as text:
        while True:
            chunk = text.read(_CHUNK)
            *whole, left = dividers.split(left + chunk)
            divided = divided or bool(whole)
            for song in whole if chunk else (*whole, left):
                if too_long:
                    yield SetAside(
                        id=f"{source}:{song[:40].strip()}", reason="longer than any song; is there no separator?"
                    )
                elif song.strip():
                    yield _as_record(song.strip("\n"), place, title="" if divided else file.title)
                too_long = False
            if not chunk:
                return
            if len(left) > _LONGEST_SONG:
                too_long, left = True, left[-longest:]


def read_marked_up(
    file: SourceFile, place: "partial[Place]", options: ImportOptions, cursor: Cursor
) -> Iterator[RawRecord | SetAside]:
    """Yield the songs of a file in one of the formats that are read as a whole; the cursor stays where it is."""
    here = place(where="1")
    with file.text() as text:
        content = text.read(_LONGEST_SONG + 1)
    if len(content) > _LONGEST_SONG:
        yield SetAside(id=here.label, title=file.filename, reason="longer than any song")
    elif file.kind in CHORDPRO:
        yield from read_chordpro(content, here)
    elif file.kind in PAGES:
        yield read_genius_page(content, here)
    else:
        yield read_lrc(content, here)


def _as_record(words: str, place: "partial[Place]", *, title: str) -> RawRecord:
    here = place(where="")
    sung = read_chord_sheet(words)
    text, facts = (words, {}) if sung is None else (sung, {"chords": words})
    return RawRecord(
        id=identify(title=title, artist="", text=text), title=title, text=text, source=here.source, url=here.url,
        fetched_at=here.fetched_at, facts=facts,
    )  # fmt: skip
