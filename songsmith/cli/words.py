"""What commands about words share: options, and how counts are said."""

from collections.abc import Mapping
from itertools import islice
from typing import Annotated

import typer

from songsmith.cli import console
from songsmith.lyrics import one_line

_REASONS_TOLD = 6

Filters = Annotated[
    list[str] | None,
    typer.Option(
        "--filter", metavar="EXPR", show_default=False,
        help="Only such songs: kind=song, or year<1900, artist~burns, sensitive!=true. May be repeated; all must hold.",
    ),
]  # fmt: skip
MaxSongs = Annotated[int | None, typer.Option(help="At most so many songs.", show_default="all")]


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
