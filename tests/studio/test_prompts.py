"""Prompts: what people type or pipe in becomes a place in a song, or one sentence on why it cannot."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from songsmith.errors import InputError, UsageError
from songsmith.generation.options import GenerationOptions
from songsmith.lyrics import SectionKind, strip_controls
from songsmith.markup import MARKS, find_mark
from songsmith.studio.writing import decode_lyric, plan_takes, read_prompt


@given(st.text())
def test_any_text_file_in_utf8_is_read_as_it_is(text: str) -> None:
    assume("\0" not in text)
    assert decode_lyric(text.encode(), "It") == text.removeprefix("\ufeff")
    assert decode_lyric(b"\xef\xbb\xbf" + text.encode(), "It") == text


@pytest.mark.parametrize(
    ("data", "place", "shown"),
    [
        (b"abc\xff", 3, "0xff"),
        (b"\xef\xbb\xbfabc\xfe", 6, "0xfe"),  # a byte order mark counts, too
        ("é".encode("latin-1"), 0, "0xe9"),
        (b"caf\xe9 noir", 3, "0xe9"),
        (b"ok\0", 2, "NUL"),
        ("Down".encode("utf-16"), 3, "NUL"),
        ("心の歌".encode("utf-16"), 0, "0xff"),
        (b"\x89PNG\r\n\x1a\n\0\0", 8, "NUL"),
        ("心".encode()[:2], 0, "0xe5"),
    ],
)
def test_the_first_byte_that_is_no_text_is_named(data: bytes, place: int, shown: str) -> None:
    with pytest.raises(InputError, match=rf"^It isn't .*: byte {place} is {shown}\.") as caught:
        decode_lyric(data, "It")
    assert caught.value.next_step


@pytest.mark.parametrize("finish_line", [False, True])
@pytest.mark.parametrize("end", ["", "\n", " ", "\n\n", "\r\n", "\n\u00a0", "\u2028", "\t\n"])
def test_the_end_of_the_text_does_not_matter(end: str, finish_line: bool) -> None:
    prompt = read_prompt(f"one\ntwo{end}", finish_line=finish_line)
    assert prompt.open_line == finish_line
    assert prompt.text == "one\ntwo" + ("" if finish_line else "\n")


@pytest.mark.parametrize(
    "text", ["one\r\ntwo\r\n", "one\rtwo\r", "one\u2028two", "one\x0btwo", "one\x85two", "\ufeff\none\ntwo"]
)
def test_lines_end_where_any_editor_ends_them(text: str) -> None:
    assert [line.text for line in read_prompt(text).song.lines][-2:] == ["one", "two"]


def test_a_header_at_the_end_is_no_line_to_finish() -> None:
    prompt = read_prompt("one\n\n[Chorus]", finish_line=True)
    assert not prompt.open_line
    assert prompt.text == "one\n\n[Chorus]\n"
    assert prompt.song.sections[-1].kind is SectionKind.CHORUS


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\t", "\x1b\x07", "\u2028", "\u00a0"])
def test_a_prompt_with_nothing_in_it_is_empty(text: str) -> None:
    with pytest.raises(UsageError, match="empty"):
        read_prompt(text)


def test_no_prompt_is_no_error() -> None:
    assert read_prompt(None).text == ""
    assert read_prompt(None, title="  Red\n River ").song.title == "Red River"


@pytest.mark.parametrize("hidden", ["{0}{1}", "a {0}{1} b", "{0}\x07{1}", "{0}\u202e{1}"])
def test_text_that_spells_a_mark_is_refused_however_it_hides(hidden: str) -> None:
    for mark in MARKS:
        text = hidden.format(mark[:3], mark[3:])
        with pytest.raises(InputError, match="contains"):
            read_prompt(text)
        with pytest.raises(InputError, match="contains"):
            read_prompt("one", title=text)


@pytest.mark.parametrize("text", ["caf\udce9", "\ud800"])
def test_text_that_is_no_unicode_is_refused(text: str) -> None:
    for arguments in ((text, ""), ("one", text)):
        with pytest.raises(InputError, match="isn't UTF-8"):
            read_prompt(arguments[0], title=arguments[1])


@given(st.text(), st.text(max_size=10), st.booleans())
def test_any_text_is_a_clean_prompt_or_one_error(text: str, title: str, finish_line: bool) -> None:
    try:
        prompt = read_prompt(text, title=title, finish_line=finish_line)
    except (UsageError, InputError):
        return
    assert strip_controls(prompt.text) == prompt.text
    assert strip_controls(prompt.song.title) == prompt.song.title
    assert "\n" not in prompt.song.title
    assert find_mark(prompt.text) is None
    assert prompt.text.strip()


FIRST = GenerationOptions(seed=7, temperature=0.8, top_k=5)


@pytest.mark.parametrize(
    ("takes", "ladder", "temperatures"),
    [
        (None, None, [0.8]),
        (3, None, [0.8, 0.8, 0.8]),
        (None, "1.3:0.7", [1.3, 1.2, 1.1, 1.0, 0.9, 0.8, 0.7]),
        (3, "1.3:0.7", [1.3, 1.0, 0.7]),
        (2, "0:1", [0, 1]),
        (1, "1.3:0.7", [1.3]),
        (None, "1:1", [1]),
        (4, "0.5:0.5", [0.5] * 4),
    ],
)
def test_seeds_count_up_and_a_ladder_spreads_the_temperatures(
    takes: int | None, ladder: str | None, temperatures: list[float]
) -> None:
    options = plan_takes(FIRST, takes=takes, ladder=ladder)
    assert [option.temperature for option in options] == temperatures
    assert [option.seed for option in options] == list(range(7, 7 + len(options)))
    assert {option.top_k for option in options} == {5}


@pytest.mark.parametrize(
    "ladder",
    ["", "1", "1:", ":1", "a:b", "1:2:3", "nan:1", "1:nan", "inf:1", "-1:1", "1:11", "1e9:0", "1e400:0", "0.7-1.3"],
)
@pytest.mark.parametrize("takes", [None, 2])
def test_a_ladder_that_is_none_is_refused(ladder: str, takes: int | None) -> None:
    with pytest.raises(UsageError, match=r"^--ladder"):
        plan_takes(FIRST, takes=takes, ladder=ladder)


@pytest.mark.parametrize("takes", [0, -1, 257, 10**400])
def test_a_number_of_takes_that_is_none_is_refused(takes: int) -> None:
    with pytest.raises(UsageError, match=r"^--takes"):
        plan_takes(FIRST, takes=takes, ladder=None)


def test_seeds_do_not_count_past_the_last() -> None:
    with pytest.raises(UsageError, match="--seed"):
        plan_takes(GenerationOptions(seed=2**63 - 1), takes=2, ladder=None)
