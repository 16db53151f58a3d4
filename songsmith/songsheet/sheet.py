"""Write a song as a document: to keep, send or print. Values in, text out: reads no library, writes no file."""

import re
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from typing import Any

from songsmith.lyrics import Section, Song, render, strip_controls
from songsmith.safe_text import json_row


class SheetFormat(StrEnum):
    """What a sheet is written in."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"

    @property
    def suffix(self) -> str:
        """The ending of a file in this format, dot included."""
        return {SheetFormat.TEXT: ".txt", SheetFormat.MARKDOWN: ".md", SheetFormat.JSON: ".json"}[self]

    @property
    def divider(self) -> str:
        """What stands between two sheets in one file."""
        return "" if self is SheetFormat.JSON else "\n\n"


def render_sheet(song: Song, format: SheetFormat) -> str:
    """Write a song, headed by what it is called, with a newline at the end and no control characters.

    Args:
        song: an untitled one is headed by its first line, as in hymn books.
        format: text, Markdown, or one line of JSON that also says who wrote each line.
    """
    song = _printable(song)
    if format is SheetFormat.TEXT:
        return _as_text(song)
    if format is SheetFormat.MARKDOWN:
        return _as_markdown(song)
    return _as_json(song)


def _heading(song: Song) -> str:
    # A song without a title goes by its first line, which a sheet shows anyway.
    return song.title or ("" if song.lines else song.name)


def _as_text(song: Song) -> str:
    head = "".join(f"{row}\n" for row in (_heading(song), song.artist) if row)
    return "\n".join(part for part in (head, render(song)) if part)


def _as_markdown(song: Song) -> str:
    heading = _heading(song)
    blocks = [f"# {_escaped(heading)}"] if heading else []
    if song.artist:
        blocks.append(f"*by {_escaped(song.artist)}*")
    for section in song.sections:
        if section.header is not None:
            blocks.append(f"## {_escaped(section.header[1:-1])}")
        if section.lines:
            # Two spaces at the end: without them Markdown runs the lines of a verse together.
            blocks.append("  \n".join(_escaped(line.text) for line in section.lines))
    return "\n\n".join(blocks) + "\n"


def _as_json(song: Song) -> str:
    sheet = {"title": song.title, "artist": song.artist, "sections": describe_sections(song)}
    return json_row(sheet)


def describe_sections(song: Song) -> list[dict[str, Any]]:
    """Return the sections as JSON values, each line with its author."""
    return [
        {
            "kind": section.kind.value,
            "label": section.label,
            "lines": [{"text": line.text, "author": line.author.value} for line in section.lines],
        }
        for section in song.sections
    ]


_INLINE = re.compile(r"[\\`*_\[\]<>&|~]")
_LEADING = re.compile(r"([#+\-=]|\d+[.)])")


def _escaped(text: str) -> str:
    """Return Markdown that reads as this text: no emphasis, link, list, heading, rule or entity comes of it."""
    text = _INLINE.sub(r"\\\g<0>", text)
    match = _LEADING.match(text)
    return f"{text[: match.end() - 1]}\\{text[match.end() - 1 :]}" if match else text


def _printable(song: Song) -> Song:
    """Return the song without control characters, and without lines that were nothing else."""
    title, artist = (_one_row(text) for text in (song.title, song.artist))
    return Song(title, tuple(_printable_sections(song)), artist)


def _printable_sections(song: Song) -> Iterator[Section]:
    for section in song.sections:
        lines = tuple(replace(line, text=text) for line in section.lines if (text := _one_row(line.text)))
        if lines or not section.lines:
            label = _one_row(section.label) if section.label is not None else None
            yield replace(section, lines=lines, label=label)


def _one_row(text: str) -> str:
    return " ".join(strip_controls(text).splitlines()).strip()
