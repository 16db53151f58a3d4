"""Words: counted the same everywhere, searched as they are indexed, compared as fingerprints on disk have them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songsmith.corpus.dedupe import list_words
from songsmith.corpus.statistics import StatisticsCounter
from songsmith.craft.pronunciation import hear
from songsmith.evaluation.diversity import split_words
from songsmith.library.search import match_query
from songsmith.lyrics import parse
from songsmith.words import SEARCH_WORD, WORD

LINES = st.text("abÉßя語9٣_'’- .,", max_size=30)


@pytest.mark.parametrize(
    ("line", "counted", "searched", "compared"),
    [
        ("Don’t stop, don't!", ["don’t", "stop", "don't"], ["don", "t", "stop", "don", "t"], ["dont", "stop", "dont"]),
        ("'Cause it's rock 'n' roll", ["cause", "it's", "rock", "n", "roll"], ["cause", "it", "s", "rock", "n", "roll"],
         ["cause", "its", "rock", "n", "roll"]),
        ("99 Luftballons, 24k", ["99", "luftballons", "24k"], ["99", "luftballons", "24k"], ["99", "luftballons", "24k"]),
        ("Ça_va — oh-oh", ["ça", "va", "oh", "oh"], ["ça", "va", "oh", "oh"], ["ça_va", "oh", "oh"]),
        ("из-за острова", ["из", "за", "острова"], ["из", "за", "острова"], ["из", "за", "острова"]),
        ("...", [], [], []),
    ],
)  # fmt: skip
def test_words_by_their_use(line: str, counted: list[str], searched: list[str], compared: list[str]) -> None:
    assert WORD.findall(line.casefold()) == counted
    assert SEARCH_WORD.findall(line.casefold()) == searched
    assert match_query(line.casefold()).rstrip("*").split() == [f'"{word}"' for word in searched]
    assert list_words(line) == compared


@given(text=st.text(max_size=40))
def test_a_word_is_made_of_letters_and_digits(text: str) -> None:
    assert "".join(SEARCH_WORD.findall(text)) == "".join(filter(str.isalnum, text))
    assert [part for word in WORD.findall(text) for part in SEARCH_WORD.findall(word)] == SEARCH_WORD.findall(text)


@given(line=LINES)
def test_a_corpus_and_what_a_model_wrote_are_counted_the_same(line: str) -> None:
    counter = StatisticsCounter(hear)
    song = parse(line)
    counter.add(song)
    assert counter.finish().words == sum(len(split_words(kept.text)) for kept in song.lines)
