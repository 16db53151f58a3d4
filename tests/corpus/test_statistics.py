"""What is counted of a corpus, and what is there most often."""

from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songsmith.corpus.frequent import FrequentCounter
from songsmith.corpus.statistics import StatisticsCounter, find_rhymes, write_form, write_scheme
from songsmith.lyrics import parse

STREAMS = st.lists(st.sampled_from("aaaaaaaaaabbbbbbcccdefghijklmnopqrstuvwxyz"), max_size=300)


@dataclass(frozen=True)
class Sound:
    """A line as somebody might hear it: it rhymes on the last letter of its last word."""

    syllables: int
    end_word: str | None
    rhyme_part: tuple[str, ...]
    foreign: bool = False


def hear(line: str) -> Sound:
    words = line.split()
    return Sound(len(words), words[-1], (words[-1][-1],))


@given(STREAMS, st.integers(1, 60))
def test_a_count_is_exact_or_too_low_by_no_more_than_is_said(stream: list[str], most: int):
    counter = FrequentCounter(most)
    for text in stream:
        counter.add(text)
    exact, told = Counter(stream), dict(counter.top(1000))
    assert len(told) <= most
    for text, count in exact.items():
        assert count - counter.slack <= told.get(text, 0) <= count
    if len(exact) <= most:
        assert (counter.slack, told) == (0, exact)


def test_the_rarest_are_forgotten_first():
    counter = FrequentCounter(10)
    for n in range(1000):
        counter.add("often" if n % 3 else f"once {n}")
    assert counter.top(1) == (("often", 666),)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("a\n\n[Chorus]\nb\n\n[Verse 2]\nc\n\n[Chorus]\nb\n\n[Bridge]\nd\n\n[Chorus]\nb", "V-C-V-C-B-C"),
        ("[Intro]\nooh\n\n[Verse]\na\n\n[Pre-Chorus]\nb\n\n[Chorus]\nc\n\n[Outro]\nd", "I-V-P-C-O"),
        ("a\n\nb\n\nc", "V-V-V"),
        ("a\n\nb\n\nc\n\nd\n\n[Chorus]\ne", "V×4-C"),
        ("[Verse]\n\n[Chorus]\na", "C"),
        ("", ""),
    ],
)
def test_forms(text: str, form: str):
    assert write_form(parse(text)) == form


@pytest.mark.parametrize(
    ("ends", "rhyming", "scheme"),
    [
        ("day way", "11", "AA"),
        ("day day", "00", "AA"),  # a word does not rhyme with itself
        ("day sun way", "101", "ABA"),
        ("day day way", "111", "AAA"),
        ("day a b c way", "10001", "ABCDA"),
        ("day a b c d way", "000000", "ABCDEA"),  # out of reach
    ],
)
def test_rhymes(ends: str, rhyming: str, scheme: str):
    heard = [hear(word) for word in ends.split()]
    assert "".join(str(int(rhymes)) for rhymes in find_rhymes(heard)) == rhyming
    assert write_scheme(heard) == scheme


def test_an_end_that_cannot_be_heard_rhymes_with_nothing():
    silent = Sound(2, "слово", (), foreign=True)
    assert find_rhymes([silent, Sound(2, "другое", (), foreign=True)]) == [False, False]


def test_counting_by_hand():
    counter = StatisticsCounter(hear)
    verse = "one big day\none old sun,\nall the way\n"
    counter.add(parse(f"{verse}\n[Chorus]\nla la\n", artist="Ann"))
    counter.add(parse(f"{verse.replace(',', '')}\n---\n", artist="ANN"))
    found = counter.finish()
    assert (found.songs, found.artists, found.lines, found.words, found.vocabulary) == (2, 1, 8, 20, 9)
    assert found.stanzas == {"verse": 3, "chorus": 1}
    assert (found.lines_a_stanza, found.lines_a_verse) == ({1: 2, 3: 2}, {1: 1, 3: 2})
    assert found.verse_shapes == (("3-3-3", 2),)
    assert found.forms == (("V-C", 1), ("V-V", 1))
    assert found.rhyme_schemes == (("ABA", 2),)
    assert found.rhyme_density == 4 / 8
    assert found.repeated_lines == (("one big day", 2), ("one old sun", 2), ("all the way", 2))
    row = found.as_json()
    assert (row["mean_words_a_song"], row["mean_lines_a_verse"]) == (10, 7 / 3)


def test_of_nothing_there_are_no_means():
    row = StatisticsCounter(hear).finish().as_json()
    assert (row["songs"], row["mean_words_a_song"], row["mean_lines_a_verse"], row["rhyme_density"]) == (0, 0, 0, None)
