"""`songsmith corpus stats`, `search` and `verify`: what is in a corpus, and whether it is intact."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from songsmith.cli import completion, console
from songsmith.cli.corpus_statistics import show_statistics
from songsmith.cli.corpus_work import Name, Raw, choose, follow, parse_filters
from songsmith.cli.words import Filters
from songsmith.corpus.searching import SearchField
from songsmith.counting import count_of
from songsmith.lyrics import one_line

if TYPE_CHECKING:
    from songsmith.corpus.searching import Hit
    from songsmith.studio.searching import SongFound

Fields = Annotated[
    list[SearchField] | None,
    typer.Option("--in", help="Search only here; repeatable.", show_default="everywhere"),
]


def stats(
    name: Name = None,
    filters: Filters = None,
    raw: Raw = False,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Show statistics of a corpus: words, forms, verses and their syllables, rhymes, and the most repeated lines.

    Rhyme density is the share of lines that rhyme with another of their stanza within four lines; a word does not rhyme
    with itself. In forms, I is an intro, V a verse, P a pre-chorus, C a chorus, B a bridge, O an outro.
    """
    from songsmith.studio.corpora import stale_notice
    from songsmith.studio.corpus_reports import measure_corpus
    from songsmith.studio.corpus_songs import SongsWanted, json_row

    wanted = SongsWanted(filters=parse_filters(filters), raw=raw)
    corpus = choose(name)
    if not raw and not corpus.has_clean:
        console.say(f"Corpus '{one_line(corpus.name)}' has not been cleaned: these are the songs as imported.")
    elif not raw and (notice := stale_notice(corpus)):
        console.say(notice)
    events = measure_corpus(corpus, wanted)
    # All of it, so that the bar is gone before the table comes.
    for result in list(follow("Counting", events, interrupted="Interrupted.", tell_songs=True)):
        if as_json:
            console.write(json_row({"name": corpus.name, **result.as_json()}))
        else:
            show_statistics(corpus.name, result)


def search(
    words: Annotated[
        list[str], typer.Argument(metavar="WORDS...", help="Words, or phrases in quotes.", show_default=False)
    ],
    corpus: Annotated[
        str | None,
        typer.Option(
            "--corpus",
            help="Name of a corpus.",
            show_default="the only one, or the latest",
            autocompletion=completion.corpora,
        ),
    ] = None,
    fields: Fields = None,
    filters: Filters = None,
    most: Annotated[
        int | None, typer.Option("--max", min=1, help="Maximum number of songs.", show_default="all")
    ] = None,
    raw: Raw = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per song, with every line found.")
    ] = False,
) -> None:
    """Find songs that contain all these words; the last word may be unfinished. Case and accents don't matter.

    For each song, the line with the most matches is shown.
    """
    from songsmith.studio.corpora import stale_notice
    from songsmith.studio.corpus_songs import SongsWanted, json_row
    from songsmith.studio.searching import search_corpus

    wanted = SongsWanted(filters=parse_filters(filters), raw=raw)
    searched = choose(corpus)
    if not raw and (notice := stale_notice(searched)):
        console.say(notice)
    events = search_corpus(searched, words, wanted, fields=fields or (), most=most)
    found = None
    for found in follow("Searching", events, interrupted="Interrupted.", tell_songs=True):
        if as_json:
            console.write(json_row(found.as_json()))
        else:
            _show_found(found)
    if found is None:
        console.say("No song contains all these words.")


def verify(
    name: Annotated[
        str | None,
        typer.Argument(help="Name of a corpus.", show_default="all of them", autocompletion=completion.corpora),
    ] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Fix what can be fixed; no lyrics are deleted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per finding.")] = False,
) -> None:
    """Check corpora on disk, and report what is wrong: damaged lines, lost songs, files that don't belong there.

    --repair rebuilds the index, sets damaged lines and files aside as damaged-..., and leaves the rest to you. Exits
    with code 5 while something is wrong; leftovers of an interrupted run, which the next run cleans up, don't count.
    """
    from songsmith.studio.corpus_songs import json_row
    from songsmith.studio.studio import Studio
    from songsmith.studio.verifying import CorpusVerified, ThingWrong, check_result, verify_corpora

    done, mended = [], False
    for event in follow("Verifying", verify_corpora(Studio.open(), name, repair=repair), interrupted="Interrupted."):
        if isinstance(event, ThingWrong):
            mended = mended or event.mended
            console.write(json_row(event.as_json()) if as_json else f"{one_line(str(event))}\n")
        elif isinstance(event, CorpusVerified):
            done.append(event)
    check_result(done)
    # What is lost stays lost, though the files fit together again.
    lost = "Everything is in order now; import or fetch again any songs that are gone or set aside."
    left = sum(corpus.heals for corpus in done)
    if mended:
        console.say(lost)
    elif left:
        what = "1 leftover of an interrupted run" if left == 1 else f"{left} leftovers of interrupted runs"
        console.say(f"Everything is in order; {what} will be cleaned up by the next one.")
    else:
        console.say("Everything is in order.")


def _show_found(found: "SongFound") -> None:
    best = found.best
    title, artist = one_line(found.title) or "Untitled", one_line(found.artist)
    if not sys.stdout.isatty():
        cells = (found.id, found.title, found.artist, str(best.line), best.text)
        console.write("\t".join(map(one_line, cells)) + "\n")
        return
    more = len(found.hits) - 1
    lines = f"  and {count_of(more, 'more line')}" if more else ""
    place = "" if best.field != "text" else f"{best.line}: "
    # In whole lines: a bar may be drawn below them.
    console.write(f"{title}{f' ({artist})' if artist else ''}  [{one_line(found.id)}]{lines}\n")
    console.write_emphasised(((f"  {place}", False), *_parts(best)))


def _parts(hit: "Hit") -> Iterator[tuple[str, bool]]:
    """Yield the pieces of a line, each with whether it was looked for."""
    place = 0
    for start, end in hit.spans:
        yield _plain(hit.text[place:start]), False
        yield _plain(hit.text[start:end]), True
        place = end
    yield _plain(hit.text[place:]), False


def _plain(text: str) -> str:
    from songsmith.lyrics import strip_controls

    return strip_controls(text).replace("\n", " ")
