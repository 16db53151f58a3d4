"""What a model writes becomes a lyric: whatever it is, no mark, plan or control is shown, and songs come back whole."""

import unicodedata
from collections.abc import Iterable

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from strategies import plans, songs, titles

from songsmith.lyric_reader import LyricReader, read_song
from songsmith.lyrics import Section, SectionKind, Song, parse, parse_header
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
CHORUS = SECTIONS[SectionKind.CHORUS]


@given(songs(), st.data())
def test_a_song_and_its_plans_come_back_from_training_text(song: Song, data: st.DataObject) -> None:
    wanted = data.draw(st.lists(plans, min_size=len(song.lines), max_size=len(song.lines)))
    (document,) = write_documents(song, MarkupFormat.MARKUP, wanted)
    read, read_plans = read_song(document.pieces)
    title = song.name if song.lines else song.title
    assert read == Song(" ".join(title.split()), song.sections)
    assert read_plans == wanted


@given(songs())
def test_a_song_without_plans_has_none_when_read(song: Song) -> None:
    (document,) = write_documents(song, MarkupFormat.MARKUP)
    read, read_plans = read_song(document.pieces)
    assert read.sections == song.sections
    assert read_plans == [LinePlan()] * len(song.lines)


@given(songs(min_sections=1), st.data())
def test_lines_come_back_from_the_text_a_model_of_lines_learns(song: Song, data: st.DataObject) -> None:
    wanted = data.draw(st.lists(plans, min_size=len(song.lines), max_size=len(song.lines)))
    documents = write_documents(song, MarkupFormat.LINES, wanted)
    pieces = [piece for document in documents for piece in document.pieces]
    assert read_song(pieces, MarkupFormat.LINES) == (Song(sections=(Section(lines=song.lines),)), wanted)


@given(songs())
def test_sections_come_back_from_plain_text(song: Song) -> None:
    (document,) = write_documents(song, MarkupFormat.PLAIN)
    assert read_song(join_spans(document.body), MarkupFormat.PLAIN)[0].sections == song.sections


# Everything that might fool a reader: marks whole, broken, and one inside the other; controls; breaks of every kind.
fragments = st.sampled_from(
    [
        "<",
        "|",
        ">",
        "<|",
        "|>",
        "<|li",
        "ne|>",
        "<|ti",
        "tle|>",
        "<|line|>",
        "<|ti<|line|>tle|>",
        "<|endoftext|",
        "<|syl:",
        "7|>",
        "<\x07|line|>",
        "<|line|\u202e>",
        "<<|",
        ">>",
        "\n",
        "\n\n",
        "\r\n",
        " ",
        "  ",
        "\t",
        "a",
        "word ",
        " of",
        "—",
        "\x1b[2J",
        "\x85",
        "\u2028",
        "\x1c",
        "\x0b",
        "\u00a0",
        "é",
        "👩‍👩",
        "心",
        "[?]",
        "<3",
        "[",
        "]",
        "[Chorus]",
        "\n[Chorus]\n",
        "[Verse 2: Ann]",
    ]
)
texts = st.lists(fragments | st.text(max_size=4), max_size=6).map("".join)
piece_lists = st.lists(st.sampled_from(ALL_MARKS).map(Mark) | fragments | texts, max_size=30)
prompts = st.one_of(
    st.just(Prompt()),
    st.builds(Prompt, song=st.builds(Song, titles), next_section=st.none() | st.sampled_from(SectionKind)),
    st.builds(Prompt, song=songs(min_sections=1), open_line=st.booleans()),
    st.builds(Prompt, song=songs(min_sections=1), next_section=st.sampled_from(SectionKind)),
)
formats = st.sampled_from(MarkupFormat)


def read(prompt: Prompt, format: MarkupFormat, pieces: Iterable[Piece]) -> str:
    reader = LyricReader(prompt, format)
    return "".join([*(reader.feed(piece) for piece in pieces), reader.close()])


def check_visible_text(prompt: Prompt, format: MarkupFormat, pieces: list[Piece]) -> None:
    """Whatever a model writes, what is shown is a lyric: clean lines, sections one blank line apart, nothing else."""
    text = read(prompt, format, pieces)
    whole = prompt.text + text
    assert find_mark(whole) is None
    assert all(character == "\n" or unicodedata.category(character) != "Cc" for character in text)
    assert text == "" or text.endswith("\n")
    rows = whole.split("\n")
    assert rows == [row.strip() for row in rows]
    assert "\n\n\n" not in whole
    assert not whole.startswith("\n")
    assert not whole.endswith("\n\n")


@given(prompts, formats, piece_lists)
@example(Prompt(), MarkupFormat.MARKUP, [LINE, "<|ti<|", "line|>tle|>"])
@example(Prompt(), MarkupFormat.MARKUP, [LINE, "<|li\x00ne|>"])
@example(Prompt(), MarkupFormat.MARKUP, [LINE, "<|ti<|line|>tle|>>>", ">"])
@example(Prompt(song=parse("on <|li"), open_line=True), MarkupFormat.PLAIN, ["ne|>", ">"])
@example(Prompt(), MarkupFormat.PLAIN, ["<|ti", LINE, "tle|>"])
@example(Prompt(), MarkupFormat.PLAIN, ["a\n\n\n\n", END, "\n\n\nb"])
@example(Prompt(), MarkupFormat.MARKUP, [LINE, "a\u2028b\x85c"])
def test_whatever_a_model_writes_is_shown_as_a_lyric(prompt: Prompt, format: MarkupFormat, pieces: list[Piece]) -> None:
    check_visible_text(prompt, format, pieces)


@pytest.mark.slow
def test_whatever_a_model_writes_is_shown_as_a_lyric_many_times() -> None:
    settings(max_examples=10_000)(given(prompts, formats, piece_lists)(check_visible_text))()


@given(prompts, formats, st.lists(st.sampled_from(ALL_MARKS).map(Mark) | texts, max_size=12), st.data())
@example(Prompt(), MarkupFormat.MARKUP, [LINE, "<|ti<|line|>tle|>"], None)
@example(Prompt(), MarkupFormat.PLAIN, ["<|ti<|line|>", "tle|>"], None)
def test_it_does_not_matter_how_text_is_cut_into_pieces(
    prompt: Prompt, format: MarkupFormat, pieces: list[Piece], data: st.DataObject | None
) -> None:
    cut: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Mark):
            cut.append(piece)
        elif data is None:
            cut += list(piece)
        else:
            places = sorted(data.draw(st.lists(st.integers(0, len(piece)), max_size=4)))
            cut += [piece[start:end] for start, end in zip([0, *places], [*places, len(piece)], strict=True)]
    first, second = LyricReader(prompt, format), LyricReader(prompt, format)
    whole = "".join([*(first.feed(piece) for piece in pieces), first.close()])
    assert "".join([*(second.feed(piece) for piece in cut), second.close()]) == whole
    assert (first.title, first.plans, first.finished_lines) == (second.title, second.plans, second.finished_lines)


@given(songs(min_sections=1), st.booleans(), formats, piece_lists)
def test_what_was_written_before_stays_in_front(
    song: Song, open_line: bool, format: MarkupFormat, pieces: list[Piece]
) -> None:
    prompt = Prompt(song=song, open_line=open_line)
    found = parse(prompt.text + read(prompt, format, pieces)).lines
    if open_line:
        assume(parse_header(found[len(song.lines) - 1].text if len(found) >= len(song.lines) else "[Verse]") is None)
        assert found[len(song.lines) - 1].text.startswith(song.lines[-1].text)
        assert found[: len(song.lines) - 1] == song.lines[:-1]
    else:
        assert found[: len(song.lines)] == song.lines


@given(prompts, formats, piece_lists)
def test_lines_are_counted_as_they_are_shown(prompt: Prompt, format: MarkupFormat, pieces: list[Piece]) -> None:
    reader = LyricReader(prompt, format)
    text = "".join([*(reader.feed(piece) for piece in pieces), reader.close()])
    new = len(parse(prompt.text + text).lines) - len(prompt.song.lines)
    assert reader.finished_lines == new + prompt.open_line  # the open line is finished, too
    assert len(reader.plans) == reader.finished_lines


def test_plans_and_titles_are_not_shown() -> None:
    pieces: list[Piece] = [
        TITLE,
        "Red",
        " River",
        ARTIST,
        "Anon",
        "\n",
        CHORUS,
        "\n",
        SYLLABLES[3],
        RHYME,
        "so",
        LINE,
        "So it is",
        " so\n",
        LINE,
        "b",
        END,
    ]
    reader = LyricReader(Prompt(), MarkupFormat.MARKUP)
    assert "".join(map(reader.feed, pieces)) == "[Chorus]\nSo it is so\nb\n"
    assert reader.title == "Red River"
    assert reader.plans == [LinePlan(syllables=4, rhyme="so"), LinePlan()]
    assert reader.ended


def test_words_appear_as_soon_as_they_are_written() -> None:
    reader = LyricReader(Prompt(song=parse("Down by the"), open_line=True), MarkupFormat.MARKUP)
    assert [reader.feed(piece) for piece in (" river", " <", "3", " so", "\n", LINE, "<|", "li", "ghts")] == [
        " river",
        "",
        " <3",
        " so",
        "\n",
        "",
        "",
        "",
        "<|lights",
    ]


@pytest.mark.parametrize("format", MarkupFormat)
def test_a_new_section_begins_where_it_was_asked_for(format: MarkupFormat) -> None:
    prompt = Prompt(song=parse("one\ntwo\n"), next_section=SectionKind.CHORUS)
    assert prompt.text + read(prompt, format, ["three\n"]) == "one\ntwo\n\n[Chorus]\nthree\n"


@pytest.mark.parametrize("format", MarkupFormat)
def test_a_header_that_a_model_spells_begins_its_section_once(format: MarkupFormat) -> None:
    pieces: list[Piece] = [
        CHORUS,
        "\n",
        LINE,
        "[Chor",
        "us]\n",
        LINE,
        "one\n",
        "[Verse 2: Ann]",
        "\n",
        "two\n",
        "[x2]\n",
        "[Outro]",
    ]
    reader = LyricReader(Prompt(song=parse("a\n")), format)
    text = "".join([*map(reader.feed, pieces), reader.close()])
    assert "a\n" + text == "a\n\n[Chorus]\none\n\n[Verse 2: Ann]\ntwo\n[x2]\n"
    assert reader.finished_lines == 3


def test_a_blank_line_of_a_plain_model_ends_the_section() -> None:
    prompt = Prompt(song=parse("one"), open_line=True)
    assert (
        prompt.text + read(prompt, MarkupFormat.PLAIN, [" more\n", "\n", "\n", "two\nthree"])
        == "one more\n\ntwo\nthree\n"
    )


def test_a_model_of_lines_ends_lines_not_songs() -> None:
    reader = LyricReader(Prompt(), MarkupFormat.LINES)
    assert "".join(map(reader.feed, [LINE, "one\n", END, LINE, "two\n", END])) == "one\ntwo\n"
    assert (reader.ended, reader.finished_lines, reader.sections_begun) == (False, 2, 0)
