"""What transformers says of a network without a spec here, compared with its weights before they are loaded.

Code that lies in a model directory is never run, and nothing is fetched. Imports transformers, which takes seconds.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
import transformers
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from songsmith.errors import ModelError, UnsupportedError
from songsmith.model.architectures import SUPPORTED_TYPES
from songsmith.model.weights import TYPES_READ, Weights, bare_name

ATTENTION = "eager"
"""How attention is computed: every architecture has it, and none needs a library for it."""
LONGEST_WINDOW_TOKENS = 8192
"""No song is as long."""

_USUAL_WINDOW_TOKENS = 2048
"""Of networks without positions, such as Bloom, whose config.json does not say what they were trained on."""
_NEXT_STEP = "Download or export it again."
# What config.json may say of other things than the network: where code lies, which kernels to fetch, labels without end.
_NOT_OF_THE_NETWORK = re.compile(
    r"_.*|auto_map|\w*attn_implementation|experts_implementation|fusion_config|quantization_config|distributed_config"
    r"|transformers_weights|dtype|torch_dtype|num_labels|id2label|label2id|task_specific_params"
    r"|torchscript|return_dict|use_cache|output_\w+"
)
_COUNTS_MODULES = re.compile(r"layer|expert|depth|blocks?$")
_MOST_MODULES = 256
"""Layers that a config may claim whatever its weights are; more only where there are as many tensors."""
_MOST_BUFFER_BYTES = 2**30


@dataclass(frozen=True, kw_only=True)
class TransformersSpec:
    """A network that transformers knows, and where its weights are."""

    architecture: str
    """`model_type` of its config.json."""
    vocabulary_size: int
    """Rows of its head."""
    context_window_tokens: int
    """Most tokens it is given at once."""
    end_ids: tuple[int, ...]
    """Tokens that end a text, by its config.json; some may be none of its vocabulary."""
    config: Mapping[str, Any]
    """Of config.json, what describes the network."""
    names: Mapping[str, str]
    """transformers' name of each weight, by its name without a prefix."""


def read_transformers_spec(config: Mapping[str, Any], weights: Weights) -> TransformersSpec:
    """Let transformers read a config.json, and compare what it would build with the headers of the weights.

    Raises:
        UnsupportedError: transformers does not know the architecture either, or it does not write from left to right.
        ModelError: the configuration cannot be built, or its weights are missing or have other shapes.
    """
    kind = _check_kind(config)
    _check_counts(config, len(weights.stored))
    cleaned = _clean(config)
    silence()
    try:
        network = build_empty(cleaned | {"model_type": kind})
        text = network.config.get_text_config()
        head = network.get_output_embeddings()
        rows = text.vocab_size if head is None else head.weight.shape[0]
        window = _count_positions(network, getattr(text, "max_position_embeddings", None) or _USUAL_WINDOW_TOKENS)
        ends = text.eos_token_id
        spec = TransformersSpec(
            architecture=kind, vocabulary_size=int(rows), context_window_tokens=min(int(window), LONGEST_WINDOW_TOKENS),
            end_ids=tuple(ends) if isinstance(ends, list | tuple) else () if ends is None else (ends,),
            config=cleaned | {"model_type": kind}, names=_match(network, weights),
        )  # fmt: skip
    except ModelError:
        raise
    except Exception as error:  # each architecture checks its own, and raises what it likes
        reason = " ".join(f"{error or type(error).__name__}".split())[:200]
        raise ModelError(
            f"transformers can't build a '{kind}' of the model's config.json: {reason}.", _NEXT_STEP
        ) from error
    return spec


def build_empty(config: Mapping[str, Any]) -> Any:
    """Build a network without memory for its weights.

    Raises:
        Exception: of many kinds; the configuration is none that its architecture can have.
    """
    auto: Any = getattr(transformers, "AutoModelForCausalLM")  # noqa: B009  (made when asked for: unknown to a type checker)
    with torch.device("meta"):
        return auto.from_config(as_config(config), attn_implementation=ATTENTION, trust_remote_code=False)


def as_config(config: Mapping[str, Any]) -> Any:
    """Return what transformers makes of a configuration's values.

    Raises:
        Exception: of many kinds, where it makes nothing of them.
    """
    values = {key: value for key, value in config.items() if key != "model_type"}
    return CONFIG_MAPPING[config["model_type"]].from_dict(values)


def silence() -> None:
    """Keep transformers from writing to the terminal, which is not its own."""
    logging: Any = transformers.utils.logging
    logging.set_verbosity_error()
    logging.disable_progress_bar()


def _check_kind(config: Mapping[str, Any]) -> str:
    kind = config.get("model_type")
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING:
        raise UnsupportedError(
            f"The model is of type {kind!r:.80}, which neither songsmith nor transformers {transformers.__version__} knows.",
            f"Choose a model of one of the types that songsmith runs itself ({', '.join(SUPPORTED_TYPES)}), "
            "or another language model that transformers knows.",
        )
    classes = MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.get(kind, ())
    known = (classes,) if isinstance(classes, str) else tuple(classes)
    said = config.get("architectures") or known
    if not known or not isinstance(said, list | tuple) or not set(map(str, said)) & set(known):
        what = said[0] if known and isinstance(said, list | tuple) else kind
        raise UnsupportedError(
            f"The model is a {what!r:.80}, which doesn't write a text from left to right.",
            "Choose a causal language model, such as GPT-2 or Llama.",
        )
    if "auto_map" in config:
        raise UnsupportedError(
            "The model comes with code of its own (auto_map in its config.json), which songsmith never runs.",
            f"If transformers' own '{kind}' can run it, take auto_map out of config.json; else choose another model.",
        )
    return kind


def _check_counts(config: Mapping[str, Any], tensors: int) -> None:
    """Refuse layers that the weights cannot have, before anything makes a list of them."""
    for key, value in _entries(config):
        if isinstance(value, int) and value > max(tensors, _MOST_MODULES) and _COUNTS_MODULES.search(key):
            raise ModelError(
                f"The model's config.json gives {key} as {value:,}, but its weights have only {tensors:,} tensors.",
                _NEXT_STEP,
            )


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield what dictionaries hold, and those in them."""
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        waiting += inner.values() if isinstance(inner, Mapping) else inner if isinstance(inner, list) else ()
        if isinstance(inner, Mapping):
            yield from inner.items()


def _clean(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _clean(value) if isinstance(value, Mapping) else value
        for key, value in config.items()
        if not _NOT_OF_THE_NETWORK.fullmatch(key)
    }


def _count_positions(network: Any, said: int) -> int:
    """Return how many positions a network has, where its config.json counts a filler and those before it, as RoBERTa's does."""
    tables = [module for module in network.modules() if isinstance(module, torch.nn.Embedding)]
    skipped = (
        table.padding_idx + 1 for table in tables if table.num_embeddings == said and table.padding_idx is not None
    )
    return said - max(skipped, default=0)


def _match(network: Any, weights: Weights) -> dict[str, str]:
    """Return transformers' name of each weight. Those that it puts together of several keep their own."""
    wanted = network.state_dict(keep_vars=True)
    by_bare = {bare_name(name): name for name in wanted}
    spare = 0
    names = {}
    for bare, tensor in weights.stored.items():
        name = by_bare.get(bare)
        if name is None and tensor.dtype not in TYPES_READ:
            continue  # masks that old checkpoints keep
        if name is not None and tuple(wanted[name].shape) != tensor.shape:
            raise ModelError(f"The model's {bare} is {tensor.shape}, not {tuple(wanted[name].shape)}.", _NEXT_STEP)
        names[bare] = tensor.name if name is None else name
        spare += prod(tensor.shape) if name is None else 0
    weights.check_types([bare for bare in names if bare in by_bare])
    # Weights that are tied are one object under several names.
    there = {id(wanted[name]) for name in names.values() if name in wanted}
    missing = [name for name, _ in network.named_parameters() if id(wanted[name]) not in there]
    if sum(wanted[name].numel() for name in missing) > spare:
        raise ModelError(f"The model has no weight named {bare_name(missing[0])}.", _NEXT_STEP)
    if sum(buffer.numel() * buffer.element_size() for buffer in network.buffers()) > _MOST_BUFFER_BYTES:
        raise ModelError("The model's config.json gives sizes that no network of its weights has.", _NEXT_STEP)
    return names
