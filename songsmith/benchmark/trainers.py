"""The contestants that train: each trains from the same weights on the same songs, and times its steps.

    python -m songsmith.benchmark.trainers CONTESTANT FOLDER OPTIONS PRECISION

Options are JSON. One JSON object comes out: `{"device": ..., "tokens": ..., "elapsed_s": ...}`. A process trains once, so
that memory and imports are a contestant's own. What counts is a token that a step was to predict: padding is none.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain, pairwise
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from songsmith.benchmark.invented import invent_songs
from songsmith.benchmark.options import TrainingBenchmarkOptions
from songsmith.benchmark.writers import device_title
from songsmith.markup import END, RESERVED, LinePlan, MarkupFormat
from songsmith.training.options import OptimizerName, Precision, TrainingOptions

if TYPE_CHECKING:
    import torch

    from songsmith.lyrics import Song
    from songsmith.model.architectures.spec import NetworkSpec
    from songsmith.model.tokenizer import Tokenizer
    from songsmith.training.dataset import TrainingSong

_SEED = 0
# A line has four words at least, its mark and its break.
_FEWEST_LINE_TOKENS = 6
_NO_LABEL = -100


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What was timed: the steps after the warmup."""

    device: str
    tokens: int
    """That these steps predicted."""
    elapsed_s: float


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What all contestants are given."""

    options: TrainingBenchmarkOptions
    precision: Precision
    device: "torch.device"
    spec: "NetworkSpec"
    weights: "Mapping[str, torch.Tensor]"
    tokenizer: "Tokenizer"
    songs: "tuple[TrainingSong, ...]"

    @property
    def total_steps(self) -> int:
        """Steps made in one run, warmup included."""
        return self.options.warmup_steps + self.options.steps


def prepare_lesson(options: TrainingBenchmarkOptions, precision: Precision) -> Lesson:
    """Make songs, tokenizer and weights: from the same options, the same ones in every process."""
    from songsmith.model.architectures.gpt2 import gpt2_spec
    from songsmith.model.device import choose_device, set_threads
    from songsmith.model.networks.random_weights import random_weights
    from songsmith.model.tokenizer import Tokenizer
    from songsmith.paths import find_paths
    from songsmith.settings import Settings
    from songsmith.training.dataset import TrainingSong

    paths = find_paths()
    settings = Settings.load(paths)
    set_threads(settings.threads)
    songs = tuple(TrainingSong(id=song.name, song=song) for song in _enough_songs(options))
    if options.size == "gpt2":
        tokenizer = Tokenizer.load(paths.gpt2_tokenizer).with_marks()
    else:
        texts = (f"{line.text}\n" for song in songs for line in song.song.lines)
        tokenizer = Tokenizer.train(texts, options.vocabulary_size)
    spec = gpt2_spec(
        # A few invented words fill no vocabulary; the network has the outputs it would have for real songs.
        vocabulary_size=-(-max(options.vocabulary_size, tokenizer.vocabulary_size) // 64) * 64,
        context_window_tokens=options.context_window_tokens,
        width=options.width,
        layers=options.layers,
        heads=options.heads,
    )
    return Lesson(
        options=options,
        precision=precision,
        device=choose_device(settings.device),
        spec=spec,
        weights=random_weights(spec, _SEED),
        tokenizer=tokenizer,
        songs=songs,
    )


def _enough_songs(options: TrainingBenchmarkOptions) -> "Iterator[Song]":
    """Yield songs for one epoch: nobody has to begin again, whether it packs them or takes one an example."""
    examples = (options.warmup_steps + options.steps + 1) * options.micro_batch_size
    lines = 0
    for number, song in enumerate(invent_songs(_SEED)):
        if number > examples and lines * _FEWEST_LINE_TOKENS > examples * options.block_size_tokens:
            return
        lines += len(song.lines)
        yield song


class _Stopwatch:
    """Notes when each step ended."""

    def __init__(self, lesson: Lesson) -> None:
        self._lesson = lesson
        self._ends_s: list[float] = []

    def step_ended(self) -> None:
        import torch

        # What is still under way on a GPU belongs to the steps before.
        if self._lesson.device.type == "cuda":
            torch.cuda.synchronize()
        self._ends_s.append(perf_counter())

    def pace(self, tokens: Sequence[int]) -> Pace:
        """Return the pace, given the tokens of each step."""
        warm = self._lesson.options.warmup_steps
        return Pace(
            device=device_title(str(self._lesson.device)),
            tokens=sum(tokens[warm : self._lesson.total_steps]),
            elapsed_s=self._ends_s[-1] - self._ends_s[warm - 1],
        )


def train_songsmith(
    lesson: Lesson, folder: Path, *, optimizer: OptimizerName = OptimizerName.ADAMW, compile: bool = False
) -> Pace:
    """Train as `songsmith train` does."""
    from songsmith.model.manifest import Manifest
    from songsmith.training.dataset import Split
    from songsmith.training.events import StepFinished
    from songsmith.training.run import TrainingRun
    from songsmith.training.trainer import train

    options = TrainingOptions(
        steps=lesson.total_steps, block_size_tokens=lesson.options.block_size_tokens,
        micro_batch_size=lesson.options.micro_batch_size, optimizer=optimizer, precision=lesson.precision, compile=compile,
        seed=_SEED, sample_every_steps=0, evaluate_every_steps=10**9,
    )  # fmt: skip
    run = TrainingRun(
        name="timed", folder=folder / "run", model_folder=folder / "model", spec=lesson.spec, weights=lesson.weights,
        tokenizer=lesson.tokenizer, split=Split(train=lesson.songs[1:], validation=lesson.songs[:1]), planner=_no_plan,
        options=options, manifest=Manifest(format=MarkupFormat.MARKUP), identity={},
    )  # fmt: skip
    watch, totals = _Stopwatch(lesson), [0]
    # Left before the end, which would be spent on judging and writing the model.
    with closing(train(run, device=lesson.device)) as events:  # type: ignore[type-var]
        for event in events:
            if isinstance(event, StepFinished):
                watch.step_ended()
                totals.append(event.tokens)
                if event.step == lesson.total_steps:
                    break
    return watch.pace([after - before for before, after in pairwise(totals)])


def _no_plan(text: str) -> LinePlan:
    # Plans are dropped at random; without any, every contestant reads the same tokens.
    return LinePlan()


def train_packed(lesson: Lesson, folder: Path) -> Pace:
    """Train with transformers.Trainer on blocks, as its example script for language models does (`group_texts`)."""
    from transformers import default_data_collator

    size = lesson.options.block_size_tokens
    stream = list(chain.from_iterable(_song_tokens(lesson)))
    blocks = [stream[start : start + size] for start in range(0, len(stream) // size * size, size)]
    examples = [{"input_ids": block, "attention_mask": [1] * size, "labels": list(block)} for block in blocks]
    return _train_stock(lesson, folder, examples, default_data_collator)


def train_padded(lesson: Lesson, folder: Path) -> Pace:
    """Train with transformers.Trainer on one song an example, cut at a block and padded to the longest of its step."""
    from tokenizers import Tokenizer as RustTokenizer
    from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerFast

    rust = RustTokenizer.from_str(lesson.tokenizer.to_json())
    # A mark of no meaning pads, so that the end of a song still counts as predicted.
    fast: Any = PreTrainedTokenizerFast
    tokenizer = fast(tokenizer_object=rust, eos_token=str(END), pad_token=str(RESERVED[0]))
    examples = [{"input_ids": tokens[: lesson.options.block_size_tokens]} for tokens in _song_tokens(lesson)]
    return _train_stock(lesson, folder, examples, DataCollatorForLanguageModeling(tokenizer, mlm=False))


def _song_tokens(lesson: Lesson) -> list[list[int]]:
    """Return each song as songsmith reads it, and its end."""
    from songsmith.training.dataset import tokenize

    songs = tokenize(lesson.songs[1:], lesson.tokenizer, _no_plan)
    return [[*songs.tokens[start:end].tolist(), songs.end] for start, end in pairwise(songs.starts)]


def _train_stock(
    lesson: Lesson, folder: Path, examples: Sequence[Mapping[str, Any]], collate: Callable[[Any], Any]
) -> Pace:
    from transformers import Trainer, TrainerCallback, TrainingArguments

    watch = _Stopwatch(lesson)

    class Watcher(TrainerCallback):
        def on_step_end(self, *arguments: Any, **more: Any) -> None:
            watch.step_ended()

    tokens: list[int] = []

    def count_and_collate(features: Any) -> Any:
        batch = collate(features)
        # transformers predicts each token from those before it: never the first.
        tokens.append(int((batch["labels"][:, 1:] != _NO_LABEL).sum()))
        return batch

    usual = TrainingOptions(steps=lesson.total_steps)
    arguments = TrainingArguments(
        output_dir=str(folder), max_steps=lesson.total_steps, per_device_train_batch_size=lesson.options.micro_batch_size,
        bf16=lesson.precision is Precision.BFLOAT16, use_cpu=lesson.device.type == "cpu", learning_rate=usual.learning_rate,
        weight_decay=usual.weight_decay, max_grad_norm=usual.max_grad_norm, warmup_steps=usual.warmup_steps, seed=_SEED,
        report_to="none", disable_tqdm=True, save_strategy="no", logging_strategy="no",
    )  # fmt: skip
    if arguments.n_gpu > 1:
        raise RuntimeError("it would take every GPU: choose one with CUDA_VISIBLE_DEVICES")
    trainer = Trainer(
        model=_stock_network(lesson), args=arguments, train_dataset=examples, data_collator=count_and_collate,
        callbacks=[Watcher()],
    )  # fmt: skip
    trainer.train()
    return watch.pace(tokens)


def _stock_network(lesson: Lesson) -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    shape = lesson.spec
    network = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=shape.vocabulary_size, n_positions=shape.context_window_tokens, n_embd=shape.width,
            n_layer=shape.layers, n_head=shape.attention.heads, layer_norm_epsilon=shape.norm.epsilon, resid_pdrop=0.0,
            embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=lesson.tokenizer.end, eos_token_id=lesson.tokenizer.end,
        )
    )  # fmt: skip
    network.transformer.load_state_dict(lesson.weights)
    return network


MUON, COMPILED = "songsmith with Muon", "songsmith with --compile"

TRAINERS: dict[str, Callable[[Lesson, Path], Pace]] = {
    "songsmith": train_songsmith,
    MUON: partial(train_songsmith, optimizer=OptimizerName.MUON),
    COMPILED: partial(train_songsmith, compile=True),
    "transformers.Trainer, packed": train_packed,
    "transformers.Trainer, padded": train_padded,
}
"""songsmith first, in its variants, then its peers, in the order they take turns. AdamW, but where a name says otherwise."""


def main(contestant: str, folder: Path, options: str, precision: str) -> None:
    """Train once and tell the pace."""
    answers = sys.stdout
    sys.stdout = sys.stderr  # what libraries print is no answer
    lesson = prepare_lesson(TrainingBenchmarkOptions(**json.loads(options)), Precision(precision))
    print(json.dumps(asdict(TRAINERS[contestant](lesson, folder))), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4])
