"""`songsmith import`, `clean` and `corpus`, as a person at a shell uses them."""

import json
import os
import pty
import random
import re
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from fakes import Songsmith
from typer.testing import CliRunner, Result

from songsmith.cli.app import app
from songsmith.corpus.storage.store import CorpusStore
from songsmith.paths import Paths

DIRTY = (
    "3 ContributorsValley Lyrics[Verse 1]\nFrom this valley they say\nYou are going\nYou might also like\n"
    "[Chorus]\nCome and sit\n12Embed"
)


def run(*arguments: str | Path, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)], input=stdin)


def write_songs(path: Path, count: int, text: str = "line {n}\nla la\n") -> Path:
    rows = [
        {"id": f"s{n}", "title": f"Song {n}", "artist": "Ann", "text": text.format(n=n), "n": n} for n in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def songs(paths: Paths, tmp_path: Path) -> Path:
    """Import five songs into the corpus `songs`, and return their file."""
    path = write_songs(tmp_path / "songs.jsonl", 5)
    assert run("import", path).exit_code == 0
    return path


def test_from_a_file_to_clean_songs_each_step_names_the_next(paths: Paths, tmp_path: Path):
    path = tmp_path / "Red River.jsonl"
    rows = [{"id": "genius:1", "title": "Valley", "text": DIRTY}, {"text": "a <|title|> b"}, {"text": "Only la\n"}]
    path.write_text("\n".join([*map(json.dumps, rows), "{broken"]))
    result = run("import", path)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.splitlines() == [
        "Kept 2 songs in corpus 'Red River', 2 set aside (1 holds songsmith's own mark <|title|>, 1 not valid JSON).",
        "To see what was set aside: songsmith corpus show 'Red River' --set-aside",
        "Next: songsmith clean 'Red River'",
    ]
    assert "holds songsmith's own mark <|title|>" in run("corpus", "show", "red river", "--set-aside").stdout
    assert "Kept 0 songs in corpus 'Red River', 2 already imported" in run("import", path).stderr

    result = run("clean", "--dry-run")
    assert result.stderr.startswith(
        "Corpus 'Red River' (the only one).\nWould keep 2 songs of corpus 'Red River', 1 changed ("
    )
    assert result.stdout.startswith("Valley (genius:1)\n  - ")
    assert re.search(r"  - .*Embed  \[[a-z -]+, line 7\]\n", result.stdout)
    assert "Untitled" not in result.stdout
    assert run("corpus", "list").stdout.split("\t")[:4] == ["Red River", "2", "no", "2"]

    result = run("clean", "RED RIVER")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("Kept 2 songs of corpus 'Red River', 1 changed (")
    assert result.stderr.splitlines()[-1] == "Next: songsmith finetune --corpus 'Red River'"
    exported = [json.loads(row) for row in run("corpus", "export").stdout.splitlines()]
    words = " ".join(exported[0]["text"].split())
    assert words == "[Verse 1] From this valley they say You are going [Chorus] Come and sit"
    assert json.loads(run("corpus", "export", "--raw").stdout.splitlines()[0])["text"] == DIRTY


def test_options_of_an_import(paths: Paths, tmp_path: Path):
    table = tmp_path / "t.csv"
    table.write_text("song,who,body\nA,Ann,la la\nB,Ben,lo lo\nC,Ann,li li\n")
    result = run("import", table)
    assert result.exit_code == 2
    assert "--text-column" in result.stderr
    columns = ("--text-column", "body", "--title-column", "song", "--artist-column", "who")
    result = run("import", table, *columns, "--corpus", "AC/DC", "--filter", "artist=Ann", "--max-songs", "1")
    assert "Kept 1 song in corpus 'AC/DC'." in result.stderr
    result = run("import", table, *columns, "--corpus", "AC/DC", "--filter", "artist=Ann")
    assert "Kept 1 song in corpus 'AC/DC', 1 already imported, 1 left out by the filters." in result.stderr
    text = tmp_path / "t.txt"
    text.write_text("one\n\n\ntwo\n===\nthree\n")
    assert "Kept 2 songs" in run("import", text, "--separator", "===").stderr
    assert "Kept 2 songs in corpus 'gaps'" in run("import", text, "--separator", r"\n\n\n", "--corpus", "gaps").stderr


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (("import", "nowhere.txt"), 7, "nowhere.txt doesn't exist."),
        (("fetch", "--from-file", "nowhere.txt"), 7, "nowhere.txt doesn't exist."),
        (("eval", "starter", "--corpus", "./nowhere.txt"), 7, "There is no file or corpus called ./nowhere.txt"),
        (("songs", "repair", "nowhere.sqlite3"), 7, "nowhere.sqlite3 doesn't exist."),
        (("import", "."), 3, "has no files with songs"),
        (("import", "{songs}", "--filter", "n"), 2, "'n' isn't a condition. Write it like kind=song"),
        (("import", "{songs}", "--max-songs", "0"), 2, "--max-songs 1"),
        (("import", "{songs}", "--corpus", ".."), 2, "can't be the name of a corpus"),
        (("clean", "sonsg"), 7, "There is no corpus 'sonsg'. Did you mean 'songs'?"),
        (("corpus", "show", "zebra"), 7, "There are: songs."),
        (("corpus", "stats", ""), 7, "There is no corpus ''."),
        (("corpus", "export", "--max-songs", "-1"), 2, "--max-songs 1"),
        (("corpus", "export", "-o", "{songs}"), 2, "already exists. Choose another name, or replace it with --force."),
        (("corpus", "rm", "songs"), 2, "This permanently removes the corpus 'songs' with 5 songs. Confirm with --yes."),
    ],
)
def test_a_mistake_is_one_sentence_with_the_next_step(
    songs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[str, ...], code: int, complaint: str
):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    result = run(*(argument.format(songs=songs) for argument in arguments))
    assert result.exit_code == code
    assert result.stdout == ""
    assert complaint in result.stderr
    assert result.stderr.splitlines()[-1].startswith("songsmith: ")
    assert len(run("corpus", "export", "songs").stdout.splitlines()) == 5


def test_without_any_corpus_the_way_to_one_is_told(paths: Paths):
    assert run("corpus", "list").stderr == "No corpora yet. Make one with: songsmith import PATH\n"
    for arguments in (("clean",), ("corpus", "show"), ("corpus", "stats"), ("corpus", "export")):
        result = run(*arguments)
        assert (result.exit_code, result.stdout) == (7, "")
        assert "songsmith import PATH" in result.stderr
    assert not paths.data.exists()


def test_that_nothing_was_set_aside_is_said(songs: Path):
    result = run("corpus", "show", "--set-aside")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "Nothing was set aside.\n" in result.stderr
    result = run("corpus", "show", "--set-aside", "--json")
    assert result.stdout == ""
    assert "Nothing" not in result.stderr


def test_what_a_corpus_is_as_text_and_as_json(songs: Path):
    assert run("corpus", "show").stdout.startswith("name: songs\nsongs: 5 (0.5 kB)\nclean: no\nset aside: 0\nchanged: ")
    about = json.loads(run("corpus", "show", "--json").stdout)
    assert (about["name"], about["raw_records"], about["set_aside_reasons"]) == ("songs", 5, {})
    run("clean")
    assert [json.loads(row)["is_clean"] for row in run("corpus", "list", "--json").stdout.splitlines()] == [True]
    run("import", write_songs(songs, 6))
    shown = run("corpus", "show").stdout
    assert "clean: 5, older than the songs\ncleaned with: headers kept, ad-libs kept" in shown
    result = run("corpus", "stats")
    assert result.stdout.startswith(
        "songs\t5\nartists\t1\nlines\t10\nwords\t20; 4 per song\nvocabulary\t7 different words\n"
    )
    assert result.stdout.endswith("5\tla la\n")
    assert "Corpus 'songs' has 1 new song since it was last cleaned: songsmith clean songs\n" in result.stderr
    counted = json.loads(run("corpus", "stats", "--raw", "--json").stdout)
    assert (counted["songs"], counted["repeated_lines"]) == (6, [["la la", 6]])


def test_exports(songs: Path, tmp_path: Path):
    result = run("corpus", "export", "songs", "--filter", "n>=1", "--max-songs", "2")
    assert [json.loads(row)["id"] for row in result.stdout.splitlines()] == ["s1", "s2"]
    assert run("corpus", "export", "songs", "-f", "text", "--max-songs", "1").stdout == "line 0\nla la\n"
    output = tmp_path / "out.jsonl"
    for _ in range(2):
        result = run("corpus", "export", "songs", "--output", output, "--force")
        assert (result.stdout, result.stderr) == ("", f"Wrote 5 songs to {output}\n")
    assert "Kept 0 songs in corpus 'songs', 5 already imported." in run("import", output, "--corpus", "songs").stderr
    result = run("corpus", "export", "songs", "--filter", "n>9", "--output", tmp_path / "none.jsonl")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "No song in corpus 'songs' matches n>9." in result.stderr
    assert not (tmp_path / "none.jsonl").exists()
    run("clean")
    run("import", write_songs(songs, 7))
    assert run("corpus", "export", "songs").stderr.startswith(
        "Corpus 'songs' has 2 new songs since it was last cleaned"
    )
    assert run("corpus", "export", "songs", "--raw").stderr == ""


def test_a_damaged_corpus_stands_in_nobodys_way(songs: Path, paths: Paths):
    run("import", songs, "--corpus", "d1")
    (paths.corpora / "d1" / "raw-00001.jsonl").write_bytes(b"x")
    result = run("corpus", "list")
    assert result.exit_code == 0
    assert [row.split("\t")[:2] for row in result.stdout.splitlines()] == [["d1", "damaged"], ["songs", "5"]]
    assert "raw-00001.jsonl is damaged. See what can be saved with: songsmith corpus verify" in result.stderr
    assert "problem" in json.loads(run("corpus", "list", "--json").stdout.splitlines()[0])
    assert run("corpus", "show", "d1").exit_code == 5
    assert run("corpus", "rm", "d1", "--yes").stderr == "Removed the damaged corpus 'd1'.\n"
    run("import", songs, "--corpus", "new")
    (paths.corpora / "new" / "corpus.json").write_text('{"name": "new", "format": 2}')
    assert "written by a newer songsmith" in run("corpus", "list").stderr
    assert run("clean", "songs").exit_code == 0
    assert run("corpus", "rm", "new", "--yes").exit_code == 0


def test_a_misspelt_filter_is_told(paths: Paths, tmp_path: Path):
    result = run("import", write_songs(tmp_path / "songs.jsonl", 2), "--filter", "sensitve!=true")
    assert "Kept 2 songs" in result.stderr
    assert (
        "No song has 'sensitve'; there are: n, title, artist, source, id, url, text. Is the filter missp"
        in result.stderr
    )


def test_a_dry_run_shows_what_comes_and_what_goes(paths: Paths, tmp_path: Path):
    refrain = "La la la, the river\nRolls down to the sea\n"
    song = tmp_path / "song.txt"
    song.write_text(f"Come and sit by my side\nIf you love me\n\n{refrain}\nDo not hasten\nTo bid adieu\n\n{refrain}")
    run("import", song)
    shown = run("clean", "--dry-run")
    assert re.search(r"  \+ \[Chorus\]  \[[a-z -]+, line \d+\]\n", shown.stdout)
    assert "1 changed (" in shown.stderr
    song.write_text("Come and\u00a0sit by my side\n")
    run("import", song, "--corpus", "spaces")
    assert "  only spaces, line breaks or punctuation\n" in run("clean", "spaces", "--dry-run").stdout


def test_a_corpus_is_removed_when_that_is_meant(songs: Path):
    result = run("corpus", "rm", "SONGS", "--yes")
    assert (result.exit_code, result.stderr) == (0, "Removed the corpus 'songs' with 5 songs.\n")
    assert run("corpus", "rm", "songs", "-y").exit_code == 7


def test_nothing_in_a_song_drives_the_terminal(paths: Paths, tmp_path: Path):
    path = tmp_path / "bad\x1b[2J.jsonl"
    evil = "\x1b[2J\x9b31m\u202e"
    rows = [
        {"id": evil, "title": evil, "text": f"words {evil}\n"},
        {"id": f"b{evil}", "title": evil, "text": f"<|title|>{evil}"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for arguments in (
        ("import", path), ("clean", "--dry-run"), ("clean",), ("corpus", "list"), ("corpus", "show"),
        ("corpus", "show", "--set-aside"), ("corpus", "stats"), ("corpus", "stats", "--raw", "--json"),
        ("corpus", "export", "--raw"), ("corpus", "show", "--set-aside", "--json"), ("corpus", "list", "--json"),
    ):  # fmt: skip
        result = run(*arguments)
        assert result.exit_code == 0
        assert not set(result.stdout + result.stderr) & set("\x1b\x9b\u202e"), arguments


@pytest.mark.skipif(os.name == "nt", reason="no terminals like these there")
def test_a_terminal_sees_a_bar_and_a_pipe_gets_only_results(paths: Paths, tmp_path: Path, songsmith: Songsmith):
    path = write_songs(tmp_path / "many.jsonl", 4000)
    outside, inside = pty.openpty()
    command = [*songsmith.command, "import", str(path)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=inside)
    os.close(inside)
    shown = b""
    try:
        while piece := os.read(outside, 65536):
            shown += piece
    except OSError:  # the other end is gone
        pass
    assert process.communicate()[0] == b""
    assert process.returncode == 0
    os.close(outside)
    assert b"Importing many.jsonl" in shown
    assert b"4,000 songs" in shown
    assert b"100%" in shown
    assert shown.rfind(b"\x1b[?25h") > shown.rfind(b"\x1b[?25l")  # the cursor is back
    assert b"Kept 4,000 songs in corpus 'many'." in shown
    done = songsmith("import", str(path), "--corpus", "again")
    assert done.stderr.decode().splitlines() == ["Kept 4,000 songs in corpus 'again'.", "Next: songsmith clean again"]


def wait_for(process: "subprocess.Popen[bytes]", shard: Path, wanted: int) -> None:
    """Return when a shard has grown beyond so many bytes, or the process that writes it has ended."""
    while not (shard.exists() and shard.stat().st_size > wanted):
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.001)
            return


@pytest.mark.parametrize("kills", [2, pytest.param(40, marks=pytest.mark.slow)])
@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_an_import_that_is_killed_is_finished_by_the_next(
    paths: Paths, tmp_path: Path, songsmith: Songsmith, kills: int
):
    path = write_songs(tmp_path / "songs.jsonl", 6000, text="line {n}\n" * 40)
    shard = paths.corpora / "songs" / "raw-00001.jsonl"
    chance = random.Random(kills)
    for _ in range(kills):
        process = songsmith.start("import", str(path))
        wanted = chance.randrange(path.stat().st_size)
        wait_for(process, shard, wanted)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if shard.exists() and chance.random() < 0.5:
            CorpusStore(paths).remove("songs")
    assert songsmith("import", str(path)).returncode == 0
    assert [song.id for song in CorpusStore(paths).open("songs").raw()] == [f"s{n}" for n in range(6000)]


@pytest.mark.skipif(os.name == "nt", reason="no such signal there")
def test_an_interrupted_cleaning_changes_nothing(paths: Paths, tmp_path: Path, songsmith: Songsmith):
    assert run("import", write_songs(tmp_path / "songs.jsonl", 20_000, text="line {n}\n" * 20)).exit_code == 0
    folder = paths.corpora / "songs"
    process = songsmith.start("clean")
    while process.poll() is None and not any(path.stat().st_size for path in folder.glob("clean-*.jsonl")):
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.005)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1] == b"Interrupted; nothing was changed."
    assert not list(folder.glob("clean*"))


@pytest.mark.skipif(os.name == "nt", reason="no such signal there")
def test_an_interrupted_import_says_what_came_in(paths: Paths, tmp_path: Path, songsmith: Songsmith):
    path = write_songs(tmp_path / "songs.jsonl", 60_000)
    shard = paths.corpora / "songs" / "raw-00001.jsonl"
    process = songsmith.start("import", str(path))
    wait_for(process, shard, 0)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    told = re.fullmatch(rb"Interrupted; ([\d,]+) songs imported. Run the same command again to continue.\n", said)
    assert told
    assert len(list(CorpusStore(paths).open("songs").raw())) == int(told[1].replace(b",", b""))


def test_one_song_of_a_corpus_is_read(paths: Paths, tmp_path: Path):
    path = tmp_path / "songs.jsonl"
    rows = [
        {"id": "genius:1", "title": "Valley", "artist": "Ann", "text": DIRTY, "source": "genius",
         "url": "https://genius.com/valley", "fetched_at": "2026-01-02T03:04:05Z"},
        {"id": "s2", "title": "Quiet", "text": "[Instrumental]"},
        {"id": "s3", "title": "Mark", "text": "a <|title|> b"},
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run("import", path)
    result = run("corpus", "show", "songs", "genius:1")
    about = "Valley (Ann)\n(genius:1, genius, https://genius.com/valley, fetched 2026-01-02T03:04:05Z)\n"
    assert (result.stdout, result.stderr) == (f"{DIRTY}\n", f"{about}Shown as imported: not cleaned yet.\n")
    run("clean")
    result = run("corpus", "show", "songs", "genius:1")
    assert (result.exit_code, result.stderr) == (0, about)
    assert result.stdout.startswith("[Verse 1]\nFrom this valley they say\n")
    assert "Embed" not in result.stdout
    raw = run("corpus", "show", "songs", "genius:1", "--raw")
    assert (raw.stdout, raw.stderr) == (f"{DIRTY}\n", about)
    assert json.loads(run("corpus", "show", "songs", "genius:1", "--raw", "--json").stdout) == rows[0]
    result = run("corpus", "show", "songs", "s2")
    assert result.stdout == "[Instrumental]\n"
    assert "Shown as imported: set aside, " in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (("songs", "s11"), 7, "There is no song 's11' in corpus 'songs'. Did you mean s1 (Song 1)"),
        (("songs", "song 4"), 7, "Did you mean s4 (Song 4)"),
        (("songs", "qqqqqqqq"), 7, "Find its id with: songsmith corpus search WORDS --corpus songs"),
        (("songs", "bad.jsonl:1"), 7, "'bad.jsonl:1' was set aside when it was imported: not valid JSON."),
        (("songs", "s1", "--set-aside"), 2, "Leave out --raw and the id."),
        (("songs", "--raw"), 2, "Give the corpus and the song's id."),
        (("sonsg", "s1"), 7, "Did you mean 'songs'?"),
    ],
)
def test_a_song_that_is_not_there(songs: Path, arguments: tuple[str, ...], code: int, complaint: str):
    bad = songs.with_name("bad.jsonl")
    bad.write_text('{broken\n{"text": "la"}\n')
    run("import", bad, "--corpus", "songs")
    result = run("corpus", "show", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert complaint in result.stderr


@pytest.mark.parametrize(
    ("name", "begins"),
    [("x.jsonl", b'{"id"'), ("x.NDJSON", b'{"id"'), ("x", b'{"id"'), ("x.txt", b"line 0\n"), ("x.parquet", b"PAR1")],
)
def test_the_ending_of_a_file_says_how_it_is_written(songs: Path, tmp_path: Path, name: str, begins: bytes):
    assert run("corpus", "export", "-o", tmp_path / name).exit_code == 0
    assert (tmp_path / name).read_bytes().startswith(begins)


@pytest.mark.parametrize("ending", ["csv", "TSV", "xlsx", "zip", "db", "json", "gz"])
def test_an_ending_of_what_is_not_written_is_refused(songs: Path, tmp_path: Path, ending: str):
    output = tmp_path / f"x.{ending}"
    result = run("corpus", "export", "-o", output)
    assert result.exit_code == 2
    assert f"{output} looks like {ending.upper()}, which songsmith doesn't write." in result.stderr
    assert not output.exists()
    assert run("corpus", "export", "-o", output, "--format", "jsonl").exit_code == 0


@pytest.mark.skipif(os.name == "nt", reason="no terminals like these there")
def test_what_was_set_aside_is_a_table_on_a_terminal(paths: Paths, tmp_path: Path, songsmith: Songsmith):
    path = tmp_path / "songs.jsonl"
    path.write_text('{"id": "a", "title": "A\\tB", "text": "12"}\n{"text": "la"}\n')
    run("import", path)
    assert run("corpus", "show", "--set-aside").stdout == "a\tA B\tno words\n"
    outside, inside = pty.openpty()
    subprocess.run([*songsmith.command, "corpus", "show", "--set-aside"], stdout=inside, stderr=inside, check=True)
    os.close(inside)
    shown = b""
    with suppress(OSError):
        while piece := os.read(outside, 65536):
            shown += piece
    os.close(outside)
    assert re.search(rb"Id +Song +Why", re.sub(rb"\x1b\[\d*m", b"", shown))
    assert b"\t" not in shown
