"""What property tests draw: lines, plans and songs as hypothesis strategies."""

from hypothesis import strategies as st

from songsmith.lyrics import Line, Section, SectionKind, Song, parse_header, strip_controls
from songsmith.markup import LinePlan, find_mark

line_texts = (
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=20)
    .map(lambda text: strip_controls(text).strip())
    .filter(lambda text: text and parse_header(text) is None and not find_mark(text))
)
titles = line_texts.map(lambda text: " ".join(text.split())) | st.just("")
plans = st.builds(LinePlan, syllables=st.none() | st.integers(1, 24), rhyme=st.none() | line_texts)


@st.composite
def songs(draw: st.DrawFn, min_sections: int = 0) -> Song:
    found = draw(
        st.lists(
            st.builds(
                Section,
                st.sampled_from(SectionKind),
                st.lists(st.builds(Line, line_texts), min_size=1, max_size=3).map(tuple),
            ),
            min_size=min_sections,
            max_size=4,
        )
    )
    return Song(draw(titles), tuple(found), draw(titles))
