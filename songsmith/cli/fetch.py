"""`songsmith fetch`: lyrics from Genius or LRCLIB into a corpus."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from songsmith.cli import completion, console
from songsmith.cli.progress import Bar, progress
from songsmith.cli.words import songs
from songsmith.corpus.sites.sources import (
    SITES,
    ListDone,
    ListFound,
    SongOrder,
    SongSkipped,
    SourceName,
    Waiting,
    WantedFailed,
)
from songsmith.lyrics import one_line

if TYPE_CHECKING:
    from songsmith.corpus.sites.sources import FetchEvent
    from songsmith.studio.fetching import FetchTally


def fetch(
    artist: Annotated[
        list[str] | None, typer.Option(help="Artist; with --album or --song, its artist.", show_default=False)
    ] = None,
    album: Annotated[list[str] | None, typer.Option(help="Title of an album.", show_default=False)] = None,
    song: Annotated[list[str] | None, typer.Option(help="Title of a song.", show_default=False)] = None,
    from_file: Annotated[
        Path | None, typer.Option(help="Text file with lines of `Artist`, `Artist - Title` or `# comment`.")
    ] = None,
    source: Annotated[SourceName, typer.Option(help="Where to fetch from.")] = SourceName.GENIUS,
    corpus: Annotated[
        str,
        typer.Option(help="Corpus to fetch into.", show_default="the artist's name", autocompletion=completion.corpora),
    ] = "",
    max_songs: Annotated[
        int | None,
        typer.Option(min=1, help="Stop when the corpus has this many songs of an artist or album.", show_default="all"),
    ] = None,
    sort: Annotated[SongOrder, typer.Option(help="Which songs come first.")] = SongOrder.POPULARITY,
    include_features: Annotated[
        bool, typer.Option("--include-features", help="Include songs by others that feature the artist.")
    ] = False,
) -> None:
    """Fetch lyrics into a corpus, song by song.

    --artist, --album and --song may be repeated; with an album or a song,
    --artist names its artist. Without --corpus, each artist gets a corpus.
    If interrupted, run it again to continue; songs already there are skipped.

    Genius needs a token: songsmith login genius. LRCLIB needs none, but has no
    lists: a search there returns at most 20 entries, so a list is put together
    from up to 200 searches, and some songs of a long one may be missing.

    Lyrics belong to those who wrote them, and to their publishers; fetching
    them does not make them yours. Personal use means: read them, and train a
    model of your own with them, at home. Do not publish them, do not pass them
    on, and do not publish a model that recites them. It is up to you to find
    out what the law and the site's terms allow.
    """
    from songsmith.paths import find_paths
    from songsmith.studio import fetching
    from songsmith.studio.wanted import want

    wanted = want(artists=artist or (), albums=album or (), songs=song or (), path=from_file)
    options = fetching.FetchOptions(corpus=corpus, max_songs=max_songs, order=sort, include_features=include_features)
    run = _Run(source, max_songs)
    try:
        with progress(f"Looking for {wanted[0]}", total=max_songs) as bar:
            for event in fetching.fetch(find_paths(), source, wanted, options):
                run.show(event, bar)
    except KeyboardInterrupt:
        console.say(f"Interrupted; {songs(run.kept)} fetched. Run the same command again to continue.")
        raise typer.Exit(130) from None
    finally:
        run.say_next()


class _Run:
    """What a person is told while songs come in."""

    def __init__(self, source: SourceName, max_songs: int | None) -> None:
        from songsmith.studio.fetching import FetchTally

        self._source, self._max_songs = source, max_songs
        self._tally = FetchTally()
        self._done: dict[str, None] = {}
        self.kept = 0

    def show(self, event: "FetchEvent", bar: Bar) -> None:
        from songsmith.studio.fetching import FetchTally

        if isinstance(event, ListFound):
            self._tally = FetchTally(event.name, event.corpus)
        elif isinstance(event, Waiting):
            console.say(f"{event.why} Trying again in {event.seconds:.0f} s.")
        elif isinstance(event, WantedFailed):
            console.say(one_line(event.why))
        elif isinstance(event, SongSkipped) and event.failed:
            console.say(one_line(f"{event.title}: {event.reason}"))
        elif isinstance(event, ListDone):
            _tell(self._tally, self._source)
            self._done[self._tally.corpus] = None
        before = self._tally.kept
        self._tally.add(event)
        self.kept += self._tally.kept - before
        self._draw(bar)

    def _draw(self, bar: Bar) -> None:
        tally, limit = self._tally, self._max_songs
        done = tally.seen if limit is None else tally.kept + tally.held
        text = songs(tally.kept) if done else f"{songs(tally.found)} listed"
        bar.report(done, limit or tally.listed, text=text, description=f"Fetching {tally.name}")

    def say_next(self) -> None:
        """Tell the next command for each corpus that is whole."""
        for name in self._done:
            console.say(f"Next: songsmith clean {shlex.quote(one_line(name))}")


def _tell(tally: "FetchTally", source: SourceName) -> None:
    before = f", which already had {tally.held}" if tally.held else ""
    kept = songs(tally.kept) if tally.kept else "nothing new"
    console.say(one_line(f"Kept {kept} of {tally.name} in corpus '{tally.corpus}'{before}."))
    if tally.skipped:
        reasons = ", ".join(f"{count}: {reason}" for reason, count in tally.skipped.most_common())
        console.say(f"Without lyrics: {tally.skipped.total()} ({reasons}).")
    if tally.failed:
        console.say(f"{SITES[source].title} failed for {songs(tally.failed)}. Run the same command again to retry.")
