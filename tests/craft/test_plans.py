"""Plans of lines: what a model is told before it writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songsmith.craft.plans import plan_line
from songsmith.lyric_reader import read_song
from songsmith.lyrics import Line, Section, Song
from songsmith.markup import LinePlan, MarkupFormat, write_documents


@pytest.mark.parametrize(
    ("line", "plan"),
    [
        ("From this valley they say you are going,", LinePlan(syllables=10, rhyme="going")),
        ("I’m lovin’ it (oh yeah)", LinePlan(syllables=6, rhyme="it")),
        ("la " * 24, LinePlan(syllables=24, rhyme="la")),
        ("la " * 25, LinePlan(syllables=None, rhyme="la")),
        ("... 🎸", LinePlan()),
        ("I will love you [x2]", LinePlan(syllables=4, rhyme="you")),
        ("[laughs] (x2)", LinePlan()),
        ("I’m in L.A.", LinePlan(syllables=4, rhyme="l.a")),
        ("я тебя люблю", LinePlan(syllables=None, rhyme="люблю")),
        ("Oh " + "n" * 60, LinePlan(syllables=1, rhyme=None)),
    ],
)
def test_a_plan_says_what_can_be_heard(line: str, plan: LinePlan) -> None:
    assert plan_line(line) == plan


@given(st.text().map(str.split).map(" ".join).filter(lambda text: text.isprintable() and text and text[0] not in "[<"))
def test_a_plan_can_be_written_and_read_back(text: str) -> None:
    plan = plan_line(text)
    song = Song("Red River Valley", (Section(lines=(Line(text),)),))
    (document,) = write_documents(song, MarkupFormat.MARKUP, [plan])
    assert read_song(document.pieces)[1] == [plan]
