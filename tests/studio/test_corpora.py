"""Import, clean, count and export, as every face does them."""

import errno
import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from clean_corpora import replace_clean

from songsmith.corpus.filters import Filter
from songsmith.corpus.records import RawRecord, SetAside
from songsmith.corpus.statistics import CorpusStatistics
from songsmith.corpus.storage.store import Corpus, CorpusStore
from songsmith.errors import InputError, NotFoundError, StorageError, UsageError
from songsmith.paths import Paths
from songsmith.settings import Settings
from songsmith.studio.cleaning import CorpusCleaned, SongCleaned, clean_corpus
from songsmith.studio.corpora import CorpusChosen, stale_notice
from songsmith.studio.corpus_reports import describe, list_corpora, measure_corpus
from songsmith.studio.corpus_songs import SongsWanted
from songsmith.studio.exporting import ExportFormat, SongsExported, export_corpus
from songsmith.studio.importing import FileChecked, RecordsKept, SongsImported, import_songs
from songsmith.studio.studio import Studio

VERSE = "The water is wide, I cannot get o'er\nAnd neither have I wings to fly\n"
DIRTY = RawRecord(
    id="genius:1", title="Wide", artist="Traditional", source="genius", url="https://genius.com/wide",
    text=f"3 ContributorsWide Lyrics[Verse 1]\n{VERSE}You might also like\n[Chorus]\nGive me a boat that can carry two\n12Embed",
    metadata={"genius_id": 1},
)  # fmt: skip


@pytest.fixture
def studio(paths: Paths) -> Studio:
    return Studio(paths, Settings())


@pytest.fixture
def store(studio: Studio) -> CorpusStore:
    return CorpusStore(studio.paths)


def write_songs(path: Path, count: int) -> Path:
    rows = [
        {"id": f"s{n}", "title": f"Song {n}", "text": f"line {n}\nla\n", "n": n, "even": n % 2 == 0}
        for n in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def ids(corpus: Corpus) -> list[str]:
    return [record.id for record in corpus.raw()]


def export(corpus: Corpus, output: Path, format: ExportFormat = ExportFormat.JSONL, **wanted: Any) -> int:
    done = list(export_corpus(corpus, format, output, SongsWanted(**wanted), force=True))[-1]
    assert isinstance(done, SongsExported)
    return done.count


def test_an_import_tells_how_far_it_is_and_what_it_came_to(studio: Studio, store: CorpusStore, tmp_path: Path):
    path = write_songs(tmp_path / "My Songs.jsonl", 2500)
    path.write_text(path.read_text() + "{broken\n" + '{"text": "1 2 3"}\n')
    *steps, done = import_songs(studio, path)
    assert done == SongsImported(
        corpus="My Songs", added=2500, held=0, left_out=0, set_aside={"not valid JSON": 1, "no words": 1}
    )
    assert isinstance(steps[0], FileChecked)
    kept = [step for step in steps if isinstance(step, RecordsKept)]
    assert [step.count for step in kept] == [1000, 2000, 2500]
    done_bytes = [step.bytes_read for step in steps]
    assert done_bytes == sorted(done_bytes)
    assert done_bytes[-1] <= kept[0].bytes_total
    assert [aside.reason for aside in store.open("my songs").set_aside()] == ["not valid JSON", "no words"]
    again = list(import_songs(studio, path))[-1]
    assert isinstance(again, SongsImported)
    assert (again.added, again.held) == (0, 2500)


def test_an_import_that_is_closed_keeps_what_it_told_of_and_goes_on_later(
    studio: Studio, store: CorpusStore, tmp_path: Path
):
    path = write_songs(tmp_path / "songs.jsonl", 2500)
    events = import_songs(studio, path)
    while not isinstance(next(events), RecordsKept):
        pass
    events.close()
    assert len(ids(store.open("songs"))) == 1000
    done = list(import_songs(studio, path))[-1]
    assert isinstance(done, SongsImported)
    assert (done.added, done.held) == (1500, 1000)
    assert ids(store.open("songs")) == [f"s{n}" for n in range(2500)]


def test_songs_of_two_files_with_the_same_numbers_are_all_kept(studio: Studio, store: CorpusStore, tmp_path: Path):
    for folder, words in (("x", "la"), ("y", "lo")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "songs.csv").write_text(f"id,title,text\n1,A,{words} a\n1,B,{words} b\n2,C,{words} c\n")
    for added in (3, 0):
        for folder in ("x", "y"):
            done = list(import_songs(studio, tmp_path / folder / "songs.csv"))[-1]
            assert isinstance(done, SongsImported)
            assert (done.added, done.held) == (added, 3 - added)
    texts = [record.text for record in store.open("songs").raw()]
    assert texts == ["la a", "la b", "la c", "lo a", "lo b", "lo c"]
    assert export(store.open("songs"), tmp_path / "out.jsonl") == 6
    for corpus, added in (("songs", 0), ("Back", 6)):
        done = list(import_songs(studio, tmp_path / "out.jsonl", corpus=corpus))[-1]
        assert isinstance(done, SongsImported)
        assert done.added == added
    assert list(store.open("Back").raw()) == list(store.open("songs").raw())


def test_a_table_in_a_folder_that_names_no_lyrics_does_not_stop_the_others(
    studio: Studio, store: CorpusStore, tmp_path: Path
):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"doesn't say which column has the lyrics\)\. Choose .* --text-column"):
        list(import_songs(studio, folder))
    assert store.names() == []
    write_songs(folder / "b.jsonl", 2)
    done = list(import_songs(studio, folder))[-1]
    assert isinstance(done, SongsImported)
    assert (done.added, done.set_aside) == (2, {"doesn't say which column has the lyrics": 1})


def test_a_corpus_that_was_made_for_nothing_goes_again(
    studio: Studio, store: CorpusStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = write_songs(tmp_path / "songs.jsonl", 3)
    store.create("Mine")
    sync = os.fsync

    def fill_disk(descriptor: int) -> None:
        sync(descriptor)
        if any(os.path.samestat(os.fstat(descriptor), shard.stat()) for shard in studio.paths.corpora.rglob("raw-*.jsonl")):
            raise OSError(errno.ENOSPC, "full")

    for name in ("Mine", "New"):
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fill_disk)
            with pytest.raises(StorageError, match="is full"):
                list(import_songs(studio, path, corpus=name))
    assert store.names() == ["Mine"]


def test_a_misspelt_filter_is_noticed(studio: Studio, store: CorpusStore, tmp_path: Path):
    path = write_songs(tmp_path / "songs.jsonl", 3)
    with pytest.raises(UsageError, match="No song has 'evn'; there are: even, n, title"):
        list(import_songs(studio, path, filters=[Filter.parse("evn=true")]))
    assert store.names() == []
    done = list(import_songs(studio, path, filters=[Filter.parse("evn!=true")]))[-1]
    assert isinstance(done, SongsImported)
    assert (done.added, done.notice) == (
        3,
        "No song has 'evn'; there are: even, n, title, artist, source, id, url, text.",
    )
    done = list(import_songs(studio, path, filters=[Filter.parse("evn!=true")], max_songs=2))[-1]
    assert isinstance(done, SongsImported)
    assert done.notice == ""  # a later song may have it
    corpus = store.open("songs")
    with pytest.raises(UsageError, match="No song has 'evn'"):
        export(corpus, tmp_path / "out", filters=[Filter.parse("evn!=true")])
    with pytest.raises(UsageError, match="No song in corpus 'songs' matches n>5"):
        export(corpus, tmp_path / "out", filters=[Filter.parse("n>5")])
    assert not (tmp_path / "out").exists()


def test_clean_songs_that_are_older_are_told(store: CorpusStore):
    corpus = store.create("AC/DC")
    assert stale_notice(corpus) == ""
    corpus.append([DIRTY])
    assert stale_notice(corpus) == ""  # there are no clean songs that could be old
    replace_clean(corpus, [])
    assert stale_notice(corpus) == ""
    corpus.append(RawRecord(id=f"{n}", text=VERSE) for n in range(12))
    assert stale_notice(corpus) == "Corpus 'AC/DC' has 12 new songs since it was last cleaned: songsmith clean AC/DC"
    replace_clean(corpus, [])
    for path in corpus.path.glob("raw*"):
        path.unlink()
    lost = store.open("AC/DC")
    assert not lost.is_clean
    assert (
        stale_notice(lost)
        == "Corpus 'AC/DC' lacks 13 songs that it was cleaned with: songsmith corpus verify AC/DC"
    )


def test_filters_and_a_limit_choose_what_is_taken(studio: Studio, store: CorpusStore, tmp_path: Path):
    path = write_songs(tmp_path / "songs.jsonl", 20)
    filters = [Filter.parse("even=true"), Filter.parse("n>=4")]
    for _ in range(2):  # the limit counts what is held: the same command takes the same songs
        done = list(import_songs(studio, path, corpus="Some", filters=filters, max_songs=3))[-1]
        assert isinstance(done, SongsImported)
        assert done.left_out == 6
    assert ids(store.open("Some")) == ["s4", "s6", "s8"]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("x.jsonl", '{"text": "good"}\n' * 3000 + "\udcff", "isn't UTF-8: byte 51000"),
        ("x.jsonl", "{bad\n{bad\n", r"has no usable songs \(2 not valid JSON\)"),
        ("x.txt", " \n\n<|endoftext|>\n", "has no songs"),
        ("x.txt", "1 2 3\n", r"has no usable songs \(1 without words\)"),
        ("x.json", "[]", "has no songs"),
        ("x.csv", "text\n", "has no songs"),
    ],
)
def test_a_file_without_a_good_song_leaves_nothing_behind(
    studio: Studio, store: CorpusStore, tmp_path: Path, name: str, content: str, complaint: str
):
    (tmp_path / name).write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=complaint):
        list(import_songs(studio, tmp_path / name))
    assert store.names() == []
    assert not studio.paths.data.exists()


def test_what_cannot_be_asked_for_is_refused_before_anything_is_read(studio: Studio, tmp_path: Path):
    path = write_songs(tmp_path / "songs.jsonl", 2)
    with pytest.raises(UsageError, match="can't be the name of a corpus"):
        list(import_songs(studio, path, corpus="!!!"))
    with pytest.raises(UsageError, match="--max-songs 1"):
        list(import_songs(studio, path, max_songs=0))
    with pytest.raises(UsageError, match=r"No song in .* matches n>5 and even=true"):
        list(import_songs(studio, path, filters=[Filter.parse("n>5"), Filter.parse("even=true")]))


def test_cleaning_makes_songs_and_leaves_the_raw_ones(studio: Studio, store: CorpusStore):
    corpus = store.create("Wide")
    asides = [
        RawRecord(id="genius:2", title="Quiet", text="[Instrumental]"),
        RawRecord(id="genius:3", title="Marked", text="a <|line|> b\n"),
        RawRecord(id="genius:4", title="Bare", text="[Verse 1]\n\n[Chorus]\n"),
    ]
    corpus.append([DIRTY, *asides])
    chosen, *_, done = clean_corpus(studio)
    assert chosen == CorpusChosen(name="Wide", why="the only one")
    assert isinstance(done, CorpusCleaned)
    assert (done.kept, done.changed, sum(done.set_aside.values())) == (1, 1, 3)
    assert done.removed
    (song,) = corpus.clean()
    assert (song.id, song.title, song.artist, song.url) == ("genius:1", "Wide", "Traditional", DIRTY.url)
    assert song.metadata == DIRTY.metadata
    assert [line.text for line in song.song.lines] == [*VERSE.splitlines(), "Give me a boat that can carry two"]
    assert {aside.id for aside in corpus.set_aside()} == {aside.id for aside in asides}
    assert list(corpus.raw()) == [DIRTY, *asides]
    assert corpus.is_clean


def test_a_dry_run_shows_what_would_go_and_changes_nothing(studio: Studio, store: CorpusStore):
    corpus = store.create("Wide")
    corpus.append([DIRTY, RawRecord(id="b", title="Fine", text=VERSE), RawRecord(id="c", text="[Instrumental]")])
    before = {path: path.read_bytes() for path in corpus.path.iterdir()}
    with corpus.writing():  # it may be looked at while another program writes
        events = list(clean_corpus(studio, "wide", dry_run=True))
    dirty, quiet = [event for event in events if isinstance(event, SongCleaned)]
    assert (dirty.id, dirty.title, dirty.set_aside) == ("genius:1", "Wide", "")
    assert any("Embed" in span.text for span in dirty.removed)
    assert isinstance(events[-1], CorpusCleaned)
    assert events[-1].changed == 1
    assert (quiet.id, bool(quiet.set_aside)) == ("c", True)
    assert {path: path.read_bytes() for path in corpus.path.iterdir()} == before


@pytest.mark.parametrize("keep_duplicates", [False, True])
def test_a_dry_run_comes_to_what_cleaning_comes_to(
    studio: Studio, store: CorpusStore, monkeypatch: pytest.MonkeyPatch, keep_duplicates: bool
):
    open_draft = tempfile.TemporaryFile
    written: list[int] = []

    class Draft(io.BufferedRandom):
        """A temporary file that tells how large it was in the end."""

        def close(self) -> None:
            if not self.closed:
                written.append(self.seek(0, os.SEEK_END))
            super().close()

    words = VERSE + "Give me a boat that can carry two\nAnd both shall row, my love and I\n"
    store.create("Wide").append(RawRecord(id=id, title=id, text=words) for id in "abc")
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "TemporaryFile", lambda **options: Draft(open_draft(**options).detach()))
        dry = list(clean_corpus(studio, dry_run=True, keep_duplicates=keep_duplicates))[-1]
    assert dry == list(clean_corpus(studio, keep_duplicates=keep_duplicates))[-1]
    assert isinstance(dry, CorpusCleaned)
    assert dry.kept == (3 if keep_duplicates else 1)
    assert len(written) == 3  # no second copy of the songs
    assert written[1:] == [0, 0]
    assert bool(written[0]) is not keep_duplicates


@pytest.mark.parametrize("place", [b"Traditional", b"water is wide"])
def test_a_bad_byte_in_a_song_is_told_with_the_next_step(studio: Studio, store: CorpusStore, place: bytes):
    corpus = store.create("Wide")
    corpus.append([DIRTY])
    (shard,) = corpus.path.glob("raw-*.jsonl")
    content = shard.read_bytes()
    shard.write_bytes(content.replace(place, b"\xff" + place[1:]))
    with pytest.raises(StorageError, match=r"is damaged.*songsmith corpus verify"):
        list(clean_corpus(studio))
    assert not store.open("Wide").has_clean


def test_a_song_that_only_gains_a_header_is_changed(studio: Studio, store: CorpusStore):
    refrain = "La la la, the river\nRolls down to the sea\n"
    store.create("Wide").append(
        [RawRecord(id="a", title="A", text=f"{VERSE}\n{refrain}\nNo boat\nNo oar\n\n{refrain}")]
    )
    *events, done = clean_corpus(studio, dry_run=True)
    (song,) = [event for event in events if isinstance(event, SongCleaned)]
    assert [span.replacement for span in song.removed if "Chorus" in span.replacement]
    assert isinstance(done, CorpusCleaned)
    assert done.changed == 1


def test_artists_of_a_corpus_are_known_to_its_cleaning(studio: Studio, store: CorpusStore):
    recommended = "See Ben Bolt Live\nGet tickets as low as $53\nYou might also like\nSong of Ben\nBen Bolt\n"
    text = f"[Verse 1]\n{VERSE}{recommended}{VERSE}5Embed"
    corpus = store.create("Wide")
    for count, others in ((1, []), (2, [RawRecord(id="b", artist="Ben Bolt", text="[Verse]\nla la la\n")])):
        corpus.append([RawRecord(id="a", title="A", artist="Ann", text=text), *others])
        list(clean_corpus(studio))
        song = next(iter(corpus.clean()))
        assert ("Ben Bolt" in song.text.splitlines()) is (count == 1)


def test_a_damaged_corpus_can_be_cleaned_listed_and_removed(studio: Studio, store: CorpusStore):
    corpus, other = store.create("Wide"), store.create("Other")
    corpus.append([DIRTY])
    other.append([DIRTY])
    for damage in ("garbage", "{}", '{"records": "x"}'):
        (corpus.path / "clean.json").write_text(damage)
        first, second = list_corpora(store)
        assert (first["raw_records"], "problem" in first) == (1, False)
        assert (second["name"], second["problem"]) == (
            "Wide",
            f"{corpus.path / 'clean.json'} is damaged. Clean the corpus again.",
        )
        list(clean_corpus(studio, "Wide"))
        assert corpus.is_clean
    for path in corpus.path.glob("set-aside-*"):
        path.unlink()
    list(clean_corpus(studio, "Wide"))
    assert list(corpus.set_aside()) == []


def test_cleaning_that_is_closed_changes_nothing(studio: Studio, store: CorpusStore):
    corpus = store.create("Wide")
    corpus.append(RawRecord(id=f"{n}", text=VERSE) for n in range(600))
    events = clean_corpus(studio)
    next(events)
    next(events)
    with pytest.raises(StorageError, match="Another songsmith"):
        list(clean_corpus(studio))
    events.close()
    assert not corpus.has_clean
    assert not list(corpus.path.glob("clean*"))
    list(clean_corpus(studio))
    assert corpus.is_clean


def test_without_any_corpus_the_way_to_one_is_told(studio: Studio):
    with pytest.raises(NotFoundError, match="songsmith import PATH"):
        list(clean_corpus(studio))


@pytest.mark.parametrize("raw", [False, True])
def test_an_export_is_read_back_without_loss(studio: Studio, store: CorpusStore, tmp_path: Path, raw: bool):
    corpus = store.create("Wide")
    corpus.append(
        [DIRTY, RawRecord(id="2", title="\x1b[2J\x85", artist="É", text="a\n\nb\x00\n", fetched_at="2026-01-02")]
    )
    list(clean_corpus(studio))
    output = tmp_path / "out.jsonl"
    export(corpus, output, raw=raw)
    assert "\x85" not in output.read_text(encoding="utf-8")
    list(import_songs(studio, output, corpus="Back"))
    back = list(store.open("Back").raw())
    if raw:
        assert [record.id for record in back] == ["genius:1", "out:2"]  # a bare number gets its file's name
        assert [{**vars(record), "id": ""} for record in back] == [
            {**vars(record), "id": ""} for record in corpus.raw()
        ]
    else:
        assert [{**record.as_json(), "id": ""} for record in back] == [
            {**record.as_json(), "id": ""} for record in corpus.clean()
        ]


def test_an_export_as_text_is_read_back_song_by_song(studio: Studio, store: CorpusStore, tmp_path: Path):
    corpus = store.create("Wide")
    corpus.append(RawRecord(id=f"s{n}", text=f"\nline {n}\n\nmore\n\n", metadata={"n": n}) for n in range(5))
    export(corpus, tmp_path / "out.txt", ExportFormat.TEXT, filters=[Filter.parse("n>1")], max_songs=2)
    assert (tmp_path / "out.txt").read_text() == "line 2\n\nmore\n<|endoftext|>\nline 3\n\nmore\n"
    done = list(import_songs(studio, tmp_path / "out.txt"))[-1]
    assert isinstance(done, SongsImported)
    assert done.added == 2


def test_an_export_is_whole_or_not_there(store: CorpusStore, tmp_path: Path):
    corpus = store.create("Wide")
    corpus.append([DIRTY])
    output = tmp_path / "out.jsonl"
    output.write_text("mine")
    with pytest.raises(UsageError, match="--force"):
        list(export_corpus(corpus, ExportFormat.JSONL, output, SongsWanted()))
    with pytest.raises(UsageError, match="can't be replaced"):
        export(corpus, tmp_path)
    (corpus.path / "raw-00001.jsonl").write_bytes(b"x" * 1000)
    with pytest.raises(StorageError, match="is damaged"):
        export(corpus, output)
    with pytest.raises(StorageError, match="choose another place"):
        export(corpus, tmp_path / "nowhere" / "out.jsonl")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["out.jsonl"]
    assert output.read_text() == "mine"


def test_counting(studio: Studio, store: CorpusStore):
    corpus = store.create("Wide")
    corpus.append([DIRTY, RawRecord(id="b", artist="traditional", text=f"{VERSE}\n{VERSE}")])
    list(clean_corpus(studio))
    result = list(measure_corpus(corpus, SongsWanted()))[-1]
    assert isinstance(result, CorpusStatistics)
    assert (result.songs, result.artists, result.lines) == (2, 1, 7)
    assert sum(result.stanzas.values()) == 4
    assert result.stanzas["chorus"] >= 1
    assert dict(result.lines_a_stanza) == {1: 1, 2: 3}
    assert result.mean_lines_a_stanza == 7 / 4
    assert result.repeated_lines[0][1] == 3
    assert result.words == 3 * 15 + 8
    assert result.vocabulary == 22


def test_a_corpus_is_described_with_its_state(store: CorpusStore):
    corpus = store.create("AC/DC")
    corpus.append([DIRTY])
    corpus.append_set_aside([SetAside(id="x", reason="no words")])
    about = describe(corpus)
    assert (about["name"], about["raw_records"], about["set_aside"], about["is_clean"]) == ("AC/DC", 1, 1, False)
    replace_clean(corpus, [])
    assert describe(corpus)["is_clean"]
