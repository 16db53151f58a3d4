"""Which tokens can continue a character that has begun, so that no take contains half of one. Knows bytes, not songs.

A small machine reads UTF-8 byte by byte (Unicode 15, table 3-7), and U+FFFD, the sign of a broken character, is none of its
characters.
"""

import numpy as np
from numpy.typing import NDArray

from songsmith.model.tokenizer import Tokenizer

BETWEEN = 0
"""The state between two characters."""
_ONE, _TWO, _THREE, _E0, _ED, _EF, _EFBF, _F0, _F4 = range(1, 10)
_STATES = 10
UNFIT = -1
"""In place of a state: no character goes on like this."""
_STEPS = (
    (BETWEEN, 0x00, 0x7F, BETWEEN), (BETWEEN, 0xC2, 0xDF, _ONE), (BETWEEN, 0xE0, 0xE0, _E0), (BETWEEN, 0xE1, 0xEC, _TWO),
    (BETWEEN, 0xED, 0xED, _ED), (BETWEEN, 0xEE, 0xEE, _TWO), (BETWEEN, 0xEF, 0xEF, _EF), (BETWEEN, 0xF0, 0xF0, _F0),
    (BETWEEN, 0xF1, 0xF3, _THREE), (BETWEEN, 0xF4, 0xF4, _F4), (_ONE, 0x80, 0xBF, BETWEEN), (_TWO, 0x80, 0xBF, _ONE),
    (_THREE, 0x80, 0xBF, _TWO), (_E0, 0xA0, 0xBF, _ONE), (_ED, 0x80, 0x9F, _ONE), (_EF, 0x80, 0xBE, _ONE),
    (_EF, 0xBF, 0xBF, _EFBF), (_EFBF, 0x80, 0xBC, BETWEEN), (_EFBF, 0xBE, 0xBF, BETWEEN), (_F0, 0x90, 0xBF, _TWO),
    (_F4, 0x80, 0x8F, _TWO),
)  # fmt: skip
"""From a state, by a byte from one to another, to a state: `_ONE` is a character that lacks one byte more."""
_NEXT = {(state, byte): after for state, first, last, after in _STEPS for byte in range(first, last + 1)}

# Letters in shapes: S = states, V = outputs of the network.


class Characters:
    """What every token of a vocabulary does to a character that has been begun."""

    def __init__(self, tokenizer: Tokenizer, size: int) -> None:
        """Look at the bytes of all tokens once.

        Args:
            tokenizer: says what bytes a token adds.
            size: outputs of the network: V.
        """
        after = np.full((_STATES, size), UNFIT, dtype=np.int8)
        # What adds no bytes (marks, ids without an entry) stands between characters, and so does nearly all else.
        after[BETWEEN] = BETWEEN
        for token, added in tokenizer.unusual_bytes().items():
            if token < size and not _is_whole(added):
                # Nothing but a whole first character follows a whole one, nothing but the rest of it one that was begun.
                begun = added[0] & 0xC0 == 0x80
                after[BETWEEN, token] = UNFIT
                for state in range(_ONE, _STATES) if begun else (BETWEEN,):
                    after[state, token] = _run(state, added)
        while (dead := _dead_ends(after)).any():
            after[dead] = UNFIT
        self.after: NDArray[np.int8] = after
        """(S, V): the state a token leads to from each state, or `UNFIT`."""
        self.unfit: NDArray[np.bool_] = after == UNFIT
        """(S, V): true where a token must not be drawn, for the character would never be whole."""

    def follow(self, state: int, token: int) -> int:
        """Return the state behind a token; behind one that does not fit, the one it would leave between characters."""
        after = int(self.after[state, token])
        return after if after != UNFIT else max(BETWEEN, int(self.after[BETWEEN, token]))


def _is_whole(added: bytes) -> bool:
    try:
        return "\ufffd" not in added.decode()
    except UnicodeDecodeError:
        return False


def _run(state: int, added: bytes) -> int:
    for byte in added:
        state = _NEXT.get((state, byte), UNFIT)
        if state == UNFIT:
            break
    return state


def _dead_ends(after: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Return (S, V) true where a token leads to a state that no further tokens can bring to its end."""
    whole = {BETWEEN}
    while True:
        reached = np.isin(after, list(whole)).any(axis=1)  # (S,)
        more = whole | {int(state) for state in np.flatnonzero(reached)}
        if more == whole:
            break
        whole = more
    return np.isin(after, [state for state in range(_STATES) if state not in whole])
