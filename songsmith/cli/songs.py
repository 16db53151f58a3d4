"""`songsmith songs`: list, search, show and export saved songs, and their revisions."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from songsmith.cli import completion, console
from songsmith.counting import count_of
from songsmith.lyrics import one_line, strip_controls
from songsmith.safe_text import json_row
from songsmith.songsheet.sheet import SheetFormat

if TYPE_CHECKING:
    from songsmith.library.records import DamagedRow, SongRecord
    from songsmith.takes import Take

app = typer.Typer(help="The songs you saved.", no_args_is_help=True)

Number = Annotated[
    str,
    typer.Argument(metavar="NUMBER", help="Number of the song.", show_default=False, autocompletion=completion.songs),
]
Numbers = Annotated[
    list[str],
    typer.Argument(metavar="NUMBER...", help="Numbers of songs.", show_default=False, autocompletion=completion.songs),
]


@app.command(name="list")
def list_songs(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per song.")] = False,
) -> None:
    """List the songs, the latest first."""
    from songsmith.studio.songs import tell_no_songs
    from songsmith.studio.studio import Studio

    with Studio.open().library as library:
        _show_list(library.entries(), as_json, none=tell_no_songs(library.set_aside))


@app.command()
def search(
    words: Annotated[list[str], typer.Argument(help="Words in the title, artist or lyrics.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per song.")] = False,
) -> None:
    """Find songs that contain all these words, best match first; the last word may be unfinished."""
    from songsmith.studio.studio import Studio

    with Studio.open().library as library:
        _show_list(library.entries(" ".join(words)), as_json, none="No song contains all these words.")


@app.command()
def show(
    number: Number,
    revision: Annotated[
        int | None,
        typer.Option(
            "--revision", "-r", min=1, help="An earlier revision; see `revisions`.", show_default="the latest"
        ),
    ] = None,
    show_takes: Annotated[bool, typer.Option("--takes", help="Show the takes it grew from, as a tree.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything about it, as one JSON object.")] = False,
) -> None:
    """Show a song: its lyrics on standard output, where it comes from on standard error."""
    from songsmith.studio.songs import describe, grow_tree
    from songsmith.studio.studio import Studio

    with Studio.open().library as library:
        record = library.song(number)
        if revision is not None:
            record = library.revision(record, revision)
        takes, damaged = _divide(library.take_entries(record.id))
    _tell_damaged(damaged)
    if as_json:
        console.write(json_row(describe(record, takes)))
        return
    _tell_origin(record, takes)
    if show_takes:
        for depth, take in grow_tree(takes):
            console.write("  " * depth + _take_row(take))
    else:
        text = strip_controls(record.text).rstrip("\n")
        console.write(f"{text}\n" if text else "")


@app.command()
def revisions(
    number: Number,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per revision.")] = False,
) -> None:
    """List the saved revisions of a song, the latest first."""
    from songsmith.studio.songs import summarise
    from songsmith.studio.studio import Studio

    with Studio.open().library as library:
        found, damaged = _divide(library.revisions(library.song(number)))
    rows = [summarise(record) for record in found]
    if as_json:
        console.write("".join(map(json_row, rows)))
    else:
        console.show_table(
            ("Revision", "Saved", "Song", "Lines"),
            [
                (str(row["revision"]), _minute(row["updated_at"]), one_line(row["name"]), str(row["lines"]))
                for row in rows
            ],
        )
    _tell_damaged(damaged)


@app.command()
def diff(
    number: Number,
    earlier: Annotated[
        int | None, typer.Argument(metavar="[FROM]", min=1, help="Earlier revision.", show_default="the one before TO")
    ] = None,
    later: Annotated[
        int | None, typer.Argument(metavar="[TO]", min=1, help="Later revision.", show_default="the latest")
    ] = None,
) -> None:
    """Show what changed between two revisions of a song, line by line."""
    from songsmith.studio.songs import compare
    from songsmith.studio.studio import Studio

    with Studio.open().library as library:
        song = library.song(number)
        after = library.revision(song, later or song.revision)
        before = library.revision(song, earlier or max(after.revision - 1, 1))
    rows = list(compare(before, after))
    console.write("".join(f"{row}\n" for row in rows))
    if not rows:
        only = "The song was saved only once." if song.revision == 1 else "The revisions are the same."
        console.say(f"No changes. {only}")


@app.command()
def restore(
    number: Number,
    revision: Annotated[
        int, typer.Option("--revision", "-r", min=1, help="Revision to restore; see `revisions`.", show_default=False)
    ],
) -> None:
    """Restore an earlier revision of a song as its latest; nothing is lost."""
    from songsmith.studio import songs
    from songsmith.studio.studio import Studio

    with Studio.open().library as library:
        before = library.song(number)
        record = songs.restore(library, before, revision)
    if record.revision == before.revision:
        console.say(f"Song {record.number} already reads like revision {revision}.")
    else:
        console.say(f"Restored revision {revision} of song {record.number} as revision {record.revision}.")


@app.command()
def export(
    numbers: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NUMBER...", help="Numbers of songs.", show_default=False, autocompletion=completion.songs
        ),
    ] = None,
    format: Annotated[SheetFormat, typer.Option("--format", "-f", help="Output format.")] = SheetFormat.TEXT,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File to write, or an existing folder for one file per song.",
            show_default="standard output",
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Export every song, into the folder --output.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
) -> None:
    """Write songs as text, Markdown or JSON, to standard output or to files."""
    from songsmith.errors import UsageError
    from songsmith.studio import songs
    from songsmith.studio.studio import Studio

    if every == bool(numbers):
        raise UsageError("It isn't clear which songs to export.", "Give their numbers, or --all for every song.")
    if every and output is None:
        raise UsageError("--all needs a folder to write to.", "Name it with --output.")
    with Studio.open().library as library:
        if every and output is not None:
            files, damaged = songs.export_all(library, format, output, force=force)
            _tell_damaged(damaged)
        else:
            records = songs.find_songs(library, numbers or ())
            if output is None or str(output) == "-":
                console.write_file(songs.render_sheets(records, format))
                return
            files = songs.export(records, format, output, force=force)
    for path in files:
        console.say(f"Wrote {strip_controls(str(path))}")


@app.command()
def rm(
    numbers: Numbers,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask for confirmation.")] = False,
) -> None:
    """Permanently remove songs, with their takes and earlier revisions."""
    from songsmith.studio.songs import find_songs
    from songsmith.studio.studio import Studio

    with Studio.open().library as library:
        records = find_songs(library, numbers)
        names = ", ".join(f"{record.number or record.id[:8]} {one_line(record.name)}" for record in records)
        console.agree_to_remove(names, yes=yes)
        library.remove(*(record.id for record in records))
    console.say(f"Removed {names}.")


@app.command()
def verify(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per finding.")] = False,
) -> None:
    """Check that everything in the library can be read, and report what can't. Changes nothing.

    Exits with code 5 while something is wrong.
    """
    from songsmith.errors import DatabaseError
    from songsmith.studio.songs import list_damage
    from songsmith.studio.studio import Studio

    with Studio.open().library as library:
        verified = library.verify()
    for found in list_damage(verified):
        console.write(json_row({"what": found}) if as_json else f"{one_line(found)}\n")
    counts = (
        f"{count_of(verified.songs, 'song or draft', 'songs and drafts')}, "
        f"{count_of(verified.revisions, 'earlier revision')} and {count_of(verified.takes, 'take')}"
    )
    if not verified.sound:
        raise DatabaseError(
            f"Part of the library is damaged; {counts} can be read.",
            "Fix what can be fixed with: songsmith songs repair",
        )
    console.say(f"Everything can be read: {counts}.")


@app.command()
def repair(
    file: Annotated[
        Path | None,
        typer.Argument(help="A library that was moved aside, or a copy of one.", show_default="the library itself"),
    ] = None,
) -> None:
    """Fix damaged songs as far as possible, or recover the songs of a damaged library. Nothing is deleted.

    A copy of the library is kept first. With FILE, its songs are added to those you have.
    """
    from songsmith.studio.songs import tell_repaired
    from songsmith.studio.studio import Studio

    with Studio.open().library as library:
        repaired = library.recover(file) if file is not None else library.repair()
        told = tell_repaired(repaired, library.set_aside)
    for row in repaired.mended:
        console.write(f"{one_line(row.name)}: lost or replaced: {', '.join(row.columns)}\n")
    console.say(strip_controls(told))


def _show_list(entries: "Iterable[SongRecord | DamagedRow]", as_json: bool, *, none: str) -> None:
    from songsmith.library.records import DamagedRow
    from songsmith.studio.songs import summarise

    damaged: list[DamagedRow] = []
    shown = 0

    def songs() -> Iterator[dict[str, Any]]:
        nonlocal shown
        for entry in entries:
            if isinstance(entry, DamagedRow):
                damaged.append(entry)
            else:
                shown += 1
                yield summarise(entry)

    if as_json:
        for song in songs():
            console.write(json_row(song))
    else:
        console.show_table(
            ("No.", "Song", "Artist", "Lines", "Changed"),
            (
                (str(song["number"] or song["id"][:8]), one_line(song["name"]), one_line(song["artist"]),
                 str(song["lines"]), _minute(song["updated_at"]))
                for song in songs()
            ),
        )  # fmt: skip
    if not shown and not damaged and not as_json:
        console.say(none)
    _tell_damaged(damaged)


def _divide(entries: "Iterable[Any]") -> "tuple[list[Any], list[DamagedRow]]":
    """Return what can be read, and what cannot."""
    from songsmith.library.records import DamagedRow

    read: list[Any] = []
    damaged: list[DamagedRow] = []
    for entry in entries:
        (damaged if isinstance(entry, DamagedRow) else read).append(entry)
    return read, damaged


def _tell_damaged(rows: "list[DamagedRow]") -> None:
    from songsmith.studio.songs import tell_damaged

    if rows:
        console.say(one_line(tell_damaged(rows)))


def _tell_origin(record: "SongRecord", takes: "list[Take]") -> None:
    from songsmith.studio.songs import summarise

    about = summarise(record)
    console.say(one_line(f"{record.name} ({record.artist})" if record.artist else record.name))
    kept = f"song {record.number}" if record.kept else "a draft"
    written = f"{count_of(about['lines'], 'line')}, {about['lines_by_model']} by a model"
    models = ", ".join(dict.fromkeys(take.model for take in takes))
    origin = f"{count_of(len(takes), 'take')} from {one_line(models)}" if takes else "no takes"
    if record.kept and record.revision > 1:
        kept += f", revision {record.revision}"
    console.say(f"({kept}, {written}, {origin}, changed {_minute(record.updated_at)})")


def _take_row(take: "Take") -> str:
    first = next((line for line in strip_controls(take.text).splitlines() if line.strip()), "(nothing)")
    heat = one_line(str(take.options.get("temperature", "?")))
    return (
        f"{one_line(take.model)}, seed {take.seed}, temperature {heat}, {_minute(take.created_at)}: {first.strip()}\n"
    )


def _minute(moment: str) -> str:
    """Return a time as the person's own clock showed it, to the minute."""
    from datetime import datetime

    try:
        return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError):
        return moment
