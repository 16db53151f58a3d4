"""The take that is being written into a draft, and the draft as it would be without it.

The model writes at one place while a person may type anywhere: this keeps the two apart. Knows no screen and no engine.
"""

from dataclasses import dataclass, replace

from songsmith.lyrics import Author
from songsmith.studio.draft import Draft, edited_span, is_inserted, move_offset


@dataclass(kw_only=True)
class TakeInProgress:
    """Where a take goes in the text."""

    start: int
    """Offset where its first text went."""
    anchor: int
    """Offset where the next text goes."""
    replaced_end: int
    """End of the lines that are replaced when the first text arrives."""
    in_place: bool
    """Whether a section is rewritten in place, rather than a new one begun."""
    without: "WithoutTake"
    """What undoing the take goes back to."""
    begun: bool = False
    """Whether the first text has arrived."""
    held: str = ""
    """A newline that is held back until the line after it arrives."""

    def typed(self, before: Draft, after: Draft) -> tuple[Draft, Draft]:
        """Follow what a person typed; return the draft without the take, before and after it."""
        written = self.start, max(self.anchor, self.replaced_end)
        for place in ("start", "anchor", "replaced_end"):
            setattr(self, place, move_offset(getattr(self, place), before.text, after.text))
        without = self.without.draft
        self.without.retitle(after.title)
        self.without.type(before.text, after.text, written, self.anchor, self.replaced_end)
        return without, self.without.draft


@dataclass(kw_only=True)
class WithoutTake:
    """The draft as it would be without the take being written: what undoing the take returns to.

    The drafts with and without the take are equal up to `head` and in their last `tail` characters; what a person types there
    goes into both. What is typed into the take's own lines is undone and redone with the take.
    """

    draft: Draft
    """The draft without the take, with what was typed beside it."""
    head: int
    """Characters before the take."""
    tail: int
    """Characters after it."""

    @classmethod
    def beginning(cls, before: Draft, text: str, start: int, end: int) -> "WithoutTake":
        """Begin where a take begins.

        Args:
            before: the draft before the take was asked for.
            text: the text prepared for it.
            start: offset in `text` where the take goes.
            end: offset behind the lines it replaces.
        """
        first, last = edited_span(text, before.text) if text != before.text else (start, end)
        return cls(draft=before, head=min(first, start), tail=len(text) - max(last, end))

    def type(self, before: str, after: str, written: tuple[int, int], start: int, end: int) -> None:
        """Apply to the draft without the take what a person did to the one with it.

        Args:
            before: the text with the take.
            after: what a person made of it.
            written: offsets in `before` where the take's text starts, and behind it and the lines it will replace.
            start: offset in `after` where the take's next text goes.
            end: offset behind the lines it will replace.
        """
        text, head, behind = self.draft.text, self.head, len(before) - self.tail
        first, last = edited_span(before, after)
        alike = text == before  # no text of the take has arrived yet
        # A newline between the take and other lines belongs to those lines as soon as something is typed there.
        if not alike and written[1] <= first < behind:
            text = text[: len(text) - self.tail] + before[written[1] :]
            self.tail, behind = len(before) - written[1], written[1]
        elif not alike and head < first <= written[0] < written[1]:
            text = before[: written[0]] + text[head:]
            self.head = head = written[0]
        if first < behind and is_inserted(before, after, head):
            first = last = head
        typed_end, rest = last + len(after) - len(before), len(before) - last
        own_row = ""  # or a newline: what is typed directly after the take does not continue the line before it
        if first >= behind:
            self.tail += len(after) - len(before)
            own_row = "\n" if first == behind and typed_end > first and after[first] != "\n" else ""
        elif first <= head:
            self.head, self.tail = typed_end + max(0, head - last), min(self.tail, rest)
        elif last >= behind:
            self.tail = typed_end - first + rest
        if alike:
            changed = after
        else:
            kept = after[: self.head] + text[head : len(text) - len(before) + behind]
            if not kept or kept.endswith("\n"):
                own_row = ""
            changed = kept + own_row + after[len(after) - self.tail :]
        self.draft = self.draft.with_text(changed, Author.PERSON)
        self.head, self.tail = min(self.head, start), min(self.tail, len(after) - max(start, end))

    def retitle(self, title: str) -> None:
        """Set the title of the draft without the take."""
        self.draft = replace(self.draft, title=title)
