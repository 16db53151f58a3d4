"""What fetching adds to the server, to the pause between requests (none here) and to lyricsgenius's own work, for each song.

Run it from the repository: `python tests/measurements/measure_fetch.py`. A loopback Genius in a process of its own serves pages
as large as the real ones. lyricsgenius alone reads the same list and the same pages, in turns with a whole fetch into a corpus.
"""

import argparse
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

sys.path.insert(0, str(Path(__file__).parents[1]))

from genius_server import TOKEN, FakeGenius, FakeSong

from songsmith.corpus.sites.credentials import make_token
from songsmith.corpus.sites.genius import GeniusSite, GeniusSource
from songsmith.corpus.sites.sources import Wanted
from songsmith.corpus.storage.store import CorpusStore
from songsmith.paths import Paths
from songsmith.studio.fetching import FetchOptions, fetch_all

SINGERS = "The Old Singers"
VERSE = "From this valley they say you are going\nI will miss your bright eyes and sweet smile\n" * 2


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock, and of the processor; the disk is waited for in the first alone."""

    clock_s: float
    processor_s: float

    @classmethod
    def now(cls) -> Self:
        """Return both as they stand."""
        return cls(time.perf_counter(), time.process_time())

    @classmethod
    def since(cls, begun: Self) -> Self:
        """Return both since then."""
        now = cls.now()
        return cls(now.clock_s - begun.clock_s, now.processor_s - begun.processor_s)


def serve(line: Connection, songs: int, page_kb: int) -> None:
    """Be Genius until the other end of the line is closed."""
    lyrics = "\n\n".join([VERSE.strip()] * 8)
    made = [FakeSong(id=1000 + i, title=f"Song {i}", lyrics=f"{lyrics}\n{i}") for i in range(songs)]
    filler = f"<!--{'x' * (page_kb * 1024)}--></body>"
    with FakeGenius(made) as genius:
        page = FakeSong.page
        FakeSong.page = lambda song: page(song).replace("</body>", filler)  # type: ignore[method-assign]
        line.send((genius.api, genius.web))
        line.poll(None)


def measure_library(site: GeniusSite, songs: int) -> Cost:
    """Return what lyricsgenius takes for the list and all pages."""
    from lyricsgenius import Genius  # type: ignore[import-untyped]

    client = Genius(TOKEN, timeout=15, sleep_time=0, user_agent="songsmith")
    client.API_ROOT, client.WEB_ROOT, client.PUBLIC_API_ROOT = site.api, site.web, site.web + "api/"
    begun = Cost.now()
    client.search_artists(SINGERS, per_page=20)
    page, read = 1, 0
    while page:
        listed = client.artist_songs(1, per_page=50, page=page, sort="popularity")
        read += sum(bool(client.lyrics(song_url=song["url"])) for song in listed["songs"])
        page = listed["next_page"]
    assert read == songs
    return Cost.since(begun)


def measure_fetch(site: GeniusSite, songs: int) -> Cost:
    """Return what a whole fetch takes, each song durable on disk."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("SONGSMITH_HOME")) as home:
        corpora = CorpusStore(Paths(data=Path(home), config=Path(home), state=Path(home) / "state"))
        begun = Cost.now()
        source = GeniusSource(make_token(TOKEN, "here"), site)
        for _ in fetch_all(source, corpora, [Wanted(artists=(SINGERS,))], FetchOptions()):
            pass
        cost = Cost.since(begun)
        assert corpora.open(SINGERS).raw_records == songs
    return cost


def _clock(cost: Cost) -> float:
    return cost.clock_s


def _processor(cost: Cost) -> float:
    return cost.processor_s


def main() -> None:
    """Measure in turns, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--songs", type=int, default=200)
    parser.add_argument("--page-kb", type=int, default=200)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=serve, args=(there, options.songs, options.page_kb), daemon=True
    )
    server.start()
    api, web = here.recv()
    site = GeniusSite(api=api, web=web, pause_s=0)
    measure_library(site, options.songs)  # imports, and the first connection
    rows = [(measure_library(site, options.songs), measure_fetch(site, options.songs)) for _ in range(options.turns)]
    for name, costs in (("clock", _clock), ("processor", _processor)):
        library, fetched = ([costs(row[i]) * 1000 / options.songs for row in rows] for i in (0, 1))
        overhead = statistics.median(b - a for a, b in zip(library, fetched, strict=True))
        print(  # noqa: T201
            f"{name:10} lyricsgenius and server {statistics.median(library):6.2f}, "
            f"fetch into a corpus {statistics.median(fetched):6.2f}, overhead {overhead:6.2f} ms a song"
        )
    here.close()
    server.terminate()


if __name__ == "__main__":
    main()
