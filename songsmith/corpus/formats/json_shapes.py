"""Shapes in which JSON holds lyrics besides plain ones: lines in lists, songs by title, by artist and album, columns.

Reads no file.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from songsmith.lyrics import parse_header

_DEEPEST = 5
_TEXTS = ("text", "line", "lines", "lyrics", "lyric", "words", "content")
_HEADERS = ("section", "header", "type", "part", "name", "label", "title")
# Keys that hold songs and are the name of none.
_WRAPPERS = {
    "data", "songs", "song", "results", "result", "items", "response", "hits", "records", "rows", "message", "body",
    "collection", "corpus", "artists", "albums", "tracks", "track", "discography", "lyrics",
}  # fmt: skip
PARTIAL = "an answer of Musixmatch, which holds only part of the lyrics"
"""Why such a record is set aside."""


def join_lyrics(value: Any, depth: int = 0) -> Any:
    """Return the text of lyrics that stand in a list: of lines, of stanzas, of lists of lines, of objects with either.

    Anything else is returned as it is.
    """
    if not isinstance(value, list) or depth > _DEEPEST:
        return value
    parts: list[tuple[str, bool]] = []
    for item in value:
        header, words = _read_item(item)
        text = join_lyrics(words, depth + 1)
        if not isinstance(text, str):
            if words is not None:
                return value
            text = ""
        text = text.strip("\r\n")
        is_stanza = isinstance(words, list) or "\n" in text or bool(header)
        parts.append((f"{header}\n{text}".strip("\n"), is_stanza))
    joined = [""]
    for (_, before), (text, is_stanza) in zip([("", False), *parts], parts, strict=False):
        joined += ["\n\n" if is_stanza or before else "\n", text]
    return "".join(joined).strip("\n")


def unfold(value: Mapping[str, Any], texts: Sequence[str], titles: Sequence[str]) -> list[dict[str, Any]] | str | None:
    """Return the songs of an object that is none itself, each with the names it stands under.

    Args:
        value: an object of JSON.
        texts: the keys that may hold lyrics.
        titles: the keys that may hold a title.

    Returns:
        Objects with lyrics; or why there are none that could be used; or None if it is no such shape.
    """
    message = value.get("message")
    if isinstance(message, dict) and "lyrics_body" in str(message)[:100_000]:
        return PARTIAL
    text = next((key for key in texts if key in value), None)
    if text is not None:
        return _transpose(value, value[text], next((value[key] for key in titles if key in value), None))
    found = list(_find_songs(value, (), texts))
    if not any(text in row for _, row in found for text in texts):
        return None
    return [_name(names, row, titles) for names, row in found]


def _read_item(item: Any) -> tuple[str, Any]:
    """Return the header of a part of lyrics, if it has one, and its words."""
    if not isinstance(item, dict):
        return "", item
    words = next((item[key] for key in _TEXTS if isinstance(item.get(key), str | list)), item)
    names = (item[key] for key in _HEADERS if isinstance(item.get(key), str))
    header = next((name for name in (f"[{name.strip('[] ')}]" for name in names) if parse_header(name)), "")
    return header, words


def _transpose(value: Mapping[str, Any], texts: Any, titles: Any) -> list[dict[str, Any]] | None:
    """Return the rows of a table that is kept by its columns, as pandas writes it."""
    if isinstance(texts, dict) and texts and all(key.isdecimal() for key in texts):
        columns = {name: column for name, column in value.items() if isinstance(column, dict)}
        return [
            {name: column[number] for name, column in columns.items() if column.get(number) is not None}
            for number in texts
        ]
    if isinstance(texts, list) and isinstance(titles, list) and len(texts) == len(titles):
        same = {
            name: column for name, column in value.items() if isinstance(column, list) and len(column) == len(texts)
        }
        return [{name: column[number] for name, column in same.items()} for number in range(len(texts))]
    return None


def _find_songs(
    value: Any, names: tuple[str, ...], texts: Sequence[str]
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield the objects with lyrics inside others, each with the keys on the way to it."""
    if len(names) > _DEEPEST:
        return
    if isinstance(value, dict) and any(key in value for key in texts):
        yield names, value
    elif isinstance(value, dict) and _is_by_title(value):
        for title, text in value.items():
            yield (*names, title), {texts[0]: text}
    elif isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, dict | list):
                yield from _find_songs(inner, (*names, name), texts)
    elif isinstance(value, list) and names:
        for inner in value:
            if isinstance(inner, dict) and any(key in inner for key in texts):
                yield (*names, ""), inner


def _is_by_title(value: Mapping[str, Any]) -> bool:
    """Return whether an object holds lyrics by title: texts of several lines, under names that no program gives to keys."""
    named = sum(name != name.lower() or " " in name for name in value)
    return (
        bool(value) and 2 * named >= len(value) and all(isinstance(text, str) and "\n" in text for text in value.values())
        and not all(parse_header(f"[{name}]") for name in value)
    )  # fmt: skip


def _name(names: Sequence[str], row: Mapping[str, Any], titles: Sequence[str]) -> dict[str, Any]:
    """Return a song with the names it stands under: artist, album and title, as many as there are."""
    told = [name for name in names if name.casefold() not in _WRAPPERS and not name.isdecimal()]
    title = told.pop() if told and names[-1] == told[-1] else ""
    found: dict[str, Any] = {}
    if told:
        found["artist"] = told[0]
    if len(told) > 1 and told[1]:
        found["album"] = told[1]
    if title and not any(row.get(key) for key in titles):
        found[titles[0]] = title
    return found | dict(row)
