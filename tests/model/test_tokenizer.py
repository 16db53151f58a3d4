"""The tokenizer: any text goes in and comes back, marks never come from text, characters never break."""

import itertools
import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer as RustTokenizer

from songsmith.errors import ModelError
from songsmith.lyrics import parse
from songsmith.markup import END, LINE, MARKS, Mark, MarkupFormat, write_documents
from songsmith.model.loading import LoadedModel
from songsmith.model.tokenizer import StreamingDecoder, Tokenizer
from songsmith.paths import find_paths

texts = st.lists(
    st.sampled_from(
        [*sorted(MARKS), "<|", "|>", "\n", " ", "  ", "\t", "’", "👩‍👩‍👧", "心", "é", "\x00", "\ufeff", "\ufffd", "<s>"]
    )
    | st.text(max_size=10)
).map("".join)
token_lists = st.lists(st.integers(0, 6143) | st.integers(0, 40) | st.integers(35, 300), max_size=40)


@given(texts)
def test_any_text_comes_back_and_none_of_it_is_a_mark(starter: LoadedModel, text: str) -> None:
    tokens = starter.tokenizer.encode(text)
    assert starter.tokenizer.decode(tokens) == text
    assert all(starter.tokenizer.mark(token) is None for token in tokens)


@pytest.mark.parametrize("mark", sorted(MARKS))
def test_a_mark_is_one_token_and_its_spelling_is_text(starter: LoadedModel, mark: Mark) -> None:
    (token,) = starter.tokenizer.encode_pieces([mark])
    assert starter.tokenizer.mark(token) == mark
    assert starter.tokenizer.decode([token]) == ""
    spelled = starter.tokenizer.encode_pieces([str(mark)])
    assert token not in spelled
    assert starter.tokenizer.decode(spelled) == mark


@cache
def untouched() -> RustTokenizer:
    return RustTokenizer.from_file(str(find_paths().starter / "tokenizer.json"))


@given(token_lists)
@example([0])
def test_streamed_text_joined_is_one_whole_decode(starter: LoadedModel, tokens: list[int]) -> None:
    tokenizer, decoder = starter.tokenizer, StreamingDecoder(starter.tokenizer)
    pieces = [piece for token in tokens for piece in decoder.feed(token)] + decoder.close()
    text = "".join(piece for piece in pieces if not isinstance(piece, Mark))
    assert text == tokenizer.decode(tokens)
    # The tokenizers library is the judge; a character ends at a mark.
    judge = untouched()
    spans = itertools.groupby(tokens, key=lambda token: tokenizer.mark(token) is None)
    assert text == "".join(judge.decode(list(span)) for is_text, span in spans if is_text)
    assert [piece for piece in pieces if isinstance(piece, Mark)] == [
        mark for token in tokens if (mark := tokenizer.mark(token))
    ]


@given(texts)
def test_a_stream_of_whole_text_never_shows_half_a_character(starter: LoadedModel, text: str) -> None:
    decoder, shown = StreamingDecoder(starter.tokenizer), ""
    for token in starter.tokenizer.encode(text):
        shown += "".join(decoder.feed(token))
        assert text.startswith(shown)
    assert decoder.close() == []
    assert shown == text


def test_a_broken_character_is_shown_once_the_stream_ends(starter: LoadedModel) -> None:
    half = starter.tokenizer.encode("心")[:1]
    decoder = StreamingDecoder(starter.tokenizer)
    assert decoder.feed(half[0]) == []
    assert decoder.close() == ["\ufffd"]
    assert decoder.close() == []


def test_a_song_in_markup_comes_back_piece_by_piece(starter: LoadedModel) -> None:
    song = parse("one’s 心\n\n[Chorus]\ntwo", title="Red River")
    pieces = write_documents(song, MarkupFormat.MARKUP)[0].pieces
    decoder = StreamingDecoder(starter.tokenizer)
    tokens = starter.tokenizer.encode_pieces(pieces)
    assert "".join(itertools.chain.from_iterable(map(decoder.feed, tokens))) == "".join(pieces)


def test_every_token_is_either_form_or_word(starter: LoadedModel) -> None:
    form = starter.tokenizer.structural(starter.backend.vocabulary_size)
    for token in (*starter.tokenizer.encode("\n"), *starter.tokenizer.encode_pieces([LINE, END])):
        assert form[token]
    assert not form[starter.tokenizer.encode(" river")].any()


def edited(folder: Path, edit: Callable[[dict[str, object]], None]) -> Path:
    tokenizer = json.loads((find_paths().starter / "tokenizer.json").read_text(encoding="utf-8"))
    edit(tokenizer)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    return folder


def test_a_file_that_cuts_or_fills_texts_does_neither_here(tmp_path: Path) -> None:
    text = "From this valley they say you are going " * 20

    def limit(tokenizer: dict[str, object]) -> None:
        tokenizer["truncation"] = {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0}
        tokenizer["padding"] = {
            "strategy": {"Fixed": 2000}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0,
            "pad_token": "<|endoftext|>",
        }  # fmt: skip

    tokenizer = Tokenizer.load(edited(tmp_path, limit))
    tokens = tokenizer.encode(text)
    assert tokenizer.decode(tokens) == text
    assert all(tokenizer.mark(token) is None for token in tokens)


def test_marks_that_a_file_holds_as_common_words_are_still_no_text(tmp_path: Path) -> None:
    def common(tokenizer: dict[str, object]) -> None:
        for token in tokenizer["added_tokens"]:
            token["special"] = False

    tokenizer = Tokenizer.load(edited(tmp_path, common))
    assert tokenizer.encode_pieces([LINE]) == [tokenizer.id_of_mark[LINE]]
    assert tokenizer.id_of_mark[LINE] not in tokenizer.encode("a <|line|> b")
    assert tokenizer.decode(tokenizer.encode("a <|line|> b")) == "a <|line|> b"


def test_a_tokenizer_whose_ids_have_gaps_is_as_large_as_its_highest_id(tmp_path: Path) -> None:
    def gap(tokenizer: dict[str, object]) -> None:
        tokenizer["model"]["vocab"]["zebra-crossing"] = 99_999

    assert Tokenizer.load(edited(tmp_path, gap)).vocabulary_size == 100_000


def test_the_two_files_of_older_models_read_alike(tmp_path: Path, starter: LoadedModel) -> None:
    tokenizer = json.loads((find_paths().starter / "tokenizer.json").read_text(encoding="utf-8"))
    (tmp_path / "vocab.json").write_text(json.dumps(tokenizer["model"]["vocab"]), encoding="utf-8")
    merges = "\n".join(" ".join(pair) for pair in tokenizer["model"]["merges"])
    (tmp_path / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", encoding="utf-8")
    older = Tokenizer.load(tmp_path)
    text = "Down by the river’s side,\n  where 心 <|endoftext|> flows"
    assert older.encode(text) == starter.tokenizer.encode(text)
    assert older.decode(older.encode(text)) == text


@pytest.mark.parametrize("content", ["", "{}", "not json", "[]", '{"version": "1.0"}', "\x00"])
def test_a_tokenizer_that_cannot_be_read_is_a_model_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokenizer.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match="can't be read"):
        Tokenizer.load(tmp_path)


def test_a_tokenizer_of_another_kind_is_a_model_error(tmp_path: Path) -> None:
    def other(tokenizer: dict[str, object]) -> None:
        tokenizer["pre_tokenizer"] = {"type": "Whitespace"}

    with pytest.raises(ModelError, match="n't byte-level"):
        Tokenizer.load(edited(tmp_path, other))


def test_a_folder_without_a_tokenizer_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"vocab\.json and merges\.txt"):
        Tokenizer.load(tmp_path)
    shutil.copy(find_paths().starter / "config.json", tmp_path)
    with pytest.raises(ModelError, match=r"has no tokenizer"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize("word", ["café", "œuvre", "\n\n", "    ", "心", "naïve\nà", "Ġfoo"])
def test_a_word_that_was_added_is_the_text_it_spells(tmp_path: Path, word: str) -> None:
    def add(tokenizer: dict[str, object]) -> None:
        added = {"id": 8192, "content": word, "single_word": False, "lstrip": False, "rstrip": False}
        tokenizer["added_tokens"].append({**added, "normalized": False, "special": False})

    tokenizer = Tokenizer.load(edited(tmp_path, add))
    text = f"x{word}y"
    assert 8192 in tokenizer.encode(text)
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert (8192 in tokenizer.line_end_ids()) == ("\n" in word)
    assert tokenizer.with_marks().decode([8192]) == word


@pytest.mark.parametrize("entries", [10, 2**18 + 1, 10**11, 2**70])
def test_a_vocabulary_of_a_size_that_none_can_have_is_refused(entries: int) -> None:
    with pytest.raises(ModelError, match=r"has no room|is larger than"):
        Tokenizer.train(["Down by the river"], entries)
