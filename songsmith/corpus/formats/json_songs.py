"""Read songs from JSON values: plain objects, and what lyricsgenius saves of an artist, an album or a song. Reads no file."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from songsmith.corpus.formats.json_shapes import join_lyrics, join_parts, rename_keys, unfold, unquote_list
from songsmith.corpus.formats.marked_text import read_marked_text
from songsmith.corpus.formats.timed_lines import join_timed_lines
from songsmith.corpus.records import MetadataValue, RawRecord, SetAside, has_words, identify

SYNONYMS = {
    "text": (
        "text", "lyrics", "lyric", "song_lyrics", "words", "lyrics_text", "full_lyrics", "paroles", "letra", "songtext",
        "liedtext", "testo", "plainLyrics", "syncedLyrics",
    ),
    "title": (
        "title", "song", "song_title", "track_name", "song_name", "track_title", "trackName", "track", "name", "sname", "songname",
        "titre", "titulo", "título", "titel", "titolo", "canción", "cancion", "música", "musica",
    ),
    "artist": (
        "artist", "author", "artist_name", "artistName", "singer", "artists", "band", "singer_name", "aname", "artistname",
        "artiste", "artista", "interprete", "interprète", "intérprete", "interpret", "performer",
    ),
    "chords": ("chords",),
}  # fmt: skip
"""What keys and columns with the parts of a song are called, the likeliest first."""
_OWN = {"id", "title", "artist", "text", "lyrics", "source", "url", "fetched_at"}
_GENIUS_METADATA = ("release_date", "language")
_LONGEST_ID = 200
# Of three types, as a tuple: a union would be made anew for each of millions of values.
_PLAIN = (str, int, float)
_KEYS_TOLD = 8


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a value stands, and what is known of it from there."""

    source: str
    """What to call the source if the song names none."""
    name: str
    """What a plain number is prefixed with to be an id."""
    where: str
    """How to find the song in its source: a line or a number."""
    artist: str = ""
    """Who made the songs that name nobody."""
    metadata: Mapping[str, MetadataValue] | None = None
    """What holds for the song because of what it stands in."""
    url: str = ""
    """Where the source can be seen, for songs that name no page of their own."""
    fetched_at: str = ""
    """When the source came over the network, if it did, in UTC as ISO 8601 text."""

    @property
    def label(self) -> str:
        """What to call a song without an id; packed or not, a file gives it the same."""
        return f"{re.sub(r'[.]gz$', '', self.source, flags=re.IGNORECASE)}:{self.where}"


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Under which keys a song's parts stand; each tuple is tried in order."""

    text: tuple[str, ...] = SYNONYMS["text"]
    title: tuple[str, ...] = SYNONYMS["title"]
    artist: tuple[str, ...] = SYNONYMS["artist"]
    chords: tuple[str, ...] = SYNONYMS["chords"]


def read_songs(value: Any, place: Place, keys: Keys) -> Iterator[RawRecord | SetAside]:
    """Yield every song in a JSON value."""
    if isinstance(value, list):
        if (timed := join_timed_lines(value)) is not None:
            value = [{keys.text[0]: timed}]
        for number, item in enumerate(value, 1):
            inner = replace(place, where=f"{place.where}:{number}")
            # A list in a list is nothing anyone writes.
            yield from read_songs(item, inner, keys) if isinstance(item, dict) else [_unknown(inner)]
        return
    if not isinstance(value, dict):
        yield _unknown(place)
        return
    value = rename_keys(value, (keys.text, keys.title, keys.artist))
    if isinstance(text := value.get(keys.text[0]), str) and text:  # as nearly all are
        yield read_song(value, place, keys)
    elif isinstance(value.get("artists"), list) and not _find_key(value, keys.text):
        yield from read_songs(value["artists"], place, keys)
    elif isinstance(value.get("songs"), list) and not _find_key(value, keys.text):
        artist = _name(value.get("name")) or _name(value.get("artist"))
        yield from read_songs(value["songs"], replace(place, artist=artist), keys)
    elif isinstance(value.get("tracks"), list) and not _find_key(value, keys.text):
        yield from _read_tracks(value, place, keys)
    elif not _find_key(value, keys.text) and (parts := join_parts(value)):
        yield read_song({**value, keys.text[0]: parts}, place, keys)
    elif join_timed_lines(value) is not None or (found := unfold(value, keys.text, keys.title)) is None:
        yield read_song(value, place, keys)
    elif isinstance(found, str):
        yield SetAside(id=place.label, reason=found)
    else:
        for number, row in enumerate(found, 1):
            row = dict(rename_keys(row, (keys.text, keys.title, keys.artist)))
            yield read_song(row, replace(place, where=f"{place.where}:{number}"), keys)


def read_song(row: Mapping[str, Any], place: Place, keys: Keys) -> RawRecord | SetAside:
    """Return the song that an object is."""
    used = [_find_key(row, names) for names in (keys.text, keys.title, keys.artist)]
    parts = {key: row[key] for key in used if key}
    text, title, artist = parts.get(used[0], ""), _text(parts.get(used[1])), _name(parts.get(used[2]))
    artist = artist or _name(row.get("primary_artist")) or place.artist
    if not text or not isinstance(text, str):
        text = join_timed_lines(text or row) or join_lyrics(text)
    if not text or not isinstance(text, str):
        return SetAside(id=_find_id(row, place) or place.label, title=title, reason=_why_no_lyrics(row, keys))
    text = unquote_list(text)
    own = _OWN.union(parts, keys.text[:1], keys.title[:1], keys.artist[:1])
    site = _site(row)
    metadata = _genius_metadata(row) if site == "genius" else _lrclib_metadata(row) if site else _metadata(row, own)
    if marked := read_marked_text(text, placed=True):
        if not has_words(marked.text):
            return SetAside(id=_find_id(row, place) or place.label, title=title, reason="no words")
        text, title, artist = marked.text, title or marked.title, artist or marked.artist
        metadata = {**marked.metadata, **metadata}
    if chords := _chords(row.get(keys.chords[0])):
        metadata["chords"] = chords
    if keys.chords[0] != "chords":
        metadata.pop(keys.chords[0], None)
    return RawRecord(
        id=_find_id(row, place) or identify(title=title, artist=artist, text=text), title=title, artist=artist,
        text=text, source=site or (_text(row["source"]) if "source" in row else place.source),
        url=_text(row.get("url")) or place.url, fetched_at=_text(row.get("fetched_at")) or place.fetched_at,
        metadata={**(place.metadata or {}), **metadata},
    )  # fmt: skip


def _read_tracks(album: Mapping[str, Any], place: Place, keys: Keys) -> Iterator[RawRecord | SetAside]:
    artist = _name(album.get("artist"))
    for number, track in enumerate(album["tracks"], 1):
        inner = replace(place, where=f"{place.where}:{number}", artist=artist)
        if not isinstance(track, dict):
            yield _unknown(inner)
            continue
        metadata: dict[str, MetadataValue] = {"album": _text(album.get("name") or album.get("title"))}
        if isinstance(track.get("number"), int):
            metadata["track"] = track["number"]
        song = track.get("song")
        inner = replace(inner, metadata={name: value for name, value in metadata.items() if value})
        yield read_song(song if isinstance(song, dict) else track, inner, keys)


def _site(row: Mapping[str, Any]) -> str:
    """Return the site whose record an object is, and that its number is from; nothing if it is no such record."""
    if not isinstance(row.get("id"), int) or isinstance(row["id"], bool):
        return ""
    if "lyrics_state" in row or "genius.com/" in _text(row.get("url")):
        return "genius"
    return "lrclib" if "trackName" in row and ("plainLyrics" in row or "syncedLyrics" in row) else ""


def _genius_metadata(row: Mapping[str, Any]) -> dict[str, MetadataValue]:
    # A song of theirs has dozens of fields about pictures and paths; what a fetch keeps is kept here, too.
    metadata: dict[str, MetadataValue] = {"genius_id": row["id"]}
    artist = row.get("primary_artist")
    if isinstance(artist, dict) and isinstance(artist.get("id"), int):
        metadata["genius_artist_id"] = artist["id"]
    metadata |= {name: row[name] for name in _GENIUS_METADATA if isinstance(row.get(name), str) and row[name]}
    parts = row.get("release_date_components")
    if "release_date" not in metadata and isinstance(parts, dict):  # what a list of songs says
        numbers = [f"{part:02}" for name in ("year", "month", "day") if isinstance(part := parts.get(name), int)]
        metadata |= {"release_date": "-".join(numbers)} if numbers else {}
    if guests := [_name(guest) for guest in row.get("featured_artists") or () if _name(guest)]:
        metadata["featured_artists"] = ", ".join(guests)
    if album := _name(row.get("album")):
        metadata["album"] = album
    return metadata


def _lrclib_metadata(row: Mapping[str, Any]) -> dict[str, MetadataValue]:
    # As a fetch keeps them, and the times besides.
    metadata: dict[str, MetadataValue] = {"lrclib_id": row["id"]}
    if album := _text(row.get("albumName")).strip("- "):
        metadata["album"] = album
    if isinstance(duration := row.get("duration"), int | float) and duration:
        metadata["duration_s"] = float(duration)
    if synced := _text(row.get("syncedLyrics")):
        metadata["synced_lyrics"] = synced
    return metadata


def _metadata(row: Mapping[str, Any], own: set[str]) -> dict[str, MetadataValue]:
    return {
        name: value
        for name, value in row.items()
        if name not in own
        and isinstance(value, _PLAIN)  # a bool is an int; null says nothing
        and not (isinstance(value, float) and not math.isfinite(value))
    }


def _find_id(row: Mapping[str, Any], place: Place) -> str:
    value = row.get("id")
    if isinstance(value, bool) or not isinstance(value, str | int) or not (text := str(value).strip()):
        return ""
    if len(text) > _LONGEST_ID:
        return ""
    if site := _site(row):
        return f"{site}:{text}"
    # Every file numbers its songs from 1. What `identify` made may be all digits, too.
    is_number = text.isdecimal() and not (isinstance(value, str) and re.fullmatch(r"\d{16}", value))
    return f"{place.name}:{text}" if is_number else text


def _find_key(row: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    """Return the first key that says something. A number does only under the likeliest: a `track` may be counted."""
    likeliest = row.get(keys[0])
    if likeliest:
        return keys[0]
    if "source" in row and likeliest == "" and keys[0] != SYNONYMS["text"][0]:
        return keys[0]  # what an export says of a song without title: its `name` is metadata like the rest
    says = (key for key in keys[1:] if row.get(key) and isinstance(row[key], str | list | dict))
    return next(says, "")


def _why_no_lyrics(row: Mapping[str, Any], keys: Keys) -> str:
    if row.get("instrumental") is True or _text(row.get("instrumental")).lower() == "true":
        return "instrumental"
    others = [
        key[:40] for key, value in row.items() if key not in _OWN and value and isinstance(value, str | list | dict)
    ]
    if _site(row) or not others or any(key in row for key in keys.text):
        return "no lyrics"
    return f"no lyrics under {keys.text[0]}; its keys are {', '.join(others[:_KEYS_TOLD])}"


def _name(value: Any) -> str:
    """Return the name of an artist or album: text, an object with a name, or several of these."""
    if isinstance(value, dict):
        return _text(value.get("name"))
    if isinstance(value, list):
        return ", ".join(part for item in value if not isinstance(item, list) and (part := _name(item)))
    return _text(value)


def _chords(value: Any) -> str:
    """Return chords as text; a list of them, as some data sets have it, becomes one line."""
    if isinstance(value, list):
        return " ".join(filter(None, map(_text, value)))
    return value if isinstance(value, str) else ""


def _text(value: Any) -> str:
    return str(value) if isinstance(value, _PLAIN) and not isinstance(value, bool) else ""


def _unknown(place: Place) -> SetAside:
    return SetAside(id=place.label, reason="not a JSON object")
