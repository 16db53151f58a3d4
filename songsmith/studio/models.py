"""List, describe, verify and remove models."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from songsmith.errors import ModelError, storing
from songsmith.model.architectures import read_spec
from songsmith.model.architectures.spec import NetworkSpec
from songsmith.model.registry import ModelEntry
from songsmith.studio.studio import Studio


def describe(entry: ModelEntry, *, default: str) -> dict[str, Any]:
    """Return what is known of a model as JSON values; sizes in words a person reads."""
    manifest, spec = entry.manifest, _read_spec(entry.config)
    return {
        "name": entry.name,
        "default": entry.name == default,
        "problem": entry.problem,
        "notice": entry.notice,
        "description": manifest.description,
        "format": manifest.format.value,
        "size": f"{entry.parameters / 1e6:.1f} M" if entry.parameters else "?",
        "parameters": entry.parameters,
        "weights_bytes": entry.bytes,
        "context_window_tokens": spec and spec.context_window_tokens,
        "layers": spec and spec.layers,
        "width": spec and spec.width,
        "vocabulary_size": spec and spec.vocabulary_size,
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
        "weights_sha256": entry.weights_sha256,
        "path": str(entry.path),
    }


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a model is whole."""

    name: str
    problem: str = ""
    """What is wrong with it, in one sentence; empty if it is whole."""
    next_step: str = ""
    """What to do about that."""
    weights_sha256: str = ""
    """Hash of its weights, every byte of them read; empty if something else is wrong."""
    vouched: bool = False
    """Whether its manifest names that hash."""


def verify(studio: Studio, name: str | None = None) -> Iterator[Verdict]:
    """Read every byte of a model, or of all there are, and say of each whether it is whole.

    Raises:
        ModelError: there is no model of that name.
    """
    if name is not None:
        studio.models.find(name)
    for one in [name] if name is not None else [entry.name for entry in studio.models.entries()]:
        try:
            stored = studio.models.verify(one)
        except ModelError as error:
            yield Verdict(name=one, problem=error.message, next_step=error.next_step)
        else:
            digest = stored.weights_sha256
            yield Verdict(name=one, weights_sha256=digest, vouched=stored.manifest.weights_sha256.lower() == digest)


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


def _read_spec(config: Mapping[str, Any]) -> NetworkSpec | None:
    try:
        return read_spec(config)
    except ModelError:  # a list of models shows those that cannot be used, too
        return None


def _list(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in values.items() if value is not None)
