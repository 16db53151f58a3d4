"""The speculative decoder: asks proposers for tokens, and has as many of them read as pay off. Draws no token."""

from collections.abc import Sequence

from songsmith.generation.sequence import SequenceState
from songsmith.generation.speculation.draft_model import DraftModel, DraftModelProposer
from songsmith.generation.speculation.prompt_lookup import PromptLookupProposer
from songsmith.generation.speculation.proposal import Proposal
from songsmith.generation.speculation.step_time import StepTimeModel
from songsmith.model.backend import Cache

_MOST_AT_ONCE = 16
"""Tokens of all sequences that a step with proposals reads at most: so many cost little more than one."""
_LONGEST_PROPOSAL = 8
_SHORTEST_RUN_IN_BATCH = 3
"""Tokens in a row that must have occurred before where sequences wait for one another: there only likely proposals pay."""
_MARGIN = 1.3
"""The expected gain must exceed the cost by this factor: both are estimates."""
_PATIENCE = 8
"""After so many steps in a row without a proposal worth reading, only every (1 + sequences)th step looks for one."""


class SpeculativeDecoder:
    """Proposals for the sequences of one batch, which may come and go."""

    def __init__(self, step_times: StepTimeModel, model: DraftModel | None, *, most_sequences: int) -> None:
        """Prepare to propose.

        Args:
            step_times: of the network that writes.
            model: a draft model, if there is one.
            most_sequences: in a batch with more, nothing is proposed.
        """
        self._most_sequences = most_sequences
        self._step_times = step_times
        self._draft_model = DraftModelProposer(model) if model else None
        self._proposals: list[Proposal] = []
        self._read = 0
        self._steps_in_vain = 0

    def propose(self, sequences: Sequence[SequenceState], cache: Cache) -> list[list[int]]:
        """Return the tokens to be read behind the newest one of each sequence; none where that would not pay.

        Args:
            sequences: of the batch.
            cache: what the network has read of each; what it has not read yet, it reads before a proposal.
        """
        self._steps_in_vain += 1
        count, step_times = len(sequences), self._step_times
        skips = self._steps_in_vain > _PATIENCE and self._steps_in_vain % (1 + count)
        if count > self._most_sequences or skips:
            return [[] for _ in sequences]
        most = min(_LONGEST_PROPOSAL, _MOST_AT_ONCE // count - 1)
        rooms = [
            0
            if sequence.next_is_forced or not sequence.body
            else max(0, min(most, cache.capacity - sequence.context_tokens))
            for sequence in sequences
        ]
        shortest_run = 1 if count == 1 else _SHORTEST_RUN_IN_BATCH
        alone_s = step_times.step_s(count, 1)
        # A token that is less likely to be accepted pays in no sequence, even if there is one for each of them.
        min_acceptance = _MARGIN * (step_times.step_s(count, 2) - alone_s) / alone_s / count
        proposals = [
            _lookup(sequence).propose(room, shortest_run=shortest_run, min_acceptance=min_acceptance)
            for sequence, room in zip(sequences, rooms, strict=True)
        ]
        asked = False
        if self._draft_model is not None:
            proposals, asked = self._draft_model.propose(proposals, sequences, rooms, step_times, cache.capacity)
        self._proposals = proposals
        self._read = int(asked)  # a draft model whose proposals are never read would keep its first estimate for ever
        chances = [proposal.cumulative_acceptance for proposal in proposals if proposal.tokens]
        if not chances:
            return [[] for _ in sequences]
        expected, best = 0.0, 0.0
        for depth in range(max(map(len, chances))):
            expected += sum(chance[depth] for chance in chances if depth < len(chance))
            # A step writes a token of each sequence, and takes as long as the one that reads most needs.
            gain = expected * alone_s / count - _MARGIN * (step_times.step_s(count, depth + 2) - alone_s)
            if gain > best:
                best, self._read = gain, depth + 1
        if self._read:
            self._steps_in_vain = 0
        return [list(proposal.tokens[: self._read]) for proposal in proposals]

    def accepted(self, place: int, accepted: int) -> None:
        """Take in how many of the tokens last proposed for the sequence at a place it drew itself."""
        self._proposals[place].accepted(self._read, accepted)


def _lookup(sequence: SequenceState) -> PromptLookupProposer:
    if sequence.proposer is None:
        sequence.proposer = PromptLookupProposer((), sequence.classes.is_structural, sequence.classes.sections)
    sequence.proposer.catch_up(sequence.ids)
    return sequence.proposer
