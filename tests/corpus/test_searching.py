"""Words found in songs, whatever their case and accents."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songsmith.corpus.records import CleanRecord
from songsmith.corpus.searching import Query, SearchField
from songsmith.errors import UsageError

SONG = CleanRecord(
    id="r", title="Red River Valley", artist="Ánn Brontë",
    text="From this valley they say\nI don’t know, WINGÉD heart\n\nThe river is red, red_river\n",
)  # fmt: skip


def find(*terms: str, fields: tuple[str, ...] = (), song: CleanRecord = SONG) -> list[tuple[str, int, str]]:
    """Return each line that is found: its field, its number, and its words in brackets."""
    found = []
    for hit in Query(terms, [SearchField(field) for field in fields]).find(song):
        text = hit.text
        for start, end in reversed(hit.spans):
            text = f"{text[:start]}[{text[start:end]}]{text[end:]}"
        found.append((hit.field.value, hit.line, text))
    return found


@pytest.mark.parametrize(
    ("terms", "lines"),
    [
        (("winged",), [("text", 2, "I don’t know, [WINGÉD] heart")]),
        (("WINGÈD heart",), [("text", 2, "I don’t know, [WINGÉD heart]")]),
        (("don't know",), [("text", 2, "I [don’t know], WINGÉD heart")]),
        (("ann bronte",), [("artist", 1, "[Ánn Brontë]")]),
        (("red river",), [("title", 1, "[Red River] Valley"), ("text", 4, "The river is red, [red_river]")]),
        (("val",), [("title", 1, "Red River [Val]ley"), ("text", 1, "From this [val]ley they say")]),
        (("val", "say"), []),  # only the last word may be unfinished
        (("valley", "brontë"), [("title", 1, "Red River [Valley]"), ("artist", 1, "Ánn [Brontë]"),
                                ("text", 1, "From this [valley] they say")]),
        (("iver",), []),
        (("say i",), []),  # not across lines
        (("valley", "zebra"), []),
    ],
)  # fmt: skip
def test_what_is_found(terms: tuple[str, ...], lines: list[tuple[str, int, str]]):
    assert find(*terms) == lines


def test_fields_that_are_asked_for():
    assert find("valley", fields=("title",)) == [("title", 1, "Red River [Valley]")]
    assert find("valley", "bronte", fields=("title", "text")) == []


@pytest.mark.parametrize("terms", [(), ("",), ("?!", "--")])
def test_without_a_word_there_is_nothing_to_search_for(terms: tuple[str, ...]):
    with pytest.raises(UsageError, match="nothing to search for"):
        Query(terms)


WORDS = st.text(st.characters(categories=["Lu", "Ll", "Lt", "Lo", "Nd"]), min_size=1, max_size=6)


@given(st.lists(WORDS, min_size=1, max_size=4), st.text(max_size=20), st.text(max_size=20))
def test_a_word_of_a_song_is_found_however_it_is_written(words: list[str], before: str, behind: str):
    song = CleanRecord(id="x", text=f"{before}\n \n{' '.join(words)}\n \n{behind}")
    for form in ("NFC", "NFD"):
        for change in (str.upper, str.lower, str):
            typed = [unicodedata.normalize(form, word) for word in words]
            if [unicodedata.normalize("NFC", change(word).casefold()) for word in typed] != [
                unicodedata.normalize("NFC", word.casefold()) for word in words
            ]:
                continue  # a letter that has no way back, such as ı
            assert any(hit.text.strip() == " ".join(words) for hit in Query([" ".join(map(change, typed))]).find(song))


@given(st.text(), st.text(min_size=1))
def test_any_text_can_be_searched_for_anything(text: str, typed: str):
    try:
        query = Query([typed])
    except UsageError:
        return
    for hit in query.find(CleanRecord(id="x", text=text)):
        assert hit.text in text
        assert all(0 <= start < end <= len(hit.text) for start, end in hit.spans)
