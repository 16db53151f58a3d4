"""The workshop on a screen, driven by keys: with a scripted engine, and a few times with a real model in its process."""

import os
import shutil
import signal
from dataclasses import replace

import pytest
from damaged_libraries import damage, fill
from desks import ENDLESS, at_desk
from fakes import ScriptedStudio
from textual.widgets import Footer, Input, Label, OptionList
from textual.widgets._footer import FooterKey

from songsmith.library.library import Library
from songsmith.library.records import SongRecord
from songsmith.lyrics import Author
from songsmith.settings import Settings
from songsmith.tui.widgets.editor import DraftEditor
from songsmith.tui.widgets.status import StatusLine
from songsmith.tui.widgets.takes import TakesPanel


async def test_typing_works_before_the_model_is_there(real_studio):
    shutil.rmtree(real_studio.paths.graphs)  # the graph is made first, as for a first song
    async with at_desk(real_studio) as desk:
        await desk.type("Down by")
        assert desk.text == "Down by"
        assert "loading" in desk.model
        await desk.press("ctrl+g")
        await desk.until(lambda: "Down by\n" in desk.text and len(desk.text) > 20, "a song, once the model is loaded")


async def test_a_model_that_is_made_ready_first_says_so(real_studio, large_folder):
    async with at_desk(real_studio, model=str(large_folder)) as desk:
        await desk.until(lambda: "first-time setup" in desk.model, "why it takes long")
        await desk.until(lambda: desk.model == "large · cpu", "the model")


async def test_a_song_from_first_line_to_saved_and_reopened(real_studio, paths):
    async with at_desk(real_studio) as desk:
        await desk.type("Down by the river")
        await desk.press("ctrl+g")
        await desk.until(lambda: len(desk.text.splitlines()) > 3, "lines of the model's")
        await desk.written()
        first = desk.text
        assert first.startswith("Down by the river\n")
        assert "tokens/s" in desk.model

        await desk.press("ctrl+r")
        await desk.until(lambda: desk.text != first and not desk.screen.writing, "another take")
        second = desk.text
        assert second.startswith("Down by the river\n")
        assert len(second.splitlines()) == len(first.splitlines())
        await desk.press("f3")
        assert desk.text == first
        await desk.press("f4")
        assert desk.text == second

        await desk.press("ctrl+g")
        await desk.until(lambda: len(desk.text) > len(second), "more lines")
        await desk.written()
        third = desk.text
        await desk.press("ctrl+z")
        assert desk.text == second
        await desk.press("ctrl+y")
        assert desk.text == third
        await desk.press("ctrl+s")
        assert desk.news.startswith("Saved as 1")
        await desk.press("ctrl+n")
        assert desk.text == ""
        await desk.press("ctrl+o")
        await desk.press("enter")
        assert desk.text == third
        await desk.press("ctrl+q")

    with Library(paths.library) as library:
        record = library.song("1")
        assert record.text == third
        assert record.authors[0] is Author.PERSON
        assert set(record.authors[1:]) == {Author.MODEL}
        takes = library.takes(record.id)
        assert len(takes) == 3
        assert takes[2].parent_id is not None
        assert library.drafts() == []


async def test_escape_stops_at_once_and_keeps_what_is_there(studio, paths):
    async with at_desk(studio) as desk:
        desk.screen.workshop.options = ENDLESS
        await desk.type("Down by the river")
        await desk.press("f5")
        await desk.until(lambda: len(desk.text.splitlines()) > 2, "a few lines")
        await desk.press("escape")
        assert desk.news == "Stopped."
        stopped = desk.text
        await desk.type("@")
        assert desk.text.replace("@", "") == stopped
        await desk.press("ctrl+g")  # the engine is ready for the next request
        await desk.until(lambda: len(desk.text) > len(stopped) + 20, "more")
    with Library(paths.library) as library:
        (draft,) = library.drafts()
        assert library.takes(draft.id)[0].finish == "stopped"


async def test_a_word_that_the_model_takes_back_leaves_the_draft_and_the_take(studio, paths):
    async with at_desk(studio) as desk:
        await desk.type("Down by the river")
        await desk.press("ctrl+g")
        await desk.until(lambda: len(desk.text.splitlines()) > 2, "a few lines")
        for _ in range(4):
            desk.engine.withdraw_word()
        await desk.written()
        await desk.until(lambda: bool(desk.screen.workshop.versions_at(1)[0]), "the take")
        text = desk.text
    with Library(paths.library) as library:
        (draft,) = library.drafts()
        (take,) = library.takes(draft.id)
    assert text == f"Down by the river\n{take.text}".rstrip("\n")


async def test_a_take_belongs_to_the_song_it_was_asked_for(studio, paths):
    async with at_desk(studio) as desk:
        desk.screen.workshop.options = ENDLESS
        await desk.type("Old song")
        await desk.press("ctrl+g")
        await desk.until(lambda: len(desk.text) > 30, "lines")
        await desk.press("ctrl+n")
        await desk.type("New song")
        with Library(paths.library) as library:

            def drafts() -> dict[str, str]:
                return {draft.text.splitlines()[0]: draft.id for draft in library.drafts()}

            await desk.until(lambda: set(drafts()) == {"Old song", "New song"}, "both drafts on disk")
            await desk.until(lambda: bool(library.takes(drafts()["Old song"])), "the old song's take")
            assert library.takes(drafts()["New song"]) == []
        assert desk.text == "New song"


async def test_writing_by_hand_while_the_model_writes(studio):
    async with at_desk(studio) as desk:
        desk.screen.workshop.options = ENDLESS
        await desk.type("One\n\nTwo")
        await desk.press("f5")
        await desk.until(lambda: len(desk.text.splitlines()) > 4, "a few lines")
        await desk.press("ctrl+home")
        await desk.type("Zero ")
        before = len(desk.text)
        await desk.until(lambda: len(desk.text) > before + 100, "more lines")
        await desk.press("escape")
        assert desk.text.startswith("Zero One\n\nTwo\n")
        draft = desk.screen.workshop.draft
        assert draft.line_authors[:2] == (Author.PERSON, Author.PERSON)
        assert set(draft.line_authors[2:]) == {Author.MODEL}


async def test_rewriting_the_verse_under_the_cursor_leaves_the_others(studio):
    async with at_desk(studio) as desk:
        await desk.type("One\ntwo\nthree\n\nFour\nfive\n\nSix")
        await desk.press("ctrl+home", "down", "down", "down", "down", "ctrl+r")
        await desk.until(lambda: "Four\nfive" not in desk.text, "the old verse gone")
        await desk.written()
        sections = desk.screen.workshop.draft.song.sections
        assert [line.text for line in sections[0].lines] == ["One", "two", "three"]
        assert len(sections[1].lines) == 2
        assert [line.text for line in sections[2].lines] == ["Six"]


async def test_a_crash_of_the_models_process_leaves_the_draft_and_a_way_on(real_studio):
    async with at_desk(real_studio) as desk:
        desk.screen.workshop.options = ENDLESS
        await desk.type("Down by the river")
        await desk.press("f5")
        await desk.until(lambda: len(desk.text.splitlines()) > 2, "a few lines")
        os.kill(desk.screen.engine_pid, signal.SIGKILL)
        await desk.until(lambda: "draft is safe" in desk.news, "news of the crash")
        kept = desk.text
        assert kept.startswith("Down by the river\n")
        await desk.press("ctrl+g")
        await desk.until(lambda: len(desk.text) > len(kept) + 10, "writing again")


async def test_why_the_models_process_gave_up_stays_on_the_screen(studio):
    async with at_desk(studio) as desk:
        screen = desk.screen
        screen.workshop.options = ENDLESS
        await desk.type("Down by the river")
        await desk.press("f5")
        await desk.until(lambda: len(desk.text.splitlines()) > 2, "a few lines")
        desk.engine.fail("The GPU broke down.")
        await desk.until(lambda: not screen.writing, "the end of writing")
        desk.engine.crash()
        await desk.until(lambda: "ended" in desk.model, "the end of the process")
        assert desk.news == "The GPU broke down."
        kept = desk.text
        await desk.press("ctrl+g")
        await desk.until(lambda: len(desk.text) > len(kept) + 10, "writing again")


async def test_an_unsaved_draft_is_offered_next_time(studio, paths):
    async with at_desk(studio) as desk:
        await desk.type("Not saved")
        await desk.press("ctrl+q")
    again = ScriptedStudio(paths, Settings(device="cpu"))
    async with at_desk(again) as desk:
        editor = desk.screen.query_one(DraftEditor)
        await desk.until(lambda: "You have an unsaved draft. Press ctrl+o, then Enter." in str(editor.placeholder), "the offer")
        assert desk.news == ""  # said once
        await desk.press("ctrl+o")
        await desk.press("enter")
        assert desk.text == "Not saved"
        assert "unsaved" not in str(editor.placeholder)
        await desk.type(" yet")
        await desk.press("ctrl+s", "ctrl+q")
    async with at_desk(ScriptedStudio(paths, Settings(device="cpu"))) as desk:
        await desk.until(lambda: "loading" not in desk.model, "the model")
        assert desk.news == ""


async def test_an_unsaved_draft_is_offered_in_the_status_line_to_one_who_writes_already(studio, paths):
    async with at_desk(studio) as desk:
        await desk.type("Not saved")
        await desk.press("ctrl+q")
    async with at_desk(ScriptedStudio(paths, Settings(device="cpu"))) as desk:
        desk.screen.query_one(DraftEditor).text = "A quick one"
        await desk.until(lambda: "You have an unsaved draft. Press ctrl+o, then Enter." in desk.news, "the offer")
        assert "unsaved" not in str(desk.screen.query_one(DraftEditor).placeholder)


async def test_a_new_draft_names_the_key_under_which_the_last_one_is(studio):
    async with at_desk(studio) as desk:
        await desk.press("ctrl+n")
        assert desk.news == "New draft."
        await desk.type("One")
        await desk.press("ctrl+n")
        assert desk.news == "New draft. Your last draft is under Open (ctrl+o)."
        assert "Open" in {key.description for key in desk.screen.query(FooterKey)}
        await desk.press("ctrl+o")
        assert str(desk.app.screen.query_one("#songs-box").border_title) == "Open"


async def test_a_draft_is_discarded_when_asked_twice(studio, paths):
    async with at_desk(studio) as desk:
        await desk.type("Bad idea")
        await desk.press("ctrl+n")
        await desk.press("ctrl+o")
        await desk.press("f8")
        with Library(paths.library) as library:
            assert len(library.drafts()) == 1
            await desk.press("f8")
            assert library.drafts() == []


async def test_a_draft_that_cannot_be_discarded_is_said_to_stay(studio, paths):
    async with at_desk(studio) as desk:
        await desk.type("Bad idea")
        await desk.press("ctrl+n", "ctrl+o", "f8")
        for tail in ("-wal", "-shm", ""):
            paths.library.with_name(paths.library.name + tail).unlink()
        paths.library.mkdir()
        await desk.press("f8")
        assert "library.sqlite3 can't be used: is a directory" in desk.news


async def test_the_draft_is_on_disk_within_a_second_of_a_change(studio, paths):
    async with at_desk(studio) as desk:
        await desk.type("Kept by itself")
        with Library(paths.library) as library:
            await desk.until(lambda: [record.text for record in library.drafts()] == ["Kept by itself"], "on disk")


async def test_songs_are_found_by_their_words(studio):
    async with at_desk(studio) as desk:
        for line in ("Red river valley", "Blue mountain"):
            await desk.type(line)
            await desk.press("ctrl+s", "ctrl+n")
        await desk.press("ctrl+o")
        assert desk.app.screen.query_one(OptionList).option_count == 2
        await desk.type("mount")
        await desk.until(lambda: desk.app.screen.query_one(OptionList).option_count == 1, "one found")
        await desk.press("enter")
        assert desk.text == "Blue mountain"


async def test_an_earlier_revision_is_opened_and_saved_as_the_last(studio, paths):
    async with at_desk(studio) as desk:
        await desk.type("First words")
        await desk.press("ctrl+s")
        assert desk.news == "Saved as 1: First words"
        await desk.press("ctrl+s")
        assert desk.news == "Saved as 1: First words"  # nothing has changed
        while desk.text:  # word by word, or by less where the machine pauses in the middle of one
            await desk.press("ctrl+z")
        await desk.type("Other words")
        await desk.press("ctrl+s")
        assert desk.news == "Saved as 1 (revision 2; earlier: ctrl+o, f7)"

        await desk.press("ctrl+o", "f7")
        options = desk.app.screen.query_one(OptionList)
        shown = [str(option.prompt).split() for option in options.options]
        assert [(row[:2], row[-2:]) for row in shown] == [
            (["revision", "2"], ["Other", "words"]), (["revision", "1"], ["First", "words"]),
        ]  # fmt: skip
        await desk.press("escape")  # back to the songs
        assert options.option_count == 1
        await desk.press("f7", "down", "enter")
        assert desk.text == "First words"
        assert desk.news == "Opened revision 1 of 1; save it to make it the latest."
        await desk.press("ctrl+z")
        assert desk.text == "Other words"
        await desk.press("ctrl+y", "ctrl+s", "ctrl+q")
    with Library(paths.library) as library:
        assert [(song.revision, song.text) for song in library.revisions(library.song("1"))] == [
            (3, "First words"), (2, "Other words"), (1, "First words"),
        ]  # fmt: skip
        assert library.drafts() == []


async def test_what_is_told_of_revisions_takes_one_row_each_in_an_old_terminal(studio):
    async with at_desk(studio) as desk:
        await desk.type("The ferry leaves at half past nine, and nobody is here to see it go")
        await desk.press("ctrl+s", "!", "ctrl+s")
        await desk.pilot.pause()
        assert desk.app.size == (80, 24)
        assert desk.screen.query_one(StatusLine).size.height == 1
        await desk.press("ctrl+o")
        await desk.pilot.pause()
        options, keys = desk.app.screen.query_one(OptionList), desk.app.screen.query_one("#songs-keys", Label)
        assert (options.virtual_size.height, keys.size.height) == (1, 1)
        assert "The ferry leaves at half past nine" in "".join(segment.text for segment in options.render_line(0))
        await desk.press("f7")
        await desk.pilot.pause()
        assert (options.option_count, options.virtual_size.height, keys.size.height) == (2, 2, 1)
        rows = ["".join(segment.text for segment in options.render_line(row)) for row in range(2)]
        assert [row.split()[:2] for row in rows] == [["revision", "2"], ["revision", "1"]]
        assert all("1 line" in row and row.rstrip().endswith("…") for row in rows)  # a name cut short says so


async def test_what_is_damaged_is_shown_and_cannot_be_opened(paths):
    fill(paths.library)
    damage(paths.library, "songs", "state", "{", row=3)
    studio = ScriptedStudio(paths, Settings(device="cpu"))
    async with at_desk(studio) as desk:
        await desk.press("ctrl+o")
        screen = desk.app.screen
        shown = [str(option.prompt) for option in screen.query_one(OptionList).options]
        assert [("damaged" in row) for row in shown] == [False, True, False, False]  # a draft, and three songs
        assert "song 3 (state)" in shown[1]
        await desk.press("down", "enter")
        assert desk.app.screen is screen
        assert "songsmith songs repair" in str(screen.query_one("#songs-keys", Label).visual)
        await desk.press("down", "enter")
        assert desk.text == "words of Blue Mountain\n[Chorus]\nla la\n"
        await desk.type("!")
        await desk.press("ctrl+s")
        assert desk.news.startswith("Saved as 2 (revision 3;")


async def test_the_title_is_kept_and_shown_to_the_model(studio, paths):
    async with at_desk(studio) as desk:
        await desk.press("shift+tab")
        assert isinstance(desk.app.focused, Input)
        await desk.type("My song")
        await desk.press("enter")
        await desk.type("First line")
        await desk.press("ctrl+s")
        assert desk.news == "Saved as 1: My song"
        await desk.press("ctrl+g")
        await desk.until(lambda: len(desk.text) > 30, "lines")
        await desk.written()
        await desk.press("ctrl+q")
    with Library(paths.library) as library:
        assert library.takes(library.song("1").id)[0].title == "My song"


async def test_a_model_that_cannot_be_loaded_is_said_and_the_draft_can_still_be_written(real_studio, paths):
    folder = paths.models / "broken"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"no")
    async with at_desk(real_studio, model="broken") as desk:
        await desk.until(lambda: "not loaded" in desk.model, "the failure")
        await desk.type("Still writing")
        await desk.press("ctrl+s")
        assert desk.news.startswith("Saved as 1")
        shutil.rmtree(folder)
        shutil.copytree(paths.starter, folder)  # mended
        await desk.press("ctrl+g")
        await desk.until(lambda: len(desk.text.splitlines()) > 2, "lines, once the model is there")


async def test_a_song_from_nothing_has_the_title_the_model_gave_it(studio):
    async with at_desk(studio) as desk:
        desk.screen.workshop.new_seed = lambda: 20
        await desk.press("ctrl+g")
        await desk.until(lambda: bool(desk.text), "lines")
        await desk.written()
        assert desk.screen.query_one("#title", Input).value == desk.screen.workshop.draft.title != ""


async def test_a_disk_that_fails_is_said_and_nothing_is_lost(studio, paths):
    async with at_desk(studio) as desk:
        await desk.type("Precious")
        await desk.until(lambda: paths.library.exists(), "the library")
        studio.library.close()
        hidden = paths.data.with_name("hidden")
        paths.data.rename(hidden)
        paths.data.write_text("in the way")
        await desk.type(" words")
        await desk.until(lambda: "Not saved to disk" in desk.news, "the failure")
        assert desk.text == "Precious words"
        paths.data.unlink()
        hidden.rename(paths.data)
        await desk.type("!")
        with Library(paths.library) as library:
            await desk.until(lambda: "Precious words!" in [record.text for record in library.drafts()], "on disk again")
        assert desk.news == "Saved to disk again."


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_every_key_is_in_the_footer(studio, size):
    async with at_desk(studio, size) as desk:
        await desk.pilot.pause()
        footer = desk.screen.query_one(Footer)
        shown = {key.description for key in footer.query(FooterKey) if key.region.right <= size[0]}
        desk.screen.workshop.options = ENDLESS
        await desk.press("f5")
        await desk.until(lambda: any(key.description == "Stop" for key in footer.query(FooterKey)), "a key to stop")
        shown &= {key.description for key in footer.query(FooterKey) if key.region.right <= size[0]}
        wanted = {"More", "Finish", "Vary", "◀", "▶", "Undo", "Save", "Open", "New", "Quit"}
        if size[0] < 83:  # beside Stop there is no room for the one that matters least
            wanted.remove("▶")
        assert wanted <= shown


async def test_takes_stand_beside_the_draft_where_there_is_room(studio):
    async with at_desk(studio, (200, 60)) as desk:
        await desk.type("One\n")
        await desk.press("ctrl+r")
        await desk.until(lambda: desk.text.strip() not in ("", "One"), "a take")
        await desk.written()
        panel = desk.screen.query_one(TakesPanel)
        assert panel.display
        assert "Versions of this section: 2" in str(panel.visual)


async def test_quitting_with_a_disk_that_fails_asks_to_be_told_twice(studio, paths):
    async with at_desk(studio) as desk:
        await desk.type("Precious")
        await desk.until(lambda: paths.library.exists(), "the library")
        hidden = paths.data.with_name("hidden")
        paths.data.rename(hidden)
        paths.data.write_text("in the way")
        await desk.type(" words")
        await desk.press("ctrl+q")
        assert "Not saved to disk" in desk.news
        assert "ctrl+q again quits" in desk.news
        assert desk.app.is_running
        paths.data.unlink()
        hidden.rename(paths.data)
        await desk.until(lambda: desk.news == "Saved to disk again.", "the draft on disk")
        paths.data.rename(hidden)
        paths.data.write_text("in the way")
        await desk.type(" more")
        await desk.press("ctrl+q")  # the disk has failed anew
        assert desk.app.is_running
        paths.data.unlink()
        hidden.rename(paths.data)
        await desk.press("ctrl+q")
    with Library(paths.library) as library:
        assert [record.text for record in library.drafts()] == ["Precious words more"]


async def test_a_letter_typed_as_a_take_ends_stays(studio):
    async with at_desk(studio) as desk:
        desk.screen.workshop.options = ENDLESS
        await desk.type("One")
        await desk.press("ctrl+g")
        await desk.until(lambda: len(desk.text) > 20, "lines")
        await desk.press("escape", "X", "Y", "Z")
        await desk.until(lambda: bool(desk.screen.workshop.versions_at(0)[0]), "the take")
        assert "XYZ" in desk.text


async def test_what_was_cut_is_still_shown(studio):
    async with at_desk(studio, (200, 60)) as desk:
        await desk.type("One\n\nTwo")
        await desk.press("ctrl+r")
        await desk.until(lambda: not desk.text.endswith("Two"), "a take")
        await desk.written()
        while "\n" in desk.text:
            await desk.press("backspace")
        panel = desk.screen.query_one(TakesPanel)
        await desk.until(lambda: "Cut from this song: 2" in str(panel.visual), "what was cut")


async def test_more_after_a_bare_chorus_brings_its_words_back(studio):
    async with at_desk(studio) as desk:
        await desk.type("[Chorus]\nRoll on\n\nThe road was long\n\n[Chorus]")
        bare = desk.text
        await desk.press("ctrl+g")
        assert desk.text == f"{bare}\nRoll on"
        assert desk.news == "Repeated the same words; ctrl+r writes new ones."
        assert not desk.screen.writing
        await desk.press("ctrl+z")
        assert desk.text == bare
        await desk.press("ctrl+y", "ctrl+g")
        await desk.until(lambda: len(desk.text) > len(bare) + 20, "what comes after it")
        await desk.written()
        assert desk.text.startswith(f"{bare}\nRoll on\n")


async def test_a_song_called_after_a_long_line_leaves_the_draft_in_sight(studio):
    async with at_desk(studio) as desk:
        desk.screen.query_one(DraftEditor).paste_text("river " * 2000)
        await desk.press("ctrl+s")
        assert desk.news == "Saved as 1: river river river river river river river river…"
        await desk.press("ctrl+n", "ctrl+o", "enter")
        assert desk.news == "Opened river river river river river river river river…"


async def test_a_song_changed_elsewhere_is_named_when_the_draft_is_saved_as_another(studio, paths):
    async with at_desk(studio) as desk:
        await desk.type("Mill")
        await desk.press("ctrl+s")
        with Library(paths.library) as library:
            library.put_song(replace(library.song("1"), text="Mill elsewhere"))
        await desk.type(" here")
        await desk.press("ctrl+s")
        assert desk.news == "Saved as 2: Mill here. Song 1 was changed or removed elsewhere."


async def test_pages_are_turned_in_a_long_list_of_songs(studio, paths):
    with Library(paths.library) as library:
        for number in range(60):
            library.put_song(SongRecord(text=f"Song {number}", kept=True))
    async with at_desk(studio) as desk:
        await desk.press("ctrl+o", "pagedown", "pagedown", "pageup")
        songs = desk.app.screen.query_one(OptionList)
        assert songs.highlighted in range(8, 14)
        assert desk.app.screen.query_one(Input).has_focus
