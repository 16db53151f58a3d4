"""How well a model predicts songs, in bits per UTF-8 byte: models with different tokenizers can be compared. Writes no songs."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songsmith.errors import EngineError, ModelError
from songsmith.lyrics import Song
from songsmith.markup import END, LINE, ORDERED_MARKS, SECTIONS, TITLE, MarkupFormat
from songsmith.model.backend import Logits
from songsmith.model.store import LoadedModel
from songsmith.training.dataset import IGNORED, measured_rows

# Letters in shapes: T = tokens of a row that count, V = entries of the tokenizer.

_TOKENS_AT_ONCE = 64  # in float64, 50,257 odds for each come to 26 MB


@dataclass(frozen=True, kw_only=True)
class Surprise:
    """What songs cost a model that predicts them token by token, their titles given."""

    nats: float = 0.0
    tokens: int = 0
    """Tokens that were foretold: structure and ends of songs counted, titles not."""
    text_bytes: int = 0
    """UTF-8 bytes of the lyrics, line breaks counted, headers not."""

    def __add__(self, other: "Surprise") -> "Surprise":
        return Surprise(
            nats=self.nats + other.nats,
            tokens=self.tokens + other.tokens,
            text_bytes=self.text_bytes + other.text_bytes,
        )

    @property
    def bits_per_byte(self) -> float:
        """All that was foretold, structure too, in bits for each byte of lyric."""
        return self.nats / math.log(2) / max(1, self.text_bytes)

    @property
    def nats_per_token(self) -> float:
        """The loss as training knows it; it compares only models with the same tokenizer."""
        return self.nats / max(1, self.tokens)


def require_marks(model: LoadedModel) -> None:
    """Refuse a model that could not predict a song's structure: what it leaves out would cost it nothing.

    Raises:
        ModelError: its tokenizer lacks a mark that its songs are made of.
    """
    plain = model.manifest.format == MarkupFormat.PLAIN
    needed = {END} if plain else {END, TITLE, LINE, *SECTIONS.values()}
    for mark in ORDERED_MARKS:
        if mark in needed and mark not in model.tokenizer.id_of_mark:
            raise ModelError(
                f"The tokenizer of {model.name} has no {mark}, so it can't measure songs.",
                "Choose another model; see: songsmith models list",
            )


def score_song(model: LoadedModel, song: Song) -> Surprise:
    """Return what a song costs a model. It reads in windows that overlap by half; each token counts once.

    Raises:
        EngineError: the network failed: out of memory, or odds that are no numbers.
    """
    backend, tokenizer = model.backend, model.tokenizer
    format = MarkupFormat(model.manifest.format)
    total = Surprise()
    try:
        for row in measured_rows(song, tokenizer, window=backend.context_window_tokens, format=format):
            first = next(place for place, target in enumerate(row.targets) if target != IGNORED)
            targets = np.array(row.targets[first:])  # what counts is the end of a row
            # A network may have more outputs than its tokenizer has entries: those are never written.
            logits = backend.forward_full(row.tokens)[first:, : tokenizer.vocabulary_size]
            nats = float(token_nats(logits, targets).sum())
            total += Surprise(nats=nats, tokens=len(targets), text_bytes=row.text_bytes)
    except (RuntimeError, MemoryError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise EngineError(f"The model failed: {reason}.", "Try --device cpu, or another model.") from error
    return total


def token_nats(logits: Logits, targets: NDArray[np.int_]) -> NDArray[np.float64]:
    """Return what each target costs under its row of logits: (T, V), (T,) -> (T,).

    Raises:
        RuntimeError: the logits are no numbers.
    """
    nats = np.empty(len(targets))
    for start in range(0, len(targets), _TOKENS_AT_ONCE):
        part = slice(start, start + _TOKENS_AT_ONCE)
        with np.errstate(invalid="ignore"):
            rows = logits[part].astype(np.float64)
            rows -= rows.max(axis=1, keepdims=True)
            chosen = np.take_along_axis(rows, targets[part, None], axis=1)[:, 0]
            nats[part] = np.log(np.exp(rows).sum(axis=1)) - chosen
    if not np.isfinite(nats).all():
        raise RuntimeError("it gives probabilities that aren't numbers; its weights may be damaged")
    return nats
