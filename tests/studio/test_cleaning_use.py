"""Cleaning a corpus: in one process or several, with its options, its report, its near-duplicates, and the way back."""

import json
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from songsmith.corpus.cleaning import CleaningOptions
from songsmith.corpus.records import RawRecord
from songsmith.corpus.storage.store import Corpus
from songsmith.errors import NotFoundError, SongsmithError, StorageError, UsageError
from songsmith.paths import Paths
from songsmith.settings import Settings
from songsmith.studio.cleaning import (
    CleaningUndone,
    CorpusCleaned,
    SongCleaned,
    clean_corpus,
    describe_making,
    has_report,
    made_with,
    read_report,
    reason_kind,
    undo_cleaning,
)
from songsmith.studio.cleaning_diff import DiffRow, diff_song
from songsmith.studio.corpora import SongsRead
from songsmith.studio.duplicates import DuplicateGroup, GroupedSong, duplicate_groups
from songsmith.studio.studio import Studio

WORDS = [
    "river",
    "valley",
    "bright",
    "eyes",
    "smile",
    "going",
    "sunshine",
    "hasten",
    "adieu",
    "remember",
    "cowboy",
    "loved",
]


@pytest.fixture
def studio(paths: Paths) -> Studio:
    return Studio(paths, Settings())


def lyric(seed: int, words: int = 60) -> str:
    chance = random.Random(seed)
    rows = [" ".join([*chance.choices(WORDS, k=5), f"w{seed}x{row}"]) for row in range(words // 6)]
    return "[Verse 1]\n" + "\n".join(rows) + "\n"


def dirty(number: int) -> str:
    chorus = f"You might also like\n[Chorus]\nLa la la {number}\n12Embed"
    return f"{number + 2} ContributorsSong {number} Lyrics{lyric(number)}\n{chorus}"


def fill(studio: Studio, songs: int, name: str = "songs") -> Corpus:
    corpus = studio.corpora.create(name)
    corpus.append(
        RawRecord(id=f"s{n}", title=f"Song {n}", artist=f"Ann {n % 7}", text=dirty(n) if n % 3 else "[Instrumental]")
        for n in range(songs)
    )
    return corpus


def clean(studio: Studio, **options: object) -> CorpusCleaned:
    *_, done = clean_corpus(studio, **options)  # type: ignore[arg-type]
    assert isinstance(done, CorpusCleaned)
    return done


def contents(corpus: Corpus) -> tuple[object, ...]:
    rows = json.loads((corpus.path / "clean.json").read_bytes())
    return tuple((corpus.path / rows[f"{kind}_file"]).read_bytes() for kind in ("songs", "set_aside", "report"))


def test_several_processes_make_the_same_songs_as_one(studio: Studio):
    corpus = fill(studio, 900)
    alone = clean(studio, jobs=1)
    expected = contents(corpus)
    events = list(clean_corpus(studio, jobs=3))
    assert contents(corpus) == expected
    together = events[-1]
    assert isinstance(together, CorpusCleaned)
    assert (together.kept, together.removed, together.replaced) == (alone.kept, alone.removed, True)
    counts = [event.count for event in events if isinstance(event, SongsRead)]
    assert counts == sorted(counts)
    assert counts[-1] == 900
    for jobs in (0, -1, 100_000):
        with pytest.raises(UsageError, match="--jobs 1 to"):
            clean(studio, jobs=jobs)


def children() -> set[int]:
    """Return the process ids of the cleaning processes that this process has."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and b"clean_process" in stat.with_name("cmdline").read_bytes():
                found.add(int(stat.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no such files there")
def test_a_killed_process_is_told_and_nothing_is_half_written(studio: Studio):
    corpus = fill(studio, 3000)
    clean(studio, jobs=1)
    before = {path.name: path.read_bytes() for path in corpus.path.iterdir()}
    events = clean_corpus(studio, jobs=2)
    while not isinstance(next(events), SongsRead):
        pass
    assert len(children()) == 2
    os.kill(min(children()), signal.SIGKILL)
    with pytest.raises(SongsmithError, match=r"ended unexpectedly. Nothing was changed."):
        list(events)
    assert not children()
    assert {path.name: path.read_bytes() for path in corpus.path.iterdir()} == before
    events = clean_corpus(studio, jobs=2)
    while not isinstance(next(events), SongsRead):
        pass
    events.close()
    assert not children()
    assert {path.name: path.read_bytes() for path in corpus.path.iterdir()} == before


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_damaged_raw_file_is_named(studio: Studio, jobs: int):
    corpus = fill(studio, 10)
    shard = corpus.path / "raw-00001.jsonl"
    content = shard.read_bytes()
    shard.write_bytes(content.replace(b'"id":"s4"', b'"id":"s4,', 1))
    with pytest.raises(StorageError, match=r"raw-00001.jsonl is damaged"):
        clean(studio, jobs=jobs)
    assert not corpus.has_clean


def test_the_way_back(studio: Studio):
    corpus = fill(studio, 9)
    raw = list(corpus.raw())
    with pytest.raises(NotFoundError, match=r"no cleaning to undo. Clean it with .*: songsmith clean songs"):
        list(undo_cleaning(studio))
    assert not clean(studio).replaced
    first = contents(corpus)
    assert clean(studio).replaced
    assert contents(corpus) == first  # cleaning again comes to the same
    assert clean(studio, options=CleaningOptions(strip_headers=True)).replaced
    assert contents(corpus) != first
    *_, undone = undo_cleaning(studio)
    assert undone == CleaningUndone(corpus="songs", kept=6)
    assert contents(corpus) == first
    with pytest.raises(NotFoundError, match="Only the last cleaning can be undone"):
        list(undo_cleaning(studio))
    assert list(corpus.raw()) == raw
    with corpus.writing(), pytest.raises(StorageError, match="Another songsmith"):
        list(undo_cleaning(Studio(studio.paths, Settings())))


def test_the_report_tells_every_place_and_every_reason(studio: Studio):
    corpus = fill(studio, 6)
    assert not has_report(studio)
    done = clean(studio)
    assert has_report(studio)
    about, changes = read_report(studio, "SONGS")
    rows = {change.id: change for change in changes}
    assert about.name == "songs"
    assert set(rows) == {f"s{n}" for n in range(6)}
    assert rows["s0"].set_aside == "an instrumental"
    assert sum(len(change.removed) for change in rows.values()) == sum(done.removed.values())
    assert any("Embed" in span.text and span.rule for span in rows["s1"].removed)
    asked = [event for event in clean_corpus(studio, dry_run=True) if isinstance(event, SongCleaned)]
    assert [(song.id, song.removed, song.suspicious) for song in asked] == [
        (song.id, song.removed, song.suspicious) for song in rows.values()
    ]
    (corpus.path / json.loads((corpus.path / "clean.json").read_bytes())["report_file"]).write_bytes(b'{"id": 5}\n')
    with pytest.raises(StorageError, match="report of the last cleaning is damaged"):
        list(read_report(studio)[1])


def test_how_songs_were_cleaned_is_noted(studio: Studio):
    corpus = fill(studio, 3)
    assert made_with(corpus) == {}
    assert describe_making({}) == "unknown options"
    clean(studio)
    assert describe_making(made_with(corpus)).startswith(
        "headers kept, ad-libs kept, near-duplicates set aside (songsmith "
    )
    from songsmith.corpus.cleaning import RULES

    options = CleaningOptions(strip_headers=True, keep_adlibs=False, disabled=frozenset([RULES[0].name]))
    clean(studio, options=options, keep_duplicates=True)
    expected = f"headers removed, ad-libs dropped, near-duplicates kept, without {RULES[0].name} (songsmith "
    assert describe_making(made_with(corpus)).startswith(expected)


def versions(studio: Studio) -> Corpus:
    """Return a corpus with versions of songs."""
    corpus = studio.corpora.create("songs")
    red, blue = lyric(1), lyric(2)
    corpus.append([
        RawRecord(id="live", title="Red (Live)", artist="Ann", text=red + "Thank you\n"),
        RawRecord(id="plain", title="Red", artist="Ann", text=red),
        RawRecord(id="other", title="Blue", artist="Ann", text=blue),
        RawRecord(id="spanish", title="Red (Traducción al Español)", artist="Ann", text=lyric(3)),
        RawRecord(id="page", title="Ann - Red (Romanized)", artist="Genius Romanizations", text=lyric(4)),
        RawRecord(id="lost", title="Ann - Green (Romanized)", artist="Genius Romanizations", text=lyric(5)),
        RawRecord(id="again", title="Rojo", artist="Bob", text=red),
    ])  # fmt: skip
    return corpus


GROUP = DuplicateGroup(
    kept=GroupedSong(id="plain", title="Red", artist="Ann", similarity=None),
    others=(
        GroupedSong(id="again", title="Rojo", artist="Bob", similarity=1.0),
        GroupedSong(id="live", title="Red (Live)", artist="Ann", similarity=0.9),
        GroupedSong(id="spanish", title="Red (Traducción al Español)", artist="Ann", similarity=None),
        GroupedSong(id="page", title="Ann - Red (Romanized)", artist="Genius Romanizations", similarity=None),
    ),
)


def groups(studio: Studio) -> list[DuplicateGroup]:
    return [event for event in duplicate_groups(studio) if isinstance(event, DuplicateGroup)]


def rounded(found: list[DuplicateGroup]) -> Iterator[object]:
    for group in found:
        yield group.kept, [(song.id, song.similarity and round(song.similarity, 1)) for song in group.others]


def test_of_near_duplicates_one_is_used_and_the_others_name_it(studio: Studio):
    corpus = versions(studio)
    before = groups(studio)  # it was never cleaned: it is looked for them
    assert list(rounded(before)) == list(rounded([GROUP]))
    done = clean(studio)
    assert [song.id for song in corpus.clean()] == ["plain", "other"]
    reasons = {aside.id: aside.reason for aside in corpus.set_aside()}
    for id in ("live", "again", "spanish", "page"):
        assert reasons[id] == "near-duplicate of Red (plain)"
    assert reasons["lost"] == "an account of Genius, not an artist"
    assert done.set_aside == {"near-duplicate": 4, "an account of Genius, not an artist": 1}
    assert reason_kind(reasons["live"]) == "near-duplicate"
    assert groups(studio) == before
    kept = clean(studio, keep_duplicates=True)
    assert kept.kept == 5
    assert [song.id for song in corpus.clean()] == ["live", "plain", "other", "spanish", "again"]
    assert groups(studio) == before
    assert corpus.is_clean
    assert made_with(corpus)["keep_duplicates"]
    asides = [
        event for event in clean_corpus(studio, dry_run=True) if isinstance(event, SongCleaned) and event.duplicate_of
    ]
    assert {song.id for song in asides} == {"live", "again", "spanish", "page"}


def test_a_song_is_shown_line_by_line():
    raw = "3 ContributorsRed Lyrics[Verse 1]\nOne\ntwo \u00a0lines\n\nYou might also like\nThree\nFour\nFive\n12Embed"
    from songsmith.corpus.cleaning import clean_text

    cleaned = clean_text(raw, title="Red", artist="Ann")
    change = SongCleaned(id="x", removed=cleaned.removed, raw_text=raw, clean_text=cleaned.text)
    rows = diff_song(change)
    assert [(row.sign, row.text, row.line) for row in rows] == [
        ("-", "3 ContributorsRed Lyrics[Verse 1]", 1), ("+", "[Verse 1]", 0), (" ", "One", 2), (" ", "two lines", 3),
        ("-", "You might also like", 5), (" ", "Three", 6), ("…", "", 0), (" ", "Five", 8), ("-", "12Embed", 9),
    ]  # fmt: skip
    assert all(row.rules for row in rows if row.sign == "-")
    long = SongCleaned(id="x", removed=cleaned.removed, raw_text=raw + "\nla" * 5000, clean_text=cleaned.text)
    assert DiffRow(sign="-", text="You might also like", rules=rows[4].rules, line=5) in diff_song(long)
