"""Drawing in torch, a batch at a time: the tokens that are drawn in NumPy, take by take."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from songsmith.generation.device_sampling import SamplingPlan, check_drawn, draw, params_row
from songsmith.generation.options import GenerationOptions
from songsmith.generation.processors.bias import penalise
from songsmith.generation.sampling import candidates, sample

BORDER = 1e-6
"""A draw this near to a border between tokens, or a cut this near to a token, is rounding's to decide (float32 has 7 digits)."""

option_sets = st.builds(
    GenerationOptions,
    temperature=st.sampled_from([0.0, 5e-324, 0.3, 0.7, 1.0, 1.5, 10.0]), top_k=st.sampled_from([0, 0, 1, 5, 40, 63, 10**400]),
    top_p=st.sampled_from([0.05, 0.3, 0.5, 0.9, 0.999, 1.0, 1.0]), min_p=st.sampled_from([0.0, 0.0, 0.01, 0.3, 1.0]),
    repetition_penalty=st.sampled_from([1.0, 1.1, 0.5, 3.0]), seed=st.integers(0, 2**63 - 1),
)  # fmt: skip


def draw_all(
    logits: np.ndarray, options: list[GenerationOptions], points: list[float], seen: np.ndarray, banned: np.ndarray,
    plan: SamplingPlan | None = None,
) -> list[int]:  # fmt: skip
    params = torch.tensor(
        [params_row(option, point) for option, point in zip(options, points, strict=True)], dtype=torch.float64
    )
    tensors = (torch.from_numpy(logits.copy()), params, torch.from_numpy(seen), torch.from_numpy(banned))
    return draw(*tensors, plan or SamplingPlan.of(options, logits.shape[1])).tolist()


def is_near_a_border(logits: np.ndarray, options: GenerationOptions, point: float) -> bool:
    """Return whether rounding may decide what is drawn: `logits` are penalised, and -inf where banned."""
    if options.temperature == 0:
        return False
    ids, odds = candidates(logits.copy(), options)
    ends = np.cumsum(odds)
    if np.abs(ends - point * ends[-1]).min() < BORDER:
        return True
    order = np.argsort(-logits, kind="stable")
    if 0 < options.top_k < len(order):
        if logits[order[options.top_k - 1]] == logits[order[options.top_k]]:
            return True  # any of several that are alike may be the last
        order = order[: options.top_k]
    with np.errstate(over="ignore"):
        exact = np.exp((logits[order].astype(np.float64) - logits[order[0]]) / max(options.temperature, 1e-30))
    exact /= exact.sum()
    at_top_p = options.top_p < 1 and np.abs(np.cumsum(exact) - options.top_p).min() < BORDER
    at_min_p = options.min_p > 0 and np.abs(exact / exact[0] - options.min_p)[1:].min(initial=1) < BORDER
    # Of tokens that are alike, the vocabulary's first are kept here; sorting in parts there may keep others.
    last = len(ids) if options.top_p < 1 else 0
    alike = 0 < last < len(order) and logits[order[last - 1]] == logits[order[last]]
    return bool(at_top_p or at_min_p or alike)


@given(st.lists(option_sets, min_size=1, max_size=5), st.integers(2, 300), st.sampled_from([0.5, 2.0, 8.0]), st.booleans(),
       st.integers(0, 2**32 - 1))  # fmt: skip
def test_the_same_numbers_draw_the_same_tokens(
    options: list[GenerationOptions], size: int, spread: float, coarse: bool, seed: int
) -> None:
    random = np.random.default_rng(seed)
    rows = len(options)
    logits = random.normal(0, spread, (rows, size)).astype(np.float32)
    if coarse:  # as bfloat16 has them: many are alike
        logits = torch.from_numpy(logits).bfloat16().float().numpy()
    seen, banned = random.random((2, rows, size)) < 0.3
    banned[:, random.integers(size)] = False
    points = [
        np.random.Generator(np.random.PCG64(option.seed)).random() if option.temperature else 0.0 for option in options
    ]
    drawn = draw_all(logits, options, points, seen, banned)
    for row, option in enumerate(options):
        left = np.where(seen[row], penalise(logits[row], option.repetition_penalty), logits[row])
        left[banned[row]] = -np.inf
        wanted = sample(left.copy(), option, points[row])
        assert drawn[row] == wanted or is_near_a_border(left, option, points[row])


@given(st.lists(option_sets, min_size=1, max_size=4), option_sets, st.integers(0, 2**32 - 1))
def test_a_neighbour_changes_how_a_token_is_found_not_which(
    options: list[GenerationOptions], neighbour: GenerationOptions, seed: int
) -> None:
    random = np.random.default_rng(seed)
    rows, size = len(options), 200
    logits = random.normal(0, 2, (rows + 1, size)).astype(np.float32)
    points, seen = random.random(rows + 1).tolist(), random.random((rows + 1, size)) < 0.3
    banned = np.zeros_like(seen)
    together = draw_all(logits, [*options, neighbour], points, seen, banned)
    for row, option in enumerate(options):
        one = slice(row, row + 1)
        (alone,) = draw_all(logits[one], [option], [points[row]], seen[one], banned[one])
        left = np.where(seen[row], penalise(logits[row], option.repetition_penalty), logits[row])
        assert together[row] == alone or is_near_a_border(left, option, points[row])


def test_the_ends_of_the_line_of_numbers_are_tokens_that_were_kept() -> None:
    logits = np.array([[-np.inf, 1.0, 2.0, 0.0, -np.inf]] * 2, dtype=np.float32)
    none = np.zeros((2, 5), dtype=bool)
    for changes in ({}, {"top_p": 0.999}, {"top_k": 3}, {"min_p": 0.01}):
        options = [GenerationOptions(**{"temperature": 1.0, "top_p": 1.0} | changes)] * 2
        for width in (None, 4, 5):
            plan = SamplingPlan(ranked=width, drawn=True, penalised=False)
            if width is None and changes.keys() & {"top_p", "top_k"}:
                continue
            assert draw_all(logits, options, [0.0, 1.0], none, none, plan) == [1, 3]


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("changes", [{}, {"top_p": 1.0}, {"top_k": 2}])
def test_what_cannot_be_drawn_is_told_and_disturbs_nobody(temperature: float, changes: dict[str, float]) -> None:
    logits = np.array([[0.0, 3.0, 1.0], [0.0, np.nan, 1.0], [0.0, np.inf, 1.0], [0.0, 2.0, 1.0]], dtype=np.float32)
    banned = np.zeros((4, 3), dtype=bool)
    banned[3] = True
    options = [GenerationOptions(**{"temperature": temperature} | changes)] * 4
    fine, *bad = draw_all(logits, options, [0.5] * 4, np.zeros((4, 3), dtype=bool), banned)
    check_drawn(fine)
    assert fine == 1
    for token, said in zip(bad, ("aren't numbers", "aren't numbers", "no token to write"), strict=True):
        with pytest.raises(RuntimeError, match=said):
            check_drawn(token)


def test_only_what_options_ask_for_is_done() -> None:
    def ranked(*options: GenerationOptions) -> int | None:
        return SamplingPlan.of(options, 1000).ranked

    plain = GenerationOptions(top_p=1.0, repetition_penalty=1.0)
    assert SamplingPlan.of([plain], 1000) == SamplingPlan(ranked=None, drawn=True, penalised=False)
    assert ranked(plain, GenerationOptions(temperature=0, top_k=5, top_p=0.5)) is None
    assert ranked(GenerationOptions(top_k=50)) == ranked(GenerationOptions(top_k=3, top_p=1.0)) == 64
    assert ranked(GenerationOptions(top_k=65), GenerationOptions(top_k=2)) == 128
    assert ranked(GenerationOptions(top_k=50), plain) == ranked(GenerationOptions()) == 1000
    assert ranked(GenerationOptions(top_k=10**400, top_p=1.0)) is None
    assert SamplingPlan.of([GenerationOptions(temperature=0)], 9) == SamplingPlan(
        ranked=None, drawn=False, penalised=True
    )


@pytest.mark.gpu
@pytest.mark.parametrize("size", [300, 50257])
def test_a_gpu_draws_what_a_processor_draws(size: int) -> None:
    random = np.random.default_rng(0)
    options = [
        GenerationOptions(**changes)
        for changes in (
            {}, {"temperature": 0.0}, {"top_k": 50, "top_p": 1.0}, {"top_p": 1.0}, {"min_p": 0.05}, {"temperature": 1.5},
            {"top_p": 0.5}, {"top_k": 1000, "repetition_penalty": 2.0},
        )
    ]  # fmt: skip
    for group in (options, options[:1], options[2:3], options[3:4]):
        for _ in range(20):
            rows = len(group)
            logits = random.normal(0, 2, (rows, size)).astype(np.float32)
            points, (seen, banned) = random.random(rows).tolist(), random.random((2, rows, size)) < 0.2
            params = torch.tensor([params_row(*pair) for pair in zip(group, points, strict=True)], dtype=torch.float64)
            tensors = [torch.from_numpy(logits), params, torch.from_numpy(seen), torch.from_numpy(banned)]
            plan = SamplingPlan.of(group, size)
            here = draw(*tensors, plan).tolist()
            there = draw(*(tensor.cuda() for tensor in tensors), plan).tolist()
            for row, option in enumerate(group):
                left = np.where(seen[row], penalise(logits[row], option.repetition_penalty), logits[row])
                left[banned[row]] = -np.inf
                assert here[row] == there[row] or is_near_a_border(left, option, points[row])
