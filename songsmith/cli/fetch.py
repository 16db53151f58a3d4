"""`songsmith fetch`: an artist's lyrics from Genius into a corpus."""

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from songsmith.cli import console
from songsmith.cli.progress import Bar, progress
from songsmith.cli.words import songs
from songsmith.corpus.sources import SongOrder
from songsmith.lyrics import one_line

if TYPE_CHECKING:
    from songsmith.corpus.sources import FetchEvent
    from songsmith.studio.fetching import FetchTally


def fetch(
    artist: Annotated[str, typer.Option(help="Name of the artist, as on genius.com.", show_default=False)],
    corpus: Annotated[str, typer.Option(help="Corpus to fetch into.", show_default="the artist's name")] = "",
    max_songs: Annotated[
        int | None, typer.Option(min=1, help="Stop when the corpus has this many of their songs.", show_default="all")
    ] = None,
    sort: Annotated[SongOrder, typer.Option(help="Which songs come first.")] = SongOrder.POPULARITY,
    include_features: Annotated[
        bool, typer.Option("--include-features", help="Songs of others, too, in which the artist takes part.")
    ] = False,
) -> None:
    """Fetch an artist's lyrics from Genius into a corpus.

    It wants a token in GENIUS_ACCESS_TOKEN: https://genius.com/api-clients
    Stopped and run again, it goes on, and asks for no song it has.

    The lyrics belong to those who wrote them. Fetch them for yourself,
    to learn from at home; do not publish them.
    """
    from songsmith.studio.fetching import FetchOptions, FetchTally, fetch_from_genius
    from songsmith.studio.studio import Studio

    options = FetchOptions(
        artist=artist, corpus=corpus, max_songs=max_songs, order=sort, include_features=include_features
    )
    tally = FetchTally()
    try:
        with progress(f"Looking for {artist}", total=max_songs) as bar:
            for event in fetch_from_genius(Studio.open().corpora, options):
                tally.add(event)
                _show(event, tally, bar, max_songs)
    except KeyboardInterrupt:
        console.say(f"Interrupted; {songs(tally.kept)} came in. Run the same command again: it goes on from there.")
        raise typer.Exit(130) from None
    _tell(tally)


def _show(event: "FetchEvent", tally: "FetchTally", bar: Bar, max_songs: int | None) -> None:
    from songsmith.corpus.sources import SongSkipped, Waiting

    if isinstance(event, Waiting):
        console.say(f"{event.why} Trying again in {event.seconds:.0f} s.")
    elif isinstance(event, SongSkipped) and event.failed:
        console.say(one_line(f"{event.title}: {event.reason}"))
    done = tally.seen if max_songs is None else tally.kept + tally.held
    bar.report(done, max_songs or tally.listed, text=songs(tally.kept), description=f"Fetching {tally.artist}")


def _tell(tally: "FetchTally") -> None:
    before = f", which had {tally.held} before" if tally.held else ""
    kept = songs(tally.kept) if tally.kept else "nothing new"
    console.say(one_line(f"Kept {kept} of {tally.artist} in the corpus '{tally.corpus}'{before}."))
    if tally.skipped:
        reasons = ", ".join(f"{count}: {reason}" for reason, count in tally.skipped.most_common())
        console.say(f"Without lyrics: {tally.skipped.total()} ({reasons}).")
    if tally.failed:
        console.say(f"Genius failed at {songs(tally.failed)}. Run the same command again to ask anew.")
    console.say(f"Next: songsmith clean {shlex.quote(one_line(tally.corpus))}")
