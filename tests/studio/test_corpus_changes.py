"""Corpora made of others: nothing lost, nothing twice, and those they come from as they were."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from songsmith.corpus.filters import Filter
from songsmith.corpus.records import RawRecord
from songsmith.corpus.storage.store import Corpus, CorpusStore
from songsmith.errors import StorageError, UsageError
from songsmith.paths import Paths
from songsmith.studio.corpora import SongsRead
from songsmith.studio.corpus_changes import CorpusMade, choose_songs, merge_corpora, split_corpus

Events = Iterator[SongsRead | CorpusMade]


@pytest.fixture
def store(paths: Paths) -> CorpusStore:
    return CorpusStore(paths)


@pytest.fixture
def corpus(store: CorpusStore) -> Corpus:
    corpus = store.create("AC/DC")
    corpus.append(
        RawRecord(id=f"s{n}", text=f"line {n}\n", source="book", url="u", fetched_at="2026", metadata={"n": n})
        for n in range(2500)
    )
    return corpus


def made(events: Events) -> dict[str, int]:
    """Do the work, and return the corpora that were made with the songs that came in."""
    steps = list(events)
    counts = [step.count / step.total for step in steps if isinstance(step, SongsRead)]
    assert counts == sorted(counts)
    assert counts[-1] == 1
    return {step.name: step.added for step in steps if isinstance(step, CorpusMade)}


def songs(store: CorpusStore, name: str) -> dict[str, RawRecord]:
    records = list(store.open(name).raw())
    assert len({record.id for record in records}) == len(records)
    return {record.id: record for record in records}


def bytes_of(corpus: Corpus) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in corpus.path.iterdir()}


def test_a_split_divides_all_songs(store: CorpusStore, corpus: Corpus):
    before = bytes_of(corpus)
    assert made(split_corpus(store, corpus, share=0.1, seed=1)) == {"AC/DC-train": 2250, "AC/DC-validation": 250}
    train, validation = songs(store, "AC/DC-train"), songs(store, "AC/DC-validation")
    assert train | validation == songs(store, "AC/DC")
    assert not train.keys() & validation.keys()
    assert bytes_of(corpus) == before
    assert made(split_corpus(store, corpus, share=0.1, seed=1)) == {"AC/DC-train": 0, "AC/DC-validation": 0}
    with pytest.raises(UsageError, match="'AC/DC-train' already exists with other songs"):
        list(split_corpus(store, corpus, share=0.1, seed=2))
    made(split_corpus(store, corpus, share=0.1, seed=2, into="Other"))
    assert songs(store, "Other-validation").keys() != validation.keys()


@pytest.mark.parametrize("share", [0, 1, -1, 1.5])
def test_a_share_must_leave_two_parts(store: CorpusStore, corpus: Corpus, share: float):
    with pytest.raises(UsageError, match="between 0 and 1"):
        list(split_corpus(store, corpus, share=share))
    assert store.names() == ["AC/DC"]


def test_of_few_songs_one_goes_to_validation(store: CorpusStore, corpus: Corpus):
    few = split_corpus(store, corpus, share=0.01, filters=[Filter.parse("n<2")], into="Few")
    assert made(few) == {"Few-train": 1, "Few-validation": 1}
    with pytest.raises(UsageError, match="fewer than two songs"):
        list(split_corpus(store, corpus, share=0.5, filters=[Filter.parse("n=3")]))


def test_songs_that_are_chosen(store: CorpusStore, corpus: Corpus):
    low = [Filter.parse("n<10")]
    assert made(choose_songs(store, corpus, filters=low, into="Low")) == {"Low": 10}
    assert songs(store, "Low") == {f"s{n}": song for n, song in enumerate(songs(store, "AC/DC").values()) if n < 10}
    assert made(choose_songs(store, corpus, filters=low, into="low")) == {"Low": 0}
    for into in ("Low", "AC-DC"):
        with pytest.raises(UsageError, match="already exists with other songs"):
            list(choose_songs(store, corpus, filters=[Filter.parse("n>2000")], into=into))
    with pytest.raises(UsageError, match="No song has 'm'"):
        list(choose_songs(store, corpus, filters=[Filter.parse("m=1")], into="New"))
    assert store.names() == ["AC/DC", "Low"]


def test_merged_songs_keep_where_they_are_from_and_clashing_ids_apart(store: CorpusStore, corpus: Corpus):
    other = store.create("Other")
    other.append(
        [RawRecord(id="s1", text="line 1\n"), RawRecord(id="s2", text="other words\n"), RawRecord(id="t", text="la\n")]
    )
    before = bytes_of(corpus), bytes_of(other)
    assert made(merge_corpora(store, [corpus, other], into="Both")) == {"Both": 2502}
    both = songs(store, "Both")
    assert songs(store, "AC/DC").items() <= both.items()
    assert sorted(song.text for id, song in both.items() if id.startswith("s2~")) == ["other words\n"]
    assert made(merge_corpora(store, [corpus, other], into="Both")) == {"Both": 0}
    assert (bytes_of(corpus), bytes_of(other)) == before
    with pytest.raises(UsageError, match="can't be merged into itself"):
        list(merge_corpora(store, [corpus, other], into="ac dc"))


def test_renamed_ids_are_the_same_songs_whichever_came_first(store: CorpusStore):
    first, second = RawRecord(id="x", text="first words\n"), RawRecord(id="x", text="second words\n")
    there, back = store.create("There"), store.create("Back")
    there.append([first, second])
    back.append([second, first])
    assert made(merge_corpora(store, [there, back], into="Both")) == {"Both": 2}
    only = choose_songs(store, back, filters=[Filter.parse("text~first")], into="Only")
    assert made(only) == {"Only": 1}
    assert next(iter(songs(store, "Only"))).startswith("x~")
    assert made(merge_corpora(store, [store.open("Only"), there], into="All")) == {"All": 2}


@pytest.mark.parametrize("steps", [1, 3, 6])
def test_work_that_is_closed_leaves_no_corpus_behind(store: CorpusStore, corpus: Corpus, steps: int):
    works = [
        split_corpus(store, corpus, share=0.5), merge_corpora(store, [corpus], into="New"),
        choose_songs(store, corpus, filters=[Filter.parse("n>=0")], into="New"),
    ]  # fmt: skip
    for work in works:
        for _ in range(min(steps, 2) if work is works[1] else steps):
            assert isinstance(next(work), SongsRead)
        work.close()
        assert store.names() == ["AC/DC"]


def test_no_song_that_came_in_meanwhile_goes_with_a_new_corpus(store: CorpusStore, corpus: Corpus):
    work = split_corpus(store, corpus, share=0.5)
    while not store.has("AC/DC-validation"):
        next(work)
    for name in ("AC/DC-train", "AC/DC-validation"):
        with pytest.raises(StorageError, match="Another songsmith is writing"):
            store.open(name).append([RawRecord(id="mine", text="la\n")])
    work.close()
    assert store.names() == ["AC/DC"]
    made(split_corpus(store, corpus, share=0.5))
    assert store.open("AC/DC-train").append([RawRecord(id="mine", text="la\n")]).added == 1


def test_what_came_into_a_new_corpus_before_the_work_took_it_stays(
    paths: Paths, store: CorpusStore, corpus: Corpus
):
    class Late(CorpusStore):
        """Makes corpora that somebody else writes to before they are handed out."""

        def create(self, name: str) -> Corpus:
            target = super().create(name)
            store.create(name).append([RawRecord(id="mine", text="la\n")])
            return target

    work = merge_corpora(Late(paths), [corpus], into="New")
    next(work)
    work.close()
    assert "mine" in songs(store, "New")


def test_what_was_there_before_stays_when_work_is_closed(store: CorpusStore, corpus: Corpus):
    store.create("New").append([RawRecord(id="mine", text="la\n")])
    work = merge_corpora(store, [corpus], into="New")
    next(work)
    work.close()
    assert "mine" in songs(store, "New")
    assert made(merge_corpora(store, [corpus], into="New")) == {"New": 1500}
