"""`songsmith login` and `logout`: the token is asked for without showing it, tried, kept, and seen nowhere else."""

import os
import pty
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from fakes import Songsmith
from genius_server import TOKEN, Answer, FakeGenius, FakeSong, Request
from keyring.backends import null
from typer.testing import CliRunner, Result

from songsmith.cli.app import app
from songsmith.paths import find_paths

WRONG = "wrong-token-9c1"


@pytest.fixture
def genius(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGenius]:
    # A keyring that keeps nothing counts as none, so the file is used.
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    before = keyring.get_keyring()
    keyring.set_keyring(null.Keyring())
    with FakeGenius([FakeSong(id=3, title="Blue", lyrics="Come and sit")]) as genius:
        for name, value in genius.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("GENIUS_ACCESS_TOKEN")
        yield genius
    keyring.set_keyring(before)


def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
    result = CliRunner().invoke(app, arguments, input=stdin)
    assert TOKEN not in result.output
    assert WRONG not in result.output
    assert "Traceback" not in result.output
    return result


def test_a_token_that_is_piped_in_is_tried_and_kept(genius: FakeGenius):
    result = run("login", "genius", "--token-stdin", stdin=f"{TOKEN}\n")
    path = find_paths().genius_token
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"Saved the token in {path}.\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [(request.path, request.token) for request in genius.requests] == [("/token-api/search", f"Bearer {TOKEN}")]
    assert run("fetch", "--artist", "The Old Singers").exit_code == 0
    assert run("logout", "genius").stderr == f"Removed the token from {path}.\n"
    assert run("logout", "genius").stderr == "No token was saved.\n"
    assert "run: songsmith login genius" in run("fetch", "--artist", "The Old Singers").stderr


def test_a_token_that_genius_does_not_accept_is_not_kept(genius: FakeGenius):
    result = run("login", "genius", "--token-stdin", stdin=WRONG)
    assert result.exit_code == 8
    assert result.stderr.startswith("songsmith: Genius doesn't accept the token in what was given. Copy the client")
    assert not find_paths().genius_token.exists()


def test_a_token_can_be_kept_untried(genius: FakeGenius):
    genius.fail("search", Answer(status=403))
    assert run("login", "genius", "--token-stdin", stdin=WRONG).exit_code == 8
    requests = len(genius.requests)
    assert run("login", "genius", "--token-stdin", "--no-check", stdin=WRONG).exit_code == 0
    assert len(genius.requests) == requests
    refused = run("fetch", "--artist", "The Old Singers")
    assert refused.exit_code == 8
    assert f"Genius doesn't accept the token in {find_paths().genius_token}." in refused.stderr
    assert "songsmith login genius" in refused.stderr


@pytest.mark.parametrize("stdin", ["", "\n", "two words", "señor", b"\xff\xfe\x00"])
def test_what_cannot_be_a_token(genius: FakeGenius, stdin: str | bytes):
    result = run("login", "genius", "--token-stdin", stdin=stdin)
    assert result.exit_code == 8
    assert result.stderr.startswith("songsmith: What was given doesn't hold a token")
    assert genius.requests == []


def test_a_token_among_the_arguments_is_refused_unseen(genius: FakeGenius):
    result = run("login", "genius", TOKEN)
    assert result.exit_code == 2
    assert "Everyone on this machine can read a token" in result.stderr
    assert run("login", "elsewhere").exit_code == 2


def test_nobody_to_ask(genius: FakeGenius):
    result = run("login", "genius", stdin=TOKEN)
    assert result.exit_code == 2
    assert "--token-stdin" in result.stderr


def test_the_variable_goes_first_and_that_is_said(genius: FakeGenius, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GENIUS_ACCESS_TOKEN", WRONG)
    told = run("login", "genius", "--token-stdin", stdin=TOKEN).stderr
    assert told.endswith("GENIUS_ACCESS_TOKEN is set, and takes precedence.\n")
    assert "doesn't accept the token in GENIUS_ACCESS_TOKEN" in run("fetch", "--artist", "The Old Singers").stderr
    assert run("logout", "genius").stderr.endswith("GENIUS_ACCESS_TOKEN is still set.\n")


def test_a_terminal_never_shows_it_nor_does_the_process_list(genius: FakeGenius, home: Path, songsmith: Songsmith):
    arguments: list[bytes] = []
    process: list[subprocess.Popen[bytes]] = []

    def look(request: Request) -> None:
        folder = Path(f"/proc/{process[0].pid}")
        if folder.is_dir():
            arguments.append((folder / "cmdline").read_bytes())
            assert TOKEN.encode() not in (folder / "environ").read_bytes()

    genius.on_request = look
    terminal, inside = pty.openpty()
    command = [*songsmith.command, "login", "genius"]
    # A session of its own, whose terminal is the first it opens: there the question is asked.
    opening = "import os, sys; os.close(os.open(sys.argv[1], os.O_RDWR)); os.execvp(sys.argv[2], sys.argv[2:])"
    process.append(
        subprocess.Popen(
            [sys.executable, "-c", opening, os.ttyname(inside), *command],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
        )
    )
    os.close(inside)
    seen = b""
    try:
        while piece := os.read(terminal, 4096):
            seen += piece
            if seen.endswith(b"(not shown): "):
                os.write(terminal, TOKEN.encode() + b"\n")
    except OSError:  # how a terminal says that nobody is there any more
        pass
    os.close(terminal)
    assert process[0].wait(timeout=60) == 0
    assert TOKEN.encode() not in seen
    assert b"Saved the token in" in seen
    assert all(TOKEN.encode() not in line for line in arguments)
    assert [path.name for path in home.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()] == [
        "genius-token"
    ]


def test_nothing_slow_is_loaded_before_it_is_needed(songsmith: Songsmith):
    code = (
        "import sys; sys.argv = ['songsmith', 'login', '--help']\ntry:\n from songsmith.__main__ import main; main()\n"
    )
    code += "except SystemExit: pass\nprint([name for name in ('keyring', 'requests', 'lyricsgenius') if name in sys.modules])"
    done = subprocess.run([songsmith.command[0], "-c", code], capture_output=True, timeout=60, check=True)
    assert done.stdout.endswith(b"[]\n")


@pytest.mark.parametrize("command", ["login", "logout"])
@pytest.mark.parametrize(
    "arguments",
    [(WRONG,), ("genius", WRONG), (WRONG, "genius"), ("genius", f"--{WRONG}"), ("genius", "--token", WRONG), (f"-{WRONG}",),
     ("genius", f"--token={WRONG}"), ("genius", f"--help={WRONG}")],
)  # fmt: skip
def test_a_token_in_any_place_of_the_command_line_is_not_repeated(genius: FakeGenius, command: str, arguments: tuple[str, ...]):
    result = run(command, *arguments)  # which looks for it
    assert (result.exit_code, result.stdout, genius.requests) == (2, "", [])


@pytest.mark.parametrize(
    "elsewhere", ["http://localhost:{port}/token-api/search", "http://127.0.0.1:9/", "ftp://127.0.0.1/x", "//localhost:{port}/"]
)
def test_what_another_host_answers_makes_no_token_good(genius: FakeGenius, elsewhere: str):
    port = genius.root.rpartition(":")[2]
    genius.fail("search", Answer(status=302, headers={"Location": elsewhere.replace("{port}", port)}))
    result = run("login", "genius", "--token-stdin", stdin=TOKEN)
    assert result.exit_code == 8
    assert "redirects elsewhere" in result.stderr
    assert len(genius.requests) == 1
    assert not find_paths().genius_token.exists()


@pytest.mark.parametrize(
    "body",
    ["<html>Welcome to this hotel</html>", "{}", "null", '{"response": {}}', '{"response": {"hits": 1}}', '{"response": []}'],
)
def test_what_is_no_answer_of_genius_makes_no_token_good(genius: FakeGenius, body: str):
    genius.fail("search", Answer(body=body))
    result = run("login", "genius", "--token-stdin", stdin=TOKEN)
    assert (result.exit_code, result.stdout) == (8, "")
    assert not find_paths().genius_token.exists()
