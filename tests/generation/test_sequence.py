"""A sequence that is forked and rolled back goes on as one that only ever went forward."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from constraints import EndsIn, WithoutLetter
from hypothesis import given, settings
from hypothesis import strategies as st
from test_drafts import ChainCache

from songsmith.generation.options import GenerationOptions
from songsmith.generation.processors.protocol import LineConstraint
from songsmith.generation.sequence import PendingWindow, SequenceState
from songsmith.generation.token_classes import TokenClasses
from songsmith.lyrics import parse
from songsmith.markup import MarkupFormat, Prompt
from songsmith.model.characters import BETWEEN
from songsmith.model.loading import LoadedModel

PROMPTS = [
    Prompt(), Prompt(song=parse("Down by the river"), open_line=True), Prompt(song=parse("la la la\nla la\n", title="La")),
]  # fmt: skip
OPTIONS: list[dict[str, Any]] = [
    {}, {"temperature": 0.0}, {"no_repeat_ngram": 2}, {"repetition_penalty": 1.0, "stop_at_section": True, "min_lines": 2},
    {"top_k": 5, "max_new_tokens": 25},
]  # fmt: skip
WINDOW, LEAD = 24, 12


@dataclass
class World:
    """A network that is made of nothing but a rule: what it has read decides what it says."""

    model: LoadedModel
    classes: TokenClasses

    def begin(self, prompt: Prompt, options: GenerationOptions, constraints: Sequence[LineConstraint]) -> SequenceState:
        """Return a sequence in which nothing has been written."""
        head, body = (self.model.tokenizer.encode_pieces(pieces) for pieces in prompt.pieces(self.classes.format))
        return SequenceState(0, prompt, options, self.classes, head, body, constraints)

    def slide(self, state: SequenceState) -> None:
        """Give a sequence that has filled its window a new context, which has been read bit by bit before."""
        since = state.context_tokens - (WINDOW - LEAD)
        if since < 0:
            return
        if state.pending_window is None:
            known = len(state.body) - since
            head, body = self.classes.slide(state.head, state.body[:known], keep_tokens=WINDOW // 4)
            body += state.body[known:]
            state.pending_window = PendingWindow(ChainCache([0]), head, body, begun_at=state.tokens, due=0)
        pending = state.pending_window
        pending.cache.lengths[0] += len(pending.unread[:4])
        assert pending.cache.lengths[0] < len(pending.head) + len(pending.body)
        if state.context_tokens > WINDOW:
            state.set_context(pending.head, pending.body)

    def step(self, state: SequenceState) -> None:
        """Write a token."""
        self.slide(state)
        seed = hashlib.sha256(repr([*state.head, *state.body][-8:]).encode()).digest()
        random = np.random.default_rng(int.from_bytes(seed[:8]))
        logits = np.full(self.classes.size, -9, dtype=np.float32)
        logits[random.integers(0, self.classes.size, 60)] = random.normal(0, 2, 60)
        logits[random.choice(np.flatnonzero(self.classes.characters.after[BETWEEN]), 5)] = 4  # pieces of characters
        logits[self.model.tokenizer.line_end_ids()[0]] = 3.5
        logits[random.choice(sorted(self.classes.sections | self.classes.ends))] = 1
        state.step(logits)
        state.withdrawal = None

    def seen(self, state: SequenceState) -> tuple[object, ...]:
        """Return all that can be seen of a sequence, the context of its next step among it."""
        self.slide(state)
        lyric = state.lyric
        return (
            state.tokens, state.ids[:], state.head[:], state.body[:], state.newest, state.finish, state.tokens_left,
            state.settled, lyric.title, lyric.finished_lines, lyric.sections_begun, lyric.plans[:],
        )  # fmt: skip


@pytest.fixture(scope="module")
def world(starter: LoadedModel) -> World:
    return World(starter, TokenClasses(starter))


@pytest.fixture(scope="module")
def plain_world(plain: LoadedModel) -> World:
    return World(plain, TokenClasses(plain))


CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("step"), st.integers(5, 30)), st.tuples(st.just("rollback"), st.integers(1, 6) | st.integers(1, 30)),
        st.tuples(st.just("fork"), st.integers(0, 10)),
    ),
    min_size=3, max_size=8,
)  # fmt: skip


def constraints_of(world: World, kinds: Sequence[str]) -> list[LineConstraint]:
    made: dict[str, LineConstraint] = {
        "without": WithoutLetter("", 2), "ends in": EndsIn(world.model.tokenizer, " by the day", 5)
    }  # fmt: skip
    return [made[kind] for kind in kinds]


CASES = st.tuples(
    st.sampled_from(PROMPTS), st.sampled_from(OPTIONS), st.integers(0, 99),
    st.sampled_from([[], ["without"], ["ends in"], ["without", "ends in"]]), CHANGES,
)  # fmt: skip


@given(CASES, st.booleans())
@settings(max_examples=10, deadline=None)
def test_however_it_got_there_a_sequence_goes_on_the_same(
    world: World, plain_world: World, case: Any, is_plain: bool
) -> None:
    goes_on_the_same(plain_world if is_plain else world, *case)


@pytest.mark.slow
@given(CASES, st.booleans())
@settings(max_examples=200, deadline=None)
def test_however_many_ways_there_are_a_sequence_goes_on_the_same(
    world: World, plain_world: World, case: Any, is_plain: bool
) -> None:
    goes_on_the_same(plain_world if is_plain else world, *case)


def goes_on_the_same(
    world: World, prompt: Prompt, changes: dict[str, Any], seed: int, kinds: list[str], moves: list[tuple[str, int]]
) -> None:
    """Compare a sequence after any moves with the same place of one that only went forward."""
    options = GenerationOptions(**{"seed": seed, "temperature": 1.2, "top_p": 1.0, "max_new_tokens": 50} | changes)
    constraints = constraints_of(world, kinds)
    straight = world.begin(prompt, options, constraints)
    trace = [world.seen(straight)]
    while straight.finish is None and len(trace) < 90:
        world.step(straight)
        trace.append(world.seen(straight))
    state, place = world.begin(prompt, options, constraints), 0
    for move, number in [*moves, ("step", 15)]:
        if move == "fork":
            original, state = state, state.fork()
            for _ in range(number):  # what becomes of the one is nothing to the other
                if original.finish is None:
                    world.step(original)
            original.rollback(min(original.tokens, number // 2))
        elif move == "rollback":
            state.rollback(min(state.tokens, number))
            place = max(before for before in range(place + 1) if trace[before][0] == state.tokens)
        else:
            for _ in range(number):
                if place + 1 < len(trace):
                    world.step(state)
                    place += 1
        assert world.seen(state) == trace[place], (move, number)


def test_more_than_there_is_cannot_be_taken_back(world: World) -> None:
    state = world.begin(PROMPTS[1], GenerationOptions(temperature=1.0), [])
    for _ in range(3):
        world.step(state)
    for tokens in (4, -1):
        with pytest.raises(ValueError, match="cannot be taken back"):
            state.rollback(tokens)
    assert state.tokens == 3
    assert world.classes.format is MarkupFormat.MARKUP


def test_the_next_try_of_a_line_is_another_one_and_the_same_for_the_same_seed(world: World) -> None:
    def tries(seed: int) -> list[str]:
        state = world.begin(PROMPTS[2], GenerationOptions(seed=seed, temperature=1.0), [WithoutLetter("", 5)])
        withdrawn: list[str] = []
        while len(withdrawn) < 5 and state.tokens < 200:
            logits = np.random.default_rng(state.tokens).normal(0, 1, world.classes.size).astype(np.float32)
            logits[world.model.tokenizer.line_end_ids()[0]] = 7
            before = list(state.ids)
            state.step(logits)
            if state.withdrawal is not None:
                withdrawn.append(str(before[len(state.ids) :]))
                assert state.settled
                state.withdrawal = None
        return withdrawn

    assert len(set(tries(1))) > 2
    assert tries(1) == tries(1) != tries(2)
