"""Where a model runs: no more processors are counted than there is time on."""

from pathlib import Path

import pytest

from songsmith.model import device


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ("max 100000\n", 16), ("200000 100000\n", 2), ("250000 100000\n", 2), ("50000 100000\n", 1),
        ("9900000 100000\n", 16), ("", 16), (None, 16),
    ],
)  # fmt: skip
def test_a_container_is_given_the_processors_of_its_quota(
    quota: str | None, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device.os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    monkeypatch.setattr(device, "_QUOTA", tmp_path / "cpu.max")
    if quota is not None:
        (tmp_path / "cpu.max").write_text(quota, encoding="utf-8")
    assert device.available_processors() == expected
