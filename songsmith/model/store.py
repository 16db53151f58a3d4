"""Model directories: list them and load them.

A model directory holds config.json, model.safetensors and tokenizer.json, as transformers writes them, and a manifest.json
of ours (`manifest.py`); without a manifest it is taken for a plain checkpoint. Never reads pickles, never changes a model.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from songsmith.errors import EngineError, ModelError, StorageError, storing
from songsmith.model.device import is_cpu
from songsmith.model.manifest import Manifest
from songsmith.paths import Paths

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from songsmith.model.backend import Backend
    from songsmith.model.config import GPT2Config
    from songsmith.model.tokenizer import Tokenizer

STARTER = "starter"
"""Name of the model that comes with the package."""
WEIGHTS = "model.safetensors"


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
    """Number of weights in the file."""
    problem: str = ""
    """Why it cannot be used; empty if it can, as far as can be seen without loading it."""


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A model ready to write."""

    name: str
    manifest: Manifest
    weights_sha256: str
    backend: "Backend"
    tokenizer: "Tokenizer"
    parameters: int = 0
    """Number of weights in its file; 0 where there is none."""


@dataclass(frozen=True, kw_only=True)
class StoredModel:
    """What the files of a model hold."""

    name: str
    folder: Path
    manifest: Manifest
    weights_sha256: str
    config: "GPT2Config"
    tokenizer: "Tokenizer"
    parameters: int
    """Number of weights in the file."""

    def tensors(self) -> "Mapping[str, Tensor]":
        """Return its weights for torch, by the names `config.weight_shapes()` gives; there may be more.

        Raises:
            ModelError: the file is damaged.
        """
        from safetensors.torch import load_file

        return _read_weights(self.folder, load_file)

    def arrays(self) -> "Mapping[str, NDArray[Any]]":
        """Return its weights for NumPy, by the names `config.weight_shapes()` gives; there may be more.

        Raises:
            ModelError: the file is damaged.
        """
        from safetensors.numpy import load_file

        return _read_weights(self.folder, load_file)


class ModelStore:
    """The models of this installation: the starter in the package and the user's own."""

    def __init__(self, paths: Paths) -> None:
        """Look for models at `paths`."""
        self._paths = paths

    def entries(self) -> list[ModelEntry]:
        """Return every model, the starter first; damaged ones say so in `problem`."""
        folders = {STARTER: self._paths.starter}
        if _is_folder(self._paths.models):
            folders |= {
                path.name: path
                for path in sorted(self._paths.models.iterdir())
                if path.is_dir() and not path.name.startswith(".")
            }
        return [_inspect(name, path) for name, path in folders.items()]

    def find(self, name: str) -> Path:
        """Return the folder of a model, given its name or a path to it.

        Raises:
            ModelError: there is no such model.
        """
        if name == STARTER:
            return self._paths.starter
        if name and Path(name).name == name and _is_folder(self._paths.models / name):
            return self._paths.models / name
        path = Path(os.path.expanduser(name))  # noqa: PTH111  (Path's own fails for a user that is not there)
        if name and ("/" in name or "\\" in name) and _is_folder(path):
            return path
        raise ModelError(f"There is no model '{name}'.", "`songsmith models list` shows those there are.")

    def find_own(self, name: str) -> Path:
        """Return the folder of one of the user's models, which alone may be removed.

        Raises:
            ModelError: there is none of that name.
        """
        if name and Path(name).name == name and _is_folder(self._paths.models / name):
            return self._paths.models / name
        if name == STARTER:
            raise ModelError(f"'{STARTER}' comes with songsmith and stays.", "Name a model of your own.")
        raise ModelError(f"There is no model '{name}' of your own.", "`songsmith models list` shows those there are.")

    def remove(self, name: str) -> None:
        """Remove one of the user's models for good.

        Raises:
            ModelError: there is none of that name.
            StorageError: it cannot be removed.
        """
        folder = self.find_own(name)
        from songsmith.model.compiled import forget_compiled

        forget_compiled(self._paths.graphs, folder)
        gone = folder.with_name(f".{name}.removed")
        with storing(folder):
            if folder.is_symlink():
                folder.unlink()
                return
            shutil.rmtree(gone, ignore_errors=True)
            folder.rename(gone)  # so that killed in between, no half of it is left to be loaded
            shutil.rmtree(gone)

    def info(self, name: str) -> ModelEntry:
        """Return what can be said of one model without loading it."""
        return _inspect(_short(name), self.find(name))

    def read(self, name: str) -> StoredModel:
        """Read the files of a model, to run it or to train it further.

        Raises:
            ModelError: it is unknown, damaged, no GPT-2, or does not fit its own tokenizer.
        """
        folder = self.find(name)
        _require_safetensors(folder)
        manifest, config = Manifest.load(folder), _read_config(folder)
        # Only here does the tokenizer's code load: listing models stays instant.
        from songsmith.model.config import GPT2Config
        from songsmith.model.tokenizer import Tokenizer

        shape = GPT2Config.from_json(config)
        if shape.context_window_tokens < 2:
            raise ModelError(
                f"{name} sees no token but the last, and cannot go on with a song.", "Choose another model."
            )
        tokenizer = Tokenizer.load(folder)
        if tokenizer.vocabulary_size > shape.vocabulary_size:
            raise ModelError(
                f"The tokenizer of {name} has {tokenizer.vocabulary_size} entries, its network {shape.vocabulary_size}.",
                "They belong to two models; put the right tokenizer.json beside the weights.",
            )
        parameters = _count_parameters(folder)  # reads the head of the file alone, and refuses one that is cut short
        digest = manifest.weights_sha256 or hash_file(folder / WEIGHTS)
        return StoredModel(
            name=_short(name),
            folder=folder,
            manifest=manifest,
            weights_sha256=digest,
            config=shape,
            tokenizer=tokenizer,
            parameters=parameters,
        )

    def load(
        self, name: str, *, device: str = "auto", threads: int = 0, exact: bool = False,
        preparing: Callable[[], None] = lambda: None,
    ) -> LoadedModel:  # fmt: skip
        """Load a model to run it: on a CPU in 8 bits, by a graph that is made the first time; elsewhere in torch.

        Args:
            name: of an installed model, or a path to a model directory.
            device: auto, cpu, cuda or mps.
            threads: for CPU work; 0 means as many as were found best.
            exact: in torch on the CPU too, with weights as they are: to measure a model, not to write with it.
            preparing: told where a graph is to be made that takes more than a moment.

        Raises:
            ModelError: it is unknown, damaged, or does not fit the device or its own tokenizer.
        """
        stored = self.read(name)
        backend = None
        if not exact and _ends_on_cpu(device):
            backend = self._load_graph(stored, threads, preparing)
        return LoadedModel(
            name=stored.name, manifest=stored.manifest, weights_sha256=stored.weights_sha256,
            backend=backend or _load_into_torch(stored, device, threads), tokenizer=stored.tokenizer,
            parameters=stored.parameters,
        )  # fmt: skip

    def load_draft(
        self, name: str, target: LoadedModel, *, device: str = "auto", preparing: Callable[[], None] = lambda: None
    ) -> LoadedModel:
        """Load a smaller model, to guess what another is about to write.

        Args:
            name: of an installed model, or a path to a model directory.
            target: the one that writes.
            device: auto, cpu, cuda or mps.
            preparing: told where a graph is to be made that takes more than a moment.

        Raises:
            ModelError: it cannot be loaded, is no smaller, or knows other tokens.
        """
        stored = self.read(name)
        # One trained here has marks that a plain model lacks; they are never drawn.
        if not stored.tokenizer.knows_all_of(target.tokenizer):
            raise ModelError(
                f"{stored.name} has other tokens than {target.name}, and cannot guess for it.",
                f"Train one that can (`songsmith train --size tiny --tokenizer {target.name}`), or have "
                "none (--draft-model none, or the setting draft_model).",
            )
        if stored.parameters >= target.parameters:
            raise ModelError(
                f"{stored.name} is no smaller than {target.name}: its guesses would take longer than they save.",
                "Choose a smaller one, or none (--draft-model, or the setting draft_model).",
            )
        torch = sys.modules.get("torch")  # not loaded where the model that writes does not run in it
        before = torch.get_num_threads() if torch else 0
        # Threads of its own that wait for work would take processors from the model that writes.
        loaded = self.load(name, device=device, threads=1, preparing=preparing)
        if torch:  # whose threads are one number for all
            torch.set_num_threads(before)
        return loaded

    def _load_graph(self, stored: StoredModel, threads: int, preparing: Callable[[], None]) -> "Backend | None":
        """Return the network on ONNX Runtime, or nothing where it cannot run it."""
        import tempfile

        from songsmith.model.compiled import load_compiled

        def load(graphs: Path) -> "Backend":
            return load_compiled(
                graphs, stored.folder / WEIGHTS, stored.config, stored.arrays, threads=threads, preparing=preparing
            )

        try:
            try:
                return load(self._paths.graphs)
            except StorageError:  # a home that cannot be written must not make it another song
                with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as graphs:
                    return load(Path(graphs))
        except (StorageError, EngineError, OSError):  # a full disk or an odd shape must not keep anyone from writing
            return None


def _ends_on_cpu(device: str) -> bool:
    if is_cpu(device):
        return True
    from songsmith.model.device import choose_device

    return choose_device(device).type == "cpu"  # there may be a GPU, and a torch that cannot use it


def _load_into_torch(stored: StoredModel, device: str, threads: int) -> "Backend":
    import torch

    from songsmith.model.device import choose_device, choose_dtype, choose_threads, set_threads
    from songsmith.model.gpt2 import GPT2
    from songsmith.model.queued import QueuedGPT2

    set_threads(threads or choose_threads((stored.folder / WEIGHTS).stat().st_size))
    target = choose_device(device)
    network = QueuedGPT2 if target.type == "cuda" else GPT2
    try:
        return network(stored.config, stored.tensors(), target, choose_dtype(target))
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise ModelError(f"{stored.name} does not fit into the memory of {target}.", "Try --device cpu.") from error


def _read_weights(folder: Path, load_file: Callable[[Path], Mapping[str, Any]]) -> dict[str, Any]:
    try:
        return {key.removeprefix("transformer."): value for key, value in load_file(folder / WEIGHTS).items()}
    except Exception as error:  # safetensors raises its own and OSErrors alike
        raise _damaged(folder, error) from error


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # too long a name, or out of reach
        return False


def _short(name: str) -> str:
    return Path(name).name or name


def _read_config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{folder / 'config.json'} cannot be read.", "Fetch or export the model again.") from error
    if not isinstance(config, dict):
        raise ModelError(f"{folder / 'config.json'} is no configuration.", "Fetch or export the model again.")
    for key, value in config.items():
        if isinstance(value, int | float) and not abs(value) < 2**31:  # so put, NaN is refused too
            raise ModelError(
                f"{folder / 'config.json'} gives {key} a value that none can have.", "Fetch the model again."
            )
    return config


def _require_safetensors(folder: Path) -> None:
    if (folder / WEIGHTS).is_file():
        return
    if (folder / "pytorch_model.bin").exists():
        raise ModelError(
            f"{folder} holds its weights as a pickle, which songsmith does not read.",
            "Load it with transformers and save_pretrained() it again: that writes safetensors.",
        )
    raise ModelError(f"{folder} holds no {WEIGHTS}.", "Fetch or export the model again.")


def _damaged(folder: Path, error: Exception) -> ModelError:
    return ModelError(
        f"{folder / WEIGHTS} is damaged ({error}).",
        "It was left as it is; fetch the model again, or use --model starter.",
    )


def _inspect(name: str, folder: Path) -> ModelEntry:
    manifest, config, problem, size, parameters = Manifest(), {}, "", 0, 0
    try:
        _require_safetensors(folder)
        manifest, config = Manifest.load(folder), _read_config(folder)
        size = (folder / WEIGHTS).stat().st_size
        parameters = _count_parameters(folder)
    except ModelError as error:
        problem = error.message
    return ModelEntry(
        name=name, path=folder, manifest=manifest, config=config, bytes=size, parameters=parameters, problem=problem
    )


def _count_parameters(folder: Path) -> int:
    from math import prod

    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / WEIGHTS, framework="numpy") as file:
            return sum(prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118  (no mapping)
    except (SafetensorError, OSError) as error:
        raise _damaged(folder, error) from error
