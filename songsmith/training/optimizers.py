"""What turns gradients into steps: AdamW for all, or Muon for the matrices inside the network."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from songsmith.training.options import OptimizerName, TrainingOptions

# Letters in shapes: K = matrices of one shape, M = rows, N = columns.


class Muon(torch.optim.Optimizer):
    """Momentum whose every step is made orthogonal (Jordan et al. 2024, kellerjordan.github.io/posts/muon).

    Matrices are (in, out), as GPT-2's are. The one that makes queries, keys and values is taken as three.
    """

    def __init__(
        self, params: Iterable[nn.Parameter], *, lr: float, weight_decay: float, precision: torch.dtype
    ) -> None:
        """Take the matrices to train.

        Args:
            params: of two dimensions.
            lr: learning rate: about the length of a step, as the largest singular value of a square matrix's change.
            weight_decay: share of a weight taken off in a step, times `lr`.
            precision: of the iteration: bfloat16 is enough where the hardware multiplies in it.
        """
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": 0.95})
        self._precision = precision

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Make one step along the gradients that are there."""
        for group in self.param_groups:
            alike: dict[tuple[int, int], list[tuple[Tensor, Tensor]]] = {}
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
                ahead = weight.grad.lerp(state["momentum"], group["momentum"])  # Nesterov's
                rows, columns = weight.shape
                parts = 3 if columns == 3 * rows else 1
                for into, move in zip(weight.chunk(parts, 1), ahead.chunk(parts, 1), strict=True):
                    alike.setdefault((into.shape[0], into.shape[1]), []).append((into, move))
            for (rows, columns), pairs in alike.items():
                moves = _orthogonal(torch.stack([move for _, move in pairs]), self._precision)
                length = group["lr"] * math.sqrt(max(1.0, columns / rows))
                for (into, _), move in zip(pairs, moves, strict=True):
                    into.mul_(1 - group["lr"] * group["weight_decay"]).add_(move, alpha=-length)


def _orthogonal(matrices: Tensor, precision: torch.dtype) -> Tensor:
    """Return (K, M, N) matrices with the same singular vectors and singular values near 1, by five quintic Newton-Schulz steps."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x: Tensor = matrices.to(precision)
    tall = x.shape[1] > x.shape[2]
    if tall:
        x = x.transpose(1, 2)
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        square = torch.bmm(x, x.transpose(1, 2).contiguous())  # (K, M, M); a transposed view is multiplied slowly
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return (x.transpose(1, 2) if tall else x).float()


def make_optimizers(
    network: nn.Module, options: TrainingOptions, precision: torch.dtype
) -> dict[str, torch.optim.Optimizer]:
    """Return the optimisers of a network by name. Biases, norms and embeddings are AdamW's and never decay.

    Args:
        network: whose parameters are told apart by shape and name.
        options: their learning rates.
        precision: what Muon iterates in.
    """
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, weight in network.named_parameters():
        # Embeddings are tables, not maps from one space to another.
        (matrices if weight.ndim == 2 and not name.startswith(("wte", "wpe")) else others).append(weight)
    rate, decay = options.learning_rate, options.weight_decay
    made: dict[str, torch.optim.Optimizer] = {}
    groups: list[dict[str, Any]] = [{"params": others, "weight_decay": 0.0}]
    if options.optimizer is OptimizerName.MUON:
        made["muon"] = Muon(matrices, lr=options.matrix_learning_rate, weight_decay=decay, precision=precision)
    else:
        groups.append({"params": matrices, "weight_decay": decay})
    made["adamw"] = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95), eps=1e-8, fused=True)
    for optimizer in made.values():
        for group in optimizer.param_groups:
            group["peak_lr"] = group["lr"]
    return made
