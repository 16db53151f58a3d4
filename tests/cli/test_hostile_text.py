"""Text of models, corpora, songs, files, servers and tokenizers never drives the terminal, whatever command shows it."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import write_random_model
from genius_server import FakeGenius, FakeSong
from hostile import NAME, TEXT, UNSAFE, check_shown, on_terminal
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from songsmith.cli.app import COMMANDS, app, load_command
from songsmith.library.library import Library
from songsmith.library.records import SongRecord
from songsmith.paths import Paths, find_paths
from songsmith.safe_text import json_row, printable
from songsmith.takes import FinishReason, Take

MODEL_FACTS = {
    "format": "plain", "description": TEXT, "licence": TEXT, "origin": TEXT, "data": TEXT, "base": TEXT, "sources": [TEXT],
    "metrics": {TEXT: 1.0}, "options": {TEXT: TEXT}, "cleaning": {TEXT: TEXT}, "corpus": TEXT, "created_at": TEXT,
}  # fmt: skip


def make_home(paths: Paths, folder: Path) -> None:
    """Fill a home with strings that are meant to do harm."""
    write_random_model(paths.models / NAME, manifest=MODEL_FACTS)
    broken = write_random_model(paths.models / f"broken {NAME}", manifest={TEXT: TEXT})
    (broken / "config.json").write_text(json.dumps({"model_type": TEXT}), encoding="utf-8")
    shutil.copytree(paths.starter, paths.tokenizers / NAME)
    take = Take(
        text="la\n", prompt_text="", title="t", model="m", model_sha256="", device="cpu", options={}, seed=1,
        finish=FinishReason.MAX_LINES, tokens=1, elapsed_s=1.0, version="",
    )  # fmt: skip
    with Library(paths.library) as library:
        record = library.put_song(SongRecord(text="la\n", title="t", kept=True), [take])
    shown = TEXT.replace("\ud800", "").replace("\x00", "")
    with sqlite3.connect(paths.library) as database:
        database.execute("UPDATE songs SET title = ?, artist = ?, text = ?", (f"evil {shown}", shown, f"{shown}\nla\n"))
        options = json.dumps({"temperature": TEXT})
        database.execute(
            "UPDATE takes SET model = ?, device = ?, text = ?, options = ?", (shown, shown, f"{shown}\n", options)
        )
    database.close()
    assert record.number == 1
    songs = folder / f"{NAME}.jsonl"
    rows = [{"title": TEXT, "artist": TEXT, "id": TEXT, "url": TEXT, TEXT: TEXT, "text": f"evil {TEXT}\nla la la\n"}]
    rows += [{"title": f"{TEXT} {i}", "text": f"evil words of river {TEXT} {i}\nand of mill {i}\n"} for i in range(6)]
    songs.write_text("".join(json.dumps(row) + "\n" for row in rows) + f"no JSON {NAME}\n", encoding="utf-8")
    (folder / f"{NAME}.bin").write_bytes(b"\0\1\2")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder of hostile files, beside a home that holds hostile things of every kind."""
    folder = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch, FakeGenius([FakeSong(id=1, title=TEXT[:-3], lyrics=f"la {NAME}")]) as genius:
        patch.setenv("SONGSMITH_HOME", str(folder / "home"))
        patch.setenv("SONGSMITH_THREADS", "1")
        patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
        for name, value in genius.environment.items():
            patch.setenv(name, value)
        make_home(find_paths(), folder)
        for arguments in (["import", str(folder / f"{NAME}.jsonl"), "--corpus", f"corpus {NAME}"], ["clean"]):
            assert CliRunner().invoke(app, arguments).exit_code == 0
        yield folder


CORPUS = f"corpus {NAME}"
LESSON = ("--max-steps", "2", "--device", "cpu", "--sample-every", "1")
RUNS: tuple[tuple[str, ...], ...] = (
    ("models", "list"), ("models", "list", "--json"), ("models", "info", NAME), ("models", "info", NAME, "--json"),
    ("models", "info", f"none {NAME}"), ("models", "info", f"broken {NAME}"), ("models", "rm", NAME, "--nonsense"),
    ("models", "rm", f"none {NAME}", "--yes"),
    ("songs", "list"), ("songs", "list", "--json"), ("songs", "search", "evil"), ("songs", "search", "evil", "--json"),
    ("songs", "show", "1"), ("songs", "show", "1", "--takes"), ("songs", "show", "1", "--json"), ("songs", "show", NAME),
    ("songs", "export", "1"), ("songs", "export", "1", "--format", "markdown"), ("songs", "export", "1", "-f", "json"),
    ("songs", "export", "1", "--format", NAME), ("songs", "rm", NAME, "--yes"),
    ("songs", "revisions", "1"), ("songs", "revisions", "1", "--json"), ("songs", "diff", "1"), ("songs", "verify"),
    ("songs", "restore", "1", "--revision", "7"), ("songs", "show", "1", "--revision", "1"), ("songs", "repair", NAME),
    ("models", "verify"), ("models", "verify", "--json"), ("models", "verify", f"none {NAME}"),
    ("settings",), ("settings", "--json"),
    ("corpus", "list"), ("corpus", "list", "--json"), ("corpus", "show", CORPUS), ("corpus", "show", CORPUS, "--json"),
    ("corpus", "show", CORPUS, "--set-aside"), ("corpus", "show", CORPUS, NAME), ("corpus", "show", NAME),
    ("corpus", "stats"), ("corpus", "stats", "--json"), ("corpus", "search", "evil"), ("corpus", "search", "evil", "--raw"),
    ("corpus", "search", "evil", "--json"), ("corpus", "dupes"), ("corpus", "dupes", "--json"), ("corpus", "verify"),
    ("corpus", "verify", NAME), ("corpus", "export"), ("corpus", "export", "--format", "text"),
    ("corpus", "export", "--output", f"{{folder}}/out {NAME}.jsonl", "--force"), ("corpus", "rm", NAME, "--yes"),
    ("corpus", "split", CORPUS, "--into", NAME, "--filter", NAME), ("corpus", "merge", NAME, NAME, "--into", NAME),
    ("tokenizer", "list"), ("tokenizer", "list", "--json"), ("tokenizer", "show", NAME),
    ("tokenizer", "show", NAME, "--json"), ("tokenizer", "show", NAME, f"Evil {NAME}"),
    ("tokenizer", "show", f"none {NAME}"), ("tokenizer", "train", f"new {NAME}", "--vocab-size", "320"),
    ("eval", NAME, "--corpus", CORPUS, "--max-songs", "2", "--samples", "1"),
    ("eval", NAME, "--corpus", CORPUS, "--max-songs", "2", "--samples", "1", "--json"),
    ("gen", "Down", "--model", NAME, "--title", NAME, "--max-lines", "1", "--max-new-tokens", "4", "--save"),
    ("gen", f"Down {NAME}", "--model", NAME, "--max-new-tokens", "4", "--json"),
    ("gen", "Down", "--model", f"none {NAME}"), ("gen", "Down", "--model", f"broken {NAME}"),
    ("gen", "Down", "--device", NAME), ("gen", "Down", "--draft-model", NAME, "--max-new-tokens", "2"),
    ("fetch", "--artist", "The Old Singers"), ("fetch", "--song", NAME), ("fetch", "--from-file", f"none {NAME}"),
    ("login", NAME), ("login", "genius", NAME), ("logout", NAME),
    ("import", f"{{folder}}/{NAME}.jsonl"), ("import", f"{{folder}}/{NAME}.bin"), ("import", f"none {NAME}"),
    ("import", f"{{folder}}/{NAME}.jsonl", "--filter", NAME),
    ("clean", CORPUS), ("clean", CORPUS, "--dry-run"), ("clean", CORPUS, "--report"),
    ("clean", CORPUS, "--report", "--json"), ("clean", NAME), ("clean", CORPUS, "--disable", NAME),
    ("train", "--name", f"new {NAME}", "--corpus", CORPUS, "--size", NAME), ("train", "--corpus", NAME),
    ("finetune", "--name", f"tuned {NAME}", "--corpus", CORPUS, "--base", NAME, *LESSON),
    ("finetune", "--base", NAME, "--corpus", NAME),
    ("bench", "--model", NAME, "--size", NAME, "--training"), ("bench", "--model", f"none {NAME}"),
    (NAME,), (f"--{NAME}",), ("models", NAME), ("gen", f"--{NAME}"), ("gen", "x", "--seed", NAME), ("corpus", NAME, NAME),
)  # fmt: skip
"""Every command that prints, with strings that are meant to do harm where such strings can come from."""


def filled(arguments: tuple[str, ...], folder: Path) -> list[str]:
    return [argument.replace("{folder}", str(folder)) for argument in arguments]


@pytest.mark.parametrize("arguments", RUNS, ids=lambda run: " ".join(run).replace(NAME, "NAME"))
def test_no_string_drives_the_terminal(hostile: Path, arguments: tuple[str, ...]) -> None:
    piped = CliRunner().invoke(app, filled(arguments, hostile))
    assert piped.exception is None or isinstance(piped.exception, SystemExit), piped.exc_info
    exact = arguments[1:2] == ("export",) and "json" not in arguments
    if not exact:  # into a pipe, the words of a file that was asked for are the words of that file
        check_shown(piped.stdout)
    check_shown(piped.stderr)
    code, shown = on_terminal(*filled(arguments, hostile))
    assert "Traceback" not in shown
    assert code in (0, *range(2, 10))
    check_shown(shown, terminal=True)


def names(command: object, *before: str) -> Iterator[tuple[str, ...]]:
    """Yield a command, or those of a group."""
    inner = getattr(command, "commands", None)
    if not inner:
        yield before
    for name, part in (inner or {}).items():
        yield from names(part, *before, name)


def test_every_command_is_among_them() -> None:
    every = {name for command in COMMANDS for name in names(load_command(command), command)}
    tried = {run[:length] for run in RUNS for length in (1, 2)}
    assert every - tried == set()


@given(st.text())
def test_the_gate_is_closed_to_controls_and_open_to_words(text: str) -> None:
    shown = printable(text)
    assert UNSAFE.sub("", shown.replace("\U000e007f", "")) == shown.replace("\U000e007f", "") or "\U0001f3f4" in text
    assert printable(shown) == shown
    assert [c for c in shown if c.isalnum()] == [c for c in text if c.isalnum()]
    assert json.loads(json_row(text)) == text
    assert printable(json_row(text)) == json_row(text)


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخواهم", "क्\u200dष", "👩\u200d👩\u200d👧\u200d👦", "❤\ufe0f\u200d🔥",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "עברית\u200f", "a\tb\nc", "naïve", "ภาษา\u200bไทย",
    ],
)  # fmt: skip
def test_words_and_emoji_pass_as_they_are(text: str) -> None:
    assert printable(text) == text
