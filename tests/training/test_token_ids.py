"""Models already trained read the text they learned: the token ids of training, prompts and evaluation stay as they are."""

import json
from pathlib import Path

import pytest

from songsmith.craft.plans import plan_line
from songsmith.lyrics import parse
from songsmith.markup import MarkupFormat, Prompt
from songsmith.model.loading import LoadedModel
from songsmith.training.dataset import TrainingSong, measured_rows, tokenize

KNOWN = json.loads((Path(__file__).parent / "data" / "token_ids.json").read_text(encoding="utf-8"))
LYRIC = "From this valley they say you are going,\nWe’ll miss you\n\n[Chorus]\nCome and sit by my side"
NAMES = {"titled": ("Red  River", "Traditional"), "untitled": ("", "")}


@pytest.mark.parametrize("named", NAMES)
@pytest.mark.parametrize("format", MarkupFormat)
def test_the_token_ids_of_a_song_are_those_of_models_already_trained(
    starter: LoadedModel, format: MarkupFormat, named: str
) -> None:
    title, artist = NAMES[named]
    song, tokenizer = parse(LYRIC, title=title, artist=artist), starter.tokenizer
    prompt = Prompt(song=song, open_line=True)
    rows = measured_rows(song, tokenizer, window=64, format=format)
    found = {
        "prompt": [tokenizer.encode_pieces(pieces) for pieces in prompt.pieces(format)],
        "measured": [[list(row.tokens), list(row.targets), row.text_bytes] for row in rows],
    }
    if format is not MarkupFormat.PLAIN:  # nothing is trained on plain text
        training = tokenize([TrainingSong(id="1", song=song)], tokenizer, plan_line, format=format)
        found["training"] = training.tokens.tolist()
    assert found == KNOWN[f"{format}, {named}"]
