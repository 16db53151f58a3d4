"""What commands about lyrics share: options, and counts in words."""

from collections.abc import Mapping
from itertools import islice
from typing import Annotated

import typer

from songsmith.cli import console
from songsmith.counting import count_of, count_reason
from songsmith.lyrics import one_line

_REASONS_TOLD = 6

Filters = Annotated[
    list[str] | None,
    typer.Option(
        "--filter", metavar="EXPR", show_default=False,
        help="Only songs that match, such as kind=song, year<1900, artist~burns or sensitive!=true. Repeatable; all must match.",
    ),
]  # fmt: skip
MaxSongs = Annotated[int | None, typer.Option(help="Maximum number of songs.", show_default="all")]


def tell_choice(name: str, why: str) -> None:
    """Say which corpus the work is about, if it was not named."""
    if why:
        console.say(f"Corpus '{one_line(name)}' ({why}).")


def songs(count: int) -> str:
    """Return a number of songs in words."""
    return count_of(count, "song")


def reasons(counts: Mapping[str, int]) -> str:
    """Return how often what happened, the most frequent first: `(3 near-duplicates, 1 not valid JSON)`."""
    told = [count_reason(count, one_line(reason)) for reason, count in islice(counts.items(), _REASONS_TOLD)]
    if len(counts) > _REASONS_TOLD:
        told.append("and other reasons")
    return f"({', '.join(told)})" if told else ""
