"""`songsmith import` of large, strange and remote files: killed it goes on, in little memory, and says what it could not use."""

import gzip
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet
import pytest
from fakes import Songsmith
from hub_server import TOKEN, FakeHub
from typer.testing import CliRunner, Result

from songsmith.cli.app import app
from songsmith.corpus.filters import Filter
from songsmith.corpus.formats.import_options import ImportOptions
from songsmith.corpus.formats.reading_limits import ReadingLimits
from songsmith.corpus.formats.text_files import PipedInput
from songsmith.corpus.storage.import_marks import load_mark
from songsmith.corpus.storage.store import CorpusStore
from songsmith.errors import InputError
from songsmith.paths import Paths
from songsmith.studio import importing
from songsmith.studio.studio import Studio

IMPORTS = """
import os
import sys
import traceback
from songsmith.corpus.storage.shards import ShardSizes
from songsmith.corpus.storage.store import CorpusStore
from songsmith.paths import find_paths
from songsmith.settings import Settings
from songsmith.studio import importing
from songsmith.studio.studio import Studio
class Small(Studio):
    corpora = CorpusStore(find_paths(), ShardSizes(shard_bytes=20_000))
pace = importing.ImportPace(batch_songs=5, batch_records=20, mark_every_s=0)
for path in sys.stdin:
    if child := os.fork():
        print(child, flush=True)
        os.waitpid(child, 0)
        print("over", flush=True)
        continue
    try:
        for event in importing.import_songs(Small.open(), path.strip(), corpus="killed", pace=pace):
            pass
    except BaseException:
        traceback.print_exc()
    os._exit(0)
"""
"""A process that has loaded all it needs, and imports each file that it is told in a child, which can be killed."""


def run(*arguments: str | Path, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)], input=stdin)


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
            with suppress(ProcessLookupError):  # it was quicker
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


SMALL = importing.ImportPace(batch_songs=10, mark_every_s=0)


def begin_import(path: Path | PipedInput, events: int, **options: object) -> None:
    """Import a file in small batches, and stop after so many reports."""
    going = importing.import_songs(Studio.open(), path, pace=SMALL, **options)  # type: ignore[arg-type]
    for event in going:
        events -= isinstance(event, importing.RecordsKept)
        if not events:
            break
    going.close()


@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz", "table.jsonl", "table.parquet", "folder"])
def test_an_import_goes_on_where_it_was_without_reading_all_again(
    paths: Paths, tmp_path: Path, name: str
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
    again = list(importing.import_songs(Studio.open(), path, pace=SMALL))
    assert sum(isinstance(event, importing.RecordsKept) for event in again) <= 6  # of the nine that it all takes
    assert ids(paths, corpus.name) == ids(paths, "whole")
    assert list(corpus.set_aside()) == list(CorpusStore(paths).open("whole").set_aside())
    assert isinstance(again[-1], importing.SongsImported)
    assert again[-1].added + again[-1].held == len(wanted_ids(100)) or name == "folder"
    assert again[-1].held >= 20
    assert sum(again[-1].set_aside.values()) == 100 - len(wanted_ids(100)) or name == "folder"
    assert not (corpus.path / "import-mark.json").exists()


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
    assert f"Kept {added} songs in corpus 'table', {held} already imported, 9 set aside" in done.stderr
    assert [id for id in ids(paths, "table") if "~" not in id] == wanted_ids(60)
    assert load_mark(corpus.path, "") is None


def test_max_songs_counts_what_was_taken_before(paths: Paths, tmp_path: Path):
    path = write_table(tmp_path / "table.csv", 60)
    begin_import(path, 2)
    assert "Kept 5 songs in corpus 'table', 20 already imported" in run("import", path, "--max-songs", "25").stderr
    begin_import(path, 1)
    assert "Kept 0 songs" in run("import", path, "--max-songs", "10").stderr


def test_records_without_words_before_the_first_song_are_noted_and_not_held_in_memory(
    paths: Paths, tmp_path: Path
):
    pace = importing.ImportPace(batch_records=10)
    path = tmp_path / "late.jsonl"
    path.write_text('{"title": "x"}\n' * 95)
    with pytest.raises(InputError, match=r"has no usable songs \(95 without lyrics\)"):
        list(importing.import_songs(Studio.open(), path, pace=pace))
    assert CorpusStore(paths).names() == []
    path.write_text('{"title": "x"}\n' * 95 + '{"text": "la"}\n')
    done = list(importing.import_songs(Studio.open(), path, pace=pace))[-1]
    assert isinstance(done, importing.SongsImported)
    assert (done.added, done.set_aside) == (1, {"no lyrics": 95})
    assert len(list(CorpusStore(paths).open("late").set_aside())) == 95


def test_filters_of_a_table(paths: Paths, tmp_path: Path):
    path = write_table(tmp_path / "table.csv", 20)
    path.write_text(path.read_text().replace("en\n5,", "de\n5,"))
    assert "Kept 16 songs in corpus 'table', 1 left out" in run("import", path, "--filter", "language=en").stderr
    assert importing._ImportFilterSet([Filter.parse("a=b")], importing.ImportMark(source="")).reasons == {}


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("x.parquet", b"no", "x.parquet isn't Parquet, or is damaged."),
        (
            "x.html",
            b"<p>About",
            "has no usable songs (1 no page of Genius with lyrics in it). Give a file with songs in it",
        ),
        ("x.lrc", b"[00:01.00]\n", "has no usable songs (1 without words)"),
        ("x.chordpro", b"{title: A}\n[C] [G]\n", "has no usable songs (1 no line of lyrics)"),
        ("x.lrc", b"\xff\xfe", "isn't UTF-8: byte 0 is 0xff"),
        ("x.csv", b'lyrics\n"', "has no usable songs (1 a quotation mark that never closes"),
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
            "songsmith: The dataset ann/other doesn't exist on the Hugging Face Hub, or is private. Check the name; for a private"
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
    assert f"Kept {len(wanted_ids(megabytes * 350)):,} songs" in done.stderr
    assert int(done.stdout) < 150_000


def test_an_empty_name_does_not_mean_the_folder_one_stands_in():
    result = run("import", "")
    assert result.exit_code == 2
    assert "The file name is empty." in result.stderr


def test_several_files_are_imported_as_their_folder_is(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "poems"
    folder.mkdir()
    for name in "abcd":
        (folder / f"{name}.txt").write_text(f"song {name}\n")
    (folder / "d.txt").write_bytes(b"\xff")
    done = run("import", *sorted(folder.iterdir()))
    assert done.exit_code == 0
    assert "Kept 3 songs in corpus 'poems', 1 set aside (1 isn't UTF-8: byte 0 is 0xff)." in done.stderr
    assert "Kept 0 songs in corpus 'poems', 3 already imported" in run("import", folder).stderr
    monkeypatch.chdir(folder)
    assert "Kept 0 songs in corpus 'poems', 2 already imported" in run("import", "a.txt", "b.txt", "a.txt").stderr
    assert [song.source for song in CorpusStore(paths).open("poems").raw()] == ["a.txt", "b.txt", "c.txt"]


def test_files_of_several_folders_want_a_name(paths: Paths, tmp_path: Path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.txt").write_text("la\n")
    (tmp_path / "a.txt").write_text("lo\n")
    files = (tmp_path / "one", tmp_path / "a.txt")
    done = run("import", *files)
    assert done.exit_code == 2
    assert "Choose a name for it with --corpus NAME." in done.stderr
    assert "Kept 2 songs in corpus 'both'." in run("import", *files, "--corpus", "both").stderr
    sources = [song.source for song in CorpusStore(paths).open("both").raw()]
    assert sources == [str(Path("one", "a.txt")), "a.txt"]
    assert run("import", *files, tmp_path / "nowhere.txt", "--corpus", "both").exit_code == 7
    assert run("import", files[1], "hf://ann/songs", "--corpus", "both").exit_code == 2


@pytest.mark.parametrize(
    ("piped", "songs"),
    [
        ('{"title": "A", "text": "la"}\n{"title": "B", "text": "lo"}\n', [("A", "la"), ("B", "lo")]),
        ('\ufeff\n{"title": "A", "text": "la"}\n', [("A", "la")]),
        ('[{"title": "A", "text": "la"}]', [("A", "la")]),
        ('{\n "title": "A",\n "text": "la"\n}\n', [("A", "la")]),
        (gzip.compress(b'{"title": "A", "text": "la"}\n', mtime=0), [("A", "la")]),
        ("[Verse 1]\nla\n", [("", "[Verse 1]\nla")]),
        ("{odd\nla\n", [("", "{odd\nla")]),
        ("la\n<|endoftext|>\nlo\n", [("", "la"), ("", "lo")]),
    ],
)
def test_songs_come_through_a_pipe(paths: Paths, piped: str | bytes, songs: list[tuple[str, str]]):
    done = run("import", "-", "--corpus", "piped", stdin=piped)
    assert f"Kept {len(songs)} song" in done.stderr
    kept = list(CorpusStore(paths).open("piped").raw())
    assert [(song.title, song.text) for song in kept] == songs
    assert {song.source for song in kept} == {"standard input"}


@pytest.mark.parametrize(
    ("piped", "arguments", "code", "complaint"),
    [
        ("la", (), 2, "Songs from standard input need a corpus name. Choose one with --corpus NAME."),
        ("la", ("x.txt", "--corpus", "x"), 2, "Standard input can't be imported together with files."),
        ("", ("--corpus", "x"), 3, "standard input is empty."),
        (b"caf\xe9", ("--corpus", "x"), 3, "byte 3 is 0xe9. It is probably WINDOWS-1252."),
        (b"PAR1", ("--corpus", "x"), 3, "standard input isn't plain text but a Parquet table."),
    ],
)
def test_what_cannot_come_through_a_pipe(
    paths: Paths, piped: str | bytes, arguments: tuple[str, ...], code: int, complaint: str
):
    done = run("import", "-", *arguments, stdin=piped)
    assert done.exit_code == code
    assert complaint in done.stderr
    assert not paths.corpora.exists()


def test_another_stream_does_not_go_on_where_the_last_one_was(paths: Paths):
    rows = [json.dumps({"id": f"s{n}", "text": f"line {n}"}) + "\n" for n in range(90)]

    def pipe(rows: list[str]) -> PipedInput:
        return PipedInput(io.BytesIO("".join(rows).encode()))

    with closing(pipe(rows[:60])) as piped:
        begin_import(piped, 2, corpus="piped")
    assert len(ids(paths, "piped")) == 20
    with closing(pipe(rows[30:])) as piped:
        for _ in importing.import_songs(Studio.open(), piped, corpus="piped"):
            pass
    assert len(ids(paths, "piped")) == 80


@pytest.mark.parametrize("option", ["title", "artist", "chords"])
@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x.jsonl.gz", "folder"])
def test_a_key_that_no_song_has_is_refused(paths: Paths, tmp_path: Path, option: str, name: str):
    content = json.dumps({"body": "la", "called": "T", "année": "x"})
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
        (path / "a.jsonl").write_text(content)
    else:
        path.write_bytes(gzip.compress(content.encode()) if name.endswith("gz") else content.encode())
    done = run("import", path, "--text-column", "body", f"--{option}-column", "Called")
    assert done.exit_code == 2
    complaint = f"{path} has no key 'Called'. Choose one with --{option}-column. Its keys are: body, called, année."
    assert complaint in done.stderr
    assert not paths.corpora.exists()
    for key in ("called", "année", "body"):
        assert run("import", path, "--text-column", "body", f"--{option}-column", key, "--corpus", key).exit_code == 0


def test_a_key_that_a_late_song_has_is_found(paths: Paths, tmp_path: Path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"text": "la"}\n' * 50 + '{"text": "lo", "called": "T"}\n')
    for chunk in (1, 7, 64):
        options, limits = ImportOptions(title_column="called"), ReadingLimits(piece=chunk)
        *_, done = importing.import_songs(Studio.open(), path, corpus="x", options=options, limits=limits)
        assert isinstance(done, importing.SongsImported)
        assert done.added + done.held == 51


@pytest.mark.parametrize("name", ["🎸.txt", "...txt"])
def test_a_file_whose_name_can_name_no_corpus(paths: Paths, tmp_path: Path, name: str):
    (tmp_path / name).write_text("la\n")
    done = run("import", tmp_path / name)
    assert done.exit_code == 2
    assert "can't be the name of a corpus. Choose a name for it with --corpus NAME." in done.stderr


def test_filters_that_leave_nothing_end_alike_everywhere(paths: Paths, tmp_path: Path):
    path = write_table(tmp_path / "table.csv", 5)
    assert run("import", path, "--filter", "language=de").exit_code == 2
    assert not paths.corpora.exists()
    run("import", path)
    assert run("corpus", "export", "--filter", "language=de").exit_code == 2
