"""`songsmith corpus dupes`: songs that are versions of one another."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from songsmith.cli import completion, console
from songsmith.cli.progress import progress
from songsmith.cli.words import songs, tell_choice
from songsmith.lyrics import one_line

if TYPE_CHECKING:
    from songsmith.studio.duplicates import DuplicateGroup, GroupedSong


def dupes(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Name of a corpus.", show_default="the only one, or the latest", autocompletion=completion.corpora
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a group.")] = False,
    jobs: Annotated[
        int | None, typer.Option(help="Processes that work at once.", show_default="one a processor, if worth it")
    ] = None,
) -> None:
    """Show groups of near-duplicates: the song that is kept, and under it those that it stands for.

    Songs are near-duplicates if they share 70 % of their different words, or 50 % under one title by one artist, marks such
    as (Live), [Remix] or (Taylor's Version) aside; so are translations of a song. Kept is the one with the plain title, else
    with most words, else the first. `songsmith clean` sets the others aside.
    """
    from dataclasses import asdict

    from songsmith.studio import duplicates
    from songsmith.studio.cleaning import DuplicatesSought
    from songsmith.studio.corpora import CorpusChosen, SongsRead
    from songsmith.studio.corpus_songs import json_row
    from songsmith.studio.studio import Studio

    groups = others = 0
    with progress("Cleaning") as bar, closing(duplicates.duplicate_groups(Studio.open(), name, jobs=jobs)) as events:
        for event in events:
            if isinstance(event, CorpusChosen):
                tell_choice(event.name, event.why)
            elif isinstance(event, SongsRead | DuplicatesSought):
                bar.report(
                    event.count, event.total, description="Comparing" if isinstance(event, DuplicatesSought) else ""
                )
            else:
                groups, others = groups + 1, others + len(event.others)
                console.write(json_row(asdict(event)) if as_json else _lines(event))
    what = "1 group" if groups == 1 else f"{groups} groups"
    console.say(f"{what}, in which one stands for {songs(others)}." if groups else "There are no near-duplicates.")


def _lines(group: "DuplicateGroup") -> str:
    rows = [_name(group.kept)]
    for song in group.others:
        how = "translation" if song.similarity is None else f"{song.similarity:.0%}"
        rows.append(f"  {how}  {_name(song)}")
    return "".join(f"{row}\n" for row in rows)


def _name(song: "GroupedSong") -> str:
    by = f" – {one_line(song.artist)}" if song.artist else ""
    return f"{one_line(song.title) or 'Untitled'}{by} ({one_line(song.id)})"
