"""Sample the next token of one sequence from its logits, by its options and random stream.

Plain NumPy, so that every backend, whatever it runs on, samples alike. Knows tokens, not songs or screens.
"""

from array import array

import numpy as np
from numpy.typing import NDArray

from songsmith.generation.options import GenerationOptions

Floats = NDArray[np.float32]
NOTHING_LEFT = "its options leave it no token to write"
NO_NUMBERS = "it gives probabilities that aren't numbers; its weights may be damaged"

# Letters in shapes: V = vocabulary size, C = candidates left.

# Nats below the most probable token: what top-p keeps lies near it, and the rest need not be sorted. e^-30 is one in ten trillion:
# tokens that are that much less probable are never drawn.
_DEPTHS = (6, 12, 30)
_ROUNDING = 1.0001
MIN_TEMPERATURE = 1e-30
MAX_DEPTH = _DEPTHS[-1]
# A draft model's improbable tokens are seldom drawn by the model it drafts for, and take long to sort.
_NEAR = 3
_GROUP = 64


class RandomStream:
    """The random numbers of one sequence. They depend on its seed alone, never on its neighbours in a batch."""

    def __init__(self, seed: int) -> None:
        """Start before the first number."""
        self._generator = np.random.Generator(np.random.PCG64(seed))
        # Of all that were ever asked for, so that one can be asked for again: forks share them, for they agree.
        self._numbers = array("d")
        self.position = 0
        """Numbers taken so far. May be set, back and forth."""

    def next_uniform(self) -> float:
        """Return the next number, from 0 to 1."""
        self.position += 1
        return self.last

    @property
    def last(self) -> float:
        """The number that was taken last; at least one must have been."""
        while len(self._numbers) < self.position:
            self._numbers.append(self._generator.random())
        return self._numbers[self.position - 1]

    def fork(self) -> "RandomStream":
        """Return a stream that goes on with the same numbers, independently of this one."""
        other = object.__new__(RandomStream)
        other._generator, other._numbers, other.position = self._generator, self._numbers, self.position
        return other


def sample(logits: Floats, options: GenerationOptions, uniform: float, redrawn: NDArray[np.bool_] | None = None) -> int:
    """Choose the next token.

    Args:
        logits: (V,) with the bias applied.
        options: which cuts are made.
        uniform: from 0 to 1, which token is drawn; of no account at temperature 0.
        redrawn: (V,) true for tokens that must not be the result. Where one of them is drawn, another token is drawn in its place
            by a number made of the first one, so that all other draws are as if there were no such tokens. If no other token has
            any probability at all, one of these is returned.

    Raises:
        RuntimeError: every token is masked, or a probability is not a number.
    """
    highest = logits.max()
    if highest == -np.inf:
        raise RuntimeError(NOTHING_LEFT)
    if not np.isfinite(highest):
        raise RuntimeError(NO_NUMBERS)
    if options.temperature > 0:
        ids, probs = candidates(logits, options)
        token = _pick(ids, probs, uniform, redrawn)[0]
    else:
        token = int(logits.argmax())
    if redrawn is not None and redrawn[token]:
        # Among the candidates there is no other token: the most probable one of the rest is taken.
        rest = np.where(redrawn, -np.inf, logits)
        token = int(rest.argmax()) if rest.max() > -np.inf else token
    return token


def predict(
    logits: Floats, options: GenerationOptions, uniform: float, redrawn: NDArray[np.bool_] | None = None
) -> tuple[int, float] | None:
    """Return the token that a draft model predicts, and the probability the model gives it.

    Probabilities that nearly agree, cut by the same number in the same order, often give the same token: more often than two
    independent draws would.

    Args:
        logits: (V,) of the draft model, with the bias applied; overwritten.
        options: of the sequence.
        uniform: the number that the sequence itself will draw this token with.
        redrawn: as in `sample`.

    Returns:
        None where the network gives no probabilities.
    """
    highest = logits.max()
    if not np.isfinite(highest):
        return None
    if options.temperature == 0:
        if redrawn is not None:
            logits[redrawn] = np.finfo(np.float32).min  # where these are all there are, one is still predicted
        return int(logits.argmax()), 1 / float(np.exp(logits - highest).sum(dtype=np.float64))
    near = np.flatnonzero(logits >= highest - np.float32(_NEAR * options.temperature))
    ids, probs = candidates(logits[near], options)
    return _pick(near[ids], probs, uniform, redrawn)


def _pick(
    ids: NDArray[np.intp], probs: NDArray[np.float64], uniform: float, redrawn: NDArray[np.bool_] | None = None
) -> tuple[int, float]:
    """Return the token whose share of the probabilities, laid end to end, a number from 0 to 1 falls into, and that share.

    Where it is one to be redrawn, and any candidate is not, one of those is drawn with a number made of the first one.
    """
    total, ends = float(probs.sum()), probs.cumsum()
    place = min(int(ends.searchsorted(uniform * total, side="right")), len(ids) - 1)
    if redrawn is not None and redrawn[ids[place]] and not (excluded := redrawn[ids]).all():
        # Seeded with all bits of the number. Its place within the token's share would be as random, but would change with every
        # rounding of the probabilities.
        another = np.random.Generator(np.random.PCG64(int(uniform * 2**53))).random()
        return _pick(ids[~excluded], probs[~excluded], another)
    return int(ids[place]), float(probs[place]) / total


def candidates(logits: Floats, options: GenerationOptions) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the tokens that may be drawn and their probabilities, in the order of the vocabulary.

    Temperature, then top-k, then top-p, then min-p: each cut works on what the one before left, with probabilities scaled to sum
    to 1. In the order of the vocabulary, rounding moves the border between two tokens by no more than itself. In the order of
    probability, in which rounding may swap two tokens, it could move a border by the whole probability of one of them.

    Args:
        logits: (V,) with -inf for tokens that are masked.
        options: temperature must be above 0.

    Returns:
        Token ids (C,) and probabilities (C,) that sum to at most 1; C is at least 1.
    """
    temperature = max(options.temperature, MIN_TEMPERATURE)
    if 0 < options.top_k < len(logits):
        ids = _largest(logits, options.top_k)
        depths = (logits[ids].astype(np.float64) - float(logits.max())) / temperature
        probs = np.exp(depths)
        probs /= probs.sum()
        ids, probs = ids[probs > 0], probs[probs > 0]  # masked tokens may be among the largest, if few are left
    else:
        ids, probs = _all_likely(logits, temperature, options.top_p)
    if options.top_p < 1:
        ids, probs = _nucleus(ids, probs, options.top_p)
    if options.min_p > 0:
        likely = probs >= options.min_p * probs.max()
        ids, probs = ids[likely], probs[likely]
    return ids, probs


def _all_likely(logits: Floats, temperature: float, share: float) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return all tokens that are probable enough to be among the first whose probabilities sum to this share, and theirs."""
    # First in float32: the probabilities of the tokens that are left are then computed in float64.
    highest = logits.max()
    with np.errstate(over="ignore"):  # with a temperature near 0 only the most probable token is left
        depths = (logits - highest) / np.float32(temperature)
    probs = np.exp(depths)
    total = float(probs.sum(dtype=np.float64))
    for depth in _DEPTHS:
        near = (depths >= -depth).nonzero()[0]
        if depth == MAX_DEPTH or float(probs[near].sum()) >= min(1, share * _ROUNDING) * total:
            break
    return near, np.exp((logits[near].astype(np.float64) - float(highest)) / temperature) / total


def _nucleus(
    ids: NDArray[np.intp], probs: NDArray[np.float64], share: float
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the fewest tokens whose probabilities sum to this share, and theirs. Of equally probable ones the first are taken."""
    falling = -np.sort(-probs)
    last = min(int(falling.cumsum().searchsorted(share)), len(ids) - 1)
    kept = probs > falling[last]
    tied = (probs == falling[last]).nonzero()[0]
    kept[tied[: last + 1 - int(kept.sum())]] = True
    return ids[kept], probs[kept]


def _largest(logits: Floats, count: int) -> NDArray[np.intp]:
    """Return the indices of the `count` largest logits, in ascending order."""
    # The `count`th largest of the maxima of groups is a lower bound, and few logits exceed it: only those are partitioned.
    groups = len(logits) // _GROUP
    if count < groups:
        highest = logits[: groups * _GROUP].reshape(_GROUP, groups).max(axis=0)
        highest.partition(groups - count)
        near = (logits >= highest[groups - count]).nonzero()[0]
        largest: NDArray[np.intp] = near[logits[near].argpartition(len(near) - count)[len(near) - count :]]
    else:
        largest = logits.argpartition(len(logits) - count)[len(logits) - count :]
    largest.sort()
    return largest
