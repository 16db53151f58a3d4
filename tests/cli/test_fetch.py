"""`songsmith fetch`, as a person at a shell uses it, interrupts it, and loses power in the middle of it."""

import os
import pty
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import Songsmith
from genius_server import TOKEN, Answer, FakeGenius, FakeSong, Fault, Layout, Request
from lrclib_server import FakeEntry, FakeLrclib
from typer.testing import CliRunner, Result

from songsmith.cli.app import app
from songsmith.corpus.storage.store import CorpusStore
from songsmith.errors import NotFoundError
from songsmith.paths import find_paths

SINGERS = "The Old Singers"


def make_songs(count: int) -> list[FakeSong]:
    return [FakeSong(id=100 + i, title=f"Song {i}", lyrics=f"Come and sit\n\nby my side {i}") for i in range(count)]


@pytest.fixture
def genius(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGenius]:
    # Not the keyring of whoever runs this.
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    with FakeGenius(make_songs(5)) as genius:
        for name, value in genius.environment.items():
            monkeypatch.setenv(name, value)
        yield genius


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(app, ["fetch", *arguments])
    assert TOKEN not in result.output
    assert "Traceback" not in result.output
    return result


def held() -> list[str]:
    try:
        return [record.id for record in CorpusStore(find_paths()).open(SINGERS).raw()]
    except NotFoundError:
        return []


def test_songs_are_fetched_and_the_next_command_is_told(genius: FakeGenius):
    genius.songs[2:4] = [
        FakeSong(id=1, title="A", lyrics="", instrumental=True),
        FakeSong(id=2, title="B", lyrics="la", layout=Layout.CHANGED),
    ]
    result = run("--artist", "the old singers")
    assert (result.exit_code, result.stdout) == (0, "")
    page = genius.songs[3].as_json()["url"]
    assert result.stderr.splitlines() == [
        f"B: The page {page} has no lyrics where they used to be: Genius has changed its page layout.",
        "Kept 3 songs of The Old Singers in corpus 'The Old Singers'.",
        "Without lyrics: 1 (1: it is an instrumental).",
        "Genius failed for 1 song. Run the same command again to retry.",
        "Next: songsmith clean 'The Old Singers'",
    ]
    genius.songs[2:4] = []
    again = run("--artist", SINGERS).stderr
    assert again.startswith(
        "Kept nothing new of The Old Singers in corpus 'The Old Singers', which already had 3.\nNext:"
    )


def test_options(genius: FakeGenius):
    genius.songs.append(FakeSong(id=7, title="A guest", lyrics="la", artist=(9, "Others"), featured=((1, SINGERS),)))
    result = run("--artist", SINGERS, "--corpus", "mine", "--max-songs", "2", "--sort", "title", "--include-features")
    assert result.stderr.endswith("Kept 2 songs of The Old Singers in corpus 'mine'.\nNext: songsmith clean mine\n")
    titles = [record.title for record in CorpusStore(find_paths()).open("mine").raw()]
    assert titles == ["A guest", "Song 0"]


GUESTS = [FakeSong(id=200 + i, title=f"Air {i}", lyrics=f"la {i}", artist=(2, "The Guests")) for i in range(3)]


def test_each_of_several_artists_gets_a_corpus_and_one_failure_loses_none(genius: FakeGenius):
    genius.songs += GUESTS
    genius.artists = [(1, SINGERS), (2, "The Guests")]
    result = run("--artist", SINGERS, "--artist", "Nobody", "--artist", "the guests", "--max-songs", "2")
    assert (result.exit_code, result.stdout) == (8, "")
    assert result.stderr.splitlines() == [
        "Kept 2 songs of The Old Singers in corpus 'The Old Singers'.",
        "Genius has no artist called 'Nobody'. Look for the name at https://genius.com.",
        "Kept 2 songs of The Guests in corpus 'The Guests'.",
        "Next: songsmith clean 'The Old Singers'",
        "Next: songsmith clean 'The Guests'",
        "songsmith: 1 of 3 couldn't be fetched. The reasons are above; the others are complete.",
    ]
    assert genius.asked_lyrics() == [100, 101, 200, 201]


def test_albums_songs_and_artists_go_together(genius: FakeGenius):
    genius.songs += [replace(song, album=(7, "Airs")) for song in GUESTS]
    result = run("--artist", "The Guests", "--album", "airs", "--song", "Air 1", "--corpus", "mine")
    assert result.stderr.splitlines() == [
        "Kept 3 songs of 'Airs' by The Guests in corpus 'mine'.",
        "Kept nothing new of The Guests in corpus 'mine', which already had 1.",
        "Next: songsmith clean mine",
    ]
    assert run("--song", "Song 3", "--corpus", "mine").exit_code == 0
    assert genius.asked_lyrics() == [200, 201, 202, 103]


def test_a_list_names_artists_and_songs(genius: FakeGenius, tmp_path: Path):
    genius.songs += GUESTS
    genius.artists = [(1, SINGERS), (2, "The Guests")]
    path = tmp_path / "list.txt"
    path.write_text("\ufeff# whom I like\n\nThe Guests\n  The Old Singers – Song 2 \nThe Guests\n", encoding="utf-8")
    assert run("--from-file", str(path)).exit_code == 0
    assert genius.asked_lyrics() == [200, 201, 202, 102]


@pytest.mark.parametrize("content", [b"", b"# nobody\n", b"\xff\xfe\x00", None])
def test_a_list_that_cannot_be_used(genius: FakeGenius, tmp_path: Path, content: bytes | None):
    path = tmp_path / "list.txt"
    if content is not None:
        path.write_bytes(content)
    assert run("--from-file", str(path)).exit_code == (7 if content is None else 3)
    assert genius.requests == []


def test_lrclib_needs_no_token(genius: FakeGenius, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("GENIUS_ACCESS_TOKEN")
    with FakeLrclib([FakeEntry(id=i, title=f"Song {i}") for i in range(3)]) as lrclib:
        for name, value in lrclib.environment.items():
            monkeypatch.setenv(name, value)
        for told in ("Kept 3 songs of The Old Singers", "Kept nothing new of The Old Singers"):
            result = run("--source", "lrclib", "--artist", SINGERS)
            assert (result.exit_code, result.stdout) == (0, "")
            assert result.stderr.startswith(told)
    assert held() == ["lrclib:0", "lrclib:1", "lrclib:2"]
    assert genius.requests == []


def test_what_is_fetched_can_be_told_from_the_rest(genius: FakeGenius, tmp_path: Path):
    run("--artist", SINGERS, "--max-songs", "1", "--corpus", "mine")
    own = tmp_path / "own.txt"
    own.write_text("mine alone\nand nobody's\n")
    for command in (["import", str(own), "--corpus", "mine"], ["clean", "mine"]):
        assert CliRunner().invoke(app, command).exit_code == 0
    fetched, own_song = CorpusStore(find_paths()).open("mine").clean()
    assert (fetched.metadata["fetched"], fetched.source, fetched.url[:8]) == (True, "genius", "https://")
    assert "fetched" not in own_song.metadata
    first = next(iter(CorpusStore(find_paths()).open("mine").raw()))
    assert first.fetched_at


def test_a_wait_is_told(genius: FakeGenius):
    genius.fail("100-lyrics", Answer(status=429))
    assert run("--artist", SINGERS).stderr.startswith(
        "Genius asked for fewer requests (429). Trying again in 0 s.\nKept 5 songs"
    )


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        (None, "songsmith: Genius needs a token: GENIUS_ACCESS_TOKEN isn't set, and the"),
        ("wrong-token-9c1", "songsmith: Genius doesn't accept the token in GENIUS_ACCESS_TOKEN. Copy the client access"),
        ("wrong token-9c1", "songsmith: GENIUS_ACCESS_TOKEN doesn't hold a token"),
    ],
)  # fmt: skip
def test_a_token_that_is_missing_or_wrong(
    genius: FakeGenius, home: Path, monkeypatch: pytest.MonkeyPatch, token: str | None, sentence: str
):
    monkeypatch.delenv("GENIUS_ACCESS_TOKEN")
    if token:
        monkeypatch.setenv("GENIUS_ACCESS_TOKEN", token)
    result = run("--artist", SINGERS)
    assert (result.exit_code, result.stdout) == (8, "")
    assert result.stderr.startswith(sentence)
    assert result.stderr.count("\n") == 1
    assert "token-9c1" not in result.stderr
    assert not (home / "corpora").exists()


def test_an_artist_and_a_limit_that_cannot_be(genius: FakeGenius):
    assert run("--artist", "The Youngs").stderr == (
        "songsmith: Genius has no artist called 'The Youngs'. Did you mean The Old Singers?\n"
    )
    assert run("--artist", SINGERS, "--max-songs", "0").exit_code == 2
    assert run("--artist", " ").exit_code == 2
    assert run("--artist", SINGERS, "--corpus", "//").exit_code == 2
    assert run().exit_code == 2


def test_nothing_else_is_said_of_a_page_that_cannot_be_read(genius: FakeGenius, songsmith: Songsmith):
    genius.songs = [FakeSong(id=2, title="B", lyrics="la", layout=Layout.CHANGED)]
    done = songsmith("fetch", "--song", "B")
    assert (done.returncode, done.stdout) == (8, b"")
    told = done.stderr.decode().splitlines()
    assert [line.split(": ")[0] for line in told] == ["B", "songsmith"]
    assert told[1].endswith("Update songsmith and lyricsgenius; if that doesn't help, report it.")


def test_what_genius_says_drives_no_terminal(genius: FakeGenius):
    genius.songs = [
        FakeSong(id=3, title="Red\x1b[2J", lyrics="", artist=(1, "Old\x1b[31m Singers"), layout=Layout.CHANGED),
        FakeSong(id=4, title="Blue", lyrics="la", artist=(1, "Old\x1b[31m Singers")),
    ]
    genius.artists = [(1, "Old\x1b[31m Singers")]
    result = run("--artist", "old 31m singers")
    assert result.exit_code == 0
    assert "\x1b" not in result.stderr


def test_help_says_whose_words_they_are():
    words = " ".join(run("--help").stdout.split())
    for part in (
        "Lyrics belong to those who wrote them", "Personal use means:", "Do not publish them",
        "do not publish a model that recites them", "at most 20 entries",
    ):  # fmt: skip
        assert part in words


def test_nothing_of_the_token_is_left_in_output_or_home(genius: FakeGenius, home: Path, songsmith: Songsmith):
    genius.fail("102-lyrics", Answer(status=403, body=f"Bearer {TOKEN}", headers={"X-Sent": TOKEN}))
    genius.fail("100-lyrics", Fault.TRUNCATED)
    genius.fail("101-lyrics", Answer(status=500, body=f"Bearer {TOKEN}"))
    done = songsmith("fetch", "--artist", SINGERS)
    assert done.returncode == 8
    assert TOKEN.encode() not in done.stdout + done.stderr
    assert b"Traceback" not in done.stderr
    files = [path for path in home.rglob("*") if path.is_file()]
    assert any(path.suffix == ".jsonl" for path in files)
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []


def test_an_interrupt_ends_it_and_says_that_it_goes_on(genius: FakeGenius, songsmith: Songsmith):
    process: list[subprocess.Popen[bytes]] = []

    def interrupt(request: Request) -> None:
        if "103-lyrics" in request.path:
            process[0].send_signal(signal.SIGINT)
            process[0].wait(timeout=60)

    genius.on_request = interrupt
    process.append(songsmith.start("fetch", "--artist", SINGERS))
    out, err = process[0].communicate(timeout=60)
    assert (process[0].returncode, out) == (130, b"")
    assert err == b"Interrupted; 3 songs fetched. Run the same command again to continue.\n"
    genius.on_request = lambda request: None
    assert run("--artist", SINGERS).exit_code == 0
    assert genius.asked_lyrics() == [100, 101, 102, 103, 103, 104]


def test_a_terminal_shows_a_bar_and_keeps_what_matters(genius: FakeGenius, songsmith: Songsmith):
    genius.fail("102-lyrics", Answer(status=500))
    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        [*songsmith.command, "fetch", "--artist", SINGERS, "--max-songs", "4"], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=inside, env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "100"},
    )  # fmt: skip
    os.close(inside)
    seen = b""
    try:
        while piece := os.read(terminal, 65536):
            seen += piece
    except OSError:  # how a terminal says that nobody is there any more
        pass
    os.close(terminal)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, b"")
    assert b"100% 4 songs" in re.sub(rb"\x1b\[[0-9;]*m", b"", seen)
    assert b"Genius has a server error (500). Trying again in 0 s.\r\n" in seen
    assert b"Kept 4 songs of The Old Singers in corpus 'The Old Singers'.\r\n" in seen
    assert seen.endswith(b"Next: songsmith clean 'The Old Singers'\r\n")


def kill_until_done(genius: FakeGenius, songsmith: Songsmith, *, seed: int, kills: int) -> None:
    """Fetch, with kill -9 at random instants of the first `kills` runs; each goes on where the last one fell."""
    chance = random.Random(seed)
    process: list[subprocess.Popen[bytes]] = []
    for run_number in range(kills + 1):
        before, asked = set(held()), len(genius.asked_lyrics())
        # From the search to the end of the last song: while Genius is asked, or a moment after it answered.
        victim = [chance.randrange(2 + len(genius.songs) - len(before))] if run_number < kills else []
        moment_s, early = chance.uniform(0, 0.004), chance.random() < 0.3
        count = [0]

        def kill(request: Request, now: bool, victim: list[int] = victim, count: list[int] = count,
                 moment_s: float = moment_s) -> None:  # fmt: skip
            if now and count[0] in victim:
                time.sleep(moment_s)
                process[-1].kill()
                process[-1].wait()
            count[0] += now

        genius.on_request = lambda request, kill=kill, early=early: kill(request, early)
        genius.on_answered = lambda request, kill=kill, early=early: kill(request, not early)
        process.append(songsmith.start("fetch", "--artist", SINGERS))
        _, err = process[-1].communicate(timeout=60)
        assert process[-1].returncode in (-signal.SIGKILL, 0), err
        now = held()
        assert len(now) == len(set(now))
        assert before <= set(now)
        assert not {int(id.removeprefix("genius:")) for id in before} & set(genius.asked_lyrics()[asked:])
        # At most the song of the moment was asked for and is not there.
        assert len(genius.asked_lyrics()[asked:]) - (len(now) - len(before)) <= 1
    assert process[-1].returncode == 0
    records = list(CorpusStore(find_paths()).open(SINGERS).raw())
    assert sorted(record.text for record in records) == sorted(song.lyrics for song in genius.songs)


def test_kill_9_loses_and_doubles_nothing(genius: FakeGenius, songsmith: Songsmith):
    genius.songs = make_songs(12)
    kill_until_done(genius, songsmith, seed=0, kills=3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 11))
def test_kill_9_loses_and_doubles_nothing_two_hundred_times(genius: FakeGenius, songsmith: Songsmith, seed: int):
    genius.songs = make_songs(200)
    kill_until_done(genius, songsmith, seed=seed, kills=20)
