"""The user's settings: each value, where it comes from, and where things are stored."""

from dataclasses import asdict
from typing import Any

from songsmith.settings import Settings
from songsmith.studio.studio import Studio


def describe_settings(studio: Studio) -> dict[str, Any]:
    """Return `settings` (of each its `value`, and `from` where it comes) and `paths` (where each kind of thing is stored)."""
    origins = Settings.origins(studio.paths)
    paths = studio.paths
    places = {
        "settings": paths.settings, "songs": paths.library, "models": paths.models, "corpora": paths.corpora,
        "tokenizers": paths.tokenizers, "unfinished training": paths.training, "state": paths.state,
    }  # fmt: skip
    return {
        "settings": {name: {"value": value, "from": origins[name]} for name, value in asdict(studio.settings).items()},
        "paths": {name: str(path) for name, path in places.items()},
    }
