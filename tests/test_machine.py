"""What a process may use: no more processors and memory than its container has."""

import os
from pathlib import Path

import pytest

from songsmith.machine import available_processors, free_memory_bytes, memory_bytes


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
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    if quota is not None:
        (tmp_path / "cpu.max").write_text(quota, encoding="utf-8")
    assert available_processors(tmp_path) == expected


def test_memory_is_that_of_the_machine_or_what_its_container_may_take(tmp_path: Path) -> None:
    whole = memory_bytes(tmp_path)
    assert whole is None or whole > 1 << 26
    for told, expected in (("max\n", whole), ("", whole), (f"{1 << 60}\n", whole or 1 << 60), ("4096\n", 4096)):
        (tmp_path / "memory.max").write_text(told, encoding="utf-8")
        assert memory_bytes(tmp_path) == expected
    assert free_memory_bytes(tmp_path) == 4096
