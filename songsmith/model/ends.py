"""Which tokens end a text, by a model's own word: `eos_token_id` of config.json and of generation_config.json."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from songsmith.errors import ModelError
from songsmith.model.plain_files import read_json


def read_end_ids(folder: Path, config: Mapping[str, Any], vocabulary_size: int) -> frozenset[int]:
    """Return the ids that end a text: those of both files, for either may name more than the other.

    Args:
        folder: of the model.
        config: its config.json.
        vocabulary_size: ids from here on are never drawn.
    """
    try:
        generation = read_json(folder / "generation_config.json")
    except (FileNotFoundError, ModelError):  # most models come without one, and none needs it to write
        generation = {}
    said = [config.get("eos_token_id"), generation.get("eos_token_id") if isinstance(generation, dict) else None]
    ids = [token for each in said for token in (each if isinstance(each, list) else [each])]
    return frozenset(token for token in ids if type(token) is int and 0 <= token < vocabulary_size)
