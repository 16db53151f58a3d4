"""Takes of fixed prompts, options and seeds, token by token, as they were written once: the same seed gives the same song.

In double precision, so that no processor's rounding chooses between two tokens that are as likely. After a change that is meant to
change songs, they are recorded anew::

    python tests/generation/test_golden_takes.py
"""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch

from songsmith.benchmark.random_model import GPT2_SMALL, write_random_model
from songsmith.generation.engine import Engine
from songsmith.generation.options import GenerationOptions
from songsmith.lyrics import SectionKind, parse
from songsmith.markup import Prompt
from songsmith.model.loading import LoadedModel
from songsmith.model.networks.torch_backend import TorchBackend
from songsmith.model.registry import ModelStore
from songsmith.paths import find_paths

RECORD = Path(__file__).with_name("golden_takes.json")
VERSE = parse(
    "[Verse]\nThe kettle sings, the window fogs with steam\nI draw a road that leads out of a dream\n\n"
    "[Chorus]\nOh leave the light on, leave the door ajar\nI never meant to wander off so far",
    title="Leave the Light On",
)
CAFE = parse("[Verse]\nA naïve café – the piano’s out of tune", title="Café Noir")
PROMPTS = {
    "nothing": Prompt(), "title": Prompt(song=parse("", title="River")), "song": Prompt(song=VERSE),
    "verse 2": Prompt(song=VERSE, next_section=SectionKind.VERSE), "open": Prompt(song=CAFE, open_line=True),
    "bridge": Prompt(song=VERSE, next_section=SectionKind.BRIDGE),
}  # fmt: skip
OPTIONS: Sequence[tuple[str, dict[str, float]]] = [
    ("nothing", {}), ("nothing", {"temperature": 1.3}), ("title", {}), ("title", {"temperature": 0}), ("song", {}),
    ("song", {"temperature": 0}), ("song", {"temperature": 0, "no_repeat_ngram": 3}), ("song", {"top_k": 1}),
    ("song", {"top_k": 40, "top_p": 1}), ("song", {"top_k": 40, "temperature": 1}), ("song", {"top_p": 0.5}),
    ("song", {"top_p": 1, "temperature": 1}), ("song", {"min_p": 0.1, "top_p": 1}), ("song", {"min_p": 0.02}),
    ("song", {"repetition_penalty": 1}), ("song", {"repetition_penalty": 1.5}), ("song", {"repetition_penalty": 0.8}),
    ("song", {"no_repeat_ngram": 2}), ("song", {"no_repeat_ngram": 4, "temperature": 1.1}), ("song", {"max_lines": 2}),
    ("song", {"stop_at_section": True}), ("verse 2", {"stop_at_section": True, "stay_in_section": True}),
    ("verse 2", {"min_lines": 8, "stop_at_section": True}), ("verse 2", {"temperature": 0.4}),
    ("bridge", {"stay_in_section": True, "min_lines": 6}), ("bridge", {"temperature": 1.5, "top_k": 100}), ("open", {}),
    ("open", {"temperature": 0, "min_lines": 1}), ("open", {"top_p": 0.3, "max_lines": 1, "min_lines": 0}),
    ("title", {"min_lines": 0, "max_new_tokens": 25, "seed": 2**63 - 1}),
]  # fmt: skip
LENGTHS = {"starter": 70, "random 124M": 16}
"""Most tokens of a take, by its model."""


def load(name: str) -> LoadedModel:
    """Return a model in double precision."""
    stored = ModelStore(find_paths()).read(name)
    return LoadedModel(
        name=name, manifest=stored.manifest, weights_sha256="", tokenizer=stored.tokenizer, end_ids=stored.end_ids,
        backend=TorchBackend(stored.spec, stored.tensors(), torch.device("cpu"), torch.float64),
    )  # fmt: skip


def write_takes(model: LoadedModel, longest: int) -> list[dict[str, object]]:
    """Return the ids, the text and the end of a take for each set of options."""
    asked = [
        (PROMPTS[prompt], GenerationOptions(**{"seed": seed, "max_new_tokens": longest} | options))  # type: ignore[arg-type]
        for seed, (prompt, options) in enumerate(OPTIONS)
    ]
    ids: list[list[int]] = [[] for _ in asked]
    texts, ends = [""] * len(asked), [""] * len(asked)
    for chunk in Engine(model, drafts=False).stream_all(asked):
        ids[chunk.take].append(chunk.token)
        texts[chunk.take] += chunk.text
        ends[chunk.take] = chunk.finish or ""
    return [{"ids": one, "text": text, "end": end} for one, text, end in zip(ids, texts, ends, strict=True)]


def write_all_takes(name: str) -> list[dict[str, object]]:
    """Return the takes of the starter, or of random weights in GPT-2's smallest shape."""
    if name == "starter":
        return write_takes(load(name), LENGTHS[name])
    with TemporaryDirectory() as folder:
        write_random_model(Path(folder), GPT2_SMALL)
        return write_takes(load(folder), LENGTHS[name])


@pytest.mark.usefixtures("one_torch_thread")
@pytest.mark.parametrize("name", ["starter", pytest.param("random 124M", marks=pytest.mark.slow)])
def test_the_same_seed_gives_the_same_song(name: str):
    recorded = json.loads(RECORD.read_text(encoding="utf-8"))[name]
    for (prompt, options), take, before in zip(OPTIONS, write_all_takes(name), recorded, strict=True):
        assert take == before, (prompt, options)


if __name__ == "__main__":
    found = {name: write_all_takes(name) for name in LENGTHS}
    lines = [
        f'{json.dumps(name)}: [\n' + ",\n".join(json.dumps(take) for take in takes) + "\n]"
        for name, takes in found.items()
    ]
    RECORD.write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")
