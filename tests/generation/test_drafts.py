"""Guesses at what comes back: they change how fast a take comes, and nothing else."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from fakes import write_random_model
from hypothesis import given, settings
from hypothesis import strategies as st

from songsmith.generation.engine import Engine
from songsmith.generation.options import GenerationOptions
from songsmith.generation.speculation.prompt_lookup import PromptLookupProposer
from songsmith.generation.speculation.step_time import StepTimeModel
from songsmith.lyrics import parse
from songsmith.markup import Prompt
from songsmith.model.loading import LoadedModel
from songsmith.model.registry import ModelStore
from songsmith.paths import find_paths

CHORUS = """Roll on, roll on, the river and the rain,
Roll on and carry me back home again,
The lamp is burning low upon the sill,
And someone waits for me below the hill."""
RETURNING = Prompt(
    song=parse(
        f"[Verse]\nThe road was long, the night was cold and deep,\nThe village fast asleep,\n\n[Chorus]\n{CHORUS}\n\n"
        f"[Verse]\nI left the harbour when the year was new,\nAnd all the sails were wet\n\n[Chorus]\n{CHORUS[:41]}\n",
        title="Roll On",
    )
)


class Unmeasured(StepTimeModel):
    """Keeps to its first estimates, however busy the machine is."""

    def note(self, sequences: int, tokens: int, took_s: float) -> None:
        pass


def write(
    model: LoadedModel, prompt: Prompt, options: Sequence[GenerationOptions], *, drafts: bool
) -> tuple[list[str], int]:
    """Return the texts of takes, and the steps the network took."""
    steps = 0
    forward = model.backend.forward

    class Counting:
        def __getattr__(self, name: str) -> object:
            return getattr(model.backend, name)

        def forward(self, tokens, cache, *, all_positions=False):
            nonlocal steps
            steps += 1
            return forward(tokens, cache, all_positions=all_positions)

    counted = LoadedModel(
        name=model.name, manifest=model.manifest, weights_sha256="", backend=Counting(), tokenizer=model.tokenizer
    )
    texts = [""] * len(options)
    for chunk in Engine(counted, drafts=drafts, step_times=Unmeasured()).stream(prompt, options):
        texts[chunk.take] += chunk.text
    return texts, steps


@pytest.mark.parametrize("temperature", [0.0, 0.8, 1.3])
@pytest.mark.parametrize("takes", [1, 5])
def test_takes_are_the_same_with_guesses_and_without(starter: LoadedModel, temperature: float, takes: int) -> None:
    options = [
        GenerationOptions(seed=seed, temperature=temperature, max_lines=0, min_lines=1000, max_new_tokens=80 + 9 * seed)
        for seed in range(takes)
    ]
    guessed, fewer = write(starter, RETURNING, options, drafts=True)
    plain, steps = write(starter, RETURNING, options, drafts=False)
    assert guessed == plain
    assert fewer <= steps


def test_takes_are_the_same_with_guesses_and_without_in_torch(tmp_path: Path) -> None:
    exact = ModelStore(find_paths()).load("starter", device="cpu", threads=1, exact=True)
    folder = write_random_model(tmp_path / "small", window=40, manifest={"format": "markup"})
    small = ModelStore(find_paths()).load(str(folder), device="cpu", threads=1, exact=True)
    for model, temperature in ((exact, 0.8), (small, 0.02)):
        options = [
            GenerationOptions(
                seed=seed, temperature=temperature, top_k=3, repetition_penalty=1.0, max_lines=0, min_lines=1000, max_new_tokens=90
            )
            for seed in range(3)
        ]  # fmt: skip
        prompt = RETURNING if model is exact else Prompt(song=parse("la la la la"), open_line=True)
        (guessed, fewer), (plain, steps) = (write(model, prompt, options, drafts=drafts) for drafts in (True, False))
        assert guessed == plain
        assert fewer < steps


def test_a_chorus_that_returns_takes_fewer_steps(starter: LoadedModel) -> None:
    options = [
        GenerationOptions(temperature=0.0, repetition_penalty=1.0, max_lines=0, min_lines=1000, max_new_tokens=120)
    ]
    (_, fewer), (_, steps) = (write(starter, RETURNING, options, drafts=drafts) for drafts in (True, False))
    assert fewer < 0.7 * steps


@pytest.mark.parametrize("window", [12, 24, 40])
def test_a_window_that_slides_in_the_middle_of_a_guess_changes_nothing(tmp_path: Path, window: int) -> None:
    folder = write_random_model(tmp_path / "small", window=window, manifest={"format": "markup"})
    model = ModelStore(find_paths()).load(str(folder), device="cpu", threads=1)
    # So cold a temperature that even noise goes round in circles.
    options = [
        GenerationOptions(
            seed=seed, temperature=0.02, top_k=3, repetition_penalty=1.0, max_lines=0, min_lines=1000, max_new_tokens=150
        )
        for seed in range(3)
    ]  # fmt: skip
    prompt = Prompt(song=parse("la la la la"), open_line=True)
    (guessed, fewer), (plain, steps) = (write(model, prompt, options, drafts=drafts) for drafts in (True, False))
    assert guessed == plain
    assert fewer < steps


class ChainCache:
    """Remembers how much was read, and nothing else."""

    capacity = 64

    def __init__(self, lengths: list[int]) -> None:
        self.lengths = lengths

    def expand(self, rows: int) -> "ChainCache":
        return ChainCache(self.lengths * rows)

    def select(self, rows: Sequence[int]) -> "ChainCache":
        return ChainCache([self.lengths[row] for row in rows])

    def replace(self, row: int, other: "ChainCache") -> None:
        self.lengths[row] = other.lengths[0]

    def truncate(self, row: int, tokens: int) -> None:
        self.lengths[row] -= tokens


class Chain:
    """A network in which the next token depends on the last one alone, so that all odds are known."""

    device_name = "cpu"
    context_window_tokens = 64

    def __init__(self, size: int, words: Sequence[int]) -> None:
        self.vocabulary_size = size
        self.words = list(words)
        self.odds = np.random.default_rng(3).dirichlet(np.full(len(words), 0.35), len(words))
        self.drafted = 0

    def new_cache(self, capacity: int) -> ChainCache:
        return ChainCache([0])

    def forward(self, tokens, cache, *, all_positions=False):
        read = [row if all_positions else row[-1:] for row in tokens]
        self.drafted += sum(len(row) - 1 for row in tokens) if all_positions else 0
        logits = np.full((sum(map(len, read)), self.vocabulary_size), -np.inf, np.float32)
        for place, token in enumerate(token for row in read for token in row):
            last = self.words.index(token) if token in self.words else 0
            logits[place, self.words] = np.log(self.odds[last])
        for row, row_tokens in enumerate(tokens):
            cache.lengths[row] += len(row_tokens)
        return logits


def assert_as_frequent_as_their_odds(pairs: Counter[tuple[str, str]], said: Sequence[str], chain: Chain) -> None:
    for row, first in enumerate(said):
        seen = np.array([pairs[first, second] for second in said])
        wanted = seen.sum() * chain.odds[row]
        likely = wanted > 5
        chi_square = ((seen - wanted)[likely] ** 2 / wanted[likely]).sum()
        assert chi_square < 16.3  # 3 degrees of freedom: one honest sampler in a thousand is worse


def test_with_guesses_tokens_are_as_frequent_as_their_odds(starter: LoadedModel) -> None:
    """Chi-square over the pairs of tokens that follow one another, four words, thousands of draws."""
    words = [starter.tokenizer.encode(text)[0] for text in (" moon", " rain", " hill", " night")]
    chain = Chain(starter.backend.vocabulary_size, words)
    model = LoadedModel(
        name="chain", manifest=starter.manifest, weights_sha256="", backend=chain, tokenizer=starter.tokenizer
    )
    said = [" moon", " rain", " hill", " night"]
    pairs: Counter[tuple[str, str]] = Counter()
    engine = Engine(model, step_times=Unmeasured())
    for seed in range(60):
        options = GenerationOptions(
            seed=seed,
            temperature=1.0,
            top_p=1.0,
            repetition_penalty=1.0,
            max_lines=0,
            min_lines=1000,
            max_new_tokens=50,
        )
        prompt = Prompt(song=parse("moon rain hill night moon rain hill night"), open_line=True)
        text = [chunk.text for chunk in engine.stream(prompt, [options])]
        spoken = [word for word in text if word in said]
        pairs.update(pairwise(spoken))
    assert chain.drafted > 500
    assert_as_frequent_as_their_odds(pairs, said, chain)


WORDS = [False] * 20


@given(st.lists(st.integers(0, 3), max_size=60), st.integers(0, 10), st.lists(st.booleans(), min_size=4, max_size=4))
@settings(max_examples=200)
def test_what_is_proposed_followed_when_the_same_was_said(
    tokens: list[int], most: int, structural: list[bool]
) -> None:
    proposal = PromptLookupProposer(tokens, structural, {0}).propose(most)
    proposed = list(proposal.tokens)
    assert len(proposed) == len(proposal.kinds) == len(proposal.cumulative_acceptance) <= most
    assert all(0 < later <= earlier <= 1 for earlier, later in pairwise([1.0, *proposal.cumulative_acceptance]))
    if proposed:
        assert proposed in [
            tokens[place : place + len(proposed)] for place in range(1, len(tokens)) if tokens[place - 1] == tokens[-1]
        ]


def test_the_longest_run_that_came_before_is_the_one_that_goes_on() -> None:
    first, latest = (
        PromptLookupProposer(tokens, WORDS).propose(2)
        for tokens in ([1, 2, 3, 4, 5, 9, 3, 7, 8, 1, 2, 3], [1, 2, 3, 4, 5, 1, 2, 3, 6, 7, 1, 2, 3])
    )
    assert list(first.tokens) == [4, 5]
    assert list(latest.tokens) == [6, 7]  # of two places, the latest


def test_what_is_rejected_lowers_the_acceptance_and_what_is_accepted_raises_it() -> None:
    proposer = PromptLookupProposer([1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3], WORDS)
    first = proposer.propose(4).cumulative_acceptance
    proposer.propose(4).accepted(4, 4)
    raised = proposer.propose(4).cumulative_acceptance
    for _ in range(30):
        proposer.propose(4).accepted(4, 0)
    lowered = proposer.propose(4).cumulative_acceptance
    assert lowered[0] < first[0] < raised[0]


def test_of_tokens_behind_a_rejected_one_nothing_is_learned() -> None:
    before = PromptLookupProposer([1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3], WORDS).propose(4)
    acceptance = [before.stats.acceptance(kind) for kind in before.kinds]
    before.accepted(4, 1)  # the second token was rejected: nothing is known of those behind it
    assert before.kinds[0] != before.kinds[1] != before.kinds[3]
    assert before.stats.acceptance(before.kinds[3]) == acceptance[3]


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 9), st.floats(1e-6, 10)), max_size=30))
def test_a_step_takes_time_whatever_was_seen(steps: list[tuple[int, int, float]]) -> None:
    times = StepTimeModel()
    for takes, tokens, took_s in steps:
        times.note(takes, tokens, took_s)
    assert all(times.step_s(takes, tokens) > 0 for takes in range(1, 6) for tokens in range(1, 10))


def test_where_more_tokens_take_much_longer_nothing_is_guessed(starter: LoadedModel) -> None:
    class Dear(Unmeasured):
        def step_s(self, sequences: int, tokens: int) -> float:
            return float(tokens)

    options = [GenerationOptions(seed=1, temperature=0.8, max_lines=0, min_lines=1000, max_new_tokens=60)]
    sizes: list[int] = []
    forward = starter.backend.forward

    class Counting:
        def __getattr__(self, name: str) -> object:
            return getattr(starter.backend, name)

        def forward(self, tokens, cache, *, all_positions=False):
            sizes.append(max(map(len, tokens)))
            return forward(tokens, cache, all_positions=all_positions)

    counted = replace(starter, backend=Counting())
    list(Engine(counted, step_times=Dear()).stream(RETURNING, options))
    assert sizes[1:] == [1] * 59
