"""Rows that join a cache in use: those that were there go on as before, and the new ones as if alone."""


import numpy as np
import pytest
import torch

from songsmith.model.backend import Backend
from songsmith.model.networks.cuda_graphs import CudaGraphNetwork
from songsmith.model.networks.torch_backend import TorchBackend
from songsmith.model.registry import ModelStore
from songsmith.paths import find_paths

FIRST, SECOND, NEXT = [5, 6, 7, 8, 9], [10, 11], [3, 4]


def load(folder: str, kind: str) -> Backend:
    if kind == "onnx":
        return ModelStore(find_paths()).load(folder, device="cpu", threads=1).backend
    stored = ModelStore(find_paths()).read(folder)
    network = {"torch": TorchBackend, "cuda graphs": CudaGraphNetwork}[kind]
    return network(stored.spec, stored.tensors(), torch.device("cpu"), torch.float32)


@pytest.mark.parametrize("kind", ["torch", "cuda graphs", "onnx"])
def test_rows_that_join_change_no_other_row(kind: str, plain_folder) -> None:
    backend = load(str(plain_folder), kind)

    def read(tokens: list[int]):
        cache = backend.new_cache(12)
        backend.forward([tokens], cache)
        return cache

    alone = [backend.forward([[token]], read(text))[0].copy() for text, token in zip([FIRST, SECOND], NEXT, strict=True)]
    cache = read(FIRST).add_rows(1, 40)
    assert (cache.lengths, cache.capacity >= 40) == ([len(FIRST), 0], True)
    cache.replace(1, read(SECOND))
    together = backend.forward([[token] for token in NEXT], cache)
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_a_static_batch_grows_without_losing_a_token(plain_folder) -> None:
    backend = load(str(plain_folder), "cuda graphs")
    with backend.open_batch(1) as batch:
        backend.forward([FIRST], batch)
        batch.tokens[0] = NEXT[0]
        batch.step()
        expected = batch.logits[0].clone()
        batch.truncate(0, 1)
        larger = batch.add_rows(2, batch.capacity)
        assert larger is not batch
        assert larger.add_rows(0, batch.capacity) is larger
        backend.forward([NEXT[:1], SECOND, SECOND], larger)
        larger.truncate(0, 1)
        larger.tokens[: 3] = torch.tensor([NEXT[0], *SECOND])
        larger.step()
    torch.testing.assert_close(larger.logits[0], expected, atol=1e-4, rtol=1e-4)
    assert larger.lengths == [len(FIRST) + 1, len(SECOND) + 1, len(SECOND) + 1]
