"""Measure the limits of the machine: memory read and numbers multiplied per second. Run as a program, in a process of its own.

    python -m songsmith.benchmark.limits DEVICE RUNS

On a CPU: a sum over an array far larger than the caches, on as many threads as are fastest, and a product of float32
matrices, both in NumPy. On a GPU: a copy, which reads and writes, and a product of matrices in the precision songsmith
would choose, both in torch.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

from songsmith.benchmark.results import OURS, THE_MACHINE, Measure, Row
from songsmith.benchmark.worker import Loaded, last_line
from songsmith.errors import SongsmithError
from songsmith.machine import available_processors, free_memory_bytes
from songsmith.model.device import is_cpu

if TYPE_CHECKING:
    import torch

_ARRAY_BYTES = 2 * 2**30
_SHARE_OF_FREE_MEMORY = 0.25
_WIDTH, _GPU_WIDTH = 2048, 8192
_TRIALS = 3


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What was measured, one value a run; each is the best of a few trials."""

    bandwidth_gb_per_s: tuple[float, ...]
    computing_gflop_per_s: tuple[float, ...]

    def rows(self) -> list[Row]:
        """Return the limits as rows of a result."""
        found = {
            Measure.BANDWIDTH_GB_PER_S: self.bandwidth_gb_per_s,
            Measure.COMPUTING_GFLOP_PER_S: self.computing_gflop_per_s,
        }
        return [Row(measure=measure, contestant=THE_MACHINE, values=values) for measure, values in found.items()]

    def shares(self, written: Sequence[Row], loaded: Loaded) -> list[Row]:
        """Return which shares of the limits songsmith reached.

        A step writes one token of each take. It reads every weight of the blocks' matrices and of the head once, and adds
        and multiplies once for each of them and each take; embeddings, keys and values are not counted.

        Args:
            written: rows of tokens a second; those of songsmith count.
            loaded: what songsmith said of its weights.
        """
        bytes_a_step = loaded.weights_a_token * loaded.weight_bytes
        bandwidth, computing = 1e9 * median(self.bandwidth_gb_per_s), 1e9 * median(self.computing_gflop_per_s)
        rows: list[Row] = []
        for measure in (Measure.SHARE_OF_BANDWIDTH, Measure.SHARE_OF_COMPUTING):
            for row in written:
                if row.contestant != OURS or row.measure is not Measure.TOKENS_PER_S or not row.takes:
                    continue
                a_token_a_s = (
                    bytes_a_step / row.takes / bandwidth
                    if measure is Measure.SHARE_OF_BANDWIDTH
                    else 2 * loaded.weights_a_token / computing
                )
                values = tuple(value * a_token_a_s for value in row.values)
                rows.append(Row(measure=measure, contestant=OURS, weights=row.weights, takes=row.takes, values=values))
        return rows


def measure_limits(device: str, runs: int, environment: Mapping[str, str]) -> Limits:
    """Measure the limits of a device, as settings name it, in a process of its own.

    Raises:
        SongsmithError: there is not the memory for it.
    """
    command = [sys.executable, "-m", "songsmith.benchmark.limits", device, str(runs)]
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )  # fmt: skip
    if done.returncode:
        raise SongsmithError(
            f"The machine's limits couldn't be measured: {last_line(done.stderr)}.", "Is memory short?"
        )
    return Limits(**{name: tuple(values) for name, values in json.loads(last_line(done.stdout)).items()})


def _measure_cpu(runs: int) -> Limits:
    import numpy as np

    numbers = np.ones(_array_bytes() // 8, np.int64)
    square, product = (np.ones((_WIDTH, _WIDTH), np.float32) for _ in range(2))
    processors = available_processors()
    with ThreadPoolExecutor(processors) as threads:

        def read(shares: int) -> float:
            parts = np.array_split(numbers, shares)
            return _best_s(lambda: list(threads.map(np.sum, parts)))

        fastest = min({processors, *(2**power for power in range(processors.bit_length()))}, key=read)
        bandwidth = tuple(numbers.nbytes / 1e9 / read(fastest) for _ in range(runs))
    computing = tuple(
        2 * _WIDTH**3 / 1e9 / _best_s(partial(np.matmul, square, square, out=product)) for _ in range(runs)
    )
    return Limits(bandwidth_gb_per_s=bandwidth, computing_gflop_per_s=computing)


def _measure_gpu(device: "torch.device", runs: int) -> Limits:
    import torch

    from songsmith.model.device import choose_dtype

    numbers, copy = (torch.ones(_ARRAY_BYTES // 8, dtype=torch.int64, device=device) for _ in range(2))
    square, product = (torch.ones(_GPU_WIDTH, _GPU_WIDTH, dtype=choose_dtype(device), device=device) for _ in range(2))

    def timed(work: Callable[[], object]) -> float:
        def finish() -> None:
            work()
            product[0, 0].item()  # returns when everything before it is done

        return _best_s(finish)

    return Limits(
        bandwidth_gb_per_s=tuple(2 * numbers.nbytes / 1e9 / timed(lambda: copy.copy_(numbers)) for _ in range(runs)),
        computing_gflop_per_s=tuple(
            2 * _GPU_WIDTH**3 / 1e9 / timed(lambda: torch.mm(square, square, out=product)) for _ in range(runs)
        ),
    )


def _array_bytes() -> int:
    return min(_ARRAY_BYTES, int((free_memory_bytes() or 0) * _SHARE_OF_FREE_MEMORY) or _ARRAY_BYTES // 4)


def _best_s(work: Callable[[], object]) -> float:
    best_s = float("inf")
    for _ in range(_TRIALS):
        start_s = time.perf_counter()
        work()
        best_s = min(best_s, time.perf_counter() - start_s)
    return best_s


def main(device: str, runs: int) -> None:
    """Measure and tell."""
    if is_cpu(device):
        limits = _measure_cpu(runs)
    else:
        from songsmith.model.device import choose_device

        limits = _measure_gpu(choose_device(device), runs)
    sys.stdout.write(json.dumps(asdict(limits)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
