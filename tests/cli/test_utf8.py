"""Every command speaks UTF-8, whatever the locale and the environment say."""

import json
import os
from pathlib import Path

import pytest
from fakes import Songsmith
from homes import begin_used

LINE = "Müde geht der Mond — 月 🌙"


@pytest.fixture
def home(home: Path, used_state: Path) -> Path:
    """Return SONGSMITH_HOME of this test alone, in which somebody has written before."""
    return begin_used(home, used_state)


@pytest.fixture(autouse=True)
def _ascii_locale(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANG", "LANGUAGE", "LC_CTYPE", "PYTHONIOENCODING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("PYTHONUTF8", "0")


@pytest.mark.parametrize("piped", [False, True])
def test_a_prompt_and_a_title(songsmith: Songsmith, piped: bool) -> None:
    options = ("--title", "Straße", "--seed", "1", "--max-lines", "1", "--save")
    done = songsmith("gen", *options, stdin=LINE.encode()) if piped else songsmith("gen", LINE, *options)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().startswith(f"{LINE}\n")
    assert "Straße" in done.stderr.decode()
    assert LINE in songsmith("songs", "show", "1").stdout.decode()
    assert "Straße" in songsmith("songs", "search", "Straße").stdout.decode()


def test_files_and_names_of_corpora(songsmith: Songsmith, tmp_path: Path) -> None:
    file = tmp_path / "Lieder für später.txt"
    file.write_text(f"{LINE}\nDie zweite Zeile\n\nNoch eine Strophe\nUnd ihr Ende\n", encoding="utf-8")
    done = songsmith("import", str(file), "--corpus", "Größe")
    assert done.returncode == 0, done.stderr
    out = tmp_path / "Ausgabe für dich.txt"
    done = songsmith("corpus", "export", "Größe", "--format", "text", "--output", str(out))
    assert done.returncode == 0, done.stderr
    assert LINE in out.read_text(encoding="utf-8")
    assert "Größe" in songsmith("corpus", "list").stdout.decode()


def test_what_is_not_utf8_is_refused_still(songsmith: Songsmith) -> None:
    done = songsmith("gen", b"M\xfcde")
    assert done.returncode == 3
    assert b"isn't UTF-8" in done.stderr


def test_python_of_its_own_mind_is_not_started_for_ever(songsmith: Songsmith) -> None:
    """`-E` and `-I` do not listen to the environment."""
    import subprocess

    command = [songsmith.command[0], "-E", *songsmith.command[1:], "gen", LINE, "--seed", "1", "--max-lines", "1", "--json"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["text"].startswith(LINE)
