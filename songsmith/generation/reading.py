"""What a network reads before it writes: prompts once, and what is left in sight of songs that outgrow its window."""

from collections.abc import Sequence

from songsmith.generation.options import GenerationOptions
from songsmith.generation.row import Ahead, Alphabet, Row
from songsmith.markup import Prompt
from songsmith.model.backend import Cache
from songsmith.model.store import LoadedModel

# Of a song that has outgrown the window this share stays in sight. A new sight of it is read this much before it is needed, so
# many tokens at once for every so many that are written: twice as fast as the song grows.
_KEPT, _LEAD = 1 / 8, 3 / 8
_READ_TOKENS, _READ_EVERY = 16, 8
# Where steps are queued, few tokens take as long to read as many, and longer than several steps.
_QUEUED_READ_TOKENS, _QUEUED_READ_EVERY = 512, 128


class Reader:
    """Reads what takes go on from."""

    def __init__(self, model: LoadedModel, alphabet: Alphabet) -> None:
        """Prepare to read with a model."""
        self._model, self._backend, self._alphabet = model, model.backend, alphabet
        self._encoded: tuple[Prompt, tuple[list[int], list[int]]] | None = None

    def row(self, take: int, prompt: Prompt, options: GenerationOptions) -> Row:
        """Return a take to be begun, nothing of it read yet."""
        if self._encoded is None or self._encoded[0] != prompt:  # takes of one prompt come one after the other
            self._encoded = prompt, self._encode(prompt)
        return Row(take, prompt, options, self._alphabet, *self._encoded[1])

    def text_to_prefill(self, row: Row) -> tuple[int, ...]:
        """Return the ids that a take goes on from, all that it says so far or what of it the window holds.

        Args:
            row: a take to be begun, or to go on with after what was read of it is lost.
        """
        window = self._backend.context_window_tokens
        row.ahead = None
        length = len(row.head) + len(row.body)
        if row.tokens and length > window:
            row.see(*self._next_sight(row))
        elif not row.tokens and length >= window:
            row.see(*self._alphabet.slide(row.head, row.body, keep_tokens=max(2, window // 2)))
        return (*row.head, *row.body)

    def _next_sight(self, row: Row) -> tuple[list[int], list[int]]:
        """Return head and body of what a take sees of its song once it has filled its window. It depends on the take alone."""
        window = self._backend.context_window_tokens
        since = max(0, len(row.head) + len(row.body) - 1 - _begins(window))
        known = len(row.body) - since
        head, body = self._alphabet.slide(row.head, row.body[:known], keep_tokens=max(2, int(window * _KEPT)))
        return head, [*body, *row.body[known:]]

    def _encode(self, prompt: Prompt) -> tuple[list[int], list[int]]:
        tokenizer = self._model.tokenizer
        head, body = map(tokenizer.encode_pieces, prompt.pieces(self._alphabet.format))
        return head or tokenizer.encode("\n"), body  # a tokenizer without <|endoftext|> still needs a first token

    def read_ahead(self, rows: Sequence[Row], cache: Cache, *, queued: bool = False, newest_read: bool = False) -> None:
        """Let takes at the end of the window see less of their songs, read bit by bit before it is needed.

        What is left to see, and from which token on, depends on the take alone; only when it is read depends on its neighbours.

        Args:
            rows: the takes.
            cache: remembers them.
            queued: whether steps are.
            newest_read: whether the last token of each take has been read, or is about to be.
        """
        backend = self._backend
        window = backend.context_window_tokens
        if cache.capacity < window:  # no take can be that long
            return
        most, every = (_QUEUED_READ_TOKENS, _QUEUED_READ_EVERY) if queued else (_READ_TOKENS, _READ_EVERY)
        lengths = [length - newest_read for length in cache.lengths]
        near = [place for place, length in enumerate(lengths) if length >= _begins(window)]
        for number, place in enumerate(near):
            row, length = rows[place], lengths[place]
            if row.ahead is None:
                due = row.tokens + number * every // len(near)  # not all of them in the same step
                row.ahead = Ahead(backend.new_cache(window), *self._next_sight(row), due)
            if length >= window:
                if unread := row.ahead.unread:
                    backend.forward([unread], row.ahead.cache)
                cache.replace(place, row.ahead.cache)
                row.see(row.ahead.head, row.ahead.body)
            elif row.tokens >= row.ahead.due and (unread := row.ahead.unread):
                row.ahead.due += every
                backend.forward([unread[:most]], row.ahead.cache)


def _begins(window: int) -> int:
    """Return how many tokens of a song have been read when reading ahead begins."""
    return window - int(window * _LEAD)
