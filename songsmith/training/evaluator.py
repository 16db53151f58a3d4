"""The validation loss during training: as `songsmith eval` counts it, but in batches and on the network in memory."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from songsmith.markup import MarkupFormat
from songsmith.model.tokenizer import Tokenizer
from songsmith.training.dataset import IGNORED, MeasuredRow, TrainingSong, measured_rows
from songsmith.training.loss_totals import LossTotals
from songsmith.training.network import TrainableNetwork

# Letters in shapes: B = rows in a batch, T = tokens in its longest row.


@dataclass(frozen=True, kw_only=True)
class EvalResult(LossTotals):
    """The loss over a set of validation songs."""

    songs: int
    """Songs in the set."""


class Evaluator:
    """Validation songs as batches, prepared once and read by the network again and again."""

    def __init__(
        self, songs: Sequence[TrainingSong], tokenizer: Tokenizer, format: MarkupFormat, *, window: int, batch_rows: int
    ) -> None:
        """Prepare songs.

        Args:
            songs: of the validation set.
            tokenizer: of the network.
            format: of the text.
            window: context window, in tokens.
            batch_rows: rows in a forward pass.
        """
        self._songs = len(songs)
        rows = [row for song in songs for row in measured_rows(song.song, tokenizer, window=window, format=format)]
        rows.sort(key=lambda row: len(row.tokens))  # rows of like length need little padding
        self._text_bytes = sum(row.text_bytes for row in rows)
        self._batches = [rows[start : start + batch_rows] for start in range(0, len(rows), batch_rows)]

    @torch.no_grad()
    def evaluate(self, network: TrainableNetwork, device: torch.device, precision: torch.dtype) -> EvalResult:
        """Return the loss of a network over all songs. Leaves the network in evaluation mode."""
        network.eval()
        nats, tokens = 0.0, 0
        for rows in self._batches:
            inputs, targets = (part.to(device) for part in _pad(rows))
            with torch.autocast(device.type, precision, enabled=precision is not torch.float32):
                nats += float(network(inputs, targets).cpu().double().sum())
            tokens += int((targets != IGNORED).sum())
        return EvalResult(nats=nats, tokens=tokens, text_bytes=self._text_bytes, songs=self._songs)


def _pad(rows: Sequence[MeasuredRow]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (B, T) inputs, and (B, T) targets that are IGNORED where there is padding."""
    width = max(len(row.tokens) for row in rows)
    inputs = torch.zeros((len(rows), width), dtype=torch.long)
    targets = torch.full((len(rows), width), IGNORED)
    for place, row in enumerate(rows):
        inputs[place, : len(row.tokens)] = torch.tensor(row.tokens)
        targets[place, : len(row.targets)] = torch.tensor(row.targets)
    return inputs, targets
