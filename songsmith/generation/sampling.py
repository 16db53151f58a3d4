"""From logits to the next token, a batch of rows at a time, each row with its own options and random stream.

Plain NumPy, so that every backend, whatever it runs on, samples alike. Knows tokens, not songs or screens.
"""

import numpy as np
from numpy.typing import NDArray

from songsmith.generation.options import GenerationOptions

Floats = NDArray[np.float32]

# Letters in shapes: V = vocabulary size, C = candidates left.

# Nats below the likeliest token: what top-p leaves lies near it, and the rest need not be sorted. e^-30 is one in ten trillion:
# what is that much rarer is never drawn.
_DEPTHS = (6, 12, 30)
_ROUNDING = 1.0001
_COLDEST = 1e-30
_GROUP = 64


class TokenSampler:
    """Draws the tokens of one take. Its randomness depends on its seed alone, never on its neighbours in a batch."""

    def __init__(self, options: GenerationOptions, exempt: NDArray[np.bool_], seen: list[int]) -> None:
        """Start a take.

        Args:
            options: of this take.
            exempt: (V,) true for marks and line ends, which no penalty touches.
            seen: token ids of the lyric so far.
        """
        self._options = options
        self._exempt = exempt
        self._random = np.random.Generator(np.random.PCG64(options.seed))
        self._seen = np.zeros(len(exempt), dtype=np.bool_)
        self._ngrams: dict[tuple[int, ...], set[int]] = {}
        self._run: list[int] = []
        for token in seen:
            self._note(token)

    def _note(self, token: int) -> None:
        if self._exempt[token]:
            self._run.clear()
            return
        self._seen[token] = True
        size = self._options.no_repeat_ngram
        if size:
            self._run.append(token)
            if len(self._run) >= size:
                run = self._run[-size:]
                self._ngrams.setdefault(tuple(run[:-1]), set()).add(run[-1])

    def draw(self, logits: Floats, banned: list[int]) -> int:
        """Choose the next token and remember it.

        Args:
            logits: (V,) float32; overwritten.
            banned: token ids that must not be chosen here.
        """
        options = self._options
        if options.repetition_penalty != 1.0:
            logits[self._seen] = penalise(logits[self._seen], options.repetition_penalty)
        size = options.no_repeat_ngram
        if size and len(self._run) >= size - 1:
            logits[list(self._ngrams.get(tuple(self._run[len(self._run) - size + 1 :]), ()))] = -np.inf
        logits[banned] = -np.inf
        highest = logits.max()
        if highest == -np.inf:
            raise RuntimeError("its options leave it no token to write")
        if not np.isfinite(highest):
            raise RuntimeError("it gives odds that are no numbers; its weights may be damaged")
        if options.temperature == 0:
            token = int(logits.argmax())
        else:
            ids, odds = candidates(logits, options)
            # One uniform number a token, so that a stream's place is its token count.
            point = self._random.random() * float(odds.sum())
            token = int(ids[min(int(np.searchsorted(np.cumsum(odds), point, side="right")), len(ids) - 1)])
        self._note(token)
        return token


def penalise(logits: Floats, penalty: float) -> Floats:
    """Make tokens less likely: positive logits are divided by the penalty, negative ones multiplied (CTRL, 2019)."""
    return np.where(logits > 0, logits / penalty, logits * penalty).astype(np.float32)


def candidates(logits: Floats, options: GenerationOptions) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the tokens that may be drawn and their odds, in the order of the vocabulary.

    Temperature, then top-k, then top-p, then min-p: each cut works on what the one before left, its odds scaled to 1. In
    the vocabulary's order a rounded bit moves the border between two tokens by as little; in the order of odds, which two
    near-equal tokens swap, it could move one by the odds of the other.

    Args:
        logits: (V,) with -inf for tokens that are banned.
        options: temperature must be above 0.

    Returns:
        Token ids (C,) and odds (C,) that sum to at most 1; C is at least 1.
    """
    ids = _largest(logits, options.top_k) if 0 < options.top_k < len(logits) else None
    kept = logits if ids is None else logits[ids]
    # In float32: what the cuts leave is worked out again, more exactly.
    highest, temperature = kept.max(), max(options.temperature, _COLDEST)
    with np.errstate(over="ignore"):  # of a temperature near zero only the likeliest is left
        depths = (kept - highest) / np.float32(temperature)
    odds = np.exp(depths)
    total = float(odds.sum(dtype=np.float64))
    for depth in _DEPTHS:
        near = np.flatnonzero(depths >= -depth)
        if depth == _DEPTHS[-1] or odds[near].sum(dtype=np.float64) >= min(1, options.top_p * _ROUNDING) * total:
            break
    exact = np.exp((kept[near].astype(np.float64) - float(highest)) / temperature) / total
    if options.top_p < 1:
        order = np.argsort(-exact, kind="stable")
        order = order[: int(np.searchsorted(np.cumsum(exact[order]), options.top_p)) + 1]
        near, exact = near[order], exact[order]
    if options.min_p > 0:
        likely = exact >= options.min_p * exact.max()
        near, exact = near[likely], exact[likely]
    found = near if ids is None else ids[near]
    order = np.argsort(found)
    return found[order], exact[order]


def _largest(logits: Floats, count: int) -> NDArray[np.intp]:
    """Return the places of the `count` largest logits."""
    # Few logits are as large as the one of rank `count` among the largest of each group.
    groups = len(logits) // _GROUP
    if count < groups:
        highest = logits[: groups * _GROUP].reshape(_GROUP, groups).max(axis=0)
        places = np.flatnonzero(logits >= np.partition(highest, groups - count)[groups - count])
        return places[np.argpartition(logits[places], len(places) - count)[len(places) - count :]]
    return np.argpartition(logits, len(logits) - count)[len(logits) - count :]
