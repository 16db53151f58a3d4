"""`songsmith corpus stats`, `search`, `verify`, `export`, `split` and `merge`, as a person at a shell uses them."""

import json
import os
import pty
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from clean_corpora import replace_clean
from fakes import Songsmith
from typer.testing import CliRunner, Result

from songsmith.cli.app import app
from songsmith.corpus.records import CleanRecord, RawRecord
from songsmith.corpus.storage.store import Corpus, CorpusStore
from songsmith.paths import Paths

RIVER = (
    "From this valley they say you are going\nWe will miss your bright eyes and sweet smile\n"
    "For they say you are taking the sunshine\nThat brightens our pathway a while\n\n"
    "[Chorus]\nCome and sit by my side if you love me\nDo not hasten to bid me adieu\n"
    "But remember the Red River Valley\nAnd the cowboy who loved you so true\n"
)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture
def corpus(paths: Paths) -> Corpus:
    """Return the corpus `Songs`: a river, and two other songs."""
    corpus = CorpusStore(paths).create("Songs")
    corpus.append(
        [
            RawRecord(id="river", title="Red River Valley", artist="Traditional", text=RIVER, source="book"),
            RawRecord(id="a", title="Ännchen", text="la la\nla la\n", metadata={"year": 1900}),
            RawRecord(id="b", title="\x1b[2JBad", text="\x1b[31mla river\n", metadata={"year": 1910}),
        ]
    )
    return corpus


def make_clean(corpus: Corpus) -> None:
    replace_clean(corpus, (CleanRecord(id=raw.id, title=raw.title, text=raw.text) for raw in corpus.raw()))


def test_statistics_a_songwriter_cares_about(corpus: Corpus):
    result = run("corpus", "stats", "--filter", "title~river")
    assert result.exit_code == 0
    assert "Corpus 'Songs' has not been cleaned: these are the songs as imported." in result.stderr
    rows = dict(row.split("\t") for row in result.stdout.splitlines())
    assert rows == {
        "songs": "1", "artists": "1", "lines": "8", "words": "62; 62 per song", "vocabulary": "50 different words",
        "sections": "1 verse, 1 chorus", "forms": "V-C (100%)", "lines per verse": "4.0 on average; 4 (100%)",
        "syllables per line": "9.4 on average; 10 (50%), 9 (38%), 8 (12%)", "syllables per verse": "37.0 on average",
        "verse shapes": "10-9-10-8 (100%)", "rhyme density": "50% of lines rhyme",
        "rhyme schemes": "ABCB (100%)",
    }  # fmt: skip
    counted = json.loads(run("corpus", "stats", "--json").stdout)
    assert (counted["name"], counted["songs"], counted["forms"]) == ("Songs", 3, [["V", 2], ["V-C", 1]])
    assert counted["repeated_lines"] == [["la la", 2]]
    assert set(counted) == {
        "name", "songs", "artists", "lines", "words", "vocabulary", "bytes", "stanzas", "lines_a_stanza",
        "lines_a_verse", "syllables_a_line", "mean_syllables_a_verse", "verse_shapes", "rhyme_density",
        "rhyme_schemes", "forms", "repeated_lines", "repeated_lines_slack", "mean_words_a_song", "mean_lines_a_song",
        "mean_lines_a_stanza", "mean_lines_a_verse", "mean_syllables_a_line",
    }  # fmt: skip
    result = run("corpus", "stats", "--filter", "year>2000")
    assert (result.exit_code, result.stdout) == (2, "")


def test_words_are_found_with_their_lines(corpus: Corpus):
    result = run("corpus", "search", "red river")
    assert (result.exit_code, result.stdout) == (0, "river\tRed River Valley\tTraditional\t1\tRed River Valley\n")
    assert "Corpus 'Songs' (the only one)." in result.stderr
    assert run("corpus", "search", "red river", "--in", "text").stdout == (
        "river\tRed River Valley\tTraditional\t9\tBut remember the Red River Valley\n"
    )
    assert run("corpus", "search", "annch", "--in", "title").stdout == "a\tÄnnchen\t\t1\tÄnnchen\n"
    assert [row.split("\t")[0] for row in run("corpus", "search", "river").stdout.splitlines()] == ["river", "b"]
    assert len(run("corpus", "search", "river", "--max", "1").stdout.splitlines()) == 1
    found = json.loads(run("corpus", "search", "valley", "--json", "--filter", "source=book").stdout)
    assert found == {
        "id": "river", "title": "Red River Valley", "artist": "Traditional", "hits": [
            {"field": "title", "line": 1, "text": "Red River Valley"},
            {"field": "text", "line": 1, "text": "From this valley they say you are going"},
            {"field": "text", "line": 9, "text": "But remember the Red River Valley"},
        ]}  # fmt: skip
    result = run("corpus", "search", "zebra")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.endswith("No song contains all these words.\n")
    assert run("corpus", "search", "?").exit_code == 2
    make_clean(corpus)
    corpus.append([RawRecord(id="c", text="zebra\n")])
    assert run("corpus", "search", "zebra").stdout == ""
    assert run("corpus", "search", "zebra", "--raw").stdout.startswith("c\t")
    assert "Corpus 'Songs' has 1 new song since it was last cleaned" in run("corpus", "search", "zebra").stderr


@pytest.mark.skipif(os.name == "nt", reason="no terminals like these there")
def test_on_a_terminal_words_that_are_found_stand_out(corpus: Corpus, songsmith: Songsmith):
    def show(*arguments: str) -> str:
        outside, inside = pty.openpty()
        environment = {**os.environ, "TERM": "xterm-256color"}
        command = [*songsmith.command, "corpus", *arguments]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=inside, stderr=subprocess.DEVNULL, env=environment
        )
        os.close(inside)
        shown = b""
        with suppress(OSError):  # the other end is gone
            while piece := os.read(outside, 65536):
                shown += piece
        assert process.wait() == 0
        os.close(outside)
        return shown.decode().replace("\r\n", "\n")

    found = show("search", "river", "--in", "text")
    assert "Red River Valley (Traditional)  [river]\n  9: But remember the Red \x1b[1;7mRiver\x1b[0m Valley\n" in found
    assert "\x1b[2J" not in found
    assert "\x1b[31m" not in found
    table = show("stats")
    assert "forms" in table
    assert "V (67%), V-C (33%)" in table
    assert "Times" in table


def test_what_a_killed_run_left_is_no_fault_and_goes_with_the_next(corpus: Corpus, tmp_path: Path):
    leftovers = [corpus.path / name for name in ("clean-0123abcd.jsonl", "report-0123abcd.jsonl", ".clean.json.1.tmp")]
    for path in leftovers:
        path.write_text('{"id": "begun')
    shard = corpus.path / "raw-00001.jsonl"
    songs = shard.read_bytes()
    shard.write_bytes(songs + songs.splitlines(keepends=True)[0].replace(b"river", b"lake") + b'{"id":"torn')
    result = run("corpus", "verify")
    assert (result.exit_code, result.stderr) == (
        0, "Everything is in order; 5 leftovers of interrupted runs will be cleaned up by the next one.\n"
    )  # fmt: skip
    assert all(row.endswith("; the next run cleans it up") for row in result.stdout.splitlines())
    assert run("clean", "songs").exit_code == 0
    assert not any(path.exists() for path in leftovers)
    (tmp_path / "more.txt").write_text("One line more\n")
    assert run("import", tmp_path / "more.txt", "--corpus", "songs").exit_code == 0
    assert run("corpus", "verify").stderr == "Everything is in order.\n"
    assert shard.read_bytes().startswith(songs)


def test_leftovers_go_when_a_cleaning_begins_though_it_fails(corpus: Corpus):
    make_clean(corpus)
    leftover = corpus.path / "clean-0123abcd.jsonl"
    leftover.write_text('{"id": "begun')
    with suppress(KeyboardInterrupt), corpus.replacing_clean():
        assert not leftover.exists()
        raise KeyboardInterrupt
    assert corpus.has_clean


def test_a_corpus_that_is_being_cleaned_is_not_removed(corpus: Corpus):
    with corpus.replacing_clean() as writer:
        result = run("corpus", "rm", "songs", "--yes")
        assert result.exit_code == 5
        assert "Another songsmith is writing to corpus 'Songs'" in result.stderr
        writer.made_with = {}
    assert run("corpus", "rm", "songs", "--yes").exit_code == 0


def test_a_corpus_is_verified_and_mended(corpus: Corpus, paths: Paths):
    assert run("corpus", "verify").stderr == "Everything is in order.\n"
    shard = corpus.path / "raw-00001.jsonl"
    shard.write_bytes(shard.read_bytes()[:-10])
    start = shard.read_bytes().rindex(b'{"id":"b"')
    result = run("corpus", "verify")
    assert result.exit_code == 5
    assert f"{shard} (line 3, byte {start}) is torn: the last line has no end\n" in result.stdout
    assert result.stderr.endswith(
        "found in 'Songs'. Fix what can be fixed with: songsmith corpus verify Songs --repair\n"
    )
    rows = [json.loads(row) for row in run("corpus", "verify", "songs", "--json").stdout.splitlines()]
    assert rows[0] == {
        "corpus": "Songs", "path": str(shard), "line": 3, "byte": start,
        "what": "is torn: the last line has no end", "remedy": "the lines are set aside", "heals": False,
        "mended": False,
    }  # fmt: skip
    result = run("corpus", "verify", "--repair")
    lost = "Everything is in order now; import or fetch again any songs that are gone or set aside.\n"
    assert (result.exit_code, result.stderr) == (0, lost)
    assert "fixed: the lines are set aside" in result.stdout
    assert run("corpus", "verify").exit_code == 0
    assert [json.loads(row)["id"] for row in run("corpus", "export").stdout.splitlines()] == ["river", "a"]
    assert b"\\u001b[31mla " in next(corpus.path.glob("damaged-*")).read_bytes()
    (corpus.path / "mine.txt").write_text("")
    result = run("corpus", "verify", "--repair")
    assert result.exit_code == 5
    assert "mine.txt isn't one of songsmith's files: move it elsewhere\n" in result.stdout
    assert "1 problem found in 'Songs'. See above for what it is and what to do." in result.stderr
    assert run("corpus", "verify", "zebra").exit_code == 7
    with corpus.writing():
        assert "Another songsmith is writing to corpus 'Songs'" in run("corpus", "verify").stderr


def test_exports_that_are_no_text(corpus: Corpus, tmp_path: Path):
    result = run("corpus", "export", "-f", "parquet", "-o", tmp_path / "out.parquet")
    assert (result.stdout, result.stderr.splitlines()[-1]) == ("", f"Wrote 3 songs to {tmp_path / 'out.parquet'}")
    assert pq.read_table(tmp_path / "out.parquet")["id"].to_pylist() == ["river", "a", "b"]
    result = run("corpus", "export", "-f", "dataset", "-o", tmp_path / "set", "--split-share", "0.3")
    assert result.stderr.splitlines()[-1] == "Its README.md says who owns these lyrics, and what that means."
    assert len(list((tmp_path / "set" / "data").iterdir())) == 2
    corpus.append([RawRecord(id="genius:1", text="la\n", source="genius")])
    for arguments, complaint in (
        (("-f", "parquet"), "Choose a file or folder with --output."),
        (("-f", "dataset", "-o", "-"), "Choose a file or folder with --output."),
        (("-f", "parquet", "-o", "x", "--split-share", "0.1"), "These options work only with --format dataset."),
        (("-f", "dataset", "-o", tmp_path / "new"), "1 of these songs was fetched"),
        (("-f", "dataset", "-o", tmp_path / "set", "--filter", "source!=genius"), "replace it with --force"),
    ):
        result = run("corpus", "export", *arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert complaint in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.parquet", "set", "songsmith-home"]


def test_splitting_and_merging(corpus: Corpus, paths: Paths):
    result = run("corpus", "split", "--share", "0.3")
    assert result.stderr.splitlines() == [
        "Corpus 'Songs' (the only one).", "Kept 2 songs in corpus 'Songs-train'.",
        "Kept 1 song in corpus 'Songs-validation'.", "The songs need cleaning again. Next:",
        "  songsmith clean Songs-train", "  songsmith clean Songs-validation",
    ]  # fmt: skip
    result = run("corpus", "split", "songs", "--filter", "year<1910", "--into", "Old")
    assert "Kept 1 song in corpus 'Old'.\n" in result.stderr
    result = run("corpus", "merge", "songs-train", "Songs-validation", "old", "--into", "All")
    assert "Kept 3 songs in corpus 'All', 1 already there.\n" in result.stderr
    assert CorpusStore(paths).open("all").raw_records == 3
    for arguments, complaint in (
        (("split", "songs"), "Use --share 0.1, or --filter EXPR with --into NAME."),
        (("split", "songs", "--share", "1.5"), "between 0 and 1"),
        (("split", "songs", "--filter", "year<1910"), "--into NAME"),
        (("merge", "songs", "--into", "songs"), "can't be merged into itself"),
        (("merge", "songs", "--into", "!"), "can't be the name of a corpus"),
        (("split", "songs", "--share", "0.5", "--into", "!"), "can't be the name of a corpus"),
    ):
        result = run("corpus", *arguments)
        assert result.exit_code == 2
        assert complaint in result.stderr
    assert run("corpus", "merge", "songs", "zebra", "--into", "New").exit_code == 7
    assert CorpusStore(paths).names() == ["All", "Old", "Songs", "Songs-train", "Songs-validation"]


@pytest.fixture
def many(corpus: Corpus) -> Corpus:
    corpus.append(RawRecord(id=f"s{n}", text=f"{RIVER}{n}\n") for n in range(6000))
    return corpus


@pytest.mark.skipif(os.name == "nt", reason="no such signal there")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("stats",), b"Interrupted."),
        (("export", "-f", "parquet", "-o", "out"), b"Interrupted; nothing was written."),
        (("export", "-f", "dataset", "-o", "out"), b"Interrupted; nothing was written."),
        (("split", "--share", "0.5"), b"Interrupted; no new corpus was made."),
    ],
)
def test_an_interrupt_changes_nothing(
    many: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: bytes
):
    monkeypatch.chdir(tmp_path)
    # The signal comes when the work has told of itself for the second time.
    program = (
        "import os, signal\nfrom songsmith.cli.progress import Bar\nreports = []\n"
        "def report(self, *_, **__):\n    reports.append(1)\n"
        "    if len(reports) == 2: os.kill(os.getpid(), signal.SIGINT)\n"
        "Bar.report = report\nfrom songsmith.__main__ import main\nmain()\n"
    )
    done = subprocess.run(
        [*Songsmith.command[:1], "-c", program, "corpus", *arguments], capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (130, b"")
    assert done.stderr.splitlines()[-1] == said
    assert [path.name for path in tmp_path.iterdir()] == ["songsmith-home"]
    assert CorpusStore(paths_of(many)).names() == ["Songs"]


def paths_of(corpus: Corpus) -> Paths:
    home = corpus.path.parent.parent
    return Paths(data=home, config=home, state=home / "state")


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_a_split_that_is_killed_is_finished_by_the_next(many: Corpus, paths: Paths, songsmith: Songsmith):
    for _ in range(2):
        process = songsmith.start("corpus", "split", "--share", "0.5")
        shard = paths.corpora / "songs-validation" / "raw-00001.jsonl"
        before = shard.stat().st_size if shard.exists() else 0
        while not (shard.exists() and shard.stat().st_size > before):
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.001)
                break
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert songsmith("corpus", "split", "Songs", "--share", "0.5").returncode == 0
    store = CorpusStore(paths)
    parts = [[song.id for song in store.open(f"songs-{part}").raw()] for part in ("train", "validation")]
    assert sorted(parts[0] + parts[1]) == sorted(song.id for song in many.raw())
    assert run("corpus", "verify").exit_code == 0
