"""`songsmith clean`: clean songs for training."""

import shlex
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from songsmith.cli import completion, console
from songsmith.cli.progress import progress
from songsmith.cli.words import reasons, songs, tell_choice
from songsmith.counting import count_of
from songsmith.errors import UsageError
from songsmith.lyrics import one_line

if TYPE_CHECKING:
    from songsmith.studio.cleaning import Cleaning, CorpusCleaned
    from songsmith.studio.studio import Studio


def clean(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Name of the corpus.", show_default="the only one, or the latest", autocompletion=completion.corpora
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, song by song, without changing anything.")
    ] = False,
    report: Annotated[
        bool,
        typer.Option(
            "--report",
            help="List every place that the last cleaning changed, with its rule, and every doubtful one that it "
            "kept. Cleans the corpus first if it has no report yet, or if you give cleaning options.",
        ),
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write the report to.", show_default="standard output")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --report or --dry-run: print one JSON object per song.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Undo the last cleaning (one step is kept).")] = False,
    disable: Annotated[
        list[str] | None, typer.Option("--disable", metavar="RULE", help="Skip a rule; repeatable.", show_default=False)
    ] = None,
    list_rules: Annotated[bool, typer.Option("--list-rules", help="List the rules, in the order they run.")] = False,
    keep_adlibs: Annotated[
        bool | None,
        typer.Option("--keep-adlibs/--drop-adlibs", help="Ad-libs at line ends, such as (yeah).", show_default="keep"),
    ] = None,
    strip_headers: Annotated[
        bool | None,
        typer.Option("--strip-headers/--keep-headers", help="Section headers such as [Chorus].", show_default="keep"),
    ] = None,
    keep_duplicates: Annotated[
        bool,
        typer.Option(
            "--keep-duplicates",
            help="Use remixes, live versions, demos and other near-duplicates too. Otherwise, of songs that share 70 % "
            "of their words (50 % if title and artist are the same), only one is used: the one with a plain title rather than "
            "one such as (Live), then the longest, then the first.",
        ),
    ] = False,
    jobs: Annotated[
        int | None, typer.Option(help="Number of processes.", show_default="one per processor, if worthwhile")
    ] = None,
) -> None:
    """Remove lyric-site clutter from a corpus; the raw songs stay as they are."""
    from songsmith.studio import cleaning
    from songsmith.studio.studio import Studio

    if list_rules:
        from songsmith.corpus.cleaning import RULES

        console.show_table(("Rule", "What it does"), [(rule.name, rule.does) for rule in RULES])
        return
    if output and not report:
        raise UsageError("--output needs --report.", "Add --report.")
    if as_json and not (report or dry_run):
        raise UsageError("--json needs --report or --dry-run.", "Add --report or --dry-run.")
    if sum((undo, report, dry_run)) > 1:
        raise UsageError("--undo, --report and --dry-run can't be combined.", "Choose one of them.")
    studio = Studio.open()
    if undo:
        _undo(studio, name)
        return
    anew = not report or keep_duplicates or any(it is not None for it in (disable, keep_adlibs, strip_headers, jobs))
    if anew or not cleaning.has_report(studio, name):
        from songsmith.corpus.cleaning import CleaningOptions

        options = CleaningOptions(
            disabled=frozenset(disable or ()), keep_adlibs=keep_adlibs is not False, strip_headers=bool(strip_headers)
        )
        work = cleaning.clean_corpus(
            studio, name, dry_run=dry_run, options=options, keep_duplicates=keep_duplicates, jobs=jobs
        )
        _run(work, dry_run=dry_run, as_json=as_json)
    if report:
        _write_report(studio, name, output, force=force, as_json=as_json)


def _run(work: "Cleaning", *, dry_run: bool, as_json: bool) -> None:
    from songsmith.cli.cleaning_display import show_diff
    from songsmith.studio import cleaning
    from songsmith.studio.corpora import CorpusChosen, SongsRead
    from songsmith.studio.corpus_songs import json_row

    done = None
    with progress("Cleaning") as bar, console.interrupts() as interrupted, closing(work):
        for event in work:
            if isinstance(event, cleaning.CorpusCleaned):
                done = event
            elif interrupted.is_set():
                break
            elif isinstance(event, CorpusChosen):
                tell_choice(event.name, event.why)
            elif isinstance(event, SongsRead):
                bar.report(event.count, event.total)
            elif isinstance(event, cleaning.DuplicatesSought):
                bar.report(event.count, event.total, description="Comparing")
            elif as_json:
                console.write(json_row(event.as_json()))
            else:
                show_diff(event)
    if done is None:
        console.say("Interrupted; nothing was changed.")
        raise typer.Exit(interrupted.exit_code)
    _tell_cleaning(done, dry_run=dry_run)


def _tell_cleaning(done: "CorpusCleaned", *, dry_run: bool) -> None:
    name, quoted = one_line(done.corpus), shlex.quote(done.corpus)
    parts = [f"{'Would keep' if dry_run else 'Kept'} {songs(done.kept)} of corpus '{name}'"]
    parts.append(f"{done.changed} changed {reasons(done.removed)}".rstrip() if done.changed else "none changed")
    if done.set_aside:
        parts.append(f"{sum(done.set_aside.values()):,} set aside {reasons(done.set_aside)}")
    console.say(f"{', '.join(parts)}.{' Nothing was written.' if dry_run else ''}")
    if sum(done.set_aside.values()) > done.kept:
        _explain_set_aside(done, quoted, dry_run=dry_run)
    if done.suspicious and not dry_run:
        places = count_of(done.suspicious, "place")
        console.say(f"{places} to check, marked with ?: songsmith clean {quoted} --report")
    if done.replaced:
        console.say(f"To undo this: songsmith clean {quoted} --undo")
    if dry_run:
        console.say(f"To clean it: songsmith clean {quoted}")
    elif done.kept:
        console.say(f"Next: songsmith finetune --corpus {quoted}")


def _explain_set_aside(done: "CorpusCleaned", quoted: str, *, dry_run: bool) -> None:
    """Say why most songs of a corpus are not used, and what a person can do about it."""
    from songsmith.studio.cleaning import DUPLICATE

    most = max(done.set_aside, key=lambda reason: done.set_aside[reason])
    which = "" if dry_run else f" To see which: songsmith corpus show {quoted} --set-aside"
    console.say(
        f"More than half {'would be' if dry_run else 'were'} set aside; the most common reason: {one_line(most)}.{which}"
    )
    if most == DUPLICATE:
        console.say(f"To use near-duplicates too: songsmith clean {quoted} --keep-duplicates")


def _undo(studio: "Studio", name: str | None) -> None:
    from songsmith.studio.cleaning import undo_cleaning
    from songsmith.studio.corpora import CorpusChosen

    for event in undo_cleaning(studio, name):
        if isinstance(event, CorpusChosen):
            tell_choice(event.name, event.why)
        elif event.kept is None:
            console.say(f"Corpus '{one_line(event.corpus)}' is back to having no clean songs.")
        else:
            console.say(f"Corpus '{one_line(event.corpus)}' is back to its previous {songs(event.kept)}.")


def _write_report(studio: "Studio", name: str | None, output: Path | None, *, force: bool, as_json: bool) -> None:
    from songsmith.cli.cleaning_display import list_places
    from songsmith.studio.cleaning import read_report
    from songsmith.studio.corpora import stale_notice
    from songsmith.studio.corpus_songs import json_row
    from songsmith.studio.exporting import writing_whole

    corpus, changes = read_report(studio, name)
    if notice := stale_notice(corpus):
        console.say(notice)

    told = 0

    def rows() -> Iterator[str]:
        nonlocal told
        for change in changes:
            told += 1
            yield json_row(change.as_json()) if as_json else list_places(change)

    if output is None or str(output) == "-":
        for row in rows():
            console.write(row)
    else:
        with writing_whole(output, force=force) as path, path.open("w", encoding="utf-8", errors="replace") as file:
            file.writelines(rows())
        console.say(f"Wrote the report to {one_line(str(output))}")
    if not told:
        console.say(
            f"Nothing to report: cleaning '{one_line(corpus.name)}' changed nothing and found nothing doubtful."
        )
