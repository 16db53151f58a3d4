"""From logits to the next token, a batch of rows at a time, each row with its own options and random stream.

Plain NumPy, so that every backend, whatever it runs on, samples alike. Knows tokens, not songs or screens.
"""

import numpy as np
from numpy.typing import NDArray

from songsmith.generation.options import GenerationOptions

Floats = NDArray[np.float32]

# Letters in shapes: V = vocabulary size, C = candidates left.

_HEAD = 1024


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
        if not np.isfinite(logits.max()):
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
    """Return the tokens that may be drawn and their odds, the likeliest first.

    Temperature, then top-k, then top-p, then min-p: each cut works on what the one before left, its odds scaled to 1.

    Args:
        logits: (V,) with -inf for tokens that are banned.
        options: temperature must be above 0.

    Returns:
        Token ids (C,) and odds (C,) that sum to at most 1; C is at least 1.
    """
    size = len(logits)
    count = options.top_k if 0 < options.top_k < size else size
    ids = np.argpartition(logits, size - count)[size - count :] if count < size else np.arange(size)
    kept = logits[ids].astype(np.float64)
    # e^-30 is one in ten trillion: what is that much rarer than the likeliest is never drawn, and need not be sorted.
    near = kept >= kept.max() - 30 * options.temperature
    ids, kept = ids[near], kept[near]
    odds = np.exp((kept - kept.max()) / options.temperature)
    order = _likeliest_first(odds, options.top_p)
    ids, odds = ids[order], odds[order] / odds.sum()
    if options.top_p < 1:
        cut = int(np.searchsorted(np.cumsum(odds), options.top_p)) + 1
        ids, odds = ids[:cut], odds[:cut]
    if options.min_p > 0:
        keep = odds >= options.min_p * odds[0]
        ids, odds = ids[keep], odds[keep]
    return ids, odds


def _likeliest_first(odds: NDArray[np.float64], top_p: float) -> NDArray[np.intp]:
    """Return places of the odds in falling order: all, or at least as many as it takes to sum to `top_p` of them."""
    if top_p < 1 and len(odds) > _HEAD:
        # Sorting a whole vocabulary takes a third of the time a small network does, and top-p seldom looks past its head.
        head = np.flatnonzero(odds >= np.partition(odds, -_HEAD)[-_HEAD])
        order = head[np.argsort(-odds[head], kind="stable")]
        if np.cumsum(odds[order] / odds.sum())[-1] >= top_p:
            return order
    return np.argsort(-odds, kind="stable")
