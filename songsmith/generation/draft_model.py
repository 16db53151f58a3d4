"""Guesses from a smaller model that knows the same tokens. What it says changes how fast takes come, never what they say.

It draws what it thinks comes next by the very number that the take will draw with. Where that does not make up for the time it
takes, it is not asked, and tried again after a while.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from songsmith.generation.drafts import Draft, Experience
from songsmith.generation.options import GenerationOptions
from songsmith.generation.pace import Pace
from songsmith.generation.row import Alphabet, Row
from songsmith.generation.sampling import Floats, TokenSampler
from songsmith.model.backend import Cache
from songsmith.model.store import LoadedModel

# Before anything is known: the steps that are watched first, and the share of guesses hoped to be right.
_WATCHED_STEPS = 8
_HOPE = 0.5
_TRIAL_STEPS, _TRIAL_DEPTH = 4, 2
_FIRST_PAUSE_STEPS, _LONGEST_PAUSE_STEPS = 512, 4096
_MARGIN, _MARGIN_FURTHER = 1.5, 1.2
"""What is hoped for must exceed the cost by this much, at first and for each token more: hopes and clocks are not exact."""
_AT_ONCE = 32
"""Tokens of a take that are read in one step, of those it has not read yet."""
_KEPT = 1 / 2
"""Share of its window in which it sees the end of a song that has outgrown it."""
_SHARES = 8
_MEASURED_STEPS = 6


class DraftModel:
    """A model that guesses for another, and what is known of how well and how fast it does."""

    def __init__(self, model: LoadedModel) -> None:
        """Prepare to ask a model, which must know the same tokens as the one that writes."""
        self.backend = model.backend
        self.alphabet = Alphabet(model)
        self.pace = Pace()
        self.experience = Experience(_foreseen, overall=_HOPE)
        self.trial, self.pause, self.waited, self.watched = 0, _FIRST_PAUSE_STEPS, 0, 0
        with suppress(Exception):  # one that does not work will not be asked again
            self._measure()

    def _measure(self) -> None:
        """Find out how long a step takes, before it is to be known whether to take any."""
        cache = self.backend.new_cache(_MEASURED_STEPS)
        sampler = TokenSampler(GenerationOptions(), self.alphabet.structural, [])
        for _ in range(min(_MEASURED_STEPS, cache.capacity)):
            start_s = time.perf_counter()
            sampler.foresee(self.backend.forward([[0]], cache)[0], [], [])
            self.pace.note(1, 1, time.perf_counter() - start_s)

    def worth_asking(self, gain_s: float, cost_s: float) -> bool:
        """Return whether to ask for guesses that are hoped to save so much time and take so much. Asked once a step."""
        if self.watched < _WATCHED_STEPS:
            self.watched += 1
            return False
        if self.trial:
            self.trial -= 1
            return True
        if gain_s > cost_s * _MARGIN:
            self.pause, self.waited = _FIRST_PAUSE_STEPS, 0
            return True
        self.waited += 1
        if self.waited > self.pause:
            self.trial, self.pause, self.waited = _TRIAL_STEPS // 2, min(_LONGEST_PAUSE_STEPS, self.pause * 2), 0
        return False


def _foreseen(share: int) -> float:
    return 0.2 + 0.75 * share / _SHARES


@dataclass
class _Place:
    """How far a take's song has been read."""

    body: list[int]
    """The take's own list: another one means that it sees less of its song now."""
    read: int
    """Tokens of it that were read."""
    last: int
    """The token read last."""
    guessed: list[int] = field(default_factory=list)
    """Tokens read behind it that were only guessed."""


class DraftReading:
    """What a draft model remembers of the takes of one stream."""

    def __init__(self, model: DraftModel) -> None:
        """Start without having read anything; no time is spent before guesses are asked for."""
        self._model = model
        self._cache: Cache | None = None
        self._places: list[_Place] = []
        self._broken = False

    def select(self, places: Sequence[int]) -> None:
        """Go on with only these takes, in this order."""
        if self._cache is not None:
            self._cache = self._cache.select(places)
            self._places = [self._places[place] for place in places]

    def add_rows(self, count: int) -> None:
        """Go on with so many more takes, of which nothing was read yet."""
        if self._cache is None:
            return
        try:
            self._cache = self._cache.add_rows(count, self._cache.capacity)
            self._places += [_Place(body=[], read=0, last=0) for _ in range(count)]
        except Exception:  # whatever becomes of guesses, the song goes on
            self._broken, self._cache = True, None

    def add(
        self, drafts: Sequence[Draft], rows: Sequence[Row], rooms: Sequence[int], pace: Pace, capacity: int
    ) -> tuple[list[Draft], bool]:
        """Return drafts with those of the model where it is likelier to be right, and whether it was asked.

        Args:
            drafts: of the takes' own songs.
            rows: the takes.
            rooms: tokens that may be guessed for each.
            pace: of the network that writes.
            capacity: tokens of a take that it can hold.
        """
        model, takes = self._model, len(rows)
        odds = model.experience.overall
        asking = [
            place
            for place, (draft, room) in enumerate(zip(drafts, rooms, strict=True))
            if room and (not draft.tokens or draft.reach[0] < odds)
        ]
        if self._broken or not asking:
            return list(drafts), False
        worth_s = pace.step_s(takes, 1) / takes
        unread = self._most_unread(rows)
        cost_s = model.pace.step_s(takes, min(unread, _AT_ONCE)) + pace.step_s(takes, 2) - pace.step_s(takes, 1)
        is_trial = model.trial > 0
        better = sum(odds - (drafts[place].reach[0] if drafts[place].tokens else 0) for place in asking)
        if not model.worth_asking(better * worth_s, cost_s):
            return list(drafts), False
        try:
            guesses = self._guess(rows, asking, rooms, pace, capacity, least=_TRIAL_DEPTH if is_trial else 1)
        except Exception:  # whatever becomes of guesses, the song goes on
            guesses = {}
        if not guesses:  # it broke down, or gives odds that are no numbers
            self._broken, self._cache = True, None
        found = [guesses.get(place, draft) for place, draft in enumerate(drafts)]
        return found, bool(guesses)

    def _most_unread(self, rows: Sequence[Row]) -> int:
        if self._cache is None:
            return 1
        return max(len(row.body) - place.read for row, place in zip(rows, self._places, strict=True))

    def _guess(
        self, rows: Sequence[Row], asking: Sequence[int], rooms: Sequence[int], pace: Pace, capacity: int, *, least: int
    ) -> dict[int, Draft]:
        """Return drafts of the takes at some places, as long as one more token is worth its time."""
        model, takes = self._model, len(rows)
        experience = model.experience
        worth_s, odds = pace.step_s(takes, 1) / takes, experience.overall
        start_s = time.perf_counter()
        logits, most = self._catch_up(rows, capacity)
        cache = self._cache
        assert cache is not None
        tokens: dict[int, list[int]] = {place: [] for place in asking}
        kinds: dict[int, list[int]] = {place: [] for place in asking}
        reach: dict[int, list[float]] = {place: [] for place in asking}
        going = list(asking)
        for depth in range(max(rooms)):
            if depth:
                cost_s = model.pace.step_s(takes, 1) + pace.step_s(takes, depth + 2) - pace.step_s(takes, depth + 1)
                hoped = odds * sum(reach[place][-1] for place in going)
                if depth >= least and hoped * worth_s <= cost_s * _MARGIN_FURTHER:
                    break
                start_s = time.perf_counter()
                logits, most = self._read({place: [tokens[place][-1]] for place in going}), 1
                for place in going:
                    self._places[place].guessed.append(tokens[place][-1])
            for place in list(going):
                foreseen = rows[place].foresee(logits[place], tokens[place])
                if foreseen is None:
                    going.remove(place)
                    continue
                tokens[place].append(foreseen[0])
                kinds[place].append(int(foreseen[1] * _SHARES))
                reach[place].append(experience.odds(kinds[place][-1]) * (reach[place][-1] if depth else 1))
            if most:
                model.pace.note(takes, most, time.perf_counter() - start_s)
            room = cache.capacity - 1
            going = [place for place in going if len(tokens[place]) < rooms[place] and cache.lengths[place] < room]
            if not going:
                break
        return {
            place: Draft(tokens=tokens[place], kinds=kinds[place], reach=reach[place], experience=experience)
            for place in asking
            if tokens[place]
        }

    def _catch_up(self, rows: Sequence[Row], capacity: int) -> tuple[Floats, int]:
        """Read what the takes have drawn since.

        Returns:
            (B, V) logits behind each, and the most tokens of a take that were read, if one step did it, else 0.
        """
        if self._cache is None:
            backend = self._model.backend
            room = min(backend.context_window_tokens, capacity)
            self._cache = backend.new_cache(room).expand(len(rows))
            self._places = [_Place(body=[], read=0, last=0) for _ in rows]
        read_anew: dict[tuple[int, ...], Cache] = {}
        for number, (row, place) in enumerate(zip(rows, self._places, strict=True)):
            drawn = row.body[place.read :]
            kept = 0
            while kept < min(len(place.guessed), len(drawn)) and place.guessed[kept] == drawn[kept]:
                kept += 1
            self._cache.truncate(number, len(place.guessed) - kept)
            place.read += kept
            place.guessed = []
            if place.body is not row.body or self._cache.lengths[number] + len(drawn) - kept > self._cache.capacity:
                self._read_anew(number, row, read_anew)
        steps = 0
        unread = [row.body[place.read :] for row, place in zip(rows, self._places, strict=True)]
        most = max(map(len, unread))
        while any(unread):
            logits = self._read({number: tokens[:_AT_ONCE] for number, tokens in enumerate(unread) if tokens})
            for place, tokens in zip(self._places, unread, strict=True):
                place.read += len(tokens[:_AT_ONCE])
            unread = [tokens[_AT_ONCE:] for tokens in unread]
            steps += 1
        return logits, most if steps == 1 and not read_anew else 0

    def _read_anew(self, number: int, row: Row, known: dict[tuple[int, ...], Cache]) -> None:
        """Read all of a take's song that fits, but for its last token."""
        cache, backend = self._cache, self._model.backend
        assert cache is not None
        head, body = row.head, row.body
        if len(head) + len(body) >= cache.capacity:
            head, body = self._model.alphabet.slide(head, body, keep_tokens=max(2, int(cache.capacity * _KEPT)))
        tokens = tuple([*head, *body][:-1])
        if tokens not in known:
            known[tokens] = backend.new_cache(max(1, len(tokens)))
            if tokens:
                backend.forward([tokens], known[tokens])
        cache.replace(number, known[tokens])
        self._places[number] = _Place(body=row.body, read=len(row.body) - 1, last=tokens[-1] if tokens else 0)

    def _read(self, tokens: dict[int, Sequence[int]]) -> Floats:
        """Read tokens of the takes at some places. Return logits behind the last token of every take, (B, V)."""
        cache = self._cache
        assert cache is not None
        for number in range(len(self._places)):
            if number not in tokens:  # a step reads at least a token of each: it reads its last one again
                cache.truncate(number, 1)
        read = [tokens.get(number, [place.last]) for number, place in enumerate(self._places)]
        for place, row_tokens in zip(self._places, read, strict=True):
            place.last = row_tokens[-1]
        return self._model.backend.forward(read, cache)
