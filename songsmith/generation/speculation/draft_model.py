"""Proposals by a smaller model with the same tokens. They change how fast takes come, never what they say.

It draws each token with the very random number that the sequence will draw it with. Where that does not make up for the time it
takes, it is not asked, and tried again after a while.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from songsmith.generation.options import GenerationOptions
from songsmith.generation.sampling import Floats, predict
from songsmith.generation.sequence import SequenceState
from songsmith.generation.speculation.look_ahead import LookAhead
from songsmith.generation.speculation.proposal import AcceptanceStats, Proposal
from songsmith.generation.speculation.step_time import StepTimeModel
from songsmith.generation.token_classes import TokenClasses
from songsmith.model.backend import Cache
from songsmith.model.loading import LoadedModel

# Letters in shapes: B = sequences, V = vocabulary size.

# Steps during which it is not asked at first, while step times are measured, and the share of its tokens assumed to be accepted.
_WARMUP_STEPS = 8
_PRIOR_ACCEPTANCE = 0.5
_TRIAL_STEPS, _TRIAL_DEPTH = 4, 2
_FIRST_PAUSE_STEPS, _LONGEST_PAUSE_STEPS = 512, 4096
_MARGIN, _MARGIN_FURTHER = 1.5, 1.2
"""The expected gain must exceed the cost by this factor, for the first token and for each further one: both are estimates."""
_MOST_READ = 32
"""Tokens of a sequence that are read in one step, of those not read yet."""
_KEPT = 1 / 2
"""Share of the draft model's window that stays filled when a song outgrows it."""
_PROBABILITY_CLASSES = 8
_MEASURED_STEPS = 6


class DraftModel:
    """A draft model, with what has been learned of how well and how fast it predicts."""

    def __init__(self, model: LoadedModel) -> None:
        """Prepare a model, which must have the same tokens as the one that writes."""
        self.backend = model.backend
        self.classes = TokenClasses(model)
        self.step_times = StepTimeModel()
        self.stats = AcceptanceStats(_estimate, overall=_PRIOR_ACCEPTANCE)
        self.trial, self._pause, self._waited, self._warmed_up = 0, _FIRST_PAUSE_STEPS, 0, 0
        with suppress(Exception):  # a model that fails here fails later, and is then no longer asked
            self._measure()

    def _measure(self) -> None:
        """Measure a step, so that it is known whether the first one is worth its time."""
        cache = self.backend.new_cache(_MEASURED_STEPS)
        for _ in range(min(_MEASURED_STEPS, cache.capacity)):
            start_s = time.perf_counter()
            predict(self.backend.forward([[0]], cache)[0], GenerationOptions(), 0.5)
            self.step_times.note(1, 1, time.perf_counter() - start_s)

    def worth_asking(self, gain_s: float, cost_s: float) -> bool:
        """Return whether to ask it for proposals that are expected to save and to cost so much time. Called once a step."""
        if self._warmed_up < _WARMUP_STEPS:
            self._warmed_up += 1
            return False
        if self.trial:
            self.trial -= 1
            return True
        if gain_s > cost_s * _MARGIN:
            self._pause, self._waited = _FIRST_PAUSE_STEPS, 0
            return True
        self._waited += 1
        if self._waited > self._pause:
            self.trial, self._pause, self._waited = _TRIAL_STEPS // 2, min(_LONGEST_PAUSE_STEPS, self._pause * 2), 0
        return False


def _estimate(probability_class: int) -> float:
    return 0.2 + 0.75 * probability_class / _PROBABILITY_CLASSES


@dataclass
class _CacheRow:
    """What a row of the draft model's cache holds."""

    sequence: SequenceState
    body: list[int]
    """The sequence's own list when it was read: another one means that the context has changed."""
    read: int
    """Tokens of it that were read."""
    last: int
    """The token read last."""
    proposed: list[int] = field(default_factory=list)
    """Tokens read behind it that were only proposed."""


class DraftModelProposer:
    """Proposals for the sequences of one batch, which may come and go."""

    def __init__(self, model: DraftModel) -> None:
        """Start without having read anything: that waits until proposals are asked for."""
        self._model = model
        self._cache: Cache | None = None
        self._rows: list[_CacheRow] = []
        self._failed = False

    def propose(
        self, others: Sequence[Proposal], sequences: Sequence[SequenceState], rooms: Sequence[int], step_times: StepTimeModel,
        capacity: int,
    ) -> tuple[list[Proposal], bool]:  # fmt: skip
        """Return the model's proposals where they are more likely to be accepted than others, and whether it was asked.

        Args:
            others: proposals at hand, one for each sequence.
            sequences: of the batch.
            rooms: tokens that may be proposed for each.
            step_times: of the network that writes.
            capacity: of that network's cache, in tokens of a sequence.
        """
        model, count = self._model, len(sequences)
        self._follow(sequences)
        acceptance = model.stats.overall
        asking = [
            place
            for place, (other, room) in enumerate(zip(others, rooms, strict=True))
            if room and (not other.tokens or other.cumulative_acceptance[0] < acceptance)
        ]
        if self._failed or not asking:
            return list(others), False
        token_s = step_times.step_s(count, 1) / count
        unread = max((len(row.sequence.body) - row.read for row in self._rows), default=1)
        cost_s = model.step_times.step_s(count, min(unread, _MOST_READ)) + step_times.step_s(count, 2)
        cost_s -= step_times.step_s(count, 1)
        is_trial = model.trial > 0
        gained = sum(
            acceptance - (others[place].cumulative_acceptance[0] if others[place].tokens else 0) for place in asking
        )
        if not model.worth_asking(gained * token_s, cost_s):
            return list(others), False
        try:
            proposals = self._ask(
                sequences, asking, rooms, step_times, capacity, min_depth=_TRIAL_DEPTH if is_trial else 1
            )
        except Exception:  # whatever goes wrong with proposals, the song goes on
            proposals = {}
        if not proposals:  # it raised an error, or gives probabilities that are not numbers
            self._failed, self._cache, self._rows = True, None, []
        return [proposals.get(place, other) for place, other in enumerate(others)], bool(proposals)

    def _follow(self, sequences: Sequence[SequenceState]) -> None:
        """Keep the cache rows of the sequences that are still there, and add empty ones for those that have joined behind them."""
        cache = self._cache
        if cache is None or [id(row.sequence) for row in self._rows] == [id(sequence) for sequence in sequences]:
            return
        row_of = {id(row.sequence): number for number, row in enumerate(self._rows)}
        kept = [row_of[id(sequence)] for sequence in sequences if id(sequence) in row_of]
        joined = sequences[len(kept) :]
        rows, self._cache, self._rows = self._rows, None, []  # unless it works out, everything is read anew
        if not kept or any(id(sequence) in row_of for sequence in joined):
            return
        with suppress(Exception):  # such as too little memory
            cache = cache.select(kept)
            self._cache = cache.add_rows(len(joined), cache.capacity) if joined else cache
            self._rows = [rows[number] for number in kept]
            self._rows += [_CacheRow(sequence=sequence, body=[], read=0, last=0) for sequence in joined]

    def _ask(
        self, sequences: Sequence[SequenceState], asking: Sequence[int], rooms: Sequence[int], step_times: StepTimeModel,
        capacity: int, *, min_depth: int,
    ) -> dict[int, Proposal]:  # fmt: skip
        """Return proposals for the sequences at some places, each as long as one more token is worth its time."""
        model, count = self._model, len(sequences)
        stats = model.stats
        token_s, acceptance = step_times.step_s(count, 1) / count, stats.overall
        start_s = time.perf_counter()
        logits, most = self._catch_up(sequences, capacity)  # (B, V)
        cache = self._cache
        assert cache is not None
        trials = {place: LookAhead(sequences[place]) for place in asking}
        tokens: dict[int, list[int]] = {place: [] for place in asking}
        kinds: dict[int, list[int]] = {place: [] for place in asking}
        cumulative: dict[int, list[float]] = {place: [] for place in asking}
        going = list(asking)
        for depth in range(max(rooms)):
            if depth:
                cost_s = model.step_times.step_s(count, 1) + step_times.step_s(count, depth + 2)
                cost_s -= step_times.step_s(count, depth + 1)
                expected = acceptance * sum(cumulative[place][-1] for place in going)
                if depth >= min_depth and expected * token_s <= cost_s * _MARGIN_FURTHER:
                    break
                start_s = time.perf_counter()
                logits, most = self._read({place: [tokens[place][-1]] for place in going}), 1
                for place in going:
                    self._rows[place].proposed.append(tokens[place][-1])
            for place in list(going):
                predicted = trials[place].propose(logits[place])
                if predicted is None:
                    going.remove(place)
                    continue
                tokens[place].append(predicted[0])
                kinds[place].append(int(predicted[1] * _PROBABILITY_CLASSES))
                before = cumulative[place][-1] if depth else 1
                cumulative[place].append(stats.acceptance(kinds[place][-1]) * before)
            if most:
                model.step_times.note(count, most, time.perf_counter() - start_s)
            room = cache.capacity - 1
            going = [place for place in going if len(tokens[place]) < rooms[place] and cache.lengths[place] < room]
            if not going:
                break
        return {
            place: Proposal(
                tokens=tokens[place], kinds=kinds[place], cumulative_acceptance=cumulative[place], stats=stats
            )
            for place in asking
            if tokens[place]
        }

    def _catch_up(self, sequences: Sequence[SequenceState], capacity: int) -> tuple[Floats, int]:
        """Read what the sequences have accepted since.

        Returns:
            (B, V) logits behind each, and the most tokens of a sequence that were read, if one step did it, else 0.
        """
        if self._cache is None:
            backend = self._model.backend
            room = min(backend.context_window_tokens, capacity)
            self._cache = backend.new_cache(room).expand(len(sequences))
            self._rows = [_CacheRow(sequence=sequence, body=[], read=0, last=0) for sequence in sequences]
        read_anew: dict[tuple[int, ...], Cache] = {}
        for number, row in enumerate(self._rows):
            body = row.sequence.body
            new = body[row.read :]
            kept = 0
            # The newest token is read again even where it was proposed: the logits behind it are gone.
            while kept < min(len(row.proposed), len(new) - 1) and row.proposed[kept] == new[kept]:
                kept += 1
            self._cache.truncate(number, len(row.proposed) - kept)
            row.read += kept
            row.proposed = []
            if row.body is not body or self._cache.lengths[number] + len(new) - kept > self._cache.capacity:
                self._read_anew(number, row.sequence, read_anew)
        steps = 0
        unread = [row.sequence.body[row.read :] for row in self._rows]
        most = max(map(len, unread))
        while any(unread):
            logits = self._read({number: tokens[:_MOST_READ] for number, tokens in enumerate(unread) if tokens})
            for row, tokens in zip(self._rows, unread, strict=True):
                row.read += len(tokens[:_MOST_READ])
            unread = [tokens[_MOST_READ:] for tokens in unread]
            steps += 1
        return logits, most if steps == 1 and not read_anew else 0

    def _read_anew(self, number: int, sequence: SequenceState, known: dict[tuple[int, ...], Cache]) -> None:
        """Read as much of a sequence's context as fits, but for its last token."""
        cache, backend = self._cache, self._model.backend
        assert cache is not None
        head, body = sequence.head, sequence.body
        if len(head) + len(body) >= cache.capacity:
            head, body = self._model.classes.slide(head, body, keep_tokens=max(2, int(cache.capacity * _KEPT)))
        tokens = tuple([*head, *body][:-1])
        if tokens not in known:
            known[tokens] = backend.new_cache(max(1, len(tokens)))
            if tokens:
                backend.forward([tokens], known[tokens])
        cache.replace(number, known[tokens])
        self._rows[number] = _CacheRow(
            sequence=sequence, body=sequence.body, read=len(sequence.body) - 1, last=tokens[-1] if tokens else 0
        )  # fmt: skip

    def _read(self, tokens: dict[int, Sequence[int]]) -> Floats:
        """Read tokens of the sequences at some places. Return the logits behind the last token of every sequence, (B, V)."""
        cache = self._cache
        assert cache is not None
        for number in range(len(self._rows)):
            if number not in tokens:  # every row has to read at least one token: it reads its last one again
                cache.truncate(number, 1)
        read = [tokens.get(number, [row.last]) for number, row in enumerate(self._rows)]
        for row, row_tokens in zip(self._rows, read, strict=True):
            row.last = row_tokens[-1]
        return self._model.backend.forward(read, cache)
