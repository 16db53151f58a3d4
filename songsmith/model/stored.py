"""Read the files of a model directory and compare them with each other, before anything large is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from songsmith.errors import ModelError, UnsupportedError
from songsmith.model.hashes import WeightHashes
from songsmith.model.manifest import Manifest
from songsmith.model.plain_files import read_json
from songsmith.model.weights import Weights

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from songsmith.model.architectures.spec import NetworkSpec
    from songsmith.model.networks.transformers_spec import TransformersSpec
    from songsmith.model.tokenizer import Tokenizer

# Special tokens that a text never becomes may lie past the network's last row; a new mark gets the next id after them.
_MOST_ROWLESS = 1024


@dataclass(frozen=True, kw_only=True)
class StoredModel:
    """What the files of a model hold."""

    name: str
    folder: Path
    manifest: Manifest
    weights_sha256: str
    """Of the files as they are, whatever the manifest says; see `WeightHashes.hash`."""
    own_spec: "NetworkSpec | None"
    """Of its network, where songsmith has a description of it."""
    other_spec: "TransformersSpec | None" = None
    """Where it has none: what transformers says."""
    tokenizer: "Tokenizer"
    weights: Weights
    end_ids: frozenset[int] = frozenset()
    """Tokens that end a text by the model's own word, beside `<|endoftext|>`."""

    @property
    def spec(self) -> "NetworkSpec":
        """Of its network.

        Raises:
            UnsupportedError: songsmith has no description of it, and can only write with it.
        """
        if self.own_spec is None:
            from songsmith.model.architectures import SUPPORTED_TYPES

            raise UnsupportedError(
                f"songsmith has no network of its own for {self.name}: it can write with it, but not train it.",
                f"Choose a model of one of the types that it has: {', '.join(SUPPORTED_TYPES)}.",
            )
        return self.own_spec

    @property
    def parameters(self) -> int:
        """Number of weights in its files."""
        return self.weights.parameters

    @property
    def notice(self) -> str:
        """What its user should know; empty if all is as its manifest says."""
        return compare_hashes(self.name, self.weights_sha256, self.manifest)

    def check_numbers(self) -> None:
        """Make sure that all weights are numbers, reading one after the other: never all in memory.

        Raises:
            ModelError: one holds something that is none, or its file is damaged.
        """
        import numpy as np

        for weight in self._names():
            if not np.isfinite(self.weights.array(weight)).all():
                raise ModelError(
                    f"The model's {weight} contains values that aren't numbers.", "Download or export it again."
                )

    def tensors(self) -> "Mapping[str, Tensor]":
        """Return its weights for torch, by their names without a prefix.

        Raises:
            ModelError: a file is damaged.
        """
        return self.weights.tensors(self._names())

    def arrays(self) -> "Mapping[str, NDArray[Any]]":
        """Return its weights for NumPy, by their names without a prefix.

        Raises:
            ModelError: a file is damaged.
        """
        return self.weights.arrays(self._names())

    def _names(self) -> list[str]:
        return list(self.spec.weight_shapes() if self.other_spec is None else self.other_spec.names)


def read_stored(name: str, folder: Path, hashes: WeightHashes, *, afresh: bool = False) -> StoredModel:
    """Read the files of a model: the small ones whole, of its weights the headers, and their hash.

    Args:
        name: what it is called.
        folder: where it lies.
        hashes: those known by now.
        afresh: read every byte of the weights again.

    Raises:
        ModelError: it is damaged, of an architecture that is not supported, or does not fit its own tokenizer.
    """
    weights = Weights.open(folder)
    manifest, config = Manifest.load(folder), read_config(folder)
    # Only here does the tokenizer's code load: listing models stays instant.
    from songsmith.model.architectures import read_spec
    from songsmith.model.ends import read_end_ids
    from songsmith.model.tokenizer import Tokenizer

    own, other = None, None
    try:
        spec: NetworkSpec | TransformersSpec = (own := read_spec(config))
    except UnsupportedError:
        from songsmith.model.networks.transformers_spec import read_transformers_spec

        spec = other = read_transformers_spec(config, weights)
    if spec.context_window_tokens < 2:
        raise ModelError(f"{name} sees only the last token, so it can't continue a song.", "Choose another model.")
    if own:
        weights.check(own)
    tokenizer = Tokenizer.load(folder)
    rows = spec.vocabulary_size
    if tokenizer.rows_needed > rows or tokenizer.vocabulary_size > rows + _MOST_ROWLESS:
        raise ModelError(
            f"The tokenizer of {name} has {tokenizer.vocabulary_size} entries, but its network has {rows}.",
            "They belong to different models; put the right tokenizer.json next to the weights.",
        )
    return StoredModel(
        name=name,
        folder=folder,
        manifest=manifest,
        weights_sha256=hashes.hash(weights.files, afresh=afresh),
        own_spec=own,
        other_spec=other,
        tokenizer=tokenizer,
        weights=weights,
        end_ids=read_end_ids(folder, spec.end_ids, vocabulary_size=spec.vocabulary_size),
    )


def read_config(folder: Path) -> dict[str, Any]:
    """Return the values of a model's config.json.

    Raises:
        ModelError: it cannot be read, or holds what no config can.
    """
    path = folder / "config.json"
    try:
        config = read_json(path)
    except FileNotFoundError as error:
        raise ModelError(f"{path} is missing.", "Download or export the model again.") from error
    if not isinstance(config, dict):
        raise ModelError(f"{path} isn't a configuration.", "Download or export the model again.")
    for key, value in config.items():
        if isinstance(value, int | float) and not abs(value) < 2**31:  # so put, NaN is refused too
            raise ModelError(f"{path} gives {key} an impossible value.", "Download the model again.")
    return config


def compare_hashes(name: str, weights_sha256: str, manifest: Manifest) -> str:
    """Return a sentence for weights that are not those their manifest names; empty where there is nothing to say."""
    if not weights_sha256 or not manifest.weights_sha256 or weights_sha256 == manifest.weights_sha256.lower():
        return ""
    return (
        f"The weights of {name} are not those its manifest names: their hash is {weights_sha256[:12]}…, "
        f"not {manifest.weights_sha256[:12]}…."
    )
