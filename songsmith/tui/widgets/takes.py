"""The versions of the section under the cursor, beside the draft where there is room."""

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from songsmith.lyrics import Author
from songsmith.studio.draft import Version


class TakesPanel(Static):
    """Lists versions; the one in the draft is marked."""

    def show(self, versions: Sequence[Version], current: int) -> None:
        """Show the versions of a section."""
        if not versions:
            self.update(Content.styled("No verse here yet.", "dim"))
            return
        parts = [Content.styled(f"Versions of this section: {len(versions)}\n", "bold")]
        for place, version in enumerate(versions):
            by_model = Author.MODEL in version.authors
            head = f"\n{'▶' if place == current else ' '} {place + 1}  {'take' if by_model else 'by hand'}\n"
            parts.append(Content.styled(head, "bold" if place == current else "dim"))
            parts += [Content.styled(f"    {line}\n", "" if place == current else "dim") for line in version.lines]
        self.update(Content.assemble(*parts))
