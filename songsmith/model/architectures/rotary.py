"""Rotary positions: each pair of numbers of a query or key is rotated by an angle that grows with its position.

Su et al. 2021, RoFormer: Enhanced Transformer with Rotary Position Embedding.

Number i of a head is paired with number i + E / 2, as in transformers' Llama. How far each pair turns at each position may be
scaled, so that a network reads longer texts than it was first trained on; formulas as in transformers' modeling_rope_utils.py.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from songsmith.errors import UnsupportedError


@dataclass(frozen=True, kw_only=True)
class LinearScaling:
    """All angles divided by one factor (position interpolation, Chen et al. 2023)."""

    kind: ClassVar[str] = "linear"
    factor: float


@dataclass(frozen=True, kw_only=True)
class DynamicScaling:
    """Angles that are scaled only past the positions a network was trained on, which it is never given here: no change."""

    kind: ClassVar[str] = "dynamic"
    factor: float


@dataclass(frozen=True, kw_only=True)
class Llama3Scaling:
    """Slow angles divided by a factor, fast ones left as they are, those between by a share of it (Llama 3.1)."""

    kind: ClassVar[str] = "llama3"
    factor: float
    low_freq_factor: float
    """A pair that turns around fewer times than this within the original positions is slow."""
    high_freq_factor: float
    """One that turns around more often is fast."""
    original_max_position_embeddings: int
    """Positions that the network was first trained on."""


@dataclass(frozen=True, kw_only=True)
class YarnScaling:
    """As in Llama 3.1, but with another passage from slow to fast, and attention made sharper (YaRN, Peng et al. 2023)."""

    kind: ClassVar[str] = "yarn"
    factor: float
    original_max_position_embeddings: int
    """Positions that the network was first trained on."""
    attention_factor: float
    """What queries and keys are multiplied with."""
    beta_fast: float = 32
    """A pair that turns around more often than this within the original positions is fast."""
    beta_slow: float = 1
    """One that turns around fewer times is slow."""
    truncate: bool = True
    """Whether the passage from fast to slow begins and ends at whole pairs."""


Scaling = LinearScaling | DynamicScaling | Llama3Scaling | YarnScaling


@dataclass(frozen=True, kw_only=True)
class Rotary:
    """How far positions turn queries and keys."""

    theta: float
    """Base of the angles: pair i of a head turns by theta ** (-2i / E) at each position."""
    max_position_embeddings: int
    """Positions that the network was made for; at least the context window."""
    scaling: Scaling | None = None

    @property
    def attention_factor(self) -> float:
        """What the cosine and sine of each angle are multiplied with."""
        return self.scaling.attention_factor if isinstance(self.scaling, YarnScaling) else 1.0

    def frequencies(self, head_size: int) -> list[float]:
        """Return by how many radians each of the E / 2 pairs turns at each position."""
        plain = [self.theta ** (-2 * pair / head_size) for pair in range(head_size // 2)]
        match self.scaling:
            case LinearScaling(factor=factor):
                return [angle / factor for angle in plain]
            case Llama3Scaling() as scaling:
                return [_scale_as_llama3(angle, scaling) for angle in plain]
            case YarnScaling() as scaling:
                return _scale_as_yarn(plain, self.theta, head_size, scaling)
        return plain


def _scale_as_llama3(angle: float, scaling: Llama3Scaling) -> float:
    turns = scaling.original_max_position_embeddings * angle / (2 * math.pi)
    if turns > scaling.high_freq_factor:
        return angle
    if turns < scaling.low_freq_factor:
        return angle / scaling.factor
    fast = (turns - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor)
    return (1 - fast) * angle / scaling.factor + fast * angle


def _scale_as_yarn(plain: list[float], theta: float, head_size: int, scaling: YarnScaling) -> list[float]:
    def pair_that_turns(times: float) -> float:
        """Return which pair turns around so many times within the original positions."""
        turns = scaling.original_max_position_embeddings / (times * 2 * math.pi)
        return head_size * math.log(turns) / (2 * math.log(theta))

    low, high = pair_that_turns(scaling.beta_fast), pair_that_turns(scaling.beta_slow)
    if scaling.truncate:
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, head_size - 1)
    if low == high:
        high += 0.001  # as transformers does, so that nothing is divided by zero
    slow = [min(1.0, max(0.0, (pair - low) / (high - low))) for pair in range(len(plain))]
    return [
        angle / scaling.factor * share + angle * (1 - share) for angle, share in zip(plain, slow, strict=True)
    ]  # fmt: skip


def read_rotary(config: Mapping[str, Any], *, max_position_embeddings: int) -> Rotary:
    """Read the rotary positions of a config.json, whether a transformers of version 4 or 5 wrote it.

    Args:
        config: whose `rope_parameters`, or `rope_theta` and `rope_scaling`, are read.
        max_position_embeddings: positions that the network was made for.

    Raises:
        UnsupportedError: they are of a kind that songsmith does not know.
        KeyError, TypeError, ValueError: a value is missing, or of the wrong kind.
    """
    values = config.get("rope_scaling") or config.get("rope_parameters") or {}
    kind = values.get("rope_type") or values.get("type") or "default"
    turned = values.get("partial_rotary_factor", config.get("partial_rotary_factor"))
    if turned not in (None, 1):
        raise UnsupportedError(
            f"The model's partial_rotary_factor is {turned!r}, which songsmith doesn't support.", "Only 1 is supported."
        )
    theta = values.get("rope_theta")
    return Rotary(
        theta=_positive(config.get("rope_theta", 10_000.0) if theta is None else theta),
        max_position_embeddings=max_position_embeddings,
        scaling=_read_scaling(kind, values, config.get("original_max_position_embeddings") or max_position_embeddings),
    )


def _read_scaling(kind: str, values: Mapping[str, Any], original: int) -> Scaling | None:
    if kind == "default":
        return None
    if kind not in ("linear", "dynamic", "llama3", "yarn"):
        raise UnsupportedError(
            f"The model's positions are scaled by {kind!r}, which songsmith doesn't support.",
            "Only linear, dynamic, llama3 and yarn are supported.",
        )
    factor = _positive(values["factor"])
    original = int(values.get("original_max_position_embeddings") or original)
    if kind == "linear":
        return LinearScaling(factor=factor)
    if kind == "dynamic":
        return DynamicScaling(factor=factor)
    if kind == "llama3":
        return Llama3Scaling(
            factor=factor, low_freq_factor=_positive(values["low_freq_factor"]),
            high_freq_factor=_positive(values["high_freq_factor"]), original_max_position_embeddings=original,
        )  # fmt: skip
    return YarnScaling(
        factor=factor, original_max_position_embeddings=original, attention_factor=_read_sharpness(values, factor),
        beta_fast=_positive(values.get("beta_fast") or 32), beta_slow=_positive(values.get("beta_slow") or 1),
        truncate=bool(values.get("truncate", True)),
    )  # fmt: skip


def _read_sharpness(values: Mapping[str, Any], factor: float) -> float:
    if values.get("attention_factor") is not None:
        return _positive(values["attention_factor"])

    def sharpness(scale: float) -> float:
        return 0.1 * scale * math.log(factor) + 1 if factor > 1 else 1.0

    scale, scale_of_all = values.get("mscale"), values.get("mscale_all_dim")
    if scale and scale_of_all:
        return sharpness(float(scale)) / sharpness(float(scale_of_all))
    return sharpness(1)


def _positive(value: Any) -> float:
    number = float(value)
    if not 0 < number < math.inf:
        raise ValueError(f"number of its positions: {value!r}")
    return number


def write_rotary(rotary: Rotary) -> dict[str, Any]:
    """Return what `read_rotary` reads, as transformers of versions 4 and 5 read it too."""
    scaling = rotary.scaling
    return {
        "max_position_embeddings": rotary.max_position_embeddings,
        "rope_theta": rotary.theta,
        "rope_scaling": None if scaling is None else {"rope_type": scaling.kind, **asdict(scaling)},
    }
