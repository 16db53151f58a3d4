"""Saved songs: find, list, trace to their takes, export."""

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Any

from songsmith.counting import count_of
from songsmith.errors import NotFoundError, UsageError
from songsmith.files import write_whole
from songsmith.library.library import Library
from songsmith.library.records import DamagedRow, SongRecord
from songsmith.library.repair import Repaired, Verified
from songsmith.lyrics import Author, strip_controls
from songsmith.permissions import storing_where_asked
from songsmith.songsheet.sheet import SheetFormat, describe_sections, render_sheet
from songsmith.takes import Take

_LONGEST_NAME_BYTES = 160
"""File systems allow 255 bytes; number, ending and later renaming need room, too."""

_MOST_NAMED = 5


def find_songs(library: Library, keys: Iterable[str]) -> list[SongRecord]:
    """Return the songs with these numbers (or beginnings of ids), each once.

    Raises:
        NotFoundError: one of them does not exist.
    """
    found = {record.id: record for record in map(library.song, keys)}
    return list(found.values())


def save_take(library: Library, take: Take) -> SongRecord:
    """Keep the song that a take makes with its prompt, and the take with it."""
    from songsmith.studio.writing import song_of  # imports numpy, which a list of songs does not need

    authors = tuple(line.author for line in song_of(take).lines)
    text = (take.prompt_text + take.text).removesuffix("\n")
    return library.put_song(SongRecord(title=take.title, text=text, authors=authors, kept=True), takes=[take])


def summarise(record: SongRecord) -> dict[str, Any]:
    """Return what a list shows of a song, as JSON values."""
    lines = record.song.lines
    return {
        "number": record.number,
        "id": record.id,
        "name": record.name,
        "title": record.title,
        "artist": record.artist,
        "lines": len(lines),
        "lines_by_model": sum(line.author is Author.MODEL for line in lines),
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "revision": record.revision,
    }


def describe(record: SongRecord, takes: Iterable[Take]) -> dict[str, Any]:
    """Return everything known about a song, as JSON values: who wrote each line, and every take's provenance."""
    from songsmith.studio.writing import take_as_json  # imports numpy, which a list of songs does not need

    return summarise(record) | {
        "kept": record.kept,
        "text": record.text,
        "sections": describe_sections(record.song),
        "takes": [take_as_json(take) | {"parent_id": take.parent_id} for take in takes],
    }


def grow_tree(takes: Sequence[Take]) -> Iterator[tuple[int, Take]]:
    """Yield each take after the one it grew from, with its depth; siblings keep their order."""
    ids = {take.id for take in takes}
    children: dict[str | None, list[Take]] = {}
    for take in takes:
        children.setdefault(take.parent_id if take.parent_id in ids else None, []).append(take)
    # A stack, not recursion: a song may have a chain of a thousand takes. Takes that no root leads to form a circle, which is
    # started anywhere.
    coming = [(0, take) for take in reversed([*children.get(None, []), *takes])]
    while coming:
        depth, take = coming.pop()
        if take.id not in ids:
            continue
        ids.discard(take.id)
        yield depth, take
        coming += [(depth + 1, child) for child in reversed(children.get(take.id, []))]


def tell_damaged(rows: Sequence[DamagedRow]) -> str:
    """Return one sentence about rows that cannot be read, and what to do about them; empty if there are none."""
    if not rows:
        return ""
    named = ", ".join(map(str, rows[:_MOST_NAMED]))
    more = f" and {len(rows) - _MOST_NAMED:,} more" if len(rows) > _MOST_NAMED else ""
    what = "1 damaged entry isn't" if len(rows) == 1 else f"{len(rows):,} damaged entries aren't"
    return f"{what} shown: {named}{more}. Fix what can be fixed with: songsmith songs repair"


def list_damage(verified: Verified) -> Iterator[str]:
    """Yield what is wrong in a library, one thing after the other."""
    yield from (f"{row.name} can't be read: its column '{row.column}' is damaged" for row in verified.damaged)
    if verified.strays:
        yield f"takes or revisions whose song is gone: {verified.strays}"
    yield from (f"the file: {message}" for message in verified.file)
    if not verified.index_agrees:
        yield "the search index doesn't match the songs"


def tell_no_songs(set_aside: Sequence[Path]) -> str:
    """Return the message about a library without songs.

    Args:
        set_aside: damaged libraries that were moved aside, the last first.
    """
    return f"No songs yet. {_tell_set_aside(set_aside) or 'Write one in the workshop: songsmith'}"


def _tell_set_aside(set_aside: Sequence[Path]) -> str:
    if not set_aside:
        return ""
    return f"To bring back the songs of the library that was moved aside: songsmith songs repair {shlex.quote(str(set_aside[0]))}"


def tell_repaired(repaired: Repaired, set_aside: Sequence[Path] = ()) -> str:
    """Return the result of a repair in a sentence or two.

    Args:
        repaired: what was done.
        set_aside: damaged libraries that were moved aside, the last first; named where there was nothing to do.
    """
    if repaired.before is None:
        return f"Everything is in order. {_tell_set_aside(set_aside)}".strip()
    parts = [
        f"recovered {count_of(repaired.recovered, 'song or draft', 'songs and drafts')}" if repaired.recovered else "",
        f"skipped {repaired.held:,} already here" if repaired.held else "",
        f"partly fixed {count_of(len(repaired.mended), 'entry', 'entries')}" if repaired.mended else "",
        f"made {count_of(repaired.adopted, 'draft')} from takes and revisions whose song is gone"
        if repaired.adopted
        else "",
    ]
    told = ", ".join(filter(None, parts)) or "rebuilt the search index"
    return f"{told[0].upper()}{told[1:]}. The library as it was is in {repaired.before}."


def restore(library: Library, song: SongRecord, revision: int) -> SongRecord:
    """Save an earlier revision of a song again, as its latest; return the song.

    Raises:
        NotFoundError: there is none of this number.
    """
    earlier = library.revision(song, revision)
    return library.put_song(earlier)


def compare(earlier: SongRecord, later: SongRecord) -> Iterator[str]:
    """Yield how one wording of a song became another, as rows of a unified diff; nothing if they read the same."""
    before, after = (_sheet_rows(record) for record in (earlier, later))
    names = (f"revision {earlier.revision}", f"revision {later.revision}")
    return unified_diff(before, after, *names, lineterm="")


def _sheet_rows(record: SongRecord) -> list[str]:
    head = [row for row in (record.title, record.artist) if row]
    return [strip_controls(row) for row in [*head, *([""] if head else []), *record.text.splitlines()]]


def render_sheets(records: Iterable[SongRecord], format: SheetFormat) -> str:
    """Write songs one after the other, as one text."""
    return format.divider.join(render_sheet(record.song, format) for record in records)


def export(records: Sequence[SongRecord], format: SheetFormat, output: Path, *, force: bool = False) -> list[Path]:
    """Write songs to a file, or one file each into a folder that exists. A file is whole or not there at all.

    Args:
        records: the songs.
        format: of the sheets.
        output: the file or folder.
        force: replace files that exist.

    Returns:
        the files written.

    Raises:
        UsageError: a file exists (then none is written), or its place is taken by something else.
        StorageError: the disk is full, or the folder cannot be written.
    """
    with storing_where_asked(output):  # looking may fail, too: for a name that is too long
        if output.is_dir():
            sheets = {output / file_name(record, format): render_sheet(record.song, format) for record in records}
        else:
            sheets = {output: render_sheets(records, format)}
        for path in sheets:
            if path.exists() and not path.is_file():
                raise UsageError(f"{path} isn't a regular file, so it can't be replaced.", "Choose another name.")
            if path.exists() and not force:
                raise UsageError(f"{path} already exists.", "Choose another name, or replace it with --force.")
    for path, sheet in sheets.items():
        target = Path(os.path.realpath(path))  # a link stays a link
        with storing_where_asked(target.parent):
            write_whole(target, sheet.encode("utf-8"))
    return list(sheets)


def export_all(
    library: Library, format: SheetFormat, folder: Path, *, force: bool = False
) -> tuple[list[Path], list[DamagedRow]]:
    """Write every kept song into a folder, created if necessary; see `export`. Also return the rows that cannot be read."""
    entries = list(library.entries())
    records = [entry for entry in entries if isinstance(entry, SongRecord)]
    if not entries:
        raise NotFoundError("No songs yet.", "Write one in the workshop: songsmith")
    with storing_where_asked(folder):
        folder.mkdir(parents=True, exist_ok=True)
    damaged = [entry for entry in entries if isinstance(entry, DamagedRow)]
    return export(records, format, folder, force=force), damaged


def file_name(record: SongRecord, format: SheetFormat) -> str:
    """Return a name any system takes and no other song has: `12 AC-DC.txt`."""
    name = re.sub(r"[/\\|:]", "-", strip_controls(record.name))
    name = re.sub(r'[*?"<>\s]+', " ", name)
    name = name.encode("utf-8", "ignore")[:_LONGEST_NAME_BYTES].decode("utf-8", "ignore").strip(" .-")
    # The number keeps names apart, and away from those that mean something to a system, such as CON or `..`.
    return f"{record.number or record.id[:8]} {name or 'Untitled'}{format.suffix}"
