"""The interface of a contestant that writes, and songsmith's: it loads a model directory and writes takes.

A contestant imports what it needs itself, because each runs in a process of its own (worker.py).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from songsmith.benchmark.options import PROMPT_TOKENS, TOP_K

if TYPE_CHECKING:
    from songsmith.markup import Prompt
    from songsmith.model.backend import Backend
    from songsmith.model.loading import LoadedModel


@dataclass(frozen=True)
class Writer:
    """A contestant that has loaded its model."""

    device: str
    """What it runs on."""
    write: Callable[[int, int], None]
    """Writes so many takes of so many tokens each, and returns when the last token is there."""
    clock: Callable[[int], list[float]] | None = None
    """Writes one take of so many tokens and returns the seconds after which each was there; None if it was not asked."""
    weights_a_token: int = 0
    """Weights a token is multiplied with: those of the blocks' matrices and of the head. 0 if nobody counted."""
    weight_bytes: int = 0
    """Bytes that each of them has in memory."""


def load_songsmith(folder: Path) -> Writer:
    """Load songsmith's engine as `songsmith gen` does, on the device and threads that the settings name."""
    from songsmith.generation.engine import Engine
    from songsmith.generation.options import GenerationOptions
    from songsmith.model.registry import ModelStore
    from songsmith.paths import find_paths
    from songsmith.settings import Settings

    paths = find_paths()
    settings = Settings.load(paths)
    model = ModelStore(paths).load(str(folder.absolute()), device=settings.device, threads=settings.threads)
    engine = Engine(model)
    prompt = _long_enough_prompt(model)

    def options(takes: int, new_tokens: int) -> list[GenerationOptions]:
        # No take may end early, and the cuts are those of the peers: top-k alone.
        return [
            GenerationOptions(
                seed=take, temperature=1.0, top_k=TOP_K, top_p=1.0, max_new_tokens=new_tokens, max_lines=0, min_lines=100_000
            )
            for take in range(takes)
        ]  # fmt: skip

    def write(takes: int, new_tokens: int) -> None:
        written = sum(1 for _ in engine.stream(prompt, options(takes, new_tokens)))
        assert written == takes * new_tokens

    def clock(new_tokens: int) -> list[float]:
        return [chunk.elapsed_s for chunk in engine.stream(prompt, options(1, new_tokens))]

    return Writer(
        device_title(model.backend.device_name), write, clock, _count_weights(folder), _weight_bytes(model.backend)
    )


def _count_weights(folder: Path) -> int:
    from songsmith.model.architectures import read_spec
    from songsmith.model.architectures.spec import Part

    spec = read_spec(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    # Of the positions one row is read; the table of tokens is the head as well, and read whole.
    return sum(
        prod(tensor.shape) for tensor in spec.tensors() if len(tensor.shape) == 2 and Part.POSITIONS not in tensor.parts
    )


def _weight_bytes(backend: "Backend") -> int:
    from songsmith.model.networks.onnx_network import OnnxNetwork

    if isinstance(backend, OnnxNetwork):
        return 1
    from songsmith.model.device import choose_device, choose_dtype

    return choose_dtype(choose_device(backend.device_name)).itemsize


def _long_enough_prompt(model: "LoadedModel") -> "Prompt":
    """Return the shortest run of words that comes to PROMPT_TOKENS with what its format puts around it."""
    from songsmith.lyrics import parse
    from songsmith.markup import MarkupFormat, Prompt

    for letters in range(1, 100 * PROMPT_TOKENS):
        prompt = Prompt(song=parse(("la " * letters)[:letters].strip()), open_line=True)
        head, body = map(model.tokenizer.encode_pieces, prompt.pieces(MarkupFormat(model.manifest.format)))
        if len(head) + len(body) >= PROMPT_TOKENS:
            return prompt
    raise ValueError("this tokenizer can't make a prompt that is long enough")


def device_title(name: str) -> str:
    """Return what a person calls a torch device: the name of a GPU, or `cpu`."""
    if not name.startswith("cuda"):  # torch is in no process that has no use for it: memory is measured
        return name
    import torch

    return torch.cuda.get_device_name(name)
