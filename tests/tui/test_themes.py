"""The workshop's colours: as set, as the terminal says, or changed by a key and remembered."""

import os
import tomllib

import pytest
from fakes import ScriptedStudio

from songsmith.paths import Paths
from songsmith.settings import Settings
from songsmith.tui.app import SongsmithApp
from songsmith.tui.widgets.status import StatusLine


def open_workshop(paths: Paths) -> SongsmithApp:
    studio = ScriptedStudio(paths, Settings.load(paths, os.environ))
    studio.prepare_home()
    return SongsmithApp(studio)


@pytest.mark.parametrize(
    ("environment", "theme"),
    [
        ({}, "dark"),
        ({"COLORFGBG": "0;15"}, "light"),
        ({"COLORFGBG": "0;default;15"}, "light"),
        ({"COLORFGBG": "15;0"}, "dark"),
        ({"COLORFGBG": "15;default"}, "dark"),
        ({"COLORFGBG": "15;0", "SONGSMITH_THEME": "light"}, "light"),
        ({"COLORFGBG": "0;15", "SONGSMITH_THEME": "dark"}, "dark"),
    ],
)
async def test_the_theme_is_as_set_or_as_the_terminal_says(paths, monkeypatch, environment, theme):
    monkeypatch.delenv("COLORFGBG", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    app = open_workshop(paths)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.current_theme.dark is (theme == "dark")
        assert (app.screen.styles.background.brightness < 0.5) is (theme == "dark")


async def test_a_key_changes_the_theme_and_the_next_workshop_has_it(paths, monkeypatch):
    monkeypatch.delenv("COLORFGBG", raising=False)
    app = open_workshop(paths)
    async with app.run_test() as pilot:
        dark = app.screen.styles.background
        await pilot.press("f2")
        await pilot.pause()
        assert app.screen.query_one(StatusLine).news == "Theme: light"
        assert app.screen.styles.background != dark
    assert tomllib.loads(paths.settings.read_text()) == {"theme": "light"}
    app = open_workshop(paths)
    async with app.run_test() as pilot:
        assert app.theme == "light"
        await pilot.press("f2")
        assert app.theme == "dark"
    assert Settings.load(paths, {}).theme == "dark"


async def test_a_theme_that_is_not_remembered_is_said(paths, monkeypatch):
    monkeypatch.setenv("SONGSMITH_THEME", "dark")
    app = open_workshop(paths)
    async with app.run_test() as pilot:
        await pilot.press("f2")
        assert app.theme == "light"
        assert app.screen.query_one(StatusLine).news == "Theme: light, this time only; SONGSMITH_THEME sets another."
        paths.settings.write_text("theme = ")
        await pilot.press("f2")
        assert app.theme == "dark"
        assert "this time only" in app.screen.query_one(StatusLine).news
    assert paths.settings.read_text() == "theme = "
