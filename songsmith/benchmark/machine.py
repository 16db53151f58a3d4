"""The machine and package versions of a benchmark. Figures hold on one machine, with one set of versions, on one day."""

import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from songsmith import __version__
from songsmith.machine import available_processors, processor_name

PACKAGES = ("torch", "onnxruntime", "transformers", "ctranslate2", "llama_cpp_python", "vllm", "typer", "textual")
"""Whose versions are told, where they are installed."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine and what is installed on it. A version that is empty is of something not installed."""

    date: str
    """When, in UTC, as ISO 8601 text."""
    cpu: str
    processors: int
    """How many this process may use."""
    system: str
    device: str
    """What the models ran on, such as `cpu`, or the name of a GPU."""
    python: str
    songsmith: str
    torch: str
    onnxruntime: str
    transformers: str
    ctranslate2: str
    llama_cpp_python: str
    vllm: str
    typer: str
    textual: str

    def versions(self) -> dict[str, str]:
        """Return the version of each package that is installed, by its name."""
        return {name: version for name in PACKAGES if (version := getattr(self, name))}


def describe_machine(device: str) -> Machine:
    """Return what this process can see of the machine it runs on; imports nothing heavy to find out."""
    return Machine(
        date=datetime.now(UTC).isoformat(timespec="seconds"), cpu=processor_name(), processors=available_processors(),
        system=platform.platform(), device=device, python=platform.python_version(), songsmith=__version__,
        **{package: _version(package) for package in PACKAGES},
    )  # fmt: skip


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
