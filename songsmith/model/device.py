"""Where a model runs: cuda, mps or cpu; in which precision; on how many threads."""

import sys
from typing import TYPE_CHECKING

from songsmith.errors import ModelError, UsageError
from songsmith.machine import available_processors

if TYPE_CHECKING:
    import torch


def is_cpu(wanted: str) -> bool:
    """Return whether work asked for on `wanted` can only be done on the CPU. Asks drivers, not torch, which takes seconds."""
    if wanted != "auto":
        return wanted in ("cpu", "cpu:0")
    return not (_has_cuda() or sys.platform == "darwin")


def _has_cuda() -> bool:
    """Return whether an NVIDIA driver is there and knows a GPU (CUDA driver API, cuInit and cuDeviceGetCount)."""
    import ctypes

    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        count = ctypes.c_int()
        return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
    except (OSError, AttributeError):
        return False


def choose_device(wanted: str = "auto") -> "torch.device":
    """Return the device to run on; `auto` prefers CUDA, then MPS, then the CPU.

    Raises:
        UsageError: there is no such kind of device.
        ModelError: the wanted device is not on this machine.
    """
    import torch

    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda:0")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    kind, _, index = wanted.partition(":")
    have = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if kind not in have:
        raise UsageError(f"--device {wanted} isn't a device.", "Use auto, cpu, cuda or mps.")
    if not (index or "0").isdecimal() or int(index or 0) >= have[kind]:
        raise ModelError(f"This machine has no '{wanted}' device.", "Use --device cpu, or auto.")
    return torch.device(f"cuda:{index or 0}" if kind == "cuda" else kind)


def choose_dtype(device: "torch.device") -> "torch.dtype":
    """Return the precision of the network: bfloat16 on CUDA, float32 elsewhere (bfloat16 is emulated on most CPUs)."""
    import torch

    return torch.bfloat16 if device.type == "cuda" else torch.float32


def choose_training_dtype(device: "torch.device") -> "torch.dtype":
    """Return what to multiply in while training: bfloat16 where the device is faster in it, by a trial on a CPU.

    CPUs with matrix units (AMX) multiply bfloat16 several times faster than float32; most others only emulate it.
    """
    import torch

    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    if device.type != "cpu":
        return torch.float32
    took_s = {dtype: _time_product(dtype) for dtype in (torch.float32, torch.bfloat16)}
    return torch.bfloat16 if took_s[torch.bfloat16] * 1.5 < took_s[torch.float32] else torch.float32


def _time_product(dtype: "torch.dtype") -> float:
    """Return the seconds a product of two matrices takes, the best of a few."""
    import time

    import torch

    left, right = torch.ones(1024, 512, dtype=dtype), torch.ones(512, 1024, dtype=dtype)
    best_s = float("inf")
    for _ in range(4):
        start_s = time.perf_counter()
        torch.mm(left, right)
        best_s = min(best_s, time.perf_counter() - start_s)
    return best_s


def set_threads(threads: int) -> None:
    """Run CPU work on this many threads; 0 means one for each processor this process may use."""
    import torch

    torch.set_num_threads(threads or available_processors())


_SMALL_MODEL_BYTES = 64 * 2**20


def choose_threads(weights_bytes: int) -> int:
    """Return how many threads suit a model with weights of this size.

    A second thread gives a small model little (1.1 times the speed was measured), and threads that wait
    for each other fifty times a token stall it as soon as anything else runs on the machine.
    """
    return 1 if weights_bytes < _SMALL_MODEL_BYTES else available_processors()
