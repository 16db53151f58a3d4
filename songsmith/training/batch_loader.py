"""Batches of blocks, step by step and epoch by epoch. Its position is two numbers, from which a run can resume."""

import math

import numpy as np
from numpy.typing import NDArray

from songsmith.training.dataset import IGNORED, TokenizedSongs, pack_epoch
from songsmith.training.options import TrainingOptions

# Letters in shapes: B = blocks in a step, T = tokens in a block.


class BatchLoader:
    """Serves the blocks of each optimiser step, for all processes together."""

    def __init__(self, songs: TokenizedSongs, options: TrainingOptions, *, step_blocks: int) -> None:
        """Serve `step_blocks` blocks at a time."""
        self._songs, self._options, self._step_blocks = songs, options, step_blocks
        self._epoch = -1
        self._blocks: NDArray[np.int32] = np.empty((0, 0), dtype=np.int32)

    def count_tokens(self, epoch: int) -> int:
        """Return the number of predicted tokens in an epoch."""
        return int((self._packed(epoch)[:, 1:] != IGNORED).sum())

    def count_steps(self, epoch: int) -> int:
        """Return the number of steps in an epoch."""
        return math.ceil(len(self._packed(epoch)) / self._step_blocks)

    def fills_a_block(self, epoch: int) -> bool:
        """Return whether an epoch has enough text for at least one whole block."""
        return bool((self._packed(epoch)[0] != IGNORED).all())

    def load(self, epoch: int, block: int) -> tuple[NDArray[np.int64], int, int]:
        """Return the (B, T + 1) blocks at a position, and the position after them: epoch and block.

        The last step of an epoch is padded with IGNORED: all steps have one shape, so the network is compiled once.
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
