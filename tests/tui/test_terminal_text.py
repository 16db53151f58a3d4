"""What a terminal sends, in whatever pieces it comes."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songsmith.tui.terminal_text import TerminalText

BEGIN, END = "\x1b[200~", "\x1b[201~"


def fed(data: bytes, cuts: list[int]) -> str:
    """Return the text of bytes that are read in pieces."""
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    text = TerminalText()
    pieces = [text.feed(data[start:end]) for start, end in pairwise(places)]
    return "".join([*pieces, text.feed(b"", final=True)])


@given(st.binary(), st.lists(st.integers(min_value=0)))
def test_no_byte_is_too_much(data, cuts):
    text = fed(data, cuts)
    if BEGIN not in text:
        assert text == data.decode(errors="replace")


_PIECES = st.sampled_from(
    ["a", "日", "\n", "\t", "\r\n", "\x1b[31m", "\x1b[0m", "\x1b", "\x11", "\x00", "\x1b[A", "\x1b[Z"]
)


@given(
    st.text("ab\x1b[", max_size=4),
    st.lists(_PIECES),
    st.text("cd\x1b\x11[A", max_size=4),
    st.lists(st.integers(min_value=0)),
)
def test_a_paste_presses_no_key_and_keys_beside_it_do(before, pasted, after, cuts):
    sent = f"{before}{BEGIN}{''.join(pasted)}{END}{after}"
    text = fed(sent.encode(), cuts)
    head, begin, rest = text.partition(BEGIN)
    inside, end, tail = rest.partition(END)
    assert (head, begin, end, tail) == (before, BEGIN, END, after)
    assert not re.search("[\x00-\x08\x0e-\x1f\x7f-\x9f]", inside)
    assert [letter for letter in "".join(pasted) if letter in "日\n\t\r"] == [c for c in inside if c in "日\n\t\r"]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_a_coloured_song_is_pasted_without_its_colours(size):
    sent = f"{BEGIN}\x1b[1;31mred\x1b[0m line\tof\x0b a\x85song\r\n{END}x".encode()
    text = TerminalText()
    pieces = [text.feed(sent[place : place + size]) for place in range(0, len(sent), size)]
    assert "".join(pieces) == f"{BEGIN}red line\tof\x0b a\x85song\r\n{END}x"
