"""Data sets of the Hub through the real huggingface_hub, against a server of our own: what is read, and what refusals say."""

import gzip
import io
import json
from collections.abc import Iterator
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hub_server import TOKEN, FakeHub

from songsmith.corpus.formats.hub_datasets import DatasetName, find_dataset_files
from songsmith.corpus.formats.import_options import ImportOptions
from songsmith.corpus.formats.importers import Importer
from songsmith.corpus.formats.reading_limits import ReadingLimits
from songsmith.corpus.records import RawRecord, SetAside
from songsmith.corpus.storage.store import CorpusStore
from songsmith.errors import FetchError, InputError, NotFoundError, SongsmithError, UsageError
from songsmith.paths import Paths
from songsmith.studio import importing
from songsmith.studio.studio import Studio


def rows(first: int, last: int) -> list[dict[str, Any]]:
    return [
        {"title": f"Song {n}", "artist": "Ann", "lyrics": f"line {n}\nla la", "year": n} for n in range(first, last)
    ]


def parquet(first: int, last: int) -> bytes:
    sheet = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows(first, last)), sheet, row_group_size=7)
    return sheet.getvalue()


def jsonl(first: int, last: int) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows(first, last)).encode()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    files = {
        "ann/songs": {
            "README.md": b"# Songs", "data/train-00000-of-00002.parquet": parquet(0, 20), "train.jsonl": jsonl(0, 20),
            "data/train-00001-of-00002.parquet": parquet(20, 30), "data/test-00000-of-00001.parquet": parquet(30, 33),
        },
        "ann/lines": {"dataset_infos.json": b"{}", "old/a.jsonl": jsonl(0, 3), "new/b.jsonl.gz": gzip.compress(jsonl(3, 8))},
        "ann/table": {"songs.csv": b"called,words\nA,la la\nB,lo lo\n"},
        "ann/script": {"script.py": b"import this"},
        "ann/pictures": {"a.png": b"\x00"},
        "ann/broken": {"a.parquet": parquet(0, 30)[:-100], "b.parquet": parquet(0, 3)},
    }  # fmt: skip
    with FakeHub(files, converted={"ann/script": {"default/train/0000.parquet": parquet(0, 5)}}) as hub:
        for name, value in hub.environment.items():
            monkeypatch.setenv(name, value)
        yield hub


def read(name: str, **options: str) -> list[RawRecord | SetAside]:
    importer = Importer(name, ImportOptions(**options))
    assert list(importer.check()) == []
    found = list(importer.songs())
    assert importer.bytes_read == importer.bytes_total
    return found


def titles(found: list[RawRecord | SetAside]) -> list[str]:
    return [one.title for one in found]


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("hf://ann/songs", [*range(30, 33), *range(30)]),
        ("hf://datasets/ann/songs/", [*range(30, 33), *range(30)]),
        ("hf://ann/songs:test", range(30, 33)),
        ("hf://ann/songs@v1:train", range(30)),
        ("hf://ann/songs/data:train", range(30)),
        ("hf://ann/lines", [*range(3, 8), *range(3)]),
        ("hf://ann/lines/old", range(3)),
        ("hf://ann/script", range(5)),
    ],
)
def test_a_data_set_by_name(hub: FakeHub, name: str, numbers: list[int]):
    found = read(name)
    assert titles(found) == [f"Song {n}" for n in numbers]
    song = found[0]
    assert isinstance(song, RawRecord)
    assert (song.artist, song.text, song.metadata["year"]) == ("Ann", f"line {numbers[0]}\nla la", numbers[0])
    assert song.source.startswith(f"hf://{song.url.removeprefix('https://huggingface.co/datasets/')}/")
    assert song.fetched_at


def test_a_table_of_the_hub_names_its_columns(hub: FakeHub):
    with pytest.raises(UsageError, match=r"--text-column. Its columns are: called, words"):
        read("hf://ann/table", text_column="body")
    assert titles(read("hf://ann/table", title_column="called")) == ["A", "B"]


def test_of_a_damaged_file_the_reason_is_kept_and_the_others_are_read(hub: FakeHub):
    found = read("hf://ann/broken")
    assert titles(found) == ["a.parquet", "Song 0", "Song 1", "Song 2"]
    assert isinstance(found[0], SetAside)
    assert found[0].reason == "isn't Parquet, or is damaged"


@pytest.mark.parametrize(
    ("name", "kind", "complaint"),
    [
        (
            "hf://ann/nothing",
            NotFoundError,
            "The dataset ann/nothing doesn't exist on the Hugging Face Hub, or is private",
        ),
        ("hf://ann/gated", FetchError, r"Accept them at https://huggingface.co/datasets/ann/gated, then log in"),
        ("hf://ann/songs@v9", NotFoundError, "has no revision 'v9'"),
        ("hf://ann/songs/english", NotFoundError, r"no folder 'english' with songs. There are: data\."),
        ("hf://ann/songs:dev", NotFoundError, "has no split 'dev'. There are: data/test-00000"),
        ("hf://ann/pictures", InputError, "has no file that songsmith can read"),
        ("hf://ann", UsageError, "isn't the name of a dataset. Write it as hf://owner/name"),
        ("hf://ann/../../etc", UsageError, "isn't the name of a dataset"),
        ("hf://ann/a--b", UsageError, "isn't the name of a dataset"),
    ],
)
def test_what_cannot_be_had_is_told(hub: FakeHub, name: str, kind: type[SongsmithError], complaint: str):
    hub.datasets["ann/gated"] = {}
    hub.gated.add("ann/gated")
    with pytest.raises(kind, match=complaint) as refusal:
        read(name)
    assert refusal.value.next_step
    assert TOKEN not in str(refusal.value)
    assert "127.0.0.1" not in str(refusal.value)


@pytest.mark.parametrize(
    ("status", "complaint"), [(403, "refuses ann/songs"), (500, "answered 500"), (200, "come from a Hugging Face Hub")]
)
def test_a_hub_that_refuses(hub: FakeHub, status: int, complaint: str):
    hub.refusing = status
    with pytest.raises(FetchError, match=complaint):
        read("hf://ann/songs")


@pytest.mark.parametrize("name", ["hf://ann/songs", "hf://ann/lines"])
def test_a_hub_that_refuses_in_the_middle(hub: FakeHub, name: str):
    hub.failing = [403] * 9
    with pytest.raises(FetchError, match=r"refuses ann/\w+ \(403\)"):
        read(name)


@pytest.mark.parametrize("packed", [False, True])
def test_a_hub_whose_answer_has_no_end_or_no_bottom(hub: FakeHub, packed: bool):
    hub.saying = b"[" * 200_000
    with pytest.raises(FetchError, match=r"^The answer for ann/songs didn't come from a Hugging Face Hub"):
        find_dataset_files(DatasetName.parse("hf://ann/songs"))
    hub.saying, hub.is_packed = (gzip.compress(b" " * (80 << 20)), True) if packed else (b" " * (80 << 20), False)
    with pytest.raises(FetchError, match=r"^The Hugging Face Hub sends what has no end"):
        find_dataset_files(DatasetName.parse("hf://ann/songs"))


def test_a_hub_out_of_reach_or_switched_off(hub: FakeHub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(FetchError, match="can't be reached"):
        read("hf://ann/songs")


def test_only_what_is_read_comes_over_the_network(hub: FakeHub, paths: Paths):
    hub.datasets["ann/large"] = {"a.jsonl": jsonl(0, 5000)}
    limits = ReadingLimits(block_bytes=1000)
    done = list(importing.import_songs(Studio.open(), "hf://ann/large", max_songs=10, limits=limits))[-1]
    assert isinstance(done, importing.SongsImported)
    assert (done.corpus, done.added) == ("large", 10)
    assert hub.bytes_sent < len(jsonl(0, 5000)) / 2
    assert f"Bearer {TOKEN}" in hub.tokens
    kept = b"".join(path.read_bytes() for path in paths.corpora.rglob("*") if path.is_file())
    assert TOKEN.encode() not in kept


def test_an_import_of_a_data_set_goes_on_where_it_was_left(hub: FakeHub, paths: Paths):
    events = importing.import_songs(
        Studio.open(), "hf://ann/songs", pace=importing.ImportPace(batch_songs=4, mark_every_s=0)
    )
    for _ in range(4):
        next(events)
    events.close()
    hub.requests.clear()
    done = list(importing.import_songs(Studio.open(), "hf://ann/songs"))[-1]
    assert isinstance(done, importing.SongsImported)
    assert (done.added, done.held) == (17, 16)
    assert not any("test-00000" in path and "resolve" in path for path in hub.requests)
    assert [song.title for song in CorpusStore(paths).open("songs").raw()] == [
        f"Song {n}" for n in (*range(30, 33), *range(30))
    ]


def test_a_name_with_every_part():
    assert DatasetName.parse("hf://o-w.n/na_me@refs/convert/parquet/a/b:train") == DatasetName(
        repository="o-w.n/na_me", revision="refs/convert/parquet", config="a/b", split="train"
    )


@pytest.mark.parametrize("endpoint", ["\x1b[2J", "http://[::1", "http://a\nb"])
def test_an_endpoint_that_is_no_address_is_one_sentence(monkeypatch, endpoint):
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(UsageError, match="HF_ENDPOINT isn't a web address"):
        find_dataset_files(DatasetName.parse("hf://a/b"))
