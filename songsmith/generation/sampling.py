"""From logits to the next token, a batch of rows at a time, each row with its own options and random stream.

Plain NumPy, so that every backend, whatever it runs on, samples alike. Knows tokens, not songs or screens.
"""

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from songsmith.generation.options import GenerationOptions

Floats = NDArray[np.float32]
NOTHING_LEFT = "its options leave it no token to write"
NO_NUMBERS = "it gives probabilities that aren't numbers; its weights may be damaged"

# Letters in shapes: V = vocabulary size, C = candidates left.

# Nats below the likeliest token: what top-p leaves lies near it, and the rest need not be sorted. e^-30 is one in ten trillion:
# what is that much rarer is never drawn.
_DEPTHS = (6, 12, 30)
_ROUNDING = 1.0001
COLDEST = 1e-30
DEEPEST = _DEPTHS[-1]
# Of a network that only guesses, the unlikely is seldom what another draws, and takes long to sort.
_NEAR = 3
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
        self.options = options
        self.seen: NDArray[np.bool_] = np.zeros(len(exempt), dtype=np.bool_)
        """(V,) true for tokens the lyric has had, but for those no penalty touches."""
        self._exempt = exempt
        self._random = np.random.Generator(np.random.PCG64(options.seed))
        self._foreseen: deque[float] = deque()
        self._last_point = 0.0
        self._ids = np.empty(len(exempt), dtype=np.intp)  # of the same, filled as far as there are any
        self._count = 0
        self._ngrams: dict[tuple[int, ...], set[int]] = {}
        self._run: list[int] = []
        for token in seen:
            self.note(token)

    def note(self, token: int) -> None:
        """Remember a token, wherever it was drawn."""
        if self._exempt[token]:
            self._run.clear()
            return
        if not self.seen[token]:
            self.seen[token] = True
            self._ids[self._count] = token
            self._count += 1
        size = self.options.no_repeat_ngram
        if size:
            self._run.append(token)
            if len(self._run) >= size:
                run = self._run[-size:]
                self._ngrams.setdefault(tuple(run[:-1]), set()).add(run[-1])

    def point(self) -> float:
        """Return the next number of the take's stream, from 0 to 1: one for each token, so that its place is their count."""
        if not self.options.temperature:
            return 0.0
        self._last_point = self._foreseen.popleft() if self._foreseen else self._random.random()
        return self._last_point

    def take_back(self) -> None:
        """Take the last number of the stream back, where no token was drawn by it after all."""
        if self.options.temperature:
            self._foreseen.appendleft(self._last_point)

    def repeated(self) -> list[int]:
        """Return the tokens that would end a run of words for the second time."""
        return self._repeated_by(self._run)

    def _repeated_by(self, run: Sequence[int]) -> list[int]:
        size = self.options.no_repeat_ngram
        if not size or len(run) < size - 1:
            return []
        return list(self._ngrams.get(tuple(run[len(run) - size + 1 :]), ()))

    def draw(
        self, logits: Floats, banned: Sequence[int] | NDArray[np.intp], unfit: NDArray[np.bool_] | None = None
    ) -> int:
        """Choose the next token and remember it.

        Args:
            logits: (V,) float32; overwritten.
            banned: token ids that must not be chosen here.
            unfit: (V,) true for tokens that would break a character: where one is drawn, another is drawn in its place.
        """
        self.point()
        token = self.choose(logits, banned, unfit)
        self.note(token)
        return token

    def choose(self, logits: Floats, banned: Sequence[int] | NDArray[np.intp], unfit: NDArray[np.bool_] | None) -> int:
        """Choose a token, as `draw` does, by the number of the stream that was taken last."""
        self._restrain(logits, banned, self.repeated())
        highest = logits.max()
        if highest == -np.inf:
            raise RuntimeError(NOTHING_LEFT)
        if not np.isfinite(highest):
            raise RuntimeError(NO_NUMBERS)
        if self.options.temperature > 0:
            ids, odds = candidates(logits, self.options)
            token = _pick(ids, odds, self._last_point, unfit)[0]
        else:
            token = int(logits.argmax())
        if unfit is not None and unfit[token]:
            # Nothing that fits is as likely as the options ask for. Where nothing fits at all, the character is dropped.
            fit = np.where(unfit, -np.inf, logits)
            token = int(fit.argmax()) if fit.max() > -np.inf else token
        return token

    def foresee(
        self, logits: Floats, banned: Sequence[int] | NDArray[np.intp], guessed: Sequence[int],
        unfit: NDArray[np.bool_] | None = None,
    ) -> tuple[int, float] | None:  # fmt: skip
        """Return what is likely to be drawn behind tokens that are only guessed, and its odds. Changes no token to be drawn.

        Odds that nearly agree, cut by the same number in the same order, often give the same token: more often than two draws
        would.

        Args:
            logits: (V,) of a network that only guesses; overwritten.
            banned: token ids that must not be chosen here, as far as is known.
            guessed: tokens between the last one drawn and this one.
            unfit: (V,) true for tokens that would break a character.

        Returns:
            None where the network gives no odds.
        """
        options = self.options
        run = self._run[-options.no_repeat_ngram :] if options.no_repeat_ngram else []
        for token in guessed:
            run = [] if self._exempt[token] else [*run, token]
        self._restrain(logits, banned, self._repeated_by(run))
        if options.repetition_penalty != 1.0:
            new = [token for token in set(guessed) if not (self.seen[token] or self._exempt[token])]
            logits[new] = penalise(logits[new], options.repetition_penalty)
        highest = logits.max()
        if not np.isfinite(highest):
            return None
        if options.temperature == 0:
            if unfit is not None:
                logits[unfit] = np.finfo(np.float32).min  # but where all is banned, there is a guess yet
            return int(logits.argmax()), 1 / float(np.exp(logits - highest).sum(dtype=np.float64))
        while len(self._foreseen) <= len(guessed):
            self._foreseen.append(self._random.random())
        near = np.flatnonzero(logits >= highest - np.float32(_NEAR * options.temperature))
        ids, odds = candidates(logits[near], options)
        return _pick(near[ids], odds, self._foreseen[len(guessed)], unfit)

    def _restrain(self, logits: Floats, banned: Sequence[int] | NDArray[np.intp], repeated: list[int]) -> None:
        """Make what was said before less likely, and what must not be said impossible."""
        if self.options.repetition_penalty != 1.0:
            seen = self._ids[: self._count]
            logits[seen] = penalise(logits[seen], self.options.repetition_penalty)
        if repeated:
            logits[repeated] = -np.inf
        logits[banned] = -np.inf


def _pick(
    ids: NDArray[np.intp], odds: NDArray[np.float64], uniform: float, unfit: NDArray[np.bool_] | None = None
) -> tuple[int, float]:
    """Return the token whose share of the odds, laid end to end, a number from 0 to 1 falls into, and its share.

    Where that one is unfit, another takes its place, if there is any, by a number made of the first one. So each of the others
    is drawn as often as if the unfit had not been there, and nothing changes where none of these comes up.
    """
    total, ends = float(odds.sum()), odds.cumsum()
    place = min(int(ends.searchsorted(uniform * total, side="right")), len(ids) - 1)
    if unfit is not None and unfit[ids[place]] and not (broken := unfit[ids]).all():
        # Of all its bits: where within the share the number fell is as random, but moves with every rounded bit of the odds.
        another = np.random.Generator(np.random.PCG64(int(uniform * 2**53))).random()
        return _pick(ids[~broken], odds[~broken], another)
    return int(ids[place]), float(odds[place]) / total


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
    temperature = max(options.temperature, COLDEST)
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
        if depth == DEEPEST or float(odds[near].sum()) >= min(1, share * _ROUNDING) * total:
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
