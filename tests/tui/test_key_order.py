"""Keys that come all at once take effect one after the other, as pressed: letters, bound keys, keys that move the focus."""

import asyncio
from dataclasses import dataclass, field

from desks import CHARACTERS, send
from hypothesis import given
from hypothesis import strategies as st
from textual.app import ComposeResult

from songsmith.tui.key_order import KeyOrderApp
from songsmith.tui.widgets.editor import DraftEditor
from songsmith.tui.widgets.title import TitleInput


class Page(KeyOrderApp):
    """A title and a draft, and nothing else."""

    AUTO_FOCUS = "#draft"

    def compose(self) -> ComposeResult:
        yield TitleInput(edited=lambda: None, pasted=lambda rest: None, left=lambda: None, id="title")
        yield DraftEditor(lambda: (), edited=lambda: None, moved=lambda: None, id="draft")


@dataclass
class Field:
    """A text and a cursor in it, and what keys do to them: the model that the screen is compared with."""

    text: str = ""
    cursor: int = 0
    selected: bool = False
    """All of it is, since it just got the focus."""

    @property
    def row_start(self) -> int:
        return self.text.rfind("\n", 0, self.cursor) + 1

    @property
    def row_end(self) -> int:
        return (self.text + "\n").index("\n", self.cursor)

    def replace(self, start: int, end: int, by: str = "") -> None:
        self.text = self.text[:start] + by + self.text[end:]
        self.cursor = start + len(by)

    def press(self, key: str) -> None:
        at, size = self.cursor, len(self.text)
        if self.selected:
            self.selected = False
            if key in ("left", "home"):
                self.cursor = 0
                return
            if key in ("right", "end"):
                self.cursor = size
                return
            at, size = 0, 0
            self.replace(0, len(self.text))
            if key in ("backspace", "delete"):
                return
        match key:
            case "left":
                self.cursor = max(at - 1, 0)
            case "right":
                self.cursor = min(at + 1, size)
            case "home":
                self.cursor = self.row_start
            case "end":
                self.cursor = self.row_end
            case "backspace":
                self.replace(max(at - 1, 0), at)
            case "delete":
                self.replace(at, min(at + 1, size))
            case "ctrl+u":
                self.replace(self.row_start if self.row_start < at else max(at - 1, 0), at)
            case "ctrl+k":
                self.replace(at, self.row_end if at < self.row_end else min(at + 1, size))
            case "enter":
                self.replace(at, at, "\n")
            case _:
                self.replace(at, at, CHARACTERS.get(key, key))


@dataclass
class Desk:
    """Title and draft, one of them with the focus."""

    title: Field = field(default_factory=Field)
    draft: Field = field(default_factory=Field)
    in_draft: bool = True

    def press(self, key: str) -> None:
        if key in ("tab", "shift+tab"):
            self.in_draft = not self.in_draft
            self.title.selected = not self.in_draft and bool(self.title.text)
        elif self.in_draft:
            self.draft.press(key)
        elif key != "enter":
            self.title.press(key)


KEYS = [*"abc\u3000\u200d", "space", "enter", "left", "right", "home", "end", "backspace", "delete"]
KEYS += ["ctrl+u", "ctrl+k", "tab", "shift+tab"]


@given(st.lists(st.sampled_from(KEYS), max_size=30))
def test_keys_sent_at_once_do_what_they_do_one_by_one(keys):
    async def run() -> None:
        app = Page()
        async with app.run_test() as pilot:
            send(app, keys)
            await pilot.pause()
            await pilot.pause()
            desk = Desk()
            for key in keys:
                desk.press(key)
            assert app.query_one(DraftEditor).text == desk.draft.text
            assert app.query_one(TitleInput).value == desk.title.text
            assert app.focused is not None
            assert app.focused.id == ("draft" if desk.in_draft else "title")

    asyncio.run(run())
