"""No take holds U+FFFD, whatever the network says, however it is written; and songs that held none stay as they were."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes import write_random_model
from hypothesis import given
from hypothesis import strategies as st
from test_sampling import Draws

from songsmith.generation.engine import Engine
from songsmith.generation.options import GenerationOptions
from songsmith.lyrics import parse
from songsmith.markup import Prompt
from songsmith.model.loading import LoadedModel
from songsmith.model.networks.cuda_graphs import CudaGraphNetwork
from songsmith.model.registry import ModelStore
from songsmith.paths import find_paths

GERMAN = Prompt(song=parse("Die Straße ist so leer\nIch höre dich nicht mehr\n"))
BROKEN = "\ufffd"

pytestmark = pytest.mark.usefixtures("one_torch_thread")


def takes(count: int = 12, **changes: object) -> list[GenerationOptions]:
    usual: dict[str, object] = {"temperature": 1.3, "top_p": 1.0, "max_lines": 0, "min_lines": 100, "max_new_tokens": 90}
    return [GenerationOptions(seed=seed, **usual | changes) for seed in range(count)]


def write(engine: Engine, options: list[GenerationOptions]) -> list[str]:
    texts = [""] * len(options)
    for chunk in engine.stream(GERMAN, options):
        assert BROKEN not in chunk.text + chunk.title
        texts[chunk.take] += chunk.text
    return texts


def queued_of(folder: str, kind: type[CudaGraphNetwork] = CudaGraphNetwork) -> LoadedModel:
    stored = ModelStore(find_paths()).read(folder)
    backend = kind(stored.spec, stored.tensors(), torch.device("cpu"), torch.float32)
    return LoadedModel(
        name="queued", manifest=stored.manifest, weights_sha256="", backend=backend, tokenizer=stored.tokenizer
    )


def test_what_would_break_characters_does_not(plain: LoadedModel) -> None:
    engine = Engine(plain, drafts=False)
    write(engine, takes())
    # The same kind of noise, drawn from without a look at characters, breaks them.
    random, tokenizer, broken = np.random.default_rng(5), plain.tokenizer, 0
    for seed in range(12):
        draws = Draws(GenerationOptions(seed=seed, temperature=1.3, top_p=1.0))
        drawn = [draws.draw(random.normal(0, 0.3, plain.backend.vocabulary_size).astype(np.float32)) for _ in range(90)]
        broken += BROKEN in tokenizer.decode(drawn)
    assert broken > 6


@pytest.mark.parametrize("changes", [{"temperature": 0.0}, {"top_k": 3, "temperature": 5.0}, {"top_p": 0.3, "temperature": 10.0},
                                     {"no_repeat_ngram": 1}, {"no_repeat_ngram": 2}, {"min_p": 0.5}])  # fmt: skip
def test_whatever_the_options_are(plain: LoadedModel, changes: dict[str, object]) -> None:
    write(Engine(plain, drafts=False), takes(6, **changes))


def test_takes_are_the_same_with_guesses_and_a_draft_model(plain: LoadedModel, tmp_path: Path) -> None:
    small = ModelStore(find_paths()).load(str(write_random_model(tmp_path / "small", seed=7)), device="cpu", threads=1)
    expected = write(Engine(plain, drafts=False), takes())
    assert write(Engine(plain, drafts=True), takes()) == expected
    assert write(Engine(plain, draft_model=small), takes()) == expected


def test_a_queued_network_says_the_same_as_one_that_is_waited_for(plain_folder: Path) -> None:
    model = queued_of(str(plain_folder))
    waiting = replace(model, backend=_without_batches(plain_folder))
    for changes in ({}, {"temperature": 0.0}, {"top_k": 50}, {"no_repeat_ngram": 2, "max_new_tokens": 150}):
        assert write(Engine(model, drafts=False), takes(**changes)) == write(Engine(waiting, drafts=False), takes(**changes))


def _without_batches(folder: Path) -> CudaGraphNetwork:
    class Waiting(CudaGraphNetwork):
        def open_batch(self, rows: int) -> None:
            return None

    return queued_of(str(folder), Waiting).backend  # the same products of the same numbers


@pytest.mark.parametrize("tokens", range(1, 24))
def test_a_take_that_is_cut_off_within_a_character_shows_none_of_it(plain: LoadedModel, tokens: int) -> None:
    write(Engine(plain, drafts=False), takes(4, max_new_tokens=tokens))


@given(st.integers(0, 2**63 - 1), st.sampled_from([0.3, 1.0, 2.0]), st.sampled_from([0.7, 1.0]), st.integers(0, 39))
def test_what_fits_is_drawn_as_if_there_were_no_others(seed: int, temperature: float, top_p: float, spared: int) -> None:
    """Where the drawn token fits, it is the one that is drawn without any look at characters."""
    logits = np.random.default_rng(seed).normal(size=40).astype(np.float32) * 3
    unfit = np.random.default_rng(seed + 1 & 2**60).random(40) < 0.4
    unfit[spared] = False
    free, careful = (Draws(GenerationOptions(seed=seed, temperature=temperature, top_p=top_p)) for _ in range(2))
    for _ in range(20):
        one, other = free.draw(logits), careful.draw(logits, redrawn=unfit)
        assert not unfit[other]
        assert one == other or unfit[one]


def test_what_fits_is_as_frequent_as_its_odds_among_the_fitting() -> None:
    odds = np.array([0.3, 0.05, 0.25, 0.1, 0.2, 0.1])
    unfit = np.array([True, False, False, True, False, False])
    options = GenerationOptions(seed=11, temperature=1.0, top_p=1.0, repetition_penalty=1.0)
    draws, count = Draws(options), 20_000
    drawn = Counter(draws.draw(np.log(odds).astype(np.float32), redrawn=unfit) for _ in range(count))
    expected = np.where(unfit, 0, odds) / odds[~unfit].sum()
    statistic = sum((drawn[token] - count * share) ** 2 / (count * share) for token, share in enumerate(expected) if share)
    assert drawn[0] == drawn[3] == 0
    assert statistic < 16.3  # chi-square of 3 degrees, one in a thousand
