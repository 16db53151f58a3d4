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
_PATIENCE = 8
"""After so many steps that were worth no guess, steps are passed over, as many as there are takes: looking costs in each."""


class Guesser:
    """Guesses for takes that are written together."""

    def __init__(self, pace: Pace, model: DraftModel | None, *, most_takes: int) -> None:
        """Prepare to guess.

        Args:
            pace: of the network that writes.
            model: a smaller one to ask, if there is one.
            most_takes: side by side that are guessed for.
        """
        self._most_takes = most_takes
        self._pace = pace
        self._reading = DraftReading(model) if model else None
        self._drafts: list[Draft] = []
        self._read = 0
        self._vain = 0

    def guess(self, rows: Sequence[Row], cache: Cache) -> list[list[int]]:
        """Return the tokens to be read behind the last one of each take; none where that would not pay."""
        self._vain += 1
        takes, pace = len(rows), self._pace
        if takes > self._most_takes or (self._vain > _PATIENCE and self._vain % (1 + takes)):
            return [[] for _ in rows]
        most = min(_LONGEST_DRAFT, _MOST_AT_ONCE // takes - 1)
        rooms = [max(0, min(most, cache.capacity - length - 1)) for length in cache.lengths]
        shortest = 1 if takes == 1 else _SHORTEST_BESIDE_OTHERS
        alone_s = pace.step_s(takes, 1)
        # What is less likely pays in no take, not even if it is guessed in all.
        least = _MARGIN * (pace.step_s(takes, 2) - alone_s) / alone_s / takes
        drafts = [
            row.drafter.draft(room, shortest=shortest, least=least) for row, room in zip(rows, rooms, strict=True)
        ]
        asked = False
        if self._reading is not None:
            drafts, asked = self._reading.add(drafts, rows, rooms, pace, cache.capacity)
        reaches = [draft.reach for draft in drafts if draft.reach]
        self._drafts, self._read = drafts, 0
        if not reaches:
            return [[] for _ in rows]
        hoped, best = 0.0, 0.0
        self._read = int(asked)  # a model whose guesses are never read would be thought of as at first for ever
        for depth in range(max(map(len, reaches))):
            hoped += sum(reach[depth] for reach in reaches if depth < len(reach))
            # A step writes a token of each take. All wait for the one that reads most.
            gain = hoped * alone_s / takes - _MARGIN * (pace.step_s(takes, depth + 2) - alone_s)
            if gain > best:
                best, self._read = gain, depth + 1
        if self._read:
            self._vain = 0
        return [list(draft.tokens[: self._read]) for draft in drafts]

    def learn(self, place: int, kept: int) -> None:
        """Take in how many guessed tokens a take drew itself."""
        draft = self._drafts[place]
        draft.learn(self._read, kept)

    def select(self, places: Sequence[int]) -> None:
        """Go on with only these takes, in this order."""
        if self._reading is not None:
            self._reading.select(places)

    def add_rows(self, count: int) -> None:
        """Go on with so many more takes, behind those there are."""
        if self._reading is not None:
            self._reading.add_rows(count)
