"""Small networks of every architecture, as transformers builds them: what ours are held to."""

import json
from functools import cache
from typing import Any

import torch

from songsmith.model.architectures import read_spec
from songsmith.model.architectures.spec import NetworkSpec

SIZES: dict[str, Any] = {
    "vocab_size": 61, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "intermediate_size": 40, "max_position_embeddings": 64, "pad_token_id": None,
}  # fmt: skip
LLAMA3 = {
    "rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 3.0,
    "original_max_position_embeddings": 16, "rope_theta": 500.0,
}  # fmt: skip
YARN = {"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 32, "rope_theta": 100.0}
# Every network that the tests of each executor and of training compare with transformers, by a name of its own.
CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "gpt2": ("gpt2", {"vocab_size": 61, "n_positions": 64, "n_embd": 64, "n_layer": 2, "n_head": 4, "n_inner": 40}),
    "llama": ("llama", SIZES),
    "smollm2": ("llama", SIZES | {"tie_word_embeddings": True, "rope_parameters": {"rope_theta": 1e5}}),
    "llama 3": ("llama", SIZES | {"rope_parameters": LLAMA3, "head_dim": 32, "eos_token_id": [2, 5]}),
    "llama with biases": ("llama", SIZES | {"attention_bias": True, "mlp_bias": True}),
    "llama, linear": ("llama", SIZES | {"rope_parameters": {"rope_type": "linear", "factor": 2.5, "rope_theta": 1e4}}),
    "llama, dynamic": ("llama", SIZES | {"rope_parameters": {"rope_type": "dynamic", "factor": 4.0, "rope_theta": 1e4}}),
    "mistral": ("mistral", SIZES | {"sliding_window": 48}),
    "qwen2": ("qwen2", SIZES),
    "qwen2, yarn": ("qwen2", SIZES | {"rope_parameters": YARN}),
    "qwen2, yarn told more": (
        "qwen2", SIZES | {"rope_parameters": YARN | {"mscale": 0.7, "mscale_all_dim": 1.0, "truncate": False}}
    ),
    "qwen3": ("qwen3", SIZES | {"head_dim": 32}),
}  # fmt: skip


def their_config(name: str) -> Any:
    from transformers import AutoConfig

    kind, values = CONFIGS[name]
    return AutoConfig.for_model(kind, **json.loads(json.dumps(values)))


@cache
def their_model(name: str, seed: int = 0) -> Any:
    """Return a model of transformers whose weights are so wide that what comes before makes a difference."""
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(their_config(name)).eval()
    with torch.no_grad():
        for key, weight in model.named_parameters():
            weight.normal_(1.0 if "norm" in key or "ln_" in key else 0.0, 0.2)
    return model


def weights_of(model: Any) -> tuple[NetworkSpec, dict[str, torch.Tensor]]:
    """Return the spec of a model of transformers, and its weights by the names the spec gives."""
    spec = read_spec(model.config.to_dict())
    state = model.state_dict()
    return spec, {name: state[spec.names.saved(name)] for name in spec.weight_shapes()}
