"""The loss of a model on songs, in bits per UTF-8 byte: comparable across tokenizers. Writes no songs."""

import numpy as np
from numpy.typing import NDArray

from songsmith.errors import EngineError, ModelError
from songsmith.lyrics import Song
from songsmith.markup import END, LINE, ORDERED_MARKS, SECTIONS, TITLE, MarkupFormat
from songsmith.model.backend import Logits
from songsmith.model.loading import LoadedModel
from songsmith.training.dataset import IGNORED, measured_rows
from songsmith.training.loss_totals import LossTotals

# Letters in shapes: T = predicted tokens of a row, V = entries of the tokenizer.

_TOKENS_AT_ONCE = 64  # in float64, 50,257 logits for each take 26 MB


def require_marks(model: LoadedModel) -> None:
    """Refuse a model that cannot predict the structure of songs: tokens it lacks would be missing from its loss.

    Raises:
        ModelError: its tokenizer lacks a mark of its format.
    """
    plain = model.manifest.format == MarkupFormat.PLAIN
    needed = {END} if plain else {END, TITLE, LINE, *SECTIONS.values()}
    for mark in ORDERED_MARKS:
        if mark in needed and mark not in model.tokenizer.id_of_mark:
            raise ModelError(
                f"The tokenizer of {model.name} has no {mark}, so it can't measure songs.",
                "Choose another model; see: songsmith models list",
            )


def score_song(model: LoadedModel, song: Song) -> LossTotals:
    """Return the loss of a model on a song. Windows overlap by half; each token is counted once.

    Raises:
        EngineError: the network failed: out of memory, or logits that are not finite.
    """
    backend, tokenizer = model.backend, model.tokenizer
    format = MarkupFormat(model.manifest.format)
    total = LossTotals()
    try:
        for row in measured_rows(song, tokenizer, window=backend.context_window_tokens, format=format):
            first = next(place for place, target in enumerate(row.targets) if target != IGNORED)
            targets = np.array(row.targets[first:])  # predicted tokens are at the end of a row
            # A network may have more outputs than its tokenizer has entries: generation never draws those.
            logits = backend.forward_full(row.tokens)[first:, : tokenizer.vocabulary_size]
            nats = float(token_nats(logits, targets).sum())
            total += LossTotals(nats=nats, tokens=len(targets), text_bytes=row.text_bytes)
    except (RuntimeError, MemoryError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise EngineError(f"The model failed: {reason}.", "Try --device cpu, or another model.") from error
    return total


def token_nats(logits: Logits, targets: NDArray[np.int_]) -> NDArray[np.float64]:
    """Return the cross-entropy of each target under its logits, in nats: (T, V), (T,) -> (T,).

    Raises:
        RuntimeError: the logits are not finite.
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
