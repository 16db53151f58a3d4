"""Corpora on disk: what is reported as kept is there, once, whatever happens to program, disk or index."""

import errno
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from clean_corpora import replace_clean
from hypothesis import given
from hypothesis import strategies as st

from songsmith.corpus.records import CleanRecord, RawRecord, SetAside, hash_words
from songsmith.corpus.storage.shards import ShardSizes
from songsmith.corpus.storage.store import Appended, Corpus, CorpusStore, folder_name
from songsmith.corpus.verification.damage import Damage
from songsmith.corpus.verification.verify import verify_folder
from songsmith.errors import NotFoundError, StorageError, UsageError
from songsmith.lyrics import SectionKind
from songsmith.paths import Paths

WRITE = """
import sys
from pathlib import Path
from songsmith.corpus.storage.shards import ShardSizes
from songsmith.corpus.records import CleanRecord, RawRecord
from songsmith.corpus.storage.store import CorpusStore
from songsmith.errors import StorageError
from songsmith.paths import find_paths
what, songs = sys.argv[1], int(sys.argv[2])
corpus = CorpusStore(find_paths(), ShardSizes(batch_records=7, shard_bytes=20_000)).create("killed")
print("ready", flush=True)
sys.stdin.readline()
try:
    if what == "raw":
        total = 0
        records = (RawRecord(id=f"s{n}", title=f"Song {n}", text=f"é line {n}\\n" * (n % 50 + 1)) for n in range(songs))
        for batch in corpus.append_batches(records):
            total += batch.added + batch.held
            print(total, flush=True)
    else:
        for turn in range(songs):
            with corpus.replacing_clean() as writer:
                for n in range(50):
                    writer.keep(CleanRecord(id=f"{n}", text=f"turn {turn}\\n"))
            print(turn + 1, flush=True)
except StorageError as error:
    print("refused:", error, flush=True)
"""


def record(number: int, text: str = "") -> RawRecord:
    return RawRecord(id=f"s{number}", title=f"Song {number}", text=text or f"line {number}\n")


def ids(corpus: Corpus) -> list[str]:
    return [song.id for song in corpus.raw()]


@pytest.fixture
def store(paths: Paths) -> CorpusStore:
    return CorpusStore(paths)


@pytest.fixture
def corpus(store: CorpusStore) -> Corpus:
    return store.create("Songs")


METADATA = st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text())
RECORDS = st.builds(
    RawRecord, id=st.text(min_size=1), text=st.text(), title=st.text(), artist=st.text(), source=st.text(),
    url=st.text(), fetched_at=st.text(), metadata=METADATA,
)  # fmt: skip


@given(records=st.lists(RECORDS, max_size=8, unique_by=lambda record: record.id))
def test_what_goes_in_comes_out(tmp_path_factory: pytest.TempPathFactory, records: list[RawRecord]):
    home = tmp_path_factory.mktemp("home")
    store = CorpusStore(Paths(data=home, config=home, state=home))
    assert store.create("x").append(records) == Appended(added=len(records), held=0)
    assert list(store.open("x").raw()) == records


def test_songs_behind_a_damaged_line_are_not_cut_off_though_the_index_is_lost(store: CorpusStore, corpus: Corpus):
    corpus.append([record(1), record(2), record(3)])
    shard = corpus.path / "raw-00001.jsonl"
    damaged = shard.read_bytes().replace(b'{"id":"s2"', b'["id":"s2"')
    assert damaged != shard.read_bytes()
    shard.write_bytes(damaged)
    (corpus.path / "raw.index").unlink()
    with pytest.raises(StorageError, match="is damaged"):
        store.open("songs").append([record(4)])
    assert shard.read_bytes() == damaged


def test_half_a_character_is_replaced_and_the_song_kept(corpus: Corpus):
    broken = RawRecord(id="a", text="half \ud800 of it", metadata={"k\udc00": "v\udc00"})
    assert corpus.append([broken]).added == 1
    assert corpus.append([broken]).held == 1
    assert [(song.text, dict(song.metadata)) for song in corpus.raw()] == [("half � of it", {"k�": "v�"})]


def test_a_song_is_kept_once(store: CorpusStore, corpus: Corpus):
    assert corpus.append([record(1), record(2), record(1)]) == Appended(added=2, held=1)
    other = store.open("songs")
    assert other.holds("s1")
    assert other.append([record(2), record(3)]) == Appended(added=1, held=1)
    assert corpus.holds("s3")  # though another program brought it in
    assert [song.text for song in corpus.raw()] == ["line 1\n", "line 2\n", "line 3\n"]


@pytest.mark.parametrize("index", ["as written", "gone", "with ids", "with ids and no words"])
def test_other_words_under_an_id_are_another_song(store: CorpusStore, corpus: Corpus, index: str):
    first, second, titled = record(1), record(1, "other words\n"), RawRecord(id="s1", title="x", text="line 1\n")
    assert corpus.append([first, second, first]) == Appended(added=2, held=1)
    path = corpus.path / "raw.index"
    if index == "gone":
        path.unlink()
    elif index != "as written":  # but by an older version
        row = json.loads(path.read_bytes())
        del row["songs"]
        row["ids"] = ids(corpus)
        if index == "with ids":
            row["words"] = [hash_words(song) for song in corpus.raw()]
        path.write_text(json.dumps(row) + "\n")
    again = store.open("songs")
    assert again.append([second, first, titled, titled]) == Appended(added=1, held=3)
    assert [song.text for song in again.raw()] == ["line 1\n", "other words\n", "line 1\n"]
    assert len(set(ids(again))) == 3
    assert ids(again)[0] == "s1"
    assert again.append(list(again.raw())) == Appended(held=3)  # an export comes back as it was


@given(songs=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.sampled_from("lmn")), max_size=12))
def test_no_song_is_lost_or_doubled_whatever_its_id(
    tmp_path_factory: pytest.TempPathFactory, songs: list[tuple[str, str, str]]
):
    home = tmp_path_factory.mktemp("home")
    corpus = CorpusStore(Paths(data=home, config=home, state=home)).create("x")
    records = [RawRecord(id=id, title=title, text=text) for id, title, text in songs]
    assert corpus.append(records).added == len(set(songs))
    assert {(song.id[0], song.title, song.text) for song in corpus.raw()} == set(songs)
    assert len(set(ids(corpus))) == len(set(songs))
    assert corpus.append([*records, *corpus.raw()]).added == 0


def test_a_changed_page_of_genius_is_the_same_song(corpus: Corpus):
    pages = [RawRecord(id="genius:7", title="Valley", text=text) for text in ("old words\n", "new words\n")]
    assert corpus.append(pages) == Appended(added=1, held=1)


def test_what_a_later_version_notes_besides_is_passed_over(store: CorpusStore, corpus: Corpus):
    corpus.append([record(1)])
    replace_clean(corpus, [CleanRecord(id="s1", text="a\n")], [SetAside(id="s2")])
    corpus.append_set_aside([SetAside(id="s3")])
    for path in (*corpus.path.glob("*.jsonl"), *corpus.path.glob("clean.json")):
        path.write_bytes(path.read_bytes().replace(b"{", b'{"mood":"sad",', 1))
    size = (corpus.path / "raw-00001.jsonl").stat().st_size
    index = corpus.path / "raw.index"
    index.write_bytes(re.sub(rb'"end":\d+', b'"end":%d' % size, index.read_bytes()))
    again = store.open("songs")
    assert (ids(again), [song.id for song in again.clean()]) == (["s1"], ["s1"])
    assert [aside.id for aside in again.set_aside()] == ["s3", "s2"]
    for path in corpus.path.glob("clean-*.jsonl"):
        path.write_text('{"id": "s1", "text": 5}\n')
    with pytest.raises(StorageError, match=r"is damaged\. Clean the corpus again"):
        list(again.clean())


def test_a_corpus_goes_on_in_another_shard(paths: Paths):
    corpus = CorpusStore(paths, ShardSizes(batch_records=3, shard_bytes=1000)).create("songs")
    corpus.append(map(record, range(200)))
    assert len(list(corpus.path.glob("raw-*.jsonl"))) > 5
    assert ids(corpus) == [f"s{number}" for number in range(200)]


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_torn_end_is_ignored_and_then_cut_off(store: CorpusStore, corpus: Corpus, cut: int):
    corpus.append(map(record, range(3)))
    shard = corpus.path / "raw-00001.jsonl"
    with shard.open("ab") as file:
        file.write(b'{"id":"s9","title":"never whole","text":"abcdefgh'[:cut])
    assert ids(store.open("songs")) == ["s0", "s1", "s2"]
    again = store.open("songs")
    assert again.append([record(9)]).added == 1
    assert ids(store.open("songs")) == ["s0", "s1", "s2", "s9"]
    assert shard.read_bytes().count(b"\n") == 4


@pytest.mark.parametrize("left", [0, 10, 60, None])
def test_the_index_is_made_again_from_the_shards(store: CorpusStore, corpus: Corpus, left: int | None):
    for number in range(5):
        corpus.append([record(number)])
    index = corpus.path / "raw.index"
    if left is None:
        index.unlink()
    else:
        os.truncate(index, left)
    assert ids(store.open("songs")) == [f"s{number}" for number in range(5)]
    assert store.open("songs").append([record(4), record(5)]) == Appended(added=1, held=1)
    assert ids(store.open("songs")) == [f"s{number}" for number in range(6)]


def test_a_damaged_shard_is_named(store: CorpusStore, corpus: Corpus):
    corpus.append(map(record, range(5)))
    shard = corpus.path / "raw-00001.jsonl"
    shard.write_bytes(shard.read_bytes().replace(b'"s2"', b'"s2\x00'))
    with pytest.raises(StorageError, match=r"raw-00001\.jsonl is damaged"):
        list(store.open("songs").raw())
    os.truncate(shard, 20)
    with pytest.raises(StorageError, match=r"raw-00001\.jsonl is damaged"):
        store.open("songs").append([record(9)])


def start(what: str, songs: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", WRITE, what, str(songs)]
    writer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    return writer


def kill_somewhere(writer: "subprocess.Popen[str]", chance: random.Random) -> int:
    """Let a writer go on for a while, kill it, and return what it had reported."""
    assert writer.stdin is not None
    assert writer.stdout is not None
    writer.stdin.write("go\n")
    writer.stdin.flush()
    reports = []
    for _ in range(chance.choice([0, 0, 1, 3, 10, 40])):
        reports.append(writer.stdout.readline())
    for _ in range(chance.randrange(30_000)):
        pass
    writer.send_signal(signal.SIGKILL)
    reports += writer.stdout.readlines()
    writer.communicate()
    return max((int(line) for line in reports if line.endswith("\n")), default=0)


def check_it_heals(corpus: Corpus) -> None:
    """See that what a kill left is told from damage, whatever songs are clean that never were raw."""
    damages = [event for event in verify_folder(corpus.path) if isinstance(event, Damage)]
    damages = [damage for damage in damages if "missing from the raw" not in damage.what]
    assert all(damage.heals for damage in damages), damages


@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_what_was_reported_survives_a_kill_and_nothing_is_doubled(store: CorpusStore, kills: int):
    songs = 2000
    chance = random.Random(kills)
    for _ in range(kills):
        reported = kill_somewhere(start("raw", songs), chance)
        check_it_heals(store.open("killed"))
        found = ids(store.open("killed"))
        assert found == [f"s{number}" for number in range(len(found))]
        assert len(found) >= reported
        if len(found) == songs:
            store.remove("killed")
    with start("raw", songs) as writer:
        writer.communicate("go\n")
    assert ids(store.open("killed")) == [f"s{number}" for number in range(songs)]
    assert [song.text for song in store.open("killed").raw()] == [f"é line {n}\n" * (n % 50 + 1) for n in range(songs)]


@pytest.mark.parametrize("kills", [3, pytest.param(50, marks=pytest.mark.slow)])
@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_clean_songs_are_the_old_or_the_new_whatever_is_killed(store: CorpusStore, kills: int):
    corpus = store.create("killed")
    replace_clean(corpus, [CleanRecord(id="0", text="turn -1\n")])
    chance = random.Random(kills)
    for _ in range(kills):
        kill_somewhere(start("clean", 100_000), chance)
        check_it_heals(corpus)
        texts = [song.text for song in corpus.clean()]
        assert len(set(texts)) == 1
        assert len(texts) in (1, 50)
    replace_clean(corpus, [])
    # The songs, and those before them for an undo; what the killed ones left is gone.
    assert len(list(corpus.path.glob("clean-*.jsonl"))) == 2


def test_a_corpus_is_written_by_one_program_at_a_time(store: CorpusStore):
    with store.create("killed").writing(), start("raw", 5) as writer:
        answer, _ = writer.communicate("go\n")
        assert answer.startswith("refused: Another songsmith is writing to corpus 'killed'.")
    with start("raw", 5) as writer:
        answer, _ = writer.communicate("go\n")
        assert answer.splitlines() == ["5"]


@pytest.mark.skipif(os.name == "nt", reason="no such limit there")
def test_a_file_that_may_not_grow_loses_nothing(store: CorpusStore):
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (15_000, 15_000))

    command = [sys.executable, "-c", WRITE, "raw", "2000"]
    done = subprocess.run(command, input="go\n", stdout=subprocess.PIPE, text=True, preexec_fn=limit, check=True)
    *reports, refusal = done.stdout.splitlines()[1:]
    assert refusal.startswith("refused: ")
    found = ids(store.open("killed"))
    assert len(found) == int(reports[-1]) > 0  # not a song less, and not one that was not reported
    written = list(store.open("killed").raw())
    assert store.open("killed").append([*written, record(-1)]) == Appended(added=1, held=len(found))


@pytest.mark.parametrize("failing", [1, 2])
def test_a_full_disk_is_told_and_nothing_is_half_written(corpus: Corpus, monkeypatch: pytest.MonkeyPatch, failing: int):
    corpus.append([record(1)])
    before = {path.name: path.read_bytes() for path in corpus.path.iterdir()}
    calls = iter(range(1, 100))

    def fill(descriptor: int) -> None:
        if next(calls) == failing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fill)
        with pytest.raises(StorageError, match="is full"):
            corpus.append([record(2)])
    assert {path.name: path.read_bytes() for path in corpus.path.iterdir()} == before
    with monkeypatch.context() as patch:
        calls = iter(range(1, 100))
        patch.setattr(os, "fsync", fill)
        with pytest.raises(StorageError, match="is full"):
            replace_clean(corpus, [CleanRecord(id="1", text="a\n")])
    assert {path.name: path.read_bytes() for path in corpus.path.iterdir()} == before
    assert corpus.append([record(2)]).added == 1


def test_clean_songs_are_replaced_as_a_whole(corpus: Corpus):
    with pytest.raises(NotFoundError, match="songsmith clean Songs"):
        corpus.clean()
    corpus.append([record(1), record(2)])
    old = [CleanRecord(id="s1", title="One", artist="Ann", text="[Chorus]\nla la\n", metadata={"year": 1799})]
    replace_clean(corpus, old, [SetAside(id="s2", title="Song 2", reason="no words")])
    assert corpus.is_clean
    assert list(corpus.set_aside()) == [SetAside(id="s2", title="Song 2", reason="no words")]

    reader = corpus.clean()
    assert next(reader).song.sections[0].kind is SectionKind.CHORUS
    with pytest.raises(ZeroDivisionError):
        replace_clean(corpus, (CleanRecord(id=f"{1 // (3 - n)}", text="x\n") for n in range(9)))
    assert list(corpus.clean()) == old
    replace_clean(corpus, [*old, CleanRecord(id="s2", text="two\n")])
    assert list(reader) == []  # who had begun reads the old ones to their end
    assert [song.id for song in corpus.clean()] == ["s1", "s2"]
    replace_clean(corpus, old)

    corpus.append([record(3)])
    assert corpus.has_clean
    assert not corpus.is_clean
    sizes = corpus.sizes()
    assert (sizes.raw_records, sizes.clean_records, sizes.set_aside) == (3, 1, 0)


def test_what_an_import_set_aside_is_noted_once(corpus: Corpus):
    for _ in range(2):
        corpus.append_set_aside(
            [SetAside(id="f:3", title="line 3", reason="not valid JSON"), SetAside(id="a", reason="b")]
        )
    replace_clean(corpus, [], [SetAside(id="c", reason="no words")])
    assert [aside.id for aside in corpus.set_aside()] == ["f:3", "a", "c"]


@pytest.mark.parametrize("torn", [b"", b'{"id": "torn'])
def test_notes_behind_a_damaged_one_stay(store: CorpusStore, corpus: Corpus, torn: bytes):
    corpus.append_set_aside([SetAside(id=f"n{n}", reason="no words") for n in range(4)])
    path = corpus.path / "import-set-aside.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b"\xff" + lines[1], *lines[2:], torn]))
    again = store.open("songs")
    again.append_set_aside([SetAside(id="n3", reason="no words"), SetAside(id="new", reason="no words")])
    assert path.read_bytes().startswith(b"".join([lines[0], b"\xff" + lines[1], *lines[2:]]))
    assert [aside.id for aside in again.set_aside()] == ["n0", "n2", "n3", "new"]
    assert again.sizes().set_aside == 4


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("Red River", "red-river"), ("AC/DC", "ac-dc"), ("../../etc/passwd", "etc-passwd"), ("  P!nk ", "p-nk"),
        ("Björk", "björk"), ("CON", "con-songs"), ("com1", "com1-songs"), (".hidden", "hidden"), ("a\x1b[2Jb\n", "a-2jb"),
        ("宇多田ヒカル", "宇多田ヒカル"), ("C:\\Songs", "c-songs"), ("Bjo\u0308rk", "björk"),
    ],
)  # fmt: skip
def test_any_name_makes_a_safe_folder(store: CorpusStore, name: str, folder: str):
    corpus = store.create(name)
    assert corpus.path == store.create(name).path == store.open(corpus.name).path
    assert corpus.path.name == folder
    assert corpus.path.is_dir()
    assert store.names() == [corpus.name]


@pytest.mark.parametrize("name", ["", "  ", "..", ".", "/", "!!!", "\x00", "x" * 201])
def test_a_name_that_can_be_none_is_refused(store: CorpusStore, paths: Paths, name: str):
    with pytest.raises(UsageError):
        store.create(name)
    assert not paths.corpora.exists()


@given(name=st.text(max_size=250))
def test_a_folder_name_stays_where_it_belongs(name: str):
    try:
        folder = folder_name(name)
    except UsageError:
        return
    assert Path(folder).name == folder
    assert folder not in ("", ".", "..")
    assert len(folder.encode()) <= 110
    assert folder_name(folder) == folder


def test_long_names_stay_apart(store: CorpusStore):
    names = ["ж" * 150 + "1", "ж" * 150 + "2"]
    assert len({store.create(name).path for name in names}) == 2
    assert store.names() == names


def test_a_removal_may_be_finished_by_another(store: CorpusStore, monkeypatch: pytest.MonkeyPatch):
    store.create("songs")
    remove = shutil.rmtree

    def remove_after_another(path: Path, **options: bool) -> None:
        remove(path, ignore_errors=True)
        remove(path, **options)

    monkeypatch.setattr(shutil, "rmtree", remove_after_another)
    store.remove("songs")
    assert store.names() == []


def test_a_corpus_is_found_by_any_spelling_of_its_name(store: CorpusStore):
    with pytest.raises(NotFoundError, match="songsmith import PATH"):
        store.open("AC/DC")
    store.create("AC/DC")
    assert store.open("ac dc").name == "AC/DC"
    with pytest.raises(NotFoundError, match="Did you mean 'AC/DC'"):
        store.open("acdc")
    with pytest.raises(NotFoundError, match="There are: AC/DC"):
        store.open("beatles")
    with pytest.raises(NotFoundError):
        store.open("..")


def test_the_default_is_the_only_corpus_or_the_latest(store: CorpusStore):
    with pytest.raises(NotFoundError, match="No corpora yet"):
        store.default()
    first, second = store.create("First"), store.create("Second")
    for number, corpus in enumerate((second, first, second)):
        corpus.append([record(number)])
        os.utime(corpus.path / "raw.index", (2e9 + number, 2e9 + number))
        assert store.default().name == corpus.name
    replace_clean(first, [])
    os.utime(first.path / "clean.json", (2.1e9, 2.1e9))
    assert store.default().name == "First"


def test_a_corpus_is_removed_with_all_it_holds(store: CorpusStore, corpus: Corpus):
    corpus.append([record(1)])
    other = store.create("Other")
    with store.open("songs").writing(), pytest.raises(StorageError, match="Another songsmith"):
        store.remove("Songs")
    store.remove("songs")
    assert not corpus.path.exists()
    assert store.names() == ["Other"]
    assert list(corpus.path.parent.iterdir()) == [other.path]


def test_what_a_killed_removal_left_goes_with_the_next(
    store: CorpusStore, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", raise_interrupt)
        with pytest.raises(KeyboardInterrupt):
            store.remove("songs")
    assert store.names() == []
    assert len(list(corpus.path.parent.iterdir())) == 1
    other = store.create("Other")
    assert list(corpus.path.parent.iterdir()) == [other.path]


def raise_interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_corpus_without_its_card_is_called_after_its_folder(store: CorpusStore, corpus: Corpus):
    corpus.append([record(1)])
    (corpus.path / "corpus.json").write_bytes(b"\xff")
    assert store.names() == ["songs"]
    (corpus.path / "corpus.json").unlink()
    assert ids(store.open("SONGS")) == ["s1"]
    (corpus.path / "corpus.json").write_text('{"name": "Songs", "format": 2}')
    for use in (store.open, store.create):
        with pytest.raises(StorageError, match="newer songsmith"):
            use("songs")
    with pytest.raises(StorageError, match="newer songsmith"):
        store.default()
    assert store.names() == ["Songs"]
    store.remove("songs")
    assert store.names() == []


def test_a_home_that_is_no_folder_is_told(paths: Paths, store: CorpusStore):
    paths.data.mkdir()
    paths.corpora.write_text("")
    assert store.names() == []
    with pytest.raises(StorageError, match="isn't a folder"):
        store.create("x")
    paths.corpora.unlink()
    shutil.rmtree(paths.data)


def test_metadata_lies_on_disk_under_the_key_that_it_has_always_had(corpus: Corpus):
    corpus.append([RawRecord(id="a", text="la la", metadata={"year": 1896})])
    line = (corpus.path / "raw-00001.jsonl").read_bytes()
    assert json.loads(line) == {"id": "a", "facts": {"year": 1896}, "text": "la la"}
    assert [dict(record.metadata) for record in corpus.raw()] == [{"year": 1896}]
