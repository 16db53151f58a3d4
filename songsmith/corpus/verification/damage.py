"""What can be wrong with the files of a corpus, and what mends it. Knows no way to find it, and mends nothing."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Remedy(StrEnum):
    """What a repair does about a damage."""

    NONE = ""
    """Nothing: that is for a person to decide."""
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
    """Whether it is what a killed run left, holds nothing that was kept, and is mended by the next one by itself."""
    line: int | None = None
    """The first line that it is about, from 1."""
    byte: int | None = None
    """Where that is in the file, from 0."""
    pieces: tuple[tuple[int, int], ...] = field(default=(), repr=False)
    """The bytes that are to be set aside, from and up to, for `Remedy.LINES`."""


@dataclass(frozen=True, kw_only=True)
class BytesChecked:
    """So much has been looked at."""

    count: int
    total: int
