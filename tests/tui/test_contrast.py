"""Whether everything on the screen can be read: the contrast of all text with its ground, in every theme, in every state."""

import pytest
from fakes import ScriptedStudio
from rich.color import Color
from rich.style import Style
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Input, TextArea

from songsmith.library.library import Library
from songsmith.library.records import SongRecord
from songsmith.lyrics import Author
from songsmith.paths import Paths
from songsmith.settings import THEMES as CHOICES
from songsmith.settings import Settings
from songsmith.studio.draft import Draft
from songsmith.tui.app import SongsmithApp
from songsmith.tui.screens.workshop import WorkshopScreen
from songsmith.tui.themes import THEMES
from songsmith.tui.widgets.status import StatusLine

ENOUGH = 4.5
"""What WCAG 2.2 asks of text, 1.4.3 (AA)."""
DRAWN = set("▊▎▁▂▃▄▅▆▇█▌▐▔╭╮╰╯─│┃━ ")
"""Frames and scrollbars are no text."""
MINE = "Down by the river\nwhere the willows lean"
THEIRS = "\nI left my heart beneath the stone\n\n[Chorus]\nOh, carry me, river\nOh, carry me down"


def luminance(colour: Color) -> float:
    """Return the relative luminance of a colour, 0 to 1: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    assert colour.triplet is not None, f"{colour} is left to the terminal"
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.triplet.normalized]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(style: Style) -> float:
    """Return the contrast of a text with its ground, 1 to 21: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    assert style.color is not None
    assert style.bgcolor is not None
    assert not style.dim
    lighter, darker = sorted((luminance(style.color), luminance(style.bgcolor)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def hard_to_read(app: SongsmithApp) -> dict[str, str]:
    """Return what stands on the screen with too little contrast: colours and contrast, and a text in them."""
    found = {}
    # What lies behind a dialog is out of use, and shaded to say so.
    shown = app.screen.children[0].region if isinstance(app.screen, ModalScreen) else app.screen.region
    for strip in app.screen._compositor.render_strips()[shown.y : shown.bottom]:
        for segment in strip.crop(shown.x, shown.right):
            text = "".join(character for character in segment.text if character not in DRAWN)
            if text and segment.style is not None and (ratio := contrast(segment.style)) < ENOUGH:
                found[f"{segment.style}: {ratio:.2f}"] = segment.text.strip()
    return found


@pytest.fixture
def app(paths: Paths, request: pytest.FixtureRequest) -> SongsmithApp:
    draft = Draft(title="Carry me").with_text(MINE, Author.PERSON).with_text(MINE + THEIRS, Author.MODEL)
    draft = draft.with_snapshot(0).with_snapshot(1)
    draft = draft.with_text(draft.text.replace("carry me down", "bear me away"), Author.MODEL).with_snapshot(1, take_id="a")
    studio = ScriptedStudio(paths, Settings(device="cpu", theme=request.param))
    studio.prepare_home()
    with Library(paths.library) as library:
        for kept in (True, False):
            library.put_song(
                SongRecord(
                    title=draft.title, text=draft.text, authors=draft.line_authors, kept=kept, state=draft.as_json()
                )
            )
    return SongsmithApp(studio)


def test_each_theme_that_can_be_set_is_there():
    assert set(CHOICES) == {"auto", *THEMES}


@pytest.mark.parametrize("app", sorted(THEMES), indirect=True)
async def test_everything_can_be_read(app):
    seen: dict[str, str] = {}

    async def look(state: str, pilot: Pilot[None]) -> None:
        await pilot.pause()
        for colours, text in hard_to_read(app).items():
            seen.setdefault(colours, f"{state}: {text}")

    async with app.run_test(size=(130, 30), notifications=True) as pilot:
        screen = app.screen
        assert isinstance(screen, WorkshopScreen)
        status, editor = screen.query_one(StatusLine), screen.query_one(TextArea)
        await pilot.pause(0.3)
        await look("an empty page", pilot)
        await pilot.press("ctrl+o")
        await look("the songs", pilot)
        await pilot.press("down")
        await look("the second of the songs", pilot)
        await pilot.press("tab")
        await look("the list of songs", pilot)
        await pilot.hover("#songs-list", offset=(4, 0))
        await look("a song under the mouse", pilot)
        await pilot.press("shift+tab", *"willows")
        await look("songs found", pilot)
        await pilot.press(*"xyz")
        await look("no songs found", pilot)
        await pilot.press(*["backspace"] * 10, "enter")
        await look("a song", pilot)
        await pilot.press("shift+left", "shift+up", "shift+up", "shift+up")
        await look("a selection", pilot)
        await pilot.press("home")
        await look("the cursor on a letter", pilot)
        await pilot.press("ctrl+home")
        await look("the cursor on a letter of one's own", pilot)
        status.tell("Saved as 1: Carry me")
        await look("news", pilot)
        status.tell("The disk is full.", failed=True)
        await look("bad news", pilot)
        await pilot.press("shift+tab")
        await look("the title", pilot)
        await pilot.press("shift+home")
        await look("a selection in the title", pilot)
        await pilot.press("delete")
        await look("a title that is missing", pilot)
        await pilot.press("tab")
        await look("a title that is missing, from elsewhere", pilot)
        for key in screen.query("FooterKey"):
            await pilot.hover(key)
            await look("a key under the mouse", pilot)
        await pilot.pause(0.6)
        await look("what a key does", pilot)
        await pilot.press("ctrl+c")
        for severity in ("information", "warning", "error"):
            app.notify("Something happened.", title="News", severity=severity)
        await look("toasts", pilot)
        editor.text = ""
        screen.query_one("#title", Input).value = ""
        await look("an empty page again", pilot)
    assert not seen, "\n".join(f"{colours} ({where})" for colours, where in seen.items())
