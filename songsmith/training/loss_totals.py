"""The total loss of a model over songs: in nats, in bits per byte, in nats per token."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LossTotals:
    """The cross-entropy of songs under a model that predicts them token by token, given their titles."""

    nats: float = 0.0
    """Summed over all predicted tokens."""
    tokens: int = 0
    """Predicted tokens: lyrics, structure and ends of songs, but not titles."""
    text_bytes: int = 0
    """UTF-8 bytes of the lyrics, with line breaks and without headers."""

    def __add__(self, other: "LossTotals") -> "LossTotals":
        return LossTotals(
            nats=self.nats + other.nats,
            tokens=self.tokens + other.tokens,
            text_bytes=self.text_bytes + other.text_bytes,
        )

    @property
    def bits_per_byte(self) -> float:
        """Bits to encode all predicted tokens, structure included, per byte of lyric. Comparable across tokenizers."""
        return self.nats / math.log(2) / max(1, self.text_bytes)

    @property
    def nats_per_token(self) -> float:
        """Mean loss of a token, as training minimises it. Comparable only between models with the same tokenizer."""
        return self.nats / max(1, self.tokens)
