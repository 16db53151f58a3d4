"""`songsmith clean`: songs made fit to learn from."""

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from songsmith.cli import console
from songsmith.cli.progress import progress
from songsmith.cli.words import reasons, songs, tell_choice
from songsmith.lyrics import one_line

if TYPE_CHECKING:
    from songsmith.studio.cleaning import CorpusCleaned, SongCleaned


def clean(
    name: Annotated[
        str | None, typer.Argument(help="Name of the corpus.", show_default="the only one, or the latest")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be removed, and change nothing.")] = False,
) -> None:
    """Take the dirt of lyric sites off a corpus; the raw songs stay as they came."""
    from songsmith.studio import cleaning
    from songsmith.studio.corpora import CorpusChosen, SongsRead
    from songsmith.studio.studio import Studio

    done = None
    with progress("Cleaning") as bar, console.interrupts() as interrupted:
        for event in cleaning.clean_corpus(Studio.open(), name, dry_run=dry_run):
            if isinstance(event, cleaning.CorpusCleaned):
                done = event
            elif interrupted.is_set():
                break
            elif isinstance(event, CorpusChosen):
                tell_choice(event.name, event.why)
            elif isinstance(event, SongsRead):
                bar.report(event.count, event.total)
            else:
                _show_changes(event)
    if done is None:
        console.say("Interrupted; nothing was changed.")
        raise typer.Exit(130)
    _tell_cleaning(done, dry_run=dry_run)


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
