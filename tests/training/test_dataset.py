"""Songs become blocks: nothing is lost, nothing is told twice, and the order is a function of the seed."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import learn_tokenizer, make_options, make_songs

from songsmith.craft.plans import plan_line
from songsmith.errors import TrainingError
from songsmith.lyrics import Section, Song
from songsmith.markup import END, LINE, SYLLABLES, MarkupFormat, song_pieces
from songsmith.training.dataset import (
    IGNORED,
    TrainingSong,
    lyric_bytes,
    measured_rows,
    pack_epoch,
    split_songs,
    tokenize,
)
from songsmith.training.options import Unit

SONGS = make_songs(12)
TOKENIZER = learn_tokenizer(SONGS)


def stream(blocks: np.ndarray) -> list[int]:
    """Return what the blocks hold, without the token that each repeats of the one before, and without padding."""
    rows = [blocks[0, :1], *(block[1:] for block in blocks)]
    return [int(token) for row in rows for token in row if token != IGNORED]


@given(st.integers(2, 60), st.floats(0.01, 0.9), st.integers(0, 5))
def test_a_split_takes_every_song_once_and_keeps_some_back(count: int, share: float, seed: int) -> None:
    songs = make_songs(count)
    split = split_songs(songs, share=share, seed=seed)
    assert sorted(song.id for song in split.train + split.validation) == sorted(song.id for song in songs)
    assert split.train
    assert split.validation
    assert split == split_songs(reversed(songs), share=share, seed=seed)


def test_one_song_is_too_few_to_split() -> None:
    with pytest.raises(TrainingError, match="one song with words"):
        split_songs([*make_songs(1), TrainingSong(id="empty", song=Song("Without words"))], share=0.1, seed=0)


@pytest.mark.parametrize("told", [0, 1])
def test_training_reads_what_prompts_are_written_in(told: int) -> None:
    options = make_options(syllable_plan_rate=told, rhyme_plan_rate=told, artist_rate=told)
    for song in SONGS[:4]:
        tokens = tokenize([song], TOKENIZER, plan_line)
        plans = [plan_line(line.text) for line in song.song.lines] if told else ()
        whole = song.song if told else replace(song.song, artist="")
        expected = TOKENIZER.encode_pieces([*song_pieces(whole, plans), END])
        assert stream(pack_epoch(tokens, options, 0)) == expected


def test_a_song_without_title_is_called_by_its_first_line() -> None:
    song = TrainingSong(id="1", song=replace(SONGS[0].song, title="", artist=""))
    text = TOKENIZER.decode(tokenize([song], TOKENIZER, plan_line).tokens.tolist())
    assert text.startswith(f"{song.song.lines[0].text}\n")


@given(st.integers(8, 70), st.integers(0, 3), st.floats(0, 1))
def test_every_token_of_an_epoch_is_foretold_once(block_size_tokens: int, epoch: int, rate: float) -> None:
    songs = [replace(song, copies=1 + number % 3) for number, song in enumerate(SONGS)]
    tokens = tokenize(songs, TOKENIZER, plan_line)
    options = make_options(block_size_tokens=block_size_tokens, syllable_plan_rate=rate, rhyme_plan_rate=rate, artist_rate=rate)
    blocks = pack_epoch(tokens, options, epoch)
    assert (blocks == pack_epoch(tokens, options, epoch)).all()
    assert (blocks[:-1, -1] == blocks[1:, 0]).all()
    said = stream(blocks)
    end, line = TOKENIZER.id_of_mark[END], TOKENIZER.id_of_mark[LINE]
    assert said.count(end) == sum(song.copies for song in songs) + 1
    assert said.count(line) == sum(song.copies * len(song.song.lines) for song in songs)


def test_epochs_differ_in_order_and_in_the_plans_they_tell() -> None:
    tokens = tokenize(SONGS, TOKENIZER, plan_line)
    first, second = (stream(pack_epoch(tokens, make_options(), epoch)) for epoch in (0, 1))
    assert first != second
    plans = {TOKENIZER.id_of_mark[mark] for mark in SYLLABLES}
    told = [sum(token in plans for token in said) for said in (first, second)]
    lines = sum(len(song.song.lines) for song in SONGS)
    assert all(0.3 * lines < count < 0.7 * lines for count in told)


def test_lines_are_learned_one_by_one() -> None:
    tokens = tokenize(SONGS, TOKENIZER, plan_line, unit=Unit.LINE)
    said = stream(pack_epoch(tokens, make_options(syllable_plan_rate=0, rhyme_plan_rate=0), 0))
    end, line = TOKENIZER.id_of_mark[END], TOKENIZER.id_of_mark[LINE]
    assert said.count(end) == said.count(line) + 1 == sum(len(song.song.lines) for song in SONGS) + 1
    assert SONGS[0].song.lines[0].text in TOKENIZER.decode(said)


@given(st.integers(4, 200), st.sampled_from([MarkupFormat.MARKUP, MarkupFormat.LINES]))
def test_judging_a_song_counts_every_token_but_the_title_once(window: int, format: MarkupFormat) -> None:
    song = SONGS[0].song
    rows = measured_rows(song, TOKENIZER, window=window, format=format)
    counted = [target for row in rows for target in row.targets if target != IGNORED]
    if format is MarkupFormat.MARKUP:
        bare = Song(song.title, tuple(Section(section.kind, section.lines) for section in song.sections))
        pieces = [*song_pieces(bare), END]
        assert counted == TOKENIZER.encode_pieces(pieces)[len(TOKENIZER.encode_pieces(pieces[:4])) :]
        assert sum(row.text_bytes for row in rows) == lyric_bytes(song)
    else:
        assert sum(row.text_bytes for row in rows) == lyric_bytes(song) - len(song.sections) + 1
    assert all(len(row.tokens) == len(row.targets) <= window for row in rows)


def test_bytes_of_a_lyric_are_its_lines_and_breaks() -> None:
    song = SONGS[0].song
    text = "\n".join("".join(f"{line.text}\n" for line in section.lines) for section in song.sections)
    assert lyric_bytes(song) == len(text.encode())
