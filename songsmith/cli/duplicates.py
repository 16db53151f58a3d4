"""`songsmith corpus dupes`: groups of near-duplicate songs."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from songsmith.cli import completion, console
from songsmith.cli.progress import progress
from songsmith.cli.words import tell_choice
from songsmith.counting import count_of
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
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per group.")] = False,
    jobs: Annotated[
        int | None, typer.Option(help="Number of processes.", show_default="one per processor, if worthwhile")
    ] = None,
) -> None:
    """Show groups of near-duplicates: the song that is kept, with those it replaces below.

    Songs are near-duplicates if they share 70 % of their different words, or 50 % if title and artist are the same apart
    from marks such as (Live), [Remix] or (Taylor's Version); so are translations of a song. The one with a plain title is
    kept, else the longest, else the first. `songsmith clean` sets the others aside.
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
    console.say(
        f"{count_of(groups, 'group')} with {count_of(others, 'duplicate')}." if groups else "No near-duplicates found."
    )


def _lines(group: "DuplicateGroup") -> str:
    rows = [_name(group.kept)]
    for song in group.others:
        how = "translation" if song.similarity is None else f"{song.similarity:.0%}"
        rows.append(f"  {how}  {_name(song)}")
    return "".join(f"{row}\n" for row in rows)


def _name(song: "GroupedSong") -> str:
    by = f" – {one_line(song.artist)}" if song.artist else ""
    return f"{one_line(song.title) or 'Untitled'}{by} ({one_line(song.id)})"
