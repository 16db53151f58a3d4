"""`songsmith eval`: measure a model on songs that it was not trained on."""

from typing import Annotated

import typer

from songsmith.cli import completion, console
from songsmith.cli.progress import progress
from songsmith.cli.words import Filters, songs
from songsmith.lyrics import one_line
from songsmith.safe_text import json_row


def evaluate(
    model: Annotated[
        str,
        typer.Argument(help="Name of a model, or path to one.", show_default=False, autocompletion=completion.models),
    ],
    corpus: Annotated[
        str,
        typer.Option(
            "--corpus",
            "-c",
            help="A file with songs, or the name of a clean corpus.",
            show_default=False,
            autocompletion=completion.corpora,
        ),
    ],
    filters: Filters = None,
    max_songs: Annotated[
        int | None, typer.Option(help="Maximum number of songs to predict.", show_default="all")
    ] = None,
    samples: Annotated[int, typer.Option(help="Number of songs to write and compare with the corpus; 0: none.")] = 16,
    seed: Annotated[int, typer.Option(help="Seed of the first sample; later ones count up from it.")] = 0,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda or mps.", show_default="auto", autocompletion=completion.devices)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Measure a model: how well it predicts songs, how much it repeats itself, what it copied.

    Bits per byte (lower is better) count UTF-8 bytes of lyrics, given the title and including the structure, so models
    with different tokenizers can be compared. Samples are written for the songs' titles as `songsmith gen` writes, up to 24 lines.
    Verbatim means a run of 8 or more words that is also in a song of the corpus.
    """
    from songsmith.corpus.filters import Filter
    from songsmith.evaluation.evaluate import EvaluationFinished, EvaluationOptions, SampleFinished, SongScored
    from songsmith.studio.evaluation import SongsGathered, evaluate_model
    from songsmith.studio.studio import Studio

    options = EvaluationOptions(max_songs=max_songs, samples=samples, seed=seed)
    wanted = [Filter.parse(expression) for expression in filters or ()]
    with progress("Reading") as bar:
        for event in evaluate_model(Studio.open(model=model, device=device), corpus, options, filters=wanted):
            if isinstance(event, EvaluationFinished):
                done = event
            elif isinstance(event, SongsGathered):
                bar.report(event.count, text=songs(event.count))
            elif isinstance(event, SongScored):
                text = f"{event.bits_per_byte:.3f} bits/byte"
                bar.report(event.count, event.total, text=text, description="Predicting songs")
            else:
                what = "Writing samples" if isinstance(event, SampleFinished) else "Comparing"
                bar.report(event.count, event.total, description=what)
    result = {"model": done.model, "model_sha256": done.model_sha256, "corpus": corpus, "seed": seed} | dict(
        done.metrics
    )
    if as_json:
        console.write(json_row(result))
        return
    for key, value in result.items():
        shown = f"{value:.4f}" if isinstance(value, float) else one_line(str(value))
        console.write(f"{key.replace('_', ' ')}: {shown}\n")
