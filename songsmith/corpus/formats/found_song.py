"""What a format returns for a song, and the record made of it. Knows no format."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from songsmith.corpus.records import MetadataValue, RawRecord, SetAside, has_words, identify

if TYPE_CHECKING:  # it imports this module
    from songsmith.corpus.formats.json_songs import Place

_WIDE_SPACE = "\u3000"
_GAPS = re.compile(rf"[^\S{_WIDE_SPACE}]+")


@dataclass(frozen=True, kw_only=True)
class FoundSong:
    """A song as found in a text or a document, without its markup."""

    text: str
    """The song text; empty where there are no words."""
    title: str = ""
    artist: str = ""
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    """What else the text holds, such as `chords` or `synced_lyrics`: the text as it came, with chords or times."""


def squeeze(line: str) -> str:
    """Return a line with one space for several; the ideographic space between Japanese words is kept."""
    return _GAPS.sub(" ", line).strip() if _WIDE_SPACE in line else " ".join(line.split())


def as_record(song: FoundSong, place: "Place", *, reason: str = "no words") -> RawRecord | SetAside:
    """Return the record of a song; a song without words is set aside with a reason."""
    title, artist = song.title or place.name, song.artist or place.artist
    if not has_words(song.text):
        return SetAside(id=place.label, title=title, reason=reason)
    return RawRecord(
        id=identify(title=title, artist=artist, text=song.text), title=title, artist=artist, text=song.text,
        source=place.source, url=place.url, fetched_at=place.fetched_at, metadata=song.metadata,
    )  # fmt: skip
