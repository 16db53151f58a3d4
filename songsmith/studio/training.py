"""Training as people ask for it: names and flags become a run on songs of a corpus."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from songsmith import __version__
from songsmith.corpus.filters import Filter, matches
from songsmith.corpus.records import CleanRecord
from songsmith.corpus.store import Corpus, CorpusStore
from songsmith.errors import NotFoundError, TrainingError, UsageError, storing
from songsmith.markup import MarkupFormat
from songsmith.model.manifest import Manifest
from songsmith.studio.studio import Studio
from songsmith.training.events import TrainingEvent
from songsmith.training.options import TrainingOptions

if TYPE_CHECKING:
    from songsmith.model.gpt2 import GPT2Config
    from songsmith.model.tokenizer import Tokenizer
    from songsmith.training.dataset import Split, TrainingSong
    from songsmith.training.trainer import TrainingRun


@dataclass(frozen=True, kw_only=True)
class Size:
    """A network to begin from random weights."""

    layers: int
    width: int
    heads: int
    context_window_tokens: int
    vocabulary_size: int
    """Entries of the tokenizer that is learned with it, where none is given."""


SIZES: dict[str, Size] = {
    "tiny": Size(layers=4, width=128, heads=4, context_window_tokens=256, vocabulary_size=2048),
    "small": Size(layers=6, width=384, heads=6, context_window_tokens=512, vocabulary_size=8192),
    "base": Size(layers=8, width=512, heads=8, context_window_tokens=1024, vocabulary_size=16384),
    "gpt2": Size(layers=12, width=768, heads=12, context_window_tokens=1024, vocabulary_size=50257),
}
GPT2_TOKENIZER = "gpt2"
"""Name of the tokenizer that comes with the package."""


@dataclass(frozen=True, kw_only=True)
class SongChoice:
    """Which songs to train on, and how often each is read."""

    corpus: str | None = None
    """Name; None takes the only corpus, or the one that changed last."""
    filters: tuple[str, ...] = ()
    """Conditions a song must meet, such as `form=stanzaic`."""
    copies: tuple[str, ...] = ()
    """Conditions and how often songs that meet them are read, such as `kind=song:2`; of several, the most."""
    max_songs: int | None = None
    """Only the first so many."""


def read_songs(corpus: Corpus, choice: SongChoice) -> "list[TrainingSong]":
    """Return the songs of a corpus that a choice names, in the corpus's order.

    Raises:
        TrainingError: the corpus was never cleaned, or no song meets the conditions.
        UsageError: a condition cannot be read.
    """
    from songsmith.training.dataset import TrainingSong

    if not corpus.has_clean:
        raise TrainingError(
            f"The corpus '{corpus.name}' has not been cleaned yet.", f"Clean it first: songsmith clean {corpus.name!r}"
        )
    filters = [Filter.parse(text) for text in choice.filters]
    copies = [_parse_copies(text) for text in choice.copies]
    songs: list[TrainingSong] = []
    for record in corpus.clean():
        if choice.max_songs is not None and len(songs) >= choice.max_songs:
            break
        if matches(record, filters):
            times = max((times for condition, times in copies if condition.matches(record)), default=1)
            songs.append(TrainingSong(id=record.id, song=record.song, copies=times))
    if not songs:
        reason = "holds no songs" if not choice.filters else "has no song that meets the conditions"
        raise TrainingError(
            f"The corpus '{corpus.name}' {reason}.", f"Look at it: songsmith corpus show {corpus.name!r}"
        )
    return songs


def _parse_copies(text: str) -> tuple[Filter, int]:
    condition, _, times = text.rpartition(":")
    if not condition or not times.isdecimal() or not 1 <= int(times) <= 100:
        raise UsageError(f"--copies {text} is not clear.", "Write it like kind=song:2.")
    return Filter.parse(condition), int(times)


def hash_songs(songs: "Sequence[TrainingSong]") -> str:
    """Return the SHA-256 of songs as they are trained on: ids, words and copies, in order."""
    digest = hashlib.sha256()
    for song in songs:
        values = [song.id, song.song.title, song.song.artist, song.copies]
        values += [[section.kind, *(line.text for line in section.lines)] for section in song.song.sections]
        digest.update(json.dumps(values, ensure_ascii=True).encode() + b"\n")
    return digest.hexdigest()


def train_tokenizer(studio: Studio, name: str, choice: SongChoice, vocabulary_size: int) -> tuple[str, Path, int]:
    """Learn a tokenizer from a corpus. Returns the corpus's name, the tokenizer's folder and the entries it has.

    Raises:
        UsageError: the name cannot be one, or is taken.
    """
    folder = _new_folder(studio.paths.tokenizers, name, "tokenizer")
    corpus = open_corpus(studio, choice.corpus)
    tokenizer = _learn_tokenizer(read_songs(corpus, choice), vocabulary_size)
    with storing(folder):
        folder.mkdir(parents=True)
    tokenizer.save(folder)
    return corpus.name, folder, tokenizer.vocabulary_size


def open_corpus(studio: Studio, name: str | None) -> Corpus:
    """Return the corpus of that name; without one, the only corpus or the one that changed last."""
    store = studio.corpora
    return store.open(name) if name else store.default()


def _learn_tokenizer(songs: "Sequence[TrainingSong]", vocabulary_size: int) -> "Tokenizer":
    from songsmith.model.tokenizer import Tokenizer

    # Each line with its break, and titles: what the model will read, split where it will be split.
    texts = (f"{text}\n" for song in songs for text in (song.song.name, *(line.text for line in song.song.lines)))
    return Tokenizer.train(texts, vocabulary_size)


def _load_tokenizer(studio: Studio, name: str) -> "Tokenizer":
    from songsmith.model.tokenizer import Tokenizer

    if name == GPT2_TOKENIZER:
        return Tokenizer.load(studio.paths.gpt2_tokenizer).with_marks()
    # A bare name is one of ours; anything else is a path.
    ours = [studio.paths.tokenizers / name, studio.paths.models / name] if Path(name).name == name else [Path(name)]
    for folder in ours:
        if (folder / "tokenizer.json").exists() or (folder / "vocab.json").exists():
            return Tokenizer.load(folder).with_marks()
    raise NotFoundError(
        f"There is no tokenizer '{name}'.",
        f"Train one with songsmith tokenizer train {name!r}, or use {GPT2_TOKENIZER}.",
    )


def _new_folder(parent: Path, name: str, kind: str, *, taken_is_fine: bool = False) -> Path:
    if not name or Path(name).name != name or name.startswith(".") or len(name) > 100:
        raise UsageError(f"'{name}' cannot name a {kind}.", "Use letters, digits, spaces and dashes.")
    if (parent / name).exists() and not taken_is_fine:
        raise UsageError(f"There is a {kind} '{name}' already.", "Choose another name, or remove its folder first.")
    return parent / name


def prepare_training(
    studio: Studio,
    choice: SongChoice,
    options: TrainingOptions,
    *,
    size: str,
    tokenizer: str | None = None,
    name: str | None = None,
    resume: bool = False,
    description: str = "",
    command: str = "",
    licence: str = "",
) -> "TrainingRun":
    """Get a new network ready to learn from a corpus.

    Args:
        studio: whose corpora and models.
        choice: of songs.
        options: of training.
        size: one of SIZES.
        tokenizer: name of one; None learns it from the songs that are trained on.
        name: of the model; None takes the corpus's.
        resume: the run is to go on.
        description: one sentence for the manifest.
        command: what was typed, for the manifest.
        licence: for the manifest.

    Raises:
        SongsmithError: whatever cannot work, before anything is written.
    """
    from songsmith.model.gpt2 import GPT2Config, random_weights

    if size not in SIZES:
        raise UsageError(f"There is no size '{size}'.", f"Use one of {', '.join(SIZES)}.")
    shape = SIZES[size]
    corpus, songs, split, options = _read_split(studio, choice, options, shape.context_window_tokens)
    chosen = tokenizer or (GPT2_TOKENIZER if size == GPT2_TOKENIZER else None)
    own = _load_tokenizer(studio, chosen) if chosen else _learn_tokenizer(split.train, shape.vocabulary_size)
    config = GPT2Config(
        vocabulary_size=-(-own.vocabulary_size // 64) * 64,  # matrix kernels like round numbers
        context_window_tokens=shape.context_window_tokens,
        width=shape.width,
        layers=shape.layers,
        heads=shape.heads,
    )
    facts = {"size": size, "tokenizer": hashlib.sha256(own.to_json().encode()).hexdigest()}
    manifest = Manifest(
        description=description or f"Songs in the manner of '{corpus.name}'.",
        origin=f"{size}: {shape.layers} layers, {shape.width} wide, {shape.heads} heads, context window of "
        f"{shape.context_window_tokens} tokens; trained from random weights. {command}".strip(),
        licence=licence,
    )
    weights = random_weights(config, options.seed)
    return _run(
        studio, name or corpus.name, corpus, songs, split, own, config, weights, options, manifest, facts, resume=resume
    )


def prepare_finetuning(
    studio: Studio,
    choice: SongChoice,
    options: TrainingOptions,
    *,
    base: str | None = None,
    name: str | None = None,
    resume: bool = False,
    description: str = "",
    command: str = "",
    licence: str = "",
) -> "TrainingRun":
    """Get a model ready to learn from a corpus what it does not know yet.

    Args:
        studio: whose corpora and models.
        choice: of songs.
        options: of training.
        base: the model to start from; None takes the settings' own.
        name: of the new model; None takes the corpus's.
        resume: the run is to go on.
        description: one sentence for the manifest.
        command: what was typed, for the manifest.
        licence: for the manifest.

    Raises:
        SongsmithError: whatever cannot work, before anything is written.
    """
    source = base or studio.settings.model
    stored = studio.models.read(source)
    corpus, songs, split, options = _read_split(studio, choice, options, stored.config.context_window_tokens)
    own = stored.tokenizer.with_marks()
    config, weights = _make_room(stored.config, stored.weights, own.vocabulary_size)
    digest = stored.weights_sha256
    manifest = Manifest(
        description=description or f"Songs in the manner of '{corpus.name}'.",
        origin=f"Fine-tuned from {source}. {command}".strip(),
        base=f"{source} {digest}",
        licence=licence or stored.manifest.licence,
    )
    return _run(
        studio, name or corpus.name, corpus, songs, split, own, config, weights, options, manifest, {"base": digest},
        resume=resume,
    )  # fmt: skip


def _make_room(
    config: "GPT2Config", weights: Mapping[str, Any], vocabulary_size: int
) -> "tuple[GPT2Config, Mapping[str, Any]]":
    """Give a network outputs for marks that its tokenizer did not have: each begins as the mean of all others."""
    missing = vocabulary_size - config.vocabulary_size
    if missing <= 0:
        return config, weights
    import torch

    table = weights["wte.weight"].float()
    mean = table.mean(0, keepdim=True)
    near = mean + 0.1 * table.std() * torch.randn(missing, table.shape[1], generator=torch.Generator().manual_seed(0))
    return replace(config, vocabulary_size=vocabulary_size), {**weights, "wte.weight": torch.cat([table, near])}


def _read_split(
    studio: Studio, choice: SongChoice, options: TrainingOptions, window: int
) -> "tuple[Corpus, list[TrainingSong], Split, TrainingOptions]":
    from songsmith.training.dataset import split_songs

    corpus = open_corpus(studio, choice.corpus)
    songs = read_songs(corpus, choice)
    split = split_songs(songs, share=options.validation_share, seed=options.seed)
    return corpus, songs, split, replace(options, block_tokens=min(options.block_tokens, window))


def _run(
    studio: Studio,
    name: str,
    corpus: Corpus,
    songs: "list[TrainingSong]",
    split: "Split",
    tokenizer: "Tokenizer",
    config: "GPT2Config",
    weights: Mapping[str, Any],
    options: TrainingOptions,
    manifest: Manifest,
    facts: Mapping[str, Any],
    *,
    resume: bool,
) -> "TrainingRun":
    from songsmith.craft.plans import plan_line
    from songsmith.training.trainer import TrainingRun

    model_folder = _new_folder(studio.paths.models, name, "model", taken_is_fine=resume)
    sha256 = hash_songs(songs)
    share = f"{options.validation_share:.0%}"
    manifest = replace(
        manifest,
        format=MarkupFormat.MARKUP,
        corpus=corpus.name,
        data_sha256=sha256,
        split=f"{len(split.train)} songs to learn from, {len(split.validation)} ({share}) to judge by, drawn by id, "
        f"seed {options.seed}",
        seed=options.seed,
        options=options.as_json(),
        version=__version__,
    )
    return TrainingRun(
        name=name,
        folder=studio.paths.training / name,
        model_folder=model_folder,
        config=config,
        weights=weights,
        tokenizer=tokenizer,
        split=split,
        planner=plan_line,
        options=options,
        manifest=manifest,
        identity={**facts, "data": sha256, "shape": asdict(config), **options.as_json()},
    )


def train(
    studio: Studio, run: "TrainingRun", *, resume: bool = False, stopping: Callable[[], bool] = lambda: False
) -> Iterator[TrainingEvent]:
    """Train a run on the settings' device; see `songsmith.training.trainer.train`."""
    from songsmith.model.device import choose_device, set_threads
    from songsmith.training.trainer import train as train_run

    set_threads(studio.settings.threads)
    return train_run(run, device=choose_device(studio.settings.device), resume=resume, stopping=stopping)
