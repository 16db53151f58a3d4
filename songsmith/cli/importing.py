"""`songsmith import`: songs of files into a corpus."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from songsmith.cli import completion, console
from songsmith.cli.progress import progress
from songsmith.cli.words import Filters, MaxSongs, reasons, songs
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
            help="Files or folders; or hf://OWNER/NAME; or - for what is piped in.",
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
        typer.Option(help="What divides the songs of a text file; \\n is a line break.", show_default="<|endoftext|>"),
    ] = "",
    no_header: Annotated[
        bool, typer.Option("--no-header", help="The first row of a table is a song; columns go by number: 1, 2, …")
    ] = False,
    max_unpacked: Annotated[
        int | None,
        typer.Option(
            metavar="MB",
            min=1,
            help="A gzipped file may unpack to so many MB.",
            show_default="256, or 100 times its size",
        ),
    ] = None,
    filters: Filters = None,
    max_songs: MaxSongs = None,
) -> None:
    """Bring songs of your own into a corpus.

    A table (CSV, TSV, Parquet) names its columns; JSONL has title, artist and text.
    One with one row a line is put together into songs.
    JSON is as lyricsgenius saves it, or LRCLIB answers.

    In a text file blank lines divide stanzas; <|endoftext|>, <|startoftext|> or --separator divides songs.
    Without these it is one song, as is a file of ChordPro, OnSong, LRC, OpenSong, OpenLyrics or MusicXML,
    of subtitles (SRT, WebVTT, TTML), or a page of Genius saved from a browser. What a file is, or what
    is piped in, is told by what is in it. Chords and times are kept beside the words.
    Any but Parquet may be gzipped.

    hf://OWNER/NAME is a data set of the Hugging Face Hub, and hf://OWNER/NAME@REVISION/FOLDER:SPLIT
    a part of one. It is streamed: only the songs that are kept come to this disk.

    Killed and run again, it goes on where it was; songs that are held are passed over.
    """
    from songsmith.corpus.filters import Filter
    from songsmith.corpus.formats.import_options import ImportOptions
    from songsmith.errors import UsageError
    from songsmith.studio import importing
    from songsmith.studio.studio import Studio

    # An unset variable of the shell's: the folder one stands in is not meant.
    if not all(path.strip() for path in paths):
        raise UsageError("There is no name of a file.", "Name a file, a folder, or hf://OWNER/NAME.")
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
        came = f"{songs(kept.count)} came in" if kept else "nothing was kept"
        console.say(f"Interrupted; {came}. Run the same command again{': it goes on' if kept else ''}.")
        raise typer.Exit(interrupted.exit_code)
    _tell_import(done)


def _describe(paths: list[str]) -> str:
    if len(paths) > 1:
        return f"{len(paths)} files"
    return "standard input" if paths == ["-"] else paths[0].rstrip("/").rpartition("/")[2] or paths[0]


@contextmanager
def _opening(paths: list[str], corpus: str) -> "Iterator[Sources]":
    """Lend what is to be imported; what is piped in has been read to its end then."""
    from songsmith.corpus.formats.text_files import PipedInput
    from songsmith.errors import UsageError

    if len(paths) > 1 and "-" in paths:
        raise UsageError("What is piped in is imported by itself.", "Leave out the other names; a file - is ./-")
    if paths != ["-"]:
        yield paths[0] if len(paths) == 1 else paths
        return
    if not corpus:  # now, not when all has come
        raise UsageError("What is piped in has no name for a corpus.", "Choose one with --corpus NAME.")
    with closing(PipedInput(sys.stdin.buffer)) as piped:
        yield piped


def _tell_import(done: "SongsImported") -> None:
    from songsmith.corpus.formats.importers import describe_passed_over

    name = one_line(done.corpus)
    parts = [f"Kept {songs(done.added)} in corpus '{name}'"]
    if done.held:
        parts.append(f"{done.held} held already")
    if done.left_out:
        parts.append(f"{done.left_out} left out by the filters")
    if done.set_aside:
        parts.append(f"{sum(done.set_aside.values())} set aside {reasons(done.set_aside)}")
    console.say(f"{', '.join(parts)}.")
    if done.passed_over:
        console.say(one_line(describe_passed_over(done.passed_over)))
    for remark in done.remarks[:_REMARKS_TOLD]:
        console.say(one_line(remark))
    if len(done.remarks) > _REMARKS_TOLD:
        console.say(f"(and {len(done.remarks) - _REMARKS_TOLD} more such remarks)")
    if done.notice:
        console.say(one_line(f"{done.notice} Is the filter misspelt?"))
    if done.set_aside:
        first = f", the first {sum(done.set_aside.values()) - done.unnoted:,} of them" if done.unnoted else ""
        console.say(f"What was set aside{first}: songsmith corpus show {shlex.quote(name)} --set-aside")
    console.say(f"Next: songsmith clean {shlex.quote(name)}")


def _rate(event: "RecordsKept") -> str:
    aside = f", {event.set_aside} set aside" if event.set_aside else ""
    return f"{songs(event.count + event.held)}{aside}"
