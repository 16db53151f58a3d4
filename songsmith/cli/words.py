"""`songsmith import` and `songsmith clean`: words in, and made fit to learn from."""

import shlex
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from songsmith.cli import console
from songsmith.cli.progress import progress
from songsmith.lyrics import one_line

if TYPE_CHECKING:
    from songsmith.studio.corpora import CorpusCleaned, RecordsKept, SongCleaned, SongsImported

_REASONS_TOLD = 6

Filters = Annotated[
    list[str] | None,
    typer.Option(
        "--filter", metavar="EXPR", help="Only such songs: kind=song, year<1900, artist~burns, sensitive!=true.",
        show_default=False,
    ),
]  # fmt: skip
MaxSongs = Annotated[int | None, typer.Option(help="At most so many songs.", show_default="all")]


def import_words(
    path: Annotated[
        Path, typer.Argument(help="A text, JSONL, JSON, CSV or TSV file, or a folder.", show_default=False)
    ],
    corpus: Annotated[str, typer.Option(help="Corpus to import into.", show_default="the file's name")] = "",
    text_column: Annotated[
        str, typer.Option(help="Column or key with the lyrics.", show_default="text or lyrics")
    ] = "",
    title_column: Annotated[str, typer.Option(help="Column or key with the title.", show_default="title")] = "",
    artist_column: Annotated[
        str, typer.Option(help="Column or key with the artist.", show_default="artist or author")
    ] = "",
    separator: Annotated[
        str,
        typer.Option(help="What divides the songs of a text file; \\n is a line break.", show_default="<|endoftext|>"),
    ] = "",
    filters: Filters = None,
    max_songs: MaxSongs = None,
) -> None:
    """Bring songs of your own into a corpus.

    In a text file blank lines divide stanzas, and <|endoftext|>, <|startoftext|> or --separator divides songs;
    without these, the file is one song. JSONL has title, artist and text. JSON is as lyricsgenius saves it.
    Any of them may be gzipped. Run again, it passes over the songs that are held.
    """
    from songsmith.corpus.filters import Filter
    from songsmith.corpus.importers import ImportOptions
    from songsmith.studio import corpora
    from songsmith.studio.studio import Studio

    options = ImportOptions(
        text_column=text_column, title_column=title_column, artist_column=artist_column,
        separator=separator.replace("\\n", "\n").replace("\\t", "\t"),
    )  # fmt: skip
    wanted = [Filter.parse(expression) for expression in filters or ()]
    done, kept = None, None
    with progress(f"Checking {path.name}") as bar, console.interrupts() as interrupted:
        for event in corpora.import_songs(
            Studio.open(), path, corpus=corpus, filters=wanted, max_songs=max_songs, options=options
        ):
            if isinstance(event, corpora.SongsImported):
                done = event
                break
            if isinstance(event, corpora.RecordsKept):
                kept = event
                bar.report(event.bytes_read, event.bytes_total, text=_rate(event), description=f"Importing {path.name}")
            else:
                bar.report(event.bytes_read, event.bytes_total)
            if interrupted.is_set():
                break
    if done is None:
        came = f"{songs(kept.count)} came in" if kept else "nothing was kept"
        console.say(f"Interrupted; {came}. Run the same command again{': it goes on' if kept else ''}.")
        raise typer.Exit(130)
    _tell_import(done)


def clean(
    name: Annotated[
        str | None, typer.Argument(help="Name of the corpus.", show_default="the only one, or the latest")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be removed, and change nothing.")] = False,
) -> None:
    """Take the dirt of lyric sites off a corpus; the raw songs stay as they came."""
    from songsmith.studio import corpora
    from songsmith.studio.studio import Studio

    done = None
    with progress("Cleaning") as bar, console.interrupts() as interrupted:
        for event in corpora.clean_corpus(Studio.open(), name, dry_run=dry_run):
            if isinstance(event, corpora.CorpusCleaned):
                done = event
            elif interrupted.is_set():
                break
            elif isinstance(event, corpora.CorpusChosen):
                tell_choice(event.name, event.why)
            elif isinstance(event, corpora.SongsRead):
                bar.report(event.count, event.total)
            else:
                _show_changes(event)
    if done is None:
        console.say("Interrupted; nothing was changed.")
        raise typer.Exit(130)
    _tell_cleaning(done, dry_run=dry_run)


def tell_choice(name: str, why: str) -> None:
    """Say which corpus the work is about, if it was not named."""
    if why:
        console.say(f"Corpus '{one_line(name)}' ({why}).")


def songs(count: int) -> str:
    """Return a number of songs in words."""
    return "1 song" if count == 1 else f"{count} songs"


def reasons(counts: Mapping[str, int]) -> str:
    """Return how often what happened, the most frequent first: `(3 no words, 1 not valid JSON)`."""
    told = [f"{count} {one_line(reason)}" for reason, count in islice(counts.items(), _REASONS_TOLD)]
    if len(counts) > _REASONS_TOLD:
        told.append("and other things")
    return f"({', '.join(told)})" if told else ""


def _tell_import(done: "SongsImported") -> None:
    name = one_line(done.corpus)
    parts = [f"Kept {songs(done.added)} in corpus '{name}'"]
    if done.held:
        parts.append(f"{done.held} held already")
    if done.left_out:
        parts.append(f"{done.left_out} left out by the filters")
    if done.set_aside:
        parts.append(f"{sum(done.set_aside.values())} set aside {reasons(done.set_aside)}")
    console.say(f"{', '.join(parts)}.")
    if done.notice:
        console.say(one_line(f"{done.notice} Is the filter misspelt?"))
    if done.set_aside:
        console.say(f"What was set aside: songsmith corpus show {shlex.quote(name)} --set-aside")
    console.say(f"Next: songsmith clean {shlex.quote(name)}")


def _tell_cleaning(done: "CorpusCleaned", *, dry_run: bool) -> None:
    name = one_line(done.corpus)
    parts = [f"{'Would keep' if dry_run else 'Kept'} {songs(done.kept)} of corpus '{name}'"]
    parts.append(f"{done.changed} of them changed {reasons(done.removed)}".rstrip() if done.changed else "none changed")
    if done.set_aside:
        parts.append(f"{sum(done.set_aside.values())} set aside {reasons(done.set_aside)}")
    console.say(f"{', '.join(parts)}.{' Nothing was written.' if dry_run else ''}")
    if done.suspicious and not dry_run:
        places = "1 place" if done.suspicious == 1 else f"{done.suspicious} places"
        console.say(f"{places} to look at: `songsmith clean {shlex.quote(name)} --dry-run` marks them with ?.")
    if dry_run:
        console.say(f"To do it: songsmith clean {shlex.quote(name)}")
    elif done.kept:
        console.say(f"Next: songsmith finetune --corpus {shlex.quote(name)}")


def _show_changes(event: "SongCleaned") -> None:
    console.write(f"{one_line(event.title) or 'Untitled'} ({one_line(event.id)})\n")
    for span in event.removed:
        for sign, text in (("-", span.text), ("+", span.replacement)):
            for row in text.strip("\n").splitlines():
                console.write(f"  {sign} {one_line(row)}  [{span.rule}, line {span.line}]\n")
    for doubt in event.suspicious:
        console.write(f"  ? {one_line(doubt.text)}  [{doubt.rule}, line {doubt.line}]\n")
    if not (event.removed or event.suspicious or event.set_aside):
        console.write("  spaces, line breaks or signs only\n")
    if event.set_aside:
        console.write(f"  set aside: {one_line(event.set_aside)}\n")


def _rate(event: "RecordsKept") -> str:
    aside = f", {event.set_aside} set aside" if event.set_aside else ""
    return f"{songs(event.count + event.held)}{aside}"
