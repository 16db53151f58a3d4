"""The workshop without its screen: a draft, its undo, its takes, and their way to disk.

One workshop holds one draft at a time. What it holds is on disk after `autosave()`, under a lock that dies with the process,
so that another workshop offers only drafts nobody has open. Knows no widget and no engine: requests go out, takes come in.
"""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from songsmith.errors import NotFoundError, storing
from songsmith.generation.options import GenerationOptions
from songsmith.library.library import Library
from songsmith.library.records import SongRecord
from songsmith.lyrics import Author, strip_controls
from songsmith.markup import Prompt
from songsmith.paths import Paths
from songsmith.studio.draft import Draft, Version, move_offset
from songsmith.takes import Take, new_id

if TYPE_CHECKING:
    from filelock import BaseFileLock

_TYPING_PAUSE_S = 1.0
"""Keystrokes closer than this are undone together."""
_UNDO_STEPS = 500


@dataclass(frozen=True, kw_only=True)
class WriteRequest:
    """What an engine is to be asked for."""

    prompt: Prompt
    options: GenerationOptions
    parent_id: str | None
    song_id: str
    """The song, or draft, that its takes belong to, whatever is open when they come."""


@dataclass
class _Writing:
    """A take on its way into the text."""

    anchor: int
    """Offset where the next text goes."""
    replaced_end: int
    """End of the lines that go as soon as the first text comes."""
    in_place: bool
    """A section is written anew, in its place, not a new one begun."""
    begun: bool = False
    """The first text has come."""
    held: str = ""
    """A newline that waits for the line after it."""


class Workshop:
    """A draft, and all that can be done with it."""

    def __init__(self, library: Library, paths: Paths) -> None:
        """Start with an empty draft."""
        self._library, self._paths = library, paths
        self.options = GenerationOptions()
        """What every request asks for, but for its seed and its form."""
        self.new_seed: Callable[[], int] = lambda: int.from_bytes(os.urandom(4)) >> 1
        """Gives each request its seed."""
        self._fresh()

    def _fresh(self) -> None:
        self.draft = Draft()
        self.song_number: int | None = None
        """Number of the saved song this draft is of."""
        self._song_id: str | None = None
        self._draft_id = new_id()
        self._artist = ""
        self._on_file = self.draft  # as the library holds it, kept or as a draft
        self._kept = self.draft  # as last saved by the user
        self._on_disk = False
        self._lock: BaseFileLock | None = None
        self._past: list[Draft] = []
        self._future: list[Draft] = []
        self._typed_at = 0.0
        self._writing: _Writing | None = None
        self._last_take_id: str | None = None

    # --- what is there

    @property
    def text(self) -> str:
        """The draft's text."""
        return self.draft.text

    @property
    def unsaved(self) -> bool:
        """Whether the draft differs from what was last saved."""
        return (self.draft.text, self.draft.title) != (self._kept.text, self._kept.title)

    @property
    def writing(self) -> bool:
        """Whether a take is on its way into the text."""
        return self._writing is not None

    @property
    def anchor(self) -> int | None:
        """Offset where the model writes next, or None while it does not."""
        return self._writing.anchor if self._writing else None

    def versions_at(self, row: int) -> tuple[Sequence[Version], int]:
        """Return the versions of the section at a row, what it shows now among them, and which one that is."""
        index = self.draft.section_at(row)
        if index is None:
            return (), 0
        slot = self.draft.committed(index).slots[index]
        return slot.versions, slot.current

    # --- writing by hand

    def type(self, text: str, *, title: str | None = None) -> None:
        """Take over what a person made of the text, or of the title."""
        if text == self.draft.text and title in (None, self.draft.title):
            return
        now = time.monotonic()
        if now - self._typed_at > _TYPING_PAUSE_S or not self._past:
            self._remember()
        self._typed_at = now
        if self._writing is not None:
            self._writing.replaced_end = move_offset(self._writing.replaced_end, self.draft.text, text)
            self._writing.anchor = move_offset(self._writing.anchor, self.draft.text, text)
        self.draft = self.draft.with_text(text, Author.PERSON)
        if title is not None:
            self.draft = replace(self.draft, title=title)

    def undo(self) -> bool:
        """Go back to before the last change; a whole take is one change."""
        return self._travel(self._past, self._future)

    def redo(self) -> bool:
        """Take back an undo."""
        return self._travel(self._future, self._past)

    def _travel(self, there: list[Draft], back: list[Draft]) -> bool:
        if not there:
            return False
        self._writing = None
        back.append(self.draft)
        self.draft = there.pop()
        self._typed_at = 0.0
        return True

    def _remember(self) -> None:
        self._past.append(self.draft)
        del self._past[:-_UNDO_STEPS]
        self._future.clear()
        self._typed_at = 0.0

    # --- writing by a model

    def go_on(self, *, to_the_end: bool = False) -> WriteRequest:
        """Ask for what comes next: a section, or all up to the end of the song."""
        self._remember()
        self.draft, prompt = self.draft.continuation()
        sections = prompt.song.sections
        options = replace(
            self.options,
            seed=self.new_seed(),
            stop_at_section=not to_the_end,
            stay_in_section=bool(sections) and not sections[-1].lines,
        )
        self._writing = _Writing(anchor=len(self.draft.text), replaced_end=len(self.draft.text), in_place=False)
        return WriteRequest(prompt=prompt, options=options, parent_id=self._last_take_id, song_id=self._takes_song_id)

    def rewrite(self, row: int) -> WriteRequest | None:
        """Ask for another take of the section at a row, of as many lines; None where there is nothing to rewrite."""
        index = self.draft.section_at(row)
        if index is None:
            return None
        self._remember()
        self.draft = self.draft.committed(index)
        plan = self.draft.rewrite(index)
        self._writing = _Writing(anchor=plan.start, replaced_end=plan.end, in_place=True)
        lines = plan.lines or 4
        options = replace(
            self.options,
            seed=self.new_seed(),
            min_lines=lines,
            max_lines=lines,
            stop_at_section=True,
            stay_in_section=True,
        )
        return WriteRequest(
            prompt=plan.prompt,
            options=options,
            parent_id=plan.replaced_take_id or self._last_take_id,
            song_id=self._takes_song_id,
        )

    def extend(self, text: str) -> None:
        """Put text that the model wrote into the draft, where it is writing."""
        writing = self._writing
        if writing is None or not text:
            return
        if not writing.begun and writing.in_place:
            text = text.lstrip("\n")  # the section's place and header are there already
        # The newline behind a line waits for the next line: what follows a rewritten section brings its own.
        text = writing.held + text
        writing.held = "\n" if text.endswith("\n") else ""
        text = text.removesuffix("\n")
        if not text:
            return
        if not writing.begun and writing.in_place:
            # What was typed into the old lines since they were asked to go is kept with them.
            index = self.draft.section_at(self.draft.text.count("\n", 0, writing.anchor))
            if index is not None:
                self.draft = self.draft.committed(index)
        before, anchor = self.draft.text, writing.anchor
        after = before[:anchor] + text + before[max(anchor, writing.replaced_end) :]
        self.draft = self.draft.with_text(after, Author.MODEL)
        writing.anchor = writing.replaced_end = anchor + len(text)
        writing.begun = True

    def finish(self, take: Take | None) -> None:
        """End the writing. The take it made, if any, is kept with the section it wrote and in the library."""
        writing, self._writing = self._writing, None
        if take is None:
            return
        if writing is not None and writing.begun:
            row = self.draft.text.count("\n", 0, max(0, writing.anchor - 1))
            index = self.draft.section_at(row)
            if index is not None:
                self.draft = self.draft.committed(index, take_id=take.id)
        if take.title and not self.draft.title and not take.prompt_text:
            self.draft = replace(self.draft, title=take.title)  # the model was given none, and chose one
        self._last_take_id = take.id
        self.keep_take(take, self._takes_song_id)

    def keep_take(self, take: Take, song_id: str) -> None:
        """Put a take into the library, under the song or draft it was asked for: not always the one that is open."""
        if song_id == self._draft_id and not self._on_disk:
            self.autosave(even_unchanged=True)  # a take needs a song to belong to
        with suppress(NotFoundError):  # its draft was empty, and is gone
            self._library.add_take(song_id, take)

    @property
    def _takes_song_id(self) -> str:
        return self._song_id or self._draft_id

    def step(self, row: int, by: int) -> bool:
        """Show the version of a section before (-1) or after (+1) the one shown; return whether there was one."""
        index = self.draft.section_at(row)
        if index is None or self._writing is not None:
            return False
        stepped = self.draft.stepped(index, by)
        if stepped.text == self.draft.text:
            self.draft = stepped
            return False
        self._remember()
        self.draft = stepped
        return True

    # --- to disk and back

    def autosave(self, *, even_unchanged: bool = False) -> bool:
        """Put the draft on disk if it changed since; return whether it had.

        Raises:
            StorageError: the disk is full, the home cannot be written, or the library cannot be used.
        """
        if self.draft == self._on_file and not even_unchanged:
            return False
        self._hold_lock()
        self._library.put_song(self._record(self._draft_id, kept=False, song_id=self._song_id))
        self._on_file, self._on_disk = self.draft, True
        return True

    def save(self) -> SongRecord:
        """Keep the draft as a song of the library: a new one, or the one it is of."""
        if self._song_id is None:
            # The draft's own record becomes the song, and its takes stay with it.
            record = self._library.put_song(self._record(self._draft_id, kept=True, song_id=None))
            self._song_id, self._draft_id = self._draft_id, new_id()
            self._release_lock()
        else:
            record = self._library.put_song(self._record(self._song_id, kept=True, song_id=None))
            self._drop_draft_record()
        self.song_number = record.number
        self._on_file = self._kept = self.draft
        self._on_disk = False
        return record

    def new(self) -> None:
        """Put the draft away and start an empty one."""
        self._put_away()
        self._fresh()

    def open(self, record: SongRecord) -> None:
        """Put the draft away and take up a song, or a draft left over from another time."""
        self._put_away()
        self._fresh()
        self.draft = Draft.from_json(record.text, record.title, record.state)
        self._artist, self._on_file = record.artist, self.draft
        takes = self._library.takes(record.id)
        if record.kept:
            self._song_id, self.song_number = record.id, record.number
            self._kept = self.draft
        else:
            self._draft_id, self._on_disk = record.id, True
            song_id = record.state.get("song_id")
            origin = self._find(song_id) if song_id else None
            if origin is not None:
                self._song_id, self.song_number = origin.id, origin.number
                self._kept = Draft.from_json(origin.text, origin.title, origin.state)
                takes = self._library.takes(origin.id)
            self._hold_lock()
        self._last_take_id = takes[-1].id if takes else None

    def left_over(self) -> list[SongRecord]:
        """Return unsaved drafts that no workshop has open, the newest first."""
        return [
            record for record in self._library.drafts() if record.id != self._draft_id and not self._is_open(record.id)
        ]

    def close(self) -> None:
        """Put the draft away for good; if it is not saved, it will be offered next time."""
        self._put_away()

    def _put_away(self) -> None:
        self._writing = None
        if self.unsaved and (self.draft.text.strip() or self._on_disk):
            self.autosave()
        else:
            if self._song_id is not None and self.draft != self._kept:
                self.save()  # the same song, but with versions it did not have
            self._drop_draft_record()
        self._release_lock()

    def _drop_draft_record(self) -> None:
        if self._on_disk:
            self._library.remove(self._draft_id)
            self._on_disk = False
        self._release_lock()

    def _record(self, id: str, *, kept: bool, song_id: str | None) -> SongRecord:
        state: dict[str, Any] = self.draft.as_json() | ({"song_id": song_id} if song_id else {})
        title = " ".join(strip_controls(self.draft.title).split())
        return SongRecord(
            id=id, title=title, artist=self._artist, text=self.draft.text, authors=self.draft.line_authors, kept=kept,
            state=state,
        )  # fmt: skip

    def _find(self, id: str) -> SongRecord | None:
        try:
            return self._library.song(id)
        except NotFoundError:
            return None

    def _hold_lock(self) -> None:
        if self._lock is None:
            from filelock import FileLock

            path = self._paths.locks / f"{self._draft_id}.lock"
            with storing(path.parent):
                path.parent.mkdir(parents=True, exist_ok=True)
                lock = FileLock(path, timeout=0)
                lock.acquire()
            self._lock = lock

    def _release_lock(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._paths.locks.joinpath(self._lock.lock_file).unlink(missing_ok=True)
            self._lock = None

    def _is_open(self, draft_id: str) -> bool:
        path = self._paths.locks / f"{draft_id}.lock"
        if not path.exists():
            return False
        from filelock import FileLock, Timeout

        try:
            with FileLock(path, timeout=0):
                return False
        except Timeout:
            return True
