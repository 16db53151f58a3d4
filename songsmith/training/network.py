"""A network for training: its forward pass returns the loss."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  (its name everywhere)
from torch import Tensor, nn

from songsmith.model.architectures.spec import NetworkSpec
from songsmith.model.networks.torch_network import TorchNetwork
from songsmith.training.dataset import IGNORED

# Letters in shapes: B = rows, T = tokens in a row, N = B * T, D = width, V = vocabulary.


class _CrossEntropy(torch.autograd.Function):
    """Cross-entropy in float32, a few rows at a time: (N, V) numbers of twice the size are never written to memory.

    The same as F.cross_entropy(logits.float(), targets, ignore_index=IGNORED, reduction="none").
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor, rows: int) -> Tensor:
        """Return (N,) nats of (N, V) logits and (N,) targets, so many rows at a time."""
        sums = torch.cat([piece.float().logsumexp(-1) for piece in torch.split(logits, rows)])  # (N,)
        counts = targets != IGNORED
        chosen = targets.where(counts, 0)
        ctx.save_for_backward(logits, chosen, counts, sums)
        ctx.rows = rows
        return (sums - logits.gather(1, chosen[:, None])[:, 0].float()).where(counts, 0.0)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, None]:
        """Return (N, V) slopes of the logits, given (N,) slopes of the nats."""
        logits, chosen, counts, sums = ctx.saved_tensors
        weights = slopes[0].where(counts, 0.0)
        moves = torch.empty_like(logits)
        rows = ctx.rows
        for start in range(0, len(logits), rows):
            piece = slice(start, start + rows)
            shares = (logits[piece] - sums[piece, None]).exp_()
            shares.scatter_add_(1, chosen[piece, None], -torch.ones_like(shares[:, :1]))
            moves[piece] = shares.mul_(weights[piece, None])
        return moves, None, None


def cross_entropy(logits: Tensor, targets: Tensor, rows: int | None = None) -> Tensor:
    """Return the (N,) nats that (N,) targets cost, given (N, V) logits; 0 where a target is IGNORED.

    `rows` are computed at a time; None: as many as suit the device.
    """
    if torch.compiler.is_compiling():  # which fuses it by itself
        return F.cross_entropy(logits.float(), targets, ignore_index=IGNORED, reduction="none")
    return _CrossEntropy.apply(logits, targets, rows or _piece_rows(logits))  # type: ignore[no-any-return, no-untyped-call]


def _piece_rows(logits: Tensor) -> int:
    # On a CPU a piece of half a million float32 numbers stays in the cache; a GPU wants more at a time.
    return max(1, (2**19 if logits.device.type == "cpu" else 2**26) // logits.shape[1])


class TrainableNetwork(nn.Module):
    """A network whose forward pass is its loss."""

    def __init__(self, spec: NetworkSpec, weights: Mapping[str, Tensor], *, dropout: float = 0.0) -> None:
        """Start from weights, by the names `spec.weight_shapes()` gives; they are copied."""
        super().__init__()
        self.network = TorchNetwork(spec, weights, torch.device("cpu"), torch.float32, trainable=True, dropout=dropout)

    def forward(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """Read (B, T) tokens; return (N,) nats that each of (B, T) targets costs, 0 where it is IGNORED."""
        states = self.network(tokens)  # (N, D)
        return cross_entropy(self.network.logits(states), targets.reshape(-1))
