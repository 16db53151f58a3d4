"""Clean songs on disk: one step back is kept, and never more, and never half."""

import json
from pathlib import Path

import pytest

from songsmith.corpus.records import CleanRecord, SetAside
from songsmith.corpus.storage.clean_files import CleanFiles
from songsmith.errors import NotFoundError, StorageError


@pytest.fixture
def files(tmp_path: Path) -> CleanFiles:
    return CleanFiles(tmp_path)


def fill(files: CleanFiles, *texts: str, raw: int = 9) -> None:
    with files.replacing(raw_records=raw) as writer:
        for number, text in enumerate(texts):
            writer.keep(CleanRecord(id=f"s{number}", text=text))
        writer.set_aside(SetAside(id="x", reason=texts[0] if texts else "none"))
        writer.report(b'{"id":"x"}\n')
        writer.made_with = {"disabled": list(texts)}


def state(files: CleanFiles) -> tuple[list[str], list[str]]:
    return [song.text for song in files.songs()], [aside.reason for aside in files.set_aside()]


def names(folder: Path) -> list[str]:
    return sorted(path.name.rpartition("-")[0] or path.name for path in folder.iterdir())


def test_one_step_back_is_kept(files: CleanFiles, tmp_path: Path):
    fill(files, "one", raw=1)
    fill(files, "two", "more", raw=2)
    fill(files, "three", raw=3)
    assert names(tmp_path) == sorted([*["clean", "set-aside", "report"] * 2, "clean.json"])
    reader = files.songs()
    assert next(reader).text == "three"
    summary = files.undo()
    assert summary is not None
    assert (summary.records, summary.raw_records, summary.made_with) == (2, 2, {"disabled": ["two", "more"]})
    assert files.summary() == summary
    assert state(files) == (["two", "more"], ["two"])
    assert list(files.report()) == [{"id": "x"}]
    assert names(tmp_path) == ["clean", "clean.json", "report", "set-aside"]
    with pytest.raises(NotFoundError, match="Only the last cleaning"):
        files.undo()
    assert state(files) == (["two", "more"], ["two"])
    fill(files, "four")
    assert files.undo() == summary


def test_before_the_first_there_was_nothing(files: CleanFiles, tmp_path: Path):
    with pytest.raises(NotFoundError, match="no cleaning to undo"):
        files.undo()
    fill(files, "one")
    assert files.undo() is None
    assert files.summary() is None
    assert state(files) == ([], [])
    assert list(tmp_path.iterdir()) == []


def test_songs_that_an_older_version_cleaned_are_read_and_kept(files: CleanFiles, tmp_path: Path):
    (tmp_path / "clean-1.jsonl").write_bytes(b'{"id":"a","text":"old"}\n')
    (tmp_path / "set-aside-1.jsonl").write_bytes(b"")
    row = {"records": 1, "set_aside": 0, "raw_records": 1, "bytes": 24, "songs_file": "clean-1.jsonl",
           "set_aside_file": "set-aside-1.jsonl"}  # fmt: skip
    (tmp_path / "clean.json").write_text(json.dumps(row))
    summary = files.summary()
    assert summary is not None
    assert (summary.made_with, list(files.report())) == ({}, [])
    with pytest.raises(NotFoundError, match="Only the last cleaning"):
        files.undo()
    fill(files, "new")
    assert files.undo() == summary
    assert state(files) == (["old"], [])


def test_what_is_damaged_or_gone_is_told_and_left(files: CleanFiles, tmp_path: Path):
    fill(files, "one")
    for damage in ("garbage", "[]", "{}", '{"records": "x"}'):
        (tmp_path / "clean.json").write_text(damage)
        with pytest.raises(StorageError, match="Clean the corpus again"):
            files.undo()
    fill(files, "two")
    with pytest.raises(NotFoundError):  # what the damaged file meant nobody knows
        files.undo()
    fill(files, "three")
    pointer = json.loads(files.pointer.read_bytes())
    (tmp_path / pointer["previous"]["songs_file"]).unlink()
    with pytest.raises(StorageError):
        files.undo()
    assert state(files) == (["three"], ["three"])


def test_songs_are_taken_back_before_they_are_kept(files: CleanFiles, tmp_path: Path):
    with files.replacing(raw_records=4) as writer:
        starts = []
        for number in range(4):
            starts.append(writer.bytes)
            writer.keep(CleanRecord(id=f"s{number}", text=f"line {number}\n"))
        assert writer.read(starts[2], starts[3] - starts[2]).text == "line 2\n"
        writer.keep(CleanRecord(id="s4", text="line 4\n"))
        writer.leave_out({0, 3})
        writer.keep(CleanRecord(id="s5", text="line 5\n"))
    assert [song.id for song in files.songs()] == ["s1", "s2", "s4", "s5"]
    summary = files.summary()
    assert summary is not None
    assert (summary.records, summary.bytes) == (4, (tmp_path / summary.songs_file).stat().st_size)
    assert names(tmp_path) == ["clean", "clean.json", "report", "set-aside"]
