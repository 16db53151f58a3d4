"""Model directories: list, find, describe, verify and remove them.

A model directory holds config.json, model.safetensors and tokenizer.json, as transformers writes them, and a manifest.json
of ours (`manifest.py`); without a manifest it is taken for a plain checkpoint. Never reads pickles, never changes a model.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from songsmith.errors import ModelError, storing
from songsmith.files import remove_folder
from songsmith.model.hashes import WeightHashes
from songsmith.model.manifest import Manifest
from songsmith.model.stored import StoredModel, compare_hashes, read_config, read_stored
from songsmith.model.weights import Weights
from songsmith.paths import Paths

if TYPE_CHECKING:
    from songsmith.model.loading import LoadedModel

STARTER = "starter"
"""Name of the model that comes with the package."""


@dataclass(frozen=True, kw_only=True)
class ModelEntry:
    """A model directory as the list shows it."""

    name: str
    path: Path
    manifest: Manifest
    config: Mapping[str, Any]
    """Its config.json."""
    bytes: int
    """Size of its weights on disk."""
    parameters: int
    """Number of weights in the files."""
    weights_sha256: str = ""
    """Their true hash; empty where it has not been worked out since they last changed."""
    notice: str = ""
    """What its user should know, though it can be used."""
    problem: str = ""
    """Why it cannot be used; empty if it can, as far as can be seen without loading it."""


class ModelStore:
    """The models of this installation: the starter in the package and the user's own."""

    def __init__(self, paths: Paths) -> None:
        """Look for models at `paths`."""
        self._paths = paths
        self._hashes = WeightHashes(paths.weight_hashes)

    def entries(self) -> list[ModelEntry]:
        """Return every model, the starter first; damaged ones say so in `problem`."""
        return [self._inspect(name, path) for name, path in self._folders().items()]

    def _folders(self) -> dict[str, Path]:
        folders = {STARTER: self._paths.starter}
        if _is_folder(self._paths.models):
            try:
                found = sorted(self._paths.models.iterdir())
            except OSError as error:
                reason = (error.strerror or f"{error}").lower()
                raise ModelError(f"{self._paths.models} can't be read: {reason}.", "Check its permissions.") from error
            folders |= {path.name: path for path in found if _is_folder(path) and not path.name.startswith(".")}
        return folders

    def find(self, name: str) -> Path:
        """Return the folder of a model, given its name or a path to it.

        A path begins with `/`, `./`, `../` or `~`, or is there; everything else is a name, slashes in it or not.

        Raises:
            ModelError: there is no such model.
        """
        if name == STARTER:
            return self._paths.starter
        if is_name(name) and _is_folder(self._paths.models / name):
            return self._paths.models / name
        path = Path(os.path.expanduser(name))  # noqa: PTH111  (Path's own fails for a user that is not there)
        if name and _is_folder(path):
            return path
        see = "songsmith models list"
        if name and _exists(path):
            raise ModelError(
                f"{name} is a file; a model is a folder.",
                f"Give the folder it is in, or the name of a model (see: {see})",
            )
        if _must_be_path(name):
            raise ModelError(
                f"The folder {name} doesn't exist.", f"Give another folder, or the name of a model (see: {see})"
            )
        tried = f", neither in {self._paths.models} nor as a folder here" if "/" in name or "\\" in name else ""
        raise ModelError(f"There is no model '{name}'{tried}.", f"{self._suggest(name)}See: {see}")

    def _suggest(self, name: str) -> str:
        from difflib import get_close_matches

        names = list(self._folders())
        short = name.replace("\\", "/").rpartition("/")[2]
        near = [near for near in names if near.lower() == short.lower()] or get_close_matches(short[:200], names, n=3)
        listed = " or ".join(f"'{one}'" for one in near)
        return f"Did you mean {listed}? " if near else ""

    def find_own(self, name: str) -> Path:
        """Return the folder of one of the user's models, which alone may be removed.

        Raises:
            ModelError: there is none of that name.
        """
        if is_name(name) and _is_folder(self._paths.models / name):
            return self._paths.models / name
        if name == STARTER:
            raise ModelError(f"'{STARTER}' comes with songsmith and can't be removed.", "Choose a model of your own.")
        raise ModelError(
            f"You have no model '{name}' of your own.",
            f"{self._suggest(name)}See: songsmith models list",
        )

    def remove(self, name: str) -> None:
        """Remove one of the user's models for good.

        Raises:
            ModelError: there is none of that name.
            StorageError: it cannot be removed.
        """
        folder = self.find_own(name)
        from songsmith.model.networks.compiled import forget_compiled

        forget_compiled(self._paths.graphs, folder)
        with storing(folder):
            if folder.is_symlink():
                folder.unlink()
                return
            remove_folder(folder, removed=folder.with_name(f".{name}.removed"))

    def info(self, name: str) -> ModelEntry:
        """Return what can be said of one model without loading it, the true hash of its weights with it."""
        return self._inspect(_short(name), self.find(name), hashing=True)

    def weights_bytes(self, name: str) -> int:
        """Return the size of a model's weights on disk; 0 where they cannot be read."""
        return self._inspect(_short(name), self.find(name)).bytes

    def _inspect(self, name: str, folder: Path, *, hashing: bool = False) -> ModelEntry:
        manifest, config, problem, size, parameters, digest = Manifest(), {}, "", 0, 0, ""
        try:
            weights = Weights.open(folder)
            manifest, config = Manifest.load(folder), read_config(folder)
            size, parameters = weights.bytes, weights.parameters
            digest = self._hashes.hash(weights.files, keep=False) if hashing else self._hashes.known(weights.files)
        except ModelError as error:
            problem = error.message
        return ModelEntry(
            name=name, path=folder, manifest=manifest, config=config, bytes=size, parameters=parameters,
            weights_sha256=digest, notice=compare_hashes(name, digest, manifest), problem=problem,
        )  # fmt: skip

    def read(self, name: str) -> StoredModel:
        """Read the files of a model, to run it or to train it further.

        Raises:
            ModelError: it is unknown, damaged, of an architecture that is not supported, or does not fit its own tokenizer.
        """
        return read_stored(_short(name), self.find(name), self._hashes)

    def verify(self, name: str) -> StoredModel:
        """Read every byte of a model, and make sure that it is whole.

        Raises:
            ModelError: it is not, or there is none of that name.
        """
        stored = read_stored(_short(name), self.find(name), self._hashes, afresh=True)
        stored.check_numbers()
        if stored.notice:
            raise ModelError(stored.notice, "If that wasn't you, download it again; takes record the true hash.")
        return stored

    def load(
        self, name: str, *, device: str = "auto", threads: int = 0, exact: bool = False,
        preparing: Callable[[], None] = lambda: None,
    ) -> "LoadedModel":  # fmt: skip
        """Load a model to run it; see `loading.load_model`.

        Args:
            name: of an installed model, or a path to a model directory.
            device: auto, cpu, cuda or mps.
            threads: for CPU work; 0 means as many as were found best.
            exact: in torch on the CPU too, with weights as they are: to measure a model, not to write with it.
            preparing: told where a graph is to be made that takes more than a moment.

        Raises:
            ModelError: it is unknown, damaged, or does not fit the device or its own tokenizer.
        """
        from songsmith.model.loading import load_model

        stored, graphs = self.read(name), self._paths.graphs
        return load_model(stored, graphs, device=device, threads=threads, exact=exact, preparing=preparing)

    def load_draft(
        self, name: str, target: "LoadedModel", *, device: str = "auto", preparing: Callable[[], None] = lambda: None
    ) -> "LoadedModel":
        """Load a smaller model, for speculative decoding with another; see `loading.load_draft_model`.

        Args:
            name: of an installed model, or a path to a model directory.
            target: the one that writes.
            device: auto, cpu, cuda or mps.
            preparing: told where a graph is to be made that takes more than a moment.

        Raises:
            ModelError: it cannot be loaded, is no smaller, or knows other tokens.
        """
        from songsmith.model.loading import load_draft_model

        return load_draft_model(self.read(name), target, self._paths.graphs, device=device, preparing=preparing)


def is_name(name: str) -> bool:
    """Return whether a text can name a folder among those of songsmith: no path, and not `.` or `..`."""
    return name not in ("", ".", "..") and Path(name).name == name


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # too long a name, or out of reach
        return False


def _exists(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110  (Path's own raises for what no system takes as a name)


def _must_be_path(name: str) -> bool:
    return (
        name in (".", "..") or name.startswith(("/", "./", "../", "~", "\\", ".\\", "..\\")) or Path(name).is_absolute()
    )


def _short(name: str) -> str:
    return Path(name).name or name
