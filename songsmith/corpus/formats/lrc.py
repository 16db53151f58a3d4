"""Read songs from LRC, the format of karaoke players, in its dialects.

Refuses nothing: everything but time stamps and tags is words.

The lyric is the lines in the order in which they are sung, without stamps, voices and credits; an empty line separates
stanzas. The text as it came is kept in the metadata as `synced_lyrics`, so that the times are not lost.
"""

import re
from typing import TYPE_CHECKING

from songsmith.corpus.formats.found_song import FoundSong, as_record, squeeze
from songsmith.corpus.formats.lrc_credits import strip_credits
from songsmith.corpus.records import MetadataValue, RawRecord, SetAside
from songsmith.lyrics import parse_header

if TYPE_CHECKING:  # it imports this module
    from songsmith.corpus.formats.json_songs import Place

_TIME = r"[ \t]*+([+-]?)[ \t]*+(?:(\d{1,3}):)?(\d{1,4}):(\d{1,2}(?:[.,:]\d{1,9})?)[ \t]*+"
_STAMP = re.compile(rf"[ \t]*+\[{_TIME}\]", re.ASCII)
_BRACKETED = re.compile(rf"\[{_TIME}\]", re.ASCII)
_INNER_STAMP = re.compile(rf"\[{_TIME}\]|<{_TIME}>", re.ASCII)
_STAMPED_ROW = re.compile(rf"^[ \t]*+\[{_TIME}\]", re.ASCII | re.MULTILINE)
TAG = re.compile(
    r"\[(ti|ar|al|au|by|length|lr|offset|re|tool|ve|la|lang|id|#|title|artist|album|author|lyricist|composer|language|version|"
    r"editor|encoding|total|kana|sign|hash|qq|key)\s*:(.*)\]",
    re.IGNORECASE,
)
"""A line that says something about the song."""
_OTHER_TAG = re.compile(r"\[[a-z]\w{0,20}\s*:[^\[\]]*\]", re.ASCII | re.IGNORECASE)
_SHORT = {"title": "ti", "artist": "ar", "album": "al", "author": "au", "language": "la", "lang": "la"}
_VOICE = re.compile(r"(?:v\d{1,4}|[FMD])\s*:\s*", re.ASCII | re.IGNORECASE)
_BACKING = re.compile(r"\[bg\s*:(.*)\]", re.ASCII | re.IGNORECASE)
_PLAYER_ROW = re.compile(r'\{"t":\s*-?\d+,\s*"c":\s*\[.*\]\s*\}')
"""A credit as NetEase puts it above the lines, in JSON."""
_NOTES = frozenset("♪♫♬♩ ")
_MOST_REPEATED = 100_000
"""How many characters lines with several times may add; no song has so many."""
_METADATA = {"al": "album", "au": "author", "la": "language", "lyricist": "lyricist", "composer": "composer"}
_START = float("-inf")


def read_lrc(content: str, place: "Place") -> RawRecord | SetAside:
    """Return the song of an LRC file."""
    return as_record(parse_lrc(content), place)


def has_stamps(text: str) -> bool:
    """Return whether a text is LRC: several lines begin with times, or its only line does, with hundredths of seconds."""
    rows = _STAMPED_ROW.finditer(text)
    first = next(rows, None)
    return first is not None and (next(rows, None) is not None or not first[4].isdecimal())


def parse_lrc(content: str) -> FoundSong:
    """Return the song that an LRC text is."""
    tags: dict[str, str] = {}
    sung: list[tuple[float, str]] = []
    now, left = _START, _MOST_REPEATED
    for row in content.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        line = row.strip()
        if tag := TAG.fullmatch(line):
            tags[_SHORT.get(tag[1].lower(), tag[1].lower())] = tag[2].strip()
            continue
        if _PLAYER_ROW.fullmatch(line) or (now == _START and _is_tag(line)):
            continue
        times, words = read_line(line)
        # The result must not be a thousand times as large as the file.
        left -= (len(times) - 1) * (len(words) + 1) if times else 0
        times = times if left >= 0 else times[:1]
        # A line without a time continues the one before it.
        now = times[-1] if times else now
        if words or times:
            sung += [(time, words) for time in times or (now,)]
        elif sung:
            sung.append((now, ""))
    sung.sort(key=lambda line: line[0])
    lines = strip_credits(sung, title=tags.get("ti", ""), artist=tags.get("ar", ""))
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
    metadata: dict[str, MetadataValue] = {
        _METADATA[tag]: value for tag, value in tags.items() if tag in _METADATA and value
    }
    if now > _START:
        metadata["synced_lyrics"] = content
    return FoundSong(text=text, title=tags.get("ti", ""), artist=tags.get("ar", ""), metadata=metadata)


def read_line(line: str) -> tuple[list[float], str]:
    """Return the times at which a line is sung, in seconds, and its words without the times and the voice of each."""
    times, end = [], 0
    while stamp := _STAMP.match(line, end):
        sign, hours, minutes, seconds = stamp.groups()
        time = int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds.replace(":", ".").replace(",", "."))
        times.append(-time if sign == "-" else time)
        end = stamp.end()
    rest = line[end:].strip()
    if times:
        rest = rest[voice.end() :] if (voice := _VOICE.match(rest)) else rest
    backing = _BACKING.fullmatch(rest)
    words = squeeze(_INNER_STAMP.sub("", backing[1] if backing else rest))
    if backing and words and not words.startswith("("):
        words = f"({words})"
    # Where every word has its time, a second time at the beginning of a line is that of its first word.
    return times[:1] if _BRACKETED.search(rest) else times, "" if _NOTES.issuperset(words) else words


def _is_tag(line: str) -> bool:
    """Return whether a line above all stamps is a tag of some player, such as `[ve_x: 1]`, and not a header."""
    return _OTHER_TAG.fullmatch(line) is not None and not _BACKING.fullmatch(line) and parse_header(line) is None
