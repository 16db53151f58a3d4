"""The network that learns is the network that writes."""

import numpy as np
import pytest
import torch
from architectures import CONFIGS, their_model, weights_of
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from songsmith.model.architectures.gpt2 import gpt2_spec
from songsmith.model.networks.random_weights import random_weights
from songsmith.model.networks.torch_backend import TorchBackend
from songsmith.training import network
from songsmith.training.dataset import IGNORED
from songsmith.training.network import TrainableNetwork
from songsmith.training.optimizers import Muon, make_optimizers
from songsmith.training.options import OptimizerName, TrainingOptions

CONFIG = gpt2_spec(vocabulary_size=61, context_window_tokens=24, width=32, layers=3, heads=4)


def test_its_loss_is_what_the_writing_network_thinks_of_the_text() -> None:
    weights = {name: 5 * weight for name, weight in random_weights(CONFIG, 1).items()}
    tokens = torch.randint(0, 61, (3, 21), generator=torch.Generator().manual_seed(0))
    nats = TrainableNetwork(CONFIG, weights)(tokens[:, :-1], tokens[:, 1:]).detach().view(3, 20).numpy()
    writer = TorchBackend(CONFIG, weights, torch.device("cpu"), torch.float32)
    for row, read in enumerate(tokens.tolist()):
        logits = writer.forward_full(read[:-1]).astype(np.float64)
        odds = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        assert nats[row] == pytest.approx(-odds[np.arange(20), read[1:]], abs=1e-4)


@pytest.mark.usefixtures("one_torch_thread")
@pytest.mark.parametrize("name", CONFIGS)
def test_gradients_of_a_step_are_those_of_transformers(name: str) -> None:
    model = their_model(name)
    spec, weights = weights_of(model)
    tokens = torch.randint(0, 61, (3, 33), generator=torch.Generator().manual_seed(0))
    model.zero_grad()
    model(tokens, labels=tokens).loss.backward()
    theirs = {key: weight.grad for key, weight in model.named_parameters()}
    learner = TrainableNetwork(spec, weights)
    learner(tokens[:, :-1], tokens[:, 1:]).mean().backward()
    for weight in learner.parameters():
        assert weight.grad is not None
        weight.data = weight.grad  # by its names in a checkpoint
    for key, found in learner.network.weights().items():
        assert torch.allclose(found, theirs[spec.names.saved(key)], atol=1e-4), key


@pytest.mark.parametrize("name", ["gpt2", "llama", "qwen3"])
def test_in_bfloat16_the_loss_is_nearly_the_same(name: str) -> None:
    learner = TrainableNetwork(*weights_of(their_model(name)))
    tokens = torch.randint(0, 61, (3, 33), generator=torch.Generator().manual_seed(0))
    exact = learner(tokens[:, :-1], tokens[:, 1:])
    with torch.autocast("cpu", torch.bfloat16):
        rough = learner(tokens[:, :-1], tokens[:, 1:])
    rough.sum().backward()
    assert torch.allclose(exact, rough, atol=0.3)
    assert all(weight.grad is not None and weight.grad.any() for weight in learner.parameters())


@given(st.integers(1, 40), st.integers(2, 70), st.booleans(), st.integers(0, 9))
def test_the_loss_in_pieces_is_cross_entropy(rows: int, entries: int, rough: bool, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    targets = torch.randint(-1, entries, (rows,), generator=draw)
    targets[targets < 0] = IGNORED
    slopes = torch.rand(rows, generator=draw)
    dtype = torch.bfloat16 if rough else torch.float32
    mine, theirs = (
        (torch.randn(rows, entries, generator=torch.Generator().manual_seed(seed)) * 9).to(dtype).requires_grad_()
        for _ in range(2)
    )
    found = network.cross_entropy(mine, targets, rows=7)
    (found * slopes).sum().backward()
    expected = cross_entropy(theirs.float(), targets, ignore_index=IGNORED, reduction="none")
    (expected * slopes).sum().backward()
    assert torch.allclose(found, expected, atol=1e-5)
    assert mine.grad is not None
    assert theirs.grad is not None
    # A float32 sum of logits of about 30 is rounded by a millionth or two, which is what a share near 1 is off by.
    assert torch.allclose(mine.grad, theirs.grad, atol=1e-2 if rough else 1e-5)


def test_what_is_ignored_costs_nothing_and_teaches_nothing() -> None:
    learner = TrainableNetwork(CONFIG, random_weights(CONFIG, 1))
    tokens = torch.arange(20).view(2, 10)
    learner(tokens, torch.full((2, 10), IGNORED)).sum().backward()
    assert all(weight.grad is None or not weight.grad.any() for weight in learner.parameters())


def test_its_weights_have_the_names_of_a_checkpoint() -> None:
    weights = random_weights(CONFIG, 1)
    found = TrainableNetwork(CONFIG, weights).network.weights()
    assert found.keys() == weights.keys()
    assert all(torch.equal(found[name], weight) for name, weight in weights.items())


@given(st.sampled_from([(24, (24,)), (24, (96,)), (96, (24,)), (8, (8, 8, 8)), (24, (24, 8, 8))]), st.integers(0, 20))
def test_a_muon_step_moves_a_matrix_alike_in_every_direction(shape: tuple[int, tuple[int, ...]], seed: int) -> None:
    rows, sizes = shape
    draw = torch.Generator().manual_seed(seed)
    weight = torch.nn.Parameter(torch.zeros(rows, sum(sizes)))
    weight.grad = torch.randn(weight.shape, generator=draw) * 1e-3
    Muon({weight: sizes}, lr=1.0, weight_decay=0.0, precision=torch.float32).step()
    for part in weight.detach().split(sizes, 1):
        length = max(1.0, part.shape[1] / part.shape[0]) ** 0.5
        values = torch.linalg.svdvals(part) / length
        assert values.max() < 1.4
        assert values.median() > 0.5


def test_muon_takes_matrices_and_leaves_tables_norms_and_biases_to_adamw() -> None:
    learner = TrainableNetwork(CONFIG, random_weights(CONFIG, 1))
    made = make_optimizers(learner, TrainingOptions(steps=1), torch.float32)
    names = {id(weight): name for name, weight in learner.named_parameters()}
    of = {kind: {names[id(w)] for g in made[kind].param_groups for w in g["params"]} for kind in made}
    assert all(name.endswith("weight") and "norm" not in name for name in of["muon"])
    assert {"network.tokens", "network.positions", "network.final_norm.bias"} <= of["adamw"]
    assert len(of["muon"]) == 4 * CONFIG.layers
    assert of["muon"] | of["adamw"] == set(names.values())
    alone = make_optimizers(learner, TrainingOptions(steps=1, optimizer=OptimizerName.ADAMW), torch.float32)
    assert {names[id(w)] for g in alone["adamw"].param_groups for w in g["params"]} == set(names.values())


@pytest.mark.gpu
def test_a_gpu_reads_the_same_loss() -> None:
    weights = random_weights(CONFIG, 1)
    tokens = torch.randint(0, 61, (4, 21))
    here, there = TrainableNetwork(CONFIG, weights), TrainableNetwork(CONFIG, weights).to("cuda")
    expected = here(tokens[:, :-1], tokens[:, 1:])
    found = there(tokens[:, :-1].cuda(), tokens[:, 1:].cuda()).cpu()
    assert torch.allclose(expected, found, atol=1e-3)
    with torch.autocast("cuda", torch.bfloat16):
        rough = there(tokens[:, :-1].cuda(), tokens[:, 1:].cuda()).cpu()
    assert torch.allclose(expected, rough, atol=0.1)
