"""Lyrics in JSON as a list of lines, each with the time at which it is sung. Knows the shapes only.

`[{"startTimeMs": "960", "words": "Come and sit"}]`, `[{"time": 0.96, "text": "Come and sit"}]` and so on.
"""

from typing import Any

from songsmith.corpus.formats.found_song import squeeze

_TIMES = (
    "startTimeMs", "start_time_ms", "startTime", "start_time", "start", "begin", "time", "timestamp", "timeTag", "ts", "t",
    "seconds", "milliseconds", "offset", "from",
)  # fmt: skip
_WORDS = ("words", "text", "line", "lyric", "lyrics", "content", "x")
_NAMES = ("title", "artist", "song", "name", "trackName")
_LINES = ("lines", "syncedLyrics", "subtitles")


def join_timed_lines(value: Any) -> str | None:
    """Return the words of a list of timed lines, or of an object that holds one; None if it is neither."""
    if isinstance(value, dict):
        inner = next((value[key] for key in _LINES if isinstance(value.get(key), list)), None)
        return None if inner is None else join_timed_lines(inner)
    if not isinstance(value, list) or not value:
        return None
    lines = []
    for item in value:
        if not isinstance(item, dict) or not any(key in item for key in _TIMES):
            return None
        words = next((item[key] for key in _WORDS if isinstance(item.get(key), str)), None)
        if words is None or "\n" in words or any(key in item for key in _NAMES):  # a song with its length, perhaps
            return None
        lines.append("" if set(words) <= set("♪♫ ") else squeeze(words))
    return "\n".join(lines)
