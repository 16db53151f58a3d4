"""Models as people ask about them."""

import shutil
from collections.abc import Mapping
from typing import Any

from songsmith.errors import storing
from songsmith.model.store import ModelEntry
from songsmith.studio.studio import Studio


def describe(entry: ModelEntry, *, default: str) -> dict[str, Any]:
    """Return what is known of a model as JSON values; sizes in words a person reads."""
    manifest, config = entry.manifest, entry.config
    return {
        "name": entry.name,
        "default": entry.name == default,
        "problem": entry.problem,
        "description": manifest.description,
        "format": manifest.format.value,
        "size": f"{entry.parameters / 1e6:.1f} M" if entry.parameters else "?",
        "parameters": entry.parameters,
        "weights_bytes": entry.bytes,
        "context_window_tokens": config.get("n_positions"),
        "layers": config.get("n_layer"),
        "width": config.get("n_embd"),
        "vocabulary_size": config.get("vocab_size"),
        "origin": manifest.origin,
        "data": manifest.data,
        "seed": manifest.seed,
        "licence": manifest.licence,
        "base": manifest.base,
        "corpus": manifest.corpus,
        "sources": list(manifest.sources),
        "attribution": manifest.attribution,
        "data_sha256": manifest.data_sha256,
        "split": manifest.split,
        "options": _list(manifest.options),
        "metrics": _list(manifest.metrics),
        "created_at": manifest.created_at,
        "version": manifest.version,
        "weights_sha256": manifest.weights_sha256,
        "path": str(entry.path),
    }


def remove(studio: Studio, name: str) -> None:
    """Remove one of the user's models, and what an unfinished training of it kept.

    Raises:
        ModelError: there is none of that name.
        StorageError: it cannot be removed.
    """
    studio.models.remove(name)
    run = studio.paths.training / name
    with storing(run):
        if run.is_dir():
            shutil.rmtree(run)


def _list(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in values.items() if value is not None)
