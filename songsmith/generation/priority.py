"""Whose takes are written first where not all can be. Values only."""

from enum import IntEnum


class Priority(IntEnum):
    """How urgent a take is: the lower, the more."""

    INTERACTIVE = 0
    """Somebody waits for it."""
    BACKGROUND = 1
