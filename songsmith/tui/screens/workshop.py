"""The workshop screen: what the keys do to the draft, and the model that writes into it."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.widget import Widget

from songsmith.errors import SongsmithError
from songsmith.library.records import DamagedRow, SongRecord
from songsmith.studio.engine_session import Connection, EngineSession
from songsmith.studio.studio import Studio
from songsmith.studio.workshop import Workshop, WriteRequest
from songsmith.tui.messages import EngineEvent
from songsmith.tui.screens.draft import DraftScreen
from songsmith.tui.widgets.status import short_name

if TYPE_CHECKING:
    from songsmith.generation.serving.protocol import ChunkWritten, ModelReady
    from songsmith.takes import Take
    from songsmith.tui.screens.songs import Choice

_FIRST_PAINT_S = 0.1
"""What the screen does not need is started this long after it is shown."""
_REPAINT_S = 1 / 20
"""Tokens are collected this long before they are shown."""
_MOST_FOUND = 201
"""Songs that are looked for at most: one more than the dialog shows."""


class WorkshopScreen(DraftScreen):
    """Where songs are written."""

    # No priority: such a key would be handled before letters that are still in the draft's queue.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+g", "go_on", "More", tooltip="Write the next section"),
        Binding("f5", "write_out", "Finish", tooltip="Write to the end of the song"),
        Binding("ctrl+r", "rewrite", "Vary", tooltip="Another take of the section under the cursor"),
        Binding("f3,alt+left", "step(-1)", "◀", tooltip="Previous version"),
        Binding("f4,alt+right", "step(1)", "▶", tooltip="Next version"),
        Binding("escape", "stop", "Stop"),
        Binding("ctrl+z,super+z", "undo", "Undo"),
        Binding("ctrl+y,super+y", "redo", "Redo", show=False),
        Binding("ctrl+s", "save", "Save"),
        Binding("ctrl+o", "songs", "Open"),
        Binding("ctrl+n", "new", "New"),
    ]

    def __init__(self, workshop: Workshop, studio: Studio) -> None:
        """Show a workshop; the studio's settings say which model its takes come from, and where it runs."""
        super().__init__(workshop)
        self._studio = studio
        self._model = Path(studio.settings.model).name
        self._session = EngineSession(studio.start_engine, self)
        self._gathered: list[str] = []
        self._slid = False
        self._rate = 0.0
        self._invitation = ""
        """The empty page's placeholder without the offer of left-over drafts."""

    def on_mount(self) -> None:
        """Let the user type at once, and start the model after the first paint."""
        self.set_interval(_REPAINT_S, self._flush)
        self.set_timer(_FIRST_PAINT_S, self._start_engine)
        self.set_timer(_FIRST_PAINT_S, self._offer_left_over)
        self._status.show_model(f"{self._model} · loading")

    def on_unmount(self) -> None:
        """End the model's process, however the screen ends: the thread that reads its events ends with it."""
        self._session.close()

    @property
    def writing(self) -> bool:
        """Whether a take is being written, or waits for the model."""
        return self._session.writing

    @property
    def engine_pid(self) -> int:
        """Process id of the process that writes, or 0 while there is none."""
        return self._session.pid

    def get_widget_and_offset_at(self, x: int, y: int) -> tuple[Widget | None, Offset | None]:
        """Return the widget and offset of selectable text at a place; none in a widget that is being removed.

        Textual 8.2.8 asks for the parent of what the mouse is pressed on, and a toast that is still drawn may have none any more.
        """
        widget, offset = super().get_widget_and_offset_at(x, y)
        return (widget, offset) if widget is not None and (widget is self or widget.parent) else (None, None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to stop only what is being written."""
        return action != "stop" or self.writing

    # --- the engine

    def _start_engine(self) -> bool:
        """Start the model's process unless there is one; return whether there is one now."""
        try:
            connection = self._session.start()
        except (SongsmithError, OSError) as error:
            self._status.tell(f"The model can't be started: {error}", failed=True)
            return False
        if connection is not None:
            self._status.show_model(f"{self._model} · loading")
            self.run_worker(partial(self._post_events, connection), thread=True)
        return True

    def _post_events(self, connection: Connection) -> None:
        """Post what an engine tells until it ends. Blocks: it runs in a thread, and touches no widget."""
        for event in connection.engine.events():
            self.post_message(EngineEvent(connection, event))

    @on(EngineEvent)
    def _handle_event(self, message: EngineEvent) -> None:
        self._session.handle(message.connection, message.event)

    def on_model_preparing(self) -> None:
        """Say why the model takes long."""
        self._status.show_model(f"{self._model} · first-time setup")

    def on_model_loaded(self, model: "ModelReady") -> None:
        """Show which model writes."""
        self._show_model()
        if model.format == "plain":
            self._status.tell("This model wasn't trained on songs here; it sees your title and lyrics as plain text.")
        if model.notice:
            self._status.tell(model.notice)
        if self.writing:
            self._show_begun()

    def on_chunk(self, chunk: "ChunkWritten") -> None:
        """Collect text until the screen is painted next."""
        self._gathered.append(chunk.text)
        self._rate = chunk.tokens / chunk.elapsed_s if chunk.elapsed_s else 0.0
        if chunk.window_slid and not self._slid:
            self._slid = True
            self._status.tell("The model no longer sees the song's oldest lines.")

    def on_text_withdrawn(self, text: str) -> None:
        """Remove the end of what was written from the draft."""
        self._flush()
        self._sync_editor()
        self.workshop.withdraw(text)
        self._show_draft()

    def on_take_finished(self, take: "Take", request: WriteRequest, *, current: bool) -> None:
        """Keep every take, also one that was stopped, or whose process was given up."""
        self._flush()
        self._sync_editor()  # before the draft is shown again, or a letter still in the queue would be removed
        if current:
            self._report_errors(lambda: self.workshop.finish(take))
        else:
            self._report_errors(lambda: self.workshop.keep_take(take, request.song_id))
        self._show_draft()
        self._show_takes()

    def on_writing_ended(self) -> None:
        """Say which version is shown."""
        versions, current = self.workshop.versions_at(self._editor.row)
        self._end_writing(f"Version {current + 1} of {len(versions)}; f3 and f4 switch." if len(versions) > 1 else "")

    def on_engine_failed(self, sentence: str, *, loaded: bool) -> None:
        """Say what failed."""
        if not loaded:
            self._status.show_model(f"{self._model} · not loaded")
        self._end_writing(sentence, failed=True)

    def on_engine_ended(self, *, wrote: bool) -> None:
        """Say that the model's process crashed, unless it said itself why, just before it gave up."""
        why_is_told = self._status.failed and not wrote
        self._status.show_model(f"{self._model} · ended")
        if not why_is_told:
            self._end_writing("Your draft is safe; ctrl+g starts the model again.", failed=True)

    def _submit(self, request: WriteRequest) -> None:
        """Have a request written: now, or as soon as the model is loaded."""
        if not self._start_engine():
            self.workshop.finish(None)
        elif self._session.submit(request):
            self._show_begun()
        else:
            self._status.tell("The model is still loading; it will write as soon as it can.")
        self.refresh_bindings()

    def _show_begun(self) -> None:
        self._rate = 0.0
        self._slid = False
        self._status.tell("Writing …")

    def _flush(self) -> None:
        """Show the text gathered since the last time."""
        if not self._gathered:
            return
        text = "".join(self._gathered)
        self._gathered.clear()
        self._sync_editor()
        follows = self._editor.cursor_location == self._editor.location(self.workshop.anchor or 0)
        self.workshop.extend(text)
        self._show_draft(follow=follows)
        self._show_model()

    def _end_writing(self, news: str, *, failed: bool = False) -> None:
        self._flush()
        if self.workshop.writing:
            self.workshop.finish(None)
        if news or not self._status.failed:
            self._status.tell(news, failed=failed)
        self._show_model()
        self._show_takes()
        self.refresh_bindings()

    def _show_model(self) -> None:
        model = self._session.model
        if model is None:
            return
        parts = [model.model, model.device]
        if self._rate:
            parts.append(f"{self._rate:.0f} tokens/s")
        self._status.show_model(" · ".join(parts))

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
        self._sync_editor()
        before = self.workshop.text
        request = make()
        self._show_draft()
        if request is None:
            if self.workshop.text != before:
                self._editor.move_cursor(self._editor.document.end)
                self._show_takes()
                self._status.tell("Repeated the same words; ctrl+r writes new ones.")
            return
        anchor = self.workshop.anchor
        if anchor is not None:
            self._editor.move_cursor(self._editor.location(anchor))
        self._submit(request)

    def action_stop(self) -> None:
        """Stop writing, now."""
        if self.writing:
            self._session.stop()
            self._end_writing("Stopped.")

    def action_step(self, by: int) -> None:
        """Show another version of the section under the cursor."""
        self._sync_editor()
        row = self._editor.row
        if self.workshop.step(row, by):
            self._show_draft()
        versions, current = self.workshop.versions_at(row)
        if versions:
            self._status.tell(f"Version {current + 1} of {len(versions)}")
        self._show_takes()

    def action_undo(self) -> None:
        """Take the last change back."""
        self._apply_history(self.workshop.undo, "Nothing to undo.")

    def action_redo(self) -> None:
        """Make the last change again."""
        self._apply_history(self.workshop.redo, "Nothing to redo.")

    def _apply_history(self, way: Callable[[], bool], nothing: str) -> None:
        self.action_stop()
        self._sync_editor()
        if not way():
            self._status.tell(nothing)
            return
        self._show_draft()
        self._show_takes()
        self._status.tell("")  # the last message was about what has just been undone

    def action_save(self) -> None:
        """Keep the draft as a song."""
        self._sync_editor()
        if not self.workshop.text.strip():
            self._status.tell("There is nothing to save yet.")
            return

        def save() -> None:
            number = self.workshop.song_number
            record = self.workshop.save()
            apart = "" if number in (None, record.number) else f". Song {number} was changed or removed elsewhere."
            earlier = f" (revision {record.revision}; earlier: ctrl+o, f7)"
            told = earlier if record.revision > 1 else f": {short_name(record.name)}"
            self._status.tell(f"Saved as {record.number}{told}{apart}")

        self._report_errors(save)

    async def action_songs(self) -> None:
        """Choose a song to open."""
        self._sync_editor()
        self._report_errors(self.workshop.autosave)
        from songsmith.tui.screens.songs import SongsScreen

        # Keys pressed after this one wait until the dialog can take them.
        screen = SongsScreen(self._find, self._find_revisions, self._discard)
        await self.app.push_screen(screen, self._open)

    def action_new(self) -> None:
        """Put the draft away and start an empty one."""
        self.action_stop()
        self._sync_editor()
        put_away = bool(self.workshop.text.strip() or self.workshop.draft.title.strip())
        if not self._report_errors(self.workshop.new):
            return
        self.set_focus(self._editor)
        self._show_draft()
        self._show_takes()
        self._status.tell(f"New draft.{' Your last draft is under Open (ctrl+o).' if put_away else ''}")

    def end(self) -> None:
        """Put the draft away and end the model's process, at once: the program is being killed."""
        if self.is_mounted:
            self.leave()
        self._session.close()

    def leave(self) -> bool:
        """Put the draft away before the application ends. Return whether it may end: an error holds it up only once."""
        self.action_stop()
        self._sync_editor()
        warned, self._warned = self._warned, True
        return self._report_errors(self.workshop.close) or warned

    # --- songs

    def _find(self, words: str) -> Iterator[SongRecord | DamagedRow]:
        library = self._studio.library
        with self._telling():
            if words.strip():
                yield from library.entries(words, limit=_MOST_FOUND)
            else:
                yield from self.workshop.left_over_entries()
                yield from library.entries(limit=_MOST_FOUND)

    def _find_revisions(self, record: SongRecord) -> Iterator[SongRecord | DamagedRow]:
        with self._telling():
            yield from self._studio.library.revisions(record)

    def _discard(self, record: SongRecord) -> None:
        with self._telling():
            self.workshop.discard(record)

    def _offer_left_over(self) -> None:
        left_over: list[SongRecord] = []
        self._report_errors(lambda: left_over.extend(self.workshop.left_over()))
        if left_over:
            count = "an unsaved draft" if len(left_over) == 1 else f"{len(left_over)} unsaved drafts"
            offer = f"You have {count}. Press ctrl+o, then Enter."
            # On the page, or in the status line if something stands there already; not in a dialog: typing works at once.
            if self._editor.text:
                self._status.tell(offer)
            else:
                self._invitation = str(self._editor.placeholder)
                self._editor.placeholder = f"{self._invitation}\n\n{offer}"

    def _open(self, choice: "Choice | None") -> None:
        if choice is None:
            return
        self.action_stop()
        self._sync_editor()
        if not self._report_errors(lambda: self.workshop.open(choice.record, revision=choice.revision)):
            return
        self.set_focus(self._editor)
        self._show_draft()
        self._editor.move_cursor(self._editor.document.end)
        self._show_takes()
        self._editor.placeholder = self._invitation or self._editor.placeholder
        if choice.revision is None or not self.workshop.unsaved:
            self._status.tell(f"Opened {short_name(choice.record.name)}")
        else:
            self._status.tell(
                f"Opened revision {choice.revision} of {choice.record.number}; save it to make it the latest."
            )
