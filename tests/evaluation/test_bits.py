"""Bits per byte, against distributions that are known because they are put into real networks by hand."""

import math
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from songsmith.errors import EngineError, ModelError
from songsmith.evaluation.bits import require_marks, score_song, token_nats
from songsmith.lyrics import Song, parse
from songsmith.markup import END, LINE, MarkupFormat
from songsmith.model.architectures.gpt2 import gpt2_spec
from songsmith.model.loading import LoadedModel
from songsmith.model.manifest import Manifest
from songsmith.model.networks.torch_backend import TorchBackend
from songsmith.training.loss_totals import LossTotals

SONG = parse(
    "From this valley they say you are going\nWe will miss your bright eyes and sweet smile\n\n"
    "[Chorus]\nCome and sit by my side if you love me\nDo not hasten to bid me adieu\n",
    title="Red River Valley",
)
LYRIC_BYTES = len(
    "From this valley they say you are going\nWe will miss your bright eyes and sweet smile\n\n"
    "Come and sit by my side if you love me\nDo not hasten to bid me adieu\n"
)
Logits = NDArray[np.float64]
ModelMaker = Callable[..., LoadedModel]


@pytest.fixture
def fixed(starter: LoadedModel) -> ModelMaker:
    """Return a maker of networks that give every token the same logits, whatever was read."""

    def make(logits: Logits, *, window: int = 16, format: MarkupFormat = MarkupFormat.MARKUP) -> LoadedModel:
        shape = gpt2_spec(vocabulary_size=len(logits), context_window_tokens=window, width=2, layers=1, heads=1)
        weights = {name: torch.zeros(size) for name, size in shape.weight_shapes().items()}
        weights["ln_f.bias"][0] = 1.0
        weights["wte.weight"][:, 0] = torch.from_numpy(logits)
        network = TorchBackend(shape, weights, torch.device("cpu"), torch.float32)
        return replace(starter, backend=network, manifest=Manifest(format=format))

    return make


def told(song: Song, model: LoadedModel) -> list[int]:
    """Return the tokens of a song in markup without its title."""
    marks, encode = model.tokenizer.id_of_mark, model.tokenizer.encode
    ids: list[int] = []
    for section in song.sections:
        ids += [marks[f"<|{section.kind}|>"], *encode("\n")]
        for line in section.lines:
            ids += [marks[LINE], *encode(f"{line.text}\n")]
    return [*ids, marks[END]]


def test_a_uniform_model_pays_the_same_for_every_token(fixed: ModelMaker, starter: LoadedModel) -> None:
    entries = starter.tokenizer.vocabulary_size
    found = score_song(fixed(np.zeros(entries)), SONG)
    assert (found.tokens, found.text_bytes) == (len(told(SONG, starter)), LYRIC_BYTES)
    assert found.nats_per_token / math.log(2) == pytest.approx(math.log2(entries), rel=1e-14)
    assert found.bits_per_byte == pytest.approx(math.log2(entries) * found.tokens / LYRIC_BYTES, rel=1e-14)


@pytest.mark.parametrize("window", [2, 5, 16, 512])
def test_a_distribution_made_by_hand(fixed: ModelMaker, starter: LoadedModel, window: int) -> None:
    entries = starter.tokenizer.vocabulary_size
    logits = np.random.default_rng(window).normal(size=entries) * 4
    ids = told(SONG, starter)
    logits[ids[:3]] = 30.0
    exact = logits.astype(np.float32).astype(np.float64)
    total = math.log(math.fsum(map(math.exp, exact)))
    nats = math.fsum(total - exact[token] for token in ids)
    found = score_song(fixed(logits, window=window), SONG)
    assert found.nats == pytest.approx(nats, rel=1e-9)
    assert found.nats_per_token == pytest.approx(nats / len(ids), rel=1e-9)


def test_outputs_without_an_entry_cost_nothing(fixed: ModelMaker, starter: LoadedModel) -> None:
    logits = np.random.default_rng(0).normal(size=starter.tokenizer.vocabulary_size)
    bare = score_song(fixed(logits), SONG)
    padded = score_song(fixed(np.concatenate([logits, np.full(64, 9.0)])), SONG)
    assert padded.nats == pytest.approx(bare.nats, rel=1e-12)
    assert (padded.tokens, padded.text_bytes) == (bare.tokens, bare.text_bytes)


def test_both_formats_count_the_same_bytes(fixed: ModelMaker, starter: LoadedModel) -> None:
    logits = np.zeros(starter.tokenizer.vocabulary_size)
    markup, plain = (
        score_song(fixed(logits, format=format), SONG) for format in (MarkupFormat.MARKUP, MarkupFormat.PLAIN)
    )
    assert markup.text_bytes == plain.text_bytes == LYRIC_BYTES
    assert markup.tokens > plain.tokens


def test_the_starter_knows_a_song_from_noise(starter: LoadedModel) -> None:
    song, noise = score_song(starter, SONG), score_song(starter, parse("xq zzv kk\npfft wq qqj\n", title="Jx"))
    assert song.text_bytes == LYRIC_BYTES
    assert 0.5 < song.bits_per_byte < 2.5 < noise.bits_per_byte
    assert (song + noise).nats == song.nats + noise.nats
    assert (song + noise).text_bytes == LYRIC_BYTES + len("xq zzv kk\npfft wq qqj\n")


def test_what_is_cut_into_parts_costs_as_much() -> None:
    draw = np.random.default_rng(1)
    logits = draw.normal(size=(300, 11)).astype(np.float32) * 20
    targets = draw.integers(0, 11, size=300)
    alone = [token_nats(logits[at : at + 1], targets[at : at + 1])[0] for at in range(300)]
    assert token_nats(logits, targets).tolist() == alone


def test_nothing_measured_costs_nothing() -> None:
    assert (LossTotals().bits_per_byte, LossTotals().nats_per_token) == (0, 0)


@pytest.mark.parametrize("damage", [math.nan, math.inf])
def test_odds_that_are_no_numbers_are_refused(fixed: ModelMaker, starter: LoadedModel, damage: float) -> None:
    with pytest.raises(EngineError, match="aren't numbers"):
        score_song(fixed(np.full(starter.tokenizer.vocabulary_size, damage)), SONG)


def test_a_tokenizer_without_the_marks_is_refused(starter: LoadedModel) -> None:
    for format, mark in ((MarkupFormat.PLAIN, END), (MarkupFormat.MARKUP, LINE)):
        marks = {key: token for key, token in starter.tokenizer.id_of_mark.items() if key != mark}
        tokenizer = SimpleNamespace(id_of_mark=marks)
        model = replace(starter, tokenizer=tokenizer, manifest=Manifest(format=format))
        with pytest.raises(ModelError, match=mark.replace("|", r"\|")):
            require_marks(model)
    require_marks(starter)
