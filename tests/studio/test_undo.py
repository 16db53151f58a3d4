"""Undo in the workshop: what is one step, what is another, and what a take leaves behind when it is taken back."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from songsmith.library.library import Library
from songsmith.studio.workshop import Workshop


class Clock:
    """A clock that goes on when told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workshop(paths, clock) -> Iterator[Workshop]:
    with Library(paths.library) as library:
        yield Workshop(library, paths, clock=clock)


def keys(workshop: Workshop, typed: str, at: int | None = None) -> None:
    """Type letter by letter, `<` for backspace."""
    place = len(workshop.text) if at is None else at
    for key in typed:
        text = workshop.text
        if key == "<":
            place -= 1
            workshop.type(text[:place] + text[place + 1 :])
        else:
            workshop.type(text[:place] + key + text[place:])
            place += 1


def undone(workshop: Workshop) -> list[str]:
    """Return the texts that undoing shows, one after the other."""
    texts = []
    while workshop.undo():
        texts.append(workshop.text)
    return texts


def test_words_are_undone_one_by_one(workshop):
    keys(workshop, "Down by the\nriver")
    assert undone(workshop) == ["Down by the", "Down by", "Down", ""]


def test_a_pause_ends_a_step(workshop, clock):
    keys(workshop, "ri")
    clock.wait(0.5)
    keys(workshop, "ver")
    clock.wait(1.5)
    keys(workshop, "side")
    assert undone(workshop) == ["river", ""]


def test_letters_taken_away_are_a_step_apart_from_those_typed(workshop):
    keys(workshop, "riverside<<<<bed")
    assert undone(workshop) == ["river", "riverside", ""]


def test_typing_elsewhere_is_another_step(workshop):
    keys(workshop, "ended")
    keys(workshop, "un", at=0)
    assert undone(workshop) == ["ended", ""]


def test_what_is_typed_over_other_words_is_one_step(workshop):
    keys(workshop, "river")
    workshop.type("l")
    keys(workshop, "ake")
    assert workshop.text == "lake"
    assert undone(workshop) == ["river", ""]


def test_title_enter_and_a_paste_are_undone_one_by_one(workshop):
    workshop.type("", title="My song")
    workshop.close_step()  # into the draft
    workshop.type("\n")
    workshop.close_step()
    workshop.type("\n" + "ten lines\n" * 10)
    assert workshop.undo()
    assert (workshop.draft.title, workshop.text) == ("My song", "\n")
    assert workshop.undo()
    assert (workshop.draft.title, workshop.text) == ("My song", "")
    assert workshop.undo()
    assert (workshop.draft.title, workshop.text) == ("", "")
    assert not workshop.undo()


def test_title_and_draft_are_different_steps_without_a_pause(workshop):
    workshop.type("", title="M")
    workshop.type("", title="My")
    keys(workshop, "One")
    workshop.type("One", title="My o")
    assert workshop.undo()
    assert (workshop.draft.title, workshop.text) == ("My", "One")
    assert workshop.undo()
    assert (workshop.draft.title, workshop.text) == ("My", "")


def test_nothing_to_undo_and_nothing_to_redo_is_told(workshop):
    assert not workshop.undo()
    keys(workshop, "One")
    assert not workshop.redo()
    assert workshop.undo()
    assert workshop.redo()
    assert not workshop.redo()


def test_undoing_a_take_leaves_what_was_typed_beside_it(workshop):
    keys(workshop, "One\n\nTwo")
    workshop.go_on()
    workshop.extend("three\n")
    keys(workshop, "Zero ", at=0)
    workshop.extend("four\n")
    keys(workshop, "after")
    workshop.extend("five\n")
    workshop.finish(None)
    assert workshop.text == "Zero One\n\nTwo\nthree\nfour\nfive\nafter"
    assert workshop.undo()
    assert workshop.text == "Zero One\n\nTwo\nafter"
    assert workshop.undo()
    assert workshop.text == "Zero One\n\nTwo"
    assert workshop.undo()
    assert workshop.undo()
    assert workshop.text == "One\n\nTwo"
    for _ in range(4):
        assert workshop.redo()
    assert workshop.text == "Zero One\n\nTwo\nthree\nfour\nfive\nafter"


def test_what_is_typed_after_a_take_is_undone_before_it(workshop):
    keys(workshop, "One")
    workshop.go_on()
    workshop.extend("two\n")
    workshop.finish(None)
    keys(workshop, "Zero", at=0)
    assert workshop.undo()
    assert workshop.text == "One\ntwo"
    assert workshop.undo()
    assert workshop.text == "One"


def test_undo_while_a_take_is_written_takes_back_the_take_alone(workshop):
    keys(workshop, "One")
    workshop.go_on()
    workshop.extend("two\n")
    keys(workshop, "!", at=3)
    assert workshop.undo()
    assert not workshop.writing
    assert workshop.text == "One!"
    workshop.extend("three\n")
    assert workshop.text == "One!"


def test_the_title_typed_during_a_take_stays_when_the_take_goes(workshop):
    keys(workshop, "One")
    workshop.go_on()
    workshop.extend("two\n")
    workshop.type(workshop.text, title="Mine")
    workshop.finish(None)
    assert workshop.undo()
    assert (workshop.text, workshop.draft.title) == ("One", "Mine")
    assert workshop.undo()
    assert (workshop.text, workshop.draft.title) == ("One", "")


def test_a_take_of_a_section_is_undone_and_the_words_around_it_stay(workshop):
    workshop.type("One\n\nTwo\nthree\n\nFour")
    assert workshop.rewrite(2) is not None
    keys(workshop, " of old", at=8)  # into the lines that are to go
    workshop.extend("new\n")
    keys(workshop, "Zero ", at=0)
    keys(workshop, "!")
    workshop.extend("lines\n")
    workshop.finish(None)
    assert workshop.text == "Zero One\n\nnew\nlines\n\nFour!"
    assert workshop.undo()
    assert workshop.text == "Zero One\n\nTwo of old\nthree\n\nFour!"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["", "a", "a\n", "a\n\n", "a b\n\nc\nd\n\ne\n", "[Chorus]\n", "l\n\nl\nl\n\nl"]),
    st.integers(-1, 6),
    st.lists(
        st.one_of(
            st.tuples(st.just("take"), st.integers(1, 3)),
            st.tuples(st.just("insert"), st.integers(0, 200)),
            st.tuples(st.just("delete"), st.integers(0, 200)),
        ),
        max_size=12,
    ),
)
def test_undoing_a_take_leaves_every_word_typed_beside_it_and_none_of_its_own(paths, start, row, steps):
    with Library(paths.library) as library:
        workshop = Workshop(library, paths, clock=Clock())
        workshop.type(start)
        if row < 0 or workshop.rewrite(row) is None:
            workshop.go_on()
        typed: set[str] = set()
        for number, (what, value) in enumerate(steps):
            text = workshop.text
            first, last = text.find("t"), text.rfind("t")
            place = value % (len(text) + 1)
            # Words of the take are `tN;`; what is typed between the first and the last of them is part of it.
            if first >= 0 and first < place < (workshop.anchor or 0):
                place = 0
            match what:
                case "take":
                    workshop.extend("".join(f"t{number}{line};\n" for line in range(value)))
                case "insert":
                    word = chr(ord("一") + number)
                    workshop.type(text[:place] + word + text[place:])
                    typed.add(word)
                case "delete" if place < len(text) and (first < 0 or not first <= place <= last + 4):
                    if text[place] in "abcde\n":
                        workshop.type(text[:place] + text[place + 1 :])
            workshop.close_step()
        final = workshop.text
        workshop.finish(None)
        assert workshop.text == final
        if any(what == "take" for what, _ in steps):
            assert workshop.undo()
        left = workshop.text
        assert "t" not in left
        assert typed <= set(left)
        while workshop.undo():
            assert "t" not in workshop.text
        assert workshop.text == ""
        while workshop.redo():
            pass
        assert workshop.text == final
