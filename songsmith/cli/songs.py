"""`songsmith songs`: what is kept."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from songsmith.cli import completion, console
from songsmith.lyrics import one_line, strip_controls
from songsmith.songsheet.sheet import SheetFormat

if TYPE_CHECKING:
    from songsmith.library.records import SongRecord
    from songsmith.takes import Take

app = typer.Typer(help="The songs you keep.", no_args_is_help=True)

Numbers = Annotated[
    list[str],
    typer.Argument(metavar="NUMBER...", help="Numbers of songs.", show_default=False, autocompletion=completion.songs),
]


@app.command(name="list")
def list_songs(as_json: Annotated[bool, typer.Option("--json", help="One JSON object a song.")] = False) -> None:
    """List the songs, the one changed last first."""
    from songsmith.studio.studio import Studio

    with Studio.open().library as library:
        _show_list(library.songs(), as_json, none="There are no songs yet. Write one in the workshop: songsmith")


@app.command()
def search(
    words: Annotated[list[str], typer.Argument(help="Words of title, artist or lyric.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a song.")] = False,
) -> None:
    """Find the songs with all these words, best first; the last word may be unfinished."""
    from songsmith.studio.studio import Studio

    with Studio.open().library as library:
        _show_list(library.search(" ".join(words)), as_json, none="No song has all these words.")


@app.command()
def show(
    number: Annotated[
        str,
        typer.Argument(
            metavar="NUMBER", help="Number of the song.", show_default=False, autocompletion=completion.songs
        ),
    ],
    show_takes: Annotated[bool, typer.Option("--takes", help="The takes it grew from, as a tree.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="All there is to know, as one JSON object.")] = False,
) -> None:
    """Show a song: its lyric on standard output, where it comes from on standard error."""
    from songsmith.studio.songs import describe, grow_tree
    from songsmith.studio.studio import Studio

    with Studio.open().library as library:
        record = library.song(number)
        takes = library.takes(record.id)
    if as_json:
        console.write(_json_row(describe(record, takes)))
        return
    _tell_origin(record, takes)
    if show_takes:
        for depth, take in grow_tree(takes):
            console.write("  " * depth + _take_row(take))
    else:
        text = strip_controls(record.text).rstrip("\n")
        console.write(f"{text}\n" if text else "")


@app.command()
def export(
    numbers: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NUMBER...", help="Numbers of songs.", show_default=False, autocompletion=completion.songs
        ),
    ] = None,
    format: Annotated[SheetFormat, typer.Option("--format", "-f", help="How to write them.")] = SheetFormat.TEXT,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="A file; or a folder that is there, for one file a song.",
            show_default="standard output",
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every song, into the folder --output.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
) -> None:
    """Write songs as text, Markdown or JSON, to standard output or to files."""
    from songsmith.errors import UsageError
    from songsmith.studio import songs
    from songsmith.studio.studio import Studio

    if every == bool(numbers):
        raise UsageError("Which songs?", "Give their numbers, or --all for every one.")
    if every and output is None:
        raise UsageError("--all needs a folder to write to.", "Name it with --output.")
    with Studio.open().library as library:
        if every and output is not None:
            files = songs.export_all(library, format, output, force=force)
        else:
            records = songs.find_songs(library, numbers or ())
            if output is None or str(output) == "-":
                console.write(songs.render_sheets(records, format))
                return
            files = songs.export(records, format, output, force=force)
    for path in files:
        console.say(f"Wrote {strip_controls(str(path))}")


@app.command()
def rm(
    numbers: Numbers,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove songs and their takes for good."""
    from songsmith.studio.songs import find_songs
    from songsmith.studio.studio import Studio

    with Studio.open().library as library:
        records = find_songs(library, numbers)
        names = ", ".join(f"{record.number or record.id[:8]} {one_line(record.name)}" for record in records)
        console.agree_to_remove(names, yes=yes)
        library.remove(*(record.id for record in records))
    console.say(f"Removed {names}.")


def _show_list(records: "list[SongRecord]", as_json: bool, *, none: str) -> None:
    from songsmith.studio.songs import summarise

    songs = [summarise(record) for record in records]
    if as_json:
        console.write("".join(map(_json_row, songs)))
    elif songs:
        console.show_table(
            ("No.", "Song", "Artist", "Lines", "Changed"),
            [
                (str(song["number"]), one_line(song["name"]), one_line(song["artist"]), str(song["lines"]),
                 _minute(song["updated_at"]))
                for song in songs
            ],
        )  # fmt: skip
    else:
        console.say(none)


def _tell_origin(record: "SongRecord", takes: "list[Take]") -> None:
    from songsmith.studio.songs import summarise

    about = summarise(record)
    console.say(one_line(f"{record.name} ({record.artist})" if record.artist else record.name))
    kept = f"song {record.number}" if record.kept else "a draft"
    written = f"{about['lines']} lines, {about['lines_by_model']} of them by a model"
    models = ", ".join(dict.fromkeys(take.model for take in takes))
    origin = f"{len(takes)} takes from {one_line(models)}" if takes else "no takes"
    console.say(f"({kept}, {written}, {origin}, changed {_minute(record.updated_at)})")


def _take_row(take: "Take") -> str:
    first = next((line for line in strip_controls(take.text).splitlines() if line.strip()), "(nothing)")
    heat = take.options.get("temperature", "?")
    return (
        f"{one_line(take.model)}, seed {take.seed}, temperature {heat}, {_minute(take.created_at)}: {first.strip()}\n"
    )


def _minute(moment: str) -> str:
    """Return a time as the person's own clock showed it, to the minute."""
    from datetime import datetime

    try:
        return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}"
    except ValueError:
        return moment


def _json_row(value: Any) -> str:
    """Return one line of JSON in which what could drive a terminal is escaped, so that nothing is lost."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if strip_controls(c) == c else f"\\u{ord(c):04x}" for c in text) + "\n"
