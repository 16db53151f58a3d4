"""Blocks for one step after the other, epoch after epoch. Where it stands is two numbers, so that a run can go on from there."""

import math

import numpy as np
from numpy.typing import NDArray

from songsmith.training.dataset import IGNORED, TokenizedSongs, pack_epoch
from songsmith.training.options import TrainingOptions

# Letters in shapes: B = blocks of a step, T = tokens in a block.


class Feed:
    """The blocks that steps read, over all processes."""

    def __init__(self, songs: TokenizedSongs, options: TrainingOptions, *, step_blocks: int) -> None:
        """Serve `step_blocks` blocks at a time."""
        self._songs, self._options, self._step_blocks = songs, options, step_blocks
        self._epoch = -1
        self._blocks: NDArray[np.int32] = np.empty((0, 0), dtype=np.int32)

    def tokens(self, epoch: int) -> int:
        """Return how many tokens of an epoch are to be foretold."""
        return int((self._packed(epoch)[:, 1:] != IGNORED).sum())

    def steps(self, epoch: int) -> int:
        """Return how many steps an epoch takes."""
        return math.ceil(len(self._packed(epoch)) / self._step_blocks)

    def fills_a_block(self, epoch: int) -> bool:
        """Return whether an epoch has text for one whole block at least."""
        return bool((self._packed(epoch)[0] != IGNORED).all())

    def take(self, epoch: int, block: int) -> tuple[NDArray[np.int64], int, int]:
        """Return (B, T + 1) blocks from a place on, and epoch and block of the place behind them.

        What an epoch's last step lacks is IGNORED: every step has the same shape, for which a network is compiled once.
        """
        if block >= len(self._packed(epoch)):
            epoch, block = epoch + 1, 0
        found = self._packed(epoch)[block : block + self._step_blocks]
        blocks = np.full((self._step_blocks, found.shape[1]), IGNORED, dtype=np.int64)
        blocks[: len(found)] = found
        return blocks, epoch, block + self._step_blocks

    def _packed(self, epoch: int) -> NDArray[np.int32]:
        if epoch != self._epoch:
            self._epoch, self._blocks = epoch, pack_epoch(self._songs, self._options, epoch)
        return self._blocks
