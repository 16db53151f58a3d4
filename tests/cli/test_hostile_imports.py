"""`songsmith import` of files made to hurt: it ends soon, in bounded memory and on bounded disk, with a sentence."""

import gzip
import io
import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from songsmith.cli.app import app
from songsmith.corpus.formats.importers import Sources
from songsmith.corpus.formats.reading_limits import ReadingLimits
from songsmith.corpus.formats.text_files import PipedInput
from songsmith.corpus.storage.store import CorpusStore
from songsmith.errors import InputError
from songsmith.paths import Paths
from songsmith.studio import importing
from songsmith.studio.studio import Studio


def run(*arguments: str | Path, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)], input=stdin)


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


BELIEVE_LITTLE = ReadingLimits(believed_bytes=1_000_000)


def read_all(sources: Sources, corpus: str = "") -> importing.SongsImported:
    """Import a file of which no more than 1 MB is believed, and not 256."""
    *_, done = importing.import_songs(Studio.open(), sources, corpus=corpus, limits=BELIEVE_LITTLE)
    assert isinstance(done, importing.SongsImported)
    return done


@pytest.mark.parametrize("members", [1, 30])
def test_a_gzipped_file_cannot_grow_without_end(paths: Paths, tmp_path: Path, members: int):
    row = json.dumps({"text": "la la la " * 300}).encode() + b"\n"
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress(row * (6_000_000 // len(row) // members)) * members)
    assert path.stat().st_size < 50_000
    with pytest.raises(InputError, match=r"more than \d+ MB, \d+ times its size\.") as refused:
        read_all(path)
    assert refused.value.next_step == "If you trust it, allow more with --max-unpacked MB."
    assert not paths.corpora.exists()
    assert run("import", path, "--max-unpacked", "5").exit_code == 3
    assert "Kept 1 song in corpus 'x'" in run("import", path, "--max-unpacked", "7").stderr
    piped = PipedInput(io.BytesIO(path.read_bytes()))
    with closing(piped), pytest.raises(InputError, match="standard input unpacks to more than"):
        read_all(piped, corpus="y")


def test_what_packs_well_for_good_reason_is_read(paths: Paths, tmp_path: Path):
    path = tmp_path / "x.jsonl.gz"
    rows = [json.dumps({"title": f"Song {n}", "text": f"la la la {n}\n" * 20}) for n in range(10_000)]
    path.write_bytes(gzip.compress("\n".join(rows).encode()))
    assert sum(map(len, rows)) > 2_500_000
    assert read_all(path).added == 10_000


@pytest.mark.parametrize("count", [12_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("row", ["{}", "[", '{"title": "x"}'])
def test_records_that_cannot_be_used_are_counted_when_they_are_too_many_to_note(
    paths: Paths, tmp_path: Path, count: int, row: str
):
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress(f'{{"text": "la"}}\n{f"{row}{chr(10)}" * count}'.encode()))
    done = run("import", path)
    assert f"Kept 1 song in corpus 'x', {count:,} set aside ({count:,} " in done.stderr
    assert "To see what was set aside, the first 10,000 of them: songsmith corpus show x --set-aside" in done.stderr
    assert len(list(CorpusStore(paths).open("x").set_aside())) == importing.MOST_NOTES
    assert size_of(paths.corpora) < 2_000_000
    again = run("import", path)
    assert f"{count:,} set aside ({count:,} " in again.stderr
    assert len(list(CorpusStore(paths).open("x").set_aside())) == importing.MOST_NOTES


def test_notes_that_are_long_are_few(paths: Paths, tmp_path: Path):
    path = tmp_path / "x.jsonl"
    rows = (json.dumps({"title": str(n) + "x" * 1_000_000}) for n in range(40))
    path.write_text('{"text": "la"}\n' + "\n".join(rows))
    assert "Kept 1 song in corpus 'x', 40 set aside (40 without lyrics)" in run("import", path).stderr
    assert size_of(paths.corpora) < 12_000_000


def hostile() -> Iterator[tuple[str, bytes]]:
    yield "deep.json", b"[" * 100_000 + b"]" * 100_000
    yield "deep.jsonl", b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    yield "deep_list.jsonl", b'{"text":' + b"[" * 900 + b'"la"' + b"]" * 900 + b"}"
    yield "number.jsonl", b'{"text": "la", "n": ' + b"9" * 1_000_000 + b"}"
    yield "number.json", b'{"text": "la", "n": ' + b"9" * 1_000_000 + b"}"
    yield "number.csv", b"title,line_number,lyric\n" + b"A," + b"9" * 1_000_000 + b",la\nA,2,lo\n"
    yield "nul.csv", b"title,text\nA,la\0la\n"
    yield "nul.jsonl", b'{"text": "la"}\n\0\0\0\0'
    yield "cell.csv", b'title,text\nA,"' + b"la\n" * 5_600_000
    yield "quotes.csv", b"title,text\n" + b'A,"la"x\n' * 20_000
    yield "quotes_odd.csv", b"title,text\n" + b'A,"la"x"y\n' * 20_000
    yield "quotes_alone.csv", b"title,text\n" + b'"\n' * 100_001
    yield "columns.csv", b"text" + b",x" * 100_000 + b"\nla" + b",1" * 100_000 + b"\n"
    yield "blank.csv", b"\n" * 1_000_000
    yield "returns.csv", b"text\r\r\n" * 30_000
    yield "columns.json", json.dumps({"title": ["x"] * 50_000, "lyrics": [""] * 50_000}).encode()


@pytest.mark.parametrize(("name", "content"), hostile(), ids=[name for name, _ in hostile()])
def test_files_made_to_hurt_end_soon(paths: Paths, tmp_path: Path, name: str, content: bytes):
    (tmp_path / name).write_bytes(content)
    start = time.process_time()
    done = run("import", tmp_path / name)
    assert time.process_time() - start < 20
    assert done.exit_code in (0, 2, 3)
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) <= 5
    assert size_of(paths.data) < 3 * len(content) + 1_000_000
