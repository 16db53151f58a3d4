"""What takes are guessed to say next: from their songs, or by a smaller model, and only as far as it pays. Draws no token."""

from collections.abc import Sequence

from songsmith.generation.draft_model import DraftModel, DraftReading
from songsmith.generation.drafts import Draft
from songsmith.generation.pace import Pace
from songsmith.generation.row import Row
from songsmith.model.backend import Cache

_MOST_AT_ONCE = 16
"""Tokens of all takes that a step reads at most with guesses: so many cost little more than one."""
_LONGEST_DRAFT = 8
_SHORTEST_BESIDE_OTHERS = 3
"""Run of tokens that must have come before where takes wait for one another: only what is likely pays there."""
_MARGIN = 1.3
"""What guesses save must exceed what they cost by this much: hopes and clocks are not exact."""


class Guesser:
    """Guesses for takes that are written together."""

    def __init__(self, pace: Pace, model: DraftModel | None) -> None:
        """Prepare to guess.

        Args:
            pace: of the network that writes.
            model: a smaller one to ask, if there is one.
        """
        self._pace = pace
        self._reading = DraftReading(model) if model else None
        self._drafts: list[Draft] = []
        self._read = 0

    def guess(self, rows: Sequence[Row], cache: Cache) -> list[list[int]]:
        """Return the tokens to be read behind the last one of each take; none where that would not pay."""
        takes, pace = len(rows), self._pace
        most = min(_LONGEST_DRAFT, _MOST_AT_ONCE // takes - 1)
        rooms = [max(0, min(most, cache.capacity - length - 1)) for length in cache.lengths]
        shortest = 1 if takes == 1 else _SHORTEST_BESIDE_OTHERS
        drafts = [row.drafter.draft(room, shortest=shortest) for row, room in zip(rows, rooms, strict=True)]
        asked = False
        if self._reading is not None:
            drafts, asked = self._reading.add(drafts, rows, rooms, pace, cache.capacity)
        reaches = [draft.reach for draft in drafts if draft.reach]
        self._drafts, self._read = drafts, 0
        if not reaches:
            return [[] for _ in rows]
        alone_s = pace.step_s(takes, 1)
        hoped, best = 0.0, 0.0
        self._read = int(asked)  # a model whose guesses are never read would be thought of as at first for ever
        for depth in range(max(map(len, reaches))):
            hoped += sum(reach[depth] for reach in reaches if depth < len(reach))
            # A step writes a token of each take. All wait for the one that reads most.
            gain = hoped * alone_s / takes - _MARGIN * (pace.step_s(takes, depth + 2) - alone_s)
            if gain > best:
                best, self._read = gain, depth + 1
        return [list(draft.tokens[: self._read]) for draft in drafts]

    def learn(self, place: int, kept: int) -> None:
        """Take in how many guessed tokens a take drew itself."""
        draft = self._drafts[place]
        draft.learn(self._read, kept)

    def keep(self, places: Sequence[int]) -> None:
        """Go on with only these takes, in this order."""
        if self._reading is not None:
            self._reading.keep(places)
