"""The workshop as tests sit down at it: driven by keys, served by the engine that the studio starts."""

import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from fakes import ScriptedEngine, ScriptedStudio
from textual import events
from textual.app import App
from textual.pilot import Pilot

from songsmith.generation.options import GenerationOptions
from songsmith.settings import Settings
from songsmith.studio.studio import Studio
from songsmith.tui.app import SongsmithApp
from songsmith.tui.screens.workshop import WorkshopScreen
from songsmith.tui.widgets.editor import DraftEditor
from songsmith.tui.widgets.status import StatusLine

ENDLESS = GenerationOptions(max_lines=0, min_lines=100_000, max_new_tokens=1_000_000)
CHARACTERS = {"space": " ", "enter": "\r"}
"""What keys type that have names."""


class Desk:
    """A workshop being used."""

    def __init__(self, app: SongsmithApp, pilot: Pilot[None], studio: Studio) -> None:
        self.app, self.pilot, self._studio = app, pilot, studio

    @property
    def engine(self) -> ScriptedEngine:
        """The scripted engine that was started last."""
        assert isinstance(self._studio, ScriptedStudio)
        return self._studio.engines[-1]

    @property
    def screen(self) -> WorkshopScreen:
        screen = next(screen for screen in self.app.screen_stack if isinstance(screen, WorkshopScreen))
        assert isinstance(screen, WorkshopScreen)
        return screen

    @property
    def text(self) -> str:
        return self.screen.query_one(DraftEditor).text

    @property
    def news(self) -> str:
        return self.screen.query_one(StatusLine).news

    @property
    def model(self) -> str:
        return self.screen.query_one(StatusLine).model

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        await self.pilot.press(*({"\n": "enter", " ": "space"}.get(key, key) for key in text))

    async def until(self, wanted: Callable[[], bool], what: str) -> None:
        for _ in range(600):
            if wanted():
                return
            await self.pilot.pause(0.05)
        raise AssertionError(f"never: {what}; status: {self.model} | {self.news}; text: {self.text!r}")

    async def written(self) -> None:
        """Wait for the take being written to end."""
        await self.until(lambda: not self.screen.writing, "the end of the take")


@asynccontextmanager
async def at_desk(studio: Studio, size: tuple[int, int] = (80, 24), model: str = "starter") -> AsyncIterator[Desk]:
    studio = replace(studio, settings=Settings(model=model, device="cpu"))
    app = SongsmithApp(studio)
    async with app.run_test(size=size) as pilot:
        desk = Desk(app, pilot, studio)
        desk.screen.workshop.new_seed = itertools.count(1).__next__  # the same takes every time
        yield desk


def send(app: App[None], keys: Sequence[str]) -> None:
    """Send keys as a terminal does that has them all at once: none waits for the one before."""
    for key in keys:
        app.post_message(events.Key(key, CHARACTERS.get(key, key if len(key) == 1 else None)))
