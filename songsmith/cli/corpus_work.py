"""What commands on a corpus share: its name, the choice of songs, and a progress bar."""

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from songsmith.cli import completion, console
from songsmith.cli.progress import progress
from songsmith.cli.words import songs, tell_choice

if TYPE_CHECKING:
    from songsmith.corpus.filters import Filter
    from songsmith.corpus.storage.store import Corpus, CorpusStore
    from songsmith.corpus.verification.damage import BytesChecked
    from songsmith.studio.corpora import SongsRead

Event = TypeVar("Event")
Name = Annotated[
    str | None,
    typer.Argument(
        help="Name of a corpus.", show_default="the only one, or the latest", autocompletion=completion.corpora
    ),
]
Raw = Annotated[bool, typer.Option("--raw", help="Use the songs as imported, even if there are clean ones.")]


def open_store() -> "CorpusStore":
    """Return the corpora of this user."""
    from songsmith.studio.studio import Studio

    return Studio.open().corpora


def choose(name: str | None) -> "Corpus":
    """Return the corpus of this name; without one the usual, which is told."""
    from songsmith.studio.corpora import choose_corpus

    corpus, chosen = choose_corpus(open_store(), name)
    tell_choice(chosen.name, chosen.why)
    return corpus


def parse_filters(expressions: list[str] | None) -> "list[Filter]":
    """Return the conditions that were given."""
    from songsmith.corpus.filters import Filter

    return [Filter.parse(expression) for expression in expressions or ()]


def follow(
    description: str,
    events: "Iterator[SongsRead | BytesChecked | Event]",
    *,
    interrupted: str,
    tell_songs: bool = False,
) -> Iterator[Event]:
    """Yield what work tells but how far it is, which a bar shows; the first Ctrl-C ends it with a sentence."""
    from songsmith.corpus.verification.damage import BytesChecked
    from songsmith.studio.corpora import SongsRead

    with progress(description) as bar, console.interrupts() as stop:
        for event in events:
            if isinstance(event, SongsRead | BytesChecked):
                bar.report(event.count, event.total, text=songs(event.count) if tell_songs else "")
            else:
                yield event
            if stop.is_set():
                break
        else:
            return
    if isinstance(events, Generator):
        events.close()
    console.say(interrupted)
    raise typer.Exit(stop.exit_code)
