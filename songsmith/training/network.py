"""GPT-2 as a network that learns: the same weights by the same names as `model/gpt2.py`, with gradients."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  (its name everywhere)
from torch import Tensor, nn

from songsmith.model.architectures.spec import NetworkSpec
from songsmith.training.dataset import IGNORED

# Letters in shapes: B = rows, T = tokens in a row, N = B * T, D = width, H = heads, E = D / H, V = vocabulary.


class Affine(nn.Module):
    """x @ weight + bias, with the weight (in, out) as GPT-2's checkpoints store it."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        """Take both as they come from a checkpoint."""
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in) to (N, out)."""
        return torch.addmm(self.bias, x, self.weight)


class Norm(nn.LayerNorm):
    """Layer norm that starts from given weights."""

    def __init__(self, weight: Tensor, bias: Tensor, epsilon: float) -> None:
        """Take both as they come from a checkpoint."""
        super().__init__(len(weight), eps=epsilon)
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)


class Attention(nn.Module):
    """Causal self-attention."""

    def __init__(self, spec: NetworkSpec, c_attn: Affine, c_proj: Affine, dropout: float) -> None:
        """Join the projection into queries, keys and values, and the one back."""
        super().__init__()
        self.spec, self.dropout = spec, dropout
        self.c_attn, self.c_proj = c_attn, c_proj

    def forward(self, x: Tensor, rows: int) -> Tensor:
        """Mix what each of the N = rows * T places sees of its own past."""
        heads = self.spec.attention.heads
        mixed = self.c_attn(x).view(rows, -1, 3, heads, self.spec.width // heads).permute(2, 0, 3, 1, 4)
        query, keys, values = mixed.unbind()  # (B, H, T, E) each
        chance = self.dropout if self.training else 0.0
        seen = F.scaled_dot_product_attention(query, keys, values, dropout_p=chance, is_causal=True)
        return self.c_proj(seen.transpose(1, 2).reshape(x.shape))  # type: ignore[no-any-return]


class Perceptron(nn.Module):
    """The two-layer network behind each attention."""

    def __init__(self, c_fc: Affine, c_proj: Affine) -> None:
        """Join the way up and the way down."""
        super().__init__()
        self.c_fc, self.c_proj = c_fc, c_proj

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, D) to (N, D)."""
        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))  # type: ignore[no-any-return]


class Layer(nn.Module):
    """One layer: attention, then perceptron, each behind a norm and beside a residual path."""

    def __init__(self, ln_1: Norm, attn: Attention, ln_2: Norm, mlp: Perceptron, dropout: float) -> None:
        """Join the parts; their names are those of the checkpoint."""
        super().__init__()
        self.ln_1, self.attn, self.ln_2, self.mlp = ln_1, attn, ln_2, mlp
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, rows: int) -> Tensor:
        """Map (N, D) to (N, D)."""
        x = x + self.dropout(self.attn(self.ln_1(x), rows))
        return x + self.dropout(self.mlp(self.ln_2(x)))  # type: ignore[no-any-return]


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


class LearningGPT2(nn.Module):
    """A GPT-2 whose forward pass is its loss."""

    def __init__(self, spec: NetworkSpec, weights: Mapping[str, Tensor], *, dropout: float = 0.0) -> None:
        """Start from weights, by the names `spec.weight_shapes()` gives; they are copied."""
        super().__init__()
        self.spec = spec

        def take(name: str) -> Tensor:
            return weights[name].detach().clone().float()

        def affine(name: str) -> Affine:
            return Affine(take(f"{name}.weight"), take(f"{name}.bias"))

        def norm(name: str) -> Norm:
            return Norm(take(f"{name}.weight"), take(f"{name}.bias"), spec.norm.epsilon)

        self.wte = nn.Embedding(spec.vocabulary_size, spec.width, _weight=take("wte.weight"))
        self.wpe = nn.Embedding(spec.context_window_tokens, spec.width, _weight=take("wpe.weight"))
        self.dropout = nn.Dropout(dropout)
        self.h = nn.ModuleList(
            Layer(
                norm(f"h.{n}.ln_1"),
                Attention(spec, affine(f"h.{n}.attn.c_attn"), affine(f"h.{n}.attn.c_proj"), dropout),
                norm(f"h.{n}.ln_2"),
                Perceptron(affine(f"h.{n}.mlp.c_fc"), affine(f"h.{n}.mlp.c_proj")),
                dropout,
            )
            for n in range(spec.layers)
        )
        self.ln_f = norm("ln_f")

    def forward(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """Read (B, T) tokens; return (N,) nats that each of (B, T) targets costs, 0 where it is IGNORED."""
        places = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.dropout(self.wte(tokens) + self.wpe(places)).view(-1, self.spec.width)  # (N, D)
        for layer in self.h:
            x = layer(x, tokens.shape[0])
        logits = F.linear(self.ln_f(x), self.wte.weight)  # (N, D) -> (N, V)
        return cross_entropy(logits, targets.reshape(-1))
