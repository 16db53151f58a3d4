"""Compiled graphs: where they are cached, when they are stale, on how many threads they run.

They lie under the state folder and never beside a model, where somebody else could have put them. A graph is made in a folder of
its own and put in place whole; one that is damaged, or of other weights or another processor, is made anew.
"""

import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from songsmith.errors import EngineError, SongsmithError, storing
from songsmith.files import replacing_folder, write_whole
from songsmith.machine import available_processors, processor_features
from songsmith.model.architectures.spec import FeedForwardKind, NetworkSpec
from songsmith.model.networks.onnx_network import OnnxNetwork, open_session, run_graph
from songsmith.model.stored import StoredModel

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from songsmith.model.networks.onnx_graph import Precision

Array = NDArray[Any]

_LAYOUT = 3
"""Counted up when graphs are made in another way, so that those of before are made anew."""
_GRAPH, _FACTS, _MODEL = "network.onnx", "facts.json", "model.txt"
_WEIGHTS = f"{_GRAPH}.data"
_LONGEST_WAIT_S = 600
_WIDTHS = 8
"""What the width of a head must be a multiple of."""
_LONG_TO_MAKE_BYTES = 2**26
# Measured on two cores: of 14 million weights a take is written 1.4 times faster in blocks, of 124 million slower.
_SMALL_WEIGHTS = 2**25
_READ_TOKENS = 1024
# Words strung together at random were seen to move keys and values a third as far as songs do.
_HEADROOM = 3
_TRIAL_TOKENS, _TRIALS = 6, 5
# Another thread must gain this much: it takes a processor from whatever else runs.
_LEAST_GAIN = 1.15


def load_compiled(
    graphs: Path,
    model: StoredModel,
    *,
    threads: int = 0,
    preparing: Callable[[], None] = lambda: None,
) -> OnnxNetwork:
    """Load the graph of a model, made first if it is not there.

    Args:
        graphs: folder for the graphs of all models.
        model: what its files hold. A graph is made anew when its weights change; they are read only where one is made.
        threads: that share a step's work; 0 means as many as a trial found best.
        preparing: told before a graph is made that takes more than a moment.

    Raises:
        ModelError: weights are missing, have other shapes, or hold what is no number.
        StorageError: the graph cannot be written, or another process has been making it for ten minutes.
        EngineError: ONNX Runtime cannot run such a network.
    """
    spec = model.spec
    if spec.attention.head_size % _WIDTHS:
        raise EngineError(
            "ONNX Runtime needs attention heads whose width is a multiple of 8.", "Use --device cuda or mps."
        )
    home = _home(graphs, model.folder)
    files = [file.stat() for file in model.weights.files]
    facts = (
        *(fact for file in files for fact in (file.st_size, file.st_mtime_ns, file.st_ctime_ns, file.st_ino)),
        spec,
        _LAYOUT,
    )
    folder = home / hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
    # Not there, cut short, or of another version or machine: the library raises its own of many kinds.
    with suppress(Exception):
        return _load(folder, spec, threads)
    with storing(home):
        home.mkdir(parents=True, exist_ok=True)
    with storing(home), FileLock(home / ".lock", timeout=_LONGEST_WAIT_S):
        with suppress(Exception):  # another process made it while this one waited
            return _load(folder, spec, threads)
        if model.weights.bytes > _LONG_TO_MAKE_BYTES:
            preparing()
        try:
            (home / _MODEL).write_text(str(model.folder.resolve()), encoding="utf-8", errors="surrogateescape")
            _make(folder, spec, model.arrays(), model.parameters)
            _sweep(graphs, keep=folder)
            return _load(folder, spec, threads)
        except (OSError, SongsmithError):
            raise
        except Exception as error:
            raise EngineError(f"ONNX Runtime can't run this model ({error}).", "Use --device cuda or mps.") from error


def forget_compiled(graphs: Path, model: Path) -> None:
    """Remove the graphs of a model that goes."""
    shutil.rmtree(_home(graphs, model), ignore_errors=True)


def _home(graphs: Path, model: Path) -> Path:
    # By the whole path: two folders of one name are two models.
    return graphs / hashlib.sha256(str(model.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _sweep(graphs: Path, *, keep: Path) -> None:
    """Remove what is left of this model's older weights, of killed builds, and of models that are gone."""
    for old in (*keep.parent.glob("[!.]*"), *keep.parent.glob(".new-*")):
        if old.is_dir() and old != keep:
            shutil.rmtree(old, ignore_errors=True)
    for home in graphs.iterdir():
        with suppress(OSError):  # not ours, or being made just now
            if not Path((home / _MODEL).read_text(encoding="utf-8", errors="surrogateescape")).exists():
                shutil.rmtree(home, ignore_errors=True)


def _load(folder: Path, spec: NetworkSpec, threads: int) -> OnnxNetwork:
    facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
    if facts["processor"] != processor_features():  # another kind of product may suit it
        raise ValueError("made on another machine")
    if facts.get("files") != _file_facts(folder):  # it would load, and write other words
        raise ValueError("changed since it was made")
    if not threads and facts["processors"] != available_processors():
        facts |= _measure_threads(folder / _GRAPH, spec)
        _write_facts(folder, facts)
    return OnnxNetwork(spec, open_session(folder / _GRAPH, threads=threads or facts["threads"]))


def _write_facts(folder: Path, facts: Mapping[str, Any]) -> None:
    write_whole(folder / _FACTS, json.dumps(facts).encode("utf-8"))


def _file_facts(folder: Path) -> dict[str, list[int]]:
    """Return size and time of each file of a graph: what rots on the disk changes neither, whoever writes to one does."""
    files = [file.stat() for file in (folder / _GRAPH, folder / _WEIGHTS)]
    return {name: [facts.st_size, facts.st_mtime_ns] for name, facts in zip((_GRAPH, _WEIGHTS), files, strict=True)}


def _make(folder: Path, spec: NetworkSpec, weights: Mapping[str, Array], parameters: int) -> None:
    """Write a graph and what was measured of it, whole or not at all."""
    from songsmith.model.networks.onnx_graph import check_weights, write_graph

    check_weights(spec, weights)
    precision = _choose_precision(spec, parameters)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder.parent) as first:
        write_graph(Path(first) / _GRAPH, spec, weights, precision=precision)
        scales = _measure_cache_scales(open_session(Path(first) / _GRAPH, threads=1), spec)
    new, old = (folder.parent / f".new-{part}" for part in ("graph", "replaced"))
    with replacing_folder(folder, temporary=new, old=old) as whole:
        write_graph(whole / _GRAPH, spec, weights, precision=precision, cache_scales=scales)
        measured = _measure_threads(whole / _GRAPH, spec)
        _write_facts(whole, {"processor": processor_features(), "files": _file_facts(whole), **measured})


def _choose_precision(spec: NetworkSpec, parameters: int) -> "Precision":
    from songsmith.model.networks.onnx_graph import Precision, blocks_overflow, products_overflow

    # What the gated product gives the last matrix of a layer has outliers: rounded over whole rows, SmolLM2-135M loses 4.6 % of
    # its bits per byte, in blocks 0.1 %.
    gated = spec.feed_forward.kind is FeedForwardKind.GATED_SILU
    if (gated or parameters < _SMALL_WEIGHTS) and not blocks_overflow(run_graph):
        return Precision.BLOCKS
    if gated:
        return Precision.FLOAT32
    return Precision.UINT8 if products_overflow(run_graph) else Precision.INT8


def _measure_cache_scales(session: "InferenceSession", spec: NetworkSpec) -> dict[str, NDArray[np.float32]]:
    """Return the size of a step of each channel of keys and values, from reading words strung together at random.

    Args:
        session: of a graph with a float32 cache.
        spec: the network.

    Returns:
        For `keys.L` and `values.L`: (K, 1, E).
    """
    from songsmith.model.networks.onnx_graph import LARGEST

    tokens = min(_READ_TOKENS, spec.context_window_tokens)
    ids = np.random.default_rng(0).integers(0, spec.vocabulary_size, (1, tokens))
    empty = np.zeros((1, spec.attention.key_value_heads, tokens, spec.attention.head_size), np.float32)
    asked: dict[str, Any] = {
        "ids": ids, "position_ids": np.arange(tokens)[None],
        "lengths": np.array([tokens - 1], np.int32), "counts": np.array([tokens], np.int32),
        "longest": np.array([tokens], np.int32), "logit_indices": np.zeros(1, np.int64),
    }  # fmt: skip
    names = [f"{part}.{layer}" for layer in range(spec.layers) for part in ("keys", "values")]
    asked |= dict.fromkeys(names, empty)
    used = {put.name for put in session.get_inputs()}
    held = session.run(
        [name.replace(".", "_now.") for name in names], {name: asked[name] for name in used}
    )  # (1, K, T, E) each
    return {
        name: np.maximum(np.abs(each).max(axis=2)[0][:, None] * _HEADROOM / LARGEST, 1e-6).astype(np.float32)
        for name, each in zip(names, held, strict=True)
    }


def _measure_threads(path: Path, spec: NetworkSpec) -> dict[str, int]:
    """Return on how many threads a take is written fastest, and of how many processors: not one more than is worth it."""
    best, best_s, threads = 1, float("inf"), 1
    while threads <= available_processors():
        took_s = _time_tokens(OnnxNetwork(spec, open_session(path, threads=threads)))
        if took_s * _LEAST_GAIN > best_s:
            break
        best, best_s = threads, took_s
        threads *= 2
    return {"threads": best, "processors": available_processors()}


def _time_tokens(network: OnnxNetwork) -> float:
    """Return the seconds a few tokens take, the best of a few times."""
    tokens = min(_TRIAL_TOKENS, network.context_window_tokens)
    took_s = []
    for _ in range(_TRIALS):
        cache = network.new_cache(tokens)
        start_s = time.perf_counter()
        for _ in range(tokens):
            network.forward([[0]], cache)
        took_s.append(time.perf_counter() - start_s)
    return min(took_s)
