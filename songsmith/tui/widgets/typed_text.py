"""What a key types, and a line of text to type into: any character a keyboard or an input method sends is kept."""

import unicodedata

from textual import events
from textual.widgets import Input

_NOT_TEXT = {"Cc", "Cs"}
"""Unicode categories no key types: control characters, and halves of surrogate pairs."""


def typed_text(character: str | None) -> str | None:
    """Return what a key types, or None where it is none that types.

    Textual asks `str.isprintable`, which says no to spaces of other scripts (U+3000), to no-break spaces, to joiners between
    letters or emoji, and to letters younger than Python's tables.
    """
    if not character or any(unicodedata.category(letter) in _NOT_TEXT for letter in character):
        return None
    return character


class LineInput(Input):
    """A line of text."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Return whether a key types into the line."""
        return typed_text(character) is not None

    def on_key(self, event: events.Key) -> None:
        """Type what Textual would pass over."""
        text = typed_text(event.character)
        if text is not None and not event.is_printable:
            event.stop()
            event.prevent_default()
            self.replace(text, *self.selection)
