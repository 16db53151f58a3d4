"""Where things stand on the screen, narrow and wide: nothing that calls for action is cut, covered or out of sight."""

from collections.abc import Callable

import pytest
from desks import ENDLESS
from fakes import ScriptedStudio
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.pilot import Pilot
from textual.widgets import TextArea
from textual.widgets._footer import FooterKey
from textual.widgets._toast import Toast

from songsmith.lyrics import Author
from songsmith.paths import Paths
from songsmith.settings import Settings
from songsmith.studio.draft import Draft, Version
from songsmith.tui import app as songsmith_app
from songsmith.tui.app import SongsmithApp
from songsmith.tui.screens.workshop import WorkshopScreen
from songsmith.tui.widgets.keys import KeysFooter
from songsmith.tui.widgets.status import StatusLine
from songsmith.tui.widgets.takes import TakesPanel

ALWAYS = {"quit", "go_on", "stop", "save"}


@pytest.fixture
def app(paths: Paths) -> SongsmithApp:
    studio = ScriptedStudio(paths, Settings(device="cpu", theme="dark"))
    studio.prepare_home()
    return SongsmithApp(studio)


class StatusAlone(App[None]):
    """The status line under a text, with no model to tell of."""

    CSS_PATH = songsmith_app.__file__.replace("app.py", SongsmithApp.CSS_PATH)

    def compose(self) -> ComposeResult:
        yield TextArea()
        yield StatusLine()


def rows(app: App[None]) -> list[str]:
    return [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]


async def until(pilot: Pilot[None], wanted: Callable[[], bool]) -> None:
    for _ in range(200):
        if wanted():
            return
        await pilot.pause(0.02)
    raise AssertionError("never:\n" + "\n".join(rows(pilot.app)))


def shown_keys(pilot: Pilot[None]) -> list[str]:
    """Return the actions whose keys can be read whole, from left to right."""
    footer = pilot.app.screen.query_one(KeysFooter)
    assert all(footer.region.contains_region(key.region) for key in footer.query(FooterKey) if key.display)
    return [key.action.rpartition(".")[2] for key in footer.query(FooterKey) if key.display]


async def test_the_keys_that_matter_most_are_there_down_to_forty_columns(app):
    async with app.run_test(size=(120, 24)) as pilot:
        screen = app.screen
        assert isinstance(screen, WorkshopScreen)
        await pilot.pause()
        every = shown_keys(pilot)
        assert len(every) == 10
        screen.workshop.options = ENDLESS
        await pilot.press("f5")
        footer = screen.query_one(KeysFooter)
        await until(pilot, lambda: any(key.action.endswith("stop") and key.region for key in footer.query(FooterKey)))
        await pilot.pause()
        every = shown_keys(pilot)
        assert len(every) == 11
        before = set(every)
        for width in (97, 80, 72, 64, 55, 48, 41, 40):
            await pilot.resize_terminal(width, 24)
            await pilot.pause()
            keys = shown_keys(pilot)
            assert set(keys) >= ALWAYS, width
            assert set(keys) <= before, width
            assert keys == [key for key in every if key in keys]
            before = set(keys)
        await pilot.resize_terminal(120, 24)
        await pilot.pause()
        assert shown_keys(pilot) == every


def versions(count: int, line: str = "A line that is short") -> list[Version]:
    return [Version(lines=(f"{line} {place}", "And another one"), authors=(Author.MODEL,) * 2) for place in range(count)]


@pytest.mark.parametrize("size", [(120, 24), (200, 60)])
async def test_the_panel_follows_its_mark(app, size):
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        panel = app.screen.query_one(TakesPanel)
        for current in (29, 12, 0, 29, 15):
            panel.show(versions(30), current, ())

            def in_sight(current: int = current) -> bool:
                right = [row[panel.region.x : panel.region.right].strip() for row in rows(app)[1:-2]]
                marked = [f"▶ {current + 1}  model", f"A line that is short {current}", "And another one"]
                return marked in [right[place : place + 3] for place in range(len(right))]

            await until(pilot, in_sight)


async def test_scrolling_the_panel_by_hand_lasts_while_nothing_changes(app):
    async with app.run_test(size=(120, 24)) as pilot:
        await pilot.pause()
        panel = app.screen.query_one(TakesPanel)
        panel.show(versions(30), 29, ())
        scroll = app.screen.query_one("#takes", VerticalScroll)
        await until(pilot, lambda: scroll.scroll_y > 0)
        scroll.scroll_home(animate=False)
        panel.show(versions(30), 29, ())
        await pilot.pause()
        assert scroll.scroll_y == 0


async def test_a_wrapped_line_keeps_its_indent(app):
    async with app.run_test(size=(120, 24)) as pilot:
        await pilot.pause()
        panel = app.screen.query_one(TakesPanel)
        panel.show(versions(1, "word " * 20 + "漢字" * 30), 0, ())
        await pilot.pause()
        right = [row[panel.region.x :] for row in rows(app)[1:-2]]
        lyric = [row for row in right[right.index("▶ 1  model") + 1 :] if row.strip()]
        assert len(lyric) > 4
        assert lyric[0].startswith("    word")
        assert lyric[-1] == "    And another one"
        assert all(row.startswith("      ") and row[6] != " " for row in lyric[1:-1]), lyric[1:]


@pytest.mark.parametrize("width", [40, 64, 80, 120])
async def test_the_toast_leaves_the_status_line_and_the_keys_in_sight(app, width):
    async with app.run_test(size=(width, 24), notifications=True) as pilot:
        await pilot.pause()
        app.screen.query_one(StatusLine).tell("The model ended. Your draft is safe; ctrl+g starts it again.", failed=True)
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert app.screen.query(Toast)
        shown = " ".join(" ".join(rows(app)).split())
        assert "Your draft is safe; ctrl+g starts it again." in shown
        assert "^q Quit" in shown


@pytest.mark.parametrize("width", [40, 41, 55, 64, 72, 80, 120])
@pytest.mark.parametrize(
    "news",
    [
        "The model is still loading; it will write as soon as it can.",
        "The disk that holds /home/somebody/.local/share/songsmith/library.db is full. Free some space and try again; "
        "nothing was lost.",
        "Short.",
    ],
)
async def test_news_are_never_cut(width, news):
    app = StatusAlone()
    async with app.run_test(size=(width, 24)) as pilot:
        await pilot.pause()
        status = app.screen.query_one(StatusLine)
        status.show_model("starter · cpu · 1029 tokens/s")
        status.tell(news)
        await pilot.pause()
        told = "".join(" ".join(rows(app)[status.region.y : status.region.bottom]).split())
        assert "".join(news.split()) in told
        assert "starter·cpu·1029tokens/s" in told
        status.tell("")
        await pilot.pause()
        assert status.region.height == 1
        assert app.screen.query_one(TextArea).region.bottom == status.region.y


async def test_widening_the_terminal_shows_the_versions_at_once(app):
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        assert isinstance(screen, WorkshopScreen)
        draft = Draft().with_text("One\ntwo", Author.PERSON)
        screen.workshop.draft = draft.with_snapshot(0)
        screen._show_draft()
        await pilot.pause()
        await pilot.resize_terminal(120, 24)
        await pilot.pause()
        assert "Versions of this section: 1" in "\n".join(rows(app))


async def test_a_mouse_button_pressed_on_a_toast_that_is_going_away_does_nothing(app):
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.pause()
        await pilot.press("ctrl+c")
        await pilot.pause()
        toast = app.screen.query_one(Toast)
        place = toast.region.offset
        with app.batch_update():  # it is still where it was on the screen
            await toast.remove()
            await pilot.mouse_down(offset=place)
            await pilot.mouse_up(offset=place)
        await pilot.press("a")
        assert app.is_running
