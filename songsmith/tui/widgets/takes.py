"""The versions of the section under the cursor, beside the draft where there is room."""

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget
from textual.widgets import Static

from songsmith.lyrics import Author
from songsmith.studio.draft import Version

_INDENT = 4
_WRAPPED_INDENT = 6
"""Of what is left of a line that is too long for one row."""
_PALE = "$text-muted"


class TakesPanel(Static):
    """Lists versions; the one in the draft is marked, and kept in sight. Belongs in something that scrolls."""

    def __init__(self) -> None:
        """Start with nothing to show."""
        super().__init__()
        self._versions: Sequence[Version] = ()
        self._cut: Sequence[Version] = ()
        self._current = 0
        self._width = 0
        self._mark = 0, 0
        """First and last row of the current version."""

    def show(self, versions: Sequence[Version], current: int, cut: Sequence[Version]) -> None:
        """Show the versions of a section, and those of sections that are no longer in the song."""
        state = tuple(versions), current, tuple(cut)
        if not self.content or state != (self._versions, self._current, self._cut):
            self._versions, self._current, self._cut = state
            self._lay_out()

    def on_resize(self, event: events.Resize) -> None:
        """Wrap the lines for the new width, and keep the current version in sight."""
        if event.size.width != self._width:
            self._width = event.size.width
            self._lay_out()
        else:
            self._keep_in_sight()

    def _lay_out(self) -> None:
        width = max(self._width, _WRAPPED_INDENT + 2)
        versions, cut = self._versions, self._cut
        if not versions and not cut:
            self.update(Content.styled("No verse here yet.", _PALE))
            return
        rows = [Content.styled(f"Versions of this section: {len(versions)}", "bold")]
        for place, version in enumerate(versions):
            shown = place == self._current
            first = len(rows) + 1
            by_model = Author.MODEL in version.authors
            head = f"{'▶' if shown else ' '} {place + 1}  {'model' if by_model else 'you'}"
            rows += [Content(""), Content.styled(head, "bold" if shown else _PALE)]
            rows += _wrapped(version, "" if shown else _PALE, width)
            if shown:
                self._mark = first, len(rows)
        if cut:
            rows += [Content(""), Content.styled(f"Cut from this song: {len(cut)}", "bold")]
            for version in cut:
                rows += [Content(""), *_wrapped(version, _PALE, width)]
        self.update(Content("\n").join(rows))
        self.call_after_refresh(self._keep_in_sight)

    def _keep_in_sight(self) -> None:
        scroll, (first, last) = self.parent, self._mark
        if isinstance(scroll, Widget):
            height = min(last - first, scroll.scrollable_content_region.height)  # its head, if it is too long
            scroll.scroll_to_region(Region(0, first, 1, height), animate=False, x_axis=False, immediate=True)


def _wrapped(version: Version, style: str, width: int) -> list[Content]:
    """Return the rows of a version's lines, at most so many cells wide."""
    rows = []
    for line in version.lines:
        for place, part in enumerate(Content(line).wrap(width - _WRAPPED_INDENT)):
            indent = " " * (_WRAPPED_INDENT if place else _INDENT)
            rows.append(Content.styled(f"{indent}{part.plain.strip()}", style))
    return rows
