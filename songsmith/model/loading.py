"""Load a model to run it: choose its device and its executor.

On a CPU a graph in 8 bits is tried first, made the first time; elsewhere, and where no graph can be made, torch runs it. Networks
that songsmith has no spec for are run by transformers.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from songsmith.errors import EngineError, ModelError, StorageError
from songsmith.model.device import is_cpu
from songsmith.model.manifest import Manifest
from songsmith.model.stored import StoredModel

if TYPE_CHECKING:
    from songsmith.model.backend import Backend
    from songsmith.model.tokenizer import Tokenizer


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


def load_model(
    stored: StoredModel, graphs: Path, *, device: str = "auto", threads: int = 0, exact: bool = False,
    preparing: Callable[[], None] = lambda: None,
) -> LoadedModel:  # fmt: skip
    """Load a model to run it: on a CPU in 8 bits, by a graph that is made the first time; elsewhere in torch.

    Args:
        stored: what its files hold.
        graphs: folder for the graphs of all models.
        device: auto, cpu, cuda or mps.
        threads: for CPU work; 0 means as many as were found best.
        exact: in torch on the CPU too, with weights as they are: to measure a model, not to write with it.
        preparing: told where a graph is to be made that takes more than a moment.

    Raises:
        ModelError: its weights are damaged, or it does not fit the device.
    """
    backend = None
    if not exact and stored.own_spec and _ends_on_cpu(device):
        backend = _load_graph(stored, graphs, threads, preparing)
    notices = [stored.notice]
    if stored.other_spec:
        notices.append(
            f"songsmith has no network of its own for {stored.name}: transformers runs it, which takes longer."
        )
    return LoadedModel(
        name=stored.name, manifest=stored.manifest, weights_sha256=stored.weights_sha256,
        backend=backend or _load_into_torch(stored, device, threads), tokenizer=stored.tokenizer,
        parameters=stored.parameters, notice=" ".join(filter(None, notices)), end_ids=stored.end_ids,
    )  # fmt: skip


def load_draft_model(
    stored: StoredModel, target: LoadedModel, graphs: Path, *, device: str = "auto",
    preparing: Callable[[], None] = lambda: None,
) -> LoadedModel:  # fmt: skip
    """Load a smaller model, for speculative decoding with another.

    Args:
        stored: what its files hold.
        target: the one that writes.
        graphs: folder for the graphs of all models.
        device: auto, cpu, cuda or mps.
        preparing: told where a graph is to be made that takes more than a moment.

    Raises:
        ModelError: it cannot be loaded, is no smaller, or knows other tokens.
    """
    # One trained here has marks that a plain model lacks; they are never drawn.
    if not stored.tokenizer.knows_all_of(target.tokenizer):
        raise ModelError(
            f"{stored.name} has other tokens than {target.name}, so it can't be its draft model.",
            f"Train one that does (`songsmith train --size tiny --tokenizer {target.name}`), or use "
            "none (--draft-model none, or the setting draft_model).",
        )
    if stored.parameters >= target.parameters:
        raise ModelError(
            f"{stored.name} isn't smaller than {target.name}: as its draft model it would take longer than it saves.",
            "Choose a smaller one, or none (--draft-model, or the setting draft_model).",
        )
    torch = sys.modules.get("torch")  # not loaded where the model that writes does not run in it
    before = torch.get_num_threads() if torch else 0
    # Threads of its own that wait for work would take processors from the model that writes.
    loaded = load_model(stored, graphs, device=device, threads=1, preparing=preparing)
    if torch:  # whose threads are one number for all
        torch.set_num_threads(before)
    return loaded


def _ends_on_cpu(device: str) -> bool:
    if is_cpu(device):
        return True
    from songsmith.model.device import choose_device

    return choose_device(device).type == "cpu"  # there may be a GPU, and a torch that cannot use it


def _load_graph(stored: StoredModel, graphs: Path, threads: int, preparing: Callable[[], None]) -> "Backend | None":
    """Return the network on ONNX Runtime, or nothing where it cannot run it."""
    from songsmith.model.networks.compiled import load_compiled

    def load(folder: Path) -> "Backend":
        return load_compiled(folder, stored, threads=threads, preparing=preparing)

    try:
        try:
            return load(graphs)
        except StorageError:  # a home that cannot be written must not make it another song
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                return load(Path(folder))
    except (StorageError, EngineError, OSError):  # a full disk or an odd shape must not keep anyone from writing
        return None


def _load_into_torch(stored: StoredModel, device: str, threads: int) -> "Backend":
    import torch

    from songsmith.model.device import choose_device, choose_dtype, choose_threads, set_threads
    from songsmith.model.networks.cuda_graphs import CudaGraphNetwork
    from songsmith.model.networks.torch_backend import TorchBackend

    set_threads(threads or choose_threads(stored.weights.bytes))
    target = choose_device(device)
    dtype = choose_dtype(target)
    try:
        if stored.other_spec:
            from songsmith.model.networks.transformers_network import TransformersNetwork

            return TransformersNetwork(stored.other_spec, stored.tensors(), target, dtype)
        network = CudaGraphNetwork if target.type == "cuda" else TorchBackend
        return network(stored.spec, stored.tensors(), target, dtype)
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise ModelError(f"{stored.name} doesn't fit into the memory of {target}.", "Try --device cpu.") from error
