"""Lyrics: whatever people write is a song, and a song written out is read back the same."""

import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from songsmith.headers import find_headers
from songsmith.lyrics import (
    Author,
    Line,
    Section,
    SectionKind,
    Song,
    parse,
    parse_header,
    place_sections,
    render,
    strip_controls,
)

words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=30)
# What opens a bracket may be the beginning of a header that is broken over rows.
line_texts = words.map(str.strip).filter(lambda text: text and parse_header(text) is None and text[0] != "[") | st.just(
    "[?]"
)
lines = st.builds(Line, line_texts)
names = st.text(st.characters(categories=["L", "N", "Zs", "Po"], exclude_characters=":(–—[]"), max_size=12).map(
    str.strip
)
ENGLISH = {
    SectionKind.VERSE: ["Verse", "verse", "VERSE 2", "Verse II"],
    SectionKind.PRECHORUS: ["Pre-Chorus 1", "pre chorus", "PreChorus"],
    SectionKind.CHORUS: ["Hook", "chorus", "Refrain x2", "Post-Chorus", "Chorus 3"],
    SectionKind.BRIDGE: ["BRIDGE", "Middle 8"],
    SectionKind.INTRO: ["Intro 1", "Prelude"],
    SectionKind.OUTRO: ["Coda", "Outro (fading)"],
}


@st.composite
def sections(draw: st.DrawFn) -> Section:
    """Any section: bare, or with a label that is one of its own kind, with or without somebody's name; maybe empty."""
    kind = draw(st.sampled_from(list(SectionKind)))
    label = draw(st.none() | st.sampled_from(ENGLISH[kind]))
    name = draw(names)
    if label and name:
        label = f"{label}: {name}"
    return Section(kind, tuple(draw(st.lists(lines, max_size=4))), label)


songs = st.builds(Song, words.map(str.strip), st.lists(sections(), max_size=6).map(tuple), names)


@given(songs)
@example(Song(sections=(Section(SectionKind.CHORUS), Section(lines=(Line("a"),)))))
@example(Song(sections=(Section(), Section())))
@example(Song(sections=(Section(lines=(Line("[x2]"),)),)))
def test_a_song_written_out_is_read_back_the_same(song: Song) -> None:
    assert parse(render(song), title=song.title, artist=song.artist) == song


@pytest.mark.slow
def test_a_song_written_out_is_read_back_the_same_many_times() -> None:
    from hypothesis import settings

    settings(max_examples=5000)(given(songs)(_read_back))()


def _read_back(song: Song) -> None:
    assert parse(render(song), title=song.title, artist=song.artist) == song


pieces_of_text = st.lists(
    st.sampled_from(
        [
            "[",
            "]",
            "[Chorus]",
            "[Verse 2: Ann]",
            "[Verse 1: Ann,",
            "& Ben]",
            "[Guitar Solo]",
            "\n",
            "\n\n",
            " ",
            "\t",
            "\r\n",
            "\u2028",
            "\x85",
            "\x1c",
            "é",
            "x2",
            ":",
        ]
    )
    | st.text(max_size=8)
).map("".join)


@given(pieces_of_text)
def test_any_text_is_a_song_and_writing_it_out_settles_it(text: str) -> None:
    song = parse(text)
    assert parse(render(song)) == song
    for line in song.lines:
        assert line.text == line.text.strip() != ""
        assert len(line.text.splitlines()) == 1
        assert parse_header(line.text) is None


@given(pieces_of_text)
def test_no_word_is_lost_or_made_up(text: str) -> None:
    rows = text.splitlines()
    headers = {row + more for row, height, _ in find_headers(rows) for more in range(height)}
    shown = [line.strip() for row, line in enumerate(rows) if line.strip() and row not in headers]
    assert [line.text for line in parse(text).lines] == shown


@given(pieces_of_text)
def test_sections_stand_on_the_rows_they_came_from(text: str) -> None:
    rows = text.splitlines()
    before = 0
    for placed in place_sections(text):
        assert before <= placed.first_row < placed.end_row <= len(rows)
        before = placed.end_row
        assert [rows[row].strip() for row in placed.rows] == [line.text for line in placed.section.lines]
        first = {row: (height, header) for row, height, header in find_headers(rows)}.get(placed.first_row)
        if first is None:
            assert placed.rows[0] == placed.first_row
            assert placed.section.label in (None, "Verse")
        else:
            assert first[1] == (placed.section.kind, placed.section.label)
            assert all(row >= placed.first_row + first[0] for row in placed.rows)


def test_rows_of_a_small_song() -> None:
    placed = place_sections("\none\ntwo\n\n[Chorus]\n\nthree\n[Outro]\n")
    assert [(p.section.kind.value, p.first_row, p.end_row, p.rows) for p in placed] == [
        ("verse", 1, 3, (1, 2)),
        ("chorus", 4, 7, (6,)),
        ("outro", 7, 8, ()),
    ]


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("[Chorus]", SectionKind.CHORUS),
        ("[ chorus ]", SectionKind.CHORUS),
        ("[HOOK]", SectionKind.CHORUS),
        ("[Refrain x2]", SectionKind.CHORUS),
        ("[Refrão]", SectionKind.CHORUS),
        ("[Estribillo: Rosalía]", SectionKind.CHORUS),
        ("[Припев]", SectionKind.CHORUS),
        ("[Refren 2]", SectionKind.CHORUS),
        ("[Verse 2: Ann & Bob]", SectionKind.VERSE),
        ("[Verse IV]", SectionKind.VERSE),
        ("[Couplet 1 – Stromae]", SectionKind.VERSE),
        ("[Strophe 3]", SectionKind.VERSE),
        ("[Zwrotka 1]", SectionKind.VERSE),
        ("[Куплет 2]", SectionKind.VERSE),
        ("[Pre-Chorus]", SectionKind.PRECHORUS),
        ("[pre chorus (Ann)]", SectionKind.PRECHORUS),
        ("[Pré-Refrain]", SectionKind.PRECHORUS),
        ("[Pont]", SectionKind.BRIDGE),
        ("[Puente]", SectionKind.BRIDGE),
        ("[Middle 8]", SectionKind.BRIDGE),
        ("[Brücke]", SectionKind.BRIDGE),
        ("[Intro]", SectionKind.INTRO),
        ("[Outro: all]", SectionKind.OUTRO),
    ],
)
def test_headers_people_write(header: str, kind: SectionKind) -> None:
    found = parse_header(header)
    assert found is not None
    assert found[0] is kind
    assert [section.kind for section in parse(f"first\n{header}\nsecond").sections] == [SectionKind.VERSE, kind]


@pytest.mark.parametrize(
    "line",
    [
        "[?]",
        "[x2]",
        "[2]",
        "[]",
        "[ ]",
        "[laughs]",
        "[Chorus",
        "Chorus]",
        "[Chorus] again",
        "[[Chorus]]",
        "chorus",
        "[Chorus][Verse]",
        "(Chorus)",
        "[: Ann]",
        "[-]",
        "[Sample: an old song]",
        "[Ann & Ben]",
        "[Both]",
        "[London Bridge]",
        "[Chorus of angels sing]",
    ],
)
def test_what_is_no_header_is_a_line(line: str) -> None:
    assert [found.text for found in parse(f"before\n{line}\nafter").lines] == ["before", line, "after"]


def test_a_header_keeps_the_words_its_writer_chose() -> None:
    assert render(parse("[Verse 2: Ann]\none\n\n\n[Chorus]\n\ntwo\nthree\n\nfour")) == (
        "[Verse 2: Ann]\none\n\n[Chorus]\ntwo\nthree\n\nfour\n"
    )


def test_a_header_broken_among_its_singers_is_one() -> None:
    song = parse("[Verse 1: Ann,\nBen &\nCora]\none\ntwo\n\n[Chorus:\nAnn\n]\nthree")
    assert [(section.header, len(section.lines)) for section in song.sections] == [
        ("[Verse 1: Ann, Ben & Cora]", 2),
        ("[Chorus: Ann]", 1),
    ]
    assert parse(render(song)) == song


@pytest.mark.parametrize(
    "text",
    ["[Chorus: Ann\nI walk alone tonight\n(all right)]", "[Verse 1\n\n]", "[laughs\nloud]", "[Verse 1: Ann\n[Chorus]"],
)
def test_words_in_a_broken_bracket_are_sung(text: str) -> None:
    shown = [row for row in text.splitlines() if row and row != "[Chorus]"]
    assert [line.text for line in parse(text).lines] == shown


def test_what_follows_an_instrumental_after_a_blank_line_is_a_verse() -> None:
    song = parse("one\n\n[Guitar Solo]\n\ntwo\n\n[Instrumental Break]\nooh\n\n[Bridge]\n\nthree")
    assert [(section.kind.value, len(section.lines)) for section in song.sections] == [
        ("verse", 1),
        ("bridge", 0),
        ("verse", 1),
        ("bridge", 1),
        ("bridge", 1),
    ]
    assert parse(render(song)) == song


def test_every_line_knows_who_wrote_it() -> None:
    assert {line.author for line in parse("a\n\nb", author=Author.MODEL).lines} == {Author.MODEL}


@pytest.mark.parametrize(
    "text", ["[" + " " * 50_000 + "x", "[verse" + " " * 50_000 + "!]", "[verse" + " 1" * 50_000 + " !]"]
)
def test_a_long_line_that_looks_like_a_header_takes_no_time(text: str) -> None:
    start_s = time.process_time()
    assert [line.text for line in parse(text).lines] == [text]
    assert time.process_time() - start_s < 1


@pytest.mark.parametrize(
    ("song", "name"),
    [
        (Song("Red River"), "Red River"),
        (Song(sections=(Section(lines=(Line("Down by the river,"), Line("b"))),)), "Down by the river"),
        (Song(), "Untitled"),
    ],
)
def test_a_song_without_a_title_is_called_by_its_first_line(song: Song, name: str) -> None:
    assert song.name == name


@given(st.text() | pieces_of_text)
def test_stripped_text_cannot_drive_a_terminal(text: str) -> None:
    clean = strip_controls(text)
    assert all(character == "\n" or unicodedata.category(character) not in ("Cc", "Cs") for character in clean)
    assert clean.splitlines() == clean.split("\n")[: len(clean.splitlines())]  # only \n breaks lines
    assert strip_controls(clean) == clean


@given(st.text(st.characters(categories=["L", "M", "N", "P", "S", "Zs"])))
def test_letters_marks_and_signs_are_kept(text: str) -> None:
    assert strip_controls(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "👩‍👩‍👧‍👦 family",
        "🏴\U000e0067\U000e0062\U000e007f",
        "café",
        "cafe\u0301",
        "心の歌",
        "שלום עולם",
        "سلام\u200cعلیکم",
        "नमस्ते",
        "don’t — “so”",
    ],
)
def test_every_script_and_emoji_survives(text: str) -> None:
    assert strip_controls(text) == text


def test_what_turns_or_colours_a_terminal_is_gone() -> None:
    assert strip_controls("\x1b[31mred\x07\x9b\u202eevil\u2066\r\nnext\tword") == "[31mredevil\nnext word"
