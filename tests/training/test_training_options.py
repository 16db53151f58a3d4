"""Options are checked once, and schedules go where they say."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songsmith.errors import UsageError
from songsmith.training.options import ScheduleName, TrainingOptions


@pytest.mark.parametrize("given", [{}, {"steps": 1, "epochs": 1.0}, {"minutes": 1.0, "steps": 3}])
def test_how_long_to_train_is_said_in_one_way(given: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="how long"):
        TrainingOptions(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"), [("dropout", 1.0), ("learning_rate", math.nan), ("micro_batch_size", 0), ("seed", -1), ("steps", 0)]
)
def test_a_number_out_of_range_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"--{name.replace('_', '-')}"):
        TrainingOptions(**{"steps": 5, name: value})  # type: ignore[arg-type]


@given(st.sampled_from(list(ScheduleName)), st.integers(0, 20), st.integers(0, 300), st.floats(0, 1.5))
def test_the_learning_rate_stays_between_nothing_and_its_peak(
    schedule: ScheduleName, warmup: int, step: int, progress: float
) -> None:
    options = TrainingOptions(steps=100, schedule=schedule, warmup_steps=warmup)
    assert -1e-12 <= options.lr_scale(step, progress) <= 1


def test_schedules() -> None:
    def share(schedule: ScheduleName, progress: float) -> float:
        options = TrainingOptions(steps=100, schedule=schedule, warmup_steps=0, restarts=4)
        return round(options.lr_scale(50, progress), 3)

    assert [share(ScheduleName.CONSTANT, at) for at in (0, 0.5, 1)] == [1, 1, 1]
    assert [share(ScheduleName.COSINE, at) for at in (0, 0.5, 1)] == [1, 0.5, 0]
    assert [share(ScheduleName.LINEAR, at) for at in (0, 0.35, 1)] == [1, 1, 0]
    assert [share(ScheduleName.RESTARTS, at) for at in (0, 0.125, 0.25, 0.375)] == [1, 0.5, 1, 0.5]


def test_the_warmup_rises_in_even_steps() -> None:
    options = TrainingOptions(steps=100, warmup_steps=4, schedule=ScheduleName.CONSTANT)
    assert [options.lr_scale(step, 0) for step in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]
