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
        self._known = np.zeros(len(exempt), dtype=np.bool_)
        self._seen = np.empty(len(exempt), dtype=np.intp)  # filled as far as there are tokens, each once
        self._seen_count = 0
        self._ngrams: dict[tuple[int, ...], set[int]] = {}
        self._run: list[int] = []
        for token in seen:
            self._note(token)

    def _note(self, token: int) -> None:
        if self._exempt[token]:
            self._run.clear()
            return
        if not self._known[token]:
            self._known[token] = True
            self._seen[self._seen_count] = token
            self._seen_count += 1
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
            seen = self._seen[: self._seen_count]
            logits[seen] = penalise(logits[seen], options.repetition_penalty)
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
            token = int(ids[min(int(odds.cumsum().searchsorted(point, side="right")), len(ids) - 1)])
        self._note(token)
        return token


def penalise(logits: Floats, penalty: float) -> Floats:
    """Make tokens less likely: positive logits are divided by the penalty, negative ones multiplied (CTRL, 2019)."""
    either = logits / np.float32(penalty), logits * np.float32(penalty)
    changed: Floats = np.minimum(*either) if penalty > 1 else np.maximum(*either)
    return changed


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
    temperature = max(options.temperature, _COLDEST)
    if 0 < options.top_k < len(logits):
        ids = _largest(logits, options.top_k)
        depths = (logits[ids].astype(np.float64) - float(logits.max())) / temperature
        odds = np.exp(depths)
        odds /= odds.sum()
        ids, odds = ids[odds > 0], odds[odds > 0]  # what is banned may be among the largest, if little is left
    else:
        ids, odds = _all_likely(logits, temperature, options.top_p)
    if options.top_p < 1:
        ids, odds = _nucleus(ids, odds, options.top_p)
    if options.min_p > 0:
        likely = odds >= options.min_p * odds.max()
        ids, odds = ids[likely], odds[likely]
    return ids, odds


def _all_likely(logits: Floats, temperature: float, share: float) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return all tokens that are likely enough to be among the first that come to this share, and their odds."""
    # In float32: what is left is worked out again, more exactly.
    highest = logits.max()
    with np.errstate(over="ignore"):  # of a temperature near zero only the likeliest is left
        depths = (logits - highest) / np.float32(temperature)
    odds = np.exp(depths)
    total = float(odds.sum(dtype=np.float64))
    for depth in _DEPTHS:
        near = (depths >= -depth).nonzero()[0]
        if depth == _DEPTHS[-1] or float(odds[near].sum()) >= min(1, share * _ROUNDING) * total:
            break
    return near, np.exp((logits[near].astype(np.float64) - float(highest)) / temperature) / total


def _nucleus(
    ids: NDArray[np.intp], odds: NDArray[np.float64], share: float
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the fewest tokens whose odds come to this share, and their odds. Of equal ones the first are taken."""
    falling = -np.sort(-odds)
    last = min(int(falling.cumsum().searchsorted(share)), len(ids) - 1)
    kept = odds > falling[last]
    tied = (odds == falling[last]).nonzero()[0]
    kept[tied[: last + 1 - int(kept.sum())]] = True
    return ids[kept], odds[kept]


def _largest(logits: Floats, count: int) -> NDArray[np.intp]:
    """Return the places of the `count` largest logits, in their order."""
    # Few logits are as large as the one of rank `count` among the largest of each group.
    groups = len(logits) // _GROUP
    if count < groups:
        highest = logits[: groups * _GROUP].reshape(_GROUP, groups).max(axis=0)
        highest.partition(groups - count)
        places = (logits >= highest[groups - count]).nonzero()[0]
        largest: NDArray[np.intp] = places[logits[places].argpartition(len(places) - count)[len(places) - count :]]
    else:
        largest = logits.argpartition(len(logits) - count)[len(logits) - count :]
    largest.sort()
    return largest
