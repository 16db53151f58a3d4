"""Songs written for others: read back without loss, whole or not there, and not handed on when they were fetched."""

import string
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from clean_corpora import replace_clean
from huggingface_hub import DatasetCard
from hypothesis import given, settings
from hypothesis import strategies as st

from songsmith.corpus.filters import Filter
from songsmith.corpus.formats.json_songs import SYNONYMS
from songsmith.corpus.formats.table_writer import TableWriter
from songsmith.corpus.records import CleanRecord, RawRecord
from songsmith.corpus.storage.store import Corpus, CorpusStore
from songsmith.errors import StorageError, UsageError
from songsmith.paths import Paths
from songsmith.settings import Settings
from songsmith.studio.corpora import SongsRead
from songsmith.studio.corpus_songs import SongsWanted
from songsmith.studio.dataset_folder import DatasetOptions, export_dataset
from songsmith.studio.exporting import ExportFormat, SongsExported, export_corpus
from songsmith.studio.importing import import_songs
from songsmith.studio.studio import Studio

TEXT = "The water is wide\nI cannot get o'er\n"


@pytest.fixture
def store(paths: Paths) -> CorpusStore:
    return CorpusStore(paths)


@pytest.fixture
def corpus(store: CorpusStore) -> Corpus:
    """Return a corpus of a hundred songs, each with metadata of its own kinds."""
    corpus = store.create("Wide: water")
    corpus.append(
        RawRecord(id=f"s{n}", title=f"Song {n}", text=f"{TEXT}{n}\n", source="book", metadata={
            "year": 1900 + n, "share": n if n % 2 else n / 7, "old": n < 50, "mixed": n if n % 2 else "x",
            "huge": 1 << n + 10,
        } | ({"rare": "é\u2028"} if n == 7 else {}))
        for n in range(100)
    )  # fmt: skip
    return corpus


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Return a corpus that takes several reports to read; it is to be read alone."""
    home = tmp_path_factory.mktemp("many")
    corpus = CorpusStore(Paths(data=home, config=home, state=home)).create("Many")
    corpus.append(RawRecord(id=f"s{n}", text=TEXT) for n in range(2000))
    return corpus


def write(corpus: Corpus, output: Path, *, force: bool = False, **options: Any) -> SongsExported:
    done = list(export_dataset(corpus, output, SongsWanted(), DatasetOptions(**options), force=force))[-1]
    assert isinstance(done, SongsExported)
    return done


OWN_KEYS = {"id", "title", "artist", "text", "lyrics", "chords", "source", "url", "fetched_at"}
NAMES = sorted(key for keys in SYNONYMS.values() for key in keys)
LINES = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
METADATA = st.dictionaries(
    (st.text(string.ascii_lowercase, min_size=1, max_size=8) | st.sampled_from(NAMES)).filter(
        lambda name: name not in OWN_KEYS
    ),
    st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | LINES,
    max_size=3,
)
RECORDS = st.builds(
    RawRecord, id=st.text(string.ascii_letters + ":-~", min_size=1, max_size=12).filter(str.strip).map(str.strip),
    text=LINES.map(lambda line: f"{line}\nla la\n"), title=LINES, artist=LINES,
    source=LINES, url=LINES, fetched_at=st.sampled_from(["", "2026-01-02T03:04:05Z"]), metadata=METADATA,
)  # fmt: skip


@settings(max_examples=30)
@given(records=st.lists(RECORDS, min_size=1, max_size=5, unique_by=lambda record: record.id))
def test_what_is_exported_is_imported_as_it_was(records: list[RawRecord], tmp_path_factory: pytest.TempPathFactory):
    home = tmp_path_factory.mktemp("trip")
    studio = Studio(Paths(data=home, config=home, state=home / "state"), Settings())
    corpus = studio.corpora.create("There")
    corpus.append(records)
    list(export_corpus(corpus, ExportFormat.JSONL, home / "out.jsonl", SongsWanted()))
    list(import_songs(studio, home / "out.jsonl", corpus="Back"))
    assert list(studio.corpora.open("Back").raw()) == list(corpus.raw())


def test_a_table_has_a_column_for_each_fact(corpus: Corpus, tmp_path: Path):
    wanted = SongsWanted(filters=[Filter.parse("year>=1901")], max_songs=60)
    done = list(export_corpus(corpus, ExportFormat.PARQUET, tmp_path / "out.parquet", wanted))[-1]
    assert done == SongsExported(path=tmp_path / "out.parquet", count=60)
    table = pq.read_table(tmp_path / "out.parquet")
    kinds = {field.name: str(field.type) for field in table.schema}
    assert kinds == {
        "id": "string", "title": "string", "artist": "string", "source": "string", "url": "string", "year": "int64",
        "share": "double", "old": "bool", "mixed": "string", "huge": "string", "rare": "string", "text": "string",
    }  # fmt: skip
    assert table.column_names[-1] == "text"
    first = table.to_pylist()[0]
    assert (first["id"], first["year"], first["share"], first["old"]) == ("s1", 1901, 1.0, True)
    assert (first["mixed"], first["huge"], first["rare"], first["text"]) == ("1", "2048", None, f"{TEXT}1\n")
    assert [row["id"] for row in table.to_pylist() if row["rare"]] == ["s7"]


def test_a_table_is_written_in_pieces(tmp_path: Path):
    with TableWriter(tmp_path / "out.parquet", {"id": "string"}, rows_a_group=30) as table:
        for n in range(100):
            table.add({"id": f"s{n}"})
    assert pq.ParquetFile(tmp_path / "out.parquet").num_row_groups == 4
    assert pq.read_table(tmp_path / "out.parquet")["id"].to_pylist() == [f"s{n}" for n in range(100)]


def test_an_empty_corpus_makes_an_empty_table(store: CorpusStore, tmp_path: Path):
    list(export_corpus(store.create("None"), ExportFormat.PARQUET, tmp_path / "out.parquet", SongsWanted()))
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 0


def test_a_data_set_is_laid_out_as_datasets_loads_it(corpus: Corpus, tmp_path: Path):
    folder = tmp_path / "songs"
    assert write(corpus, folder, split_share=0.1, seed=3, licence="cc0-1.0").count == 100
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert files == ["README.md", "data/train-00000-of-00001.parquet", "data/validation-00000-of-00001.parquet"]
    train, validation = (
        pq.read_table(folder / f"data/{split}-00000-of-00001.parquet") for split in ("train", "validation")
    )
    assert (train.num_rows, validation.num_rows) == (90, 10)
    assert sorted(train["id"].to_pylist() + validation["id"].to_pylist()) == sorted(f"s{n}" for n in range(100))
    card = DatasetCard.load(folder / "README.md")
    about = card.data.to_dict()
    assert (about["pretty_name"], about["license"], about["size_categories"]) == ("Wide: water", "cc0-1.0", ["n<1K"])
    assert about["configs"] == [{"config_name": "default", "data_files": [
        {"split": "train", "path": "data/train-*"}, {"split": "validation", "path": "data/validation-*"},
    ]}]  # fmt: skip
    assert {column["name"]: column["dtype"] for column in about["dataset_info"]["features"]} == {
        field.name: str(field.type).replace("double", "float64") for field in train.schema
    }
    assert [split["num_examples"] for split in about["dataset_info"]["splits"]] == [90, 10]
    assert "belong to those who wrote them" in card.text
    write(corpus, tmp_path / "again", split_share=0.1, seed=3)
    again = pq.read_table(tmp_path / "again/data/validation-00000-of-00001.parquet")
    assert again.equals(validation)
    assert "license: unknown" in (tmp_path / "again" / "README.md").read_text().replace('"', "")


@pytest.mark.parametrize("share", [0, 1, -0.1, 2])
def test_a_share_that_leaves_nothing_is_refused(corpus: Corpus, tmp_path: Path, share: float):
    with pytest.raises(UsageError, match=r"between 0 and 1"):
        write(corpus, tmp_path / "out", split_share=share)
    assert list(tmp_path.glob("*out*")) == []


@pytest.mark.parametrize("clean", [False, True])
def test_songs_that_were_fetched_are_not_handed_on_unasked(corpus: Corpus, tmp_path: Path, clean: bool):
    corpus.append([RawRecord(id="genius:1", text=TEXT, source="genius")])
    corpus.append([RawRecord(id="lrclib:1", text=TEXT, source="lrclib", fetched_at="2026-01-02")])
    corpus.append([RawRecord(id="x:1", text=TEXT, source="x y", metadata={"fetched": True})])
    corpus.append([RawRecord(id="y:1", text=TEXT, source="dump", url="https://genius.com/y")])
    if clean:
        songs = [
            CleanRecord(id=raw.id, text=raw.text, source=raw.source, url=raw.url, metadata=raw.metadata)
            for raw in corpus.raw()
        ]
        replace_clean(corpus, songs)
    filters = "--filter 'source!=dump' --filter 'source!=genius' --filter 'source!=lrclib' --filter 'source!=x y'"
    with pytest.raises(UsageError, match=f"4 of these songs were fetched .* {filters}, or"):
        write(corpus, tmp_path / "out")
    assert list(tmp_path.glob("*out*")) == []
    assert write(corpus, tmp_path / "out", include_fetched=True).count == 104
    assert "4 of the songs were fetched" in (tmp_path / "out" / "README.md").read_text()


def test_the_place_of_a_data_set(corpus: Corpus, tmp_path: Path):
    (tmp_path / "mine").mkdir()
    write(corpus, tmp_path / "mine")  # an empty folder may be taken
    with pytest.raises(UsageError, match="--force"):
        write(corpus, tmp_path / "mine")
    write(corpus, tmp_path / "mine", split_share=0.5, force=True)
    write(corpus, tmp_path / "mine", force=True)
    assert [path.name for path in (tmp_path / "mine" / "data").iterdir()] == ["train-00000-of-00001.parquet"]
    (tmp_path / "mine" / "data" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("mine", "file"):
        with pytest.raises(UsageError, match="isn't a dataset, so it can't be replaced"):
            write(corpus, tmp_path / name, force=True)
    with pytest.raises(StorageError, match="choose another place"):
        write(corpus, tmp_path / "file" / "under")
    assert {path.name for path in tmp_path.iterdir()} - {"songsmith-home"} == {"mine", "file"}


def put(place: Path, theirs: str, *, outside: Path) -> None:
    """Put there what its name says: a folder, a link or a file."""
    if theirs.endswith("/"):
        place.mkdir()
    elif theirs.endswith("link"):
        place.symlink_to(outside)
    else:
        place.write_text("mine")


@pytest.mark.parametrize("theirs", ["sub/", "data/sub/", "link", "data/link", "notes.txt", "data/train.parquet"])
def test_what_somebody_put_into_a_data_set_stays(corpus: Corpus, tmp_path: Path, theirs: str):
    write(corpus, tmp_path / "mine")
    place = tmp_path / "mine" / theirs
    put(place, theirs, outside=tmp_path)
    with pytest.raises(UsageError, match="isn't a dataset, so it can't be replaced"):
        write(corpus, tmp_path / "mine", force=True)
    assert place.exists()


@pytest.mark.parametrize(
    "theirs", ["README.md", "sub/", "data/sub/", "link", "data/link", "data/train-00000-of-00001.parquet"]
)
def test_a_folder_that_songsmith_did_not_write_stays(corpus: Corpus, tmp_path: Path, theirs: str):
    folder, place = tmp_path / "mine", tmp_path / "mine" / theirs
    place.parent.mkdir(parents=True)
    put(place, theirs, outside=tmp_path)
    for force in (False, True):
        with pytest.raises(UsageError, match="isn't a dataset, so it can't be replaced"):
            write(corpus, folder, force=force)
    assert [path.relative_to(folder).as_posix() for path in folder.rglob("*")][-1] == theirs.rstrip("/")


def test_a_data_set_that_cannot_be_replaced_stays(corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(corpus, tmp_path / "out")
    before = (tmp_path / "out" / "README.md").read_bytes()
    rename = Path.rename

    def fail(path: Path, to: Path) -> Path:
        if to == tmp_path / "out" and path.name.endswith(".tmp"):
            # Killed here, the old one must be where a person sees it.
            assert [it.name[0] for it in tmp_path.iterdir() if (it / "README.md").exists() and it != path] == ["o"]
            raise PermissionError(13, "no", str(to))
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(StorageError):
        write(corpus, tmp_path / "out", force=True, split_share=0.5)
    assert (tmp_path / "out" / "README.md").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"songsmith-home", "out"}


@pytest.mark.parametrize("broken", ["row", "disk", "end"])
def test_a_table_that_is_not_finished_is_closed_in_peace(tmp_path: Path, broken: str):
    limit = {"row": -1, "disk": 2000, "end": 20}[broken]
    code = (
        "import signal, resource, gc, sys, random\n"
        "from pathlib import Path\n"
        "from songsmith.corpus.formats.table_writer import TableWriter\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, -1))\n"
        "try:\n"
        "    with TableWriter(Path(sys.argv[1]), {'id': 'string'}) as table:\n"
        f"        table.add({{'id': random.randbytes({20 if broken == 'end' else 9000}).hex()}})\n"
        f"        {'1 / 0' if broken == 'row' else 'pass'}\n"
        "except (OSError, ZeroDivisionError) as error: print(type(error).__name__)\n"
        "del table\n"
        "gc.collect()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "out"], capture_output=True, text=True, check=True, timeout=60
    )
    assert (done.stdout.strip(), done.stderr) == ("ZeroDivisionError" if broken == "row" else "OSError", "")


@pytest.mark.parametrize("format", [ExportFormat.JSONL, ExportFormat.PARQUET, ExportFormat.DATASET])
@pytest.mark.parametrize("events", [1, 2, 3])
def test_an_export_that_is_closed_leaves_nothing(
    many: Corpus, tmp_path: Path, format: ExportFormat, events: int
):
    if format is ExportFormat.DATASET:
        work: Any = export_dataset(many, tmp_path / "out", SongsWanted(), DatasetOptions())
    else:
        work = export_corpus(many, format, tmp_path / "out", SongsWanted())
    counts = [next(work) for _ in range(events)]
    assert all(isinstance(event, SongsRead) and event.count < event.total for event in counts)
    work.close()
    assert list(tmp_path.iterdir()) == []


def test_songs_that_come_in_meanwhile_are_left_out(store: CorpusStore, tmp_path: Path):
    corpus = store.create("Wide")
    corpus.append(RawRecord(id=f"s{n}", text=TEXT) for n in range(600))
    work = export_corpus(corpus, ExportFormat.PARQUET, tmp_path / "out", SongsWanted())
    next(work)
    next(work)  # the second round has begun
    corpus.append(RawRecord(id=f"late{n}", text=TEXT, metadata={"late": True}) for n in range(10))
    *_, done = work
    assert isinstance(done, SongsExported)
    assert pq.read_table(tmp_path / "out").num_rows == done.count == 600
