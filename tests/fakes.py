"""Stand-ins for what is not here: models nobody trained, and the person at the terminal."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from songsmith.model.architectures.gpt2 import gpt2_spec
from songsmith.paths import find_paths

STARTER_OUTPUTS: int = json.loads((find_paths().starter / "config.json").read_text(encoding="utf-8"))["vocab_size"]
"""Outputs of the starter's network, and of the models made here, which share its tokenizer."""


def write_random_model(
    folder: Path, *, seed: int = 0, window: int = 64, manifest: dict[str, object] | None = None, unused_bytes: int = 0,
    inner: int | None = None,
) -> Path:  # fmt: skip
    """Save a small GPT-2 with random weights and the starter's tokenizer; without a manifest it is a plain model."""
    import torch  # here, so that tests without a model begin at once
    from safetensors.torch import save_file

    from songsmith.model.networks.random_weights import random_weights

    folder.mkdir(parents=True)
    shape = gpt2_spec(
        vocabulary_size=STARTER_OUTPUTS, context_window_tokens=window, width=16, layers=2, heads=2, inner_width=inner
    )
    weights = {f"transformer.{name}": weight for name, weight in random_weights(shape, seed).items()}
    if unused_bytes:
        weights["unused"] = torch.zeros(unused_bytes, dtype=torch.uint8)
    save_file(weights, folder / "model.safetensors")
    config = {
        "model_type": "gpt2",
        "vocab_size": STARTER_OUTPUTS,
        "n_positions": window,
        "n_embd": 16,
        "n_layer": 2,
        "n_head": 2,
        "n_inner": inner,
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    shutil.copy(find_paths().starter / "tokenizer.json", folder)
    if manifest is not None:
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


class Songsmith:
    """The command line, run as its users run it: in a process of its own."""

    command = (sys.executable, "-m", "songsmith")

    def __call__(self, *arguments: str | bytes, stdin: bytes | None = None) -> "subprocess.CompletedProcess[bytes]":
        """Run a command to its end; without `stdin`, standard input is /dev/null."""
        source = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
        return subprocess.run([*self.command, *arguments], capture_output=True, timeout=120, check=False, **source)

    def start(self, *arguments: str, stdin: int = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
        """Start a command that the test will talk to."""
        return subprocess.Popen(
            [*self.command, *arguments], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
