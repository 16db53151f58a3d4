"""`songsmith gen` as its users run it: real processes, real pipes, real signals."""

import fcntl
import json
import os
import re
import shlex
import signal
import subprocess
import termios
import unicodedata
from array import array
from pathlib import Path

import pytest
from fakes import Songsmith
from homes import begin_used
from typer.testing import CliRunner

from songsmith.cli.app import app
from songsmith.generation.options import GenerationOptions
from songsmith.library.library import Library
from songsmith.lyrics import parse
from songsmith.paths import Paths
from songsmith.studio.writing import plan_length

SHORT = ("--seed", "1", "--max-lines", "3")
NOTICE = re.compile(rb"\(starter, seed \d+, temperature [\d.]+, \d+ tokens, \d+ tokens/s\)\n")


def visible(text: str) -> bool:
    return all(character == "\n" or unicodedata.category(character) != "Cc" for character in text)


def test_a_song_goes_on_from_its_prompt(songsmith: Songsmith) -> None:
    done = songsmith("gen", "Down by the river", *SHORT)
    assert done.returncode == 0
    text = done.stdout.decode()
    assert text.startswith("Down by the river\n")
    assert text.endswith("\n")
    assert visible(text)
    assert len(parse(text).lines) == 4
    assert NOTICE.fullmatch(done.stderr)
    # The same again, word for word; another seed gives another song.
    assert songsmith("gen", "Down by the river", *SHORT).stdout == done.stdout
    assert songsmith("gen", "Down by the river", "--seed", "2", "--max-lines", "3").stdout != done.stdout


def test_a_large_model_is_made_ready_once_and_says_so(songsmith: Songsmith, large_folder: Path, home: Path) -> None:
    first, again = (songsmith("gen", "Down by", "--model", str(large_folder), *SHORT) for _ in range(2))
    assert first.returncode == again.returncode == 0
    assert b"Preparing the model for this processor" in first.stderr
    assert b"Making the model ready" not in again.stderr
    assert first.stdout == again.stdout


def test_the_last_line_can_be_finished(songsmith: Songsmith) -> None:
    done = songsmith("gen", "one line\nDown by the", "--finish-line", "--quiet", *SHORT)
    assert done.returncode == 0
    assert re.match(r"one line\nDown by the[^\n]+\n", done.stdout.decode())
    assert len(parse(done.stdout.decode()).lines) == 4
    assert done.stderr == b""


def test_a_draft_model_changes_no_word(
    songsmith: Songsmith, plain_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = songsmith("gen", "Down by the river", "-q", *SHORT)
    guessed = songsmith("gen", "Down by the river", "-q", *SHORT, "--draft-model", str(plain_folder))
    assert (guessed.returncode, guessed.stdout, guessed.stderr) == (0, alone.stdout, b"")
    # One that cannot guess is refused where a flag names it, and left out where a setting does.
    refused = songsmith("gen", "Down by the river", *SHORT, "--draft-model", "starter")
    assert (refused.returncode, refused.stdout) == (4, b"")
    assert b"starter isn't smaller than starter" in refused.stderr
    assert b"--draft-model" in refused.stderr
    unknown = songsmith("gen", "Down by the river", *SHORT, "--draft-model", "nobody")
    assert (unknown.returncode, unknown.stdout) == (4, b"")
    assert b"nobody" in unknown.stderr
    monkeypatch.setenv("SONGSMITH_DRAFT_MODEL", "starter")
    left_out = songsmith("gen", "Down by the river", *SHORT)
    assert (left_out.returncode, left_out.stdout) == (0, alone.stdout)
    assert b"Writing without a draft model: starter isn't smaller than starter" in left_out.stderr
    assert b"guessed" not in songsmith("gen", "Down by the river", *SHORT, "--draft-model", "none").stderr


def test_a_home_that_cannot_be_written_changes_no_word(
    songsmith: Songsmith, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = songsmith("gen", "Down by the river", *SHORT)
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    monkeypatch.setenv("SONGSMITH_HOME", str(tmp_path / "file"))
    assert songsmith("gen", "Down by the river", *SHORT).stdout == usual.stdout


def test_no_prompt_is_needed(songsmith: Songsmith) -> None:
    done = songsmith("gen", "-q", "--title", "Red River", *SHORT)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(parse(done.stdout.decode()).lines) == 3


def test_with_a_prompt_standard_input_is_never_read(songsmith: Songsmith) -> None:
    # A pipe that stays open and says nothing: reading it would wait for ever.
    reader, writer = os.pipe()
    try:
        process = songsmith.start("gen", "Down by the river", "-q", *SHORT, stdin=reader)
        out, err = process.communicate(timeout=100)
    finally:
        os.close(reader)
        os.close(writer)
    assert (process.returncode, err) == (0, b"")
    assert out.startswith(b"Down by the river\n")


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_a_lyric_can_be_piped_in(songsmith: Songsmith, arguments: tuple[str, ...]) -> None:
    lyric = "[Verse 2: Ann]\nDown by the river’s side\n\n[Chorus]\nSing, 心\n"
    done = songsmith("gen", *arguments, "-q", *SHORT, stdin=b"\xef\xbb\xbf" + lyric.replace("\n", "\r\n").encode())
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().startswith(lyric)


def test_a_reader_that_has_enough_ends_it_quietly(songsmith: Songsmith) -> None:
    done = in_shell(songsmith, "gen Down --takes 2 --max-lines 40 --min-lines 40 | head -3; exit ${PIPESTATUS[0]}")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 3
    assert NOTICE.sub(b"", done.stderr) == b""


def test_nothing_drives_the_terminal(songsmith: Songsmith) -> None:
    done = songsmith("gen", "\x1b[31mDown\x07 by\u202e the river\r", "--title", "\x1b]0;x\x07", "-q", *SHORT)
    assert (done.returncode, done.stderr) == (0, b"")
    assert visible(done.stdout.decode())
    assert done.stdout.startswith(b"[31mDown by the river\n")


def test_takes_and_ladders_as_json(songsmith: Songsmith) -> None:
    done = songsmith(
        "gen", "Down by the river", "--takes", "3", "--ladder", "1.3:0.7", "--json", "--title", "Red", *SHORT
    )
    assert (done.returncode, done.stderr) == (0, b"")
    takes = [json.loads(row) for row in done.stdout.splitlines()]
    assert [take["options"]["temperature"] for take in takes] == [1.3, 1.0, 0.7]
    assert [take["seed"] for take in takes] == [1, 2, 3]
    for take in takes:
        assert take["title"] == "Red"
        assert take["text"] == take["prompt"] + take["continuation"]
        assert take["prompt"] == "Down by the river\n"
        assert [line["author"] for line in take["lines"]] == ["person", "model", "model", "model"]
        assert take["model"] == "starter"
        assert re.fullmatch("[0-9a-f]{64}", take["model_sha256"])
    # What the object says is enough to have the take again, alone.
    last = takes[2]
    again = songsmith(
        "gen", "Down by the river", "--seed", str(last["seed"]), "-t", str(last["options"]["temperature"]), "--title", "Red",
        "--max-lines", "3", "-q",
    )  # fmt: skip
    assert again.stdout.decode() == last["text"]


def test_a_seed_that_was_not_given_is_told() -> None:
    command = ["gen", "Down by the river", "--json", "--max-lines", "2"]
    first, second = (json.loads(CliRunner().invoke(app, command).stdout) for _ in range(2))
    assert first["seed"] != second["seed"]
    again = json.loads(CliRunner().invoke(app, [*command, "--seed", str(first["seed"])]).stdout)
    assert again["text"] == first["text"]


def read_until(process: "subprocess.Popen[bytes]", lines: int) -> bytes:
    assert process.stdout is not None
    return b"".join(process.stdout.readline() for _ in range(lines))


ENDLESS = (
    "gen",
    "Down by the river",
    "--max-lines",
    "0",
    "--min-lines",
    "100000",
    "--max-new-tokens",
    "1000000",
    "--seed",
    "1",
)


def test_an_interrupt_leaves_what_was_written(songsmith: Songsmith) -> None:
    process = songsmith.start(*ENDLESS)
    seen = read_until(process, 4)
    process.send_signal(signal.SIGINT)
    rest, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.startswith(b"(stopped, starter, seed 1,")
    whole = songsmith(
        "gen", "Down by the river", "--seed", "1", "--max-lines", "8", "--min-lines", "8", "-q"
    ).stdout
    shorter = min(len(whole), len(seen + rest))
    assert (seen + rest)[: shorter - 1] == whole[: shorter - 1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_what_was_written(songsmith: Songsmith, paths: Paths, used_state: Path, number: int) -> None:
    begin_used(paths.data, used_state)
    process = songsmith.start(*ENDLESS, "--save")
    seen = read_until(process, 4)
    process.send_signal(number)
    rest, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert b"(stopped, starter, seed 1," in err
    with Library(paths.library) as library:
        assert library.song("1").text.strip() == (seen + rest).decode().strip()


def test_an_interrupted_take_is_still_json(songsmith: Songsmith) -> None:
    process = songsmith.start(*ENDLESS, "--takes", "2", "--json")
    assert process.stderr is not None
    assert b"outgrown" in process.stderr.readline()  # by then it writes
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    takes = [json.loads(row) for row in out.splitlines()]
    assert [take["finish"] for take in takes] == ["stopped", "stopped"]
    assert all(len(take["lines"]) > 10 for take in takes)


def test_an_interrupt_while_it_reads_ends_it(songsmith: Songsmith) -> None:
    process = songsmith.start("gen", "-", stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b"Down by")
    process.stdin.flush()
    unread = array("i", [1])
    while unread[0]:  # until the process has taken it and waits for more
        fcntl.ioctl(process.stdin, termios.FIONREAD, unread)
        os.sched_yield()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.read() == b""
    assert b"Traceback" not in process.stderr.read()
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()


def test_a_song_in_the_background_is_not_interrupted(songsmith: Songsmith) -> None:
    # As `nohup` and scripts start it: with interrupts ignored.
    process = subprocess.Popen(
        [*songsmith.command, "gen", "Down by the river", "--seed", "1", "--max-lines", "12", "--min-lines", "12", "-q"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )  # fmt: skip
    seen = read_until(process, 2)
    process.send_signal(signal.SIGINT)
    rest, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert len(parse((seen + rest).decode()).lines) == 13


def test_a_plain_model_is_announced(songsmith: Songsmith, plain_folder: Path) -> None:
    done = songsmith(
        "gen", "Down by the river", "--model", str(plain_folder), "-t", "2", "--max-new-tokens", "200", "--seed", "1"
    )
    assert done.returncode == 0
    assert done.stderr.splitlines()[0].startswith(b"plain wasn't trained on songs here;")
    assert visible(done.stdout.decode())
    assert "<|" not in done.stdout.decode()


@pytest.mark.parametrize(
    "home", ["a file", "under a file", "/proc/nowhere", "~nobody-by-this-name", "too long", "read-only"]
)
def test_an_odd_home_does_not_stop_a_song(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("", encoding="utf-8")
    Path("shut").mkdir(mode=0o500)
    place = {"a file": "file", "under a file": "file/below", "too long": "x" * 300, "read-only": "shut"}.get(home, home)
    monkeypatch.setenv("SONGSMITH_HOME", place)
    done = CliRunner().invoke(app, ["gen", "Down by the river", "-q", "--seed", "1", "--max-lines", "1"])
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("Down by the river\n")
    assert {path.name for path in tmp_path.iterdir()} <= {"file", "shut", home}
    assert Path("file").read_bytes() == b""


def in_shell(songsmith: Songsmith, arguments: str) -> "subprocess.CompletedProcess[bytes]":
    command = f"{shlex.join(songsmith.command)} {arguments}"
    return subprocess.run(["bash", "-c", command], capture_output=True, timeout=100, check=False)


def test_a_stream_that_is_closed_is_no_crash(songsmith: Songsmith) -> None:
    short = "gen Down --seed 1 --max-lines 1 --max-new-tokens 8"
    silent = in_shell(songsmith, f"{short} 2>&-")
    assert silent.returncode == 0
    assert silent.stdout.startswith(b"Down\n")
    deaf = in_shell(songsmith, f"{short} -q >&-")
    assert (deaf.returncode, deaf.stderr) == (0, b"")
    shut = in_shell(songsmith, "gen - <&-")
    assert shut.returncode == 3
    assert shut.stderr == b"songsmith: Standard input is closed. Give the lyrics as an argument, or pipe them in.\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "arguments", ["gen Down --seed 1 --max-lines 1 -q", "models list", "--version", "--help", "gen --help"]
)
def test_a_full_disk_is_one_sentence(songsmith: Songsmith, arguments: str) -> None:
    done = in_shell(songsmith, f"{arguments} > /dev/full")
    assert done.returncode == 5
    assert done.stderr == b"songsmith: Input or output failed: no space left on device.\n"


def test_as_many_lines_as_are_asked_for_at_least(songsmith: Songsmith) -> None:
    take = json.loads(songsmith("gen", "--seed", "3", "--min-lines", "33", "--json").stdout)
    assert len(take["lines"]) == 33  # one more than is usual at most
    refused = songsmith("gen", "--min-lines", "60", "--max-lines", "32")
    assert (refused.returncode, refused.stdout) == (2, b"")
    assert b"--min-lines 60 is more than --max-lines 32." in refused.stderr
    assert songsmith("gen", *SHORT).returncode == 0  # fewer than the usual least


def test_limits_make_room_for_lines_of_any_number() -> None:
    usual = plan_length()
    assert usual == {name: getattr(GenerationOptions(), name) for name in ("min_lines", "max_lines", "max_new_tokens")}
    for lines in (0, 4, 32, 100, 100_000):
        planned = GenerationOptions(**plan_length(min_lines=lines))
        assert planned.max_lines == max(32, lines)
        assert planned.max_new_tokens >= min(1000 * lines // 32, 1_000_000)
    assert plan_length(min_lines=60, max_lines=0)["max_lines"] == 0
    assert plan_length(max_lines=2)["max_lines"] == 2
    assert plan_length(min_lines=60, max_new_tokens=5)["max_new_tokens"] == 5
