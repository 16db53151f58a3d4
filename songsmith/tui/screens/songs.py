"""A dialog to choose a song from: those kept, their earlier revisions, and drafts left over from another time."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList
from textual.widgets.option_list import Option

from songsmith.counting import count_of
from songsmith.library.records import DamagedRow, SongRecord
from songsmith.tui.widgets.status import short_name
from songsmith.tui.widgets.typed_text import LineInput

_KEYS = "enter open · f7 revisions · f8 discard draft · esc close"
_REVISION_KEYS = "enter open this revision · f7 or esc back to songs"
_MOST_SHOWN = 200


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What is to be opened."""

    record: SongRecord
    revision: int | None = None
    """An earlier wording of it; None is the song as it is."""


class SongsScreen(ModalScreen[Choice | None]):
    """Type to search, up and down to choose; ends with what was chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close"),
        Binding("f7", "revisions", "Earlier revisions", show=False, priority=True),
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("down", "move(1)", "Down", show=False, priority=True),
        Binding("pageup", "page(-1)", "Page up", show=False, priority=True),
        Binding("pagedown", "page(1)", "Page down", show=False, priority=True),
        Binding("f8", "discard", "Discard draft", show=False, priority=True),
    ]

    def __init__(
        self,
        find: Callable[[str], Iterable[SongRecord | DamagedRow]],
        find_revisions: Callable[[SongRecord], Iterable[SongRecord | DamagedRow]],
        discard: Callable[[SongRecord], None],
    ) -> None:
        """Offer songs and drafts.

        Args:
            find: returns the songs for the words typed; no words mean all, and the drafts.
            find_revisions: returns the wordings of a song that were saved, the last first.
            discard: throws a draft away.
        """
        super().__init__()
        self._find, self._find_revisions, self._discard = find, find_revisions, discard
        self._found: Sequence[SongRecord | DamagedRow] = ()
        self._asked: SongRecord | None = None
        self._song: SongRecord | None = None
        """The song whose revisions are shown."""

    def compose(self) -> ComposeResult:
        """Lay out search, list and keys."""
        with Vertical(id="songs-box") as box:
            box.border_title = "Open"
            yield LineInput(placeholder="Search", id="songs-search", compact=True)
            yield OptionList(id="songs-list", compact=True)
            yield Label(_KEYS, id="songs-keys")

    def on_mount(self) -> None:
        """Show everything there is."""
        self._list("")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer nothing but to leave while the dialog is being closed."""
        return action == "leave" or self._there

    @property
    def _there(self) -> bool:
        """Whether the list is on the screen: keys and words may still be on their way when the dialog closes."""
        return bool(self.query(OptionList))

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        if self._there:
            self._list(event.value)

    @on(Input.Submitted)
    def _open_highlighted(self) -> None:
        self._open(self._highlighted)

    @on(OptionList.OptionSelected)
    def _open_selected(self, event: OptionList.OptionSelected) -> None:
        self._open(self._found[event.option_index] if self._found else None)

    @property
    def _highlighted(self) -> SongRecord | DamagedRow | None:
        highlighted = self.query_one(OptionList).highlighted
        return self._found[highlighted] if highlighted is not None and highlighted < len(self._found) else None

    def _open(self, entry: SongRecord | DamagedRow | None) -> None:
        if isinstance(entry, DamagedRow):
            self._tell("This can't be read. Fix what can be fixed with `songsmith songs repair`.")
        elif entry is not None:
            self.dismiss(Choice(record=entry, revision=entry.revision if self._song is not None else None))

    def action_leave(self) -> None:
        """Go back from revisions to the songs, or close."""
        if self._song is None:
            self.dismiss(None)
        else:
            self.action_revisions()

    def action_revisions(self) -> None:
        """Show the revisions of the highlighted song, or the songs again."""
        entry = self._highlighted
        if self._song is not None:
            self._list(self.query_one(Input).value)
        elif isinstance(entry, SongRecord) and entry.kept and entry.revision > 1:
            self._song = entry
            self._offer(list(self._find_revisions(entry)), _describe_revision)
            self._tell(_REVISION_KEYS)
        else:
            self._tell("There are no earlier revisions of this.")

    def _tell(self, news: str) -> None:
        self.query_one("#songs-keys", Label).update(news)

    def action_move(self, by: int) -> None:
        """Move the highlight."""
        songs = self.query_one(OptionList)
        if by < 0:
            songs.action_cursor_up()
        else:
            songs.action_cursor_down()

    def action_page(self, by: int) -> None:
        """Move the highlight by what is in sight."""
        songs = self.query_one(OptionList)
        if by < 0:
            songs.action_page_up()  # type: ignore[no-untyped-call]
        else:
            songs.action_page_down()  # type: ignore[no-untyped-call]

    def action_discard(self) -> None:
        """Throw the highlighted draft away, if asked twice. A saved song is not this dialog's to remove."""
        record = self._highlighted
        if not isinstance(record, SongRecord) or record.kept:
            self._tell("Only drafts can be discarded here; remove songs with `songsmith songs rm`.")
        elif record is not self._asked:
            self._asked = record
            self._tell("Press f8 again to permanently discard this draft.")
        else:
            self._discard(record)
            self._list(self.query_one(Input).value)

    def _list(self, words: str) -> None:
        self._song = None
        entries = iter(self._find(words))
        self._offer(list(islice(entries, _MOST_SHOWN)), _describe)
        if not self._found:
            self._note("Nothing found." if words else "No songs yet.")
        elif next(entries, None) is not None:
            self._note(f"The first {_MOST_SHOWN} are shown; type to find others.")
        self._tell(_KEYS)

    def _offer(self, entries: Sequence[SongRecord | DamagedRow], describe: Callable[[SongRecord], Content]) -> None:
        self._found = entries
        songs = self.query_one(OptionList)
        songs.clear_options()
        songs.add_options(
            [
                Option(_describe_damaged(entry) if isinstance(entry, DamagedRow) else describe(entry))
                for entry in entries
            ]
        )
        songs.highlighted = 0 if entries else None

    def _note(self, text: str) -> None:
        self.query_one(OptionList).add_option(Option(Content.styled(text, "$text-muted"), disabled=True))


def _describe(record: SongRecord) -> Content:
    number = f"{record.number or '':>4}" if record.kept else "draft"
    return Content.assemble((f"{number:>5}  ", "bold"), short_name(record.name), (f"  {_when(record)}", "$text-muted"))


def _describe_revision(record: SongRecord) -> Content:
    lines = len(record.song.lines)  # before the name, which is cut first and is often the same in all
    told = f"{_when(record)}  {count_of(lines, 'line'):<9}  "
    return Content.assemble(
        (f"revision {record.revision:>3}  ", "bold"), (told, "$text-muted"), short_name(record.name)
    )


def _describe_damaged(row: DamagedRow) -> Content:
    return Content.assemble((f"{row.number or '':>5}  ", "bold"), (f"damaged: {row}", "$text-muted"))


def _when(record: SongRecord) -> str:
    return datetime.fromisoformat(record.updated_at).astimezone().strftime("%Y-%m-%d %H:%M")
