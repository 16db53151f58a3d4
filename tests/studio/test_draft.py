"""A draft knows who wrote each row and keeps every version of each section."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songsmith.lyrics import Author, SectionKind
from songsmith.studio.draft import Draft, edited_span, move_offset

P, M = Author.PERSON, Author.MODEL
texts = st.lists(st.sampled_from(["", "a", "b c", "[Chorus]", "Down by", " x "]), max_size=12).map("\n".join)


def typed(*texts: str) -> Draft:
    draft = Draft()
    for text in texts:
        draft = draft.with_text(text, P)
    return draft


@given(st.lists(st.tuples(texts, st.sampled_from([P, M])), max_size=6))
def test_every_row_has_an_author_and_every_section_its_versions(edits):
    draft = Draft()
    for text, author in edits:
        draft = draft.with_text(text, author)
        assert draft.text == text
        assert len(draft.authors) == len(draft.rows)
        assert len(draft.histories) == len(draft.sections)
        assert len(draft.line_authors) == len(draft.song.lines)


@given(st.lists(st.tuples(texts, st.sampled_from([P, M])), max_size=4))
def test_a_draft_comes_back_from_disk_as_it_was(edits):
    draft = Draft(title="T")
    for text, author in edits:
        draft = draft.with_text(text, author)
        for index in range(len(draft.sections)):
            draft = draft.with_snapshot(index)
    assert Draft.from_json(draft.text, draft.title, draft.as_json()) == draft


def test_rows_keep_their_authors_when_others_change():
    draft = typed("mine\n").with_text("mine\ntheirs", M).with_text("new\nmine\ntheirs", P)
    assert draft.authors == (P, P, M)
    assert draft.with_text("new\nmine\ntheirs, but mended", P).authors == (P, P, P)


def test_versions_stay_with_their_section_when_another_is_put_before_it():
    draft = typed("one\n\ntwo")
    draft = draft.with_snapshot(1).with_text("one\n\nTWO", M).with_snapshot(1, take_id="take")
    draft = draft.with_text("zero\n\none\n\nTWO", P)
    assert [len(history.versions) for history in draft.histories] == [0, 0, 2]
    assert draft.with_version(2, -1).text == "zero\n\none\n\ntwo"


def test_stepping_there_and_back_changes_nothing_and_edits_become_versions():
    draft = (
        typed("[Chorus]\nla\nla\n\nend").with_snapshot(0).with_text("[Chorus]\nlo\nlo\n\nend", M).with_snapshot(0, take_id="t")
    )
    edited = draft.with_text("[Chorus]\nlo\nlow\n\nend", P)
    back = edited.with_version(0, -1)
    assert back.text == "[Chorus]\nlo\nlo\n\nend"
    assert back.authors[1:3] == (M, M)
    assert back.with_version(0, 1).text == edited.text
    assert back.with_version(0, 1).authors == edited.authors
    first = back.with_version(0, -1)
    assert first.text == "[Chorus]\nla\nla\n\nend"
    assert first.with_version(0, -1).text == first.text


@given(texts, st.integers(0, 11), st.integers(-2, 2))
def test_stepping_never_loses_a_wording(text, row, by):
    draft = typed(text)
    index = draft.section_at(row)
    if index is None:
        assert not draft.sections
        return
    wording = draft.shown(index).lines
    changed = draft.with_version(index, by)
    assert wording in [version.lines for version in changed.histories[index].versions]


def test_rewriting_keeps_the_lines_a_person_began_a_section_with():
    draft = typed("Mine one\n").with_text("Mine one\nTheirs two\nTheirs three\n\nNext", M)
    plan = draft.rewrite(0)
    assert draft.text[plan.start : plan.end] == "Theirs two\nTheirs three"
    assert plan.lines == 2
    assert [line.text for line in plan.prompt.song.lines] == ["Mine one"]
    assert plan.prompt.next_section is None


def test_rewriting_a_section_all_by_a_person_offers_all_of_it_anew():
    draft = typed("One\nTwo\n\nThree\nFour")
    plan = draft.rewrite(1)
    assert draft.text[plan.start : plan.end] == "Three\nFour"
    assert plan.prompt.next_section is SectionKind.VERSE
    assert plan.prompt.song.title == "One"


def test_rewriting_a_chorus_shows_the_model_its_header():
    plan = typed("One\n\n[Chorus]\nLa\n\nTwo").rewrite(1)
    assert plan.prompt.song.sections[-1].kind is SectionKind.CHORUS
    assert not plan.prompt.song.sections[-1].lines
    assert plan.prompt.next_section is None


def test_a_blank_line_at_the_end_asks_for_a_new_verse():
    ready, prompt = typed("One\n").continuation()
    assert (ready.text, prompt.next_section) == ("One\n", None)
    ready, prompt = typed("One\n\n").continuation()
    assert (ready.text, prompt.next_section) == ("One\n", SectionKind.VERSE)


@given(texts, texts)
def test_outside_the_edited_span_two_texts_are_alike(before, after):
    start, end = edited_span(before, after)
    tail = len(before) - end
    assert before[:start] == after[:start]
    assert before[end:] == after[len(after) - tail :]
    assert start <= end


@given(texts, texts, st.text("xyz", max_size=4), st.data())
def test_a_place_moves_with_the_words_around_it(before, after, inserted, data):
    text = f"{before}|{after}"
    place = len(before)  # just before the bar
    where = data.draw(st.integers(0, len(text)))
    edited = text[:where] + inserted + text[where:]
    moved = move_offset(place, text, edited)
    if where > place:
        assert moved == place
    elif where < place and inserted:
        assert edited[moved] == "|"


@pytest.mark.parametrize("rows", [200, 5_000])
def test_of_very_many_rows_alike_those_that_stayed_keep_their_authors(rows: int):
    # Matched exactly, 5,000 rows would take the better part of an hour.
    draft = Draft().with_text("\n".join(["la la"] * rows), Author.MODEL)
    around = draft.with_text(f"One\n{draft.text}\nTwo", Author.PERSON)
    assert around.authors == (Author.PERSON, *[Author.MODEL] * rows, Author.PERSON)
    between = draft.with_text("\n".join(["na na", "la la"] * (rows // 2)), Author.PERSON)
    assert between.authors == (Author.PERSON, Author.MODEL) * (rows // 2)
