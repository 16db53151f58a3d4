"""The manifest of a model directory: where a model comes from, what it was trained on, what was measured of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from songsmith.errors import ModelError
from songsmith.markup import MarkupFormat
from songsmith.model.plain_files import read_json
from songsmith.safe_text import json_row

# What is not here is text.
_KINDS: dict[str, Any] = {"seed": int | None, "metrics": dict, "options": dict, "cleaning": dict, "sources": list}


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What is known of a model's making."""

    format: MarkupFormat = MarkupFormat.PLAIN
    """How its training text was laid out."""
    description: str = ""
    """One sentence on what it writes."""
    origin: str = ""
    """What made it: commands, base model, source."""
    data: str = ""
    """What it was trained on."""
    seed: int | None = None
    """Seed of its training."""
    licence: str = ""
    """SPDX name, where there is one."""
    weights_sha256: str = ""
    """Hash of model.safetensors in hexadecimal."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """What was measured of it, units in the names."""
    base: str = ""
    """Model it was fine-tuned from, with the hash of its weights; empty if it began from random weights."""
    corpus: str = ""
    """Name of the corpus it was trained on."""
    cleaning: Mapping[str, Any] = field(default_factory=dict)
    """How that corpus was cleaned."""
    sources: Sequence[str] = ()
    """Where these songs came from: books, sites, files."""
    attribution: str = ""
    """Whom to thank for them."""
    data_sha256: str = ""
    """Hash of the songs it was trained on and judged by, in hexadecimal."""
    split: str = ""
    """How many songs it learned from, how many it was judged by, and how they were told apart."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of its training."""
    created_at: str = ""
    """When it was written, in UTC as ISO 8601 text."""
    version: str = ""
    """Version of songsmith that made it."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read manifest.json; without one, the model is plain and nothing is known.

        Raises:
            ModelError: the manifest cannot be read.
        """
        path = folder / "manifest.json"
        try:
            values = read_json(path)
            if not isinstance(values, dict):
                raise TypeError("it isn't a JSON object")
            known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
            for name, value in known.items():
                if not isinstance(value, _KINDS.get(name, str)):
                    raise TypeError(f"its {name} is of the wrong kind")
            if not all(isinstance(source, str) for source in known.get("sources", ())):
                raise TypeError("its sources are of the wrong kind")
            return cls(**known | {"format": MarkupFormat(known.get("format", "plain"))})
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, TypeError) as error:
            raise ModelError(f"{path} can't be read: {error}.", "Fix it, or download the model again.") from error

    def save(self, folder: Path) -> None:
        """Write manifest.json into an existing folder; what is not known is left out."""
        values = {name: value for name, value in asdict(self).items() if value not in ("", None, {}, ())}
        (folder / "manifest.json").write_text(json_row(values, indent=2), encoding="utf-8")
