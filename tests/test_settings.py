"""Settings: the file over the defaults, the environment over the file, and a mistake in one sentence."""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from songsmith.cli.app import app
from songsmith.errors import UsageError
from songsmith.paths import Paths
from songsmith.settings import Settings, keep_setting


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
        ('modle = "x"', "settings.toml: 'modle' isn't an option. Did you mean model (text)?"),
        ('colour = "x"', "'colour' isn't an option. The options are model, device, threads, draft_model, theme."),
        ("model = 3", "settings.toml: model 3 isn't text."),
        ('threads = "3"', "threads '3' isn't a whole number. Use a whole number from 0 to 1024."),
        ("threads = true", "threads true isn't a whole number. Use a whole number from 0 to 1024."),
        ("threads = 1.5", "threads 1.5 isn't a whole number. Use a whole number from 0 to 1024."),
        ("threads = -1", "settings.toml: threads -1 is out of range. Use a whole number from 0 to 1024."),
        ("threads = 1025", "threads 1025 is out of range. Use a whole number from 0 to 1024."),
        ('device = "tpu"', "'tpu'"),
        ('theme = "pink"', "'pink'"),
        (b"model = '\xff'", "n't valid TOML"),
        (b"\xff\xfem\x00", "n't valid TOML"),
        (b"\x00", "n't valid TOML"),
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
    with pytest.raises(UsageError, match=value) as caught:
        Settings.load(paths, {f"SONGSMITH_{name}": value})
    if name == "THREADS":
        assert caught.value.message.startswith("SONGSMITH_THREADS: ")
        assert caught.value.next_step == "Use a whole number from 0 to 1024."


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
    with pytest.raises(UsageError, match="can't be read"):
        Settings.load(paths, {})
    if os.getuid():  # root may read anything
        paths.settings.rmdir()
        write(paths, 'model = "mine"')
        paths.settings.chmod(0)
        with pytest.raises(UsageError, match="can't be read"):
            Settings.load(paths, {})


def _hostile_files() -> dict[str, Callable[[Path], object]]:
    return {
        "binary": lambda path: path.write_bytes(bytes(range(256))),
        "NUL": lambda path: path.write_bytes(b'model = "\0"'),
        "huge": lambda path: path.write_bytes(b"#\n" * 3_000_000),
        "endless": lambda path: path.symlink_to("/dev/zero"),
        "a folder": lambda path: path.mkdir(),
        "a pipe": os.mkfifo,
        "a loop": lambda path: path.symlink_to(path),
        "nested beyond its size": lambda path: path.write_text("model = " + "[" * 100_000),
        "nested": lambda path: path.write_text("model = " + "[" * 15_000),
        "nested tables": lambda path: path.write_text("model = " + "{a=" * 5_000),
        "dots": lambda path: path.write_text(".".join("a" * 8_000) + " = 1"),
        "no text": lambda path: path.write_text("model = 1"),
        "no number": lambda path: path.write_text('threads = "2"'),
        "true is no number": lambda path: path.write_text("threads = true"),
        "too many": lambda path: path.write_text(f"threads = {10**30}"),
        "far too many": lambda path: path.write_text(f"threads = {'9' * 5000}"),
        "escapes": lambda path: path.write_text('"a\\u001b]0;x\\u0007" = 1'),
        "an escape in a value": lambda path: path.write_text('device = "\\u001b[2J\\u009b2J"'),
        "twice": lambda path: path.write_text('model = "a"\nmodel = "b"'),
    }


@pytest.mark.skipif(os.name == "nt", reason="no such files there")
@pytest.mark.parametrize("kind", _hostile_files())
def test_a_file_of_settings_that_means_harm_is_one_sentence(paths, kind):
    paths.config.mkdir(parents=True)
    _hostile_files()[kind](paths.settings)
    result = CliRunner().invoke(app, ["models", "list"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert re.fullmatch(r"songsmith: [^\n\x00-\x1f\x7f-\x9f]{1,600}\n", result.stderr), result.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [("SONGSMITH_DEVICE", "\x1b[2J"), ("SONGSMITH_DEVICE", "x" * 100_000), ("SONGSMITH_THREADS", "9" * 5000),
     ("SONGSMITH_THREADS", "9" * 100), ("SONGSMITH_THREADS", "-1"), ("SONGSMITH_THREADS", "1e3"), ("SONGSMITH_HOME", "/dev/null"),
     ("SONGSMITH_HOME", "~nobody\x1b[2J"), ("COLUMNS", "0"), ("COLUMNS", "-5"), ("COLUMNS", "x" * 999), ("COLUMNS", "9" * 30),
     ("NO_COLOR", "\x1b"), ("FORCE_COLOR", "1"), ("LANG", "\x1b[2J"), ("LC_ALL", "xx_XX"),
     ("HF_ENDPOINT", "\x1b"), ("TERM", "\x1b")],
)  # fmt: skip
def test_a_variable_that_means_harm_breaks_nothing(home, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    result = CliRunner().invoke(app, ["models", "list"])
    assert result.exit_code in (0, 2, 5), result.exc_info
    assert re.fullmatch(r"(?:songsmith: [^\n\x00-\x1f\x7f-\x9f]{1,600}\n)?", result.stderr), result.stderr

COMMENTS = st.lists(st.sampled_from(["# mine", "", "  # theme = 'light'", "#theme = 1"]), max_size=2)
LINES = {
    "theme": ["theme = 'dark'", 'theme="light"  # for now', '  "theme" = "auto"'],
    "model": ['model = "theme"', "model = 'dark theme = \\'"],
    "threads": ["threads = 2"],
}


@given(st.data())
def test_a_setting_is_kept_and_all_else_stays(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    root = tmp_path_factory.mktemp("home")
    paths = Paths(data=root, config=root / "config", state=root)
    rows: list[str] = []
    for name in data.draw(st.lists(st.sampled_from(sorted(LINES)), unique=True)):
        rows += [*data.draw(COMMENTS), data.draw(st.sampled_from(LINES[name]))]
    if data.draw(st.booleans()):
        write(paths, "\n".join(rows))
    before = Settings.load(paths, {})
    keep_setting(paths, "theme", "light")
    assert Settings.load(paths, {}) == replace(before, theme="light")
    if paths.settings.stat().st_size > 20:
        written = paths.settings.read_text().splitlines()
        assert [row for row in rows if "theme" not in row and row not in written] == []
    assert [path.name for path in paths.settings.parent.iterdir()] == [paths.settings.name]


def test_a_file_that_is_a_link_stays_one(paths: Paths, tmp_path: Path) -> None:
    elsewhere = tmp_path / "dotfiles.toml"
    elsewhere.write_text("threads = 2\n")
    paths.settings.parent.mkdir(parents=True)
    paths.settings.symlink_to(elsewhere)
    keep_setting(paths, "theme", "dark")
    assert paths.settings.is_symlink()
    assert elsewhere.read_text() == 'theme = "dark"\nthreads = 2\n'


@pytest.mark.parametrize("text", ['theme = """\ndark"""', '"th\\u0065me" = "dark"', "theme = 3", "not toml"])
def test_a_setting_that_cannot_be_kept_leaves_the_file(paths: Paths, text: str) -> None:
    write(paths, text)
    with pytest.raises(UsageError) as caught:
        keep_setting(paths, "theme", "light")
    assert caught.value.next_step
    assert paths.settings.read_text() == text
