"""`songsmith train` and `songsmith finetune`: a corpus becomes a model."""

import shlex
import sys
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any

import typer

from songsmith.cli import console
from songsmith.training.options import OptimizerName, Precision, ScheduleName, TrainingOptions, Unit

if TYPE_CHECKING:
    from songsmith.studio.studio import Studio
    from songsmith.studio.training import TrainingRequest
    from songsmith.training.trainer import TrainingRun

_SONGS, _LENGTH, _LEARNING, _RUN = "Songs", "How long", "How it learns", "The run"


def _option(panel: str, help: str, *names: str, **settings: Any) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=panel, **settings)


CorpusName = Annotated[
    str | None, _option(_SONGS, "Corpus to learn from.", "--corpus", "-c", show_default="the latest")
]
Filters = Annotated[
    list[str] | None,
    _option(_SONGS, "Only songs like this: kind=song, oov<=0.03; repeatable.", "--filter", show_default=False),
]
Copies = Annotated[
    list[str] | None,
    _option(_SONGS, "Read songs like these so often: kind=song:2; repeatable.", show_default=False),
]
MaxSongs = Annotated[int | None, _option(_SONGS, "Only the first so many songs.", min=1, show_default="all")]
UnitName = Annotated[Unit, _option(_SONGS, "Learn to write whole songs, or single lines.")]
Share = Annotated[float, _option(_SONGS, "Share of the songs kept back to judge by.")]
Name = Annotated[str | None, typer.Option("--name", "-n", help="Name of the new model.", show_default="the corpus's")]
Steps = Annotated[int | None, _option(_LENGTH, "Optimiser steps.", show_default=False)]
Epochs = Annotated[float | None, _option(_LENGTH, "Times every song is read.", show_default="10")]
Minutes = Annotated[float | None, _option(_LENGTH, "Minutes of training.", show_default=False)]
Block = Annotated[int, _option(_LEARNING, "Tokens in a block.")]
Batch = Annotated[int, _option(_LEARNING, "Blocks in a pass.")]
Accumulation = Annotated[int, _option(_LEARNING, "Passes before each step.")]
Optimizer = Annotated[OptimizerName, _option(_LEARNING, "muon for matrices, or adamw for all.")]
Rate = Annotated[float, _option(_LEARNING, "Peak learning rate of AdamW.")]
MatrixRate = Annotated[float, _option(_LEARNING, "Peak learning rate of Muon.")]
Decay = Annotated[float, _option(_LEARNING, "Weight decay of matrices.")]
Schedule = Annotated[ScheduleName, _option(_LEARNING, "How the learning rate goes after the warmup.")]
Warmup = Annotated[int, _option(_LEARNING, "Steps until the peak.")]
Restarts = Annotated[int, _option(_LEARNING, "Cycles of --schedule restarts.")]
Clip = Annotated[float, _option(_LEARNING, "Longest gradient; 0: any.")]
Dropout = Annotated[float, _option(_LEARNING, "Share of activations dropped.")]
Precise = Annotated[Precision, _option(_LEARNING, "auto: bfloat16 where it is faster.")]
Evaluate = Annotated[int, _option(_RUN, "Steps between evaluations.")]
Sample = Annotated[int, _option(_RUN, "Steps between sample verses; 0: none.")]
Compile = Annotated[bool, _option(_RUN, "Fuse the network first: minutes of waiting, then faster.", "--compile")]
Seed = Annotated[int, _option(_RUN, "Of split, order, plans and first weights.")]
Device = Annotated[str | None, _option(_RUN, "auto, cpu, cuda or mps.", show_default="auto")]
Resume = Annotated[bool, _option(_RUN, "Go on from the last checkpoint.", "--resume")]
About = Annotated[str, _option(_RUN, "One sentence on the model, for its manifest.", show_default=False)]
Licence = Annotated[str, _option(_RUN, "SPDX name of its licence, for its manifest.", show_default=False)]


def train(
    corpus: CorpusName = None,
    size: Annotated[str, typer.Option("--size", "-s", help="tiny, small, base or gpt2.")] = "small",
    tokenizer: Annotated[
        str | None,
        typer.Option("--tokenizer", "-t", help="One trained before, or gpt2.", show_default="learned from the songs"),
    ] = None,
    name: Name = None,
    filters: Filters = None,
    copies: Copies = None,
    max_songs: MaxSongs = None,
    unit: UnitName = Unit.SONG,
    validation_share: Share = 0.05,
    steps: Steps = None,
    epochs: Epochs = None,
    minutes: Minutes = None,
    block_tokens: Block = 512,
    batch_blocks: Batch = 16,
    accumulation: Accumulation = 1,
    optimizer: Optimizer = OptimizerName.MUON,
    learning_rate: Rate = 3e-3,
    matrix_learning_rate: MatrixRate = 0.02,
    weight_decay: Decay = 0.1,
    schedule: Schedule = ScheduleName.LINEAR,
    warmup_steps: Warmup = 50,
    restarts: Restarts = 4,
    clip_norm: Clip = 1.0,
    dropout: Dropout = 0.0,
    precision: Precise = Precision.AUTO,
    evaluate_every_steps: Evaluate = 200,
    sample_every_steps: Sample = 1000,
    compile: Compile = False,
    seed: Seed = 0,
    device: Device = None,
    resume: Resume = False,
    about: About = "",
    licence: Licence = "",
) -> None:
    """Train a new model on a corpus, from random weights.

    Ctrl-C ends it with the best model so far; the same command with --resume goes on.
    """
    from songsmith.studio.studio import Studio
    from songsmith.studio.training import prepare_training

    studio = Studio.open(device=device)
    run = prepare_training(studio, _request(studio, locals()), size=size, tokenizer=tokenizer)
    _follow(studio, run, resume=resume)


def finetune(
    corpus: CorpusName = None,
    base: Annotated[
        str | None,
        typer.Option("--base", "-b", help="Model to start from, or path to one.", show_default="the default"),
    ] = None,
    name: Name = None,
    filters: Filters = None,
    copies: Copies = None,
    max_songs: MaxSongs = None,
    unit: UnitName = Unit.SONG,
    validation_share: Share = 0.1,
    steps: Steps = None,
    epochs: Epochs = None,
    minutes: Minutes = None,
    block_tokens: Block = 512,
    batch_blocks: Batch = 4,
    accumulation: Accumulation = 1,
    optimizer: Optimizer = OptimizerName.MUON,
    learning_rate: Rate = 3e-4,
    matrix_learning_rate: MatrixRate = 2e-3,
    weight_decay: Decay = 0.1,
    schedule: Schedule = ScheduleName.LINEAR,
    warmup_steps: Warmup = 10,
    restarts: Restarts = 4,
    clip_norm: Clip = 1.0,
    dropout: Dropout = 0.1,
    precision: Precise = Precision.AUTO,
    evaluate_every_steps: Evaluate = 20,
    sample_every_steps: Sample = 200,
    compile: Compile = False,
    seed: Seed = 0,
    device: Device = None,
    resume: Resume = False,
    about: About = "",
    licence: Licence = "",
) -> None:
    """Teach a model the style of a corpus.

    Ctrl-C ends it with the best model so far; the same command with --resume goes on.
    """
    from songsmith.studio.studio import Studio
    from songsmith.studio.training import prepare_finetuning

    studio = Studio.open(device=device)
    run = prepare_finetuning(studio, _request(studio, locals()), base=base)
    _follow(studio, run, resume=resume)


def _request(studio: "Studio", values: Mapping[str, Any]) -> "TrainingRequest":
    """Return what a command's arguments ask for. Those that are options of training are named as these are."""
    from songsmith.cli.words import tell_choice
    from songsmith.studio.corpora import choose_corpus, stale_notice
    from songsmith.studio.training import TrainingRequest
    from songsmith.studio.training_songs import SongChoice

    options = {field.name: values[field.name] for field in fields(TrainingOptions) if field.name in values}
    if options["steps"] is options["epochs"] is options["minutes"] is None:
        options["epochs"] = 10.0
    corpus, chosen = choose_corpus(studio.corpora, values["corpus"])
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
        options=TrainingOptions(**options),
        name=values["name"],
        resume=values["resume"],
        description=values["about"],
        command=_command(),
        licence=values["licence"],
    )


def _command() -> str:
    """Return the command line as it was typed, for a manifest."""
    return f"songsmith {shlex.join(argument for argument in sys.argv[1:] if argument != '--resume')}"


def _follow(studio: "Studio", run: "TrainingRun", *, resume: bool) -> None:
    from songsmith.cli.training_display import follow
    from songsmith.studio.training import train as start

    with console.interrupts() as interrupted:
        events = start(studio, run, resume=resume, stopping=interrupted.is_set)
        finished = follow(events, stopping=interrupted.is_set)
    if finished is not None and finished.interrupted:
        raise typer.Exit(130)
