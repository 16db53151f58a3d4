"""A smaller model that guesses: it changes how fast a take comes, and nothing else, whatever it says."""

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
from test_drafts import RETURNING, Chain, Unmeasured, assert_as_frequent_as_their_odds

from songsmith.generation.engine import Engine
from songsmith.generation.options import GenerationOptions
from songsmith.generation.sequence import SequenceState
from songsmith.generation.speculation.draft_model import DraftModel, DraftModelProposer
from songsmith.generation.speculation.look_ahead import LookAhead
from songsmith.generation.speculation.proposal import AcceptanceStats, Proposal
from songsmith.generation.speculation.step_time import StepTimeModel
from songsmith.generation.token_classes import TokenClasses
from songsmith.lyrics import parse
from songsmith.markup import Prompt
from songsmith.model.loading import LoadedModel
from songsmith.model.registry import ModelStore
from songsmith.paths import find_paths

LA = Prompt(song=parse("la la la la"), open_line=True)


class Watched:
    """A backend that counts its steps, and says what it is told to say."""

    def __init__(self, model: LoadedModel, mischief: str = "", *, seed: int = 0) -> None:
        self.network, self.mischief, self.steps = model.backend, mischief, 0
        self.random = np.random.default_rng(seed)

    def __getattr__(self, name: str) -> object:
        return getattr(self.network, name)

    def forward(self, tokens, cache, *, all_positions=False):
        self.steps += 1
        logits = self.network.forward(tokens, cache, all_positions=all_positions)
        if self.mischief == "noise":
            return self.random.normal(size=logits.shape).astype(np.float32) * 9
        if self.mischief == "raises" and self.steps > 5:
            raise RuntimeError("the guessing network broke down")
        if self.mischief == "short":
            return logits[:, :100]
        if self.mischief == "long":
            return np.concatenate([logits, logits + 50], axis=1)
        if self.mischief:
            wrong = logits.copy()
            wrong[:, self.random.random(wrong.shape[1]) < 0.5] = float(self.mischief)
            return wrong
        return logits


def write(
    model: LoadedModel, prompt: Prompt, options: Sequence[GenerationOptions], draft: LoadedModel | None = None
) -> tuple[list[str], int]:
    """Return the texts of takes, and the steps the network took: without any guesses where there is no draft model."""
    watched = Watched(model)
    engine = Engine(replace(model, backend=watched), drafts=draft is not None, draft_model=draft, step_times=Unmeasured())
    texts = [""] * len(options)
    for chunk in engine.stream(prompt, options):
        texts[chunk.take] += chunk.text
    return texts, watched.steps


def ragged(takes: int, temperature: float, tokens: int = 60, **changes: object) -> list[GenerationOptions]:
    """Return options of takes that end one after the other."""
    return [
        GenerationOptions(
            **{
                "seed": seed, "temperature": temperature, "max_lines": 0, "min_lines": 1000,
                "max_new_tokens": tokens + 11 * (seed * 7 % takes),
            } | changes
        )
        for seed in range(takes)
    ]  # fmt: skip


@pytest.mark.parametrize("temperature", [0.0, 0.8, 1.3])
@pytest.mark.parametrize("takes", [1, 3])
def test_takes_are_the_same_with_a_draft_model_and_without(
    starter: LoadedModel, plain: LoadedModel, temperature: float, takes: int
) -> None:
    options = ragged(takes, temperature)
    alone, steps = write(starter, RETURNING, options)
    for draft in (starter, plain):  # one that is nearly always right, and one that never is
        guessed, fewer = write(starter, RETURNING, options, draft)
        assert guessed == alone
        assert fewer <= steps
        if draft is starter and temperature < 1:
            assert fewer < (0.6 if takes == 1 else 0.8) * steps


def test_options_are_foreseen_too(starter: LoadedModel) -> None:
    options = ragged(1, 0.9, no_repeat_ngram=2, repetition_penalty=1.5, top_k=40, min_p=0.02, min_lines=0)
    (alone, steps), (guessed, fewer) = (write(starter, LA, options, draft) for draft in (None, starter))
    assert guessed == alone
    assert fewer < 0.55 * steps


@pytest.mark.parametrize(("window", "draft_window"), [(40, 24), (24, 40), (30, 30), (64, 3)])
@pytest.mark.parametrize("exact", [True, False])
def test_windows_that_slide_change_nothing(tmp_path: Path, window: int, draft_window: int, exact: bool) -> None:
    store = ModelStore(find_paths())
    target, draft = (
        store.load(
            str(write_random_model(tmp_path / name, window=size, manifest={"format": "markup"})),
            device="cpu", threads=1, exact=exact,
        )
        for name, size in (("target", window), ("draft", draft_window))
    )  # fmt: skip
    options = ragged(3, 0.02, 130, top_k=3, repetition_penalty=1.0)
    (alone, steps), (guessed, fewer) = (write(target, LA, options, guess) for guess in (None, draft))
    assert guessed == alone
    assert fewer < steps


@pytest.mark.parametrize("mischief", ["noise", "nan", "inf", "-inf", "raises", "short", "long"])
def test_a_hostile_draft_model_changes_nothing(starter: LoadedModel, plain: LoadedModel, mischief: str) -> None:
    for temperature in (0.0, 0.9):
        options = ragged(2, temperature, 40)
        hostile = replace(plain, backend=Watched(plain, mischief))
        assert write(starter, LA, options, hostile)[0] == write(starter, LA, options)[0]


@given(
    st.integers(0, 2**32), st.sampled_from(["", "noise", "nan"]), st.integers(1, 4), st.sampled_from([0.0, 0.7, 2.0])
)
@settings(max_examples=8)
def test_any_draft_model_changes_nothing(
    plain: LoadedModel, seed: int, mischief: str, takes: int, temperature: float
) -> None:
    draft = replace(plain, backend=Watched(plain, mischief, seed=seed))
    options = ragged(takes, temperature, 30, seed=seed % 1000)
    assert write(plain, LA, options, draft)[0] == write(plain, LA, options)[0]


def test_one_that_is_never_right_is_seldom_asked(starter: LoadedModel, plain: LoadedModel) -> None:
    draft = Watched(plain, "noise")
    options = ragged(1, 0.9, 400)
    write(starter, LA, options, replace(plain, backend=draft))
    assert 0 < draft.steps < 150


def test_one_that_gives_no_odds_is_not_asked_again(starter: LoadedModel, plain: LoadedModel) -> None:
    draft = Watched(plain, "nan")
    write(starter, LA, ragged(1, 0.9, 200), replace(plain, backend=draft))
    assert 0 < draft.steps < 20


@pytest.mark.parametrize("accepted", [[1], [2], [3], [4], [5], [1, 4], [5, 2], [3, 3]])
def test_it_goes_on_wherever_its_last_proposal_was_left(starter: LoadedModel, accepted: list[int]) -> None:
    """Of a proposal fewer tokens may be read than were proposed, and the next ones drawn nevertheless."""
    options, song = GenerationOptions(temperature=0.0), starter.tokenizer.encode("la la la la")
    sequences = [
        SequenceState(take, LA, options, TokenClasses(starter), [starter.tokenizer.end], song)
        for take in range(len(accepted))
    ]
    model, step_times = DraftModel(starter), StepTimeModel()
    for tokens in reversed(range(1, 8)):
        step_times.note(len(accepted), tokens, 1000)  # beside that, the draft model takes no time
    proposer = DraftModelProposer(model)

    def propose() -> list[Sequence[int]]:
        nothing = [Proposal(stats=AcceptanceStats(lambda kind: 0.0)) for _ in sequences]
        return [each.tokens for each in proposer.propose(nothing, sequences, [5] * len(accepted), step_times, 64)[0]]

    first: list[Sequence[int]] = [()]
    for _ in range(20):
        first = first if any(first) else propose()
    assert min(map(len, first)) == 5
    for sequence, proposed, count in zip(sequences, first, accepted, strict=True):
        for token in proposed[:count]:
            sequence.accept(token)
    for proposed, again, count in zip(first, propose(), accepted, strict=True):
        assert again
        assert all(one == other for one, other in zip(proposed[count:], again, strict=False))


def test_runs_that_may_not_return_are_predicted_from_the_first_words_on(starter: LoadedModel) -> None:
    one, two, other = (starter.tokenizer.encode(text)[0] for text in (" moon", " rain", " hill"))
    options = GenerationOptions(temperature=0.0, no_repeat_ngram=3, repetition_penalty=1.0)
    logits = np.zeros(starter.backend.vocabulary_size, dtype=np.float32)
    logits[[one, other]] = 50, 40
    for song in ([one, two, one, two], [one, two, one, starter.tokenizer.encode("\n")[0], one, two]):
        sequence = SequenceState(0, LA, options, TokenClasses(starter), [starter.tokenizer.end], song)
        assert LookAhead(sequence).propose(logits) == (other, pytest.approx(1))
        sequence.step(logits.copy())
        assert sequence.newest == other


def test_with_a_draft_model_tokens_are_as_frequent_as_their_odds(starter: LoadedModel) -> None:
    """Chi-square over the pairs of tokens that follow one another, four words, guessed by a network of other odds."""
    said = [" moon", " rain", " hill", " night"]
    words = [starter.tokenizer.encode(text)[0] for text in said]
    chain, other = (Chain(starter.backend.vocabulary_size, words) for _ in range(2))
    other.odds = 0.6 * chain.odds + 0.4 * np.random.default_rng(5).dirichlet(np.full(4, 0.5), 4)
    model = LoadedModel(
        name="chain", manifest=starter.manifest, weights_sha256="", backend=chain, tokenizer=starter.tokenizer
    )
    pairs: Counter[tuple[str, str]] = Counter()
    engine = Engine(model, draft_model=replace(model, backend=other), step_times=Unmeasured())
    tokens = 0
    for seed in range(60):
        options = GenerationOptions(
            seed=seed, temperature=1.0, top_p=1.0, repetition_penalty=1.0, max_lines=0, min_lines=1000, max_new_tokens=50
        )  # fmt: skip
        text = [chunk.text for chunk in engine.stream(LA, [options])]
        tokens += len(text)
        pairs.update(pairwise([word for word in text if word in said]))
    assert chain.drafted > tokens / 2
    assert_as_frequent_as_their_odds(pairs, said, chain)


@given(st.integers(0, 1000), st.lists(st.integers(0, 4), min_size=1, max_size=12), st.floats(0, 2))
@settings(max_examples=30)
def test_to_look_ahead_uses_no_randomness_up(
    starter: LoadedModel, seed: int, depths: list[int], temperature: float
) -> None:
    options = GenerationOptions(seed=seed, temperature=temperature, repetition_penalty=1.2, no_repeat_ngram=2)
    classes, size = TokenClasses(starter), starter.backend.vocabulary_size
    song = starter.tokenizer.encode("la la la la")
    plain, looking = (SequenceState(0, LA, options, classes, [starter.tokenizer.end], song) for _ in range(2))
    random = np.random.default_rng(seed)
    agreed = predicted_first = 0
    for depth in depths:
        logits = random.normal(size=(depth + 1, size)).astype(np.float32) * 10
        ahead, predicted = LookAhead(looking), []
        for place in range(depth):
            found = ahead.propose(logits[place])
            assert found is not None
            assert 0 < found[1] <= 1
            predicted.append(found[0])
        texts = [sequence.step(logits[0].copy()) for sequence in (plain, looking)]
        assert texts[0] == texts[1]
        assert plain.newest == looking.newest
        if predicted and temperature < 0.2:  # where one token is by far the most probable, it is predicted
            agreed += predicted[0] == plain.newest
            predicted_first += 1
    assert agreed >= 0.5 * predicted_first or predicted_first < 4
