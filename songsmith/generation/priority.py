"""Priorities of takes that wait for room. Values only."""

from enum import IntEnum


class Priority(IntEnum):
    """How urgent a take is: the lower, the more."""

    INTERACTIVE = 0
    """Somebody waits for it."""
    BACKGROUND = 1
