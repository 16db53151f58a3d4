"""Evaluation of a model on songs, as a generator of typed events. Reads and writes no file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from songsmith.corpus.records import CleanRecord
from songsmith.errors import UsageError
from songsmith.evaluation.bits import require_marks, score_song
from songsmith.evaluation.copying import VerbatimSearch
from songsmith.evaluation.diversity import distinct_2, repeated_4grams, repeated_lines, split_lines
from songsmith.generation.engine import Engine
from songsmith.generation.options import GenerationOptions
from songsmith.generation.writing import TakeFinished, write_takes
from songsmith.lyrics import Song
from songsmith.markup import Prompt
from songsmith.model.loading import LoadedModel
from songsmith.training.loss_totals import LossTotals

SAMPLE_LINES = 24
"""Maximum number of lines in a sample."""
_MOST_SAMPLES = 10_000
_SONGS_A_REPORT = 500


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions:
    """How much to measure. Out of range raises UsageError."""

    max_songs: int | None = None
    """Maximum number of songs to predict, the first ones; None for all. Samples are compared with all songs in any case."""
    samples: int = 16
    """Songs to generate; 0 measures only how well the model predicts."""
    seed: int = 0
    """Of the first sample; each further one adds 1."""

    def __post_init__(self) -> None:
        if self.max_songs is not None and self.max_songs < 1:
            raise UsageError(f"--max-songs {self.max_songs} is out of range.", "Use --max-songs 1 or more.")
        if not 0 <= self.samples <= _MOST_SAMPLES:
            raise UsageError(f"--samples {self.samples} is out of range.", f"Use a number from 0 to {_MOST_SAMPLES}.")
        self.sample_options(max(0, self.samples - 1))

    def sample_options(self, number: int) -> GenerationOptions:
        """Return the generation options of a sample, counted from 0: the defaults of `songsmith gen`."""
        return GenerationOptions(seed=self.seed + number, max_lines=SAMPLE_LINES)


@dataclass(frozen=True, kw_only=True)
class EvaluationProgress:
    """One more of several is done."""

    count: int
    """How many are."""
    total: int


@dataclass(frozen=True, kw_only=True)
class SongScored(EvaluationProgress):
    """The loss of a song was measured."""

    bits_per_byte: float
    """Over all songs so far."""


@dataclass(frozen=True, kw_only=True)
class SampleFinished(EvaluationProgress):
    """The model wrote a sample."""

    text: str


class SongsCompared(EvaluationProgress):
    """Samples were compared with this many songs."""


@dataclass(frozen=True, kw_only=True)
class EvaluationFinished:
    """The evaluation is complete."""

    model: str
    model_sha256: str
    """SHA-256 of its weights, in hexadecimal."""
    metrics: Mapping[str, float]
    """Values by name, with units in the names; without samples, their metrics are missing."""


EvaluationEvent = SongScored | SampleFinished | SongsCompared | EvaluationFinished


def evaluate(model: LoadedModel, songs: Sequence[CleanRecord], options: EvaluationOptions) -> Iterator[EvaluationEvent]:
    """Measure how well a model predicts songs, and the samples it writes for their titles.

    Args:
        model: to measure.
        songs: at least one, each with words.
        options: how much to measure.

    Raises:
        ModelError: its tokenizer lacks a mark of its format.
        EngineError: the network failed.
    """
    require_marks(model)
    scored = songs[: options.max_songs]
    total = LossTotals()
    for count, record in enumerate(scored, 1):
        total += score_song(model, record.song)
        yield SongScored(count=count, total=len(scored), bits_per_byte=total.bits_per_byte)
    metrics: dict[str, float] = {
        "bits_per_byte": total.bits_per_byte, "nats_per_token": total.nats_per_token, "songs": len(scored),
        "bytes": total.text_bytes, "tokens": total.tokens,
    }  # fmt: skip
    if options.samples:
        engine, texts = Engine(model), list[str]()
        for number in range(options.samples):
            texts.append(_write(engine, scored[number % len(scored)].song.name, options.sample_options(number)))
            yield SampleFinished(count=len(texts), total=options.samples, text=texts[-1])
        search = VerbatimSearch(texts)
        for count, record in enumerate(songs, 1):
            search.compare(record.text)
            if count % _SONGS_A_REPORT == 0:
                yield SongsCompared(count=count, total=len(songs))
        metrics |= _measure(texts, search) | {"compared_songs": len(songs)}
    yield EvaluationFinished(model=model.name, model_sha256=model.weights_sha256, metrics=metrics)


def _write(engine: Engine, title: str, options: GenerationOptions) -> str:
    for event in write_takes(engine, Prompt(song=Song(title)), [options]):
        if isinstance(event, TakeFinished):
            return event.result.text
    return ""


def _measure(texts: Sequence[str], search: VerbatimSearch) -> dict[str, float]:
    return {
        "samples": len(texts),
        "sample_lines": sum(len(split_lines(text)) for text in texts),
        "sample_words": search.words,
        "distinct_2": distinct_2(texts),
        "repeated_line_share": repeated_lines(texts),
        "repeated_4gram_share": repeated_4grams(texts),
        "verbatim_share": search.share,
        "longest_verbatim_words": search.longest_words,
    }
