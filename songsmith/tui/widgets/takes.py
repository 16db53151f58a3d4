"""The versions of the section under the cursor, beside the draft where there is room."""

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from songsmith.lyrics import Author
from songsmith.studio.draft import Version


class TakesPanel(Static):
    """Lists versions; the one in the draft is marked."""

    def show(self, versions: Sequence[Version], current: int, cut: Sequence[Version]) -> None:
        """Show the versions of a section, and those of sections that are no longer in the song."""
        parts = [Content.styled(f"Versions of this section: {len(versions)}\n", "bold")]
        for place, version in enumerate(versions):
            shown = place == current
            by_model = Author.MODEL in version.authors
            head = f"\n{'▶' if shown else ' '} {place + 1}  {'take' if by_model else 'by hand'}\n"
            parts.append(Content.styled(head, "bold" if shown else "$text-muted"))
            parts += [Content.styled(f"    {line}\n", "" if shown else "$text-muted") for line in version.lines]
        if cut:
            parts.append(Content.styled(f"\nCut from this song: {len(cut)}\n", "bold"))
            parts += [
                Content.styled("".join(f"\n    {line}" for line in version.lines) + "\n", "$text-muted")
                for version in cut
            ]
        self.update(
            Content.assemble(*parts) if versions or cut else Content.styled("No verse here yet.", "$text-muted")
        )
