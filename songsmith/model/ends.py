"""Which tokens end a text: `eos_token_id` of config.json and of generation_config.json."""

from collections.abc import Sequence
from pathlib import Path

from songsmith.errors import ModelError
from songsmith.model.plain_files import read_json


def read_end_ids(folder: Path, said_by_config: Sequence[object], *, vocabulary_size: int) -> frozenset[int]:
    """Return the ids that end a text: those of both files, for either may name more than the other.

    Args:
        folder: of the model.
        said_by_config: what its config.json names.
        vocabulary_size: of its network; ids past it are never drawn.
    """
    try:
        generation = read_json(folder / "generation_config.json")
    except (FileNotFoundError, ModelError):  # most models come without one, and none needs it to write
        generation = {}
    said = generation.get("eos_token_id") if isinstance(generation, dict) else None
    ids = (*said_by_config, *(said if isinstance(said, list) else [said]))
    return frozenset(token for token in ids if type(token) is int and 0 <= token < vocabulary_size)
