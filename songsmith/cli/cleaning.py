"""`songsmith clean`: songs made fit to learn from."""

import shlex
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from songsmith.cli import completion, console
from songsmith.cli.progress import progress
from songsmith.cli.words import reasons, songs, tell_choice
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
        bool, typer.Option("--dry-run", help="Show what would change, song by song, and change nothing.")
    ] = False,
    report: Annotated[
        bool,
        typer.Option(
            "--report",
            help="List every place that the last cleaning changed, with its rule, and every one that it doubted and "
            "kept. A corpus that has no report yet, or options for a new cleaning, is cleaned first.",
        ),
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file for the report.", show_default="standard output")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --report or --dry-run: one JSON object a song.")
    ] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Put back the clean songs from before the last cleaning: one step is kept.")
    ] = False,
    disable: Annotated[
        list[str] | None, typer.Option("--disable", metavar="RULE", help="Leave a rule out.", show_default=False)
    ] = None,
    list_rules: Annotated[bool, typer.Option("--list-rules", help="List the rules, in the order they run.")] = False,
    keep_adlibs: Annotated[
        bool | None, typer.Option("--keep-adlibs/--drop-adlibs", help="(Yeah) and the like.", show_default="keep")
    ] = None,
    strip_headers: Annotated[
        bool | None, typer.Option("--strip-headers/--keep-headers", help="[Chorus] and the like.", show_default="keep")
    ] = None,
    keep_duplicates: Annotated[
        bool,
        typer.Option(
            "--keep-duplicates",
            help="Use remixes, live versions, demos and other near-duplicates too. Without it, of songs that share 70 % "
            "of their words (50 % under one title by one artist), one is used: with the plain title before those with "
            "(Live) and the like, then with most words, then the first.",
        ),
    ] = False,
    jobs: Annotated[
        int | None, typer.Option(help="Processes that clean at once.", show_default="one a processor, if worth it")
    ] = None,
) -> None:
    """Take the dirt of lyric sites off a corpus; the raw songs stay as they came."""
    from songsmith.studio import cleaning
    from songsmith.studio.studio import Studio

    if list_rules:
        from songsmith.corpus.cleaning import RULES

        console.show_table(("Rule", "What it does"), [(rule.name, rule.does) for rule in RULES])
        return
    if output and not report:
        raise UsageError("--output is for a report.", "Add --report.")
    if as_json and not (report or dry_run):
        raise UsageError("--json is for what is shown.", "Add --report or --dry-run.")
    if sum((undo, report, dry_run)) > 1:
        raise UsageError("--undo, --report and --dry-run do not go together.", "Choose one of them.")
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
        parts.append(f"{sum(done.set_aside.values())} set aside {reasons(done.set_aside)}")
    console.say(f"{', '.join(parts)}.{' Nothing was written.' if dry_run else ''}")
    if sum(done.set_aside.values()) > done.kept:
        _explain_set_aside(done, quoted, dry_run=dry_run)
    if done.suspicious and not dry_run:
        places = "1 place" if done.suspicious == 1 else f"{done.suspicious} places"
        console.say(f"{places} to look at: `songsmith clean {quoted} --report` marks them with ?.")
    if done.replaced:
        console.say(f"The clean songs from before are kept: songsmith clean {quoted} --undo")
    if dry_run:
        console.say(f"To do it: songsmith clean {quoted}")
    elif done.kept:
        console.say(f"Next: songsmith finetune --corpus {quoted}")


def _explain_set_aside(done: "CorpusCleaned", quoted: str, *, dry_run: bool) -> None:
    """Say why most songs of a corpus are not used, and what a person can do about it."""
    from songsmith.studio.cleaning import DUPLICATE

    most = max(done.set_aside, key=lambda reason: done.set_aside[reason])
    which = "" if dry_run else f" Which, and why: songsmith corpus show {quoted} --set-aside"
    console.say(f"More than half {'would be' if dry_run else 'were'} set aside; most often: {one_line(most)}.{which}")
    if most == DUPLICATE:
        console.say(f"To use near-duplicates too: songsmith clean {quoted} --keep-duplicates")


def _undo(studio: "Studio", name: str | None) -> None:
    from songsmith.studio.cleaning import undo_cleaning
    from songsmith.studio.corpora import CorpusChosen

    for event in undo_cleaning(studio, name):
        if isinstance(event, CorpusChosen):
            tell_choice(event.name, event.why)
        elif event.kept is None:
            console.say(f"The corpus '{one_line(event.corpus)}' has no clean songs now, as before it was cleaned.")
        else:
            console.say(f"The corpus '{one_line(event.corpus)}' has its {songs(event.kept)} from before again.")


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
        with writing_whole(output, force=force) as draft, draft.open("w", encoding="utf-8", errors="replace") as file:
            file.writelines(rows())
        console.say(f"Wrote the report to {one_line(str(output))}")
    if not told:
        console.say(f"Nothing to report: cleaning '{one_line(corpus.name)}' took nothing off, and doubted nothing.")
