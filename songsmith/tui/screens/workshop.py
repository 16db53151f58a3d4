"""The workshop screen: the draft, the takes, the keys."""

from collections.abc import Callable
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Footer, Input, TextArea

from songsmith.errors import SongsmithError
from songsmith.generation.process import (
    ChunkWritten,
    EngineProcess,
    Failed,
    ModelReady,
    ProcessEnded,
    TakeWritten,
    WriteEnded,
)
from songsmith.library.records import SongRecord
from songsmith.studio.studio import Studio
from songsmith.studio.workshop import Workshop, WriteRequest
from songsmith.tui.messages import EngineSaid
from songsmith.tui.screens.songs import SongsScreen
from songsmith.tui.widgets.editor import DraftEditor
from songsmith.tui.widgets.status import StatusLine
from songsmith.tui.widgets.takes import TakesPanel

_REPAINT_S = 1 / 20
"""Tokens are gathered this long before they are shown."""
_AUTOSAVE_S = 0.4
"""How often the draft goes to disk, if it changed."""
_WIDE_COLUMNS = 110
"""From this width on, the takes stand beside the draft."""


class WorkshopScreen(Screen[None]):
    """Where songs are written."""

    AUTO_FOCUS = "#draft"
    # No priority: a key with it would overtake letters that are still on their way into the draft.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+g", "go_on", "Go on", tooltip="Write the next section"),
        Binding("f5", "write_out", "Finish", tooltip="Write on to the end of the song"),
        Binding("ctrl+r", "rewrite", "Rewrite", tooltip="Another take of the section under the cursor"),
        Binding("f3,alt+left", "step(-1)", "◀", tooltip="The version before"),
        Binding("f4,alt+right", "step(1)", "▶", tooltip="The version after"),
        Binding("escape", "stop", "Stop"),
        Binding("ctrl+z,super+z", "undo", "Undo"),
        Binding("ctrl+y,super+y", "redo", "Redo", show=False),
        Binding("ctrl+s", "save", "Save"),
        Binding("ctrl+o", "songs", "Songs"),
        Binding("ctrl+n", "new", "New"),
    ]

    def __init__(self, workshop: Workshop, studio: Studio) -> None:
        """Show a workshop; the studio's settings say which model its takes come from, and where it runs."""
        super().__init__()
        self.workshop = workshop
        self._studio = studio
        self._model = studio.settings.model
        self._engine: EngineProcess | None = None
        self._ready: ModelReady | None = None
        self._request: int | None = None
        """The request whose text goes into the draft; what comes for others is kept as takes only."""
        self._waiting: WriteRequest | None = None
        """Asked for before the model was loaded."""
        self._gathered: list[str] = []
        self._slid = False
        self._rate = 0.0

    def compose(self) -> ComposeResult:
        """Lay out title, draft, takes, status and keys."""
        yield Input(placeholder="Title", id="title", compact=True)
        with Horizontal(id="desk"):
            yield DraftEditor(lambda: self.workshop.draft.authors, id="draft")
            yield TakesPanel(id="takes")
        yield StatusLine()
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Start: typing first, the model behind it."""
        self.set_interval(_REPAINT_S, self._flush)
        self.set_interval(_AUTOSAVE_S, self._autosave)
        self.call_after_refresh(self._start_engine)
        self.call_after_refresh(self._offer_left_over)

    def on_unmount(self) -> None:
        """End the model's process, however the screen ends: the thread that listens to it ends with it."""
        if self._engine is not None:
            self._engine.close()

    def on_resize(self, event: events.Resize) -> None:
        """Show the takes beside the draft where there is room."""
        self.set_class(event.size.width >= _WIDE_COLUMNS, "-wide")

    @property
    def writing(self) -> bool:
        """Whether a take is being written, or waits for the model."""
        return self._request is not None or self._waiting is not None

    @property
    def engine_pid(self) -> int:
        """Process id of the process that writes, or 0 while there is none."""
        return self._engine.pid if self._engine is not None else 0

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to stop only what is being written."""
        return action != "stop" or self.writing

    @property
    def _editor(self) -> DraftEditor:
        return self.query_one(DraftEditor)

    @property
    def _status(self) -> StatusLine:
        return self.query_one(StatusLine)

    # --- the engine

    def _start_engine(self) -> None:
        self._ready = None
        self._status.model = f"{self._model} · loading"
        studio = self._studio
        self._engine = EngineProcess(
            model=self._model,
            device=studio.settings.device,
            threads=studio.workshop_threads(),
            log=studio.paths.engine_log,
        )
        self._listen(self._engine)

    @work(thread=True)
    def _listen(self, engine: EngineProcess) -> None:
        for said in engine.heard():
            self.post_message(EngineSaid(engine, said))

    @on(EngineSaid)
    def _hear(self, message: EngineSaid) -> None:
        if message.engine is not self._engine:
            return
        match message.said:
            case ModelReady() as ready:
                self._ready = ready
                self._show_model()
                if ready.format == "plain":
                    self._status.tell("A plain model: it is given title and lyric as text.")
                waiting, self._waiting = self._waiting, None
                if waiting is not None:
                    self._ask(waiting)
            case ChunkWritten() as chunk if chunk.request == self._request:
                self._gathered.append(chunk.text)
                self._rate = chunk.tokens / chunk.elapsed_s if chunk.elapsed_s else 0.0
                if chunk.window_slid and not self._slid:
                    self._slid = True
                    self._status.tell("The model no longer sees the song's oldest lines.")
            case TakeWritten() as written:
                self._flush()
                mine = written.request == self._request
                self._guard(
                    lambda: self.workshop.finish(written.result) if mine else self.workshop.keep_take(written.result)
                )
                self._show_draft()
                self._show_takes()
            case WriteEnded() as ended if ended.request == self._request:
                self._end_writing("")
            case Failed() as failed:
                self._end_writing(f"{failed.message} {failed.next_step}", failed=True)
                if failed.request is None:
                    self._drop_engine("not loaded")
            case ProcessEnded() as ended if not ended.expected:
                self._drop_engine("ended")
                self._end_writing(
                    "The model's process ended unexpectedly. Your draft is safe; ctrl+g starts it again.", failed=True
                )

    def _drop_engine(self, state: str) -> None:
        """Let go of a process that is of no more use; the next request starts another."""
        if self._engine is not None:
            self._engine.close()
        self._engine = self._ready = None
        self._status.model = f"{self._model} · {state}"

    def _ask(self, request: WriteRequest) -> None:
        """Have a request written: now, or as soon as the model is loaded."""
        if self._engine is None:
            self._start_engine()
        if self._ready is None or self._engine is None:
            self._waiting = request
            self._status.tell("The model is still loading; it writes as soon as it can.")
            self.refresh_bindings()
            return
        self._rate = 0.0
        self._slid = False
        self._request = self._engine.write(request.prompt, [request.options], parent_id=request.parent_id)
        self._status.tell("Writing …")
        self.refresh_bindings()

    def _flush(self) -> None:
        """Show the text gathered since the last time."""
        if not self._gathered:
            return
        text = "".join(self._gathered)
        self._gathered.clear()
        self._absorb()
        follows = self._editor.cursor_location == self._editor.location(self.workshop.anchor or 0)
        self.workshop.extend(text)
        self._show_draft(follow=follows)
        self._show_model()

    def _end_writing(self, news: str, *, failed: bool = False) -> None:
        self._flush()
        self._request = self._waiting = None
        if self.workshop.writing:
            self.workshop.finish(None)
        if news or not self._status.failed:
            self._status.tell(news, failed=failed)
        self._show_model()
        self._show_takes()
        self.refresh_bindings()

    # --- the draft

    @on(TextArea.Changed)
    def _typed(self) -> None:
        self._absorb()

    @on(TextArea.SelectionChanged)
    def _moved(self) -> None:
        self._show_takes()

    @on(Input.Changed, "#title")
    def _titled(self) -> None:
        self.workshop.type(self.workshop.text, title=self.query_one("#title", Input).value)

    @on(Input.Submitted, "#title")
    def _leave_title(self) -> None:
        self._editor.focus()

    def _absorb(self) -> None:
        """Take over what was typed since the last look."""
        self.workshop.type(self._editor.text)
        song = self.workshop.draft.song
        self.query_one("#title", Input).placeholder = f"Title ({song.name})" if song.lines else "Title"

    def _show_draft(self, *, follow: bool = False) -> None:
        editor, workshop = self._editor, self.workshop
        editor.show(workshop.text)
        title = self.query_one("#title", Input)
        if title.value != workshop.draft.title:
            title.value = workshop.draft.title
        if follow and workshop.anchor is not None:
            editor.move_cursor(editor.location(workshop.anchor))
            editor.scroll_cursor_visible()

    def _show_model(self) -> None:
        if self._ready is None:
            return
        parts = [self._ready.model, self._ready.device]
        if self._rate:
            parts.append(f"{self._rate:.0f} tokens/s")
        self._status.model = " · ".join(parts)

    def _show_takes(self) -> None:
        if self.has_class("-wide"):
            self.query_one(TakesPanel).show(*self.workshop.versions_at(self._editor.row))

    def _autosave(self) -> None:
        self._absorb()
        self._guard(self.workshop.autosave)

    def _guard(self, act: Callable[[], object]) -> None:
        """Do something with the disk; if that fails, say so and go on: the draft is still here."""
        try:
            act()
        except SongsmithError as error:
            self._status.tell(f"Not on disk: {error}", failed=True)

    # --- keys

    def action_go_on(self) -> None:
        """Write the next section."""
        self._begin(lambda: self.workshop.go_on())

    def action_write_out(self) -> None:
        """Write on to the end of the song."""
        self._begin(lambda: self.workshop.go_on(to_the_end=True))

    def action_rewrite(self) -> None:
        """Write the section under the cursor anew."""
        row = self._editor.row
        if self.workshop.draft.section_at(row) is None:
            self.action_go_on()
        else:
            self._begin(lambda: self.workshop.rewrite(row))

    def _begin(self, make: Callable[[], WriteRequest | None]) -> None:
        self.action_stop()
        self._absorb()
        request = make()
        if request is None:
            return
        self._show_draft()
        anchor = self.workshop.anchor
        if anchor is not None:
            self._editor.move_cursor(self._editor.location(anchor))
        self._ask(request)

    def action_stop(self) -> None:
        """Stop writing, now."""
        if self._request is not None and self._engine is not None:
            self._engine.stop(self._request)
        if self.writing:
            self._end_writing("Stopped.")

    def action_step(self, by: int) -> None:
        """Show another version of the section under the cursor."""
        self._absorb()
        row = self._editor.row
        if self.workshop.step(row, by):
            self._show_draft()
        versions, current = self.workshop.versions_at(row)
        if versions:
            self._status.tell(f"Version {current + 1} of {len(versions)}")
        self._show_takes()

    def action_undo(self) -> None:
        """Take the last change back."""
        self._travel(self.workshop.undo)

    def action_redo(self) -> None:
        """Make the last change again."""
        self._travel(self.workshop.redo)

    def _travel(self, way: Callable[[], bool]) -> None:
        self.action_stop()
        self._absorb()
        if way():
            self._show_draft()
            self._show_takes()

    def action_save(self) -> None:
        """Keep the draft as a song."""
        self._absorb()
        if not self.workshop.text.strip():
            self._status.tell("There is nothing to save yet.")
            return

        def save() -> None:
            record = self.workshop.save()
            self._status.tell(f"Saved as {record.number}: {record.name}")

        self._guard(save)

    def action_songs(self) -> None:
        """Choose a song to open."""
        self._absorb()
        self._guard(self.workshop.autosave)
        self.app.push_screen(SongsScreen("Songs", self._find), self._open)

    def action_new(self) -> None:
        """Put the draft away and start an empty one."""
        self.action_stop()
        self._absorb()
        self._guard(self.workshop.new)
        self._show_draft()
        self._show_takes()
        self._status.tell("A new draft. The one before is under Songs.")

    def leave(self) -> None:
        """Put the draft away: the application is about to end."""
        self.action_stop()
        self._absorb()
        self._guard(self.workshop.close)

    # --- songs

    def _find(self, words: str) -> list[SongRecord]:
        library = self._studio.library
        try:
            if words.strip():
                return library.search(words)
            return [*self.workshop.left_over(), *library.songs()]
        except SongsmithError as error:
            self._status.tell(str(error), failed=True)
            return []

    def _offer_left_over(self) -> None:
        left_over: list[SongRecord] = []
        self._guard(lambda: left_over.extend(self.workshop.left_over()))
        if left_over:
            title = "An unsaved draft is waiting" if len(left_over) == 1 else "Unsaved drafts are waiting"
            self.app.push_screen(SongsScreen(title, self._find), self._open)

    def _open(self, record: SongRecord | None) -> None:
        if record is None:
            return
        self.action_stop()
        self._guard(lambda: self.workshop.open(record))
        self._show_draft()
        self._editor.move_cursor(self._editor.document.end)
        self._show_takes()
        self._status.tell(f"Opened {record.name}")
