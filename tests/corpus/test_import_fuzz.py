"""Records that nobody would write, by the thousand: each is kept as it is or set aside with a reason, in linear time."""

import csv
import json
import random
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from songsmith.corpus.records import mend_text
from songsmith.corpus.storage.store import CorpusStore
from songsmith.errors import InputError
from songsmith.paths import Paths
from songsmith.studio import importing
from songsmith.studio.studio import Studio

COUNTS = [2000, pytest.param(100_000, marks=pytest.mark.slow)]
_RANGES = ((0, 0x1F), (0x20, 0x7E), (0xA0, 0x24F), (0x300, 0x36F), (0x400, 0x4FF), (0x590, 0x6FF), (0x2000, 0x206F),
           (0x3040, 0x30FF), (0x4E00, 0x4FFF), (0xE000, 0xE0FF), (0xFE00, 0xFE0F), (0xFFF0, 0xFFFF), (0x1F600, 0x1F64F),
           (0xE0000, 0xE007F))  # fmt: skip
_PIECES = ("\u202e", "\u2066", "\u200b", "\ufeff", "\x00", "\r", "\r\n", "\n\n", "\x1b[2J", "\x85", "\u2028", '"', '""', ",",
           "[", "[[[[", "]", "[Verse 1", "[Chorus]\n", "{", "{{", '{"a": [', "\\", "\\u0000", "<", "<|", "<|title|>",
           "<|endoftext|>", "aaaaaaaaaaaaaaaa!", "Embed", "1Contributor", "x" * 2000, "(" * 50, " " * 200, "NaN")  # fmt: skip


def strange(chance: random.Random, longest: int = 40) -> str:
    parts = []
    for _ in range(chance.randrange(longest)):
        if chance.random() < 0.4:
            parts.append(chance.choice(_PIECES))
        else:
            first, last = chance.choice(_RANGES)
            parts.append("".join(chr(chance.randint(first, last)) for _ in range(chance.randrange(8))))
    return "".join(parts)


def rows(count: int, seed: int = 0) -> list[dict[str, Any]]:
    chance = random.Random(seed)
    return [
        {"id": chance.choice((n, f"s{n}", strange(chance, 3), None, 1.5)), "title": strange(chance, 6),
         "artist": strange(chance, 4), "text": strange(chance), "note": strange(chance, 3)}
        for n in range(count)
    ]  # fmt: skip


def bring_in(path: Path, corpus: str, **options: Any) -> tuple[importing.SongsImported, float]:
    start = time.process_time()
    done = list(importing.import_songs(Studio.open(), path, corpus=corpus, **options))[-1]
    assert isinstance(done, importing.SongsImported)
    return done, time.process_time() - start


@pytest.mark.parametrize("count", COUNTS)
def test_strange_records_of_jsonl_are_kept_as_they_are(paths: Paths, tmp_path: Path, count: int):
    path, chance, songs = tmp_path / "x.jsonl", random.Random(1), rows(count)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in songs:
            line = json.dumps(row, ensure_ascii=chance.random() < 0.5)
            if chance.random() < 0.05:
                line = line[: chance.randrange(len(line))]
            file.write(line.replace("\r", " ") + "\n")
    done, _ = bring_in(path, "x")
    assert done.added + done.held + sum(done.set_aside.values()) <= count  # lines that were cut to nothing say nothing
    assert done.added > count * 0.4
    given = {mend_text(row["text"]) for row in songs}
    assert all(song.text in given for song in CorpusStore(paths).open("x").raw())
    again, _ = bring_in(path, "x")
    assert (again.added, again.held, again.set_aside) == (0, done.added + done.held, done.set_aside)


@pytest.mark.parametrize("count", COUNTS)
def test_strange_records_of_tables_are_kept_as_they_are(paths: Paths, tmp_path: Path, count: int):
    songs = [{name: str(cell).replace("\x00", "") for name, cell in row.items()} for row in rows(count, seed=2)]
    with (tmp_path / "x.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(songs[0]))
        writer.writeheader()
        writer.writerows(songs)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(songs), tmp_path / "x.parquet")
    given = {row["text"] for row in songs}
    for kind in ("csv", "parquet"):
        done, _ = bring_in(tmp_path / f"x.{kind}", kind)
        assert done.added + done.held + sum(done.set_aside.values()) == count
        assert all(song.text in given for song in CorpusStore(paths).open(kind).raw())


@pytest.mark.parametrize("count", COUNTS)
def test_strange_bytes_of_every_kind_crash_nothing(paths: Paths, tmp_path: Path, count: int):
    chance = random.Random(3)
    kinds = ("txt", "jsonl", "json", "csv", "tsv", "parquet", "lrc", "chordpro", "html", "csv.gz", "parquet.gz")
    for number in range(count // 10):
        content = strange(chance, 60).encode("utf-8", "replace")
        if chance.random() < 0.2:
            content += chance.randbytes(chance.randrange(20))
        (tmp_path / f"{number}.{chance.choice(kinds)}").write_bytes(content)
    (tmp_path / "song.txt").write_text("la la")
    done, _ = bring_in(tmp_path, "x", max_songs=10**9)
    assert done.added > 0
    assert done.set_aside


@pytest.mark.parametrize("megabytes", [1, pytest.param(10, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "shape", ["la ", "[", "[x]", "(", "{", '"', "<", "a" * 99 + "!", "\u202e", " ", "é", "[[a]", "Embed"]
)
def test_long_lines_take_time_in_proportion(paths: Paths, tmp_path: Path, megabytes: int, shape: str):
    for kind in ("txt", "jsonl", "csv", "lrc", "chordpro", "html"):
        path = tmp_path / f"x.{kind}"
        text = f"la {shape * (megabytes * 1_000_000 // len(shape.encode()))}"
        if kind == "csv":
            quoted = text.replace('"', '""')
            text = f'text\n"{quoted}"\n'
        path.write_text(json.dumps({"text": text}) if kind == "jsonl" else text, encoding="utf-8")
        start = time.process_time()
        with suppress(InputError):  # a page without lyrics, say
            bring_in(path, kind)
        assert time.process_time() - start < megabytes * 2 + 1, kind


@pytest.mark.parametrize("count", [600, pytest.param(25_000, marks=pytest.mark.slow)])
def test_four_times_as_many_records_take_about_four_times_as_long(paths: Paths, tmp_path: Path, count: int):
    path = tmp_path / "x.jsonl"
    times = []
    for factor in (1, 4):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows(count * factor, seed=4)))
        times.append(min(bring_in(path, f"x{factor}{turn}")[1] for turn in range(2)))
    assert times[1] < 4 * times[0] * 2 + 0.5
