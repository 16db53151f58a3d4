"""Run any other causal language model with transformers: more slowly, behind the same interface.

Rows are run one after the other, so that what one reads never depends on its neighbours. Where nothing can be taken back of what
transformers remembers, as of networks with a running state, every step reads the whole text again.
"""

import copy
import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from songsmith.errors import ModelError, UnsupportedError
from songsmith.memory import minding_memory
from songsmith.model.backend import Cache, Logits
from songsmith.model.networks.transformers_spec import ATTENTION, TransformersSpec, as_config, build_empty, silence

# Letters in shapes: B = rows, N = tokens read now, T = tokens of a text, V = vocabulary.

_TRIAL_TOKENS = 6
# How far logits that should be the same may lie apart, of what lies between the least and the greatest.
_ROUNDING, _ROUNDING_IN_HALF = 1e-3, 0.1


@dataclass
class _Row:
    tokens: list[int] = field(default_factory=list)
    past: Any = None
    """A `DynamicCache` of its keys and values; None where there is none to be had."""

    def copy(self) -> "_Row":
        """Return a row that goes on from here without changing this one. Keys and values are replaced, never written to."""
        past = copy.copy(self.past)
        if past is not None:
            past.layers = [copy.copy(layer) for layer in past.layers]
        return _Row(list(self.tokens), past)

    def truncate(self, tokens: int) -> None:
        """Take back the last tokens."""
        if not tokens:
            return
        del self.tokens[-tokens:]
        for layer in self.past.layers if self.past is not None else ():
            layer.keys, layer.values = layer.keys[..., :-tokens, :], layer.values[..., :-tokens, :]


class TransformersCache:
    """What has been read, each row apart."""

    def __init__(self, rows: list[_Row], capacity: int, new_row: Callable[[], _Row]) -> None:
        """Hold rows, each of at most `capacity` tokens; `new_row` returns an empty one of the network."""
        self.rows = rows
        self.capacity = capacity
        self._new_row = new_row

    @property
    def lengths(self) -> list[int]:
        """Tokens held for each row."""
        return [len(row.tokens) for row in self.rows]

    def expand(self, rows: int) -> "TransformersCache":
        """Return a cache with the one row of this one `rows` times over."""
        return self.select([0] * rows)

    def select(self, rows: Sequence[int]) -> "TransformersCache":
        """Return a cache with only these rows, in this order."""
        return TransformersCache([self.rows[row].copy() for row in rows], self.capacity, self._new_row)

    def add_rows(self, count: int, capacity: int) -> "TransformersCache":
        """Return a cache with so many empty rows behind those of this one, and room for at least `capacity` tokens in each."""
        rows = [*self.rows, *(self._new_row() for _ in range(count))]
        return TransformersCache(rows, max(self.capacity, capacity), self._new_row)

    def replace(self, row: int, other: Cache) -> None:
        """Put the one row of `other` in place of a row of this one, where it must fit."""
        assert isinstance(other, TransformersCache)
        self.rows[row] = other.rows[0].copy()

    def truncate(self, row: int, tokens: int) -> None:
        """Take back the last tokens of a row, as if they had not been read."""
        self.rows[row].truncate(tokens)


class TransformersNetwork:
    """A network of transformers that reads tokens and gives the logits of what follows."""

    def __init__(
        self, spec: TransformersSpec, weights: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype
    ) -> None:
        """Build it and take the weights onto a device.

        Args:
            spec: which network.
            weights: by the names without a prefix that `spec.names` has.
            device: where to run.
            dtype: the precision to run in.

        Raises:
            ModelError: a weight is missing, has another shape, or holds what is no number.
            UnsupportedError: what it says of a token depends on those that follow.
        """
        self.spec = spec
        self._device, self._dtype = device, dtype
        for name, weight in weights.items():
            if weight.is_floating_point() and not torch.isfinite(weight).all():
                raise ModelError(
                    f"The model's {name} contains values that aren't numbers.", "Download or export it again."
                )
        self._network = _load(spec, {spec.names[name]: weight for name, weight in weights.items()}, dtype).to(device)
        takes = inspect.signature(self._network.forward).parameters
        self._cache_name = "cache" if "cache" in takes else "past_key_values"
        self._picks_logits = "logits_to_keep" in takes
        self._can_cache = "use_cache" in takes
        tokens = [token % self.vocabulary_size for token in range(min(_TRIAL_TOKENS, self.context_window_tokens))]
        try:
            whole, begun = self.forward_full(tokens), self.forward_full(tokens[:2])
        except (torch.OutOfMemoryError, MemoryError):
            raise
        except Exception as error:
            raise _explain("run", spec, error) from error
        if not self._is_near(begun, whole[:2]):
            raise UnsupportedError(
                f"The model's '{spec.architecture}' looks at the tokens to come, so it can't write a text from left to right.",
                "Choose a causal language model, such as GPT-2 or Llama.",
            )
        self._remembers = self._can_cache and self._remembers_right(tokens, whole)

    @property
    def vocabulary_size(self) -> int:
        """Number of tokens it knows: V."""
        return self.spec.vocabulary_size

    @property
    def context_window_tokens(self) -> int:
        """Most tokens a row of a cache can hold."""
        return self.spec.context_window_tokens

    @property
    def device_name(self) -> str:
        """Where it runs."""
        return str(self._device)

    def new_cache(self, capacity: int) -> TransformersCache:
        """Return an empty cache of one row that can hold `capacity` tokens."""
        return TransformersCache([self._new_row()], min(capacity, self.context_window_tokens), self._new_row)

    def open_batch(self, rows: int) -> None:
        """Return nothing: its steps are waited for."""

    @minding_memory()
    def forward(self, tokens: Sequence[Sequence[int]], cache: Cache, *, all_positions: bool = False) -> Logits:
        """Read tokens behind what the cache holds, at least one for each row, and remember them.

        Args:
            tokens: of each row.
            cache: of as many rows.
            all_positions: whether the logits behind every token are wanted, not only behind the last one of a row.

        Returns:
            (B, V) logits of the token to follow; with `all_positions`, (N, V) of the N tokens read, row after row.
        """
        assert isinstance(cache, TransformersCache)
        longest = max(len(row.tokens) + len(new) for row, new in zip(cache.rows, tokens, strict=True))
        if longest > cache.capacity or not all(tokens):
            raise ValueError(f"{longest} tokens do not fit a cache of {cache.capacity}")
        rows = [row.copy() for row in cache.rows]  # so that an error leaves all as they were
        logits = [self._read(row, new, len(new) if all_positions else 1) for row, new in zip(rows, tokens, strict=True)]
        cache.rows = rows
        return np.concatenate(logits)

    @minding_memory()
    def forward_full(self, tokens: Sequence[int]) -> Logits:
        """Read a text from its start.

        Returns:
            (T, V) logits on the CPU: row t is of the token that follows token t.
        """
        return self._read(_Row(), tokens, len(tokens))

    def _new_row(self) -> _Row:
        return _Row(past=DynamicCache() if self._remembers else None)

    def _read(self, row: _Row, tokens: Sequence[int], count: int) -> Logits:
        """Read tokens behind those of a row, and return (count, V) logits of the last ones."""
        row.tokens += tokens
        remembers = row.past is not None
        ids = torch.tensor([tokens if remembers else row.tokens], device=self._device)  # (1, N), or (1, T)
        options: dict[str, Any] = {"return_dict": True}
        if self._can_cache:
            options["use_cache"] = remembers
        if remembers:
            options[self._cache_name] = row.past
        if self._picks_logits:
            options["logits_to_keep"] = count
        # Warnings are for whoever wrote the architecture.
        with torch.inference_mode(), warnings.catch_warnings(action="ignore"):
            logits: Tensor = self._network(ids, **options).logits
            return logits[0, -count:].float().cpu().numpy()

    def _remembers_right(self, tokens: Sequence[int], whole: Logits) -> bool:
        """Return whether reading a text bit by bit gives what reading it whole did, from a cache that can be taken back."""
        row = _Row(past=DynamicCache())
        try:
            bits = np.concatenate(
                [self._read(row, part, len(part)) for part in (tokens[:2], tokens[2:3], tokens[3:]) if part]
            )
        except Exception:  # it keeps something else, and says so in its own way
            return False
        return self._is_near(bits, whole) and all(type(layer) is DynamicLayer for layer in row.past.layers)

    def _is_near(self, logits: Logits, others: Logits) -> bool:
        rounding = _ROUNDING if self._dtype == torch.float32 else _ROUNDING_IN_HALF
        return bool(np.abs(logits - others).max() <= rounding * np.ptp(others))


def _load(spec: TransformersSpec, weights: dict[str, Tensor], dtype: torch.dtype) -> Any:
    silence()
    kind: Any = type(build_empty(spec.config))
    try:
        with warnings.catch_warnings(action="ignore"):
            network, found = kind.from_pretrained(
                None, config=as_config(spec.config), state_dict=weights, dtype=dtype, attn_implementation=ATTENTION,
                output_loading_info=True, local_files_only=True, trust_remote_code=False,
            )  # fmt: skip
    except (torch.OutOfMemoryError, MemoryError):
        raise
    except Exception as error:
        raise _explain("load", spec, error) from error
    if missing := sorted(found["missing_keys"]):
        raise ModelError(f"The model has no weight named {missing[0]}.", "Download or export it again.")
    return network.eval()


def _explain(what: str, spec: TransformersSpec, error: Exception) -> ModelError:
    reason = " ".join(f"{error or type(error).__name__}".split())[:200]
    return ModelError(
        f"transformers can't {what} this '{spec.architecture}': {reason}.", "Download or export it again."
    )
