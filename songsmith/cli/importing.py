"""`songsmith import`: read songs from files into a corpus."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from songsmith.cli import completion, console
from songsmith.cli.progress import progress
from songsmith.cli.words import Filters, MaxSongs, reasons, songs
from songsmith.counting import count_of
from songsmith.lyrics import one_line

if TYPE_CHECKING:
    from songsmith.corpus.formats.importers import Sources
    from songsmith.studio.importing import RecordsKept, SongsImported

_REMARKS_TOLD = 5


def import_words(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH",
            help="Files or folders, hf://OWNER/NAME, or - for standard input.",
            show_default=False,
        ),
    ],
    corpus: Annotated[
        str,
        typer.Option(
            help="Corpus to import into.", show_default="the file's or folder's name", autocompletion=completion.corpora
        ),
    ] = "",
    text_column: Annotated[
        str, typer.Option(help="Column or key with the lyrics.", show_default="text or lyrics")
    ] = "",
    title_column: Annotated[str, typer.Option(help="Column or key with the title.", show_default="title")] = "",
    artist_column: Annotated[
        str, typer.Option(help="Column or key with the artist.", show_default="artist or author")
    ] = "",
    chords_column: Annotated[str, typer.Option(help="Column or key with the chords.", show_default="chords")] = "",
    separator: Annotated[
        str,
        typer.Option(help="What separates songs in a text file; \\n is a line break.", show_default="<|endoftext|>"),
    ] = "",
    no_header: Annotated[
        bool, typer.Option("--no-header", help="The table's first row is a song; columns are numbered 1, 2, …")
    ] = False,
    max_unpacked: Annotated[
        int | None,
        typer.Option(
            metavar="MB",
            min=1,
            help="How many MB a gzipped file may unpack to.",
            show_default="256, or 100 times its size",
        ),
    ] = None,
    filters: Filters = None,
    max_songs: MaxSongs = None,
) -> None:
    """Import your own songs into a corpus.

    A table (CSV, TSV, Parquet) has named columns; JSONL has title, artist and text. A table with one row
    per line of lyrics is put together into songs. JSON is what lyricsgenius saves or LRCLIB returns.

    In a text file, blank lines separate stanzas; <|endoftext|>, <|startoftext|> or --separator separates
    songs. Without these it is one song, as is a ChordPro, OnSong, LRC, OpenSong, OpenLyrics or MusicXML
    file, a subtitle file (SRT, WebVTT, TTML), or a Genius page saved from a browser. The format is
    recognised by its content. Chords and times are kept with the lyrics. All but Parquet may be gzipped.

    hf://OWNER/NAME is a dataset on the Hugging Face Hub; hf://OWNER/NAME@REVISION/FOLDER:SPLIT is a part
    of one. It is streamed: only the songs you keep are stored on this disk.

    If interrupted, run it again to continue; songs already imported are skipped.
    """
    from songsmith.corpus.filters import Filter
    from songsmith.corpus.formats.import_options import ImportOptions
    from songsmith.errors import UsageError
    from songsmith.studio import importing
    from songsmith.studio.studio import Studio

    # An unset variable of the shell's: the folder one stands in is not meant.
    if not all(path.strip() for path in paths):
        raise UsageError("The file name is empty.", "Give a file, a folder, or hf://OWNER/NAME.")
    options = ImportOptions(
        text_column=text_column, title_column=title_column, artist_column=artist_column,
        chords_column=chords_column, separator=separator.replace("\\n", "\n").replace("\\t", "\t"),
        no_header=no_header, max_unpacked_mb=max_unpacked,
    )  # fmt: skip
    wanted = [Filter.parse(expression) for expression in filters or ()]
    done, kept, name = None, None, _describe(paths)
    with _opening(paths, corpus) as sources, progress(f"Checking {name}") as bar, console.interrupts() as interrupted:
        for event in importing.import_songs(
            Studio.open(), sources, corpus=corpus, filters=wanted, max_songs=max_songs, options=options
        ):
            if isinstance(event, importing.SongsImported):
                done = event
                break
            if isinstance(event, importing.RecordsKept):
                kept = event
                bar.report(event.bytes_read, event.bytes_total, text=_rate(event), description=f"Importing {name}")
            else:
                bar.report(event.bytes_read, event.bytes_total)
            if interrupted.is_set():
                break
    if done is None:
        came = f"{songs(kept.count)} imported" if kept else "nothing was imported"
        console.say(f"Interrupted; {came}. Run the same command again{' to continue' if kept else ''}.")
        raise typer.Exit(interrupted.exit_code)
    _tell_import(done)


def _describe(paths: list[str]) -> str:
    if len(paths) > 1:
        return count_of(len(paths), "file")
    return "standard input" if paths == ["-"] else paths[0].rstrip("/").rpartition("/")[2] or paths[0]


@contextmanager
def _opening(paths: list[str], corpus: str) -> "Iterator[Sources]":
    """Lend what is to be imported; what is piped in has been read to its end then."""
    from songsmith.corpus.formats.text_files import PipedInput
    from songsmith.errors import UsageError

    if len(paths) > 1 and "-" in paths:
        raise UsageError(
            "Standard input can't be imported together with files.",
            "Leave out the other names; a file called - is ./-",
        )
    if paths != ["-"]:
        yield paths[0] if len(paths) == 1 else paths
        return
    if not corpus:  # now, not when all has come
        raise UsageError("Songs from standard input need a corpus name.", "Choose one with --corpus NAME.")
    with closing(PipedInput(sys.stdin.buffer)) as piped:
        yield piped


def _tell_import(done: "SongsImported") -> None:
    from songsmith.corpus.formats.importers import describe_passed_over

    name = one_line(done.corpus)
    parts = [f"Kept {songs(done.added)} in corpus '{name}'"]
    if done.held:
        parts.append(f"{done.held} already imported")
    if done.left_out:
        parts.append(f"{done.left_out} left out by the filters")
    if done.set_aside:
        parts.append(f"{sum(done.set_aside.values()):,} set aside {reasons(done.set_aside)}")
    console.say(f"{', '.join(parts)}.")
    if done.passed_over:
        console.say(one_line(describe_passed_over(done.passed_over)))
    for remark in done.remarks[:_REMARKS_TOLD]:
        console.say(one_line(remark))
    if len(done.remarks) > _REMARKS_TOLD:
        console.say(f"(and {count_of(len(done.remarks) - _REMARKS_TOLD, 'more note')})")
    if done.notice:
        console.say(one_line(f"{done.notice} Is the filter misspelt?"))
    if done.set_aside:
        first = f", the first {sum(done.set_aside.values()) - done.unnoted:,} of them" if done.unnoted else ""
        console.say(f"To see what was set aside{first}: songsmith corpus show {shlex.quote(name)} --set-aside")
    console.say(f"Next: songsmith clean {shlex.quote(name)}")


def _rate(event: "RecordsKept") -> str:
    aside = f", {event.set_aside} set aside" if event.set_aside else ""
    return f"{songs(event.count + event.held)}{aside}"
