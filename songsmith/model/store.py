"""Model directories: list them and load them.

A model directory holds config.json, model.safetensors and tokenizer.json, as transformers writes them, and a manifest.json
of ours (`manifest.py`); without a manifest it is taken for a plain checkpoint. Never reads pickles, never changes a model.
"""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from songsmith.errors import EngineError, ModelError, StorageError, storing
from songsmith.files import remove_folder
from songsmith.model.device import is_cpu
from songsmith.model.hashes import WeightHashes
from songsmith.model.manifest import Manifest
from songsmith.model.stored import StoredModel, compare_hashes, read_config, read_stored
from songsmith.model.weights import Weights
from songsmith.paths import Paths

if TYPE_CHECKING:
    from songsmith.model.backend import Backend
    from songsmith.model.tokenizer import Tokenizer

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


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A model ready to write."""

    name: str
    manifest: Manifest
    weights_sha256: str
    """True hash of its weights."""
    backend: "Backend"
    tokenizer: "Tokenizer"
    parameters: int = 0
    """Number of weights in its files; 0 where there are none."""
    notice: str = ""
    """What its user should know, though it writes."""
    end_ids: frozenset[int] = frozenset()
    """Tokens that end a text by the model's own word, beside `<|endoftext|>`."""


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
        from songsmith.model.compiled import forget_compiled

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
            parameters=stored.parameters, notice=stored.notice, end_ids=stored.end_ids,
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
                f"{stored.name} has other tokens than {target.name}, so it can't guess for it.",
                f"Train one that does (`songsmith train --size tiny --tokenizer {target.name}`), or use "
                "none (--draft-model none, or the setting draft_model).",
            )
        if stored.parameters >= target.parameters:
            raise ModelError(
                f"{stored.name} isn't smaller than {target.name}: its guesses would take longer than they save.",
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
            return load_compiled(graphs, stored, threads=threads, preparing=preparing)

        try:
            try:
                return load(self._paths.graphs)
            except StorageError:  # a home that cannot be written must not make it another song
                with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as graphs:
                    return load(Path(graphs))
        except (StorageError, EngineError, OSError):  # a full disk or an odd shape must not keep anyone from writing
            return None


def is_name(name: str) -> bool:
    """Return whether a text can name a folder among those of songsmith: no path, and not `.` or `..`."""
    return name not in ("", ".", "..") and Path(name).name == name


def _ends_on_cpu(device: str) -> bool:
    if is_cpu(device):
        return True
    from songsmith.model.device import choose_device

    return choose_device(device).type == "cpu"  # there may be a GPU, and a torch that cannot use it


def _load_into_torch(stored: StoredModel, device: str, threads: int) -> "Backend":
    import torch

    from songsmith.model.device import choose_device, choose_dtype, choose_threads, set_threads
    from songsmith.model.networks.cuda_graphs import CudaGraphNetwork
    from songsmith.model.networks.torch_backend import TorchBackend

    set_threads(threads or choose_threads(stored.weights.bytes))
    target = choose_device(device)
    network = CudaGraphNetwork if target.type == "cuda" else TorchBackend
    try:
        return network(stored.spec, stored.tensors(), target, choose_dtype(target))
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise ModelError(f"{stored.name} doesn't fit into the memory of {target}.", "Try --device cpu.") from error


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
