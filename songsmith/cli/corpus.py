"""`songsmith corpus list`, `show` and `rm`: the corpora there are."""

from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any

import typer

from songsmith.cli import completion, console, corpus_changes, corpus_export, corpus_reports, duplicates
from songsmith.cli.corpus_work import Name, choose, open_store
from songsmith.cli.words import reasons, songs
from songsmith.lyrics import one_line, strip_controls

if TYPE_CHECKING:
    from songsmith.corpus.storage.store import Corpus

app = typer.Typer(help="Collections of lyrics to train on.", no_args_is_help=True)


@app.command(name="list")
def list_corpora(as_json: Annotated[bool, typer.Option("--json", help="One JSON object a corpus.")] = False) -> None:
    """List the corpora."""
    from songsmith.studio.corpus_reports import list_corpora
    from songsmith.studio.corpus_songs import json_row

    found = list_corpora(open_store())
    if as_json:
        console.write("".join(map(json_row, found)))
    elif found:
        console.show_table(("Corpus", "Songs", "Clean", "Set aside", "Size"), [_cells(row) for row in found])
    else:
        console.say("No corpora yet. Make one with: songsmith import PATH")
    for row in found:
        if "problem" in row:
            console.say(one_line(f"{row['name']}: {row['problem']}"))


@app.command()
def show(
    name: Name = None,
    id: Annotated[str | None, typer.Argument(help="Id of a song to show.", show_default=False)] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Show the song as it was imported, before cleaning.")] = False,
    set_aside: Annotated[bool, typer.Option("--set-aside", help="List the songs that are not used, and why.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show a corpus and what was set aside in it; or, with an id such as `corpus search` prints, a song."""
    from collections import Counter

    from songsmith.errors import UsageError
    from songsmith.studio.cleaning import describe_making, made_with, reason_kind
    from songsmith.studio.corpus_reports import describe
    from songsmith.studio.corpus_songs import json_row

    if set_aside and (raw or id is not None):
        raise UsageError("--set-aside lists all songs that are not used.", "Leave out --raw and the id.")
    if raw and id is None:
        raise UsageError("--raw needs a song's id.", "Give the corpus and the song's id.")
    corpus = choose(name)
    if id is not None:
        _show_song(corpus, id, raw=raw, as_json=as_json)
        return
    if set_aside:
        if as_json:
            for record in corpus.set_aside():
                console.write(json_row(record.as_json()))
        elif first := next(asides := iter(corpus.set_aside()), None):
            rows = (tuple(map(one_line, (aside.id, aside.title, aside.reason))) for aside in chain([first], asides))
            console.show_table(("Id", "Song", "Why"), rows)
        else:
            console.say("Nothing was set aside.")
        return
    about = describe(corpus)
    kinds = Counter(reason_kind(record.reason) for record in corpus.set_aside())
    about |= {"set_aside_reasons": dict(kinds.most_common()), "made_with": dict(made_with(corpus))}
    if as_json:
        console.write(json_row(about))
        return
    made = f"cleaned with: {describe_making(about['made_with'])}\n" if about["made_with"] else ""
    why = f" {reasons(about['set_aside_reasons'])}" if about["set_aside"] else ""
    console.write(
        f"name: {one_line(about['name'])}\nsongs: {about['raw_records']} ({_size(about['raw_bytes'])})\n"
        f"clean: {_clean_cell(about)}\n{made}set aside: {about['set_aside']}{why}\n"
        f"changed: {about['changed_at']}\npath: {one_line(about['path'])}\n"
    )


app.command()(corpus_reports.stats)
app.command()(corpus_reports.search)
app.command()(duplicates.dupes)
app.command()(corpus_export.export)
app.command()(corpus_changes.split)
app.command()(corpus_changes.merge)


@app.command()
def rm(
    name: Annotated[
        str, typer.Argument(help="Name of the corpus.", show_default=False, autocompletion=completion.corpora)
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask for confirmation.")] = False,
) -> None:
    """Permanently remove a corpus, including its raw songs."""
    from songsmith.errors import NotFoundError

    store = open_store()
    corpus = store.find(name)
    if (
        one_line(name).casefold() != one_line(corpus.name).casefold()
    ):  # 'a b' finds 'A/B', but what goes for good is named
        raise NotFoundError(f"There is no corpus '{name}'.", f"Did you mean '{corpus.name}'?")
    what = _name_with_songs(corpus)
    console.agree_to_remove(f"the {what}", yes=yes)
    store.remove(name)
    console.say(f"Removed the {what}.")


app.command()(corpus_reports.verify)


def _show_song(corpus: "Corpus", id: str, *, raw: bool, as_json: bool) -> None:
    """Write a song to standard output, and where it comes from to standard error."""
    from songsmith.corpus.records import flatten
    from songsmith.studio.corpus_songs import find_song, json_row, why_set_aside

    song, clean = find_song(corpus, id)
    record = song if raw or clean is None else clean
    if as_json:
        console.write(json_row(flatten(record)))
        return
    console.say(one_line(f"{song.title or 'Untitled'} ({song.artist})" if song.artist else song.title or "Untitled"))
    fetched = f"fetched {song.fetched_at}" if song.fetched_at else ""
    console.say(f"({', '.join(filter(None, map(one_line, (song.id, song.source, song.url, fetched))))})")
    if clean is None and not raw:
        why = why_set_aside(corpus, id)
        console.say(f"Shown as imported: {f'set aside, {one_line(why)}' if why else 'not cleaned yet'}.")
    text = strip_controls(record.text).strip("\n")
    console.write(f"{text}\n" if text else "")


def _name_with_songs(corpus: "Corpus") -> str:
    from songsmith.errors import StorageError

    try:
        return f"corpus '{one_line(corpus.name)}' with {songs(corpus.raw_records)}"
    except StorageError:
        return f"damaged corpus '{one_line(corpus.name)}'"


def _cells(about: dict[str, Any]) -> tuple[str, ...]:
    if "problem" in about:
        return one_line(about["name"]), "damaged", "", "", ""
    sizes = str(about["set_aside"]), _size(about["raw_bytes"])
    return one_line(about["name"]), str(about["raw_records"]), _clean_cell(about), *sizes


def _clean_cell(about: dict[str, Any]) -> str:
    if about["is_clean"]:
        return str(about["clean_records"])
    return f"{about['clean_records']}, older than the songs" if about["clean_records"] else "no"


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"
