"""Optimisers: AdamW for all parameters, or Muon for the matrices inside the network and AdamW for the rest."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from songsmith.model.networks.torch_network import Linear
from songsmith.training.options import OptimizerName, TrainingOptions

# Letters in shapes: K = matrices of one shape, M = rows, N = columns.


class Muon(torch.optim.Optimizer):
    """SGD with Nesterov momentum, each update orthogonalised (Jordan et al. 2024, kellerjordan.github.io/posts/muon).

    Matrices are (in, out). One that holds several side by side, such as the joint projection to queries, keys and values, is
    treated as so many matrices.
    """

    def __init__(
        self, params: Mapping[nn.Parameter, Sequence[int]], *, lr: float, weight_decay: float, precision: torch.dtype
    ) -> None:
        """Take the matrices to train.

        Args:
            params: two-dimensional; for each, the number of columns of each matrix in it.
            lr: learning rate: roughly the largest singular value of the update of a square matrix.
            weight_decay: decoupled; a step multiplies weights by 1 - `lr` * `weight_decay`.
            precision: of the Newton-Schulz iteration; bfloat16 is enough where the hardware supports it.
        """
        super().__init__(list(params), {"lr": lr, "weight_decay": weight_decay, "momentum": 0.95})
        self._sizes, self._precision = dict(params), precision

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update the parameters that have a gradient. `closure` is not called."""
        for group in self.param_groups:
            by_shape: dict[tuple[int, int], list[tuple[Tensor, Tensor]]] = {}
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
                update = weight.grad.lerp(state["momentum"], group["momentum"])  # Nesterov
                sizes = list(self._sizes[weight])
                for matrix, change in zip(weight.split(sizes, 1), update.split(sizes, 1), strict=True):
                    by_shape.setdefault((matrix.shape[0], matrix.shape[1]), []).append((matrix, change))
            for (rows, columns), pairs in by_shape.items():
                changes = newton_schulz(torch.stack([change for _, change in pairs]), self._precision)
                scale = group["lr"] * math.sqrt(max(1.0, columns / rows))
                for (matrix, _), change in zip(pairs, changes, strict=True):
                    matrix.mul_(1 - group["lr"] * group["weight_decay"]).add_(change, alpha=-scale)


def newton_schulz(matrices: Tensor, precision: torch.dtype) -> Tensor:
    """Orthogonalise matrices with five steps of the quintic Newton-Schulz iteration.

    Args:
        matrices: (K, M, N).
        precision: of the iteration.

    Returns:
        (K, M, N) in float32: the same singular vectors, singular values near 1.
    """
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
    """Return the optimisers of a network by name. Biases, norms and embeddings use AdamW without weight decay.

    Each parameter group stores its peak learning rate as `peak_lr`, for the schedule.

    Args:
        network: whose matrices are `Linear`.
        options: optimiser, learning rates and weight decay.
        precision: of Muon's iteration.
    """
    # Muon is for linear maps; embeddings, and the head beside them, are lookup tables.
    matrices = {cast(nn.Parameter, each.weight): each.sizes for each in network.modules() if isinstance(each, Linear)}
    others = [weight for weight in network.parameters() if weight not in matrices]
    rate, decay = options.learning_rate, options.weight_decay
    made: dict[str, torch.optim.Optimizer] = {}
    groups: list[dict[str, Any]] = [{"params": others, "weight_decay": 0.0}]
    if options.optimizer is OptimizerName.MUON:
        made["muon"] = Muon(matrices, lr=options.matrix_learning_rate, weight_decay=decay, precision=precision)
    else:
        groups.append({"params": list(matrices), "weight_decay": decay})
    made["adamw"] = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95), eps=1e-8, fused=True)
    for optimizer in made.values():
        for group in optimizer.param_groups:
            group["peak_lr"] = group["lr"]
    return made
