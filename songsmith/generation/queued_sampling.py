"""From logits to the next token where the logits are: on the device, for a batch of takes that is not waited for.

The same cuts as in `sampling.py`, by the same numbers of each take's own stream, in torch. Every tensor's size is known before
its values are, and none comes from the host, so that the work can be recorded and done again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from songsmith.generation.options import GenerationOptions
from songsmith.generation.row import Alphabet, Row
from songsmith.generation.sampling import COLDEST, DEEPEST, NO_NUMBERS, NOTHING_LEFT, Floats
from songsmith.model.backend import Batch

if TYPE_CHECKING:
    from torch import Tensor

# Letters in shapes: B = rows that are run, R = most rows of a batch, V = vocabulary size, W = likeliest tokens that are ranked.

_NOTHING_LEFT, _NO_NUMBERS = -1, -2
"""What stands in the place of a token where none can be drawn."""
_FEWEST_RANKED = 64
_ORDERS = 7


@dataclass(frozen=True, kw_only=True)
class Cuts:
    """What the options of a batch ask for at all. What none of them asks for is not done."""

    ranked: int | None
    """W: how many of the likeliest tokens have to be put in order; None for none."""
    drawn: bool
    """Some take draws, and does not only take the likeliest."""
    penalised: bool
    """Some take makes tokens rarer that it had."""
    unrepeated: bool
    """Some take may not write a run of tokens twice."""


def cuts_of(options: Sequence[GenerationOptions], size: int) -> Cuts:
    """Return what these options ask for, of a vocabulary of this size."""
    drawing = [option for option in options if option.temperature]
    ranked = None
    if any(0 < option.top_k < size or option.top_p < 1 for option in drawing):
        widest = max(option.top_k if option.top_k > 0 else size for option in drawing)
        ranked = min(size, max(_FEWEST_RANKED, 1 << (widest - 1).bit_length()))
    return Cuts(
        ranked=ranked, drawn=bool(drawing), penalised=any(option.repetition_penalty != 1 for option in options),
        unrepeated=any(option.no_repeat_ngram for option in options),
    )  # fmt: skip


def order_of(options: GenerationOptions, point: float, bans: int) -> tuple[float, ...]:
    """Return a row of orders: where to draw, by which options, and which set of bans holds."""
    return (
        point, max(options.temperature, COLDEST) if options.temperature else 0.0,
        inf if options.top_k <= 0 else float(min(options.top_k, 2**53)), inf if options.top_p >= 1 else options.top_p,
        options.min_p, options.repetition_penalty, float(bans),
    )  # fmt: skip


def draw(logits: "Tensor", orders: "Tensor", seen: "Tensor", banned: "Tensor", cuts: Cuts) -> "Tensor":
    """Choose the next token of every row.

    Args:
        logits: (B, V) float32.
        orders: (B, 7) float64, see `order_of`.
        seen: (B, V) true for tokens that are penalised.
        banned: (B, V) true for tokens that must not be chosen.
        cuts: what the orders ask for at most.

    Returns:
        (B,) tokens; below 0 where none can be chosen.
    """
    import torch

    point, temperature, top_k, top_p, min_p, penalty, _ = orders[:, :, None].unbind(1)  # (B, 1) each
    if cuts.penalised:
        penalty = penalty.float()
        logits = torch.where(seen, torch.where(logits > 0, logits / penalty, logits * penalty), logits)
    logits = logits.masked_fill(banned, -inf)
    highest = logits.amax(1, keepdim=True)  # (B, 1)
    token = logits.argmax(1, keepdim=True)
    if cuts.drawn:
        kept, ids = _candidates(logits, highest, temperature, top_k, top_p, min_p, cuts.ranked)
        ends = kept.cumsum(1)  # (B, W)
        # Rounding must not lead past the last of them.
        places = torch.arange(kept.shape[1], device=kept.device)
        last = (places * (kept > 0)).amax(1, keepdim=True)
        place = torch.minimum((ends <= point * ends[:, -1:]).sum(1, keepdim=True), last)
        token = torch.where(temperature > 0, place if ids is None else ids.gather(1, place), token)
    token = token.masked_fill(~torch.isfinite(highest), _NO_NUMBERS)
    return token.masked_fill(highest == -inf, _NOTHING_LEFT)[:, 0]


def _candidates(
    logits: "Tensor", highest: "Tensor", temperature: "Tensor", top_k: "Tensor", top_p: "Tensor", min_p: "Tensor",
    ranked: int | None,
) -> "tuple[Tensor, Tensor | None]":  # fmt: skip
    """Return odds (B, W) in the order of the vocabulary, 0 for what was cut, and whose they are: None for all tokens in turn."""
    import torch

    temperature = temperature.clamp(min=COLDEST)
    if ranked is None:
        depths = (logits.double() - highest) / temperature
        odds = depths.exp()
        return odds.masked_fill((depths < -DEEPEST) | (odds < min_p), 0), None
    size = logits.shape[1]
    if ranked < size:
        values, ids = logits.topk(ranked, dim=1)
    else:
        values, ids = logits.sort(dim=1, descending=True, stable=True)
    depths = (values.double() - highest) / temperature  # (B, W)
    odds = depths.exp().masked_fill(torch.arange(ranked, device=logits.device) >= top_k, 0)
    odds = odds / odds.sum(1, keepdim=True)
    before = odds.cumsum(1) - odds
    odds = odds.masked_fill((depths < -DEEPEST) | (before >= top_p) | (odds < min_p * odds[:, :1]), 0)
    if ranked < size:
        ids, order = ids.sort(dim=1)
        return odds.gather(1, order), ids
    return torch.zeros_like(odds).scatter_(1, ids, odds), None


class QueuedSampler:
    """Draws the tokens of a batch of takes, in memory that stays where it is."""

    def __init__(self, batch: Batch, alphabet: Alphabet) -> None:
        """Take memory for as many rows as a batch has room for."""
        import torch

        rows, size = batch.logits.shape
        device = batch.logits.device
        self._on_gpu = device.type == "cuda"
        table = np.zeros((len(alphabet.banned), size), dtype=np.bool_)
        for bans, ids in enumerate(alphabet.banned):
            table[bans, ids] = True
        self._banned = torch.from_numpy(table).to(device)  # (sets of bans, V)
        self._penalisable = torch.from_numpy(~alphabet.structural).to(device)  # (V,)
        self._seen = torch.zeros(rows, size, dtype=torch.bool, device=device)
        self._repeated = torch.zeros_like(self._seen)
        self._orders = torch.zeros(rows, _ORDERS, dtype=torch.float64, device=device)
        self._drawn = torch.zeros(rows, dtype=torch.int64, device=device)
        # What was drawn from: the batch's own are soon those of the next token.
        self._logits = torch.zeros(rows, size, device=device)
        # Only from pinned memory, and to it, does a copy not wait.
        self._orders_here = torch.zeros(rows, _ORDERS, dtype=torch.float64, pin_memory=self._on_gpu)
        self._drawn_here = torch.zeros(rows, dtype=torch.int64, pin_memory=self._on_gpu)
        self._repeated_here: Tensor | None = None
        self._there = torch.cuda.Event() if self._on_gpu else None  # type: ignore[no-untyped-call]
        self._cuts = cuts_of([], size)

    def begin(self, batch: Batch, rows: Sequence[Row], logits: Sequence[Floats], *, first: int = 0) -> None:
        """Draw for these takes; those from place `first` on have joined, and draw first from these logits, (1, V) each."""
        import torch

        self.seat(rows)
        batch.logits[first : len(rows)] = torch.from_numpy(np.concatenate(logits)).to(batch.logits.device)

    def seat(self, rows: Sequence[Row]) -> None:
        """Draw for these takes, in this order, from now on."""
        import torch

        self._cuts = cuts_of([row.sampler.options for row in rows], self._seen.shape[1])
        self._seen[: len(rows)] = torch.from_numpy(np.stack([row.sampler.seen for row in rows])).to(self._seen.device)
        self._repeated.zero_()
        self._orders_here.zero_()  # rows that fill a batch up take the likeliest, and nobody looks
        self._orders_here.numpy()[: len(rows)] = [order_of(row.sampler.options, 0.0, 0) for row in rows]

    def queue(self, batch: Batch, rows: Sequence[Row]) -> None:
        """Have the next token of every take drawn from the batch's logits, and go on at once; the batch's tokens follow."""
        import torch

        orders = self._orders_here.numpy()
        orders[: len(rows), 0] = [row.sampler.point() for row in rows]
        orders[: len(rows), -1] = [row.bans() for row in rows]
        self._orders.copy_(self._orders_here, non_blocking=True)
        if self._cuts.unrepeated:
            self._ban_repeats(rows)
        count, cuts = batch.padded_batch_size, self._cuts
        batch.run(("draw", count, cuts), lambda: self._draw(batch.logits[:count], batch.tokens[:count], cuts))
        self._drawn_here.copy_(self._drawn, non_blocking=True)
        if self._there is not None:
            self._there.record(torch.cuda.current_stream(self._drawn.device))

    def _ban_repeats(self, rows: Sequence[Row]) -> None:
        import torch

        if self._repeated_here is None:
            self._repeated_here = torch.zeros(self._repeated.shape, dtype=torch.bool, pin_memory=self._on_gpu)
        banned = self._repeated_here.numpy()
        for place, row in enumerate(rows):
            banned[place] = False
            banned[place, row.sampler.repeated()] = True
        self._repeated[: len(rows)].copy_(self._repeated_here[: len(rows)], non_blocking=True)

    def _draw(self, logits: "Tensor", tokens: "Tensor", cuts: Cuts) -> None:
        rows = len(tokens)
        orders, seen = self._orders[:rows], self._seen[:rows]
        banned = self._banned[orders[:, -1].long()]  # (B, V)
        if cuts.unrepeated:
            banned = banned | self._repeated[:rows]
        self._logits[:rows] = logits
        drawn = draw(logits, orders, seen, banned, cuts)
        self._drawn[:rows] = drawn
        tokens[:] = drawn.clamp(min=0)
        if cuts.penalised:
            # What is never penalised is never set, and stays so.
            seen.scatter_(1, tokens[:, None], self._penalisable[tokens][:, None])

    def tokens(self, rows: int) -> list[int]:
        """Wait for the tokens of so many takes, and return them; below 0 where none could be drawn."""
        if self._there is not None:
            self._there.synchronize()
        drawn: list[int] = self._drawn_here[:rows].tolist()
        return drawn

    def mend(self, batch: Batch, rows: Sequence[Row], tokens: list[int]) -> bool:
        """Put others in the place of tokens that would break a character, as few do; return whether there were any.

        The batch's next step is then to be taken anew, and the takes to be seated once they have their tokens.
        """
        broken = [
            place
            for place, (row, token) in enumerate(zip(rows, tokens, strict=True))
            if token >= 0 and row.breaks_character(token)
        ]
        for place in broken:
            tokens[place] = rows[place].choose_again(self._logits[place].float().cpu().numpy().copy())
            batch.tokens[place] = tokens[place]
        return bool(broken)


def check_drawn(token: int) -> None:
    """Raise what was wrong where no token could be drawn.

    Raises:
        RuntimeError: nothing is left to draw from, or odds are no numbers.
    """
    if token < 0:
        raise RuntimeError(NOTHING_LEFT if token == _NOTHING_LEFT else NO_NUMBERS)
