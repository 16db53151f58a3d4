"""A take ends where its model says that a text ends, not only at `<|endoftext|>`."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from fakes import Songsmith, write_random_model
from safetensors.torch import load_file, save_file

from songsmith.generation.engine import Engine
from songsmith.generation.events import TokenChunk
from songsmith.generation.options import GenerationOptions
from songsmith.markup import Prompt
from songsmith.model.loading import LoadedModel
from songsmith.model.networks.cuda_graphs import CudaGraphNetwork
from songsmith.model.registry import ModelStore
from songsmith.paths import find_paths
from songsmith.studio.writing import read_prompt
from songsmith.takes import FinishReason

OTHER_END = 300
"""Some token of the starter's alphabet that is a common word to everyone else."""

pytestmark = pytest.mark.usefixtures("one_torch_thread")


def write_ending_model(
    folder: Path, *, config: Any = None, generation_config: Any = None, wanted: int = OTHER_END, manifest: Any = None
) -> Path:
    """Save a model that always wants one token, and says by its configurations which ones end a text."""
    write_random_model(folder, manifest=manifest)
    weights = load_file(folder / "model.safetensors")
    row = weights["transformer.wte.weight"][wanted]
    weights["transformer.ln_f.bias"] = 160 * row / row.norm()
    save_file(weights, folder / "model.safetensors")
    said = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(said | {"eos_token_id": config}))
    if generation_config is not None:
        (folder / "generation_config.json").write_text(json.dumps(generation_config))
    return folder


def load(folder: Path) -> LoadedModel:
    return ModelStore(find_paths()).load(str(folder), device="cpu", threads=1)


def chunks_of(engine: Engine, prompt: Prompt | None = None, **options: Any) -> list[TokenChunk]:
    asked = GenerationOptions(**{"max_new_tokens": 30, "min_lines": 0, "max_lines": 0} | options)
    return list(engine.stream(prompt or Prompt(), [asked]))


@pytest.mark.parametrize(
    ("config", "generation_config"),
    [
        (OTHER_END, None),
        ([7, OTHER_END], None),
        (None, {"eos_token_id": OTHER_END}),
        (7, {"eos_token_id": [9, OTHER_END]}),
        ([OTHER_END], {"eos_token_id": 7}),
        (OTHER_END, {"eos_token_id": None}),
        (OTHER_END, ["no configuration"]),
        ([OTHER_END, True, -1, 2**40, "</s>", None], {"eos_token_id": {"a": 1}}),
    ],
)
def test_each_end_a_model_names_ends_a_take(tmp_path: Path, config: Any, generation_config: Any) -> None:
    model = load(write_ending_model(tmp_path / "model", config=config, generation_config=generation_config))
    (only,) = chunks_of(Engine(model))
    assert (only.finish, only.text, only.tokens) == (FinishReason.END_OF_SONG, "", 1)


@pytest.mark.parametrize("config", [None, 7, [], "</s>", -1, 2.0, True])
def test_what_is_no_end_of_the_model_ends_nothing(tmp_path: Path, config: Any) -> None:
    chunks = chunks_of(Engine(load(write_ending_model(tmp_path / "model", config=config))))
    assert chunks[-1].finish is FinishReason.MAX_TOKENS


def test_no_end_is_drawn_before_min_lines(tmp_path: Path) -> None:
    model = load(write_ending_model(tmp_path / "model", config=OTHER_END))
    chunks = chunks_of(Engine(model), min_lines=1)
    assert chunks[0].finish is None
    assert chunks_of(Engine(model), min_lines=100)[-1].tokens == 30
    begun = read_prompt("Down by the river", finish_line=True)
    assert chunks_of(Engine(model), begun)[0].finish is None  # a line that is to be finished gets a word


def test_rows_side_by_side_with_guesses_and_a_draft_model_end_there_too(tmp_path: Path) -> None:
    model = load(write_ending_model(tmp_path / "model", config=OTHER_END))
    small = load(write_random_model(tmp_path / "draft"))
    options = [
        GenerationOptions(seed=seed, max_new_tokens=12, min_lines=lines, max_lines=0)
        for seed, lines in enumerate((0, 100, 0, 100))
    ]
    for engine in (Engine(model, drafts=False), Engine(model, drafts=True), Engine(model, draft_model=small)):
        ends = {chunk.take: chunk for chunk in engine.stream(Prompt(), options) if chunk.finish is not None}
        assert [ends[take].tokens for take in range(4)] == [1, 12, 1, 12]


def test_a_queued_network_ends_there_too(tmp_path: Path) -> None:
    stored = ModelStore(find_paths()).read(str(write_ending_model(tmp_path / "model", config=OTHER_END)))
    backend = CudaGraphNetwork(stored.spec, stored.tensors(), torch.device("cpu"), torch.float32)
    model = LoadedModel(
        name="queued", manifest=stored.manifest, weights_sha256="", backend=backend, tokenizer=stored.tokenizer,
        end_ids=stored.end_ids,
    )  # fmt: skip
    (only,) = chunks_of(Engine(model, drafts=False))
    assert only.finish is FinishReason.END_OF_SONG
    assert len(chunks_of(Engine(model, drafts=False), min_lines=100)) == 30


def test_a_model_of_lines_ends_no_song(tmp_path: Path) -> None:
    folder = write_ending_model(tmp_path / "model", config=OTHER_END, manifest={"format": "lines"})
    assert chunks_of(Engine(load(folder)))[-1].finish is FinishReason.MAX_TOKENS


def test_gen_writes_nothing_of_an_end(songsmith: Songsmith, tmp_path: Path) -> None:
    folder = write_ending_model(tmp_path / "model", config=OTHER_END)
    result = songsmith("gen", "--model", str(folder), "--seed", "1", "--min-lines", "0", "--max-new-tokens", "60", "--json")
    take = json.loads(result.stdout)
    assert (take["tokens"], take["text"], take["finish"]) == (1, "", "end_of_song")
