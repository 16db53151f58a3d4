"""`songsmith train` and `songsmith finetune`: train a model on a corpus."""

import inspect
import shlex
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from songsmith.cli import completion, console
from songsmith.cli.derived_options import takes_options
from songsmith.options import changed
from songsmith.training.options import FINETUNING, NEW, RUN_PANEL, SONGS_PANEL, TrainingOptions

if TYPE_CHECKING:
    from songsmith.studio.studio import Studio
    from songsmith.studio.training import TrainingRequest
    from songsmith.training.run import TrainingRun


def _option(panel: str, help: str, *names: str, **settings: Any) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=panel, **settings)


CorpusName = Annotated[
    str | None,
    _option(
        SONGS_PANEL,
        "Corpus to train on.",
        "--corpus",
        "-c",
        show_default="the latest",
        autocompletion=completion.corpora,
    ),
]
Filters = Annotated[
    list[str] | None,
    _option(
        SONGS_PANEL,
        "Train only on songs that match, such as kind=song or oov<=0.03; repeatable.",
        "--filter",
        show_default=False,
    ),
]
Copies = Annotated[
    list[str] | None,
    _option(SONGS_PANEL, "Repeat matching songs this many times, such as kind=song:2; repeatable.", show_default=False),
]
MaxSongs = Annotated[int | None, _option(SONGS_PANEL, "Maximum number of songs.", min=1, show_default="all")]
Name = Annotated[
    str | None, typer.Option("--name", "-n", help="Name of the new model.", show_default="the corpus name")
]
Device = Annotated[
    str | None, _option(RUN_PANEL, "auto, cpu, cuda or mps.", show_default="auto", autocompletion=completion.devices)
]
Resume = Annotated[bool, _option(RUN_PANEL, "Resume from the last checkpoint.", "--resume")]
About = Annotated[str, _option(RUN_PANEL, "One sentence about the model, for its manifest.", show_default=False)]
Attribution = Annotated[str, _option(RUN_PANEL, "Credit for the songs, for the manifest.", show_default=False)]
Licence = Annotated[str, _option(RUN_PANEL, "SPDX identifier of its licence, for the manifest.", show_default=False)]


Size = Annotated[str, typer.Option("--size", "-s", help="tiny, small, base or gpt2.")]
TokenizerName = Annotated[
    str | None,
    typer.Option(
        "--tokenizer",
        "-t",
        help="A tokenizer you trained, or gpt2.",
        show_default="learned from the songs",
        autocompletion=completion.tokenizers,
    ),
]
BaseName = Annotated[
    str | None,
    typer.Option(
        "--base",
        "-b",
        help="Model to start from, or path to one.",
        show_default="the default",
        autocompletion=completion.models,
    ),
]


def _shared(
    name: Name = None,
    filters: Filters = None,
    copies: Copies = None,
    max_songs: MaxSongs = None,
    *,
    device: Device = None,
    resume: Resume = False,
    about: About = "",
    licence: Licence = "",
    attribution: Attribution = "",
) -> None:
    """Declare the parameters that both commands have."""


def _takes_shared(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the parameters of `_shared`, which reach it in its `**keywords`."""
    own, shared = (inspect.signature(one, eval_str=True) for one in (command, _shared))
    parameters = [*own.parameters.values(), *shared.parameters.values()]
    command.__signature__ = own.replace(parameters=sorted(parameters, key=lambda it: it.kind))  # type: ignore[attr-defined]
    return command


@takes_options(NEW)
@_takes_shared
def train(corpus: CorpusName = None, size: Size = "small", tokenizer: TokenizerName = None, **options: Any) -> None:
    """Train a new model on a corpus, from random weights.

    Ctrl-C stops it and keeps the best model so far; the same command with --resume continues.
    """
    from songsmith.studio.training import prepare_training

    _run(corpus, options, NEW, partial(prepare_training, size=size, tokenizer=tokenizer))


@takes_options(FINETUNING)
@_takes_shared
def finetune(corpus: CorpusName = None, base: BaseName = None, **options: Any) -> None:
    """Teach a model the style of a corpus.

    Ctrl-C stops it and keeps the best model so far; the same command with --resume continues.
    """
    from songsmith.studio.training import prepare_finetuning

    _run(corpus, options, FINETUNING, partial(prepare_finetuning, base=base))


def _run(
    corpus: str | None,
    options: dict[str, Any],
    usual: TrainingOptions,
    prepare: Callable[["Studio", "TrainingRequest"], "TrainingRun"],
) -> None:
    from songsmith.studio.studio import Studio

    shared = {name: options.pop(name) for name in inspect.signature(_shared).parameters}
    studio = Studio.open(device=shared["device"])
    run = prepare(studio, _request(studio, corpus, shared, changed(usual, **options)))
    _follow(studio, run, resume=shared["resume"])


def _request(
    studio: "Studio", corpus_name: str | None, values: Mapping[str, Any], options: TrainingOptions
) -> "TrainingRequest":
    """Return the request of a command, from the values of the parameters that both have."""
    from songsmith.cli.words import tell_choice
    from songsmith.studio.corpora import choose_corpus, stale_notice
    from songsmith.studio.training import TrainingRequest
    from songsmith.studio.training_songs import SongChoice

    corpus, chosen = choose_corpus(studio.corpora, corpus_name)
    tell_choice(chosen.name, chosen.why)
    if notice := stale_notice(corpus):
        console.say(notice)
    songs = SongChoice(
        corpus=chosen.name,
        filters=tuple(values["filters"] or ()),
        copies=tuple(values["copies"] or ()),
        max_songs=values["max_songs"],
    )
    return TrainingRequest(
        songs=songs,
        options=options,
        name=values["name"],
        resume=values["resume"],
        description=values["about"],
        command=_command(),
        licence=values["licence"],
        attribution=values["attribution"],
    )


def _command() -> str:
    """Return the command line as it was typed, for a manifest."""
    return f"songsmith {shlex.join(argument for argument in sys.argv[1:] if argument != '--resume')}"


def _follow(studio: "Studio", run: "TrainingRun", *, resume: bool) -> None:
    from songsmith.cli.training_display import follow
    from songsmith.studio.training import train as start

    try:
        with console.interrupts() as interrupted:
            events = start(studio, run, resume=resume, stopping=interrupted.is_set)
            finished = follow(events, stopping=interrupted.is_set)
    except KeyboardInterrupt:
        console.say("Interrupted. To continue from the last checkpoint, run the same command with --resume.")
        raise typer.Exit(130) from None
    if finished is not None and finished.interrupted:
        raise typer.Exit(interrupted.exit_code)
