"""Corpora damaged in every way that comes to mind: what is wrong is found, and mended without a word lost."""

import json
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from clean_corpora import replace_clean
from hypothesis import given, settings
from hypothesis import strategies as st

from songsmith.corpus.records import CleanRecord, RawRecord, SetAside
from songsmith.corpus.storage.shards import ShardSizes
from songsmith.corpus.storage.store import Corpus, CorpusStore
from songsmith.corpus.verification.damage import Damage, Remedy
from songsmith.corpus.verification.repair import repair_folder, repair_home
from songsmith.corpus.verification.verify import verify_folder, verify_home
from songsmith.paths import Paths

SONGS = [RawRecord(id=f"s{n}", title=f"Song {n}", text=f"line {n}\nla “la” la\n" * (n % 3 + 1)) for n in range(40)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with the corpus `songs`, of several shards, clean, with notes; it is to be copied, not touched."""
    home = tmp_path_factory.mktemp("whole")
    corpus = open_store(home, ShardSizes(batch_records=4, shard_bytes=800)).create("Songs")
    corpus.append(SONGS)
    corpus.append_set_aside([SetAside(id="x", reason="no words"), SetAside(id="y", reason="no words")])
    for text in ("old\n", "new\n"):
        songs = [CleanRecord(id=song.id, title=song.title, text=text) for song in SONGS]
        replace_clean(corpus, songs, [SetAside(id="z", reason="no words")])
    assert len(list(corpus.path.glob("raw-*.jsonl"))) >= 3
    return home


def open_store(home: Path, sizes: ShardSizes | None = None) -> CorpusStore:
    return CorpusStore(Paths(data=home, config=home, state=home / "state"), sizes)


@pytest.fixture
def corpus(whole: Path, tmp_path: Path) -> Corpus:
    return copy(whole, tmp_path / "home")


def copy(whole: Path, home: Path) -> Corpus:
    shutil.copytree(whole, home)
    return open_store(home).open("songs")


def look(corpus: Corpus) -> list[Damage]:
    return [event for event in verify_folder(corpus.path) if isinstance(event, Damage)]


def mend(corpus: Corpus) -> list[Damage]:
    """Repair a corpus and return what is wrong still."""
    repair_folder(corpus.path, look(corpus))
    return look(corpus)


def again(corpus: Corpus) -> Corpus:
    """Return the corpus as the next program opens it."""
    return open_store(corpus.path.parent.parent).open("songs")


def all_lines(folder: Path) -> set[bytes]:
    """Return every line of every file with songs, those set aside too."""
    return {line for path in folder.glob("*raw-*.jsonl") for line in path.read_bytes().splitlines()}


def test_of_a_whole_corpus_nothing_is_said(corpus: Corpus):
    assert look(corpus) == []
    repair_folder(corpus.path, [])
    assert look(corpus) == []


def test_a_damage_is_told_with_its_line_and_byte(corpus: Corpus):
    shard = corpus.path / "raw-00001.jsonl"
    lines = shard.read_bytes().splitlines(keepends=True)
    shard.write_bytes(lines[0] + b'{"no json\n' + b"\xff\n" + b'{"id": "no text"}\n' + b"".join(lines[1:]))
    first, second, third, *_ = look(corpus)
    place = len(lines[0])
    assert (first.path, first.line, first.byte, first.what) == (shard, 2, place, "contains something that isn't JSON")
    assert (second.line, second.byte, second.what) == (3, place + 10, "contains something that isn't text")
    assert (third.line, third.what) == (4, "contains something that isn't one of its records")
    assert mend(corpus) == []
    (aside,) = corpus.path.glob("damaged-raw-00001-*.jsonl")
    assert aside.read_bytes() == b'{"no json\n\xff\n{"id": "no text"}\n'
    assert list(again(corpus).raw()) == SONGS


def test_a_run_of_bad_lines_is_one_thing(corpus: Corpus):
    shard = corpus.path / "raw-00001.jsonl"
    shard.write_bytes(b"garbage\n" * 5000 + shard.read_bytes())
    assert [damage.line for damage in look(corpus) if damage.remedy is Remedy.LINES] == [1]


@settings(max_examples=25)
@given(share=st.floats(0, 0.999), which=st.integers(0, 2))
def test_a_shard_cut_short_keeps_its_whole_songs(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, share: float, which: int
):
    corpus = copy(whole, tmp_path_factory.mktemp("cut") / "home")
    shard = sorted(corpus.path.glob("raw-*.jsonl"))[which]
    content = shard.read_bytes()
    cut = int(share * len(content))
    shard.write_bytes(content[:cut])
    kept = content[:cut].count(b"\n")
    found = look(corpus)
    assert any(damage.path == shard and "cut short" in damage.what for damage in found)
    lost = content.count(b"\n") - kept
    songs = "1 song" if lost == 1 else f"{lost} songs"
    assert any(f"has lost {songs}," in damage.what for damage in found)
    assert mend(corpus) == []
    left = list(again(corpus).raw())
    assert len(left) == len(SONGS) - lost
    assert again(corpus).append(SONGS).added == lost
    assert sorted(song.id for song in again(corpus).raw()) == sorted(song.id for song in SONGS)
    assert look(corpus) == []


@settings(max_examples=50)
@given(place=st.floats(0, 0.9999), bit=st.integers(0, 7), name=st.sampled_from(["raw-00001.jsonl", "raw-00002.jsonl"]))
def test_a_bit_that_flips_in_a_song_is_found(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, place: float, bit: int, name: str
):
    corpus = copy(whole, tmp_path_factory.mktemp("flip") / "home")
    shard = corpus.path / name
    content = bytearray(shard.read_bytes())
    before = all_lines(corpus.path)
    content[int(place * len(content))] ^= 1 << bit
    shard.write_bytes(content)
    flipped = all_lines(corpus.path)
    assert look(corpus)
    assert mend(corpus) == []
    # Every line is there still, in the corpus or beside it: those that were not hit, and the one that was.
    assert all_lines(corpus.path) >= flipped - {b""}
    assert len(list(again(corpus).raw())) >= len(before) - 2  # a line break that flips takes two lines with it


@settings(max_examples=25)
@given(place=st.floats(0, 0.9999), bit=st.integers(0, 7), cut=st.booleans())
def test_a_damaged_index_is_made_anew(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, place: float, bit: int, cut: bool
):
    corpus = copy(whole, tmp_path_factory.mktemp("index") / "home")
    index = corpus.path / "raw.index"
    content = bytearray(index.read_bytes())
    at = int(place * len(content))
    content[at] ^= 1 << bit
    index.write_bytes(content[: at + 1] if cut else content)
    if index.read_bytes() != (whole / "corpora" / "songs" / "raw.index").read_bytes():
        assert look(corpus)
    assert mend(corpus) == []
    assert list(again(corpus).raw()) == SONGS
    assert again(corpus).append(SONGS).added == 0


@pytest.mark.parametrize("way", ["swapped", "deleted", "copied", "index deleted", "added"])
def test_shards_that_are_not_where_they_were(corpus: Corpus, way: str):
    before = all_lines(corpus.path)
    first, second, third = sorted(corpus.path.glob("raw-*.jsonl"))[:3]
    lost: set[bytes] = set()
    if way == "swapped":
        content = first.read_bytes()
        first.write_bytes(second.read_bytes())
        second.write_bytes(content)
    elif way == "deleted":
        lost = set(second.read_bytes().splitlines())
        second.unlink()
    elif way == "copied":
        lost = set(third.read_bytes().splitlines())
        third.write_bytes(first.read_bytes())
    elif way == "index deleted":
        (corpus.path / "raw.index").unlink()
    else:
        (corpus.path / "raw-00099.jsonl").write_bytes(first.read_bytes() + b'{"id": "new", "text": "la"}\n')
    said = {"swapped": "has lost", "deleted": "is missing, and with it", "copied": "there twice", "added": "there twice"}
    assert any(said.get(way, "is missing") in damage.what for damage in look(corpus))
    assert mend(corpus) == []
    assert all_lines(corpus.path) >= before - lost
    ids = [song.id for song in again(corpus).raw()]
    assert len(ids) == len(set(ids)) == len(SONGS) - len(lost) + (way == "added")


def test_songs_behind_a_bad_line_outlive_the_loss_of_the_index(corpus: Corpus):
    """Whoever writes next cuts off what is behind a bad line, if the index does not know it: a repair comes before."""
    shard = corpus.path / "raw-00001.jsonl"
    lines = shard.read_bytes().splitlines(keepends=True)
    shard.write_bytes(lines[0] + b"garbage\n" + b"".join(lines[1:]))
    (corpus.path / "raw.index").unlink()
    assert mend(corpus) == []
    assert list(again(corpus).raw()) == SONGS


@pytest.mark.parametrize("what", ["songs", "set aside", "pointer", "pointer says less", "songs gone", "other songs"])
def test_clean_songs_that_are_damaged_can_be_made_anew(corpus: Corpus, what: str):
    pointer = corpus.path / "clean.json"
    row = json.loads(pointer.read_bytes())
    songs, aside = corpus.path / row["songs_file"], corpus.path / row["set_aside_file"]
    if what == "songs":
        songs.write_bytes(songs.read_bytes()[:-5])
    elif what == "set aside":
        aside.write_bytes(b"{}\n{}\n")
    elif what == "pointer":
        pointer.write_text("garbage")
    elif what == "pointer says less":
        pointer.write_text(json.dumps(row | {"records": 3}))
    elif what == "songs gone":
        songs.unlink()
    else:
        songs.write_bytes(songs.read_bytes().replace(b'"s1"', b'"t1"'))
    assert {damage.remedy for damage in look(corpus)} >= {Remedy.CLEAN}
    assert mend(corpus) == []
    opened = again(corpus)
    assert not opened.has_clean
    assert list(opened.raw()) == SONGS
    replace_clean(opened, [CleanRecord(id="s1", text="la\n")])
    assert look(corpus) == []


def test_of_the_clean_songs_before_the_last_only_those_go(corpus: Corpus):
    row = json.loads((corpus.path / "clean.json").read_bytes())
    (corpus.path / row["previous"]["songs_file"]).write_bytes(b"garbage")
    assert [damage.remedy for damage in look(corpus)] == [Remedy.PREVIOUS]
    assert mend(corpus) == []
    assert [song.text for song in again(corpus).clean()] == ["new\n"] * len(SONGS)


def test_raw_songs_that_are_lost_take_the_clean_ones_out_of_use(corpus: Corpus):
    shard = corpus.path / "raw-00001.jsonl"
    shard.write_bytes(shard.read_bytes()[:-5])
    assert any("missing from the raw ones" in damage.what for damage in look(corpus))
    clean = corpus.path / json.loads((corpus.path / "clean.json").read_bytes())["songs_file"]
    words = clean.read_bytes()
    assert mend(corpus) == []
    assert (corpus.path / f"damaged-{clean.name}").read_bytes() == words


def test_notes_leftovers_and_names(corpus: Corpus):
    folder = corpus.path
    notes = folder / "import-set-aside.jsonl"
    good = notes.read_bytes()
    notes.write_bytes(b"garbage\n" + good + b'{"id": "torn')
    (folder / ".clean.json.123.tmp").write_text("{")
    (folder / "clean-0123abcd.jsonl").write_text('{"id": "s1", "text": "begun')
    (folder / "damaged-clean-0123abcd.jsonl").write_text("from another time")
    (folder / "corpus.json").write_text("garbage")
    (folder / ".DS_Store").write_text("")
    found = {(damage.path.name, damage.remedy) for damage in look(corpus)}
    assert found == {
        ("import-set-aside.jsonl", Remedy.LINES), (".clean.json.123.tmp", Remedy.DELETE),
        ("clean-0123abcd.jsonl", Remedy.FILE), ("corpus.json", Remedy.NAME),
    }  # fmt: skip
    assert mend(corpus) == []
    assert notes.read_bytes() == good
    assert (folder / "damaged-clean-0123abcd.jsonl").read_text() == "from another time"
    assert (folder / "damaged-clean-0123abcd-2.jsonl").read_text() == '{"id": "s1", "text": "begun'
    assert again(corpus).name == "songs"


def test_what_is_not_ours_is_told_and_left(corpus: Corpus):
    for name in ("notes.txt", "raw-00001.jsonl.bak"):
        (corpus.path / name).write_text("mine")
    (corpus.path / "folder").mkdir()
    found = look(corpus)
    assert {damage.path.name for damage in found} == {"notes.txt", "raw-00001.jsonl.bak", "folder"}
    assert mend(corpus) == found
    assert list(again(corpus).raw()) == SONGS


@pytest.mark.parametrize("name", ["raw-1.jsonl", "raw-000001.jsonl", "raw-x.jsonl"])
def test_what_looks_like_songs_of_the_corpus_is_set_aside(corpus: Corpus, name: str):
    (corpus.path / name).write_text("mine")
    assert mend(corpus) == []
    assert (corpus.path / f"damaged-{name}").read_text() == "mine"
    assert list(again(corpus).raw()) == SONGS


def test_a_newer_corpus_is_left_alone(corpus: Corpus):
    (corpus.path / "corpus.json").write_text('{"name": "Songs", "format": 2}')
    (corpus.path / "raw-00001.jsonl").write_text("who knows")
    (damage,) = look(corpus)
    assert "newer version of songsmith" in damage.what
    assert mend(corpus) == [damage]
    assert (corpus.path / "raw-00001.jsonl").read_text() == "who knows"


def test_a_folder_that_was_copied_gets_its_own_name(corpus: Corpus):
    other = corpus.path.with_name("other")
    shutil.copytree(corpus.path, other)
    (damage,) = [event for event in verify_folder(other) if isinstance(event, Damage)]
    assert damage.remedy is Remedy.NAME
    repair_folder(other, [damage])
    assert open_store(corpus.path.parent.parent).names() == ["other", "Songs"]


def test_what_lies_between_corpora(corpus: Corpus):
    home = corpus.path.parent
    (home / ".gone.removed").mkdir()
    (home / ".gone.removed" / "raw-00001.jsonl").write_text("")
    (home / "empty").mkdir()
    (home / "pictures").mkdir()
    (home / "pictures" / "me.png").write_text("")
    shutil.copytree(corpus.path, home / "lost")
    for name in ("corpus.json", "raw-00001.jsonl"):
        (home / "lost" / name).unlink()
    found = {damage.path.relative_to(home).as_posix(): damage.remedy for damage in verify_home(home)}
    assert found == {
        ".gone.removed": Remedy.DELETE, "empty": Remedy.DELETE, "pictures": Remedy.NONE, "lost/corpus.json": Remedy.NAME,
    }  # fmt: skip
    repair_home(list(verify_home(home)))
    assert [damage.path.name for damage in verify_home(home)] == ["pictures"]
    assert open_store(home.parent).names() == ["lost", "Songs"]


def test_a_corpus_that_is_begun_in_an_empty_folder_is_not_removed_as_one(corpus: Corpus):
    home = corpus.path.parent
    (home / "new").mkdir()
    found = list(verify_home(home))
    open_store(home.parent).create("new").append(SONGS)
    repair_home(found)
    assert list(open_store(home.parent).open("new").raw()) == SONGS


@pytest.mark.parametrize("calls", range(1, 12))
def test_a_repair_that_is_killed_is_finished_by_the_next(corpus: Corpus, monkeypatch: pytest.MonkeyPatch, calls: int):
    """It dies at the n-th time that it is about to rename or remove a file."""
    for shard in sorted(corpus.path.glob("raw-*.jsonl"))[:2]:
        content = shard.read_bytes()
        shard.write_bytes(b"garbage\n" + content[:-3])
    before = all_lines(corpus.path)
    left = [calls]

    def dying(name: str) -> None:
        real = getattr(Path, name)

        def do(path: Path, *arguments: object, **options: object) -> object:
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt
            return real(path, *arguments, **options)

        monkeypatch.setattr(Path, name, do)

    for name in ("replace", "rename", "unlink"):
        dying(name)
    found = look(corpus)
    with suppress(KeyboardInterrupt):
        repair_folder(corpus.path, found)
    monkeypatch.undo()
    assert mend(corpus) == []
    assert all_lines(corpus.path) >= before
    assert len(list(again(corpus).raw())) == len(SONGS) - 2
