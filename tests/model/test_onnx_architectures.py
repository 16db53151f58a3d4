"""Networks of every architecture on ONNX Runtime: the logits of transformers, at every position, however rows are read."""

from pathlib import Path

import numpy as np
import pytest
import torch
from architectures import CONFIGS, SIZES, their_model, weights_of

from songsmith.model.networks.onnx_graph import Precision, write_graph
from songsmith.model.networks.onnx_network import OnnxNetwork, open_session

TEXT = [int(token) for token in np.random.default_rng(1).integers(0, SIZES["vocab_size"], 48)]


@pytest.mark.parametrize("name", CONFIGS)
def test_unrounded_it_gives_the_logits_of_transformers(name: str, tmp_path: Path) -> None:
    model = their_model(name)
    with torch.no_grad():
        expected = model(torch.tensor([TEXT])).logits[0].numpy()
    spec, weights = weights_of(model)
    path = tmp_path / "network.onnx"
    arrays = {key: weight.numpy() for key, weight in weights.items()}
    write_graph(path, spec, arrays, precision=Precision.FLOAT32)
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
    for step in range(20):
        rows = network.forward([[TEXT[22 + step]], [TEXT[14 + step]]], cache)
        assert np.abs(rows - expected[[22 + step, 14 + step]]).max() < 1e-3
    assert [int(row.argmax()) for row in network.forward_full(TEXT)] == [int(row.argmax()) for row in expected]
