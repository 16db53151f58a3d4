"""The workshop without its screen: nothing typed, written or rewritten is ever lost."""

import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from songsmith.errors import NotFoundError, StorageError
from songsmith.library.library import Library
from songsmith.library.records import SongRecord
from songsmith.lyrics import Author
from songsmith.paths import Paths
from songsmith.studio.workshop import Workshop
from songsmith.takes import FinishReason, Take


@pytest.fixture
def library(paths: Paths) -> Iterator[Library]:
    with Library(paths.library) as library:
        yield library


@pytest.fixture
def workshop(library: Library, paths: Paths) -> Workshop:
    return Workshop(library, paths)


def take_of(workshop: Workshop, text: str, parent_id: str | None = None) -> Take:
    return Take(
        text=text, prompt_text=workshop.text, title="", model="starter", model_sha256="0", device="cpu", options={"seed": 1},
        seed=1, finish=FinishReason.END_OF_SECTION, tokens=9, elapsed_s=0.1, version="0", parent_id=parent_id,
    )  # fmt: skip


def hear(workshop: Workshop, *chunks: str) -> Take:
    """Let the model say its text in chunks."""
    take = take_of(workshop, "".join(chunks))
    for chunk in chunks:
        workshop.extend(chunk)
    workshop.finish(take)
    return take


def test_going_on_puts_the_models_lines_behind_the_persons(workshop):
    workshop.type("Down by the river")
    request = workshop.go_on()
    assert [line.text for line in request.prompt.song.lines] == ["Down by the river"]
    hear(workshop, "The wil", "lows\n", "grow\n", "\nA new ", "verse\n")
    assert workshop.text == "Down by the river\nThe willows\ngrow\n\nA new verse"
    assert workshop.draft.line_authors == (Author.PERSON, Author.MODEL, Author.MODEL, Author.MODEL)


def test_going_on_twice_chains_the_takes(workshop, library):
    workshop.type("One")
    workshop.go_on()
    first = hear(workshop, "two\n")
    assert workshop.go_on().parent_id == first.id


def test_rewriting_in_the_middle_leaves_its_neighbours_alone(workshop):
    workshop.type("One\ntwo\n\n[Chorus]\nla\nla\n\nend\n")
    request = workshop.rewrite(4)
    assert request is not None
    assert request.options.min_lines == request.options.max_lines == 2
    assert workshop.text == "One\ntwo\n\n[Chorus]\nla\nla\n\nend\n"  # the old lines stay until the first new word
    hear(workshop, "hey ", "ho\nhey", " hi\n")
    assert workshop.text == "One\ntwo\n\n[Chorus]\nhey ho\nhey hi\n\nend\n"
    assert workshop.step(4, -1)
    assert workshop.text == "One\ntwo\n\n[Chorus]\nla\nla\n\nend\n"
    assert not workshop.step(4, -1)
    assert workshop.step(4, 1)
    assert workshop.text == "One\ntwo\n\n[Chorus]\nhey ho\nhey hi\n\nend\n"


def test_rewriting_the_first_verse_of_a_draft_without_header(workshop):
    workshop.type("One\ntwo\n\nThree")
    request = workshop.rewrite(0)
    assert request is not None
    hear(workshop, "Uno\n", "dos\n")
    assert workshop.text == "Uno\ndos\n\nThree"


def test_what_is_typed_into_lines_that_are_about_to_go_stays_a_version(workshop):
    workshop.type("One\ntwo")
    workshop.rewrite(0)
    workshop.type("One and\ntwo")
    hear(workshop, "Uno\n", "dos\n")
    assert workshop.text == "Uno\ndos"
    workshop.step(0, -1)
    assert workshop.text == "One and\ntwo"


def test_typing_before_the_place_where_the_model_writes_moves_the_place(workshop):
    workshop.type("One")
    workshop.go_on()
    workshop.extend("two ")
    workshop.type("Zero and\n" + workshop.text)
    workshop.extend("more\n")
    workshop.finish(None)
    assert workshop.text == "Zero and\nOne\ntwo more"


def test_a_whole_take_is_undone_at_once_and_redone(workshop):
    workshop.type("One")
    workshop.go_on()
    hear(workshop, "two\n", "three\n")
    after = workshop.text
    assert workshop.undo()
    assert workshop.text == "One"
    assert workshop.redo()
    assert workshop.text == after


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("type"), st.sampled_from(["", "a\n", "b\nc\n\nd", "[Chorus]\nx", "a\n\n\nb"])),
            st.tuples(st.sampled_from(["go_on", "rewrite", "previous", "next"]), st.integers(0, 4)),
        ),
        max_size=8,
    )
)
def test_undoing_everything_ends_where_it_began(paths, steps):
    with Library(paths.library) as library:
        workshop = Workshop(library, paths)
        texts = [workshop.text]
        for what, value in steps:
            workshop.close_step()  # every edit its own step
            match what:
                case "type":
                    workshop.type(value)
                case "go_on":
                    workshop.go_on()
                    hear(workshop, "x y\n", "\n[Chorus]\nz\n" if value % 2 else "w\n")
                case "rewrite":
                    if workshop.rewrite(value) is not None:
                        hear(workshop, "r\n", "s\n")
                case "previous":
                    workshop.step(value, -1)
                case "next":
                    workshop.step(value, 1)
            texts.append(workshop.text)
        final = workshop.text
        while workshop.undo():
            assert workshop.text.strip() in [text.strip() for text in texts]
        assert workshop.text == ""
        while workshop.redo():
            pass
        assert workshop.text == final


class Bench(RuleBasedStateMachine):
    """Somebody types words nobody typed before, anywhere and at any time; all of them must stay somewhere."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        home = Path(self._folder.name)
        self.paths = Paths(data=home, config=home, state=home)
        self.library = Library(self.paths.library)
        self.workshop = Workshop(self.library, self.paths)
        self.words: list[str] = []

    def teardown(self) -> None:
        self.workshop.close()
        self.library.close()
        self._folder.cleanup()

    @rule(
        place=st.floats(0, 1),
        before=st.sampled_from(["", " ", "\n", "\n\n", "\n\n[Chorus]\n"]),
        after=st.sampled_from([" ", "\n"]),
    )
    def type(self, place: float, before: str, after: str) -> None:
        text, word = self.workshop.text, f"w{len(self.words)}x"
        gaps = [0, *(at for at, character in enumerate(text) if character.isspace()), len(text)]  # not into a word
        at = gaps[int(place * (len(gaps) - 1))]
        self.workshop.type(text[:at] + before + word + after + text[at:])
        self.words.append(word)

    @rule()
    def go_on(self) -> None:
        self.workshop.finish(None)
        self.workshop.go_on()

    @rule(row=st.integers(0, 12))
    def rewrite(self, row: int) -> None:
        self.workshop.finish(None)
        self.workshop.rewrite(row)

    @rule(text=st.sampled_from(["a", " b", "\n", "c\nd\n", "\n[Chorus]\ne\n"]))
    def hear(self, text: str) -> None:
        self.workshop.extend(text)

    @rule()
    def finish(self) -> None:
        self.workshop.finish(take_of(self.workshop, "a\n") if self.workshop.writing else None)

    @rule(row=st.integers(0, 12), by=st.sampled_from([-1, 1]))
    def step(self, row: int, by: int) -> None:
        self.workshop.step(row, by)

    @rule()
    def save(self) -> None:
        self.workshop.save()

    @rule()
    def leave_and_come_back(self) -> None:
        self.workshop.close()
        again = Workshop(self.library, self.paths)
        records = again.left_over() or self.library.songs()
        if records:
            again.open(records[0])
        self.workshop = again

    @invariant()
    def every_word_is_somewhere(self) -> None:
        draft = self.workshop.draft
        versions = [version for history in draft.histories for version in history.versions] + list(draft.removed_versions)
        kept = " ".join([draft.text, *(line for version in versions for line in version.lines)])
        assert [word for word in self.words if word not in kept] == []


def test_a_stanza_typed_into_lines_that_are_about_to_go_is_kept(workshop):
    workshop.type("One ")
    workshop.rewrite(0)
    workshop.type("Two\n\nThree  One ")
    hear(workshop, "a")
    assert workshop.text == "a"
    kept = [line for history in (*workshop.draft.histories,) for version in history.versions for line in version.lines]
    kept += [line for version in workshop.draft.removed_versions for line in version.lines]
    assert {"One", "Two", "Three  One"} <= {line.strip() for line in kept}


TestNoWordIsLost = Bench.TestCase
TestNoWordIsLost.settings = settings(max_examples=40, stateful_step_count=25)


def test_a_draft_on_disk_comes_back_with_authors_versions_and_takes(workshop, library, paths):
    workshop.type("One", title="Title")
    workshop.go_on()
    hear(workshop, "two\n")
    workshop.rewrite(0)
    hear(workshop, "zwei\n")
    assert workshop.autosave()
    assert not workshop.autosave()
    workshop.close()

    later = Workshop(library, paths)
    (record,) = later.left_over()
    later.open(record)
    assert later.draft == workshop.draft
    assert later.step(0, -1)
    assert later.text == "One\ntwo"
    assert [take.text for take in library.takes(record.id)] == ["two\n", "zwei\n"]


def test_a_draft_that_is_open_elsewhere_is_not_offered_but_one_of_a_killed_process_is(paths, library):
    script = """
import sys
from songsmith.errors import StorageError
from songsmith.library.library import Library
from songsmith.library.records import SongRecord
from songsmith.paths import find_paths
from songsmith.studio.workshop import Workshop
workshop = Workshop(Library(find_paths().library), find_paths())
workshop.type("Held by another")
workshop.autosave()
print("ready", flush=True)
sys.stdin.read()
"""
    other = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout is not None
    assert other.stdin is not None
    assert other.stdout.readline() == b"ready\n"
    assert Workshop(library, paths).left_over() == []
    other.kill()
    other.wait()
    other.stdout.close()
    other.stdin.close()
    assert [record.text for record in Workshop(library, paths).left_over()] == ["Held by another"]


def test_saving_keeps_the_song_and_leaves_no_draft_behind(workshop, library, paths):
    workshop.type("One")
    workshop.autosave()
    record = workshop.save()
    assert record.number == 1
    assert not workshop.unsaved
    assert library.drafts() == []
    workshop.close()
    assert Workshop(library, paths).left_over() == []
    assert library.song("1").text == "One"


def test_editing_a_saved_song_changes_it_only_when_it_is_saved_again(workshop, library, paths):
    workshop.type("One")
    workshop.save()
    workshop.type("One\nTwo")
    workshop.autosave()
    assert library.song("1").text == "One"

    later = Workshop(library, paths)
    workshop.close()
    (record,) = later.left_over()
    later.open(record)
    assert later.song_number == 1
    assert later.save().number == 1
    assert library.song("1").text == "One\nTwo"
    assert library.drafts() == []
    assert len(library.songs()) == 1


def test_taking_changes_back_leaves_no_draft_behind(workshop, library):
    workshop.type("One")
    workshop.save()
    workshop.type("One\nTwo")
    workshop.autosave()
    workshop.type("One")
    workshop.new()
    assert library.drafts() == []


def test_takes_of_a_saved_song_stay_with_it(workshop, library):
    workshop.type("One")
    workshop.go_on()
    hear(workshop, "two\n")
    workshop.save()
    workshop.go_on()
    hear(workshop, "three\n")
    assert [take.text for take in library.takes(library.song("1").id)] == ["two\n", "three\n"]
    assert [draft.id for draft in library.drafts()] == []


def test_what_a_stopped_take_wrote_stays_in_the_draft(workshop):
    workshop.type("One")
    workshop.go_on()
    workshop.extend("two and")
    workshop.finish(None)
    assert workshop.text == "One\ntwo and"
    assert not workshop.writing
    workshop.extend(" late words")
    assert workshop.text == "One\ntwo and"


def test_a_song_that_gen_saved_keeps_its_authors_when_it_is_opened(workshop, library):
    record = library.put_song(
        SongRecord(text="Mine\ntheirs\n\ntheirs too", authors=(Author.PERSON, Author.MODEL, Author.MODEL), kept=True)
    )
    workshop.open(record)
    assert workshop.draft.line_authors == record.authors
    workshop.type("Mine\ntheirs\n\ntheirs too\nand mine")
    workshop.save()
    assert library.song("1").authors == (*record.authors, Author.PERSON)


def test_two_changes_within_one_tick_of_the_clock_are_two(paths):
    library = Library(paths.library, clock=lambda: "2026-01-01T00:00:00.000+00:00")
    library.put_song(SongRecord(text="One", kept=True))
    here, there = Workshop(library, paths), Workshop(library, paths)
    for workshop in (here, there):
        workshop.open(library.song("1"))
    here.type("Here")
    here.save()
    there.type("There")
    assert there.save().number == 2
    assert [library.song(number).text for number in "12"] == ["Here", "There"]
    library.close()


def test_a_song_changed_in_another_workshop_is_never_overwritten(paths, library):
    library.put_song(SongRecord(text="One\n\nTwo", kept=True))
    here, there = Workshop(library, paths), Workshop(library, paths)
    here.open(library.song("1"))
    there.open(library.song("1"))
    there.rewrite(0)
    hear(there, "Uno\n")
    there.step(0, -1)  # the same words, with a version more
    here.type("One and only\n\nTwo")
    here.save()
    there.close()
    assert library.song("1").text == "One and only\n\nTwo"

    there = Workshop(library, paths)
    there.open(library.song("1"))
    here.type("Here")
    here.save()
    there.type("There")
    assert there.save().number == 2
    assert [library.song(number).text for number in "12"] == ["Here", "There"]


def test_emptying_a_saved_song_and_leaving_keeps_the_song(workshop, library, paths):
    workshop.type("One")
    workshop.save()
    workshop.type("")
    workshop.close()
    assert library.song("1").text == "One"


def test_opening_the_song_that_is_open_keeps_its_versions(workshop, library):
    workshop.type("One")
    workshop.save()
    record = library.song("1")
    workshop.rewrite(0)
    hear(workshop, "Uno\n")
    workshop.step(0, -1)
    workshop.open(record)
    assert len(workshop.versions_at(0)[0]) == 2


def test_a_draft_open_in_another_workshop_cannot_be_opened(paths, library):
    here, there = Workshop(library, paths), Workshop(library, paths)
    here.type("Mine")
    here.autosave()
    here.close()
    (record,) = there.left_over()
    here.open(record)
    with pytest.raises(StorageError, match="open in another workshop"):
        there.open(record)
    assert there.text == ""
    there.close()
    assert library.song(record.id).text == "Mine"


def test_words_typed_where_the_model_is_about_to_write_keep_a_row_of_their_own(workshop):
    workshop.type("One")
    workshop.go_on()
    workshop.type("One\nMy own words")
    hear(workshop, "two\n", "three\n")
    assert workshop.text == "One\ntwo\nthree\nMy own words"
    assert workshop.draft.line_authors == (Author.PERSON, Author.MODEL, Author.MODEL, Author.PERSON)


def test_a_stopped_take_is_a_version_and_the_parent_of_the_next(workshop):
    workshop.type("One")
    workshop.go_on()
    workshop.extend("two\n")
    workshop.finish(None)
    take = take_of(workshop, "two\n")
    workshop.keep_take(take, workshop.go_on().song_id)
    workshop.finish(None)
    workshop.type("One\nanother")
    assert [version.lines for version in workshop.versions_at(0)[0]] == [("One", "two"), ("One", "another")]
    assert workshop.go_on().parent_id == take.id


def test_every_section_of_a_long_take_is_a_version_of_that_take(workshop):
    workshop.type("One")
    workshop.go_on(to_the_end=True)
    take = hear(workshop, "two\n", "\nthree\n", "\n[Chorus]\nfour\n")
    assert [history.versions[-1].take_id for history in workshop.draft.histories] == [take.id] * 3


def test_looking_for_a_version_that_is_not_there_changes_nothing(workshop, library):
    workshop.type("One")
    workshop.save()
    assert not workshop.step(0, -1)
    assert not workshop.autosave()
    assert library.drafts() == []


def test_a_title_alone_is_offered_again(workshop, library, paths):
    workshop.type("", title="Red River")
    workshop.new()
    workshop.type("", title="Blue Mountain")
    workshop.close()
    assert [draft.title for draft in library.drafts()] == ["Blue Mountain", "Red River"]
    assert len(Workshop(library, paths).left_over()) == 2


def test_a_saved_song_that_was_emptied_leaves_no_draft_for_its_title(workshop, library):
    workshop.type("One", title="Green Valley")
    workshop.save()
    workshop.type("")
    workshop.close()
    assert library.drafts() == []


def test_a_draft_removed_elsewhere_while_it_is_open_is_put_back_on_leaving(workshop, library):
    workshop.type("Mine")
    workshop.autosave()
    library.remove(library.drafts()[0].id)
    workshop.close()
    assert [draft.text for draft in library.drafts()] == ["Mine"]


def test_a_draft_stays_closed_to_others_after_another_could_not_be_opened(paths, library):
    here, there = Workshop(library, paths), Workshop(library, paths)
    here.type("Mine")
    here.autosave()
    there.type("Theirs")
    there.autosave()
    theirs, mine = library.drafts()
    with pytest.raises(StorageError, match="open in another workshop"):
        here.open(theirs)
    assert Workshop(library, paths).left_over() == []
    with pytest.raises(StorageError, match="open in another workshop"):
        there.open(mine)
    library.remove(gone := library.put_song(SongRecord(text="Gone", kept=True)).id)
    with pytest.raises(NotFoundError):
        here.open(SongRecord(id=gone, kept=True))
    assert Workshop(library, paths).left_over() == []


def test_a_draft_whose_song_was_removed_is_on_disk_until_it_is_a_song(workshop, library, paths):
    workshop.type("One")
    song = workshop.save()
    workshop.type("One and more")
    workshop.autosave()
    library.remove(song.id)
    (draft,) = library.drafts()
    with closing(sqlite3.connect(paths.library, isolation_level=None)) as other:
        other.execute("CREATE TRIGGER refuse BEFORE INSERT ON songs BEGIN SELECT RAISE(ABORT, 'no'); END")
        with pytest.raises(sqlite3.IntegrityError):
            workshop.save()
        other.execute("DROP TRIGGER refuse")
    assert [left.id for left in library.drafts()] == [draft.id]
    assert workshop.save().text == "One and more"
    assert library.drafts() == []


def test_a_draft_saved_or_changed_elsewhere_since_it_was_listed_is_not_discarded(paths, library):
    here, there = Workshop(library, paths), Workshop(library, paths)
    there.type("First")
    there.autosave()
    there.close()
    (listed,) = here.left_over()
    there.open(listed)
    there.type("First and more")
    there.close()
    here.discard(listed)
    (listed,) = here.left_over()
    assert listed.text == "First and more"
    there.open(listed)
    there.save()
    here.discard(listed)
    assert [song.text for song in library.songs()] == ["First and more"]
    there.type("Third")
    there.close()
    (listed,) = here.left_over()
    here.discard(listed)
    assert library.drafts() == []
