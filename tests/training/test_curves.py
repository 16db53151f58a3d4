"""The picture of a run: whole or not there, and nothing else left anywhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songsmith.errors import StorageError
from songsmith.training.curves import find_range, save_curves, smooth

LOSSES = [(step, 3.0 + 6.0 / step) for step in range(1, 101)]
EVALUATIONS = [(0, 9.1, 4.8), (50, 3.2, 1.7), (100, 3.1, 1.6)]
PNG = b"\x89PNG\r\n\x1a\n"
POINTS = st.lists(st.floats(0, 50), max_size=300).map(lambda values: list(enumerate(values, start=1)))


def size(picture: bytes) -> tuple[int, int]:
    return int.from_bytes(picture[16:20], "big"), int.from_bytes(picture[20:24], "big")


def test_a_picture_is_written_and_replaced(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "runs" / "valley" / "curves.png"
    environment = dict(os.environ)
    save_curves(path, losses=LOSSES, evaluations=EVALUATIONS, title="Valley")
    first = path.read_bytes()
    assert first.startswith(PNG)
    assert min(size(first)) > 600
    # Formulas, controls, letters no font has, and numbers that are none.
    save_curves(path, losses=[(1, float("nan"))], evaluations=[], title="$5 \\frac \x1b[31m 歌 \ud800\n" * 20)
    assert path.read_bytes().startswith(PNG)
    assert path.read_bytes() != first
    assert [found.name for found in path.parent.iterdir()] == ["curves.png"]
    assert capfd.readouterr() == ("", "")
    assert dict(os.environ) == environment


def test_a_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StorageError, match="isn't a folder"):
        save_curves(tmp_path / "file" / "curves.png", losses=LOSSES, evaluations=EVALUATIONS, title="Valley")
    (tmp_path / "curves.png").mkdir()
    with pytest.raises(StorageError):
        save_curves(tmp_path / "curves.png", losses=LOSSES, evaluations=EVALUATIONS, title="Valley")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["curves.png", "file"]


def test_the_first_picture_of_a_user_leaves_the_home_alone(tmp_path: Path) -> None:
    home, hidden = tmp_path / "home", ("MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    program = (
        "import sys, threading\n"
        "from pathlib import Path\n"
        "from songsmith.training.curves import save_curves\n"
        "assert 'matplotlib' not in sys.modules\n"
        f"save_curves(Path({str(tmp_path / 'a.png')!r}), losses=[(1, 2.0)], evaluations=[(0, 3.0, 2.0)], title='a')\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert threading.active_count() == 1\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], env=environment | {"HOME": str(home), "USERPROFILE": str(home)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "a.png").read_bytes().startswith(PNG)
    assert list(home.iterdir()) == []


@given(POINTS)
def test_smoothing_stays_within_the_values(points: list[tuple[int, float]]) -> None:
    means = smooth(points)
    values = [value for _, value in points]
    assert bool(means) == bool(points)
    assert all(min(values) - 1e-9 <= mean <= max(values) + 1e-9 for _, mean in means)
    assert [step for step, _ in means] == sorted({step for step, _ in means})


def test_smoothing_has_no_lag_and_calms() -> None:
    assert smooth([(1, 5.0)]) == [(1, 5.0)]
    line = [(step, 10 - step / 100) for step in range(1, 501)]
    assert smooth(line) == [pytest.approx(point) for point in line[2:-2]]
    noisy = smooth([(step, 3.0 + step % 2) for step in range(1, 1001)])
    assert all(3.4 < mean < 3.6 for _, mean in noisy[10:-10])


@given(POINTS)
def test_a_range_is_one_and_holds_what_comes_late(points: list[tuple[int, float]]) -> None:
    low, high = find_range(points)
    assert low < high
    assert all(low <= value <= high for _, value in points[len(points) // 2 :])
    assert all(low <= value for _, value in points)


def test_only_a_beginning_that_towers_is_left_out() -> None:
    from_scratch = [(0, 9.0), *((step, 4.0 - step / 1000) for step in range(10, 100))]
    assert find_range(from_scratch)[1] < 5
    fine_tuned = [(0, 3.5), *((step, 3.2 - step / 1000) for step in range(10, 100))]
    assert find_range(fine_tuned)[1] > 3.5
    learned_by_heart = [(step, 4.0 / (1 + step)) for step in range(100)] + [(90, 7.0)]  # training, and validation
    assert find_range(learned_by_heart)[1] > 7
