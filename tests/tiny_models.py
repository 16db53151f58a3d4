"""Tiny models of any architecture that transformers knows, with random weights and the starter's tokenizer, as it saves them."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from fakes import STARTER_OUTPUTS
from transformers import AutoConfig, AutoModelForCausalLM

from songsmith.paths import find_paths

SIZES = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48, "max_position_embeddings": 64,
}  # fmt: skip
NO_MARKS = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
CHANGES: dict[str, dict[str, Any]] = {
    "gpt2": {"n_inner": 48},
    "llama": {"num_key_value_heads": 2},
    "qwen2": {"num_key_value_heads": 2},
    "qwen3": {"num_key_value_heads": 2, "head_dim": 16},
    "gpt_neox": {},
    "opt": {"ffn_dim": 48, "word_embed_proj_dim": 32},
    "bloom": {},
    "gemma2": {"num_key_value_heads": 2, "head_dim": 8, "sliding_window": 8},
    "phi": {},
    "mamba": {"state_size": 4},
    "roberta": {"max_position_embeddings": 66, "pad_token_id": 1, "type_vocab_size": 1},
}


def write_tiny_model(folder: Path, kind: str, *, seed: int = 0, **changes: Any) -> Path:
    """Save a random network of an architecture.

    Args:
        folder: to make.
        kind: its `model_type`.
        seed: of its weights.
        changes: to its configuration.
    """
    config = AutoConfig.for_model(kind, **{"vocab_size": STARTER_OUTPUTS} | SIZES | NO_MARKS | CHANGES[kind] | changes)
    torch.manual_seed(seed)
    network = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for weight in network.parameters():  # as drawn, the logits of so small a network hardly differ
            weight += 0.2 * torch.randn_like(weight)
    network.save_pretrained(folder)
    shutil.copy(find_paths().starter / "tokenizer.json", folder)
    return folder


def change_config(folder: Path, **changes: Any) -> None:
    """Set keys of config.json; `...` takes one away."""
    path = folder / "config.json"
    values = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps({key: value for key, value in values.items() if value is not ...}), encoding="utf-8")


def their_logits(folder: Path, tokens: list[int]) -> Any:
    """Return (T, V) logits of a saved model by transformers' own reading and running of it."""
    with torch.inference_mode():
        network = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        return network(torch.tensor([tokens]), use_cache=False).logits[0].numpy()
