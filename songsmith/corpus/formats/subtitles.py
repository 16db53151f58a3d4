"""Songs out of subtitles, SubRip (SRT) and WebVTT: the words without numbers, times and tags.

The text as it came is kept as the fact `synced_lyrics`, so that the times are not lost.
"""

import html
import re
from collections.abc import Iterator

from songsmith.corpus.formats.found_song import FoundSong

_CLOCK = r"(?:\d{1,4}:)?\d{1,2}:\d{1,2}[.,]\d{1,3}"
TIMES = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}(?:\s.*)?", re.ASCII)
"""The row of a subtitle that says from when until when it is shown."""
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]{0,200}>|<\d[\d:.]{3,15}>|\{\\[^{}\n]{0,200}\}")
_NOTES = "♪♫♬♩"


def read_subtitles(content: str) -> FoundSong:
    """Return the song of a file of subtitles."""
    lines = [" ".join(words.split()) for row in _shown_rows(content) if (words := _words(row))]
    return FoundSong(text="\n".join(lines), facts={"synced_lyrics": content})


def _shown_rows(content: str) -> Iterator[str]:
    """Yield the rows that are shown. In WebVTT a blank row ends them; SubRip has only a number between them and the next times."""
    rows = content.split("\n")
    remarks_follow, shown = content.startswith("WEBVTT"), False
    for row, below in zip(rows, [*rows[1:], ""], strict=True):
        if TIMES.fullmatch(row):
            shown = True
        elif not row.strip():
            shown = shown and not remarks_follow
        elif shown and not (row.strip().isdecimal() and TIMES.fullmatch(below)):
            yield row


def _words(row: str) -> str:
    return html.unescape(_TAG.sub("", row)).strip().strip(_NOTES).strip()
