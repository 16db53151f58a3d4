"""Graphs written once for each model, and found again: where they lie, when they are stale, on how many threads they run.

A graph is made in a folder of its own and put in place whole; one that is damaged or of other weights is made anew.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from filelock import FileLock
from numpy.typing import NDArray

from songsmith.errors import EngineError, storing
from songsmith.model.config import GPT2Config
from songsmith.model.device import available_processors, processor_name
from songsmith.model.onnx import OnnxGPT2, open_session

Array = NDArray[Any]

_LAYOUT = 1
"""Counted up when graphs are built in another way, so that those of before are made anew."""
_GRAPH, _FACTS = "network.onnx", "facts.json"
_READ_ROWS, _READ_TOKENS = 2, 256
# Words strung together at random were seen to move keys and values a third as far as songs do.
_HEADROOM = 3
_TRIAL_TOKENS, _TRIALS = 6, 5
# Another thread must gain this much: it takes a processor from whatever else runs.
_WORTH = 1.15


def load_compiled(
    place: Path,
    key: str,
    config: GPT2Config,
    read_weights: Callable[[], Mapping[str, Array]],
    *,
    threads: int = 0,
) -> OnnxGPT2:
    """Load the graph of a model, made first if it is not there.

    Args:
        place: folder for the graphs of this model; others in it are of its older weights, and go.
        key: names the weights, such as the start of their hash.
        config: the network's shape.
        read_weights: asked only where a graph is made.
        threads: that share a step's work; 0 means as many as a trial found best.

    Raises:
        ModelError: weights are missing, have other shapes, or hold what is no number.
        StorageError: the graph cannot be written.
        EngineError: ONNX Runtime cannot run such a network, as one with heads of a width that 8 does not divide.
    """
    folder = place / f"graph-{key}-{_LAYOUT}"
    # Not there, cut short, or of another version or machine: the library raises its own of many kinds.
    with suppress(Exception):
        return _load(folder, config, threads)
    from songsmith.model.onnx_graph import check_weights

    weights = read_weights()
    check_weights(config, weights)
    with storing(place):
        place.mkdir(parents=True, exist_ok=True)
    with storing(place), FileLock(place / ".lock"):
        with suppress(Exception):  # another process made it while this one waited
            return _load(folder, config, threads)
        try:
            _build(folder, config, weights)
            return _load(folder, config, threads)
        except OSError:
            raise
        except Exception as error:
            raise EngineError(f"ONNX Runtime cannot run this model ({error}).", "Use --device cuda or mps.") from error


def _load(folder: Path, config: GPT2Config, threads: int) -> OnnxGPT2:
    facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
    if facts["processor"] != processor_name():  # another kind of product may suit it, and another number of threads
        raise ValueError("made on another machine")
    threads = threads or min(facts["threads"], available_processors())
    return OnnxGPT2(config, open_session(folder / _GRAPH, threads=threads))


def _build(folder: Path, config: GPT2Config, weights: Mapping[str, Array]) -> None:
    """Write a graph and what was measured of it, whole or not at all."""
    from songsmith.model.onnx_graph import Precision, products_overflow, write_graph

    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder.parent) as name:
        precision = Precision.UINT8 if products_overflow(_run_alone) else Precision.INT8
        first, waiting = Path(name) / "first", Path(name) / "whole"
        for path in (first, waiting):
            path.mkdir()
        write_graph(first / _GRAPH, config, weights, precision=precision, shows_mixed=True)
        steps = _measure_cache_steps(open_session(first / _GRAPH, threads=1), config)
        write_graph(waiting / _GRAPH, config, weights, precision=precision, cache_steps=steps)
        facts = {"processor": processor_name(), "threads": _measure_threads(waiting / _GRAPH, config)}
        (waiting / _FACTS).write_text(json.dumps(facts), encoding="utf-8")
        for other in folder.parent.glob("graph-*"):
            shutil.rmtree(other, ignore_errors=True)
        waiting.rename(folder)


def _run_alone(graph: bytes) -> Array:
    outputs: list[Array] = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"]).run(None, {})
    return outputs[0]


def _measure_cache_steps(session: onnxruntime.InferenceSession, config: GPT2Config) -> dict[str, NDArray[np.float32]]:
    """Return the size of a step of each channel of keys and values, from reading words strung together at random.

    Args:
        session: of a graph with a float32 cache that shows `mixed`.
        config: the network's shape.

    Returns:
        For `keys.L` and `values.L`: (H, 1, E).
    """
    from songsmith.model.onnx_graph import LARGEST

    tokens = min(_READ_TOKENS, config.context_window_tokens)
    ids = np.random.default_rng(0).integers(0, config.vocabulary_size, (_READ_ROWS, tokens))
    width = config.width // config.heads
    empty = np.zeros((_READ_ROWS, config.heads, tokens, width), np.float32)
    asked: dict[str, Any] = {
        "ids": ids, "places": np.tile(np.arange(tokens), (_READ_ROWS, 1)),
        "lengths": np.full(_READ_ROWS, tokens - 1, np.int32), "counts": np.full(_READ_ROWS, tokens, np.int32),
        "longest": np.array([tokens], np.int32), "wanted": np.zeros(1, np.int64),
    }  # fmt: skip
    names = [f"{part}.{layer}" for layer in range(config.layers) for part in ("keys", "values")]
    mixed = session.run([f"mixed.{layer}" for layer in range(config.layers)], asked | dict.fromkeys(names, empty))
    steps: dict[str, NDArray[np.float32]] = {}
    for layer, read in enumerate(mixed):
        sizes = np.abs(read).max(axis=(0, 1)).reshape(3, config.heads, 1, width)  # queries, keys, values
        for part, size in zip(("keys", "values"), sizes[1:], strict=True):
            steps[f"{part}.{layer}"] = np.maximum(size * _HEADROOM / LARGEST, 1e-6).astype(np.float32)
    return steps


def _measure_threads(path: Path, config: GPT2Config) -> int:
    """Return on how many threads a take is written fastest, but not one more than is worth it."""
    best, best_s = 1, 0.0
    threads = 1
    while threads <= available_processors():
        network = OnnxGPT2(config, open_session(path, threads=threads))
        cache = network.new_cache(_TRIAL_TOKENS * (_TRIALS + 1))
        took_s = []
        for _ in range(_TRIALS):
            start_s = time.perf_counter()
            for _ in range(min(_TRIAL_TOKENS, config.context_window_tokens // (_TRIALS + 1))):
                network.advance([[0]], cache)
            took_s.append(time.perf_counter() - start_s)
        if threads == 1 or min(took_s) * _WORTH < best_s:
            best, best_s = threads, min(took_s)
        threads *= 2
    return best
