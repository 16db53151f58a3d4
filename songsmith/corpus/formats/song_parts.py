"""Parts of a song as song-book programs name and order them: `V1`, `C`, `B`. Writes the song text; reads no file."""

import re
from collections.abc import Mapping, Sequence

from songsmith.lyrics import parse_header

_NAMES = {
    "v": "Verse", "c": "Chorus", "p": "Pre-Chorus", "b": "Bridge", "t": "Tag", "e": "Ending", "i": "Intro",
}  # fmt: skip
_SHORT = re.compile(r"([a-z])(\d{0,3})([a-z]?)", re.IGNORECASE)
_MOST_REPEATED = 100_000
"""How many characters parts that are sung several times may add; no song has so many."""


def write_parts(parts: Mapping[str, Sequence[str]], order: Sequence[str] = ()) -> str:
    """Return the song text of some parts, each with its header.

    Args:
        parts: the lines of each, by its name.
        order: names of parts as they are sung, each as often as it is sung. Parts not named there come last.
    """
    known = {name.casefold(): name for name in parts}
    sung = [known[name.casefold()] for name in order if name.casefold() in known]
    written: list[str] = []
    met: set[str] = set()
    left = _MOST_REPEATED
    for name in (*sung, *(name for name in parts if name not in set(sung))):
        words = "\n".join(parts[name]).strip("\n")
        stanza = f"{header(name)}\n{words}".lstrip("\n") if words else ""
        left -= len(stanza) + 2 if name in met else 0
        if stanza and (name not in met or left > 0):
            written.append(stanza)
        met.add(name)
    return "\n\n".join(written)


def header(name: str) -> str:
    """Return the header of a part: `[Verse 1]` for `v1`; empty if its name is not known."""
    if (short := _SHORT.fullmatch(name)) and (kind := _NAMES.get(short[1].lower())):
        return f"[{kind} {short[2]}{short[3]}]".replace(" ]", "]")
    return f"[{name}]" if parse_header(f"[{name}]") else ""
