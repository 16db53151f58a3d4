"""Markup: training, prompts and evaluation have one text between them, and it is what the design says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import songs

from songsmith.lyric_reader import LyricReader
from songsmith.lyrics import Line, Section, SectionKind, Song, parse, render
from songsmith.markup import (
    ARTIST,
    END,
    LINE,
    MARKS,
    RHYME,
    SECTIONS,
    SYLLABLES,
    TITLE,
    LinePlan,
    Mark,
    MarkupFormat,
    Piece,
    Prompt,
    find_mark,
    join_spans,
    write_documents,
)

ALL_MARKS = sorted(MARKS)
VERSE, CHORUS = SECTIONS[SectionKind.VERSE], SECTIONS[SectionKind.CHORUS]


def test_training_text_is_what_the_design_says() -> None:
    song = Song("Red River Valley", (Section(lines=(Line("From this valley they say you are going"),)),), "Traditional")
    (document,) = write_documents(song, MarkupFormat.MARKUP, [LinePlan(syllables=10, rhyme="going")])
    pieces = document.pieces
    assert "".join(pieces) == (
        "<|endoftext|><|title|>Red River Valley<|artist|>Traditional\n"
        "<|verse|>\n"
        "<|syl:10|><|rhyme|>going<|line|>From this valley they say you are going\n"
    )
    assert [piece for piece in pieces if isinstance(piece, Mark)] == [
        END,
        TITLE,
        ARTIST,
        VERSE,
        SYLLABLES[9],
        RHYME,
        LINE,
    ]


@st.composite
def cut_songs(draw: st.DrawFn) -> tuple[Song, Prompt]:
    """Draw a song and the prompt that goes on from a place in it: behind a line, within one, or where a section starts."""
    song = draw(songs(min_sections=1))
    number = draw(st.integers(0, len(song.sections) - 1))
    before, section = song.sections[:number], song.sections[number]
    # Named: the beginning of a first line would not give the title that the whole line gives.
    if draw(st.booleans()):
        return song, Prompt(song=Song(song.name, before, song.artist), next_section=section.kind)
    *lines, last = section.lines[: draw(st.integers(1, len(section.lines)))]
    open_line = draw(st.booleans())
    if open_line:
        last = Line(last.text[: draw(st.integers(1, len(last.text)))])
    whole = Song(song.name, (*before, Section(section.kind, (*lines, last))), song.artist)
    return song, Prompt(song=whole, open_line=open_line)


def characters(pieces: list[Piece]) -> list[Piece]:
    """Return marks and single characters: where a text is cut does not matter."""
    return [part for piece in pieces for part in ([piece] if isinstance(piece, Mark) else piece)]


@given(cut_songs(), st.sampled_from(MarkupFormat))
def test_a_prompt_is_the_training_text_up_to_its_place(cut: tuple[Song, Prompt], format: MarkupFormat) -> None:
    song, prompt = cut
    documents = write_documents(Song(song.name, song.sections, song.artist), format)
    written = characters([*(piece for document in documents for piece in document.pieces), END])
    head, body = prompt.pieces(format)
    shown = characters([*head, *body])
    assert shown == written[: len(shown)]
    assert head == join_spans(documents[0].head)
    # What follows in training, written by a model, completes the song.
    reader = LyricReader(prompt, format)
    rest = "".join([*map(reader.feed, written[len(shown) :]), reader.close()])
    if format is MarkupFormat.LINES:
        assert parse(prompt.text + rest).lines == song.lines
    else:
        assert prompt.text + rest == render(song)


SONG = parse("one\ntwo\n\n[Chorus]\nthree", title="Red River", artist="Anon")
BODY: list[Piece] = [VERSE, "\n", LINE, "one\n", LINE, "two\n", CHORUS, "\n", LINE]


@pytest.mark.parametrize(
    ("prompt", "head", "body"),
    [
        (Prompt(), [END], []),
        (Prompt(song=Song("Red River")), [END, TITLE, "Red River", "\n"], []),
        (Prompt(song=SONG), [END, TITLE, "Red River", ARTIST, "Anon", "\n"], [*BODY, "three\n"]),
        (Prompt(song=SONG, open_line=True), [END, TITLE, "Red River", ARTIST, "Anon", "\n"], [*BODY, "three"]),
        (
            Prompt(song=SONG, next_section=SectionKind.BRIDGE),
            [END, TITLE, "Red River", ARTIST, "Anon", "\n"],
            [*BODY, "three\n", SECTIONS[SectionKind.BRIDGE], "\n"],
        ),
        # Without a title the first line gives it, as every song a model was trained on had one.
        (
            Prompt(song=parse("Down by the river,"), open_line=True),
            [END, TITLE, "Down by the river", "\n"],
            [VERSE, "\n", LINE, "Down by the river,"],
        ),
        (Prompt(next_section=SectionKind.INTRO), [END], [SECTIONS[SectionKind.INTRO], "\n"]),
    ],
)
def test_what_a_model_trained_here_is_shown(prompt: Prompt, head: list[Piece], body: list[Piece]) -> None:
    assert prompt.pieces(MarkupFormat.MARKUP) == (head, body)


@pytest.mark.parametrize(
    ("prompt", "head", "body"),
    [
        (Prompt(), [END], []),
        (Prompt(song=Song("Red River")), [END, "Red River\n\n"], []),
        (Prompt(song=SONG), [END, "Red River\n\n"], ["one\ntwo\n\n[Chorus]\nthree\n"]),
        (Prompt(song=SONG, open_line=True), [END, "Red River\n\n"], ["one\ntwo\n\n[Chorus]\nthree"]),
        (Prompt(song=parse("one"), next_section=SectionKind.BRIDGE), [END], ["one\n\n"]),
    ],
)
def test_what_a_plain_model_is_shown(prompt: Prompt, head: list[Piece], body: list[Piece]) -> None:
    assert prompt.pieces(MarkupFormat.PLAIN) == (head, body)


@given(st.text(), st.sampled_from(ALL_MARKS), st.text())
def test_a_spelled_mark_is_found(before: str, mark: Mark, after: str) -> None:
    assert find_mark(before + mark + after) is not None
    assert find_mark(f"{mark[:-1]} >") is None


@pytest.mark.parametrize(
    ("prompt", "body"),
    [
        (Prompt(song=Song("Red River")), []),
        (Prompt(song=SONG), [LINE, "one\n", END, LINE, "two\n", END, LINE, "three\n", END]),
        (Prompt(song=SONG, open_line=True), [LINE, "one\n", END, LINE, "two\n", END, LINE, "three"]),
    ],
)
def test_what_a_model_of_lines_is_shown(prompt: Prompt, body: list[Piece]) -> None:
    assert prompt.pieces(MarkupFormat.LINES) == ([END], body)
