"""Whatever a widget is told, the terminal is not driven by it."""

import pytest
from fakes import ScriptedStudio
from hostile import TEXT, check_shown
from textual.widgets import Input

from songsmith.library.records import SongRecord
from songsmith.tui.app import SongsmithApp
from songsmith.tui.screens.songs import SongsScreen


@pytest.mark.parametrize("dialog", [False, True])
async def test_no_widget_lets_a_string_through(home, dialog):
    app = SongsmithApp(ScriptedStudio.open())
    async with app.run_test(size=(120, 30)) as pilot:
        screen = app.screen
        screen.query_one("#title", Input).value = TEXT
        screen._editor.text = f"Line {TEXT}\nLine two"
        screen._status.tell(f"News {TEXT}")
        if dialog:
            record = SongRecord(title=f"Song {TEXT}", text=TEXT)
            await app.push_screen(SongsScreen(lambda _: [record], lambda _: [record], lambda _: None))
        await pilot.pause()
        shown = [strip.text for strip in app.screen._compositor.render_strips()]
    for words in ("Song Evil",) if dialog else ("Line Evil", "News Evil"):
        assert any(words in row for row in shown), (words, shown)
    for row in shown:
        check_shown(row)
        assert "\n" not in row
