"""`songsmith train` and `songsmith finetune`: a corpus becomes a model."""

import shlex
import sys
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from songsmith.cli import completion, console
from songsmith.training.options import FINETUNING, NEW, OptimizerName, Precision, ScheduleName, TrainingOptions, Unit

if TYPE_CHECKING:
    from songsmith.studio.studio import Studio
    from songsmith.studio.training import TrainingRequest
    from songsmith.training.run import TrainingRun

_SONGS, _LENGTH, _LEARNING, _RUN = "Songs", "How long", "How it learns", "The run"


def _option(panel: str, help: str, *names: str, **settings: Any) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=panel, **settings)


CorpusName = Annotated[
    str | None,
    _option(
        _SONGS, "Corpus to train on.", "--corpus", "-c", show_default="the latest", autocompletion=completion.corpora
    ),
]
Filters = Annotated[
    list[str] | None,
    _option(
        _SONGS,
        "Train only on songs that match, such as kind=song or oov<=0.03; repeatable.",
        "--filter",
        show_default=False,
    ),
]
Copies = Annotated[
    list[str] | None,
    _option(_SONGS, "Repeat matching songs this many times, such as kind=song:2; repeatable.", show_default=False),
]
MaxSongs = Annotated[int | None, _option(_SONGS, "Maximum number of songs.", min=1, show_default="all")]
UnitName = Annotated[Unit, _option(_SONGS, "Learn whole songs, or single lines.")]
Share = Annotated[float, _option(_SONGS, "Share of the songs held out for validation.")]
Name = Annotated[
    str | None, typer.Option("--name", "-n", help="Name of the new model.", show_default="the corpus name")
]
Steps = Annotated[int | None, _option(_LENGTH, "Optimiser steps.", show_default=False)]
Epochs = Annotated[
    float | None, _option(_LENGTH, "Passes over all songs; the default if you give none of these.", show_default=False)
]
Minutes = Annotated[float | None, _option(_LENGTH, "Minutes to train.", show_default=False)]
Block = Annotated[
    int, _option(_LEARNING, "Tokens per block; 0: the context window. For a new model, this is its context window.")
]
Batch = Annotated[int, _option(_LEARNING, "Blocks per pass.")]
Accumulation = Annotated[int, _option(_LEARNING, "Passes per step.")]
Optimizer = Annotated[OptimizerName, _option(_LEARNING, "muon (for matrices) or adamw (for everything).")]
Rate = Annotated[float, _option(_LEARNING, "Peak learning rate of AdamW.")]
MatrixRate = Annotated[float, _option(_LEARNING, "Peak learning rate of Muon.")]
Decay = Annotated[float, _option(_LEARNING, "Weight decay of matrices.")]
Schedule = Annotated[ScheduleName, _option(_LEARNING, "How the learning rate changes after the warm-up.")]
Warmup = Annotated[int, _option(_LEARNING, "Warm-up steps.")]
Restarts = Annotated[int, _option(_LEARNING, "Cycles of --schedule restarts.")]
Clip = Annotated[float, _option(_LEARNING, "Maximum gradient norm; 0: no limit.")]
Dropout = Annotated[float, _option(_LEARNING, "Share of activations to drop.")]
SyllablePlans = Annotated[float, _option(_LEARNING, "Share of lines that are given their syllable count.")]
RhymePlans = Annotated[float, _option(_LEARNING, "Share of lines that are given their last word.")]
Artists = Annotated[float, _option(_LEARNING, "Share of songs that are given their artist.")]
Precise = Annotated[Precision, _option(_LEARNING, "auto: bfloat16 where it is faster.")]
Evaluate = Annotated[int, _option(_RUN, "Steps between evaluations.")]
Sample = Annotated[int, _option(_RUN, "Steps between sample verses; 0: none.")]
Compile = Annotated[bool, _option(_RUN, "Compile the network first: takes minutes, then trains faster.", "--compile")]
Seed = Annotated[int, _option(_RUN, "Seed for split, order, plans and initial weights.")]
Device = Annotated[
    str | None, _option(_RUN, "auto, cpu, cuda or mps.", show_default="auto", autocompletion=completion.devices)
]
Resume = Annotated[bool, _option(_RUN, "Resume from the last checkpoint.", "--resume")]
About = Annotated[str, _option(_RUN, "One sentence about the model, for its manifest.", show_default=False)]
Attribution = Annotated[str, _option(_RUN, "Credit for the songs, for the manifest.", show_default=False)]
Licence = Annotated[str, _option(_RUN, "SPDX identifier of its licence, for the manifest.", show_default=False)]


def train(
    corpus: CorpusName = None,
    size: Annotated[str, typer.Option("--size", "-s", help="tiny, small, base or gpt2.")] = "small",
    tokenizer: Annotated[
        str | None,
        typer.Option(
            "--tokenizer",
            "-t",
            help="A tokenizer you trained, or gpt2.",
            show_default="learned from the songs",
            autocompletion=completion.tokenizers,
        ),
    ] = None,
    name: Name = None,
    filters: Filters = None,
    copies: Copies = None,
    max_songs: MaxSongs = None,
    unit: UnitName = NEW.unit,
    validation_share: Share = NEW.validation_share,
    steps: Steps = None,
    epochs: Epochs = None,
    minutes: Minutes = None,
    block_tokens: Block = NEW.block_tokens,
    batch_blocks: Batch = NEW.batch_blocks,
    accumulation: Accumulation = NEW.accumulation,
    optimizer: Optimizer = NEW.optimizer,
    learning_rate: Rate = NEW.learning_rate,
    matrix_learning_rate: MatrixRate = NEW.matrix_learning_rate,
    weight_decay: Decay = NEW.weight_decay,
    schedule: Schedule = NEW.schedule,
    warmup_steps: Warmup = NEW.warmup_steps,
    restarts: Restarts = NEW.restarts,
    clip_norm: Clip = NEW.clip_norm,
    dropout: Dropout = NEW.dropout,
    syllable_plan_rate: SyllablePlans = NEW.syllable_plan_rate,
    rhyme_plan_rate: RhymePlans = NEW.rhyme_plan_rate,
    artist_rate: Artists = NEW.artist_rate,
    precision: Precise = NEW.precision,
    evaluate_every_steps: Evaluate = NEW.evaluate_every_steps,
    sample_every_steps: Sample = NEW.sample_every_steps,
    compile: Compile = False,
    seed: Seed = NEW.seed,
    device: Device = None,
    resume: Resume = False,
    about: About = "",
    licence: Licence = "",
    attribution: Attribution = "",
) -> None:
    """Train a new model on a corpus, from random weights.

    Ctrl-C stops it and keeps the best model so far; the same command with --resume continues.
    """
    from songsmith.studio.studio import Studio
    from songsmith.studio.training import prepare_training

    studio = Studio.open(device=device)
    run = prepare_training(studio, _request(studio, locals(), NEW), size=size, tokenizer=tokenizer)
    _follow(studio, run, resume=resume)


def finetune(
    corpus: CorpusName = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            "-b",
            help="Model to start from, or path to one.",
            show_default="the default",
            autocompletion=completion.models,
        ),
    ] = None,
    name: Name = None,
    filters: Filters = None,
    copies: Copies = None,
    max_songs: MaxSongs = None,
    unit: UnitName = FINETUNING.unit,
    validation_share: Share = FINETUNING.validation_share,
    steps: Steps = None,
    epochs: Epochs = None,
    minutes: Minutes = None,
    block_tokens: Block = FINETUNING.block_tokens,
    batch_blocks: Batch = FINETUNING.batch_blocks,
    accumulation: Accumulation = FINETUNING.accumulation,
    optimizer: Optimizer = FINETUNING.optimizer,
    learning_rate: Rate = FINETUNING.learning_rate,
    matrix_learning_rate: MatrixRate = FINETUNING.matrix_learning_rate,
    weight_decay: Decay = FINETUNING.weight_decay,
    schedule: Schedule = FINETUNING.schedule,
    warmup_steps: Warmup = FINETUNING.warmup_steps,
    restarts: Restarts = FINETUNING.restarts,
    clip_norm: Clip = FINETUNING.clip_norm,
    dropout: Dropout = FINETUNING.dropout,
    syllable_plan_rate: SyllablePlans = FINETUNING.syllable_plan_rate,
    rhyme_plan_rate: RhymePlans = FINETUNING.rhyme_plan_rate,
    artist_rate: Artists = FINETUNING.artist_rate,
    precision: Precise = FINETUNING.precision,
    evaluate_every_steps: Evaluate = FINETUNING.evaluate_every_steps,
    sample_every_steps: Sample = FINETUNING.sample_every_steps,
    compile: Compile = False,
    seed: Seed = FINETUNING.seed,
    device: Device = None,
    resume: Resume = False,
    about: About = "",
    licence: Licence = "",
    attribution: Attribution = "",
) -> None:
    """Teach a model the style of a corpus.

    Ctrl-C stops it and keeps the best model so far; the same command with --resume continues.
    """
    from songsmith.studio.studio import Studio
    from songsmith.studio.training import prepare_finetuning

    studio = Studio.open(device=device)
    run = prepare_finetuning(studio, _request(studio, locals(), FINETUNING), base=base)
    _follow(studio, run, resume=resume)


def _request(studio: "Studio", values: Mapping[str, Any], usual: TrainingOptions) -> "TrainingRequest":
    """Return what a command's arguments ask for. Those that are options of training are named as these are."""
    from songsmith.cli.words import tell_choice
    from songsmith.studio.corpora import choose_corpus, stale_notice
    from songsmith.studio.training import TrainingRequest
    from songsmith.studio.training_songs import SongChoice

    options = {field.name: values[field.name] for field in fields(TrainingOptions) if field.name in values}
    if options["steps"] is options["epochs"] is options["minutes"] is None:
        options["epochs"] = usual.epochs
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
        options=replace(usual, **options),
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
