"""Songs out of LRC, the text of karaoke players. Refuses nothing: what is no time stamp is words.

The lyric is the lines in the order in which they are sung, without stamps; an empty line divides stanzas. The text as it
came is kept as the fact `synced_lyrics`, so that the times are not lost.
"""

import re

from songsmith.corpus.formats.json_songs import Place
from songsmith.corpus.records import Fact, RawRecord, SetAside, identify

_STAMP = re.compile(r"\s*\[(?:(\d{1,3}):)?(\d{1,4}):(\d{1,2}(?:[.:]\d{1,9})?)\]", re.ASCII)
_WORD_STAMP = re.compile(r"<(?:\d{1,3}:)?\d{1,4}:\d{1,2}(?:[.:]\d{1,9})?>", re.ASCII)
TAG = re.compile(r"\[(ti|ar|al|au|by|length|lr|offset|re|tool|ve|la|lang|id|#)\s*:(.*)\]", re.IGNORECASE)
"""A line that says something of the song."""
_MOST_REPEATED = 100_000
"""Characters that may come again because lines have several times; no song has so many."""
_FACTS = {"al": "album", "au": "author", "la": "language", "lang": "language"}


def read_lrc(content: str, place: Place) -> RawRecord | SetAside:
    """Return the song of an LRC file."""
    tags: dict[str, str] = {}
    sung: list[tuple[float, str]] = []
    now, left = -1.0, _MOST_REPEATED
    for row in content.split("\n"):
        line = row.strip()
        if tag := TAG.fullmatch(line):
            tags[tag[1].lower()] = tag[2].strip()
            continue
        times, words = read_line(line)
        # What is made of a file must not be a thousand times its size.
        left -= (len(times) - 1) * (len(words) + 1) if times else 0
        times = times if left >= 0 else times[:1]
        # A line without a time goes on where the one before it stands.
        now = times[-1] if times else now
        if words or times:
            sung += [(time, words) for time in times or (now,)]
        elif sung:
            sung.append((now, ""))
    sung.sort(key=lambda line: line[0])
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(words for _, words in sung)).strip("\n")
    title, artist = tags.get("ti") or place.name, tags.get("ar") or place.artist
    if not text:
        return SetAside(id=place.label, title=title, reason="no words")
    facts: dict[str, Fact] = {_FACTS[tag]: value for tag, value in tags.items() if tag in _FACTS and value}
    if any(time >= 0 for time, _ in sung):
        facts["synced_lyrics"] = content
    return RawRecord(
        id=identify(title=title, artist=artist, text=text), title=title, artist=artist, text=text, source=place.source,
        url=place.url, fetched_at=place.fetched_at, facts=facts,
    )  # fmt: skip


def read_line(line: str) -> tuple[list[float], str]:
    """Return the times at which a line is sung, in seconds, and its words."""
    times, end = [], 0
    while stamp := _STAMP.match(line, end):
        hours, minutes, seconds = stamp.groups()
        times.append(int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds.replace(":", ".")))
        end = stamp.end()
    return times, " ".join(_WORD_STAMP.sub("", line[end:]).split())
