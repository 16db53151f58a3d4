"""Architectures: networks as data. Each module reads the config.json of its models into a `NetworkSpec`, and writes one back.

To add one, write a module that has `MODEL_TYPES`, `recognises`, `read` and `write`, and name it in `_ARCHITECTURES`.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from songsmith.errors import ModelError, UnsupportedError
from songsmith.model.architectures import gpt2, llama
from songsmith.model.architectures.spec import NetworkSpec

_ARCHITECTURES: tuple[ModuleType, ...] = (gpt2, llama)

SUPPORTED_TYPES: tuple[str, ...] = tuple(kind for module in _ARCHITECTURES for kind in module.MODEL_TYPES)
"""Values of `model_type` in config.json that are supported."""


def read_spec(config: Mapping[str, Any]) -> NetworkSpec:
    """Read the keys of a config.json.

    Raises:
        UnsupportedError: it is of an architecture that is not supported, or names something in it that is not.
        ModelError: it lacks a key, or gives sizes that do not fit together.
    """
    kind = config.get("model_type")
    known = (
        module
        for module in _ARCHITECTURES
        if kind in module.MODEL_TYPES or (kind is None and module.recognises(config))
    )
    module = next(known, None)
    if module is None:
        supported = f"Choose a model of one of the types that are: {', '.join(SUPPORTED_TYPES)}."
        if kind is None:
            raise UnsupportedError("The model's config.json names no model_type.", supported)
        raise UnsupportedError(f"The model is of type '{kind}', which songsmith doesn't support.", supported)
    try:
        spec: NetworkSpec = module.read(config, _read_end_ids(config))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ModelError(f"The model's config.json has no usable {error}.", "Download or export it again.") from error
    return spec


def write_config(spec: NetworkSpec) -> dict[str, Any]:
    """Return the keys of a config.json that `read_spec` reads the same spec from, and that transformers reads too."""
    module = next(module for module in _ARCHITECTURES if spec.architecture in module.MODEL_TYPES)
    ends = list(spec.end_ids)
    return {
        "model_type": spec.architecture,
        **module.write(spec),
        "eos_token_id": ends[0] if len(ends) == 1 else ends or None,
    }


def _read_end_ids(config: Mapping[str, Any]) -> tuple[int, ...]:
    said = config.get("eos_token_id")
    ids = said if isinstance(said, list) else [said]
    return tuple(sorted({token for token in ids if type(token) is int and token >= 0}))
