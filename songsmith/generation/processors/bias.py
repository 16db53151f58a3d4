"""What the processors of one sequence write for its next token: a mask, a bias and a penalty, which a sampler applies."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Letters in shapes: V = vocabulary size, P = penalised tokens.

Ids = list[int] | NDArray[np.intp]

NO_IDS = np.empty(0, dtype=np.intp)


class LogitsBias:
    """The bias of one sequence for one draw. A sampler applies the penalty first, then the bias, then the masked classes.

    Classes of tokens are masked by number, and penalised tokens are listed: both cost a step next to nothing. Everything else goes
    through `values`, which is as long as the vocabulary and is only added where something was written to it.
    """

    __slots__ = ("_masked_ids", "_size", "_values", "biased", "classes", "penalised", "penalty", "redrawn")

    def __init__(self, size: int, masked_ids: Sequence[NDArray[np.intp]]) -> None:
        """Start empty.

        Args:
            size: of the vocabulary, V.
            masked_ids: ids that each combination of `TokenMask` masks, as `TokenClasses.masked_ids`.
        """
        self._size, self._masked_ids = size, masked_ids
        self._values: NDArray[np.float32] | None = None
        self.biased = False
        """Whether anything was written to `values`."""
        self.classes = 0
        """The `TokenMask` of masked classes, as a plain number: to combine flags would cost more than to apply them."""
        self.penalty = 1.0
        """Divides the positive logits of penalised tokens, and multiplies the negative ones."""
        self.penalised: NDArray[np.intp] = NO_IDS
        """(P,) ids of penalised tokens, in the order in which they came to be: it only ever grows at its end."""
        self.redrawn: NDArray[np.bool_] | None = None
        """(V,) true for tokens in whose place another is drawn where one of them comes up; see `sampling.sample`."""

    @property
    def values(self) -> NDArray[np.float32]:
        """(V,) added to the logits; -inf masks a token. To be written to after `biased` was set, or by `mask` and `add`."""
        if self._values is None:
            self._values = np.zeros(self._size, dtype=np.float32)
        return self._values

    def clear(self) -> None:
        """Begin the next draw."""
        if self.biased:
            self.values.fill(0)
            self.biased = False
        self.classes, self.penalty, self.penalised, self.redrawn = 0, 1.0, NO_IDS, None

    def mask(self, ids: Ids) -> None:
        """Give tokens probability 0."""
        self.biased = True
        self.values[ids] = -np.inf

    def add(self, ids: Ids, amount: float | NDArray[np.float32]) -> None:
        """Add to the logits of tokens, each listed once."""
        self.biased = True
        self.values[ids] += amount

    def apply(self, logits: NDArray[np.float32]) -> None:
        """Change logits, (V,), in place."""
        if self.penalty != 1.0:
            logits[self.penalised] = penalise(logits[self.penalised], self.penalty)
        if self.biased:
            logits += self.values
        logits[self._masked_ids[self.classes]] = -np.inf


def penalise(logits: NDArray[np.float32], penalty: float) -> NDArray[np.float32]:
    """Make tokens less likely: positive logits are divided by the penalty, negative ones multiplied (CTRL, 2019)."""
    either = logits / np.float32(penalty), logits * np.float32(penalty)
    changed: NDArray[np.float32] = np.minimum(*either) if penalty > 1 else np.maximum(*either)
    return changed
