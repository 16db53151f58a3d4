"""Streams that are closed, or on a full disk: the work is done or refused, and never ends in a traceback."""

import os
import subprocess

import pytest
from fakes import Songsmith

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no shell like this there")

WAYS = (">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full", ">/dev/full 2>/dev/full")
COMMANDS = ("models list", "songs rm 1", "--help")
ASKING = (
    "login genius", "login genius --token-stdin", "logout genius", "models rm starter", "corpus rm none", "import -", "gen -", "",
)  # fmt: skip


def run(command: str, way: str) -> "subprocess.CompletedProcess[str]":
    line = f'"$0" -m songsmith {command} {way}'
    return subprocess.run(
        ["bash", "-c", line, Songsmith.command[0]], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        check=False, env={**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"},
    )  # fmt: skip


@pytest.mark.parametrize(("command", "way"), [(command, way) for command in COMMANDS for way in WAYS])
def test_no_stream_that_is_closed_ends_in_a_traceback(home, command, way):
    done = run(command, way)
    assert done.returncode in (0, 2, 5, 7)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("command", ASKING)
def test_nobody_is_asked_on_a_closed_input(home, command):
    done = run(command, "<&-")
    assert done.returncode in (0, 2, 3, 4, 7, 8)
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
