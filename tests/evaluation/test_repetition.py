"""Diversity and copying, on texts whose counts are known by hand."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songsmith.evaluation.copying import VERBATIM_WORDS, VerbatimSearch
from songsmith.evaluation.diversity import distinct_2, repeated_4grams, repeated_lines, split_lines

# Few different lines, so that long runs meet often.
texts = st.lists(st.sampled_from(["la la la", "lo la lo la", "la la li"]), max_size=8).map("\n".join)


def search(samples: list[str], songs: list[str]) -> VerbatimSearch:
    found = VerbatimSearch(samples)
    for song in songs:
        found.compare(song)
    return found


def test_case_punctuation_and_headers_are_no_words() -> None:
    text = "[Chorus]\nDon’t go, MY love —\n\n***\nIt's “Café” time"
    assert split_lines(text) == [["don't", "go", "my", "love"], ["it's", "café", "time"]]
    assert split_lines("Cafe\u0301") == split_lines("CAFÉ")


def test_distinct_2_counts_bigrams_within_lines() -> None:
    assert distinct_2(["the moon the moon\nthe moon"]) == 2 / 4  # the-moon three times, moon-the once
    assert distinct_2(["one two", "One, two!", "three four"]) == 2 / 3
    assert distinct_2(["one\ntwo\nthree"]) == distinct_2([]) == 0


def test_lines_repeat_within_their_own_text() -> None:
    assert repeated_lines(["Row, row\nrow row\nyour boat\nROW ROW"]) == 2 / 4
    assert repeated_lines(["row row", "row row"]) == 0
    assert repeated_lines(["", "a\na\nb\nc"]) == 1 / 4
    assert repeated_lines([]) == 0


def test_repeated_4grams_run_over_lines_and_are_averaged_over_texts() -> None:
    assert repeated_4grams(["a b\nc d\na b c d"]) == pytest.approx(1 / 5)
    assert repeated_4grams(["la la la la la", "a b c d", "too short"]) == pytest.approx((1 / 2 + 0) / 2)
    assert repeated_4grams(["too short"]) == repeated_4grams([]) == 0


def test_eight_words_are_verbatim_and_seven_are_not() -> None:
    song = "Should auld acquaintance be forgot\nAnd never brought to mind?"
    seven = search(["X should auld acquaintance be forgot and never y"], [song])
    assert (seven.share, seven.longest_words, seven.words) == (0, 0, 9)
    eight = search(["x: Should AULD acquaintance,\n[Chorus]\nbe forgot and\nnever brought y z"], [song])
    assert (eight.share, eight.longest_words) == (8 / 11, 8)


def test_words_in_two_runs_count_once() -> None:
    sample = "a b c d e f g h i j"
    assert search([sample], ["a b c d e f g h", "c d e f g h i j"]).share == 1
    assert search([sample], ["a b c d e f g h", "c d e f g h i j"]).longest_words == 8
    assert search([sample], ["z a b c d e f g h i z"]).longest_words == 9
    assert search([f"{sample} q {sample}"], [sample]).share == 20 / 21


def test_a_run_lies_within_one_sample_and_one_song() -> None:
    assert search(["a b c d", "e f g h"], ["a b c d e f g h"]).share == 0
    assert search(["a b c d e f g h"], ["a b c d", "e f g h"]).share == 0
    # Two samples that end and begin with copied runs make no longer one.
    assert search(["a b c d e f g h", "b c d e f g h i"], ["a b c d e f g h b c d e f g h i"]).longest_words == 8


def test_nothing_was_copied_where_nothing_is() -> None:
    assert search([], ["a b c d e f g h"]).share == search([""], []).share == 0


@given(samples=st.lists(texts, max_size=3), songs=st.lists(texts, max_size=3))
def test_it_finds_what_looking_everywhere_finds(samples: list[str], songs: list[str]) -> None:
    read = [list(chain.from_iterable(split_lines(text))) for text in (*samples, *songs)]
    mine, theirs = read[: len(samples)], read[len(samples) :]
    copied, longest = 0, 0
    for words in mine:
        covered: set[int] = set()
        for start in range(len(words)):
            for end in range(start + VERBATIM_WORDS, len(words) + 1):
                run = words[start:end]
                if any(song[at : at + len(run)] == run for song in theirs for at in range(len(song))):
                    covered |= set(range(start, end))
                    longest = max(longest, len(run))
        copied += len(covered)
    found = search(samples, songs)
    assert found.words == sum(map(len, mine))
    assert found.share == copied / max(1, found.words)
    assert found.longest_words == longest
