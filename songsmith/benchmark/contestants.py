"""The contestants of a writing benchmark, and the model format that each reads. A new peer is one more entry in CONTESTANTS."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from songsmith.benchmark.peers.ctranslate2 import convert_to_ctranslate2, load_ctranslate2
from songsmith.benchmark.peers.llama_cpp import convert_to_gguf, load_llama_cpp
from songsmith.benchmark.peers.transformers import load_transformers
from songsmith.benchmark.peers.vllm import load_vllm
from songsmith.benchmark.writers import Writer, load_songsmith

CONVERSIONS: dict[str, Callable[[Path, Path], None]] = {
    "ctranslate2": partial(convert_to_ctranslate2, quantization=None),
    "ctranslate2-int8": partial(convert_to_ctranslate2, quantization="int8"),
    "gguf-q8": convert_to_gguf,
}
"""From a model directory to another form of it, in an empty folder."""


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """Who writes, and what it takes."""

    load: Callable[[Path], Writer]
    """Loads the model from a folder."""
    packages: tuple[str, ...] = ()
    """What must be installed, by the names it is imported by; songsmith's own needs aside."""
    form: str = ""
    """Which of CONVERSIONS it reads; empty for a model directory as it is."""

    def missing(self) -> str:
        """Return why it cannot even be tried, or nothing. Imports nothing to find out."""
        absent = [package for package in self.packages if find_spec(package) is None]
        return f"{' and '.join(absent)} {'is' if len(absent) == 1 else 'are'} not installed" if absent else ""


CONTESTANTS: dict[str, Contestant] = {
    "songsmith": Contestant(load=load_songsmith),
    "transformers.generate": Contestant(load=load_transformers),
    "CTranslate2": Contestant(
        load=partial(load_ctranslate2, gpu_type="bfloat16"), packages=("ctranslate2",), form="ctranslate2"
    ),
    "CTranslate2 int8": Contestant(
        load=partial(load_ctranslate2, gpu_type="int8_bfloat16"), packages=("ctranslate2",), form="ctranslate2-int8"
    ),
    "CTranslate2 int8, 1 thread": Contestant(
        load=partial(load_ctranslate2, gpu_type="int8_bfloat16", threads=1),
        packages=("ctranslate2",),
        form="ctranslate2-int8",
    ),
    "llama.cpp 8 bit": Contestant(load=load_llama_cpp, packages=("llama_cpp", "gguf"), form="gguf-q8"),
    "vLLM": Contestant(load=load_vllm, packages=("vllm",)),
}
"""songsmith first, then its peers, in the order they take turns."""
