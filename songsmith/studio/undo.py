"""Undo: the drafts before and after the one shown, and which keystrokes make one step.

A step ends as in other editors: at a pause, a paste, a jump of the cursor, another field, a new word. A take is one step, and
what a person types beside it is another. Knows no screen and reads no clock of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from songsmith.studio.draft import Draft, edited_span, is_inserted

_TYPING_PAUSE_S = 1.0
"""Keystrokes closer than this may be undone together."""
_UNDO_STEPS = 1000


@dataclass(frozen=True, kw_only=True)
class _Typing:
    """A step that the next keystroke may join."""

    field: str
    """What is typed into: `text` or `title`."""
    inserting: bool
    """Whether letters are inserted; otherwise they are deleted."""
    place: int
    """Offset where the next keystroke continues the step."""
    at_s: float
    """When the last keystroke was."""


class History:
    """The history of a draft, for undo and redo."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start with nothing to undo.

        Args:
            clock: returns the time in seconds; only differences count.
        """
        self._clock = clock
        self._past: list[Draft] = []
        self._future: list[Draft] = []
        self._typing: _Typing | None = None

    def remember(self, draft: Draft) -> None:
        """Begin a new step; undoing it returns to `draft`."""
        self._past.append(draft)
        del self._past[:-_UNDO_STEPS]
        self.forget_undone()

    def forget_undone(self) -> None:
        """Drop what could be redone, and close the last step: something new begins."""
        self._future.clear()
        self.close_step()

    def close_step(self) -> None:
        """Make what is typed next a new step."""
        self._typing = None

    def typed(self, before: Draft, after: Draft) -> None:
        """Record an edit by a person: part of the last step, or a new one."""
        if (before.text, before.title) == (after.text, after.title):
            return
        field = "title" if before.text == after.text else "text"
        old, new = (before.title, after.title) if field == "title" else (before.text, after.text)
        now, last = self._clock(), self._typing
        typing = None
        if last is not None and last.field == field and now - last.at_s <= _TYPING_PAUSE_S:
            typing = _continued(last, old, new)
        if typing is None:
            self.remember(before)
            start, end = edited_span(old, new)
            typed_end = end + len(new) - len(old)
            typing = _Typing(field=field, inserting=typed_end > start, place=typed_end, at_s=now)
        self._typing = replace(typing, at_s=now)

    def undo(self, shown: Draft) -> Draft | None:
        """Return the draft before the last step, or None where there is none; `shown` can be redone."""
        return self._travel(self._past, self._future, shown)

    def redo(self, shown: Draft) -> Draft | None:
        """Return the draft that was undone last, or None where there is none; `shown` can be undone again."""
        return self._travel(self._future, self._past, shown)

    def _travel(self, there: list[Draft], back: list[Draft], shown: Draft) -> Draft | None:
        self.close_step()
        if not there:
            return None
        back.append(shown)
        return there.pop()


def _continued(last: _Typing, old: str, new: str) -> _Typing | None:
    """Return the step with one more keystroke in it, or None where that keystroke begins another."""
    place, grown = last.place, len(new) - len(old)
    if last.inserting and grown > 0 and is_inserted(old, new, place):
        new_word = new[place].isspace() and not old[place - 1 : place].isspace()
        return None if new_word else replace(last, place=place + grown)
    if not last.inserting and grown < 0:
        if place + grown >= 0 and is_inserted(new, old, place + grown):
            return replace(last, place=place + grown)  # backspace
        if is_inserted(new, old, place):
            return last  # delete
    return None
