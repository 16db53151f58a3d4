"""Classes of a model's tokens: which end a song or a line, and which can be masked together."""

from collections.abc import Sequence
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from songsmith.generation.window import slide
from songsmith.markup import ARTIST, END, MARKS, RESERVED, SECTIONS, TITLE, Mark, MarkupFormat
from songsmith.model.characters import Characters
from songsmith.model.loading import LoadedModel
from songsmith.model.tokenizer import Tokenizer

# Letters in shapes: V = vocabulary size.


class TokenMask(IntFlag):
    """Classes of tokens that can be masked: given probability 0 at some place in a song."""

    FORM = 1
    """Marks and line ends."""
    TITLES = 2
    """Tokens that begin a title."""
    END = 4
    """Tokens that end a song."""
    SECTIONS = 8
    """Tokens that begin a section."""
    UNUSED = 16
    """Tokens without a meaning in this model's format: reserved marks, and outputs that its tokenizer has no entry for."""


class TokenClasses:
    """The classes that a model's tokens belong to."""

    def __init__(self, model: LoadedModel) -> None:
        """Sort a model's tokens into classes."""
        self.format = MarkupFormat(model.manifest.format)
        self.tokenizer: Tokenizer = model.tokenizer
        size = model.backend.vocabulary_size
        self.structural: NDArray[np.bool_] = self.tokenizer.structural(size)
        """(V,) true for marks and line ends."""
        self.line_ends: NDArray[np.bool_] = np.zeros(size, dtype=np.bool_)
        """(V,) true for ids that end a line."""
        self.line_ends[self.tokenizer.line_end_ids()] = True
        ids = self.tokenizer.id_of_mark
        self.sections = {ids[mark] for mark in SECTIONS.values() if mark in ids}
        # A model of lines knows no songs: what it ends is a line.
        self.ends_songs = self.format is not MarkupFormat.LINES
        self.characters = Characters(self.tokenizer, size)
        self.ends: frozenset[int] = frozenset()
        """Ids that end a song."""
        if self.ends_songs:
            self.ends = model.end_ids | {ids[mark] for mark in (END,) if mark in ids}
            self.structural[list(self.ends)] = True  # a tokenizer may not declare its own end token as special
        self.is_structural: list[bool] = self.structural.tolist()
        self.masked_ids = masked_ids(
            {
                TokenMask.FORM: np.flatnonzero(self.structural).tolist(),
                TokenMask.TITLES: [ids[mark] for mark in (TITLE, ARTIST) if mark in ids],
                TokenMask.END: sorted(self.ends),
                TokenMask.SECTIONS: sorted(self.sections),
                # A network may have more outputs than its tokenizer has entries.
                TokenMask.UNUSED: [
                    *(ids[mark] for mark in self._unused_marks() if mark in ids),
                    *range(self.tokenizer.vocabulary_size, size),
                ],
            }
        )
        """Ids that a combination of `TokenMask` masks, by its number."""

    @property
    def size(self) -> int:
        """V."""
        return len(self.structural)

    def _unused_marks(self) -> frozenset[Mark]:
        if self.format is MarkupFormat.PLAIN:
            return MARKS - {END}
        return frozenset(RESERVED) if self.ends_songs else frozenset((*RESERVED, TITLE, ARTIST, *SECTIONS.values()))

    def slide(self, head: list[int], body: list[int], *, keep_tokens: int) -> tuple[list[int], list[int]]:
        """Drop the oldest whole lines of a song, as `window.slide` does."""
        return slide(head, body, keep_tokens=keep_tokens, line_ends=self.line_ends, sections=self.sections)


def masked_ids(ids_of_class: dict[TokenMask, Sequence[int]]) -> list[NDArray[np.intp]]:
    """Return the ids that each combination of classes masks. Made once, so that a step only looks them up."""
    return [
        np.array([token for mask, ids in ids_of_class.items() if mask & number for token in ids], dtype=np.intp)
        for number in range(2 ** len(TokenMask))
    ]
