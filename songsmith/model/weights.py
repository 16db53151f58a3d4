"""Weights on disk: model.safetensors, or shards with an index. Reads headers first, tensors only when asked. Never a pickle.

The format is that of https://github.com/huggingface/safetensors: eight bytes of length, a header in JSON, then the tensors.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from songsmith.errors import ModelError, SongsmithError
from songsmith.files import find_other_kind
from songsmith.machine import memory_bytes
from songsmith.memory import is_out_of_memory, memory_error
from songsmith.model.plain_files import open_plain, parse_json, read_json

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from songsmith.model.architectures.spec import NetworkSpec

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"

_MOST_HEADER_BYTES = 3 * 2**20
_MOST_TENSORS = 20_000
"""Of all files of a model together; Llama 3 of 405 billion weights has 1,138."""
_MOST_SHARDS = 1000
_MOST_FILES_SEEN = 10_000
_SIZES = {"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2, "I32": 4,
          "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8}  # fmt: skip
"""Bytes of a number, by its type in a header. Others may be in a file, but are not read."""
_NUMPY = {"F16": "<f2", "BF16": "<u2", "F32": "<f4", "F64": "<f8"}
TYPES_READ = tuple(_NUMPY)
"""Types of number that weights may have."""
_PREFIXES = re.compile(r"(?:_orig_mod\.|module\.|model\.|transformer\.)*")
"""What torch.compile, data-parallel training, Lightning and transformers put before the names of a network's weights."""
_OTHER_FORMATS = (
    ((".bin", ".pt", ".pth", ".ckpt", ".bin.index.json"), "as a pickle"),
    ((".gguf",), "as GGUF"), ((".h5",), "for TensorFlow"), ((".msgpack",), "for Flax"), ((".onnx",), "as ONNX"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class StoredTensor:
    """Where a tensor lies, and what it is."""

    file: Path
    name: str
    """In that file."""
    dtype: str
    """Such as `F16`."""
    shape: tuple[int, ...]
    start: int
    """Its first byte in the file."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """The weights of a model directory, of which only the headers have been read."""

    files: Sequence[Path]
    stored: Mapping[str, StoredTensor]
    """By the names `NetworkSpec.weight_shapes()` gives; there may be more."""
    bytes: int
    """Size on disk."""
    parameters: int
    """Number of weights in the files, of use or not."""

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read the headers.

        Raises:
            ModelError: there are no weights that songsmith reads, or they are damaged.
        """
        files = _find_files(folder)
        stored: dict[str, StoredTensor] = {}
        room = _MOST_HEADER_BYTES
        for file in files:
            used, tensors = _read_header(file, room, _MOST_TENSORS - len(stored))
            room -= used
            for tensor in tensors:
                name = bare_name(tensor.name)
                if name in stored:
                    raise ModelError(
                        f"{folder} has {name} twice: as {stored[name].name} and as {tensor.name}.",
                        "Save the model again with one of them.",
                    )
                stored[name] = tensor
        return cls(
            files=files,
            stored=stored,
            bytes=sum(file.stat().st_size for file in files),
            parameters=sum(prod(tensor.shape) for tensor in stored.values()),
        )

    def check(self, spec: "NetworkSpec") -> None:
        """Make sure that a network's weights are all there, by the headers alone.

        Raises:
            ModelError: one is missing, has another shape or a type of number that is not read, or there are more bytes than
                this machine has memory for.
        """
        spec.check_shapes({name: tensor.shape for name, tensor in self.stored.items()})
        self.check_types(list(spec.weight_shapes()))

    def check_types(self, names: Sequence[str]) -> None:
        """Make sure that weights are of types that are read, and that there is memory for them.

        Raises:
            ModelError: they are not, or there is not.
        """
        for name in names:
            if (dtype := self.stored[name].dtype) not in TYPES_READ:
                raise ModelError(
                    f"The model's {name} is stored as {dtype}, which songsmith doesn't read.",
                    f"Save it again as one of {', '.join(TYPES_READ)}.",
                )
        memory = memory_bytes()
        if memory is not None and self.bytes > memory:
            raise ModelError(
                f"The weights take {self.bytes / 1e9:,.1f} GB, more than the {memory / 1e9:,.1f} GB of memory this machine has.",
                "Choose a smaller model.",
            )

    def arrays(self, names: Sequence[str]) -> "dict[str, NDArray[Any]]":
        """Return weights for NumPy; bfloat16, which it lacks, and float64 become float32.

        Raises:
            ModelError: a file is damaged, or cannot be read.
        """
        return {name: self.array(name) for name in names}

    def array(self, name: str) -> "NDArray[Any]":
        """Return one of them.

        Raises:
            ModelError: its file is damaged, or cannot be read.
        """
        import numpy as np  # not to list models

        tensor = self.stored[name]
        try:
            with open_plain(tensor.file) as file:
                file.seek(tensor.start)
                flat = np.fromfile(file, _NUMPY[tensor.dtype], prod(tensor.shape))
            if tensor.dtype == "BF16":  # the upper half of a float32
                flat = (flat.astype(np.uint32) << 16).view(np.float32)
            elif tensor.dtype == "F64":  # networks compute in float32; what it has no room for is no number there
                with np.errstate(over="ignore"):
                    flat = flat.astype(np.float32)
            return flat.reshape(tensor.shape)
        except (OSError, ValueError, MemoryError) as error:  # ValueError: fewer bytes than a moment ago
            raise _explain(tensor.file, error) from error

    def tensors(self, names: Sequence[str]) -> "dict[str, Tensor]":
        """Return weights for torch, as they are kept.

        Raises:
            ModelError: a file is damaged, or cannot be read.
        """
        from safetensors import safe_open

        found: dict[str, Tensor] = {}
        for path in self.files:
            try:
                with safe_open(path, framework="pt") as file:
                    found |= {
                        name: file.get_tensor(tensor.name)
                        for name in names
                        if (tensor := self.stored[name]).file == path
                    }
            except Exception as error:  # safetensors raises its own
                raise _explain(path, error) from error
        return found


def bare_name(name: str) -> str:
    """Return the name of a weight without what programs put before those of a whole network."""
    return _PREFIXES.sub("", name, count=1)


def _find_files(folder: Path) -> list[Path]:
    if os.path.isfile(folder / WEIGHTS):  # noqa: PTH113  (Path's own raises for what no system takes as a name)
        return [folder / WEIGHTS]
    if kind := find_other_kind(folder / WEIGHTS):
        raise ModelError(f"{folder / WEIGHTS} is a {kind}, not a file.", "Download or export the model again.")
    try:
        index = read_json(folder / INDEX)
    except FileNotFoundError:
        raise _without_weights(folder) from None
    places = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(places, dict) or not places:
        raise ModelError(f"{folder / INDEX} names no weights.", "Download or export the model again.")
    # A name with a folder in it could reach any file of this machine.
    names = dict.fromkeys(name for name in places.values() if isinstance(name, str) and Path(name).name == name)
    if not set(places.values()) <= set(names) or len(names) > _MOST_SHARDS:
        raise ModelError(
            f"{folder / INDEX} names files that aren't parts of a model.", "Download or export the model again."
        )
    for name in names:
        if not os.path.isfile(folder / name):  # noqa: PTH113
            raise ModelError(
                f"{folder} lacks {name}, one of the {len(names)} files of its weights.", "Download the model again."
            )
    return [folder / name for name in sorted(names)]


def _without_weights(folder: Path) -> ModelError:
    """Say what a folder without model.safetensors holds instead."""
    try:
        with os.scandir(folder) as found:
            names = sorted(entry.name for entry in islice(found, _MOST_FILES_SEEN))
    except OSError as error:
        return _unreadable(folder, error)
    if any(name.startswith("adapter_") for name in names):
        return ModelError(
            f"{folder} has an adapter without {_read_base(folder)}, the model that it changes.",
            "Load both with PEFT's AutoPeftModelForCausalLM, then merge_and_unload() and save_pretrained(): that is a whole model.",
        )
    numbered = {
        int(number): name
        for name in names
        if (number := name.removeprefix("checkpoint-")) != name and number.isascii() and number.isdecimal()
        and len(number) < 20 and any(os.path.isfile(folder / name / file) for file in (WEIGHTS, INDEX))  # noqa: PTH113
    }  # fmt: skip
    if numbered:
        last = numbered[max(numbered)]
        return ModelError(f"{folder} itself has no weights, but {last} in it does.", f"Use {folder / last}.")
    for endings, how in _OTHER_FORMATS:
        if any(name.endswith(endings) and name != "training_args.bin" for name in names):
            return ModelError(
                f"{folder} has its weights {how}, which songsmith doesn't read.",
                "Load it with transformers and save_pretrained() it again: that writes safetensors.",
            )
    return ModelError(f"{folder} has no {WEIGHTS}.", "Download or export the model again.")


def _read_base(folder: Path) -> str:
    """Return what an adapter says that it changes."""
    try:
        facts = read_json(folder / "adapter_config.json")
    except (FileNotFoundError, ModelError):
        facts = None
    base = facts.get("base_model_name_or_path") if isinstance(facts, dict) else None
    return f"{base[:200]!r}" if isinstance(base, str) and base else "its base (adapter_config.json names none)"


def _read_header(path: Path, most_bytes: int, most_tensors: int) -> tuple[int, list[StoredTensor]]:
    """Return the bytes of a file's header, and the tensors it lists."""
    try:
        with open_plain(path) as file:
            size = os.fstat(file.fileno()).st_size
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > size - 8:
                raise _damaged(path, "it is cut short, or isn't a safetensors file")
            header = parse_json(file.read(length)) if length <= most_bytes else None
        if header is None or len(header) > most_tensors:
            raise ModelError(
                f"{path} has a header of {length:,} bytes, and more tensors than any model that songsmith runs.",
                "Choose another model.",
            )
        return length, _list_tensors(path, header, start=8 + length, size=size)
    except OSError as error:
        raise _unreadable(path, error) from error
    except (ValueError, TypeError, KeyError, RecursionError, AttributeError) as error:
        raise _damaged(path, "its header can't be read") from error


def _list_tensors(path: Path, header: Mapping[str, Any], *, start: int, size: int) -> list[StoredTensor]:
    tensors, spans = [], []
    for name, facts in header.items():
        if name == "__metadata__":
            continue
        begin, end = facts["data_offsets"]
        shape = tuple(facts["shape"])
        if not all(type(number) is int and 0 <= number < 2**63 for number in (*shape, begin, end)) or len(shape) > 8:
            raise ValueError("not a number of bytes")
        if facts["dtype"] in _SIZES and prod(shape) * _SIZES[facts["dtype"]] != end - begin:
            raise ValueError("another number of bytes than its shape has")
        spans.append((begin, end))
        tensors.append(StoredTensor(file=path, name=name, dtype=facts["dtype"], shape=shape, start=start + begin))
    filled = 0
    for begin, end in sorted(spans):
        if begin != filled:
            raise ValueError("bytes of no tensor, or of two")
        filled = end
    if start + filled != size:
        raise _damaged(path, f"it has {size:,} bytes, not the {start + filled:,} its header tells of")
    return tensors


def _explain(path: Path, error: Exception) -> SongsmithError:
    """Return what to say of a file that was not read to its end."""
    if is_out_of_memory(error):
        return memory_error()
    return _unreadable(path, error) if isinstance(error, OSError) else _damaged(path, f"{error}")


def _unreadable(path: Path, error: OSError) -> ModelError:
    reason = (error.strerror or f"{error}").lower()
    return ModelError(f"{path} can't be read: {reason}.", "Check its permissions, or choose another model.")


def _damaged(path: Path, reason: str) -> ModelError:
    return ModelError(
        f"{path} is damaged ({reason}).", "It was left as it is; download the model again, or use --model starter."
    )
