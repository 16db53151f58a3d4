"""Small runs to train in tests: invented songs, a tokenizer learned from them, a network of a few thousand weights."""

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from songsmith.craft.plans import plan_line
from songsmith.lyrics import Line, Section, SectionKind, Song
from songsmith.markup import MarkupFormat
from songsmith.model.architectures import read_spec
from songsmith.model.architectures.gpt2 import gpt2_spec
from songsmith.model.manifest import Manifest
from songsmith.model.networks.random_weights import random_weights
from songsmith.model.tokenizer import Tokenizer
from songsmith.training.dataset import TrainingSong, split_songs
from songsmith.training.events import CheckpointSaved, StepFinished, TrainingEvent
from songsmith.training.options import Precision, TrainingOptions, Unit
from songsmith.training.run import TrainingRun
from songsmith.training.trainer import train

_WORDS = (
    "river",
    "moon",
    "lantern",
    "winter",
    "harbour",
    "road",
    "silver",
    "morning",
    "walked",
    "sang",
    "carried",
    "the",
    "my",
)


def make_songs(count: int, *, seed: int = 0) -> list[TrainingSong]:
    """Return invented songs of two verses and a chorus."""
    draw = random.Random(seed)

    def lines(number: int) -> tuple[Line, ...]:
        return tuple(Line(" ".join(draw.choices(_WORDS, k=draw.randint(4, 7))).capitalize()) for _ in range(number))

    kinds = (SectionKind.VERSE, SectionKind.CHORUS, SectionKind.VERSE)
    return [
        TrainingSong(
            id=f"song:{number}",
            song=Song(
                f"The {draw.choice(_WORDS)} {number}", tuple(Section(kind, lines(4)) for kind in kinds), "Nobody Known"
            ),
        )
        for number in range(count)
    ]


def learn_tokenizer(songs: list[TrainingSong], size: int = 400) -> Tokenizer:
    """Return a tokenizer learned from songs."""
    return Tokenizer.train((f"{line.text}\n" for song in songs for line in song.song.lines), size)


def make_options(**changes: Any) -> TrainingOptions:
    """Return options of a run that takes a second or two."""
    usual: dict[str, Any] = {
        "block_size_tokens": 32, "micro_batch_size": 4, "warmup_steps": 2, "evaluate_every_steps": 4, "sample_every_steps": 0,
        "precision": Precision.FLOAT32, "validation_share": 0.1, "seed": 3,
    }  # fmt: skip
    if not {"steps", "epochs", "minutes"} & changes.keys():
        usual["steps"] = 12
    return TrainingOptions(**usual | changes)


def train_on(run: TrainingRun, *, resume: bool = False, stop_after: int = 10**9) -> "Kept":
    """Train to the end, or as if Ctrl-C were pressed after so many steps."""
    events: list[TrainingEvent] = []
    tensors: dict[str, torch.Tensor] = {}

    def stopping() -> bool:
        # Asked within a step: before it is told of.
        return 1 + max((event.step for event in events if isinstance(event, StepFinished)), default=0) >= stop_after

    for event in train(run, device=torch.device("cpu"), resume=resume, stopping=stopping):
        events.append(event)
        if isinstance(event, CheckpointSaved):
            tensors = load_file(event.path / "tensors.safetensors")
    return Kept(events=events, tensors=tensors)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What a run told, and every tensor of its last checkpoint."""

    events: list[TrainingEvent]
    tensors: dict[str, torch.Tensor]


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    """Return whether two sets of tensors are equal to the bit."""
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def make_run(
    home: Path, *, songs: int = 30, options: TrainingOptions | None = None, architecture: str = "gpt2", **identity: Any
) -> TrainingRun:
    """Return a run that keeps everything under `home`."""
    options = options or make_options()
    split = split_songs(make_songs(songs), share=options.validation_share, seed=options.seed)
    tokenizer = learn_tokenizer(list(split.train))
    if architecture == "gpt2":
        spec = gpt2_spec(
            vocabulary_size=tokenizer.vocabulary_size, context_window_tokens=48, width=16, layers=2, heads=2
        )
    else:
        spec = read_spec({
            "model_type": architecture, "vocab_size": tokenizer.vocabulary_size, "max_position_embeddings": 48,
            "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 4,
            "intermediate_size": 40,
        })  # fmt: skip
    return TrainingRun(
        name="invented",
        folder=home / "training" / "invented",
        model_folder=home / "models" / "invented",
        spec=spec,
        weights=random_weights(spec, options.seed),
        tokenizer=tokenizer,
        split=split,
        planner=plan_line,
        options=options,
        manifest=Manifest(
            format=MarkupFormat.LINES if options.unit is Unit.LINE else MarkupFormat.MARKUP,
            seed=options.seed,
            options=options.as_json(),
        ),
        identity={"songs": songs, **options.as_json(), **identity},
    )
