"""Less common shapes of lyrics in JSON: lines in lists, songs by title, by artist and album, columns.

Reads no file.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from songsmith.lyrics import parse_header

_DEEPEST = 5
_NUMBER = re.compile(r"[ _-]*(\d+)$")
_LONGEST_LIST = 1_000_000
_TEXTS = ("text", "line", "lines", "lyrics", "lyric", "words", "content")
_INNER = ("plain", *_TEXTS)
_PARTS = ("sections", "verses", "stanzas", "paragraphs", "lines", "parts")
"""Keys of a song whose words stand in a list, under a key that could not hold them whole."""
_HEADERS = ("section", "header", "type", "part", "name", "label", "title")
# Keys that hold songs and are the name of none.
_WRAPPERS = {
    "data", "songs", "song", "results", "result", "items", "response", "hits", "records", "rows", "message", "body",
    "collection", "corpus", "artists", "albums", "tracks", "track", "discography", "lyrics", "row", "_source", "document",
    "documents", "docs", "entries", "list", "dataset", "train", "validation", "test", "playlist", "library", "content", "output",
}  # fmt: skip
PARTIAL = "an answer of Musixmatch, which holds only part of the lyrics"
"""Why such a record is set aside."""


def join_lyrics(value: Any, depth: int = 0) -> Any:
    """Return the text of lyrics that stand in a list: of lines, of stanzas, of lists of lines, of objects with either.

    They may also stand in an object, by section or under `plain` or the like. Anything else is returned as it is.
    """
    if isinstance(value, dict) and value:
        if (
            plain := next((value[key] for key in _INNER if isinstance(value.get(key), str) and value[key]), None)
        ) is not None:
            return plain
        named = {_NUMBER.sub(r" \1", name).strip(): words for name, words in value.items()}
        if all(parse_header(f"[{name}]") for name in named):
            return join_lyrics([{"section": name.capitalize(), "text": words} for name, words in named.items()], depth)
        return value
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


def join_parts(value: Mapping[str, Any]) -> str | None:
    """Return the text of a song whose sections or lines stand in a list under such a name; None if it has none."""
    parts = next((value[key] for key in _PARTS if isinstance(value.get(key), list)), None)
    if not parts or any(isinstance(part, dict) and not _read_item(part)[0] for part in parts):
        return None
    text = join_lyrics(parts)
    return text if isinstance(text, str) else None


def unquote_list(text: str) -> str:
    """Return the lines of a list of them that was written as one text, as Python or JSON writes lists; else the text."""
    if not (text[:2] in ("['", '["') and text.endswith(("']", '"]'))) or len(text) > _LONGEST_LIST:
        return text
    with suppress(ValueError, SyntaxError, RecursionError, MemoryError):
        lines = ast.literal_eval(text)
        if isinstance(lines, list) and all(isinstance(line, str) for line in lines):
            return "\n".join(lines)
    return text


def rename_keys(row: Mapping[str, Any], names: Sequence[Sequence[str]]) -> Mapping[str, Any]:
    """Return an object with the parts of its song under the names that are known: `Lyrics` and `Song Name`, too.

    Args:
        row: an object of JSON.
        names: for each part what its key may be called, the likeliest first.
    """
    missing = [part for part in names if row.keys().isdisjoint(part)]
    if not missing or _is_by_title(row):
        return row
    folded = {key.strip().casefold().replace(" ", "_"): key for key in reversed(list(row))}
    found = {
        folded[name.casefold()]: name
        for part in missing
        if (name := next((name for name in part if name.casefold() in folded), None))
    }
    return {found.get(key, key): inner for key, inner in row.items()} if found else row


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
    timed, columns, rows = value.get("lrc"), value.get("columns"), value.get("data")
    if isinstance(timed, dict) and isinstance(timed.get("lyric"), str):  # NetEase: beside it are translations
        return [{texts[0]: timed["lyric"]}]
    if isinstance(columns, list) and isinstance(rows, list):  # pandas, its rows as lists
        return [dict(zip(map(str, columns), row, strict=False)) for row in rows if isinstance(row, list)]
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
        are_by_title = _are_by_title(list(value.values()))
        for name, inner in value.items():
            if are_by_title:
                yield from (((*names, name, title), {texts[0]: text}) for title, text in inner.items())
            elif isinstance(inner, dict | list):
                yield from _find_songs(inner, (*names, name), texts)
    elif isinstance(value, list) and names:
        for inner in value:
            if isinstance(inner, dict) and not _is_by_title(inner):
                yield from _find_songs(inner, (*names, ""), texts)


def _is_by_title(value: Mapping[str, Any]) -> bool:
    """Return whether an object holds lyrics by title: texts of several lines, under names that no program gives to keys."""
    named = sum(name != name.lower() or " " in name for name in value)
    return (
        bool(value) and 2 * named >= len(value) and all(isinstance(text, str) and "\n" in text for text in value.values())
        and not all(parse_header(f"[{name}]") for name in value)
    )  # fmt: skip


def _are_by_title(values: Sequence[Any]) -> bool:
    """Return whether objects, of an artist each, hold lyrics by title; then some of these may be of a single line."""
    if len(values) < 2 or not all(isinstance(inner, dict) for inner in values):
        return False
    songs = [(title, text) for inner in values for title, text in inner.items()]
    titles = {title for title, _ in songs}
    return (
        all(isinstance(text, str) for _, text in songs)
        and 2 * sum(name != name.lower() or " " in name for name in titles) >= len(titles)
        and 2 * sum("\n" in text for _, text in songs) >= len(songs) > 0
        and 4 * len(titles) >= 3 * len(songs)  # what all have is no title
        and not all(parse_header(f"[{title}]") for title in titles)
    )


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
