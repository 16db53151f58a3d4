"""The workshop without its screen: a draft, its undo history, its takes, and how they are saved.

One workshop holds one draft at a time. The draft is on disk after `autosave()`, under a lock that is released when the process
ends, so that another workshop offers only drafts that are not open. Knows no widget and no engine: requests go out, takes come in.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from songsmith.errors import NotFoundError, SongsmithError
from songsmith.generation.options import GenerationOptions
from songsmith.library.library import Library
from songsmith.library.records import DamagedRow, DamagedSongError, SongRecord
from songsmith.lyrics import Author, one_line
from songsmith.markup import Prompt
from songsmith.paths import Paths
from songsmith.studio.draft import Draft, Version
from songsmith.studio.draft_locks import DraftLocks
from songsmith.studio.take_in_progress import TakeInProgress, WithoutTake
from songsmith.studio.undo import History
from songsmith.takes import Take, new_id


@dataclass(frozen=True, kw_only=True)
class WriteRequest:
    """A request for an engine."""

    prompt: Prompt
    options: GenerationOptions
    parent_id: str | None
    song_id: str
    """The song, or draft, that its takes belong to, whatever is open when they arrive."""


class Workshop:
    """A draft, and everything that can be done with it."""

    def __init__(self, library: Library, paths: Paths, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with an empty draft.

        Args:
            library: that stores drafts, songs and takes.
            paths: of the drafts' locks.
            clock: returns the time in seconds, since a pause in typing ends a step of undo.
        """
        self._library, self._locks = library, DraftLocks(paths.locks)
        self.clock = clock
        self.options = GenerationOptions()
        """The options of every request, except its seed and its form."""
        self.new_seed: Callable[[], int] = lambda: int.from_bytes(os.urandom(4)) >> 1
        """Gives each request its seed."""
        self._fresh()

    def _fresh(self) -> None:
        self.draft = Draft()
        self.song_number: int | None = None
        """Number of the saved song that this draft belongs to."""
        self._song_id: str | None = None
        self._draft_id = new_id()
        self._artist = ""
        self._on_file = self.draft  # as the library holds it, kept or as a draft
        self._kept = self.draft  # as last saved by the user
        self._on_disk = False
        self._seen_change = 0  # the last change of the saved song that this workshop knows
        self._history = History(lambda: self.clock())
        self._writing: TakeInProgress | None = None
        self._last_take_id: str | None = None

    # --- state

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
        """Whether a take is being written into the text."""
        return self._writing is not None

    @property
    def anchor(self) -> int | None:
        """Offset where the model writes next, or None while it does not."""
        return self._writing.anchor if self._writing else None

    def versions_at(self, row: int) -> tuple[Sequence[Version], int]:
        """Return the versions of the section at a row, including what it shows now, and the index of that one."""
        index = self.draft.section_at(row)
        if index is None:
            return (), 0
        history = self.draft.with_snapshot(index).histories[index]
        return history.versions, history.current

    # --- writing by hand

    def type(self, text: str, *, title: str | None = None) -> None:
        """Apply an edit by a person to the text or the title."""
        before = self.draft
        after = before.with_text(text, Author.PERSON)
        if title is not None:
            after = replace(after, title=title)
        if (after.text, after.title) == (before.text, before.title):
            return
        self.draft = after
        if self._writing is not None:
            # A step of its own beside the take: undoing the take leaves it in place.
            before, after = self._writing.typed(before, after)
        self._history.typed(before, after)

    def close_step(self) -> None:
        """Make what is typed next a new step of undo: the cursor moved, or a paste began or ended."""
        self._history.close_step()

    def undo(self) -> bool:
        """Undo the last step: a whole take, or what was typed without a pause. Return whether there was one.

        A take is undone before what was typed beside it, which is undone by the next steps.
        """
        self._end_take()
        return self._show(self._history.undo(self.draft))

    def redo(self) -> bool:
        """Redo the last undone step; return whether there was one."""
        self._end_take()
        return self._show(self._history.redo(self.draft))

    def _show(self, draft: Draft | None) -> bool:
        if draft is not None:
            self.draft = draft
        return draft is not None

    def _begin_take(self, before: Draft, start: int, end: int, *, in_place: bool) -> None:
        """Prepare for a take; everything it changes will be one step of undo, which returns to `before`."""
        self._end_take()
        self._history.forget_undone()
        self._writing = TakeInProgress(
            start=start,
            anchor=start,
            replaced_end=end,
            in_place=in_place,
            without=WithoutTake.beginning(before, self.draft.text, start, end),
        )

    def _end_take(self) -> TakeInProgress | None:
        """End the writing: the take is now the last step that can be undone."""
        writing, self._writing = self._writing, None
        if writing is not None and (writing.begun or writing.without.draft.text != self.draft.text):
            self._history.remember(writing.without.draft)
        return writing

    # --- writing by a model

    def go_on(self, *, to_the_end: bool = False) -> WriteRequest | None:
        """Return the request for what comes next: a section, or everything up to the end of the song.

        Where the draft ends in a bare `[Chorus]` that was sung before, its words are inserted first; None where that is all.
        """
        self._end_take()
        before = self.draft
        if (repeated := before.repeated()) is not None:
            self.draft = repeated
            if not to_the_end:
                self._history.remember(before)
                return None
        self.draft, prompt = self.draft.continuation()
        options = replace(
            self.options,
            seed=self.new_seed(),
            stop_at_section=not to_the_end,
            stay_in_section=prompt.in_unfinished_section,
        )
        end = len(self.draft.text)
        self._begin_take(before, end, end, in_place=False)
        return WriteRequest(prompt=prompt, options=options, parent_id=self._last_take_id, song_id=self._takes_song_id)

    def rewrite(self, row: int) -> WriteRequest | None:
        """Return the request for another take of the section at a row, of as many lines; None where there is nothing to rewrite."""
        self._end_take()
        index = self.draft.section_at(row)
        if index is None:
            return None
        before = self.draft
        self.draft = before.with_snapshot(index)
        plan = self.draft.rewrite(index)
        self._begin_take(before, plan.start, plan.end, in_place=True)
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
        """Insert text that the model wrote into the draft, where it is writing."""
        writing = self._writing
        if writing is None or not text:
            return
        if not writing.begun and writing.in_place:
            text = text.lstrip("\n")  # the section's place and header are there already
        # The newline after a line is held back until the next line: what follows a rewritten section has its own.
        text = writing.held + text
        writing.held = "\n" if text.endswith("\n") else ""
        text = text.removesuffix("\n")
        if not text:
            return
        if not writing.begun and writing.in_place:
            # What was typed into the old lines since the request is kept with them, including any sections it made.
            for index in self._sections_between(writing.anchor, writing.replaced_end):
                self.draft = self.draft.with_snapshot(index)
        before, anchor = self.draft.text, writing.anchor
        rest = before[max(anchor, writing.replaced_end) :]
        if rest and not rest.startswith("\n"):
            rest = f"\n{rest}"  # what a person typed here keeps its own row
        self.draft = self.draft.with_text(before[:anchor] + text + rest, Author.MODEL)
        writing.anchor = writing.replaced_end = anchor + len(text)
        writing.begun = True

    def withdraw(self, text: str) -> None:
        """Take the end of what the model wrote out of the draft again; it is followed by other words.

        Where a person has changed these words meanwhile, they stay.
        """
        writing = self._writing
        if writing is None:
            return
        if writing.held and text.endswith("\n"):
            text, writing.held = text.removesuffix("\n"), ""
        if not text or not writing.begun:
            return
        before, anchor = self.draft.text, writing.anchor
        start = max(writing.start, anchor - len(text))
        if not text.endswith(before[start:anchor]):
            writing.held = "\n"  # what the model writes in their place is a line of its own
            return
        if start > writing.start and before[start - 1] == "\n":
            start, writing.held = start - 1, "\n"
        self.draft = self.draft.with_text(before[:start] + before[anchor:], Author.MODEL)
        writing.anchor = writing.replaced_end = start
        writing.begun = start > writing.start

    def finish(self, take: Take | None) -> None:
        """End the writing. The take, if there is one, is stored with the section it wrote and in the library."""
        writing = self._end_take()
        if writing is not None and writing.begun:
            for index in self._sections_between(writing.start, writing.anchor):
                self.draft = self.draft.with_snapshot(index, take_id=take.id if take else None)
        if take is None:
            return
        if take.title and not self.draft.title and not take.prompt_text:
            self.draft = replace(self.draft, title=take.title)  # the model was given none, and chose one
        self.keep_take(take, self._takes_song_id)

    def _sections_between(self, start: int, end: int) -> list[int]:
        """Return the sections that have a row between two offsets."""
        first, last = (self.draft.text.count("\n", 0, place) for place in (start, end))
        sections = enumerate(self.draft.sections)
        return [index for index, section in sections if section.first_row <= last and section.end_row > first]

    def keep_take(self, take: Take, song_id: str) -> None:
        """Store a take in the library, under the song or draft of its request, which need not be the one that is open."""
        if song_id == self._draft_id and not self._on_disk:
            self.autosave(even_unchanged=True)  # a take needs a song to belong to
        with suppress(NotFoundError):  # its draft was empty, and has been removed
            self._library.add_take(song_id, take)
        if song_id == self._takes_song_id:
            self._last_take_id = take.id

    @property
    def _takes_song_id(self) -> str:
        return self._song_id or self._draft_id

    def step(self, row: int, by: int) -> bool:
        """Show the version of a section before (-1) or after (+1) the one shown; return whether there was one."""
        index = self.draft.section_at(row)
        if index is None or self._writing is not None:
            return False
        changed = self.draft.with_version(index, by)
        if changed.text == self.draft.text:
            return False
        self._history.remember(self.draft)
        self.draft = changed
        return True

    # --- saving and opening

    def autosave(self, *, even_unchanged: bool = False) -> bool:
        """Save the draft to disk if it has changed; return whether it had.

        Raises:
            StorageError: the disk is full, the home cannot be written, or the library cannot be used.
        """
        if self.draft == self._on_file and not even_unchanged:
            return False
        self._locks.hold(self._draft_id)
        self._library.put_song(self._record(self._draft_id, kept=False, song_id=self._song_id))
        self._on_file, self._on_disk = self.draft, True
        return True

    def save(self) -> SongRecord:
        """Save the draft as a song of the library: a new one, or the one it belongs to.

        If another program changed that song since it was opened, both stay: the draft becomes a new song.
        """
        if self._song_id is not None and self._changed_elsewhere():
            self._song_id = None
        if self._song_id is None:
            # The draft's own record becomes the song, and its takes stay with it.
            record = self._library.put_song(self._record(self._draft_id, kept=True, song_id=None))
            self._song_id, self._draft_id, self._on_disk = self._draft_id, new_id(), False
            self._locks.release()
        else:
            record = self._library.put_song(self._record(self._song_id, kept=True, song_id=None))
            self._drop_draft_record()
        self.song_number, self._seen_change = record.number, record.change
        self._on_file = self._kept = self.draft
        return record

    def new(self) -> None:
        """Close the draft and start an empty one."""
        self._put_away()
        self._fresh()

    def open(self, record: SongRecord, *, revision: int | None = None) -> None:
        """Close the draft and open a song, or an unsaved draft.

        Args:
            record: the song or draft.
            revision: an earlier revision of the song to continue from; it is saved as the next one. Undo shows the latest.

        Raises:
            NotFoundError: it has been removed meanwhile.
            StorageError: another workshop has the draft open, or it cannot be read.
        """
        self._put_away()
        try:
            record = self._library.song(record.id)  # closing the draft, or another program, may have changed it
            earlier = self._library.revision(record, revision) if revision is not None else None
            if not record.kept:
                self._locks.hold(record.id)
        except SongsmithError:
            if self._on_disk:  # the draft stays open here, and locked for other workshops
                self._locks.hold(self._draft_id)
            raise
        self._fresh()
        self.draft = _draft_of(record)
        self._artist, self._on_file = record.artist, self.draft
        song: SongRecord | None = record
        if not record.kept:
            self._draft_id, self._on_disk = record.id, True
            song = self._find(record.state.get("song_id"))
        if song is not None:
            self._song_id, self.song_number, self._seen_change = song.id, song.number, song.change
            self._kept = _draft_of(song)
        if earlier is not None:
            self._history.remember(self.draft)
            self.draft = _draft_of(earlier)
        takes = self._library.takes(self._takes_song_id)
        self._last_take_id = takes[-1].id if takes else None

    def left_over(self) -> list[SongRecord]:
        """Return unsaved drafts that no workshop has open and that can be read, the newest first."""
        return [entry for entry in self.left_over_entries() if isinstance(entry, SongRecord)]

    def left_over_entries(self) -> Iterator[SongRecord | DamagedRow]:
        """Yield unsaved drafts that no workshop has open, the newest first, and what cannot be read among the drafts."""
        for entry in self._library.draft_entries():
            if isinstance(entry, DamagedRow) or (
                entry.id != self._draft_id and not self._locks.is_open_elsewhere(entry.id) and not self._is_saved(entry)
            ):
                yield entry

    def discard(self, record: SongRecord) -> None:
        """Delete an unsaved draft with its takes; a draft of a saved song leaves the song as it is.

        What another workshop saved or changed since it was listed stays.
        """
        if not record.kept and not self._locks.is_open_elsewhere(record.id) and record.id != self._draft_id:
            self._library.remove_draft(record)

    def close(self) -> None:
        """Close the draft; if it is not saved, it will be offered next time."""
        self._put_away()

    def _put_away(self) -> None:
        self._writing = None
        # A title is worth keeping even before the first line; a saved song that was emptied keeps its lines.
        if self.unsaved and (self.draft.text.strip() or self.draft.title.strip() not in ("", self._kept.title.strip())):
            # The library may have been moved, or the draft removed from it, since it was saved.
            self.autosave(even_unchanged=self._find(self._draft_id) is None)
        else:
            if not self.unsaved and self.draft != self._kept and self._song_id and not self._changed_elsewhere():
                self.save()  # the same song, but with versions it did not have
            self._drop_draft_record()
        self._locks.release()

    def _drop_draft_record(self) -> None:
        if self._on_disk:
            self._library.remove(self._draft_id)
            self._on_disk = False
        self._locks.release()

    def _changed_elsewhere(self) -> bool:
        song = self._find(self._song_id)
        return song is None or song.change != self._seen_change

    def _is_saved(self, draft: SongRecord) -> bool:
        song = self._find(draft.state.get("song_id"))
        return song is not None and (song.text, song.title) == (draft.text, draft.title)

    def _record(self, id: str, *, kept: bool, song_id: str | None) -> SongRecord:
        state: dict[str, Any] = self.draft.as_json() | ({"song_id": song_id} if song_id else {})
        title = one_line(self.draft.title)
        return SongRecord(
            id=id, title=title, artist=self._artist, text=self.draft.text, authors=self.draft.line_authors, kept=kept,
            state=state,
        )  # fmt: skip

    def _find(self, id: str | None) -> SongRecord | None:
        try:
            return self._library.song(id) if isinstance(id, str) and id else None
        except (NotFoundError, DamagedSongError):
            return None


def _draft_of(record: SongRecord) -> Draft:
    return Draft.from_json(record.text, record.title, record.state, line_authors=record.authors)
