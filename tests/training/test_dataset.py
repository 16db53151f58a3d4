"""Songs become blocks: no token is lost or predicted twice, and the order is a function of the seed."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import learn_tokenizer, make_options, make_songs
from strategies import songs

from songsmith.craft.plans import plan_line
from songsmith.errors import TrainingError
from songsmith.lyric_reader import read_song
from songsmith.lyrics import Song
from songsmith.markup import END, LINE, SYLLABLES, MarkupFormat, join_spans, write_documents
from songsmith.model.tokenizer import StreamingDecoder
from songsmith.training.dataset import (
    IGNORED,
    TrainingSong,
    measured_rows,
    pack_epoch,
    split_songs,
    tokenize,
)

SONGS = make_songs(12)
TOKENIZER = learn_tokenizer(SONGS)


def stream(blocks: np.ndarray) -> list[int]:
    """Return what the blocks hold, without the token that each repeats of the one before, and without padding."""
    rows = [blocks[0, :1], *(block[1:] for block in blocks)]
    return [int(token) for row in rows for token in row if token != IGNORED]


@given(st.integers(2, 60), st.floats(0.01, 0.9), st.integers(0, 5))
def test_a_split_takes_every_song_once_and_leaves_some_for_validation(count: int, share: float, seed: int) -> None:
    made = make_songs(count)
    split = split_songs(made, share=share, seed=seed)
    assert sorted(song.id for song in split.train + split.validation) == sorted(song.id for song in made)
    assert split.train
    assert split.validation
    assert split == split_songs(reversed(made), share=share, seed=seed)


def test_one_song_is_too_few_to_split() -> None:
    with pytest.raises(TrainingError, match="one song with words"):
        split_songs([*make_songs(1), TrainingSong(id="empty", song=Song("Without words"))], share=0.1, seed=0)


@pytest.mark.parametrize("shown", [0, 1])
def test_training_reads_what_prompts_are_written_in(shown: int) -> None:
    options = make_options(syllable_plan_rate=shown, rhyme_plan_rate=shown, artist_rate=shown)
    for song in SONGS[:4]:
        tokens = tokenize([song], TOKENIZER, plan_line)
        plans = [plan_line(line.text) for line in song.song.lines] if shown else ()
        whole = song.song if shown else replace(song.song, artist="")
        (document,) = write_documents(whole, MarkupFormat.MARKUP, plans)
        expected = TOKENIZER.encode_pieces([*document.pieces, END])
        assert stream(pack_epoch(tokens, options, 0)) == expected


def test_a_song_without_title_is_called_by_its_first_line() -> None:
    song = TrainingSong(id="1", song=replace(SONGS[0].song, title="", artist=""))
    text = TOKENIZER.decode(tokenize([song], TOKENIZER, plan_line).tokens.tolist())
    assert text.startswith(f"{song.song.lines[0].text}\n")


@given(st.integers(8, 70), st.integers(0, 3), st.floats(0, 1))
def test_every_token_of_an_epoch_is_predicted_once(block_size_tokens: int, epoch: int, rate: float) -> None:
    copied = [replace(song, copies=1 + number % 3) for number, song in enumerate(SONGS)]
    tokens = tokenize(copied, TOKENIZER, plan_line)
    options = make_options(block_size_tokens=block_size_tokens, syllable_plan_rate=rate, rhyme_plan_rate=rate, artist_rate=rate)
    blocks = pack_epoch(tokens, options, epoch)
    assert (blocks == pack_epoch(tokens, options, epoch)).all()
    assert (blocks[:-1, -1] == blocks[1:, 0]).all()
    said = stream(blocks)
    end, line = TOKENIZER.id_of_mark[END], TOKENIZER.id_of_mark[LINE]
    assert said.count(end) == sum(song.copies for song in copied) + 1
    assert said.count(line) == sum(song.copies * len(song.song.lines) for song in copied)


def test_epochs_differ_in_order_and_in_the_plans_they_show() -> None:
    tokens = tokenize(SONGS, TOKENIZER, plan_line)
    first, second = (stream(pack_epoch(tokens, make_options(), epoch)) for epoch in (0, 1))
    assert first != second
    plans = {TOKENIZER.id_of_mark[mark] for mark in SYLLABLES}
    told = [sum(token in plans for token in said) for said in (first, second)]
    lines = sum(len(song.song.lines) for song in SONGS)
    assert all(0.3 * lines < count < 0.7 * lines for count in told)


def test_lines_are_learned_one_by_one() -> None:
    tokens = tokenize(SONGS, TOKENIZER, plan_line, format=MarkupFormat.LINES)
    said = stream(pack_epoch(tokens, make_options(syllable_plan_rate=0, rhyme_plan_rate=0), 0))
    end, line = TOKENIZER.id_of_mark[END], TOKENIZER.id_of_mark[LINE]
    assert said.count(end) == said.count(line) + 1 == sum(len(song.song.lines) for song in SONGS) + 1
    assert SONGS[0].song.lines[0].text in TOKENIZER.decode(said)


@given(st.integers(4, 200), st.sampled_from([MarkupFormat.MARKUP, MarkupFormat.LINES]))
def test_evaluation_counts_every_token_but_the_title_once(window: int, format: MarkupFormat) -> None:
    song = SONGS[0].song
    documents = write_documents(replace(song, artist=""), format)
    rows = measured_rows(song, TOKENIZER, window=window, format=format)
    counted = [target for row in rows for target in row.targets if target != IGNORED]
    bodies = (TOKENIZER.encode_pieces([*join_spans(document.body), END]) for document in documents)
    assert counted == [token for body in bodies for token in body]
    gaps = len(song.sections) - 1 if format is MarkupFormat.MARKUP else 0
    assert sum(row.text_bytes for row in rows) == sum(len(line.text.encode()) + 1 for line in song.lines) + gaps
    assert all(len(row.tokens) == len(row.targets) <= window for row in rows)


@given(songs(min_sections=1))
def test_what_training_writes_is_read_back_as_the_song(song: Song) -> None:
    tokens = tokenize([TrainingSong(id="1", song=song)], TOKENIZER, plan_line).tokens.tolist()
    decoder = StreamingDecoder(TOKENIZER)
    read, plans = read_song([*(piece for token in tokens for piece in decoder.feed(token)), *decoder.close()])
    assert read == Song(" ".join(song.name.split()), song.sections)
    assert plans == [plan_line(line.text) for line in song.lines]


@given(songs(min_sections=1), st.sampled_from([MarkupFormat.MARKUP, MarkupFormat.LINES]))
def test_what_is_measured_is_what_training_reads(song: Song, format: MarkupFormat) -> None:
    tokens = tokenize([TrainingSong(id="1", song=song)], TOKENIZER, plan_line, format=format)
    options = make_options(syllable_plan_rate=0, rhyme_plan_rate=0, artist_rate=0)
    learned = stream(pack_epoch(tokens, options, 0))
    rows = measured_rows(song, TOKENIZER, window=10**6, format=format)
    measured = [(*row.tokens, row.targets[-1]) for row in rows]
    if format is MarkupFormat.MARKUP:
        assert [tuple(learned)] == measured
    else:  # lines are shuffled
        end = TOKENIZER.id_of_mark[END]
        places = [place for place, token in enumerate(learned) if token == end]
        assert sorted(tuple(learned[start : stop + 1]) for start, stop in pairwise(places)) == sorted(measured)
