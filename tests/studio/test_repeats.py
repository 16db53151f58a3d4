"""A bare header of what was sung before brings its words back; a fresh take is asked for by name."""

import json
from collections.abc import Iterator

import pytest
from fakes import Songsmith
from hypothesis import given
from hypothesis import strategies as st

from songsmith.library.library import Library
from songsmith.lyrics import Author, Line, Section, SectionKind, parse
from songsmith.paths import Paths
from songsmith.studio.draft import Draft
from songsmith.studio.repeats import find_repeated
from songsmith.studio.workshop import Workshop
from songsmith.studio.writing import read_prompt
from songsmith.takes import FinishReason, Take

SONG = "[Verse]\nThe road was long\n\n[Chorus]\nRoll on, roll on\nUntil the dawn\n\n[Verse]\nThe night was cold\n\n"
CHORUS = "[Chorus]\nRoll on, roll on\nUntil the dawn"


@pytest.fixture
def workshop(paths: Paths) -> Iterator[Workshop]:
    with Library(paths.library) as library:
        yield Workshop(library, paths)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[Chorus]\na\n\n[Verse]\nb\n\n[Chorus]", "a"),
        ("[Chorus]\na\n\n[Verse]\nb\n\n[Final Chorus x2]", "a"),
        ("[Chorus: Ann]\na\n\nb\n\n[Chorus]", "a"),
        ("[Pre-Chorus]\na\n\n[Chorus]\nb\n\n[Pre-Chorus]", "a"),
        ("[Chorus]\na\n\n[Pre-Chorus]\nb\n\n[Chorus]\nc\n\nd\n\n[Hook]", "c"),  # the one sung last
        ("[Verse 1]\na\n\n[Bridge]\nb\n\n[Repeat Bridge]", "b"),
        ("[Refrain]\na\n\nb\n\n[Refrain]\n\n", "a"),
        ("[Chorus]\na\n\n[Chorus]\n\n[Chorus]", "a"),
        ("[Verse]\na\n\n[Chorus]", None),  # nothing to repeat
        ("[Verse]\na\n\n[Verse]", None),  # a verse is another each time
        ("[Bridge]\na\n\n[Verse]\nb\n\n[Bridge]", None),
        ("[Chorus]\na\n\n[Chorus]\nb", None),  # it has words
        ("[Chorus]\na\n\n[Chorus: Instrumental]", None),
        ("[Chorus]", None),
        ("", None),
    ],
)
def test_what_a_bare_header_stands_for(text: str, words: str | None) -> None:
    sections = parse(text).sections
    place = find_repeated(sections)
    assert (None if place is None else sections[place].lines[0].text) == words


kinds = st.sampled_from([*SectionKind])
sections = st.lists(st.builds(lambda kind, words: Section(kind, tuple(map(Line, words))), kinds, st.lists(st.sampled_from("abc"))))


@given(sections)
def test_only_words_of_the_same_name_come_back(found: list[Section]) -> None:
    place = find_repeated(found)
    if place is not None:
        assert not found[-1].lines
        assert found[place].lines
        assert found[place].kind is found[-1].kind
        assert not any(section.kind is found[-1].kind and section.lines for section in found[place + 1 :])


def test_more_brings_the_chorus_back_as_one_step(workshop: Workshop) -> None:
    workshop.type(f"{SONG}[Chorus]\n\n")
    typed = workshop.text
    assert workshop.go_on() is None
    assert not workshop.writing
    assert workshop.text == SONG + CHORUS
    assert workshop.undo()
    assert workshop.text == typed
    assert workshop.redo()
    assert workshop.text == SONG + CHORUS
    request = workshop.go_on()  # more again goes on behind it
    assert request is not None
    assert request.prompt.text == f"{SONG}{CHORUS}\n"
    assert not request.options.stay_in_section  # short as it is, it is whole


def test_its_lines_keep_their_authors_and_it_is_a_version(workshop: Workshop) -> None:
    workshop.type("[Chorus]\nMine\n")
    workshop.go_on()
    workshop.extend("Theirs\n")
    take = Take(
        text="Theirs\n", prompt_text="", title="", model="starter", model_sha256="0", device="cpu", options={}, seed=1,
        finish=FinishReason.END_OF_SECTION, tokens=1, elapsed_s=0.1, version="0",
    )  # fmt: skip
    workshop.finish(take)
    workshop.type(f"{workshop.text}\n\n[Verse]\nBetween\n\n[Chorus]")
    assert workshop.go_on() is None
    assert workshop.draft.line_authors == (Author.PERSON, Author.MODEL, Author.PERSON, Author.PERSON, Author.MODEL)
    row = workshop.text.count("\n")
    versions, current = workshop.versions_at(row)
    assert versions[current].lines == ("Mine", "Theirs")
    assert versions[current].authors == (Author.PERSON, Author.MODEL)
    assert versions[current].take_id == take.id
    request = workshop.rewrite(row)  # and another take of it can be had
    assert request is not None
    workshop.extend("Other words\n")
    workshop.finish(None)
    assert workshop.text.endswith("Mine\nOther words")
    assert workshop.step(row, -1)
    assert workshop.text.endswith("Mine\nTheirs")


def test_on_to_the_end_begins_with_it(workshop: Workshop) -> None:
    workshop.type(f"{SONG}[Chorus]")
    request = workshop.go_on(to_the_end=True)
    assert request is not None
    assert request.prompt.text == f"{SONG}{CHORUS}\n"
    workshop.extend("\nAnd then\n")
    workshop.finish(None)
    assert workshop.undo()
    assert workshop.text == f"{SONG}[Chorus]"


def test_rewriting_the_bare_header_asks_for_new_words(workshop: Workshop) -> None:
    workshop.type(f"{SONG}[Chorus]")
    request = workshop.rewrite(workshop.text.count("\n"))
    assert request is not None
    assert request.prompt.text == f"{SONG}[Chorus]\n"


def test_a_draft_without_one_stays(workshop: Workshop) -> None:
    assert Draft().repeated() is None
    workshop.type("[Verse]\nThe road was long\n\n[Chorus]")
    assert workshop.go_on() is not None


def test_a_prompt_repeats_it_unless_asked_to_vary(songsmith: Songsmith) -> None:
    bare = f"{SONG}[Chorus]"
    options = ("--seed", "2", "--max-lines", "2", "--json")
    takes = [json.loads(songsmith("gen", bare, *options, *more).stdout) for more in ((), ("--vary",))]
    assert [take["prompt"] for take in takes] == [f"{SONG}{CHORUS}\n", f"{SONG}[Chorus]\n"]
    assert read_prompt(bare, finish_line=True) == read_prompt(bare)
