"""Paths: one variable moves everything, and naming a place makes nothing."""

from pathlib import Path

import pytest

from songsmith.paths import find_paths


def test_one_variable_moves_everything(home: Path) -> None:
    paths = find_paths()
    for path in (paths.library, paths.models, paths.settings, paths.locks, paths.engine_log):
        assert path.is_relative_to(home)
        assert path.is_absolute()
    assert not home.exists()


def test_a_relative_home_is_taken_from_where_one_stands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SONGSMITH_HOME", "songs")
    assert find_paths().data == tmp_path / "songs"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SONGSMITH_HOME", "~/mine")
    assert find_paths().data == tmp_path / "mine"


def test_the_home_of_a_user_that_is_not_there_is_just_a_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SONGSMITH_HOME", "~nobody-by-this-name/songs")
    assert find_paths().data == tmp_path / "~nobody-by-this-name" / "songs"


def test_without_the_variable_the_platform_decides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SONGSMITH_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    paths = find_paths()
    assert len({paths.library.parent, paths.models.parent, paths.data}) == 1
    for path in (paths.library, paths.settings, paths.locks):
        assert path.is_relative_to(tmp_path)
        assert "songsmith" in path.parts
    assert not any(tmp_path.iterdir())
    monkeypatch.setenv("SONGSMITH_HOME", "")  # set but empty is not set
    assert find_paths() == paths


def test_the_starter_is_in_the_package() -> None:
    assert (find_paths().starter / "model.safetensors").is_file()
