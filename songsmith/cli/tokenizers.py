"""`songsmith tokenizer`: train a tokenizer, list them, and show how one splits a text."""

import shlex
from typing import Annotated

import typer

from songsmith.cli import completion, console
from songsmith.cli.progress import progress
from songsmith.cli.words import Filters, tell_choice
from songsmith.counting import count_of
from songsmith.lyrics import one_line, strip_controls
from songsmith.safe_text import json_row

app = typer.Typer(help="Tokenizers: how text is split for a model.", no_args_is_help=True)


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="Name of the new tokenizer.", show_default=False)],
    corpus: Annotated[
        str | None,
        typer.Option(
            "--corpus", "-c", help="Corpus to train on.", show_default="the latest", autocompletion=completion.corpora
        ),
    ] = None,
    vocabulary_size: Annotated[
        int, typer.Option("--vocab-size", help="Maximum number of entries: marks, 256 bytes, and pieces of words.")
    ] = 8192,
    filters: Filters = None,
) -> None:
    """Train a tokenizer (byte-level BPE) on the lyrics of a corpus."""
    from songsmith.studio.corpora import choose_corpus, stale_notice
    from songsmith.studio.studio import Studio
    from songsmith.studio.training import train_tokenizer
    from songsmith.studio.training_songs import SongChoice

    studio = Studio.open()
    found, chosen = choose_corpus(studio.corpora, corpus)
    tell_choice(chosen.name, chosen.why)
    if notice := stale_notice(found):
        console.say(notice)
    choice = SongChoice(corpus=chosen.name, filters=tuple(filters or ()))
    with progress(f"Reading corpus {chosen.name}"):
        _, folder, entries = train_tokenizer(studio, name, choice, vocabulary_size)
    console.say(strip_controls(f"The tokenizer '{name}' has {entries} entries and is in {folder}"))
    if entries < vocabulary_size:
        console.say(
            f"That is fewer than the {vocabulary_size:,} you asked for: no other piece appears twice in the corpus."
        )
    console.say(
        f"Next: songsmith train --corpus {shlex.quote(one_line(chosen.name))} --tokenizer {shlex.quote(one_line(name))}"
    )


@app.command(name="list")
def list_all(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per tokenizer.")] = False,
) -> None:
    """List your tokenizers."""
    from songsmith.studio.studio import Studio
    from songsmith.studio.tokenizers import list_tokenizers

    found = list_tokenizers(Studio.open())
    if as_json:
        for entry in found:
            values = {"name": entry.name, "entries": entry.entries, "path": str(entry.path), "problem": entry.problem}
            console.write(json_row(values))
        return
    console.show_table(
        ("Tokenizer", "Entries", "Path"),
        [
            (one_line(entry.name), "damaged" if entry.problem else str(entry.entries), one_line(str(entry.path)))
            for entry in found
        ],
    )


@app.command()
def show(
    name: Annotated[
        str,
        typer.Argument(
            help="Name of a tokenizer or model, gpt2, or a path to one.",
            show_default=False,
            autocompletion=completion.tokenizers,
        ),
    ],
    text: Annotated[str | None, typer.Argument(help="A line to split.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Show a tokenizer, or how it splits a line."""
    from songsmith.studio.studio import Studio
    from songsmith.studio.tokenizers import find_tokenizer, load_tokenizer, split_text

    studio = Studio.open()
    tokenizer = load_tokenizer(studio, name)
    about = {"name": name, "entries": tokenizer.vocabulary_size, "marks": len(tokenizer.id_of_mark)}
    pieces = split_text(tokenizer, text or "")
    if as_json:
        splits = {} if text is None else {"ids": [p.token for p in pieces], "pieces": [p.text for p in pieces]}
        console.write(json_row(about | {"path": str(find_tokenizer(studio, name))} | splits))
    elif text is None:
        about["path"] = str(find_tokenizer(studio, name))
        console.write("".join(f"{key}: {one_line(str(value))}\n" for key, value in about.items()))
    else:
        console.write("|".join(strip_controls(piece.text).replace("\n", "\\n") for piece in pieces) + "\n")
        console.say(count_of(len(pieces), "token"))
