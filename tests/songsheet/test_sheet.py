"""A sheet says what the song says, whatever is in it."""

import html
import json
import re
from collections.abc import Iterator

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from songsmith.lyrics import Author, Song, parse, strip_controls, with_authors
from songsmith.songsheet.sheet import SheetFormat, render_sheet

TEXT = "Down by the river\nwe go\n\n[Chorus]\nOh, river\n\n[Verse 2: Ann]\nBack again\n"
SONG = with_authors(parse(TEXT, title="River", artist="Ann"), [Author.PERSON, Author.MODEL])

WILD = st.text(
    st.sampled_from("ab 12.)#*_`[]<>&|~\\-+=!:/\t\x00\x1b\x9b\u202e\u2028é😀") | st.characters(), max_size=20
)
SONGS = st.builds(
    lambda title, artist, lines: parse("\n".join(lines), title=title, artist=artist),
    WILD, WILD, st.lists(WILD | st.sampled_from(["", "[Chorus]", "[Verse 1: *x*]"]), max_size=8),
)  # fmt: skip


def test_text_has_title_artist_and_lyric():
    assert render_sheet(SONG, SheetFormat.TEXT) == f"River\nAnn\n\n{TEXT}"


def test_markdown_keeps_every_line_a_line():
    assert render_sheet(SONG, SheetFormat.MARKDOWN) == (
        "# River\n\n*by Ann*\n\nDown by the river  \nwe go\n\n## Chorus\n\nOh, river\n\n## Verse 2: Ann\n\nBack again\n"
    )


def test_json_says_who_wrote_each_line():
    sheet = json.loads(render_sheet(SONG, SheetFormat.JSON))
    assert (sheet["title"], sheet["artist"]) == ("River", "Ann")
    assert [(section["kind"], section["label"]) for section in sheet["sections"]] == [
        ("verse", None), ("chorus", None), ("verse", "Verse 2: Ann"),
    ]  # fmt: skip
    assert sheet["sections"][0]["lines"] == [
        {"text": "Down by the river", "author": "person"}, {"text": "we go", "author": "model"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("format", "sheet"),
    [
        (SheetFormat.TEXT, "One line,\n"),
        (SheetFormat.MARKDOWN, "One line,\n"),
        (SheetFormat.JSON, '{"title": "", "artist": "", "sections": [{"kind": "verse", "label": null, '
                           '"lines": [{"text": "One line,", "author": "person"}]}]}\n'),
    ],
)  # fmt: skip
def test_a_sheet_gives_an_untitled_song_no_title(format: SheetFormat, sheet: str):
    assert render_sheet(parse("One line,"), format) == sheet


def test_an_empty_song_is_a_sheet_too():
    assert render_sheet(Song(), SheetFormat.TEXT) == "Untitled\n"
    assert render_sheet(Song(), SheetFormat.MARKDOWN) == "# Untitled\n"


@given(SONGS, st.sampled_from(SheetFormat))
def test_no_sheet_can_drive_a_terminal(song: Song, format: SheetFormat):
    sheet = render_sheet(song, format)
    assert strip_controls(sheet) == sheet
    assert sheet.endswith("\n")


def printed(text: str) -> str:
    """Return what a reader sees of a line: no control characters, spaces as one."""
    return " ".join(strip_controls(text).split())


@given(SONGS)
@example(
    parse("===\n---\n- a\n1. b\n# c\n> d\n    e\n***\n~~~\n<b>&amp;`x`\n[a](b)\n![i](j)\n\\\na\\\na  \n|-|\n+\n1)")
)
@example(parse("_a_ **b** <http://x.y> &#35; \\* a_b\n\n[Chorus]\n\n[Bridge: *x*]\nlast", title="# *T*", artist="_A_*"))
def test_markdown_reads_as_the_song_and_nothing_else(song: Song):
    assume(all(printed(line.text) for line in song.lines))  # who types a line of control characters only sees none
    page = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(render_sheet(song, SheetFormat.MARKDOWN))
    assert "<" not in re.sub(r"</?(h1|h2|p|em)>|<br />", "", page)
    seen = [printed(html.unescape(row)) for row in re.sub(r"<[^>]+>", "\n", page).splitlines()]
    assert [row for row in seen if row] == [row for row in rows_of(song) if row]


def rows_of(song: Song) -> Iterator[str]:
    title, artist = printed(song.title), printed(song.artist)
    yield title or ("" if song.lines else "Untitled")
    yield f"by {artist}" if artist else ""
    for section in song.sections:
        if section.header:
            yield printed(section.header[1:-1])
        yield from (printed(line.text) for line in section.lines)
