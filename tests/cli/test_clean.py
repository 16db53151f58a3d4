"""`songsmith clean`, as a person at a shell uses it, and as a machine that loses power does."""

import json
import os
import pty
import random
import re
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import typer
from fakes import Songsmith
from typer.testing import CliRunner, Result

from songsmith.cli.app import app
from songsmith.cli.duplicates import dupes
from songsmith.corpus.records import RawRecord
from songsmith.corpus.storage.clean_files import CleanFiles
from songsmith.corpus.storage.store import Corpus, CorpusStore
from songsmith.errors import NotFoundError
from songsmith.paths import Paths, find_paths

RED = (
    "3 ContributorsRed Lyrics[Verse 1]\nFrom this valley they say (they say)\nYou are going\nYou might also like\n"
    "[Chorus]\nCome and sit by my side if you love me\nDo not hasten to bid me adieu\n12Embed"
)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture
def corpus(paths: Paths) -> Corpus:
    """Make a corpus of three songs, one of which is no song."""
    corpus = CorpusStore(paths).create("Red River")
    corpus.append([
        RawRecord(id="genius:1", title="Red", artist="Ann", text=RED),
        RawRecord(id="genius:2", title="Red (Live)", artist="Ann", text=f"{RED[:-8]}\nThank you all\n"),
        RawRecord(id="genius:3", title="Quiet", artist="Ann", text="[Instrumental]"),
    ])  # fmt: skip
    return corpus


def files(corpus: Corpus) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in corpus.path.iterdir()}


def texts(corpus: Corpus) -> dict[str, str]:
    return {song.id: song.text for song in corpus.clean()}


def test_a_dry_run_is_a_diff_that_a_person_can_judge(corpus: Corpus):
    before = files(corpus)
    result = run("clean", "--dry-run")
    assert result.exit_code == 0
    assert files(corpus) == before
    red = result.stdout.split("Red (Live)")[0].splitlines()
    assert red[0] == "Red (genius:1)"
    assert re.fullmatch(r"  - 3 ContributorsRed Lyrics\[Verse 1\]  \[[a-z ,-]+, line 1\]", red[1])
    assert red[2:4] == ["  + [Verse 1]", "    From this valley they say (they say)"]
    assert any(re.fullmatch(r"  - You might also like  \[[a-z ,-]+, line 4\]", row) for row in red)
    assert "Quiet (genius:3)\n  set aside: an instrumental\n" in result.stdout
    assert "Red (Live) (genius:2)\n  set aside: near-duplicate of Red (genius:1), sharing 9" in result.stdout
    assert "Would keep 1 song of corpus 'Red River', " in result.stderr
    assert "2 set aside (1 instrumental, 1 near-duplicate)" in result.stderr
    rows = [json.loads(row) for row in run("clean", "--dry-run", "--json").stdout.splitlines()]
    assert [row["id"] for row in rows] == ["genius:1", "genius:2", "genius:3", "genius:2"]
    assert rows[0]["removed"][0]["line"] == 1
    assert rows[3]["duplicate_of"] == "genius:1"


def test_a_report_is_of_the_last_cleaning_which_is_not_done_again(corpus: Corpus, tmp_path: Path):
    first = run("clean", "--report")  # there is none yet: it is cleaned first
    assert first.exit_code == 0
    assert "Kept 1 song of corpus 'Red River'" in first.stderr
    before = files(corpus)
    again = run("clean", "red river", "--report")
    assert (again.stdout, files(corpus)) == (first.stdout, before)
    assert "Kept" not in again.stderr
    assert re.search(r"^Red \(genius:1\)\n  - .*\n(  [-+?] .*  \[[a-z -]+, line \d+\]\n)+", again.stdout)
    output = tmp_path / "report.jsonl"
    assert run("clean", "--report", "--json", "-o", output).stderr.endswith(f"Wrote the report to {output}\n")
    rows = [json.loads(row) for row in output.read_text().splitlines()]
    assert {span["rule"] for row in rows for span in row.get("removed", ())}
    assert run("clean", "--report", "-o", output).exit_code == 2
    assert run("clean", "--report", "-o", output, "--force").exit_code == 0
    assert output.read_text() == first.stdout
    anew = run("clean", "--report", "--keep-duplicates")
    assert "Kept 2 songs" in anew.stderr
    assert "near-duplicate" not in anew.stdout


def test_a_cleaning_is_taken_back(corpus: Corpus):
    raw = list(corpus.raw())
    assert run("clean", "--undo").exit_code == 7
    assert "--undo" not in run("clean").stderr
    first = texts(corpus)
    result = run("clean", "--strip-headers", "--drop-adlibs", "--keep-duplicates")
    assert "To undo this: songsmith clean 'Red River' --undo\n" in result.stderr
    assert "[Chorus]" not in texts(corpus)["genius:1"]
    assert "(they say)" not in texts(corpus)["genius:1"]
    assert "(they say)" in first["genius:1"]
    assert run("clean", "--undo").stderr.endswith("Corpus 'Red River' is back to its previous 1 song.\n")
    assert texts(corpus) == first
    result = run("clean", "--undo")
    assert result.exit_code == 7
    assert (
        "Only the last cleaning can be undone, and it already was. Clean it with the options you want: songsmith clean 'Red River'"
        in result.stderr
    )
    assert texts(corpus) == first
    assert list(corpus.raw()) == raw


def test_the_first_cleaning_is_taken_back_to_nothing(corpus: Corpus):
    before = files(corpus)
    run("clean")
    assert "is back to having no clean songs." in run("clean", "--undo").stderr
    assert not corpus.has_clean
    assert files(corpus) == before


def test_rules_are_listed_and_left_out(corpus: Corpus):
    rules = [row.split("\t") for row in run("clean", "--list-rules").stdout.splitlines()]
    assert len(rules) > 10
    assert all(len(row) == 2 and all(row) for row in rules)
    run("clean", "--report", "--json")
    report = [json.loads(row) for row in run("clean", "--report", "--json").stdout.splitlines()]
    rule = next(
        span["rule"] for row in report for span in row["removed"] if span["text"].strip() == "You might also like"
    )
    run("clean", "--disable", rule, "--disable", rules[0][0])
    assert "You might also like" in texts(corpus)["genius:1"]
    result = run("clean", "--disable", "no such rule")
    assert result.exit_code == 2
    assert "There is no cleaning rule called 'no such rule'. The rules are: " in result.stderr
    assert rule in result.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--undo", "--dry-run"), "can't be combined"),
        (("--report", "--dry-run"), "can't be combined"),
        (("--output", "x"), "Add --report."),
        (("--json",), "Add --report or --dry-run."),
        (("--jobs", "0"), "Use --jobs 1 to"),
    ],
)
def test_what_does_not_go_together_is_told(corpus: Corpus, arguments: tuple[str, ...], complaint: str):
    before = files(corpus)
    result = run("clean", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert complaint in result.stderr
    assert files(corpus) == before


@pytest.mark.skipif(os.name == "nt", reason="no terminals like these there")
def test_on_a_terminal_the_diff_has_colours(corpus: Corpus, songsmith: Songsmith):
    outside, inside = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "200"}
    command = [*songsmith.command, "clean", "--dry-run"]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=inside, stderr=subprocess.DEVNULL, env=environment
    )
    os.close(inside)
    shown = b""
    with suppress(OSError):  # the other end is gone
        while piece := os.read(outside, 65536):
            shown += piece
    os.close(outside)
    assert process.wait() == 0
    assert re.search(rb"\x1b\[31m  - 3 ContributorsRed Lyrics\[Verse 1\]\x1b\[0m", shown)
    assert re.search(rb"\x1b\[32m  \+ \[Verse 1\]\x1b\[0m", shown)


def many(paths: Paths, songs: int) -> Corpus:
    corpus = CorpusStore(paths).create("many")
    chance = random.Random(songs)
    words = [f"word{number}" for number in range(500)]
    corpus.append(
        RawRecord(id=f"s{n}", title=f"Song {n}", text="\n".join(" ".join(chance.choices(words, k=6)) for _ in range(8)) + "\nEmbed")
        for n in range(songs)
    )  # fmt: skip
    return corpus


# Cleans for ever in a child of its own, with and without one rule in turns; a program that starts once can be killed often.
CLEAN_FOR_EVER = r"""
import os, sys
from itertools import count
from songsmith.corpus import clean_process, dedupe
from songsmith.corpus.cleaning import CleaningOptions
from songsmith.studio.cleaning import clean_corpus
from songsmith.studio.studio import Studio
for line in sys.stdin:
    jobs, first = map(int, line.split())
    child = os.fork()
    if not child:
        for turn in count(first):
            options = CleaningOptions(disabled=frozenset(["embed"] * (turn % 2)))
            for _ in clean_corpus(Studio.open(), "many", options=options, jobs=jobs):
                pass
            os.write(1, b"cleaned\n")  # all at once, or not at all
    print(child, flush=True)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""


@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork there")
def test_killed_at_any_instant_the_clean_songs_are_the_old_or_the_new(paths: Paths, kills: int):
    corpus = many(paths, 300)
    raw = files(corpus)
    chance = random.Random(kills)
    assert run("clean", "many").exit_code == run("clean", "many", "--disable", "embed").exit_code == 0
    with_embed = texts(corpus)
    run("clean", "many", "--undo")
    without = texts(corpus)
    assert len(without) == 300
    assert without != with_embed
    with subprocess.Popen(
        [sys.executable, "-c", CLEAN_FOR_EVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        for turn in range(kills):
            program.stdin.write(f"{2 if turn % 10 == 9 else 1} {turn % 2}\n")
            program.stdin.flush()
            child = int(program.stdout.readline())
            for _ in range(chance.choice([0, 0, 0, 1, 2])):
                assert program.stdout.readline() == "cleaned\n"
            select.select([program.stdout], [], [], chance.uniform(0, 0.2))  # until it is done, or somewhere before
            os.kill(child, signal.SIGKILL)
            while program.stdout.readline() != "gone\n":
                pass
            assert texts(corpus) in (without, with_embed)
            if chance.random() < 0.2:
                with suppress(NotFoundError):  # one step back was taken, and nothing cleaned since
                    CleanFiles(corpus.path).undo()
                assert texts(corpus) in (without, with_embed)
            assert raw.items() <= files(corpus).items()
    assert run("clean", "many").exit_code == 0
    assert texts(corpus) == without
    assert len(list(corpus.path.glob("clean-*.jsonl"))) == 2  # what the killed ones left is gone


@pytest.mark.skipif(os.name == "nt", reason="no such signal there")
def test_ctrl_c_ends_several_processes_and_changes_nothing(paths: Paths, songsmith: Songsmith):
    corpus = many(paths, 6000)
    before = files(corpus)
    # A group of its own: Ctrl-C at a terminal reaches every process of it.
    process = subprocess.Popen(
        [*songsmith.command, "clean", "--jobs", "2"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )  # fmt: skip
    while process.poll() is None and not any(path.stat().st_size for path in corpus.path.glob("clean-*.jsonl")):
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.005)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said.splitlines()[-1]) == (130, b"Interrupted; nothing was changed.")
    assert files(corpus) == before


def test_groups_of_near_duplicates_are_shown(corpus: Corpus):
    command = typer.Typer()
    command.command()(dupes)
    for _ in range(2):  # before it is cleaned, and after
        shown = CliRunner().invoke(command)
        assert re.fullmatch(r"Red – Ann \(genius:1\)\n  9\d%  Red \(Live\) – Ann \(genius:2\)\n", shown.stdout)
        assert shown.stderr.endswith("1 group with 1 duplicate.\n")
        run("clean")
    (row,) = CliRunner().invoke(command, ["--json"]).stdout.splitlines()
    assert json.loads(row)["kept"] == {"id": "genius:1", "title": "Red", "artist": "Ann", "similarity": None}
    other = CorpusStore(find_paths()).create("other")
    other.append([RawRecord(id="a", text=RED)])
    assert CliRunner().invoke(command, ["other"]).stderr == "No near-duplicates found.\n"


def test_who_loses_most_songs_is_told_why_and_what_to_do(paths: Paths):
    corpus = CorpusStore(paths).create("Same")
    corpus.append([RawRecord(id=f"s{n}", title="Red", artist="Ann", text=f"{RED}\n{n}") for n in range(4)])
    for options, which in ((("--dry-run",), ""), ((), " To see which: songsmith corpus show Same --set-aside")):
        said = run("clean", *options).stderr
        assert re.search(rf"More than half w\w+( be)? set aside; the most common reason: near-duplicate\.{which}\n", said)
        assert "To use near-duplicates too: songsmith clean Same --keep-duplicates\n" in said
    assert "More than half" not in run("clean", "--keep-duplicates").stderr
    quiet = CorpusStore(paths).create("Quiet")
    quiet.append([RawRecord(id=f"s{n}", title=f"Q{n}", text="[Instrumental]") for n in range(3)])
    said = run("clean", "Quiet").stderr
    assert "More than half were set aside; the most common reason: an instrumental. To see which" in said
    assert "--keep-duplicates" not in said


def test_a_report_of_nothing_says_so(paths: Paths, tmp_path: Path):
    corpus = CorpusStore(paths).create("Clear")
    corpus.append([RawRecord(id="s1", title="Red", text="[Verse]\nThe water is wide\nI cannot get over\n")])
    run("clean")
    for options in (("--report",), ("--report", "--json"), ("--report", "-o", tmp_path / "report.txt")):
        done = run("clean", *options)
        assert (done.exit_code, done.stdout) == (0, "")
        nothing = "Nothing to report: cleaning 'Clear' changed nothing and found nothing doubtful.\n"
        assert done.stderr.endswith(nothing)
