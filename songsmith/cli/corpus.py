"""`songsmith corpus`: the words there are."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from songsmith.cli import console
from songsmith.cli.progress import progress
from songsmith.cli.words import Filters, MaxSongs, reasons, songs, tell_choice
from songsmith.lyrics import one_line

if TYPE_CHECKING:
    from songsmith.corpus.statistics import CorpusStatistics
    from songsmith.corpus.store import Corpus, CorpusStore

app = typer.Typer(help="The words you learn from.", no_args_is_help=True)

Name = Annotated[str | None, typer.Argument(help="Name of a corpus.", show_default="the only one, or the latest")]
Raw = Annotated[bool, typer.Option("--raw", help="The songs as they came, though there are clean ones.")]


@app.command(name="list")
def list_corpora(as_json: Annotated[bool, typer.Option("--json", help="One JSON object a corpus.")] = False) -> None:
    """List the corpora."""
    from songsmith.studio import corpus_reports

    found = corpus_reports.list_corpora(_store())
    if as_json:
        console.write("".join(map(corpus_reports.json_row, found)))
    elif found:
        console.show_table(("Corpus", "Songs", "Clean", "Set aside", "Size"), [_cells(row) for row in found])
    else:
        console.say("There is no corpus yet. Make one with: songsmith import PATH")
    for row in found:
        if "problem" in row:
            console.say(one_line(f"{row['name']}: {row['problem']}"))


@app.command()
def show(
    name: Name = None,
    set_aside: Annotated[bool, typer.Option("--set-aside", help="The songs that are not used, and why.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show what a corpus is, or what was set aside in it."""
    from collections import Counter

    from songsmith.studio.corpus_reports import describe, json_row

    corpus = _choose(name)
    if set_aside:
        for record in corpus.set_aside():
            row = (record.id, record.title, record.reason)
            console.write(json_row(record.as_json()) if as_json else "\t".join(map(one_line, row)) + "\n")
        return
    about = describe(corpus)
    about["set_aside_reasons"] = dict(Counter(record.reason for record in corpus.set_aside()).most_common())
    if as_json:
        console.write(json_row(about))
        return
    why = f" {reasons(about['set_aside_reasons'])}" if about["set_aside"] else ""
    console.write(
        f"name: {one_line(about['name'])}\nsongs: {about['raw_records']} ({_size(about['raw_bytes'])})\n"
        f"clean: {_clean_cell(about)}\nset aside: {about['set_aside']}{why}\n"
        f"changed: {about['changed_at']}\npath: {one_line(about['path'])}\n"
    )


@app.command()
def stats(
    name: Name = None,
    raw: Raw = False,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Count a corpus: songs, lines, words, stanzas, and the lines it repeats most."""
    from songsmith.studio.corpora import SongsRead
    from songsmith.studio.corpus_reports import json_row, measure_corpus

    corpus = _choose(name)
    with progress("Counting") as bar:
        for event in measure_corpus(corpus, raw=raw):
            if isinstance(event, SongsRead):
                bar.report(event.count, event.total, text=songs(event.count))
            else:
                result = event
    if not as_json:
        _show_statistics(corpus, result, raw=raw)
        return
    from dataclasses import asdict

    console.write(json_row({"name": corpus.name, **asdict(result), "mean_lines_a_stanza": result.mean_lines_a_stanza}))


@app.command()
def export(
    name: Name = None,
    format: Annotated[Literal["jsonl", "text"], typer.Option("--format", "-f", help="How to write them.")] = "jsonl",
    filters: Filters = None,
    max_songs: MaxSongs = None,
    raw: Raw = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file.", show_default="standard output")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Write the songs of a corpus so that `songsmith import` reads them back."""
    from songsmith.corpus.filters import Filter
    from songsmith.studio.corpora import stale_notice
    from songsmith.studio.corpus_reports import UNSAFE, ExportFormat, export_file, export_rows

    wanted = [Filter.parse(expression) for expression in filters or ()]
    corpus = _choose(name)
    if not raw and (notice := stale_notice(corpus)):
        console.say(notice)
    rows = export_rows(corpus, ExportFormat(format), filters=wanted, max_songs=max_songs, raw=raw)
    if output is not None and str(output) != "-":
        count = export_file(rows, output, force=force)
        console.say(f"Wrote {songs(count)} to {one_line(str(output))}")
        return
    for row in rows:
        console.write(re.sub(UNSAFE, "", row) if sys.stdout.isatty() else row)


@app.command()
def rm(
    name: Annotated[str, typer.Argument(help="Name of the corpus.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove a corpus for good, raw songs and all."""
    store = _store()
    what = _name_with_songs(store.find(name))
    console.agree_to_remove(f"the {what}", yes=yes)
    store.remove(name)
    console.say(f"Removed the {what}.")


def _store() -> "CorpusStore":
    from songsmith.studio.studio import Studio

    return Studio.open().corpora


def _choose(name: str | None) -> "Corpus":
    from songsmith.studio.corpora import choose_corpus

    corpus, chosen = choose_corpus(_store(), name)
    tell_choice(chosen.name, chosen.why)
    return corpus


def _name_with_songs(corpus: "Corpus") -> str:
    from songsmith.errors import StorageError

    try:
        return f"corpus '{one_line(corpus.name)}' with {songs(corpus.raw_records)}"
    except StorageError:
        return f"damaged corpus '{one_line(corpus.name)}'"


def _cells(about: dict[str, Any]) -> tuple[str, ...]:
    if "problem" in about:
        return one_line(about["name"]), "damaged", "", "", ""
    sizes = str(about["set_aside"]), _size(about["raw_bytes"])
    return one_line(about["name"]), str(about["raw_records"]), _clean_cell(about), *sizes


def _clean_cell(about: dict[str, Any]) -> str:
    if about["is_clean"]:
        return str(about["clean_records"])
    return f"{about['clean_records']}, older than the songs" if about["clean_records"] else "no"


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def _show_statistics(corpus: "Corpus", result: "CorpusStatistics", *, raw: bool) -> None:
    from songsmith.studio.corpora import stale_notice

    if not raw and not corpus.has_clean:
        console.say(f"Corpus '{one_line(corpus.name)}' is not clean: these are the songs as they came.")
    elif not raw and (notice := stale_notice(corpus)):
        console.say(notice)
    stanzas = ", ".join(f"{count} {kind}" for kind, count in result.stanzas.items()) or "none"
    lengths = sorted(result.lines_a_stanza.items(), key=lambda item: -item[1])[:5]
    console.write(
        f"songs: {result.songs}\nartists: {result.artists}\nlines: {result.lines}\nwords: {result.words}\n"
        f"vocabulary: {result.vocabulary}\nstanzas: {stanzas}\n"
        f"lines a stanza: {result.mean_lines_a_stanza:.1f} on average; most often "
        f"{', '.join(f'{length} ({count})' for length, count in lengths) or 'none'}\n"
    )
    for text, count in result.repeated_lines:
        console.write(f"{count} times: {one_line(text)}\n")
