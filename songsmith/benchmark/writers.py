"""The contestants that write: each loads a model directory and writes takes. A new peer is one more entry in WRITERS.

A writer imports what it needs itself, because each runs in a process of its own (worker.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from songsmith.benchmark.options import PROMPT_TOKENS, TOP_K

if TYPE_CHECKING:
    from songsmith.markup import Prompt
    from songsmith.model.store import LoadedModel

# Letters in shapes: B = takes, T = tokens of the prompt.


@dataclass(frozen=True)
class Writer:
    """A contestant that has loaded its model."""

    device: str
    """What it runs on."""
    write: Callable[[int, int], None]
    """Writes so many takes of so many tokens each, and returns when the last token is there."""


def load_songsmith(folder: Path) -> Writer:
    """Load songsmith's engine as `songsmith gen` does, on the device and threads that the settings name."""
    from songsmith.generation.engine import Engine
    from songsmith.generation.options import GenerationOptions
    from songsmith.model.store import ModelStore
    from songsmith.paths import find_paths
    from songsmith.settings import Settings

    paths = find_paths()
    settings = Settings.load(paths)
    model = ModelStore(paths).load(str(folder.absolute()), device=settings.device, threads=settings.threads)
    engine = Engine(model)
    prompt = _long_enough_prompt(model)

    def write(takes: int, new_tokens: int) -> None:
        # No take may end early, and the cuts are those of the peers: top-k alone.
        options = [
            GenerationOptions(
                seed=take, temperature=1.0, top_k=TOP_K, top_p=1.0, max_new_tokens=new_tokens, max_lines=0, min_lines=100_000
            )
            for take in range(takes)
        ]  # fmt: skip
        written = sum(1 for _ in engine.stream(prompt, options))
        assert written == takes * new_tokens

    return Writer(device_title(model.backend.device_name), write)


def _long_enough_prompt(model: "LoadedModel") -> "Prompt":
    """Return the shortest run of words that comes to PROMPT_TOKENS with what its format puts around it."""
    from songsmith.lyrics import parse
    from songsmith.markup import MarkupFormat, Prompt

    for letters in range(1, 100 * PROMPT_TOKENS):
        prompt = Prompt(song=parse(("la " * letters)[:letters].strip()), open_line=True)
        head, body = map(model.tokenizer.encode_pieces, prompt.pieces(MarkupFormat(model.manifest.format)))
        if len(head) + len(body) >= PROMPT_TOKENS:
            return prompt
    raise ValueError("this tokenizer makes no prompt long enough")


def load_transformers(folder: Path) -> Writer:
    """Load the model into transformers, on the device and in the precision songsmith would choose."""
    import torch
    from transformers import GPT2LMHeadModel

    from songsmith.model.device import choose_device, choose_dtype, set_threads
    from songsmith.paths import find_paths
    from songsmith.settings import Settings

    settings = Settings.load(find_paths())
    if settings.threads:  # otherwise torch chooses, as it would for anyone
        set_threads(settings.threads)
    device = choose_device(settings.device)
    model: Any = GPT2LMHeadModel.from_pretrained(folder, dtype=choose_dtype(device))
    model.eval().to(device)
    prompt = torch.arange(1, PROMPT_TOKENS + 1, device=device)[None]  # (1, T)

    def write(takes: int, new_tokens: int) -> None:
        ids = prompt.repeat(takes, 1)  # (B, T)
        model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=new_tokens, min_new_tokens=new_tokens, do_sample=True,
            temperature=1.0, top_k=TOP_K, top_p=1.0, pad_token_id=model.config.eos_token_id,
        )  # fmt: skip
        if device.type == "cuda":
            torch.cuda.synchronize()

    return Writer(device_title(str(device)), write)


def device_title(name: str) -> str:
    """Return what a person calls a torch device: the name of a GPU, or `cpu`."""
    import torch

    return torch.cuda.get_device_name(name) if name.startswith("cuda") else name


WRITERS: dict[str, Callable[[Path], Writer]] = {
    "songsmith": load_songsmith,
    "transformers.generate": load_transformers,
}
"""songsmith first, then its peers, in the order they take turns."""
