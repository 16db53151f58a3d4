"""Handle keys in the order in which they were pressed, however fast they come.

Textual puts letters into the focused widget's queue, while a bound key bubbles up to the application before its action runs: what
was typed after Backspace may overtake it (https://github.com/Textualize/textual/issues/6605, open as of Textual 8.2.8). Here the
application, which every key comes through first, does itself what a key does, and takes the next key when that is done.
"""

import asyncio
from contextlib import suppress

from textual import events
from textual.app import App
from textual.message_pump import MessagePumpClosed

from songsmith.tui.widgets.typed_text import TypesAtOnce

_TYPED_AHEAD = 60
"""Letters that a person may have typed while the screen was busy; more at once are a paste, and each would cost a look at all."""
_PATIENCE_S = 2.0
"""A widget that has not done its work by then, as when it is just being removed, holds no key up any longer."""


class KeyOrderApp(App[None]):
    """An application whose keys never overtake one another."""

    _clicked = False
    """A click is on its way to where the next key may go."""

    async def on_event(self, event: events.Event) -> None:
        """Take keys and pastes one after the other."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            await self._press(event)
        elif isinstance(event, events.Paste) and not event.is_forwarded:
            await self._paste(event)
        else:
            self._clicked = self._clicked or isinstance(event, events.MouseDown | events.MouseUp)
            await super().on_event(event)

    @property
    def _page(self) -> TypesAtOnce | None:
        focused: object = self.focused
        return focused if isinstance(focused, TypesAtOnce) else None

    async def _press(self, event: events.Key) -> None:
        self.app_focus = True  # or nothing has the focus, and no binding but the screen's is seen
        await self._settle()
        page = self._page
        if page is not None and (text := page.text_of(event)) is not None:
            text += await self._waiting_text(page)
            if len(text) > _TYPED_AHEAD:
                page.paste_text(text)
            else:
                for letter in text:
                    page.type_text(letter)
        elif self._is_bound(event):
            if not (await self._check_bindings(event.key, priority=True) or await self._check_bindings(event.key)):
                await super().on_event(event)
        elif event.key.startswith("alt+") and event.is_printable and event.character:
            # What a terminal sends for escape and a letter right behind it; no alt+letter means anything here.
            await self._press(events.Key("escape", "\x1b"))
            await self._press(events.Key(event.character, event.character))
        else:
            await super().on_event(event)
        await self._settle()

    async def _waiting_text(self, page: TypesAtOnce) -> str:
        """Take the keys that wait already and type as well, as from a terminal that does not mark what is pasted."""
        text = ""
        with suppress(MessagePumpClosed):  # the application is ending
            while isinstance(event := self._peek_message(), events.Key) and not event.is_forwarded:
                if (typed := page.text_of(event)) is None:
                    break
                text += typed
                await self._get_message()
        return text

    async def _paste(self, event: events.Paste) -> None:
        await self._settle()
        page = self._page
        if page is not None:
            page.paste_text(event.text)
        else:
            await super().on_event(event)
            await self._settle()

    def _is_bound(self, event: events.Key) -> bool:
        if self.focused is not None and self.focused.check_consume_key(event.key, event.character):
            return False
        return any(event.key in bindings.key_to_bindings for _, bindings in self.screen._binding_chain)

    async def _settle(self) -> None:
        """Wait until the focused widget and those around it have done what they were sent.

        Twice, since what they do may be to send something up: the search tells its screen that it has changed.
        """
        if self._page is not None and not self._clicked:
            return  # nothing is ever on its way
        self._clicked = False
        for _ in range(2):
            for widget in (self.focused or self.screen).ancestors_with_self:
                if widget is self:
                    continue
                reached = asyncio.Event()
                if widget.call_later(reached.set):
                    with suppress(TimeoutError):
                        await asyncio.wait_for(reached.wait(), _PATIENCE_S)
