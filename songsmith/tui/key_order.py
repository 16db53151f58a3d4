"""Keys take effect in the order they were pressed, however fast they come.

Textual gives letters to the focused widget's queue, while a bound key wanders up to the application before its action runs: what
was typed after Backspace may overtake it (https://github.com/Textualize/textual/issues/6605, open as of Textual 8.2.8). Here the
application, which every key comes through first, runs bindings itself: once all that was typed before has been done, and with
all that comes after waiting.
"""

import asyncio
from contextlib import suppress

from textual import events
from textual.app import App

_PATIENCE_S = 2.0
"""A widget that has not done its work by then, as when it is just being removed, holds no key up any longer."""


class KeyOrderApp(App[None]):
    """An application whose bound keys neither overtake letters nor are overtaken."""

    async def on_event(self, event: events.Event) -> None:
        """Run a bound key, or hand over a paste, between what was typed before it and what comes after."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            await self._press(event)
        elif isinstance(event, events.Paste) and not event.is_forwarded:
            await self._settle()
            await super().on_event(event)
            await self._settle()
        else:
            await super().on_event(event)

    async def _press(self, event: events.Key) -> None:
        self.app_focus = True  # or nothing has the focus, and no binding but the screen's is seen
        if self._is_bound(event):
            await self._settle()
            done = await self._check_bindings(event.key, priority=True) or await self._check_bindings(event.key)
            if not done:
                await super().on_event(event)
            await self._settle()
        elif event.key.startswith("alt+") and event.character is not None and event.character.isprintable():
            # What a terminal sends for escape and a letter right behind it; no alt+letter means anything here.
            await self._press(events.Key("escape", "\x1b"))
            await self._press(events.Key(event.character, event.character))
        else:
            await super().on_event(event)

    def _is_bound(self, event: events.Key) -> bool:
        if self.focused is not None and self.focused.check_consume_key(event.key, event.character):
            return False
        return any(event.key in bindings.key_to_bindings for _, bindings in self.screen._binding_chain)

    async def _settle(self) -> None:
        """Wait until the focused widget and those around it have done what they were sent.

        Twice, since what they do may be to send something up: an input tells its screen that it has changed.
        """
        for _ in range(2):
            for widget in (self.focused or self.screen).ancestors_with_self:
                if widget is self:
                    continue
                reached = asyncio.Event()
                if widget.call_later(reached.set):
                    with suppress(TimeoutError):
                        await asyncio.wait_for(reached.wait(), _PATIENCE_S)
