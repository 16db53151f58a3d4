"""A model directory with random weights in the format of transformers, so that every contestant loads the same file.

How fast a network runs does not depend on what it learned. Run as a program, so that whoever wants one stays small::

    python -m songsmith.benchmark.random_model FOLDER
"""

import json
import sys
from itertools import islice, product
from pathlib import Path

from songsmith.model.architectures import write_config
from songsmith.model.architectures.gpt2 import gpt2_spec
from songsmith.model.architectures.spec import NetworkSpec
from songsmith.model.hashes import hash_file
from songsmith.model.networks.random_weights import random_weights
from songsmith.model.weights import WEIGHTS

GPT2_SMALL = gpt2_spec(vocabulary_size=50257, context_window_tokens=1024, width=768, layers=12, heads=12)


def write_random_model(folder: Path, spec: NetworkSpec, *, seed: int = 0) -> None:
    """Write config.json, model.safetensors, tokenizer.json and manifest.json into a folder."""
    from safetensors.torch import save_file

    weights = {spec.names.saved(name): weight for name, weight in random_weights(spec, seed).items()}
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    end = spec.vocabulary_size - 1
    settings = {**write_config(spec), "dtype": "float32", "bos_token_id": end, "eos_token_id": end}
    (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    _write_tokenizer(folder, spec.vocabulary_size)
    manifest = {"format": "plain", "description": "Random weights.", "weights_sha256": hash_file(folder / WEIGHTS)}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def _write_tokenizer(folder: Path, size: int) -> None:
    """Write a byte-level tokenizer with an entry for every output of the network: bytes, pairs of them, and the end."""
    from tokenizers import AddedToken, Tokenizer
    from tokenizers.decoders import ByteLevel as ByteLevelDecoder
    from tokenizers.models import BPE
    from tokenizers.pre_tokenizers import ByteLevel

    letters = sorted(ByteLevel.alphabet())
    pairs = (first + second for first, second in product(letters, letters))
    entries = [*letters, *islice(pairs, max(0, size - 1 - len(letters)))]
    rust = Tokenizer(BPE({entry: token for token, entry in enumerate(entries)}, []))
    rust.pre_tokenizer = ByteLevel(add_prefix_space=False)
    rust.decoder = ByteLevelDecoder()
    rust.add_special_tokens([AddedToken("<|endoftext|>", special=True, normalized=False)])
    rust.save(str(folder / "tokenizer.json"))


if __name__ == "__main__":
    write_random_model(Path(sys.argv[1]), GPT2_SMALL)
