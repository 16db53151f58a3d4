"""Networks of other shapes than GPT-2's on ONNX Runtime: the logits of transformers, at every position, however rows are read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from songsmith.model.architectures import read_spec
from songsmith.model.networks.onnx_graph import Precision, write_graph
from songsmith.model.networks.onnx_network import OnnxNetwork, open_session
from songsmith.model.weights import Weights

SIZES: Mapping[str, Any] = {
    "vocab_size": 160, "hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 3, "num_attention_heads": 6,
    "num_key_value_heads": 2, "max_position_embeddings": 96, "initializer_range": 0.25, "head_dim": 16,
}  # fmt: skip
LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 10_000.0, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}  # fmt: skip
KINDS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "SmolLM2": ("Llama", {"tie_word_embeddings": True}),
    "Llama 3": ("Llama", {"tie_word_embeddings": False, "rope_parameters": LLAMA3}),
    "Llama with biases": ("Llama", {"attention_bias": True, "mlp_bias": True}),
    "Mistral": ("Mistral", {"sliding_window": None}), "Qwen2": ("Qwen2", {}), "Qwen3": ("Qwen3", {}),
}  # fmt: skip
TEXT = [int(token) for token in np.random.default_rng(1).integers(0, SIZES["vocab_size"], 60)]


def save(kind: str, folder: Path) -> NDArray[np.float32]:
    """Save a model of random weights, and return its logits of the text."""
    import transformers

    name, changes = KINDS[kind]
    config = getattr(transformers, f"{name}Config")(**{**SIZES, **changes})
    torch.manual_seed(0)
    model = getattr(transformers, f"{name}ForCausalLM")(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:  # norms begin as ones and biases as zeros, and could be left out unnoticed
                parameter += torch.randn(parameter.shape) * 0.2
        logits: NDArray[np.float32] = model(torch.tensor([TEXT])).logits[0].numpy()
    model.save_pretrained(folder)
    return logits


@pytest.fixture(params=list(KINDS))
def saved(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, NDArray[np.float32]]:
    return tmp_path, save(request.param, tmp_path)


def test_unrounded_it_gives_the_logits_of_transformers(saved: tuple[Path, NDArray[np.float32]]):
    folder, expected = saved
    spec, weights = read_spec(json.loads((folder / "config.json").read_text())), Weights.open(folder)
    path = folder / "network.onnx"
    write_graph(path, spec, weights.arrays(list(spec.weight_shapes())), precision=Precision.FLOAT32)
    network = OnnxNetwork(spec, open_session(path, threads=1))
    assert np.abs(network.forward_full(TEXT) - expected).max() < 1e-3
    # A prompt, then steps of several lengths beside one another; one row is behind, takes tokens back, and leaves.
    cache = network.new_cache(len(TEXT))
    assert np.abs(network.forward([TEXT[:20]], cache)[0] - expected[19]).max() < 1e-3
    cache = cache.expand(3)
    cache.truncate(1, 7)
    logits = network.forward([TEXT[20:25], TEXT[13:14], TEXT[20:22]], cache, all_positions=True)
    assert np.abs(logits - expected[[20, 21, 22, 23, 24, 13, 20, 21]]).max() < 1e-3
    cache = cache.select([2, 1])
    for step in range(30):
        rows = network.forward([[TEXT[22 + step]], [TEXT[14 + step]]], cache)
        assert np.abs(rows - expected[[22 + step, 14 + step]]).max() < 1e-3
    assert [int(row.argmax()) for row in network.forward_full(TEXT)] == [int(row.argmax()) for row in expected]
