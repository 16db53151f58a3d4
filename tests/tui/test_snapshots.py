"""What the workshop looks like, at the size of an old terminal and of a whole screen."""

import pytest
from fakes import ScriptedStudio
from textual.pilot import Pilot

from songsmith.library.library import Library
from songsmith.library.records import SongRecord
from songsmith.lyrics import Author
from songsmith.paths import Paths
from songsmith.settings import Settings
from songsmith.studio.draft import Draft
from songsmith.tui.app import SongsmithApp
from songsmith.tui.widgets.editor import DraftEditor
from songsmith.tui.widgets.status import StatusLine

SIZES = [(80, 24), (200, 60)]
MINE = "Down by the river\nwhere the willows lean"
THEIRS = "\nI left my heart beneath the stone\nand all the grass grew green\n\n[Chorus]\nOh, carry me, river\nOh, carry me down"


@pytest.fixture
def app(paths: Paths, request: pytest.FixtureRequest) -> SongsmithApp:
    studio = ScriptedStudio(paths, Settings(device="cpu", theme=getattr(request, "param", "dark")))
    studio.prepare_home()
    draft = Draft(title="Carry me").with_text(MINE, Author.PERSON).with_text(MINE + THEIRS, Author.MODEL)
    draft = draft.with_snapshot(1)
    other = draft.with_text(draft.text.replace("carry me down", "bear me away"), Author.MODEL).with_snapshot(1, take_id="a")
    record = SongRecord(
        title=other.title, text=other.text, authors=other.line_authors, kept=True, state=other.as_json()
    )
    with Library(paths.library) as library:
        library.put_song(record)
    return SongsmithApp(studio)


async def settle(pilot: Pilot[None]) -> None:
    """Wait until the model is loaded: what the screen shows then is the same every time."""
    await pilot.pause()
    screen = pilot.app.screen
    screen.query_one(DraftEditor).cursor_blink = False
    while "starter · cpu" not in screen.query_one(StatusLine).model:
        await pilot.pause(0.05)


async def open_the_song(pilot: Pilot[None]) -> None:
    await settle(pilot)
    await pilot.press("ctrl+o")
    await pilot.pause()
    await pilot.press("enter")
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES)
def test_workshop_with_a_song(app, size, snap_compare):
    assert snap_compare(app, terminal_size=size, run_before=open_the_song)


@pytest.mark.parametrize("app", ["light"], indirect=True)
@pytest.mark.parametrize("size", SIZES)
def test_workshop_in_light_colours(app, size, snap_compare):
    assert snap_compare(app, terminal_size=size, run_before=open_the_song)


@pytest.mark.parametrize("size", SIZES)
def test_workshop_empty(paths, size, snap_compare):
    studio = ScriptedStudio(paths, Settings(device="cpu", theme="dark"))
    studio.prepare_home()
    assert snap_compare(SongsmithApp(studio), terminal_size=size, run_before=settle)
