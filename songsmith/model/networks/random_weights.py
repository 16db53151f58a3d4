"""Random initial weights of a network."""

import math

import torch
from torch import Tensor

from songsmith.model.architectures.spec import NORMS, NetworkSpec, Part

_WIDTH = 0.02


def random_weights(spec: NetworkSpec, seed: int) -> dict[str, Tensor]:
    """Return weights drawn as GPT-2's were before training: normal, 0.02 wide, those that end in the stream narrower by depth."""
    generator = torch.Generator().manual_seed(seed)
    weights: dict[str, Tensor] = {}
    for tensor in spec.tensors():
        if tensor.bias:
            weights[tensor.name] = torch.zeros(tensor.shape)
        elif tensor.parts[0] in NORMS:
            weights[tensor.name] = torch.ones(tensor.shape)
        else:
            ends_in_stream = tensor.parts[0] in (Part.OUTPUT, Part.DOWN)
            width = _WIDTH / math.sqrt(2 * spec.layers) if ends_in_stream else _WIDTH
            weights[tensor.name] = torch.randn(tensor.shape, generator=generator) * width
    return weights
