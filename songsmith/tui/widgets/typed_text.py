"""Text that a key types, and a text field: any character that a keyboard or an input method sends is kept."""

import unicodedata
from typing import Protocol, runtime_checkable

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


def text_of(event: events.Key) -> str | None:
    """Return what a key types, or None where it does something else, as with alt held down."""
    return None if event.key.startswith("alt+") else typed_text(event.character)


@runtime_checkable
class TypesAtOnce(Protocol):
    """A widget that the application types into, instead of sending it keys that would wait in a queue."""

    def text_of(self, event: events.Key) -> str | None:
        """Return what a key types here, or None where it does something else."""

    def type_text(self, text: str) -> None:
        """Put in what a key types."""

    def paste_text(self, text: str) -> None:
        """Put in what is pasted."""


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
