"""`songsmith corpus export`: write songs for other programs, or for another import."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from songsmith.cli import console
from songsmith.cli.corpus_work import Name, Raw, choose, follow, parse_filters
from songsmith.cli.words import Filters, MaxSongs, songs
from songsmith.lyrics import one_line

if TYPE_CHECKING:
    from songsmith.corpus.storage.store import Corpus
    from songsmith.studio.corpus_songs import SongsWanted
    from songsmith.studio.exporting import ExportFormat


def export(
    name: Name = None,
    format: Annotated[
        Literal["jsonl", "text", "parquet", "dataset"] | None,
        typer.Option(
            "--format",
            "-f",
            help="Output format; dataset: a folder for Hugging Face's datasets.",
            show_default="from the file's extension, else jsonl",
        ),
    ] = None,
    filters: Filters = None,
    max_songs: MaxSongs = None,
    raw: Raw = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="File to write; for a dataset, the folder to create.", show_default="standard output"
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace existing output.")] = False,
    split_share: Annotated[
        float | None, typer.Option(help="dataset: share of the songs in the validation split.", show_default="none")
    ] = None,
    seed: Annotated[int, typer.Option(help="dataset: seed that decides which songs these are.")] = 0,
    license: Annotated[
        str, typer.Option(metavar="ID", help="dataset: licence, as Hugging Face names it, such as cc0-1.0.")
    ] = "unknown",
    include_fetched: Annotated[
        bool, typer.Option("--include-fetched", help="dataset: include songs from lyric sites; for yourself only.")
    ] = False,
) -> None:
    """Export the songs of a corpus; `songsmith import` reads JSONL back without loss.

    A dataset is a folder with Parquet files and a card. Lyrics belong to their writers: songs that were fetched
    are refused unless you ask for them.
    """
    from songsmith.errors import UsageError
    from songsmith.studio.corpora import stale_notice
    from songsmith.studio.corpus_songs import SongsWanted
    from songsmith.studio.dataset_folder import DatasetOptions, export_dataset
    from songsmith.studio.exporting import ExportFormat, choose_format, export_corpus

    kind = ExportFormat(format) if format else choose_format(output)
    to_stdout = output is None or str(output) == "-"
    if to_stdout and kind in (ExportFormat.PARQUET, ExportFormat.DATASET):
        raise UsageError(f"{format} can't be written to standard output.", "Choose a file or folder with --output.")
    options = DatasetOptions(split_share=split_share, seed=seed, licence=license, include_fetched=include_fetched)
    if kind is not ExportFormat.DATASET and options != DatasetOptions(seed=seed):
        raise UsageError("These options work only with --format dataset.", "Leave them out, or choose that format.")
    wanted = SongsWanted(filters=parse_filters(filters), max_songs=max_songs, raw=raw)
    corpus = choose(name)
    if not raw and (notice := stale_notice(corpus)):
        console.say(notice)
    if output is None or to_stdout:
        _write_rows(corpus, kind, wanted)
        return
    if kind is ExportFormat.DATASET:
        events = export_dataset(corpus, output, wanted, options, force=force)
    else:
        events = export_corpus(corpus, kind, output, wanted, force=force)
    for done in follow(f"Writing {output.name}", events, interrupted="Interrupted; nothing was written."):
        console.say(f"Wrote {songs(done.count)} to {one_line(str(output))}")
    if kind is ExportFormat.DATASET:
        console.say("Its README.md says who owns these lyrics, and what that means.")


def _write_rows(corpus: "Corpus", kind: "ExportFormat", wanted: "SongsWanted") -> None:
    from songsmith.studio.corpora import SongsRead
    from songsmith.studio.exporting import export_rows

    for row in export_rows(corpus, kind, wanted):
        if not isinstance(row, SongsRead):
            console.write_file(row)
