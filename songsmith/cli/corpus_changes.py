"""`songsmith corpus split` and `merge`: corpora made of others."""

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from songsmith.cli import completion, console
from songsmith.cli.corpus_work import Name, choose, follow, open_store, parse_filters
from songsmith.cli.words import Filters, songs
from songsmith.lyrics import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from songsmith.studio.corpora import SongsRead
    from songsmith.studio.corpus_changes import CorpusMade


def split(
    name: Name = None,
    share: Annotated[
        float | None,
        typer.Option(help="Share of the songs for NAME-validation; the others go to NAME-train.", show_default="none"),
    ] = None,
    seed: Annotated[int, typer.Option(help="What decides which songs these are.")] = 0,
    filters: Filters = None,
    into: Annotated[str, typer.Option(metavar="NAME", help="The new corpus; with --share how both names begin.")] = "",
) -> None:
    """Make two corpora of one with --share, or one of the songs that --filter takes with --into.

    The raw songs are taken, and the corpus they come from stays as it is. Killed and run again, it goes on.
    """
    from songsmith.errors import UsageError
    from songsmith.studio import corpus_changes

    wanted = parse_filters(filters)
    if share is None and not (wanted and into):
        raise UsageError("How is the corpus to be divided?", "Say --share 0.1, or --filter EXPR with --into NAME.")
    corpus = choose(name)
    if share is None:
        events = corpus_changes.choose_songs(open_store(), corpus, filters=wanted, into=into)
    else:
        events = corpus_changes.split_corpus(open_store(), corpus, share=share, seed=seed, filters=wanted, into=into)
    _make(f"Splitting {corpus.name}", events)


def merge(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME...", help="Corpora to take from.", show_default=False, autocompletion=completion.corpora
        ),
    ],
    into: Annotated[str, typer.Option(metavar="NAME", help="The corpus they are put into.", show_default=False)],
) -> None:
    """Put the raw songs of corpora into one, which is made if need be; those they come from stay as they are.

    What is held already is passed over; different songs with one id are all kept. Killed and run again, it goes on.
    """
    from songsmith.studio.corpus_changes import merge_corpora

    store = open_store()
    sources = [store.open(name) for name in dict.fromkeys(names)]
    _make(f"Merging into {into}", merge_corpora(store, sources, into=into))


def _make(description: str, events: "Iterator[SongsRead | CorpusMade]") -> None:
    made = list(follow(description, events, interrupted="Interrupted; no new corpus was made."))
    for corpus in made:
        held = f", {corpus.held} held already" if corpus.held else ""
        console.say(f"Kept {songs(corpus.added)} in corpus '{one_line(corpus.name)}'{held}.")
    console.say("Clean songs are made anew. Next:")
    for corpus in made:
        console.say(f"  songsmith clean {shlex.quote(one_line(corpus.name))}")
