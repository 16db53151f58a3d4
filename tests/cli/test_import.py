"""`songsmith import` of large, strange and remote files: killed it goes on, in little memory, and says what it could not use."""

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet
import pytest
from fakes import Songsmith
from hub_server import TOKEN, FakeHub
from typer.testing import CliRunner, Result

from songsmith.cli.app import app
from songsmith.corpus.filters import Filter
from songsmith.corpus.storage.import_marks import load_mark
from songsmith.corpus.storage.store import CorpusStore
from songsmith.paths import Paths
from songsmith.studio import importing
from songsmith.studio.studio import Studio

IMPORTS = """
import os
import sys
import traceback
from songsmith.corpus.storage import shards
from songsmith.studio import importing
from songsmith.studio.studio import Studio
importing.BATCH_SONGS, importing.MARK_EVERY_S, importing._BATCH_RECORDS = 5, 0, 20
shards.SHARD_BYTES = 20_000
for path in sys.stdin:
    if child := os.fork():
        print(child, flush=True)
        os.waitpid(child, 0)
        print("over", flush=True)
        continue
    try:
        for event in importing.import_songs(Studio.open(), path.strip(), corpus="killed"):
            pass
    except BaseException:
        traceback.print_exc()
    os._exit(0)
"""
"""A process that has loaded all it needs, and imports each file that it is told in a child, which can be killed."""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


def write_table(path: Path, songs: int, lines: int = 3) -> Path:
    """Write a table whose cells hold line breaks, and in which every seventh row has no lyrics."""
    end = "\n".join(["la"] * lines)
    rows = [f'{n},"Song, {n}","{"" if n % 7 == 3 else f"é line {n}{chr(10)}{end}"}",en\n' for n in range(songs)]
    path.write_text("id,title,lyrics,language\n" + "".join(rows), encoding="utf-8")
    return path


def wanted_ids(songs: int, name: str = "table") -> list[str]:
    return [f"{name}:{n}" for n in range(songs) if n % 7 != 3]


def ids(paths: Paths, corpus: str) -> list[str]:
    return [song.id for song in CorpusStore(paths).open(corpus).raw()]


@pytest.mark.parametrize("kills", [10, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_an_import_that_is_killed_at_any_instant_loses_and_doubles_nothing(
    paths: Paths, tmp_path: Path, kills: int, kind: str
):
    songs = 500
    path = write_table(tmp_path / "table.csv", songs)
    if kind == "jsonl":
        rows = [{"id": n, "text": "" if n % 7 == 3 else f"line {n}"} for n in range(songs)]
        path = tmp_path / "table.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [sys.executable, "-c", IMPORTS]
    chance, wanted, longest_s, held = random.Random(kills), wanted_ids(songs), 0.1, []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def begin() -> int:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{path}\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        for _ in range(kills):
            child, instant = begin(), time.perf_counter() + chance.random() * longest_s
            while time.perf_counter() < instant:
                pass
            os.kill(child, signal.SIGKILL)
            assert process.stdout.readline() == "over\n"
            before, held = held, ids(paths, "killed") if CorpusStore(paths).has("killed") else []
            assert held == wanted[: len(held)]
            assert len(held) >= len(before)
            if len(held) == len(wanted):
                CorpusStore(paths).remove("killed")
                held = []
        begin()
        assert process.stdout.readline() == "over\n"
    corpus = CorpusStore(paths).open("killed")
    assert ids(paths, "killed") == wanted
    assert [aside.id for aside in corpus.set_aside()] == [f"table:{n}" for n in range(songs) if n % 7 == 3]
    assert not (corpus.path / "import-mark.json").exists()


def begin_import(path: Path, events: int, **options: object) -> None:
    """Import a file, and stop after so many reports."""
    going = importing.import_songs(Studio.open(), path, **options)  # type: ignore[arg-type]
    for event in going:
        events -= isinstance(event, importing.RecordsKept)
        if not events:
            break
    going.close()


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH_SONGS", 10)
    monkeypatch.setattr(importing, "MARK_EVERY_S", 0)


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz", "table.jsonl", "table.parquet", "folder"])
def test_an_import_goes_on_where_it_was_without_reading_all_again(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    source, path = write_table(tmp_path / "source.csv", 100), tmp_path / name
    if name == "folder":
        path.mkdir()
        for number in range(10):
            write_table(path / f"{number}.csv", 10)
    elif name.endswith("gz"):
        path.write_bytes(gzip.compress(source.read_bytes()))
    elif name.endswith("csv"):
        path.write_bytes(source.read_bytes())
    else:
        options = pyarrow.csv.ParseOptions(newlines_in_values=True)
        table = pyarrow.csv.read_csv(source, parse_options=options)
        if name.endswith("parquet"):
            pyarrow.parquet.write_table(table, path, row_group_size=17)
        else:
            path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    whole = run("import", path, "--corpus", "whole")
    assert whole.exit_code == 0
    begin_import(path, 3)
    corpus = CorpusStore(paths).open(name.partition(".")[0])
    assert corpus.raw_records >= 20
    read: list[str] = []
    take = importing._ImportSieve._count
    monkeypatch.setattr(
        importing._ImportSieve, "_count", lambda self, reason: (read.append(reason), take(self, reason))
    )
    again = run("import", path)
    assert again.exit_code == 0
    assert len(read) < len(wanted_ids(100)) // 6  # what was set aside before was not met again
    assert ids(paths, corpus.name) == ids(paths, "whole")
    assert list(corpus.set_aside()) == list(CorpusStore(paths).open("whole").set_aside())
    told = whole.stderr.replace("whole", corpus.name).replace("Kept 86 songs", "Kept 56 songs")
    told = told.replace(f"'{corpus.name}', 14", f"'{corpus.name}', 30 held already, 14")
    assert again.stderr == told or name == "folder"
    assert not (corpus.path / "import-mark.json").exists()


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("change", ["file", "options", "corpus", "mark", "nothing"])
def test_a_mark_that_does_not_fit_is_not_trusted(paths: Paths, tmp_path: Path, change: str):
    path = write_table(tmp_path / "table.csv", 60)
    begin_import(path, 2)
    corpus = CorpusStore(paths).open("table")
    arguments = ["import", str(path)]
    mark = corpus.path / "import-mark.json"
    if change == "file":
        path.write_text(path.read_text().replace("é line 0", "e line 0 longer"))
    elif change == "options":
        arguments += ["--filter", "title~song"]
    elif change == "corpus":
        shard = corpus.path / "raw-00001.jsonl"
        shard.write_bytes(b"".join(shard.read_bytes().splitlines(keepends=True)[:3]))
        (corpus.path / "raw.index").unlink()
    elif change == "mark":
        mark.write_bytes(mark.read_bytes()[:40])
    done = run(*arguments)
    assert done.exit_code == 0
    held = {"file": 19, "options": 20, "corpus": 3, "mark": 20, "nothing": 20}[change]
    added = len(wanted_ids(60)) - held
    assert f"Kept {added} songs in corpus 'table', {held} held already, 9 set aside" in done.stderr
    assert [id for id in ids(paths, "table") if "~" not in id] == wanted_ids(60)
    assert load_mark(corpus.path, "") is None


@pytest.mark.usefixtures("small_batches")
def test_max_songs_counts_what_was_taken_before(paths: Paths, tmp_path: Path):
    path = write_table(tmp_path / "table.csv", 60)
    begin_import(path, 2)
    assert "Kept 5 songs in corpus 'table', 20 held already" in run("import", path, "--max-songs", "25").stderr
    begin_import(path, 1)
    assert "Kept 0 songs" in run("import", path, "--max-songs", "10").stderr


def test_records_without_words_before_the_first_song_are_noted_and_not_held_in_memory(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(importing, "_BATCH_RECORDS", 10)
    path = tmp_path / "late.jsonl"
    path.write_text('{"title": "x"}\n' * 95)
    done = run("import", path)
    assert done.exit_code == 3
    assert "holds no song that can be used (95 no lyrics)" in done.stderr
    assert CorpusStore(paths).names() == []
    path.write_text('{"title": "x"}\n' * 95 + '{"text": "la"}\n')
    assert "Kept 1 song in corpus 'late', 95 set aside" in run("import", path).stderr
    assert len(list(CorpusStore(paths).open("late").set_aside())) == 95


def test_filters_of_a_table(paths: Paths, tmp_path: Path):
    path = write_table(tmp_path / "table.csv", 20)
    path.write_text(path.read_text().replace("en\n5,", "de\n5,"))
    assert "Kept 16 songs in corpus 'table', 1 left out" in run("import", path, "--filter", "language=en").stderr
    assert importing._ImportSieve([Filter.parse("a=b")], importing.ImportMark(source="")).reasons == {}


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("x.parquet", b"no", "x.parquet is not Parquet, or damaged."),
        (
            "x.html",
            b"<p>About",
            "holds no song that can be used (1 no page of Genius with lyrics in it). Give a file with songs in it",
        ),
        ("x.lrc", b"[00:01.00]\n", "holds no song that can be used (1 no words)"),
        ("x.chordpro", b"{title: A}\n[C] [G]\n", "holds no song that can be used (1 no line of lyrics)"),
        ("x.lrc", b"\xff\xfe", "is not UTF-8: byte 0 is 0xff"),
        ("x.csv", b'lyrics\n"', "holds no song that can be used (1 a quotation mark that never closes"),
    ],
)
def test_a_bad_file_is_refused_with_its_reason(paths: Paths, tmp_path: Path, name: str, content: bytes, complaint: str):
    (tmp_path / name).write_bytes(content)
    done = run("import", tmp_path / name)
    assert done.exit_code == 3
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not paths.corpora.exists()


def test_a_data_set_from_the_command_line(paths: Paths, songsmith: Songsmith, monkeypatch: pytest.MonkeyPatch):
    rows = b"".join(json.dumps({"lyrics": f"line {n}", "chords": "C"}).encode() + b"\n" for n in range(5))
    with FakeHub({"ann/songs": {"a.jsonl": rows}}) as hub:
        for name, value in hub.environment.items():
            monkeypatch.setenv(name, value)
        done = songsmith("import", "hf://ann/songs", "--filter", "chords=C")
        assert (done.returncode, done.stdout) == (0, b"")
        assert done.stderr.decode().splitlines() == ["Kept 5 songs in corpus 'songs'.", "Next: songsmith clean songs"]
        done = songsmith("import", "hf://ann/other")
        assert done.returncode == 7
        assert done.stderr.decode().splitlines() == [
            "songsmith: There is no data set ann/other on the Hugging Face Hub, or it is private. Check the name; for a private"
            " one log in with: hf auth login"
        ]
        assert TOKEN.encode() not in done.stderr


def test_songs_with_long_facts_are_kept_a_few_at_a_time(paths: Paths, tmp_path: Path):
    path = tmp_path / "notes.jsonl"
    path.write_text("".join(json.dumps({"text": f"la {n}", "notes": "x" * 1_000_000}) + "\n" for n in range(12)))
    reports = [e.count for e in importing.import_songs(Studio.open(), path) if isinstance(e, importing.RecordsKept)]
    assert reports == [5, 10, 12]


MEASURED = """
import re
import sys
from pathlib import Path
from songsmith.__main__ import main
try:
    main()
finally:
    print(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="no such count there")
@pytest.mark.parametrize("megabytes", [10, pytest.param(300, marks=pytest.mark.slow)])
def test_an_import_takes_as_much_memory_whatever_the_size(paths: Paths, tmp_path: Path, megabytes: int):
    path = write_table(tmp_path / "table.csv", megabytes * 350, lines=1150)
    assert path.stat().st_size > megabytes * 1e6
    command = [sys.executable, "-c", MEASURED, "import", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"Kept {len(wanted_ids(megabytes * 350))} songs" in done.stderr
    assert int(done.stdout) < 150_000


def test_an_empty_name_does_not_mean_the_folder_one_stands_in():
    result = run("import", "")
    assert result.exit_code == 2
    assert "There is no name of a file." in result.stderr
