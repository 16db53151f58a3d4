"""What songs cost a network that learns: the same count as `songsmith eval`, in batches and with the network at hand."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from songsmith.markup import MarkupFormat
from songsmith.model.tokenizer import Tokenizer
from songsmith.training.dataset import IGNORED, MeasuredRow, TrainingSong, measured_rows
from songsmith.training.network import LearningGPT2

# Letters in shapes: B = rows in a pass, T = tokens of the longest.


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What songs cost."""

    nats: float
    tokens: int
    text_bytes: int
    songs: int

    @property
    def nats_per_token(self) -> float:
        """Mean loss of the tokens that counted."""
        return self.nats / max(1, self.tokens)

    @property
    def bits_per_byte(self) -> float:
        """Bits a UTF-8 byte of lyric cost, title given, no plans, structure counted."""
        return self.nats / math.log(2) / max(1, self.text_bytes)


class Judge:
    """Songs laid out once, to judge networks by."""

    def __init__(
        self, songs: Sequence[TrainingSong], tokenizer: Tokenizer, format: MarkupFormat, *, window: int, batch_rows: int
    ) -> None:
        """Lay songs out for a context window, read `batch_rows` rows at a time."""
        self._songs = len(songs)
        rows = [row for song in songs for row in measured_rows(song.song, tokenizer, window=window, format=format)]
        rows.sort(key=lambda row: len(row.tokens))  # rows of a pass are filled up to its longest
        self._text_bytes = sum(row.text_bytes for row in rows)
        self._passes = [rows[start : start + batch_rows] for start in range(0, len(rows), batch_rows)]

    @torch.no_grad()
    def judge(self, network: LearningGPT2, device: torch.device, precision: torch.dtype) -> Judgement:
        """Read all songs with a network."""
        network.eval()
        nats, tokens = 0.0, 0
        for rows in self._passes:
            read, targets = (part.to(device) for part in _fill_up(rows))
            with torch.autocast(device.type, precision, enabled=precision is not torch.float32):
                nats += float(network(read, targets).cpu().double().sum())
            tokens += int((targets != IGNORED).sum())
        return Judgement(nats=nats, tokens=tokens, text_bytes=self._text_bytes, songs=self._songs)


def _fill_up(rows: Sequence[MeasuredRow]) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(len(row.tokens) for row in rows)
    read = torch.zeros((len(rows), width), dtype=torch.long)  # (B, T)
    targets = torch.full((len(rows), width), IGNORED)
    for place, row in enumerate(rows):
        read[place, : len(row.tokens)] = torch.tensor(row.tokens)
        targets[place, : len(row.targets)] = torch.tensor(row.targets)
    return read, targets
