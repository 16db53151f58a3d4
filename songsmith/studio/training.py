"""Prepare a training run from names: of a corpus, a tokenizer, a base model."""

import hashlib
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from songsmith import __version__
from songsmith.corpus.storage.store import Corpus
from songsmith.errors import StorageError, UsageError, storing
from songsmith.files import replacing_folder
from songsmith.markup import MarkupFormat
from songsmith.model.architectures import write_config
from songsmith.model.manifest import Manifest
from songsmith.model.registry import STARTER
from songsmith.studio.cleaning import made_with
from songsmith.studio.corpora import choose_corpus
from songsmith.studio.studio import Studio
from songsmith.studio.tokenizers import GPT2_TOKENIZER, load_tokenizer
from songsmith.studio.training_songs import SongChoice, describe_choice, hash_songs, read_songs
from songsmith.training.events import TrainingEvent, TrainingFinished
from songsmith.training.options import TrainingOptions, Unit

if TYPE_CHECKING:
    from torch import Tensor

    from songsmith.model.architectures.spec import NetworkSpec
    from songsmith.model.tokenizer import Tokenizer
    from songsmith.training.dataset import Split, TrainingSong
    from songsmith.training.run import TrainingRun


@dataclass(frozen=True, kw_only=True)
class Size:
    """The shape of a new network."""

    layers: int
    width: int
    heads: int
    context_window_tokens: int
    vocabulary_size: int
    """Of the tokenizer that is trained for it, if none is given."""


SIZES: dict[str, Size] = {
    "tiny": Size(layers=4, width=128, heads=4, context_window_tokens=256, vocabulary_size=2048),
    "small": Size(layers=6, width=384, heads=6, context_window_tokens=512, vocabulary_size=8192),
    "base": Size(layers=8, width=512, heads=8, context_window_tokens=1024, vocabulary_size=16384),
    "gpt2": Size(layers=12, width=768, heads=12, context_window_tokens=1024, vocabulary_size=50257),
}


def train_tokenizer(studio: Studio, name: str, choice: SongChoice, vocabulary_size: int) -> tuple[str, Path, int]:
    """Train a tokenizer on a corpus. Returns the corpus's name, the tokenizer's folder and its vocabulary size.

    Raises:
        UsageError: the name is not valid, or is taken.
    """
    folder = _new_folder(studio.paths.tokenizers, name, "tokenizer")
    if name == GPT2_TOKENIZER:
        raise UsageError(f"'{GPT2_TOKENIZER}' is the tokenizer that comes with songsmith.", "Choose another name.")
    corpus = choose_corpus(studio.corpora, choice.corpus)[0]
    tokenizer = _learn_tokenizer(read_songs(corpus, choice), vocabulary_size)
    with storing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with replacing_folder(folder, temporary=folder.parent / f".{name}.new") as new:
            tokenizer.save(new)
    return corpus.name, folder, tokenizer.vocabulary_size


def _learn_tokenizer(songs: "Sequence[TrainingSong]", vocabulary_size: int) -> "Tokenizer":
    from songsmith.model.tokenizer import Tokenizer

    # Titles, and lines with their line breaks, as the markup cuts text into pieces.
    texts = (f"{text}\n" for song in songs for text in (song.song.name, *(line.text for line in song.song.lines)))
    return Tokenizer.train(texts, vocabulary_size)


def _new_folder(parent: Path, name: str, kind: str, *, taken_is_fine: bool = False) -> Path:
    if not name.isprintable() or Path(name).name != name or name.startswith(".") or not 0 < len(name.encode()) <= 100:
        raise UsageError(f"'{name}' can't be the name of a {kind}.", "Use letters, digits, spaces and dashes.")
    if (parent / name).exists() and not taken_is_fine:
        way_out = f"songsmith models rm {shlex.quote(name)}" if kind == "model" else parent / name
        raise UsageError(f"The {kind} '{name}' already exists.", f"Choose another name, or remove it: {way_out}")
    return parent / name


@dataclass(frozen=True, kw_only=True)
class TrainingRequest:
    """What training and fine-tuning have in common: songs, options and entries of the manifest."""

    songs: SongChoice
    options: TrainingOptions
    name: str | None = None
    """Of the model; None for the name of the corpus."""
    resume: bool = False
    """Continue from the last checkpoint."""
    description: str = ""
    """One sentence for the manifest."""
    command: str = ""
    """The command line as typed, for the manifest."""
    licence: str = ""
    """For the manifest."""
    attribution: str = ""
    """Credit for the songs, for the manifest."""


def prepare_training(
    studio: Studio, request: TrainingRequest, *, size: str, tokenizer: str | None = None
) -> "TrainingRun":
    """Prepare the training of a new network.

    Args:
        studio: with the corpora, tokenizers and models.
        request: songs and options.
        size: one of SIZES.
        tokenizer: name of one; None trains it on the training set.

    Raises:
        SongsmithError: the run cannot work; nothing was written.
    """
    if size not in SIZES:
        raise UsageError(f"Unknown size '{size}'.", f"Use one of {', '.join(SIZES)}.")
    shape = SIZES[size]
    material = _gather(studio, request, shape.context_window_tokens)
    from songsmith.model.architectures.gpt2 import gpt2_spec
    from songsmith.model.networks.random_weights import random_weights

    chosen = tokenizer or (GPT2_TOKENIZER if size == GPT2_TOKENIZER else None)
    own = load_tokenizer(studio, chosen) if chosen else _learn_tokenizer(material.split.train, shape.vocabulary_size)
    spec = gpt2_spec(
        vocabulary_size=-(-own.vocabulary_size // 64) * 64,  # a multiple of 64 is faster on most hardware
        context_window_tokens=material.options.block_size_tokens,  # positions past the end of a block would never be trained
        width=shape.width,
        layers=shape.layers,
        heads=shape.heads,
    )
    facts = {"size": size, "tokenizer": hashlib.sha256(own.to_json().encode()).hexdigest()}
    manifest = Manifest(
        origin=f"{size}: {shape.layers} layers, {shape.width} wide, {shape.heads} heads, context window of "
        f"{spec.context_window_tokens} tokens; trained from random weights. {request.command}".strip(),
        licence=request.licence,
    )
    return _run(studio, request, material, own, spec, random_weights(spec, request.options.seed), manifest, facts)


def prepare_finetuning(studio: Studio, request: TrainingRequest, *, base: str | None = None) -> "TrainingRun":
    """Prepare the fine-tuning of a model.

    Args:
        studio: with the corpora and models.
        request: songs and options.
        base: the model to start from; None for the one in the settings.

    Raises:
        SongsmithError: the run cannot work; nothing was written.
    """
    source = base or studio.settings.model
    stored = studio.models.read(source)
    material = _gather(studio, request, stored.spec.context_window_tokens)
    stored.check_numbers()  # else the first step would report a diverging loss
    own = stored.tokenizer.with_marks()
    spec, weights = _make_room(stored.spec, stored.tensors(), own.vocabulary_size)
    digest = stored.weights_sha256
    manifest = Manifest(
        origin=f"Fine-tuned from {source}. {request.command}".strip(),
        base=f"{source} {digest}",
        licence=request.licence or stored.manifest.licence,
    )
    return _run(studio, request, material, own, spec, weights, manifest, {"base": digest})


def _make_room(
    spec: "NetworkSpec", weights: "Mapping[str, Tensor]", vocabulary_size: int
) -> "tuple[NetworkSpec, Mapping[str, Tensor]]":
    """Add embeddings for marks that the tokenizer did not have: each starts near the mean of all others."""
    missing = vocabulary_size - spec.vocabulary_size
    if missing <= 0:
        return spec, weights
    import torch

    from songsmith.model.architectures.spec import Part

    larger = dict(weights)
    for tensor in spec.tensors():
        if tensor.layer or not {Part.TOKENS, Part.HEAD} & set(tensor.parts):
            continue
        table = weights[tensor.name].float()  # (V, D), of the head too
        mean = table.mean(0, keepdim=True)
        random = torch.randn(missing, table.shape[1], generator=torch.Generator().manual_seed(0))
        larger[tensor.name] = torch.cat([table, mean + 0.1 * table.std() * random])
    return replace(spec, vocabulary_size=vocabulary_size), larger


@dataclass(frozen=True, kw_only=True)
class _Material:
    """The songs of a run, split, with the options that follow from the network."""

    name: str
    """Of the model; no other has it."""
    corpus: Corpus
    sha256: str
    split: "Split"
    options: TrainingOptions
    """As requested, with blocks no longer than the context window."""


def _gather(studio: Studio, request: TrainingRequest, window: int) -> _Material:
    corpus = choose_corpus(studio.corpora, request.songs.corpus)[0]
    name = request.name or corpus.path.name
    if name == STARTER:
        raise UsageError(f"'{STARTER}' is the model that comes with songsmith.", "Choose another --name.")
    _new_folder(studio.paths.models, name, "model", taken_is_fine=request.resume)
    folder = studio.paths.training / name
    if any(folder.glob("checkpoint-*")) and not request.resume:
        raise UsageError(
            f"There is an unfinished run '{name}'.",
            f"Continue it with --resume, choose another --name, or remove {folder}.",
        )
    from songsmith.training.dataset import split_songs

    songs, options = read_songs(corpus, request.songs), request.options
    return _Material(
        name=name,
        corpus=corpus,
        sha256=hash_songs(songs),
        split=split_songs(songs, share=options.validation_share, seed=options.seed),
        options=replace(options, block_size_tokens=min(options.block_size_tokens or window, window)),
    )


def _run(
    studio: Studio,
    request: TrainingRequest,
    material: _Material,
    tokenizer: "Tokenizer",
    spec: "NetworkSpec",
    weights: "Mapping[str, Tensor]",
    manifest: Manifest,
    facts: Mapping[str, Any],
) -> "TrainingRun":
    from songsmith.craft.plans import plan_line
    from songsmith.training.run import TrainingRun

    options, split = material.options, material.split
    manifest = replace(
        manifest,
        format=MarkupFormat.LINES if options.unit is Unit.LINE else MarkupFormat.MARKUP,
        description=request.description or f"Songs in the manner of '{material.corpus.name}'.",
        corpus=material.corpus.name,
        cleaning=made_with(material.corpus),
        data=describe_choice(request.songs),
        sources=sorted({song.source for song in (*split.train, *split.validation) if song.source}),
        attribution=request.attribution,
        data_sha256=material.sha256,
        split=f"{len(split.train)} songs to train on, {len(split.validation)} ({options.validation_share:.0%}) in the "
        f"validation set, chosen by ID, seed {options.seed}",
        seed=options.seed,
        options=options.as_json(),
        version=__version__,
    )
    return TrainingRun(
        name=material.name,
        folder=studio.paths.training / material.name,
        model_folder=studio.paths.models / material.name,
        spec=spec,
        weights=weights,
        tokenizer=tokenizer,
        split=split,
        planner=plan_line,
        options=options,
        manifest=manifest,
        identity={**facts, "data": material.sha256, "shape": write_config(spec), **options.as_json()},
    )


def train(
    studio: Studio, run: "TrainingRun", *, resume: bool = False, stopping: Callable[[], bool] = lambda: False
) -> Iterator[TrainingEvent]:
    """Train a run on the device in the settings, and save its loss curves beside the model; see `trainer.train`."""
    from songsmith.model.device import choose_device, set_threads
    from songsmith.training.curves import save_curves
    from songsmith.training.trainer import train as train_run

    set_threads(studio.settings.threads)
    try:
        for event in train_run(run, device=choose_device(studio.settings.device), resume=resume, stopping=stopping):
            if isinstance(event, TrainingFinished):
                # The model is complete: no space for the picture is no reason to fail.
                with suppress(StorageError, OSError):
                    save_curves(
                        event.model / "loss.png", losses=event.losses, evaluations=event.evaluations, title=run.name
                    )
            yield event
    except StorageError as error:
        raise StorageError(
            error.message, "Free some space or fix the problem, then continue with the same command and --resume."
        ) from error
