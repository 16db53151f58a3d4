"""Sample the next tokens on the device, for a batch of sequences, without waiting for it.

The same cuts as in `sampling.py`, with the same numbers of each sequence's random stream, in torch. What may be drawn is decided
by the same processors on the host: their masks and biases are uploaded. Every tensor's size is known before its values are, and
none comes from the host, so that the work can be recorded and replayed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from songsmith.generation.options import GenerationOptions
from songsmith.generation.processors.bias import LogitsBias
from songsmith.generation.sampling import MAX_DEPTH, MIN_TEMPERATURE, NO_NUMBERS, NOTHING_LEFT, Floats
from songsmith.generation.sequence import SequenceState
from songsmith.generation.token_classes import TokenClasses
from songsmith.model.backend import Batch

if TYPE_CHECKING:
    from torch import Tensor

# Letters in shapes: B = rows that are run, R = most rows of a batch, V = vocabulary size, W = most probable tokens that are ranked.

_NOTHING_LEFT, _NO_NUMBERS = -1, -2
"""In place of a token where none can be drawn."""
_NO_TOKEN = -1
_FEWEST_RANKED = 64
_COLUMNS = 8
_UNIFORM, _MASKED, _NEWLY_PENALISED = 0, 6, 7
"""Columns of the parameters that change with every draw."""


@dataclass(frozen=True, kw_only=True)
class SamplingPlan:
    """The work that the options of a batch make necessary. What none of them asks for is left out."""

    ranked: int | None
    """W: how many of the most probable tokens have to be sorted; None for none."""
    drawn: bool
    """Some sequence draws at random, instead of always taking the most probable token."""
    penalised: bool
    """Some sequence has a repetition penalty."""

    @classmethod
    def of(cls, options: Sequence[GenerationOptions], size: int) -> "SamplingPlan":
        """Return the plan for these options and a vocabulary of this size."""
        drawing = [option for option in options if option.temperature]
        ranked = None
        if any(0 < option.top_k < size or option.top_p < 1 for option in drawing):
            widest = max(option.top_k if option.top_k > 0 else size for option in drawing)
            ranked = min(size, max(_FEWEST_RANKED, 1 << (widest - 1).bit_length()))
        penalised = any(option.repetition_penalty != 1 for option in options)
        return cls(ranked=ranked, drawn=bool(drawing), penalised=penalised)


def params_row(
    options: GenerationOptions, uniform: float = 0.0, masked: int = 0, newly_penalised: int = _NO_TOKEN
) -> tuple[float, ...]:
    """Return a row of parameters.

    Args:
        options: of the sequence.
        uniform: the random number to draw with, from 0 to 1.
        masked: the `TokenMask` of the draw.
        newly_penalised: a token that is penalised from this draw on, if there is one.
    """
    return (
        uniform, max(options.temperature, MIN_TEMPERATURE) if options.temperature else 0.0,
        inf if options.top_k <= 0 else float(min(options.top_k, 2**53)), inf if options.top_p >= 1 else options.top_p,
        options.min_p, options.repetition_penalty, float(masked), float(newly_penalised),
    )  # fmt: skip


def draw(
    logits: "Tensor",
    params: "Tensor",
    penalised: "Tensor",
    masked: "Tensor",
    plan: SamplingPlan,
    bias: "Tensor | None" = None,
) -> "Tensor":
    """Choose the next token of every row.

    Args:
        logits: (B, V) float32.
        params: (B, 8) float64, see `params_row`.
        penalised: (B, V) true for tokens with a repetition penalty.
        masked: (B, V) true for tokens that must not be chosen.
        plan: what the parameters ask for at most.
        bias: (B, V) float32, added to the logits; None for no bias.

    Returns:
        (B,) tokens; below 0 where none can be chosen.
    """
    import torch

    uniform, temperature, top_k, top_p, min_p, penalty, *_ = params[:, :, None].unbind(1)  # (B, 1) each
    if plan.penalised:
        penalty = penalty.float()
        logits = torch.where(penalised, torch.where(logits > 0, logits / penalty, logits * penalty), logits)
    if bias is not None:
        logits = logits + bias
    logits = logits.masked_fill(masked, -inf)
    highest = logits.amax(1, keepdim=True)  # (B, 1)
    token = logits.argmax(1, keepdim=True)
    if plan.drawn:
        kept, ids = _candidates(logits, highest, temperature, top_k, top_p, min_p, plan.ranked)
        ends = kept.cumsum(1)  # (B, W)
        # Rounding must not lead past the last candidate.
        places = torch.arange(kept.shape[1], device=kept.device)
        last = (places * (kept > 0)).amax(1, keepdim=True)
        place = torch.minimum((ends <= uniform * ends[:, -1:]).sum(1, keepdim=True), last)
        token = torch.where(temperature > 0, place if ids is None else ids.gather(1, place), token)
    token = token.masked_fill(~torch.isfinite(highest), _NO_NUMBERS)
    return token.masked_fill(highest == -inf, _NOTHING_LEFT)[:, 0]


def _candidates(
    logits: "Tensor", highest: "Tensor", temperature: "Tensor", top_k: "Tensor", top_p: "Tensor", min_p: "Tensor",
    ranked: int | None,
) -> "tuple[Tensor, Tensor | None]":  # fmt: skip
    """Return probabilities (B, W) in the order of the vocabulary, 0 where cut, and their tokens: None for the whole vocabulary."""
    import torch

    temperature = temperature.clamp(min=MIN_TEMPERATURE)
    if ranked is None:
        depths = (logits.double() - highest) / temperature
        probs = depths.exp()
        return probs.masked_fill((depths < -MAX_DEPTH) | (probs < min_p), 0), None
    size = logits.shape[1]
    if ranked < size:
        values, ids = logits.topk(ranked, dim=1)
    else:
        values, ids = logits.sort(dim=1, descending=True, stable=True)
    depths = (values.double() - highest) / temperature  # (B, W)
    probs = depths.exp().masked_fill(torch.arange(ranked, device=logits.device) >= top_k, 0)
    probs = probs / probs.sum(1, keepdim=True)
    before = probs.cumsum(1) - probs
    probs = probs.masked_fill((depths < -MAX_DEPTH) | (before >= top_p) | (probs < min_p * probs[:, :1]), 0)
    if ranked < size:
        ids, order = ids.sort(dim=1)
        return probs.gather(1, order), ids
    return torch.zeros_like(probs).scatter_(1, ids, probs), None


class DeviceSampler:
    """Draws the next tokens of a batch of sequences, in memory that stays where it is."""

    def __init__(self, batch: Batch, classes: TokenClasses) -> None:
        """Take memory for as many rows as a batch has room for."""
        import torch

        rows, size = batch.logits.shape
        device = batch.logits.device
        self._on_gpu = device.type == "cuda"
        table = np.zeros((len(classes.masked_ids), size), dtype=np.bool_)
        for number, ids in enumerate(classes.masked_ids):
            table[number, ids] = True
        self._masks = torch.from_numpy(table).to(device)  # (combinations of TokenMask, V)
        self._penalised = torch.zeros(rows, size, dtype=torch.bool, device=device)
        self._bias = torch.zeros(rows, size, device=device)
        self._params = torch.zeros(rows, _COLUMNS, dtype=torch.float64, device=device)
        self._drawn = torch.zeros(rows, dtype=torch.int64, device=device)
        # What was drawn from: the batch's own are soon those of the next token.
        self._logits = torch.zeros(rows, size, device=device)
        # Only from pinned memory, and to it, does a copy not wait.
        self._params_host = torch.zeros(rows, _COLUMNS, dtype=torch.float64, pin_memory=self._on_gpu)
        self._drawn_host = torch.zeros(rows, dtype=torch.int64, pin_memory=self._on_gpu)
        self._bias_host: Tensor | None = None
        self._arrived = torch.cuda.Event() if self._on_gpu else None  # type: ignore[no-untyped-call]
        self._plan = SamplingPlan.of([], size)
        self._uploaded = [0] * rows  # penalised tokens of each row that the device knows
        self._drawing: list[SequenceState] = []

    def update_batch(self, sequences: Sequence[SequenceState]) -> None:
        """Draw for these sequences, in this order, from now on; also to be called when one of them was rolled back."""
        self._plan = SamplingPlan.of([sequence.options for sequence in sequences], self._penalised.shape[1])
        self._params_host.zero_()  # rows that only fill a batch up take the most probable token, which is never looked at
        params = [params_row(sequence.options) for sequence in sequences]
        self._params_host.numpy()[: len(sequences)] = params
        for row, sequence in enumerate(sequences):
            self._upload_penalised(row, sequence.update_bias())

    def _upload_penalised(self, row: int, bias: LogitsBias) -> None:
        import torch

        mask = np.zeros(self._penalised.shape[1], dtype=np.bool_)
        mask[bias.penalised] = True
        self._penalised[row] = torch.from_numpy(mask).to(self._penalised.device)
        self._uploaded[row] = len(bias.penalised)

    def set_logits(self, batch: Batch, logits: Sequence[Floats | None]) -> None:
        """Draw the next tokens from these logits, (1, V) each; None for rows that are drawn from what the batch has."""
        import torch

        for row, values in enumerate(logits):
            if values is not None:
                batch.logits[row] = torch.from_numpy(values[0]).to(batch.logits.device)

    def queue(self, batch: Batch, sequences: Sequence[SequenceState]) -> None:
        """Have the next token of every sequence drawn from the batch's logits, and go on at once; the batch's tokens follow."""
        import torch

        self._drawing = [sequence for sequence in sequences if not sequence.next_is_forced]
        # A forced token needs no number.
        uniforms = [0.0 if sequence.next_is_forced else sequence.next_uniform() for sequence in sequences]
        biases = [sequence.update_bias() for sequence in sequences]
        rows = len(sequences)
        params = self._params_host.numpy()
        params[:rows, _UNIFORM] = uniforms
        params[:rows, _MASKED] = [bias.classes for bias in biases]
        params[:rows, _NEWLY_PENALISED] = [self._newly_penalised(row, bias) for row, bias in enumerate(biases)]
        self._params.copy_(self._params_host, non_blocking=True)
        is_biased = any(bias.biased for bias in biases)
        if is_biased:
            self._upload_biases(biases)
        count, plan = batch.padded_batch_size, self._plan
        batch.run(
            ("draw", count, plan, is_biased),
            lambda: self._draw(batch.logits[:count], batch.tokens[:count], plan, is_biased=is_biased),
        )
        self._drawn_host.copy_(self._drawn, non_blocking=True)
        if self._arrived is not None:
            self._arrived.record(torch.cuda.current_stream(self._drawn.device))

    def _newly_penalised(self, row: int, bias: LogitsBias) -> int:
        new = len(bias.penalised) - self._uploaded[row]
        if new > 1:  # forced tokens come several at a time
            self._upload_penalised(row, bias)
        self._uploaded[row] = len(bias.penalised)
        return int(bias.penalised[-1]) if new == 1 else _NO_TOKEN

    def _upload_biases(self, biases: Sequence[LogitsBias]) -> None:
        import torch

        if self._bias_host is None:
            self._bias_host = torch.zeros(self._bias.shape, pin_memory=self._on_gpu)
        host = self._bias_host.numpy()
        for row, bias in enumerate(biases):
            host[row] = bias.values if bias.biased else 0
        self._bias[: len(biases)].copy_(self._bias_host[: len(biases)], non_blocking=True)

    def _draw(self, logits: "Tensor", tokens: "Tensor", plan: SamplingPlan, *, is_biased: bool) -> None:
        rows = len(tokens)
        params, penalised = self._params[:rows], self._penalised[:rows]
        if plan.penalised:
            new = params[:, _NEWLY_PENALISED:]  # (B, 1)
            ids = new.clamp(min=0).long()
            penalised.scatter_(1, ids, penalised.gather(1, ids) | (new >= 0))
        masked = self._masks[params[:, _MASKED].long()]  # (B, V)
        self._logits[:rows] = logits
        drawn = draw(logits, params, penalised, masked, plan, self._bias[:rows] if is_biased else None)
        self._drawn[:rows] = drawn
        tokens[:] = drawn.clamp(min=0)

    def tokens(self, rows: int) -> list[int]:
        """Wait for the tokens of so many sequences, and return them; below 0 where none could be drawn."""
        if self._arrived is not None:
            self._arrived.synchronize()
        drawn: list[int] = self._drawn_host[:rows].tolist()
        return drawn

    def correct(self, batch: Batch, sequences: Sequence[SequenceState], tokens: list[int]) -> bool:
        """Put others in the place of tokens that a constraint forces or that must not be drawn; return whether there were any.

        The batch has to take its last step again then.
        """
        corrected = False
        for row, (sequence, token) in enumerate(zip(sequences, tokens, strict=True)):
            if sequence.next_is_forced:
                tokens[row] = sequence.next_forced
            elif token >= 0 and sequence.must_redraw(token):
                tokens[row] = sequence.redraw(self.logits_of(row))
            else:
                continue
            batch.tokens[row] = tokens[row]
            corrected = True
        return corrected

    def logits_of(self, row: int) -> Floats:
        """Return the logits that the last token of a row was drawn from, (V,)."""
        logits: Floats = self._logits[row].float().cpu().numpy().copy()
        return logits

    def give_back(self) -> None:
        """Return the random numbers of the last draw, of which nothing came."""
        for sequence in self._drawing:
            sequence.return_uniform()


def check_drawn(token: int) -> None:
    """Raise an error where no token could be drawn.

    Raises:
        RuntimeError: every token is masked, or a probability is not a number.
    """
    if token < 0:
        raise RuntimeError(NOTHING_LEFT if token == _NOTHING_LEFT else NO_NUMBERS)
