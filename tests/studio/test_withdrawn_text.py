"""A model that takes a line back and writes another: the draft is as if only the other had come."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songsmith.library.library import Library
from songsmith.paths import Paths
from songsmith.studio.workshop import Workshop

BEFORE = "One\n\nTwo\ntwo\n\nThree"


def written(begin: Callable[[Workshop], object], steps: list[tuple[str, int]]) -> Workshop:
    """Return a workshop into which a model wrote: texts, each followed by so many characters that are taken back."""
    with TemporaryDirectory() as folder:
        paths = Paths(data=Path(folder), config=Path(folder), state=Path(folder))
        with Library(paths.library) as library:
            workshop = Workshop(library, paths)
            workshop.type(BEFORE)
            begin(workshop)
            for text, gone in steps:
                workshop.extend(text)
                if gone:
                    workshop.withdraw(text[len(text) - gone :])
            return workshop


@pytest.mark.parametrize("begin", [Workshop.go_on, lambda workshop: workshop.rewrite(3)], ids=["more", "another take"])
@given(st.lists(st.tuples(st.text("ab\n", min_size=1, max_size=6), st.integers(0, 6)), max_size=8))
def test_what_was_withdrawn_leaves_nothing_behind(begin: Callable[[Workshop], object], steps: list[tuple[str, int]]):
    steps = [(text, min(gone, len(text))) for text, gone in [*steps, ("end\n", 0)]]
    kept = [(text[: len(text) - gone], 0) for text, gone in steps]
    assert written(begin, steps).text == written(begin, kept).text


def test_a_line_that_a_person_has_changed_stays_and_the_other_comes_below_it():
    workshop = written(Workshop.go_on, [("first\n", 0), ("secnd", 0)])
    workshop.type(workshop.text.replace("secnd", "second"))
    workshop.withdraw("secnd")
    workshop.extend("third\n")
    assert workshop.text.endswith("Three\nfirst\nsecond\nthird")


def test_undoing_a_take_that_took_a_line_back_leaves_what_was_there_before():
    workshop = written(Workshop.go_on, [("first\nsecond", 6), ("other\n", 0)])
    assert workshop.text == f"{BEFORE}\nfirst\nother"
    workshop.finish(None)
    workshop.undo()
    assert workshop.text == BEFORE
