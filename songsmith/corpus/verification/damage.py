"""What can be wrong with the files of a corpus, and how each is repaired. Finds and repairs nothing itself."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Remedy(StrEnum):
    """How a damage is repaired."""

    NONE = ""
    """Not at all: a person must decide."""
    NAME = "its name is rewritten"
    INDEX = "the index is rebuilt"
    LINES = "the lines are set aside"
    FILE = "the file is set aside"
    CLEAN = "the clean songs are set aside; clean the corpus again"
    PREVIOUS = "the previous clean songs are set aside"
    DELETE = "it is removed"


@dataclass(frozen=True, kw_only=True)
class Damage:
    """Something that is wrong with a corpus."""

    path: Path
    what: str
    """A few words that follow the name of the file."""
    remedy: Remedy = Remedy.NONE
    heals: bool = False
    """Whether it was left by a killed run, holds nothing that was stored, and is repaired by the next run without being asked."""
    line: int | None = None
    """The first line that it is about, from 1."""
    byte: int | None = None
    """The offset of that line in the file, from 0."""
    pieces: tuple[tuple[int, int], ...] = field(default=(), repr=False)
    """The bytes that are to be set aside, from and up to, for `Remedy.LINES`."""


@dataclass(frozen=True, kw_only=True)
class BytesChecked:
    """How much has been checked."""

    count: int
    total: int
