"""`songsmith corpus stats`, `search` and `verify`: what is in a corpus, and whether it is whole."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from songsmith.cli import completion, console
from songsmith.cli.corpus_statistics import show_statistics
from songsmith.cli.corpus_work import Name, Raw, choose, follow, parse_filters
from songsmith.cli.words import Filters
from songsmith.corpus.searching import SearchField
from songsmith.lyrics import one_line

if TYPE_CHECKING:
    from songsmith.corpus.searching import Hit
    from songsmith.studio.searching import SongFound

Fields = Annotated[
    list[SearchField] | None,
    typer.Option("--in", help="Look only here; may be repeated.", show_default="everywhere"),
]


def stats(
    name: Name = None,
    filters: Filters = None,
    raw: Raw = False,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Count a corpus: words, forms, verses and their syllables, rhymes, and the lines it repeats most.

    Rhyme density is the share of lines that rhyme with another of their stanza within four lines; a word does not rhyme
    with itself. In forms, I is an intro, V a verse, P a pre-chorus, C a chorus, B a bridge, O an outro.
    """
    from songsmith.studio.corpora import stale_notice
    from songsmith.studio.corpus_reports import measure_corpus
    from songsmith.studio.corpus_songs import SongsWanted, json_row

    wanted = SongsWanted(filters=parse_filters(filters), raw=raw)
    corpus = choose(name)
    if not raw and not corpus.has_clean:
        console.say(f"Corpus '{one_line(corpus.name)}' is not clean: these are the songs as they came.")
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
    most: Annotated[int | None, typer.Option("--max", min=1, help="At most so many songs.", show_default="all")] = None,
    raw: Raw = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a song, with every line found.")] = False,
) -> None:
    """Find the songs with all these words; the last word may be unfinished. Case and accents do not matter.

    Of each song the line with the most of them is shown.
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
        console.say("No song has all these words.")


def verify(
    name: Annotated[
        str | None,
        typer.Argument(help="Name of a corpus.", show_default="every one", autocompletion=completion.corpora),
    ] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended; no words are deleted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each thing found.")] = False,
) -> None:
    """See whether corpora are whole on disk, and say what is not: damaged lines, lost songs, files that do not belong there.

    --repair makes the index anew, sets damaged lines and files aside as damaged-..., and leaves the rest to you. Ends
    in exit code 5 while something is wrong; what a killed run left, and the next one mends, is told and is no fault.
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
    lost = "Nothing is wrong any more; songs that are gone or set aside can be imported or fetched again."
    left = sum(corpus.heals for corpus in done)
    if mended:
        console.say(lost)
    elif left:
        what = (
            "What a killed run left mends itself"
            if left == 1
            else f"The {left} things that killed runs left mend themselves"
        )
        console.say(f"Nothing is wrong. {what} when the next one begins.")
    else:
        console.say("Nothing is wrong.")


def _show_found(found: "SongFound") -> None:
    best = found.best
    title, artist = one_line(found.title) or "Untitled", one_line(found.artist)
    if not sys.stdout.isatty():
        cells = (found.id, found.title, found.artist, str(best.line), best.text)
        console.write("\t".join(map(one_line, cells)) + "\n")
        return
    more = len(found.hits) - 1
    lines = f"  and {more} more line{'s' if more > 1 else ''}" if more else ""
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
