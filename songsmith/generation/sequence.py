"""The state of a take while it is being written, which can be forked and rolled back. Runs no network."""

from array import array
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from songsmith.generation.options import GenerationOptions
from songsmith.generation.processors.bias import LogitsBias
from songsmith.generation.processors.protocol import LineConstraint
from songsmith.generation.processors.standard import standard_processors
from songsmith.generation.sampling import Floats, RandomStream, sample
from songsmith.generation.stopping import StoppingRules
from songsmith.generation.token_classes import TokenClasses
from songsmith.lyric_reader import LyricReader
from songsmith.markup import Prompt
from songsmith.model.backend import Cache
from songsmith.model.tokenizer import StreamingDecoder
from songsmith.takes import FinishReason

if TYPE_CHECKING:
    from songsmith.generation.speculation.prompt_lookup import PromptLookupProposer

# Letters in shapes: V = vocabulary size.


@dataclass
class PendingWindow:
    """The context that a sequence will have once its window has slid, while the network still reads it bit by bit."""

    cache: Cache
    head: list[int]
    body: list[int]
    begun_at: int
    """The sequence's token count when it was made."""
    due: int
    """The sequence's token count at which more of it is to be read."""

    @property
    def unread(self) -> list[int]:
        """Tokens still to be read, but for the last one, which is read by the next step of the sequence."""
        return [*self.head, *self.body][self.cache.lengths[0] : -1]

    def truncate(self, tokens: int) -> None:
        """Drop the last tokens, which the sequence has rolled back."""
        del self.body[len(self.body) - tokens :]
        self.cache.truncate(0, max(0, self.cache.lengths[0] - len(self.head) - len(self.body) + 1))


@dataclass(frozen=True, kw_only=True)
class Withdrawal:
    """A line that a constraint rejected and that has been taken out of a sequence."""

    text: str
    """End of the text given so far, which is gone."""
    tokens: int
    """Tokens that are gone, the one that ended the line among them."""


class SequenceState:
    """A take while it is being written: its tokens, random stream, text and processors.

    After a rollback the same tokens are drawn as if those that were taken back had never been. A fork goes on as its original
    would. Neither touches a cache: `unread` and `cache_is_stale` say what a network has to read next.
    """

    def __init__(
        self, take: int, prompt: Prompt, options: GenerationOptions, classes: TokenClasses, head: list[int], body: list[int],
        constraints: Sequence[LineConstraint] = (),
    ) -> None:  # fmt: skip
        """Begin a take.

        Args:
            take: which one, counted from 0.
            prompt: the place in a song to write at.
            options: of this take.
            classes: of the model's tokens.
            head: ids of the title, at least one of head and body.
            body: ids of the whole lyric so far.
            constraints: are forked; of these a sequence never changes the state.
        """
        self._arguments = (take, prompt, options, classes, head, body, constraints)
        self.take, self.options, self.classes = take, options, classes
        self.head, self.body = head, list(body)
        """What the network sees of the song: head and body together are at most a window long, and one token."""
        self.ids = list(body)
        """The whole song, but for its head."""
        self.tokens = 0
        self.newest = -1
        """Id of the token accepted last, whether it became text or ended the take; -1 before the first."""
        self.finish: FinishReason | None = None
        self.pending_window: PendingWindow | None = None
        self.slid = False
        """Whether the oldest lines have just left the window."""
        self.cache_is_stale = False
        """Whether a rollback has brought a context back that the cache does not hold: it is to be read anew."""
        self.proposer: PromptLookupProposer | None = None
        """Kept here by the speculative decoder."""
        self.withdrawal: Withdrawal | None = None
        """Line that the last token made a constraint withdraw; to be set to None once it has been dealt with."""
        self.lyric = LyricReader(prompt, classes.format)
        self.stream = RandomStream(options.seed)
        self.bias = LogitsBias(classes.size, classes.masked_ids)
        """Of the next draw, once `update_bias` was called."""
        self.processors = [*standard_processors(options, classes, prompt, body), *(each.fork() for each in constraints)]
        self._constraints: list[LineConstraint] = self.processors[-len(constraints) :] if constraints else []  # type: ignore[assignment]
        self._decoder = StreamingDecoder(classes.tokenizer, whole_only=True)
        self._stopping = StoppingRules(options, classes)
        self._positions = array("Q", [0])  # of the random stream, by the number of tokens accepted
        self._contexts: list[tuple[int, list[int], list[int]]] = []  # token count, head and body when the window slid
        self._forced: list[int] = []
        self._whole_lines = 0
        self._line_text = ""
        self._open_line = prompt.text.rpartition("\n")[2] if prompt.open_line else ""
        self._tries = [0]  # withdrawals of each line so far
        self._line_start: SequenceState | None = None
        if constraints:
            self._ask_for_forced_tokens()
            self._line_start = self.fork()

    @property
    def tokens_left(self) -> int:
        """Tokens that may still be written."""
        return self.options.max_new_tokens - self.tokens

    @property
    def context_tokens(self) -> int:
        """Tokens that the network sees, or is about to see."""
        return len(self.head) + len(self.body)

    @property
    def last_id(self) -> int:
        """The last token of the context."""
        return (self.body or self.head)[-1]

    @property
    def next_is_forced(self) -> bool:
        """Whether a constraint has said what the next token is, so that it needs no draw."""
        return bool(self._forced)

    @property
    def next_forced(self) -> int:
        """That token."""
        return self._forced[0]

    @property
    def settled(self) -> bool:
        """Whether no text given so far can be withdrawn any more."""
        return not self._line_text or self.finish is not None

    def unread(self, length: int) -> list[int]:
        """Return the tokens of the context that a cache which holds so many of them lacks."""
        missing = self.context_tokens - length
        if missing > len(self.body):
            return [*self.head, *self.body][length:]
        return self.body[len(self.body) - missing :]

    def set_context(self, head: list[int], body: list[int]) -> None:
        """Let the network see no more of the song than this."""
        self._contexts.append((self.tokens, self.head, self.body))
        self.head, self.body = head, body
        self.pending_window, self.slid = None, True

    def next_uniform(self) -> float:
        """Take the next number of the random stream; 0 at temperature 0, which needs none."""
        return self.stream.next_uniform() if self.options.temperature else 0.0

    def return_uniform(self) -> None:
        """Give the last number back: no token was drawn with it after all."""
        if self.options.temperature:
            self.stream.position -= 1

    def update_bias(self) -> LogitsBias:
        """Have the processors write the bias of the next draw, and return it."""
        bias, lyric = self.bias, self.lyric
        bias.clear()
        for processor in self.processors:
            processor.process(bias, lyric)
        return bias

    def step(self, logits: Floats) -> str:
        """Draw and accept the next token, or accept the one that is forced. Return the text it adds, as `accept` does.

        Args:
            logits: (V,), overwritten.
        """
        if self._forced:
            return self.accept(self._forced[0])
        bias = self.update_bias()
        bias.apply(logits)
        return self.accept(sample(logits, self.options, self.next_uniform(), bias.redrawn))

    def must_redraw(self, token: int) -> bool:
        """Return whether another token is to be drawn in the place of one that a device drew by this bias."""
        return self.bias.redrawn is not None and bool(self.bias.redrawn[token])

    def redraw(self, logits: Floats) -> int:
        """Return the token that is drawn in the place of one that must not be.

        Args:
            logits: (V,) from which that one was drawn, overwritten.
        """
        self.bias.apply(logits)
        uniform = self.stream.last if self.options.temperature else 0.0
        return sample(logits, self.options, uniform, self.bias.redrawn)

    def accept(self, token: int) -> str:
        """Go on with a token, wherever it was drawn. Return the text it adds.

        Where it ends a line that a constraint rejects, nothing is added and `withdrawal` is set: the sequence is as it was before
        the line, but for its random stream, which goes on.
        """
        text = self._advance(token)
        if self._constraints and self._line_has_ended:
            if self._rejects_line():
                self._withdraw_line(self._line_text.removesuffix(text))
                return ""
            self._begin_line()
        return text

    def _advance(self, token: int) -> str:
        self.tokens += 1
        self.newest = token
        self._positions.append(self.stream.position)
        for processor in self.processors:
            processor.accept(token)
        lyric, text = self.lyric, ""
        self.finish = self._stopping.before_reading(token, lyric)
        if self.finish is None:
            self.body.append(token)
            self.ids.append(token)
            if self.pending_window is not None:
                self.pending_window.body.append(token)
            sections = lyric.sections_begun
            text = "".join(lyric.feed(piece) for piece in self._decoder.feed(token))
            self.finish = self._stopping.after_reading(
                self.tokens, lyric, section_began=lyric.sections_begun > sections
            )
        self._whole_lines = lyric.finished_lines
        if self.finish is not None:
            text += "".join(lyric.feed(piece) for piece in self._decoder.close()) + lyric.close()
            if self.finish is not FinishReason.MAX_TOKENS:  # which may cut a line short
                self._whole_lines = lyric.finished_lines
        if self._constraints:
            self._line_text += text
            self._ask_for_forced_tokens()
        return text

    def _ask_for_forced_tokens(self) -> None:
        del self._forced[:1]  # the token that has just come
        if self.finish is not None:
            self._forced = []
        elif not self._forced:
            asked = (constraint.next_tokens(self.lyric) for constraint in self._constraints)
            self._forced = list(next((tokens for tokens in asked if tokens), ()))

    # --- lines, which constraints may withdraw

    @property
    def _line_has_ended(self) -> bool:
        assert self._line_start is not None
        return self._whole_lines > self._line_start.lyric.finished_lines

    def _rejects_line(self) -> bool:
        assert self._line_start is not None
        ended = self._whole_lines - self._line_start.lyric.finished_lines
        lines = [line for line in (self._open_line + self._line_text).split("\n") if line][-ended:]
        return any(constraint.rejects_line(line, self._tries[-1]) for constraint in self._constraints for line in lines)

    def _begin_line(self) -> None:
        self._line_text = self._open_line = ""
        self._tries.append(0)
        self._line_start = None
        self._line_start = self.fork()

    def _withdraw_line(self, text: str) -> None:
        start, position, tokens = self._line_start, self.stream.position, self.tokens
        assert start is not None
        self._restore(start.fork(), start)
        # The next try must not draw the same line.
        self.stream.position = self._positions[-1] = position
        self._tries[-1] += 1
        self.withdrawal = Withdrawal(text=text, tokens=tokens - self.tokens)

    # --- forks and rollbacks

    def fork(self) -> "SequenceState":
        """Return a sequence with the same state that goes on independently of this one."""
        other = copy(self)
        other.body, other.ids = list(self.body), list(self.ids)
        other.pending_window = other.proposer = None  # belong to a cache, or are made again
        other.lyric, other._decoder = _fork_lyric(self.lyric), self._decoder.fork()
        other.stream, other._positions = self.stream.fork(), self._positions[:]
        other.bias = LogitsBias(self.classes.size, self.classes.masked_ids)
        other.processors = [processor.fork() for processor in self.processors]
        other._constraints = other.processors[len(other.processors) - len(self._constraints) :]  # type: ignore[assignment]
        other._contexts, other._forced, other._tries = list(self._contexts), list(self._forced), list(self._tries)
        return other

    def rollback(self, tokens: int) -> None:
        """Take the last tokens back: all is as it was before they were accepted, and the same would be drawn again.

        Raises:
            ValueError: there are not so many.
        """
        kept = self.tokens - tokens
        if not 0 <= kept <= self.tokens:
            raise ValueError(f"{tokens} tokens of {self.tokens} cannot be taken back")
        if not tokens:
            return
        start = self._line_start
        if start is not None and start.tokens <= kept:
            state = start.fork()
        else:
            state = SequenceState(*self._arguments)
            start = state._line_start
        state._line_start = start
        prompt_tokens = len(self.ids) - len(self._accepted_ids)
        for token in self.ids[prompt_tokens + state.tokens : prompt_tokens + kept]:
            state._advance(token)
            if state._constraints and state._line_has_ended:
                state._begin_line()
        self._restore(state, state._line_start)

    @property
    def _accepted_ids(self) -> list[int]:
        return self.ids[len(self._arguments[5]) :]

    def _restore(self, state: "SequenceState", line_start: "SequenceState | None") -> None:
        """Take everything but the random stream's numbers and the context from an earlier state of this sequence."""
        self._restore_context(state.tokens, removed=len(self.ids) - len(state.ids))
        del self.ids[len(state.ids) :], self._positions[state.tokens + 1 :], self._tries[len(state._tries) :]
        self.stream.position = self._positions[-1]
        self.tokens, self.newest, self.finish = state.tokens, state.newest, state.finish
        self.lyric, self._decoder, self.processors = state.lyric, state._decoder, state.processors
        self._constraints, self._forced, self._whole_lines = state._constraints, state._forced, state._whole_lines
        self._line_text, self._open_line, self._line_start = state._line_text, state._open_line, line_start
        self.proposer = self.withdrawal = None

    def _restore_context(self, kept: int, *, removed: int) -> None:
        pending, self.pending_window = self.pending_window, None
        while self._contexts and self._contexts[-1][0] > kept:
            then, self.head, self.body = self._contexts.pop()
            removed, pending, self.cache_is_stale = then - kept, None, True
        # Another list: whoever has read this one sees that it is another song now.
        self.body = self.body[: len(self.body) - removed]
        if pending is not None and pending.begun_at <= kept:
            pending.truncate(removed)
            self.pending_window = pending


def _fork_lyric(lyric: LyricReader) -> LyricReader:
    other = copy(lyric)
    other.plans = list(lyric.plans)
    return other
