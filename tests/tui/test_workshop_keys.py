"""Keys, pastes and undo in the workshop, as a person uses them who does not wait for the screen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from desks import ENDLESS, Desk, send
from desks import at_desk as at_any_desk
from textual import events
from textual.widgets import Input

from songsmith.library.library import Library
from songsmith.studio.studio import Studio
from songsmith.tui.widgets.editor import DraftEditor
from songsmith.tui.widgets.takes import TakesPanel


@asynccontextmanager
async def at_desk(studio: Studio, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Desk]:
    async with at_any_desk(studio, size) as desk:
        desk.screen.workshop.clock = lambda: 0.0  # however slow the machine is, nobody pauses
        yield desk


async def burst(desk: Desk, *keys: str) -> None:
    """Send keys at once, letters of a text one by one."""
    send(desk.app, [{" ": "space", "\n": "enter"}.get(key, key) for key in keys])
    await desk.pilot.pause()
    await desk.pilot.pause()


def title(desk: Desk) -> str:
    return desk.screen.query_one("#title", Input).value


async def test_letters_and_bound_keys_sent_at_once_take_effect_in_order(studio):
    async with at_desk(studio) as desk:
        await burst(desk, *"abc", "backspace", "backspace", *"XY")
        assert desk.text == "aXY"
        await burst(desk, "left", "Z", "ctrl+home", "0", "ctrl+end", "enter", "1", "up", "home", "2", "down", "3")
        assert desk.text == "20aXZY\n13"


async def test_save_keeps_the_letter_before_it_and_not_the_one_after(studio, paths):
    async with at_desk(studio) as desk:
        await burst(desk, "x", "ctrl+s", "y")
        assert desk.text == "xy"
        with Library(paths.library) as library:
            assert library.song("1").text == "x"


async def test_undo_comes_before_the_letter_after_it(studio):
    async with at_desk(studio) as desk:
        await burst(desk, *"one two", "ctrl+z", "x", "ctrl+z", "ctrl+y", "y")
        assert desk.text == "onexy"


async def test_keys_that_move_the_focus_send_what_follows_there(studio):
    async with at_desk(studio) as desk:
        await burst(desk, "a", "shift+tab", *"My song", "enter", "b", "shift+tab", "end", "!", "tab", "c")
        assert title(desk) == "My song!"
        assert desk.text == "abc"


async def test_what_is_typed_behind_open_goes_into_the_dialog(studio):
    async with at_desk(studio) as desk:
        await burst(desk, *"Red river", "ctrl+s", "ctrl+n", *"Blue hill", "ctrl+s", "ctrl+n")
        await burst(desk, "ctrl+o", *"red", "enter", "!")
        await desk.until(lambda: desk.text == "Red river!", "the song opened, and then the letter")
        await burst(desk, "ctrl+o", "x", "escape", "?")
        await desk.until(lambda: desk.text == "Red river!?", "the dialog closed, and then the letter")


@pytest.mark.parametrize("rounds", [2, pytest.param(20, marks=pytest.mark.slow)])
async def test_keys_keep_their_order_while_a_take_streams(studio, rounds):
    async with at_desk(studio) as desk:
        desk.screen.workshop.options = ENDLESS
        await desk.type("One\n\nTwo")
        await desk.press("f5")
        await desk.until(lambda: len(desk.text.splitlines()) > 4, "a few lines")
        await desk.press("ctrl+home")
        for number in range(rounds):
            await burst(desk, *"abc", "backspace", "backspace", *"XY", "left", "left", "delete", "right", *f"{number} ")
            await burst(desk, "shift+tab", "end", *"tit", "left", "backspace", "tab")
        assert desk.screen.writing
        await burst(desk, "escape", "!")
        assert desk.text.startswith("".join(f"aY{number} " for number in range(rounds)) + "!One\n\nTwo\n")
        assert title(desk) == "tt" * rounds


async def test_escape_and_a_letter_right_behind_it_stop_and_type(studio):
    async with at_desk(studio) as desk:
        desk.screen.workshop.options = ENDLESS
        await desk.type("One")
        await desk.press("f5")
        await desk.until(lambda: len(desk.text) > 20, "lines")
        await desk.press("ctrl+home")
        desk.app.post_message(events.Key("alt+x", "x"))  # what a terminal makes of the two
        await desk.until(lambda: not desk.screen.writing, "the end of the take")
        assert desk.text.startswith("xOne")


async def test_every_character_that_can_be_typed_is_kept(studio, paths):
    line = "夜の夜　に　咲く花 می‌خواهم quoi ! 👩‍👧 é \U0001fae8 ❤️ "
    async with at_desk(studio) as desk:
        send(desk.app, line)
        await desk.press("shift+tab")
        send(desk.app, line)
        await desk.press("ctrl+s")
        with Library(paths.library) as library:
            record = library.song("1")
        assert record.text == line
        assert title(desk) == line
        await desk.press("ctrl+o")
        send(desk.app, "夜　に")
        await desk.pilot.pause()
        assert desk.app.screen.query_one(Input).value == "夜　に"


SONG = "The wheel\n\n[Verse 1]\nThe wheel goes round\n\tThe water falls\n\n[Chorus]\nOh hear the sound\n"


@pytest.mark.parametrize("newline", ["\n", "\r", "\r\n"])
async def test_a_song_pasted_into_the_title_becomes_title_and_draft(studio, newline):
    async with at_desk(studio) as desk:
        await desk.type("Old words")
        await desk.press("shift+tab")
        desk.app.post_message(events.Paste(SONG.replace("\n", newline)))
        send(desk.app, "!")
        await desk.pilot.pause()
        assert title(desk) == "The wheel!"
        expected = "[Verse 1]\nThe wheel goes round\n\tThe water falls\n\n[Chorus]\nOh hear the sound\n\nOld words"
        assert desk.text == expected
        assert "start of the draft" in desk.news
        await desk.press("ctrl+z")
        assert (title(desk), desk.text) == ("The wheel", expected)
        await desk.press("ctrl+z")
        assert (title(desk), desk.text) == ("", "Old words")


async def test_a_song_without_a_title_pasted_into_the_title_is_all_in_the_draft(studio):
    song = SONG.partition("\n\n")[2]
    async with at_desk(studio) as desk:
        await desk.press("shift+tab")
        desk.app.post_message(events.Paste(song))
        await desk.pilot.pause()
        assert title(desk) == ""
        assert desk.text == song.rstrip("\n")


async def test_title_enter_and_paste_are_undone_step_by_step(studio):
    async with at_desk(studio) as desk:
        await desk.press("ctrl+z")
        assert desk.news == "Nothing to undo."
        await desk.press("ctrl+y")
        assert desk.news == "Nothing to redo."
        await desk.press("shift+tab")
        await burst(desk, *"Wheel", "enter")
        desk.app.post_message(events.Paste("ten lines\n" * 10))
        await desk.pilot.pause()
        await desk.type("end")
        await desk.press("ctrl+z")
        assert desk.text == "ten lines\n" * 10
        await desk.press("ctrl+z")
        assert (title(desk), desk.text) == ("Wheel", "")
        await desk.press("ctrl+z")
        assert (title(desk), desk.text) == ("", "")
        await desk.press("ctrl+z")
        assert desk.news == "Nothing to undo."


async def test_typing_after_the_cursor_went_elsewhere_and_came_back_is_a_step_of_its_own(studio):
    async with at_desk(studio) as desk:
        await burst(desk, *"abc", "left", "right", *"de", "shift+tab", "tab", *"fg")
        assert desk.text == "abcdefg"
        await desk.press("ctrl+z")
        assert desk.text == "abcde"
        await desk.press("ctrl+z")
        assert desk.text == "abc"


async def test_undoing_a_take_leaves_what_was_typed_meanwhile(studio):
    async with at_desk(studio) as desk:
        desk.screen.workshop.options = ENDLESS
        await desk.type("One")
        await desk.press("f5")
        await desk.until(lambda: len(desk.text) > 20, "lines")
        await desk.press("ctrl+home")
        await desk.type("Zero")
        before = len(desk.text)
        await desk.until(lambda: len(desk.text) > before + 20, "more lines")
        await desk.press("ctrl+z")
        assert desk.text == "ZeroOne"
        await desk.press("ctrl+y")
        assert desk.text.startswith("ZeroOne\n")
        assert len(desk.text) > 30
        await desk.press("ctrl+z")
        assert desk.text == "ZeroOne"


async def test_after_new_the_cursor_is_in_the_draft(studio):
    async with at_desk(studio) as desk:
        await desk.type("One")
        await desk.press("shift+tab")
        await burst(desk, *"Title", "ctrl+n", *"Two")
        assert (title(desk), desk.text) == ("", "Two")


async def test_the_versions_are_those_of_what_was_just_pasted(studio):
    async with at_desk(studio, (200, 60)) as desk:
        panel = desk.screen.query_one(TakesPanel)
        desk.app.post_message(events.Paste("One\ntwo\n\nThree"))
        await desk.until(lambda: "Versions of this section: 1" in str(panel.visual), "the verse")
        await desk.press("ctrl+home")
        await burst(desk, *["delete"] * 20)
        await desk.until(lambda: "No verse here yet" in str(panel.visual), "none, where all is cut")


@pytest.mark.parametrize("size", [(80, 8), (20, 24)])
async def test_the_cursor_is_in_sight_after_the_terminal_shrank(studio, size):
    async with at_desk(studio) as desk:
        desk.app.post_message(events.Paste("A row of words that is wrapped in a narrow terminal\n" * 18 + "end"))
        await desk.pilot.pause()
        await desk.pilot.resize_terminal(*size)
        await desk.pilot.pause()
        editor = desk.screen.query_one(DraftEditor)
        assert editor.cursor_screen_offset in editor.content_region


async def test_a_paste_that_the_terminal_does_not_mark_is_one_step(studio):
    text = "A line of a song\n" * 500
    async with at_desk(studio) as desk:
        await burst(desk, *"Mine", "enter")
        await burst(desk, *text, "home", "x", "ctrl+z")
        assert desk.text == f"Mine\n{text}"
        await burst(desk, "ctrl+z")
        assert desk.text == "Mine\n"


async def test_a_search_that_is_still_on_its_way_when_the_dialog_closes_ends_nothing(studio):
    async with at_desk(studio) as desk:
        await desk.press("ctrl+o")
        dialog = desk.app.screen
        search = dialog.query_one(Input)
        await dialog.query("#songs-box").remove()  # as the first thing of its closing
        dialog.post_message(Input.Changed(search, "mill"))
        await desk.pilot.pause()
        await desk.press("f7", "f8", "down", "escape", "x")
        assert desk.text == "x"
