"""Settings: the file over the defaults, the environment over the file, and a mistake in one sentence."""

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songsmith.errors import UsageError
from songsmith.paths import Paths
from songsmith.settings import Settings


def write(paths: Paths, text: str | bytes) -> None:
    paths.settings.parent.mkdir(parents=True, exist_ok=True)
    paths.settings.write_bytes(text if isinstance(text, bytes) else text.encode())


def test_each_layer_goes_over_the_one_below(paths: Paths) -> None:
    assert Settings.load(paths, {}) == Settings()
    write(paths, 'model = "mine"\nthreads = 2\n')
    assert Settings.load(paths, {}) == Settings(model="mine", threads=2)
    environment = {"SONGSMITH_MODEL": "theirs", "SONGSMITH_DEVICE": "cpu", "SONGSMITH_THREADS": ""}
    assert Settings.load(paths, environment) == Settings(model="theirs", device="cpu", threads=2)


def test_reading_makes_no_file(paths: Paths, home: Path) -> None:
    Settings.load(paths)
    assert not home.exists()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("model = \n", "line 1"),
        ('modle = "x"', "'modle'"),
        ("model = 3", "'model'"),
        ('threads = "3"', "'threads'"),
        ("threads = true", "'threads'"),
        ("threads = 1.0", "'threads'"),
        ("threads = -1", "-1 threads"),
        ("threads = 1025", "1025 threads"),
        ('device = "tpu"', "'tpu'"),
        (b"model = '\xff'", "not valid TOML"),
        (b"\xff\xfem\x00", "not valid TOML"),
        (b"\x00", "not valid TOML"),
    ],
)
def test_a_mistake_in_the_file_is_named(paths: Paths, text: str | bytes, named: str) -> None:
    write(paths, text)
    with pytest.raises(UsageError) as caught:
        Settings.load(paths, {})
    assert named in str(caught.value)
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("name", "value"),
    [("THREADS", "two"), ("THREADS", "1.5"), ("THREADS", "-1"), ("THREADS", "99999"), ("DEVICE", "tpu")],
)
def test_a_mistake_in_the_environment_is_named(paths: Paths, name: str, value: str) -> None:
    with pytest.raises(UsageError, match=value):
        Settings.load(paths, {f"SONGSMITH_{name}": value})


@given(st.text(max_size=30))
def test_any_text_is_settings_or_one_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "any-settings"
    paths = Paths(data=folder, config=folder, state=folder)
    write(paths, text.encode(errors="replace"))
    with suppress(UsageError):
        assert isinstance(Settings.load(paths, {}), Settings)


@pytest.mark.parametrize("kind", ["a file", "under a file", "a dangling link", "too long", "a link to itself"])
def test_a_home_that_is_no_folder_holds_no_settings(tmp_path: Path, kind: str) -> None:
    home = tmp_path / "home"
    if kind == "a file":
        home.write_text("model = 3", encoding="utf-8")
    elif kind == "under a file":
        home.write_text("", encoding="utf-8")
        home = home / "below"
    elif kind == "a dangling link":
        home.symlink_to(tmp_path / "nowhere")
    elif kind == "too long":
        home = tmp_path / ("x" * 300)
    else:
        home.symlink_to(home)
    assert Settings.load(Paths(data=home, config=home, state=home), {}) == Settings()


def test_settings_that_are_there_but_cannot_be_read_are_an_error(paths: Paths) -> None:
    paths.settings.mkdir(parents=True)
    with pytest.raises(UsageError, match="cannot be read"):
        Settings.load(paths, {})
    if os.getuid():  # root may read anything
        paths.settings.rmdir()
        write(paths, 'model = "mine"')
        paths.settings.chmod(0)
        with pytest.raises(UsageError, match="cannot be read"):
            Settings.load(paths, {})
