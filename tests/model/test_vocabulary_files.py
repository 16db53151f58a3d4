"""Tokenizers in vocab.json and merges.txt, with special tokens in the files beside them: read as transformers reads them."""

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import write_random_model
from hypothesis import example, given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from songsmith.errors import ModelError
from songsmith.markup import END
from songsmith.model.tokenizer import Tokenizer
from songsmith.paths import find_paths

LEARNED = json.loads((find_paths().starter / "tokenizer.json").read_text(encoding="utf-8"))["model"]
SIZE = len(LEARNED["vocab"])
TEXT = "Down by the river, 1999 <|im_end|> times — I’m\n\n  waiting <hook> and [PAD]<|endoftext|>"


def word(text: str, *, special: bool) -> dict[str, Any]:
    return {"content": text, "lstrip": False, "rstrip": False, "normalized": False, "single_word": False, "special": special}


FILES: dict[str, dict[str, Any]] = {
    "nothing beside": {"tokenizer_config.json": {"tokenizer_class": "GPT2Tokenizer"}},
    "a class without more": {
        "tokenizer_config.json": {"tokenizer_class": "GPT2Tokenizer", "eos_token": END, "bos_token": END, "unk_token": END}
    },
    "a map": {
        "tokenizer_config.json": {"tokenizer_class": "GPT2TokenizerFast"},
        "special_tokens_map.json": {"eos_token": word(END, special=True), "unk_token": END, "pad_token": "[PAD]"},
    },
    "a decoder": {
        "tokenizer_config.json": {
            "tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|im_end|>", "pad_token": END, "unk_token": END,
            "added_tokens_decoder": {
                str(SIZE): word("<|im_start|>", special=True), str(SIZE + 1): word("<|im_end|>", special=True),
                str(SIZE + 2): word("<hook>", special=False),
            },
        }
    },
    "ids beside": {
        "tokenizer_config.json": {"tokenizer_class": "CodeGenTokenizer", "eos_token": END, "unk_token": END, "bos_token": END},
        "added_tokens.json": {"<hook>": SIZE + 1, "[PAD]": SIZE},
    },
}  # fmt: skip


def write_files(folder: Path, **files: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(LEARNED["vocab"]), encoding="utf-8")
    merges = "".join(f"{' '.join(pair)}\n" for pair in LEARNED["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}", encoding="utf-8")
    for name, values in files.items():
        (folder / name).write_text(json.dumps(values), encoding="utf-8")
    return folder


@pytest.fixture(scope="module", params=FILES)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tokenizer, Any]:
    folder = write_files(tmp_path_factory.mktemp("tokenizer"), **FILES[request.param])
    mine = Tokenizer.load(folder)
    (folder / "config.json").write_text('{"model_type": "gpt2"}', encoding="utf-8")
    return mine, AutoTokenizer.from_pretrained(folder)


def test_every_token_has_the_id_it_has_in_transformers(both: tuple[Tokenizer, Any]) -> None:
    mine, theirs = both
    assert json.loads(mine.to_json())["model"]["vocab"] == LEARNED["vocab"]
    assert mine.vocabulary_size == len(theirs)
    for token in range(SIZE, len(theirs)):
        known = theirs.added_tokens_decoder[token]
        assert mine.token_bytes(token) == (b"" if known.special else known.content.encode())


@given(text=st.text() | st.lists(st.sampled_from([*TEXT.split(" "), "don't", "42", "\n"]), max_size=9).map(" ".join))
@example(TEXT)
def test_texts_become_the_ids_they_become_in_transformers(both: tuple[Tokenizer, Any], text: str) -> None:
    mine, theirs = both
    ids = mine.encode(text)
    assert ids == theirs.encode(text, add_special_tokens=False, split_special_tokens=True)
    assert mine.decode(ids) == theirs.decode(ids, clean_up_tokenization_spaces=False)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an id past the next one": ({"added_tokens.json": {"<hook>": SIZE + 5}}, f"token {SIZE + 5} is not the next one"),
    "an id that is taken": ({"added_tokens.json": {"<hook>": 7}}, "token 7 is not the next one"),
    "an id that is none": ({"added_tokens.json": {"<hook>": "x"}}, "can't be read"),
    "a word of no letters": ({"added_tokens.json": {"": SIZE}}, "is not the next one"),
    "another kind": ({"tokenizer_config.json": {"tokenizer_class": "CLIPTokenizer"}}, "is a 'CLIPTokenizer', which"),
    "settings that are a list": ({"tokenizer_config.json": []}, "isn't a JSON object"),
    "a decoder that is a list": ({"tokenizer_config.json": {"added_tokens_decoder": [1]}}, "can't be read"),
    "tokens without end": ({"added_tokens.json": {f"<{n}>": SIZE + n for n in range(10_001)}}, "adds too many tokens"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_files_that_contradict_each_other_are_refused(tmp_path: Path, kind: str) -> None:
    files, words = REFUSED[kind]
    with pytest.raises(ModelError, match=words) as caught:
        Tokenizer.load(write_files(tmp_path, **files))
    assert caught.value.next_step


def test_a_tokenizer_json_needs_none_of_them(tmp_path: Path) -> None:
    folder = write_files(write_random_model(tmp_path / "model"), **{"added_tokens.json": {"<hook>": 7}})
    assert Tokenizer.load(folder).vocabulary_size == SIZE
