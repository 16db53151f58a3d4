"""Read songs from subtitles (SubRip, WebVTT, SBV): the words without numbers, times and tags.

The text as it came is kept in the metadata as `synced_lyrics`, so that the times are not lost.
"""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from songsmith.corpus.formats.found_song import FoundSong, squeeze

_CLOCK = r"(?:\d{1,4}:)?\d{1,2}:\d{1,2}[.,]\d{1,3}"
TIMES = re.compile(rf"\s*({_CLOCK})(?:\s*-->\s*|,)({_CLOCK})(?:\s.*)?", re.ASCII)
"""The row of a subtitle that says when it is shown."""
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]{0,200}>|<\d[\d:.]{3,15}>|\{\\[^{}\n]{0,200}\}")
_FLASH_S = 0.05
_NOTES = "♪♫♬♩"


def read_subtitles(content: str) -> FoundSong:
    """Return the song of a file of subtitles."""
    shown = list(_shown(content))
    if _roll(shown):
        shown = [_new_rows(now, before) for before, now in pairwise([_NOTHING, *shown])]
    return FoundSong(text="\n".join(row for one in shown for row in one.rows), metadata={"synced_lyrics": content})


@dataclass(frozen=True, slots=True)
class _Subtitle:
    rows: tuple[str, ...]
    is_flash: bool = False
    """Whether it is shown for too short a time to read it."""


_NOTHING = _Subtitle(())


def _shown(content: str) -> Iterator[_Subtitle]:
    """Yield the subtitles one after the other, without empty rows."""
    rows: list[str] = []
    is_flash = False
    for row in _shown_rows(content):
        if times := TIMES.fullmatch(row):
            if rows:
                yield _Subtitle(tuple(rows), is_flash)
            rows, is_flash = [], _seconds(times[2]) - _seconds(times[1]) < _FLASH_S
        elif words := squeeze(_words(row)):
            rows.append(words)
    if rows:
        yield _Subtitle(tuple(rows), is_flash)


def _roll(shown: Sequence[_Subtitle]) -> bool:
    """Return whether rows stay while others are added, as in those that YouTube makes: then most are shown twice or more."""
    again = sum(_new_rows(now, before) is not now for before, now in pairwise(shown))
    return len(shown) > 2 and 2 * again >= len(shown) - 1


def _new_rows(now: _Subtitle, before: _Subtitle) -> _Subtitle:
    """Return a subtitle without the rows that were in the one before; a line that is sung again comes alone."""
    if not before.rows or now.rows[0] != before.rows[-1]:
        return now
    if now.is_flash or (len(now.rows) > 1 and now.rows[0] not in now.rows[1:]):
        return _Subtitle(now.rows[1:], now.is_flash)
    return now


def _shown_rows(content: str) -> Iterator[str]:
    """Yield the rows with times, and those that are shown.

    In WebVTT a blank row ends a subtitle; in SubRip only a number comes before the next times.
    """
    rows = content.split("\n")
    remarks_follow, shown = content.startswith("WEBVTT"), False
    for row, below in zip(rows, [*rows[1:], ""], strict=True):
        if TIMES.fullmatch(row):
            shown = True
            yield row
        elif not row.strip():
            shown = shown and not (remarks_follow and not row)
        elif shown and not (row.strip().isdecimal() and TIMES.fullmatch(below)):
            yield row


def _seconds(clock: str) -> float:
    hours, minutes, seconds = ["0", *clock.replace(",", ".").split(":")][-3:]
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)


def _words(row: str) -> str:
    return html.unescape(_TAG.sub("", row)).strip().strip(_NOTES).strip()
