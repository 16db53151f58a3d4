"""The context window: whole lines go out of sight, title and open section stay."""

from itertools import accumulate

import numpy as np
from hypothesis import assume, example, given
from hypothesis import strategies as st

from songsmith.generation.window import slide

# A tiny alphabet: 0 ends a line, 1 and 2 open sections, the rest are words.
END, VERSE, CHORUS = 0, 1, 2
LINE_ENDS = np.array([True] + [False] * 9)
SECTIONS = {VERSE, CHORUS}

words = st.lists(st.integers(3, 9), min_size=1, max_size=8)
lines = words.map(lambda line: [*line, END])
sections = st.tuples(st.sampled_from([VERSE, CHORUS]), st.lists(lines, min_size=1, max_size=5)).map(
    lambda section: [section[0], END, *(token for line in section[1] for token in line)]
)


@st.composite
def bodies(draw: st.DrawFn) -> list[int]:
    """Draw a lyric in tokens: sections of lines, the last line perhaps still open."""
    body = [token for section in draw(st.lists(sections, min_size=1, max_size=6)) for token in section]
    return body + draw(st.just([]) | words)


heads = st.lists(st.integers(3, 9), max_size=12)


def see(head: list[int], body: list[int], keep: int) -> tuple[list[int], list[int]]:
    return slide(list(head), list(body), keep_tokens=keep, line_ends=LINE_ENDS, sections=SECTIONS)


@given(heads, bodies() | st.lists(st.integers(0, 9), min_size=1, max_size=60), st.integers(2, 50))
@example([], [VERSE, *([5] * 9)], 4)
@example([3], [VERSE, CHORUS, 4], 2)
def test_what_stays_in_sight_fits_and_is_the_end_of_the_song(head: list[int], body: list[int], keep: int) -> None:
    seen_head, seen = see(head, body, keep)
    assert len(seen_head) + len(seen) <= keep
    assert seen_head == head[: len(seen_head)]
    assert seen_head == head or len(seen_head) == keep // 2
    assert seen[-1] == body[-1]
    # The end of the song, behind at most one opening of a section.
    tail = seen[len(opening(seen)) :]
    assert body[len(body) - len(tail) :] == tail or body[len(body) - len(seen) :] == seen


def opening(seen: list[int]) -> list[int]:
    if seen[0] not in SECTIONS:
        return []
    return seen[:2] if seen[1:2] == [END] else seen[:1]


@given(heads, bodies(), st.integers(8, 50))
def test_whole_lines_stay_behind_the_mark_of_their_section(head: list[int], body: list[int], keep: int) -> None:
    seen_head, seen = see(head, body, keep)
    room = keep - len(seen_head)
    if seen == body:
        return
    assert len(head) + len(body) > keep
    starts = [0, *(place + 1 for place, token in enumerate(body[:-1]) if token == END)]
    last_line = body[starts[-1] :]
    assume(len(last_line) + 2 <= room)  # else one line alone is too long, and is cut
    rest = seen[len(opening(seen)) :]
    start = len(body) - len(rest)
    assert start in starts
    # Its section is the one that is open there.
    marks = [body[place] for place in starts if place < start and body[place] in SECTIONS]
    assert opening(seen) == [marks[-1], END]
    assert rest[0] not in SECTIONS
    # And it is the most that fits: one line more, behind its own mark, would not.
    before = starts[starts.index(start) - 1]
    if body[before] in SECTIONS:
        before = starts[starts.index(before) - 1]
    assert 2 + len(body) - before > room


@given(bodies(), words.filter(lambda line: len(line) > 4))
def test_only_a_line_too_long_by_itself_is_cut(body: list[int], words_of_line: list[int]) -> None:
    long_line = words_of_line * 5
    seen_head, seen = see([], [*body, *long_line], 16)
    assert seen_head == []
    assert len(seen) == 16
    if body[-1] == END:
        assert opening(seen) == [next(token for token in reversed(body) if token in SECTIONS), END]
        assert seen[2:] == long_line[-14:]


@given(st.lists(lines, min_size=1, max_size=8), st.integers(2, 30))
def test_without_sections_lines_alone_decide(body_lines: list[list[int]], keep: int) -> None:
    body = [token for line in body_lines for token in line]
    _, seen = slide([], body, keep_tokens=keep, line_ends=LINE_ENDS, sections=set())
    lengths = list(accumulate(len(line) for line in reversed(body_lines)))
    fitting = [length for length in lengths if length <= keep]
    assert seen == body[len(body) - (fitting[-1] if fitting else keep) :]
