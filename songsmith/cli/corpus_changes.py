"""`songsmith corpus split` and `merge`: make corpora from others."""

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
        typer.Option(
            help="Share of the songs to put in NAME-validation; the rest go to NAME-train.", show_default="none"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed that decides which songs these are.")] = 0,
    filters: Filters = None,
    into: Annotated[
        str, typer.Option(metavar="NAME", help="Name of the new corpus; with --share, the start of both names.")
    ] = "",
) -> None:
    """Split a corpus in two with --share, or make a new one of the songs that match --filter with --into.

    Raw songs are copied; the original corpus stays as it is. If interrupted, run it again to continue.
    """
    from songsmith.errors import UsageError
    from songsmith.studio import corpus_changes

    wanted = parse_filters(filters)
    if share is None and not (wanted and into):
        raise UsageError(
            "It isn't clear how to split the corpus.", "Use --share 0.1, or --filter EXPR with --into NAME."
        )
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
            metavar="NAME...", help="Corpora to merge.", show_default=False, autocompletion=completion.corpora
        ),
    ],
    into: Annotated[str, typer.Option(metavar="NAME", help="Corpus to merge into.", show_default=False)],
) -> None:
    """Merge the raw songs of several corpora into one, new or existing; the originals stay as they are.

    Songs already there are skipped; different songs with the same id are all kept. If interrupted, run it again to continue.
    """
    from songsmith.studio.corpus_changes import merge_corpora

    store = open_store()
    sources = [store.open(name) for name in dict.fromkeys(names)]
    _make(f"Merging into {into}", merge_corpora(store, sources, into=into))


def _make(description: str, events: "Iterator[SongsRead | CorpusMade]") -> None:
    made = list(follow(description, events, interrupted="Interrupted; no new corpus was made."))
    for corpus in made:
        held = f", {corpus.held} already there" if corpus.held else ""
        console.say(f"Kept {songs(corpus.added)} in corpus '{one_line(corpus.name)}'{held}.")
    console.say("The songs need cleaning again. Next:")
    for corpus in made:
        console.say(f"  songsmith clean {shlex.quote(one_line(corpus.name))}")
