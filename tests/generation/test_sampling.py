"""Sampling: every cut keeps exactly the tokens it promises, and draws are as frequent as their probabilities."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songsmith.errors import UsageError
from songsmith.generation.options import GenerationOptions
from songsmith.generation.processors.bias import LogitsBias, penalise
from songsmith.generation.processors.no_repeat_ngram import NoRepeatNgram
from songsmith.generation.processors.protocol import LogitsProcessor
from songsmith.generation.processors.repetition_penalty import RepetitionPenalty
from songsmith.generation.sampling import RandomStream, candidates, sample
from songsmith.lyric_reader import LyricReader
from songsmith.markup import MarkupFormat, Prompt

# Logits in steps of a hundredth: far enough apart that no rounding decides, and no two alike.
logits_lists = st.lists(st.integers(-900, 900), min_size=1, max_size=40, unique=True).map(
    lambda steps: np.array(steps, dtype=np.float32) / 100
)
temperatures = st.sampled_from([0.3, 0.7, 1.0, 1.5, 10.0])


def plain_options(**changes: object) -> GenerationOptions:
    return GenerationOptions(**{"temperature": 1.0, "top_p": 1.0, "repetition_penalty": 1.0} | changes)


class Draws:
    """Draws token after token as a sequence does: processors, bias, sampler."""

    def __init__(self, options: GenerationOptions, processors: Sequence[LogitsProcessor] = ()) -> None:
        self.options, self.processors = options, processors
        self.stream, self.lyric = RandomStream(options.seed), LyricReader(Prompt(), MarkupFormat.MARKUP)

    def draw(self, logits: np.ndarray, masked: Sequence[int] = (), redrawn: np.ndarray | None = None) -> int:
        """Return the next token; the logits are left as they are."""
        bias, logits = LogitsBias(len(logits), [np.array(masked, dtype=np.intp)]), logits.copy()
        for processor in self.processors:
            processor.process(bias, self.lyric)
        bias.apply(logits)
        token = sample(logits, self.options, self.stream.next_uniform(), redrawn)
        for processor in self.processors:
            processor.accept(token)
        return token


def likeliest_first(ids: np.ndarray, logits: np.ndarray) -> list[int]:
    assert (np.diff(ids) > 0).all()  # they come in the order of the vocabulary
    return sorted(ids.tolist(), key=lambda token: -float(logits[token]))


def naive_candidates(logits: np.ndarray, options: GenerationOptions) -> list[int]:
    """Say in the plainest words which tokens the options leave, the likeliest first."""
    order = sorted(range(len(logits)), key=lambda token: -float(logits[token]))
    if options.top_k > 0:
        order = order[: options.top_k]
    weights = [float(np.exp(float(logits[token]) / options.temperature)) for token in order]
    odds = [weight / sum(weights) for weight in weights]
    kept, mass = [], 0.0
    for token, share in zip(order, odds, strict=True):
        if mass >= options.top_p:
            break
        kept.append((token, share))
        mass += share
    return [token for token, share in kept if share >= options.min_p * odds[0]]


@given(logits_lists, temperatures, st.integers(-3, 45), st.sampled_from([0.05, 0.3, 0.5001, 0.8, 0.95, 1.0]),
       st.sampled_from([0.0, 0.001, 0.05, 0.3, 1.0]))  # fmt: skip
def test_the_cuts_keep_exactly_what_their_definitions_say(
    logits: np.ndarray, temperature: float, top_k: int, top_p: float, min_p: float
) -> None:
    options = plain_options(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
    ids, odds = candidates(logits.copy(), options)
    wanted = naive_candidates(logits, options)
    # Rounding may decide where a sum of odds ends; and what is a ten-trillionth as likely is never drawn.
    assert likeliest_first(ids, logits) == wanted[: len(ids)]
    beyond = wanted[len(ids) :]
    assert len(beyond) <= 1 or all(logits[token] < logits.max() - 29 * temperature for token in beyond)
    ratios = np.exp((logits[ids].astype(np.float64) - logits[ids[0]]) / temperature)
    np.testing.assert_allclose(odds / odds[0], ratios, rtol=1e-6)


@given(
    st.integers(0, 2**32 - 1), st.sampled_from([0.5, 2.0, 8.0]), temperatures, st.sampled_from([0.1, 0.5, 0.9, 0.999])
)
@settings(max_examples=30)
def test_the_cuts_of_a_large_vocabulary_do_not_depend_on_how_it_is_sorted(
    seed: int, spread: float, temperature: float, top_p: float
) -> None:
    """Peaked odds need only the head of the vocabulary sorted, flat ones all of it."""
    steps = np.random.Generator(np.random.PCG64(seed)).permutation(3000)
    logits = (steps * (spread / 1000)).astype(np.float32)
    options = plain_options(temperature=temperature, top_p=top_p)
    ids, _ = candidates(logits.copy(), options)
    wanted = naive_candidates(logits, options)
    assert abs(len(ids) - len(wanted)) <= 1  # rounding may decide where a sum of odds ends
    assert likeliest_first(ids, logits)[: len(wanted)] == wanted[: len(ids)]


@pytest.mark.parametrize(
    "changes",
    [{}, {"top_k": 5}, {"top_k": 1}, {"top_k": 1000}, {"top_p": 0.9}, {"top_p": 0.2}, {"min_p": 0.1}, {"temperature": 0.4},
     {"temperature": 1.7, "top_k": 40, "top_p": 0.8, "min_p": 0.05}],
)  # fmt: skip
def test_the_cuts_agree_with_transformers(changes: dict[str, float]) -> None:
    torch = pytest.importorskip("torch")
    from transformers.generation.logits_process import (
        LogitsProcessorList,
        MinPLogitsWarper,
        TemperatureLogitsWarper,
        TopKLogitsWarper,
        TopPLogitsWarper,
    )

    options = plain_options(**changes)
    warpers = LogitsProcessorList([TemperatureLogitsWarper(options.temperature)])
    if options.top_k > 0:
        warpers.append(TopKLogitsWarper(options.top_k))
    warpers.append(TopPLogitsWarper(options.top_p))
    if options.min_p > 0:
        warpers.append(MinPLogitsWarper(options.min_p))
    for seed in range(20):
        logits = np.random.default_rng(seed).normal(0, 2, 200).astype(np.float32)
        theirs = (
            warpers(torch.zeros((1, 1), dtype=torch.long), torch.from_numpy(logits.copy())[None])[0].softmax(0).numpy()
        )
        ids, odds = candidates(logits, options)
        assert theirs[ids].min() > 0
        assert np.delete(theirs, ids).sum() < 1e-11  # what is never drawn is left out here
        np.testing.assert_allclose(odds / odds.sum(), theirs[ids], rtol=1e-4)


@given(logits_lists, st.integers(0, 2**63 - 1))
def test_temperature_zero_takes_the_likeliest(logits: np.ndarray, seed: int) -> None:
    draws = Draws(plain_options(temperature=0.0, seed=seed))
    assert draws.draw(logits) == int(logits.argmax())
    best = int(logits.argmax())
    if len(logits) > 1:
        second = draws.draw(logits, [best])
        assert logits[second] == np.delete(logits, best).max()


def test_a_temperature_too_small_to_divide_by_takes_the_likeliest_quietly() -> None:
    logits = np.array([1.0, 3.0, 2.0], dtype=np.float32)
    draws = Draws(plain_options(temperature=5e-324))
    assert [draws.draw(logits) for _ in range(5)] == [1] * 5


@given(logits_lists, st.data())
def test_a_masked_token_is_never_drawn(logits: np.ndarray, data: st.DataObject) -> None:
    masked = data.draw(st.lists(st.integers(0, len(logits) - 1), max_size=len(logits) - 1, unique=True))
    draws = Draws(plain_options(temperature=5.0))
    assert not {draws.draw(logits, masked) for _ in range(10)} & set(masked)


@pytest.mark.parametrize(
    "options", [plain_options(), plain_options(top_k=3), plain_options(temperature=2.0, top_p=0.9)]
)
def test_draws_are_as_frequent_as_their_odds(options: GenerationOptions) -> None:
    logits = np.array([0.0, 1.0, -1.0, 2.0, 0.5], dtype=np.float32)
    draws = 20_000
    drawing = Draws(options)
    counts = Counter(drawing.draw(logits) for _ in range(draws))
    kept = naive_candidates(logits, options)
    weights = np.exp(logits[kept] / options.temperature)
    expected = draws * weights / weights.sum()
    assert set(counts) == set(kept)
    chi_square = sum((counts[token] - wanted) ** 2 / wanted for token, wanted in zip(kept, expected, strict=True))
    assert chi_square < 18.5  # 4 degrees of freedom: one honest sampler in a thousand is worse


def test_the_same_seed_draws_the_same_stream_and_another_seed_another() -> None:
    def stream(seed: int) -> list[int]:
        draws = Draws(plain_options(seed=seed))
        return [draws.draw(np.zeros(50, dtype=np.float32)) for _ in range(30)]

    assert stream(7) == stream(7)
    assert len({tuple(stream(seed)) for seed in range(20)}) == 20


@given(logits_lists, st.floats(0.1, 10, exclude_min=True))
def test_a_penalty_makes_a_token_rarer_never_commoner(logits: np.ndarray, penalty: float) -> None:
    changed = penalise(logits.copy(), penalty)
    assert np.all((changed <= logits) if penalty >= 1 else (changed >= logits))
    assert np.all(np.sign(changed) == np.sign(logits))


def test_a_penalty_touches_what_was_seen_and_nothing_else() -> None:
    # Greedy: token 0 leads until it has been seen; 3 is exempt and may lead for ever.
    logits = np.array([4.0, 3.0, 2.5, 1.0], dtype=np.float32)
    exempt = np.array([False, False, False, True])
    def drawn(logits: np.ndarray, seen: list[int], count: int) -> list[int]:
        draws = Draws(plain_options(temperature=0.0), [RepetitionPenalty(2.0, exempt, seen)])
        return [draws.draw(logits) for _ in range(count)]

    assert drawn(logits, [], 4) == [0, 1, 2, 0]
    assert drawn(logits, [0, 3], 1) == [1]
    form = np.array([4.0, 3.9, 0.0, 5.0], dtype=np.float32)
    assert drawn(form, [3], 3) == [3, 3, 3]


def test_more_tokens_can_be_penalised_than_there_was_room_for_at_first() -> None:
    penalty = RepetitionPenalty(2.0, np.zeros(2000, dtype=bool), range(0, 2000, 2))
    fork = penalty.fork()
    fork.accept(1)
    for processor, count in ((penalty, 1000), (fork, 1001)):
        bias = LogitsBias(2000, [])
        processor.process(bias, LyricReader(Prompt(), MarkupFormat.MARKUP))
        assert bias.penalised.tolist() == [*range(0, 2000, 2), 1][:count]


@given(st.integers(1, 4), st.lists(st.integers(0, 3), max_size=20), st.integers(0, 1000))
def test_no_run_of_words_comes_twice(size: int, seen: list[int], seed: int) -> None:
    # Five words and a line end (5), which ends every run.
    exempt = np.array([False] * 5 + [True])
    draws = Draws(plain_options(seed=seed), [NoRepeatNgram(size, exempt, seen)])
    tokens = list(seen)
    for _ in range(60):
        tokens.append(draws.draw(np.zeros(6, dtype=np.float32)))
    new = Counter()
    for end in range(size, len(tokens) + 1):
        run = tuple(tokens[end - size : end])
        if 5 not in run:
            assert end <= len(seen) or new[run] == 0, f"{run} came again"
            new[run] += 1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_probabilities_that_are_not_numbers_are_an_error_not_a_choice(bad: float) -> None:
    logits = np.array([0.0, bad, 1.0], dtype=np.float32)
    for temperature in (0.0, 1.0):
        with pytest.raises(RuntimeError, match="aren't numbers"):
            Draws(plain_options(temperature=temperature)).draw(logits)


RANGES = {
    "seed": (0, 2**63 - 1),
    "temperature": (0, 10),
    "min_p": (0, 1),
    "repetition_penalty": (0.1, 10),
    "no_repeat_ngram": (0, 1000),
    "max_new_tokens": (1, 1_000_000),
    "max_lines": (0, 100_000),
    "min_lines": (0, 100_000),
}


@pytest.mark.parametrize("name", RANGES)
def test_every_option_has_a_range_and_says_so(name: str) -> None:
    low, high = RANGES[name]
    for value in (low, high):
        assert getattr(GenerationOptions(**{name: value}), name) == value
    for value in (low - 1, high + 1, float("nan"), float("inf"), float("-inf"), 10**400, -(10**400)):
        with pytest.raises(UsageError, match=f"--{name.replace('_', '-')} .* is out of range"):
            GenerationOptions(**{name: value})


def test_top_p_is_above_0_and_any_top_k_works() -> None:
    for value in (0, -0.1, 1.1, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="--top-p"):
            GenerationOptions(top_p=value)
    logits = np.array([0.0, 1.0, 2.0], dtype=np.float32)
    for top_k in (0, -1, 3, 10**400):
        assert len(candidates(logits, plain_options(top_k=top_k))[0]) == 3
