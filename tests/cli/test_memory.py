"""Too little memory: one sentence with a next step, whoever runs out of it and however it says so."""

import json
import re
import subprocess
import sys

import pytest
from fakes import Songsmith

from songsmith.errors import EngineError, NotFoundError
from songsmith.memory import is_out_of_memory, minding_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of this kind are Linux's")

SENTENCE = r"songsmith: There isn't enough memory for this\. This shell allows \d+ MB [^\n]+\n"


def limited(kilobytes: int, *command: str) -> "subprocess.CompletedProcess[str]":
    line = f'ulimit -v {kilobytes}; exec "$0" "$@"'
    return subprocess.run(
        ["bash", "-c", line, *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize(
    ("kilobytes", "arguments"),
    [
        (60_000, ["models", "list"]), (120_000, ["gen", "x"]), (170_000, ["gen", "x"]), (200_000, ["gen", "x"]),
        (200_000, ["tokenizer", "show", "starter", "x"]), (500_000, ["eval", "starter", "--corpus", "{songs}"]),
    ],
)  # fmt: skip
def test_a_limit_that_is_too_small_is_told(home, tmp_path, kilobytes, arguments):
    songs = tmp_path / "songs.jsonl"
    songs.write_text("".join(json.dumps({"title": f"t{i}", "text": f"la {i}\nla\n"}) + "\n" for i in range(4)))
    filled = [argument.replace("{songs}", str(songs)) for argument in arguments]
    done = limited(kilobytes, *Songsmith.command, *filled)
    assert done.returncode in (0, 6), done.stderr
    if done.returncode:
        assert re.fullmatch(SENTENCE, done.stderr), done.stderr


def test_the_smallest_limits_are_too_small(home):
    assert limited(60_000, *Songsmith.command, "models", "list").returncode == 6
    assert limited(200_000, *Songsmith.command, "gen", "x").returncode == 6


@pytest.mark.parametrize("limit", [160_000, 195_000, 200_000])
def test_the_process_that_writes_says_why_it_ends(home, tmp_path, limit):
    program = f"""
from pathlib import Path
from songsmith.generation.serving.client import EngineProcess
from songsmith.generation.serving.protocol import Failed
process = EngineProcess(model="starter", device="cpu", threads=1, log=Path({str(tmp_path / "log")!r}))
for event in process.events():
    print(event)
    if isinstance(event, Failed):
        break
process.close()
"""
    done = limited(limit, sys.executable, "-c", program)
    assert done.stdout.startswith('Failed(request=None, message="There isn\'t enough memory for this."'), done


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(), OSError(12, "Cannot allocate memory"), RuntimeError("can't start new thread"),
        ImportError("libx.so: failed to map segment from shared object"), RuntimeError("std::bad_alloc"),
        type("PanicException", (BaseException,), {})("PyObject pointer is null"),
    ],
    ids=repr,
)  # fmt: skip
def test_every_way_of_saying_so_is_known(error):
    with pytest.raises(EngineError, match="n't enough memory"), minding_memory():
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("no"), OSError(2, "gone"), NotFoundError("no")], ids=repr)
def test_what_is_no_lack_of_memory_stays_what_it_is(error):
    with pytest.raises(type(error)), minding_memory():
        raise error


def test_a_file_that_is_called_like_it_is_not_taken_for_it(tmp_path):
    with pytest.raises(OSError, match="Out of memory") as caught:
        (tmp_path / "Out of memory.txt").read_text()
    assert not is_out_of_memory(caught.value)
    assert is_out_of_memory(OSError("failed to map segment from shared object"))
