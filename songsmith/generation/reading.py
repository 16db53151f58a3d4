"""What a network reads before it writes: prompts once, and what is left in sight of songs that outgrow its window."""

from collections.abc import Sequence

from songsmith.generation.options import GenerationOptions
from songsmith.generation.row import Ahead, Alphabet, Row
from songsmith.generation.sampling import Floats
from songsmith.markup import Prompt
from songsmith.model.backend import Batch, Cache
from songsmith.model.store import LoadedModel

# Letters in shapes: V = vocabulary size.

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

    def begin(
        self, takes: Sequence[tuple[Prompt, GenerationOptions]], batch: Batch | None = None
    ) -> tuple[list[Row], Cache, list[Floats]]:
        """Read every prompt once.

        Args:
            takes: to be begun.
            batch: remembers them; where there is none, a cache made for them does.

        Returns:
            The takes, what remembers them, and for each the first logits (1, V).
        """
        backend, alphabet = self._backend, self._alphabet
        window = backend.context_window_tokens
        pieces = {prompt: self._encode(prompt) for prompt in dict.fromkeys(prompt for prompt, _ in takes)}
        longest = max(
            len(pieces[prompt][0]) + len(pieces[prompt][1]) + option.max_new_tokens for prompt, option in takes
        )
        cache = batch or backend.new_cache(min(window, longest)).repeat(len(takes))
        read: dict[Prompt, tuple[Cache, Floats, list[int], list[int]]] = {}
        for prompt, (head, body) in pieces.items():
            if len(head) + len(body) >= window:
                head, body = alphabet.slide(head, body, keep_tokens=max(2, window // 2))
            alone = backend.new_cache(len(head) + len(body))
            read[prompt] = (alone, backend.advance([head + body], alone).copy(), head, body)
        rows, seen = [], []
        for take, (prompt, option) in enumerate(takes):
            alone, logits, head, body = read[prompt]
            cache.replace(take, alone)
            row = Row(take, prompt, option, alphabet, *pieces[prompt])
            if (head, body) != pieces[prompt]:
                row.see(head, list(body))
            rows.append(row)
            seen.append(logits.copy())
        return rows, cache, seen

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
        begins = window - int(window * _LEAD)
        most, every = (_QUEUED_READ_TOKENS, _QUEUED_READ_EVERY) if queued else (_READ_TOKENS, _READ_EVERY)
        lengths = [length - newest_read for length in cache.lengths]
        near = [place for place, length in enumerate(lengths) if length >= begins]
        for number, place in enumerate(near):
            row, length = rows[place], lengths[place]
            if row.ahead is None:
                known = len(row.body) - (length - begins)
                head, body = self._alphabet.slide(row.head, row.body[:known], keep_tokens=max(2, int(window * _KEPT)))
                due = row.tokens + number * every // len(near)  # not all of them in the same step
                row.ahead = Ahead(backend.new_cache(window), head, [*body, *row.body[known:]], due)
            if length >= window:
                if unread := row.ahead.unread:
                    backend.advance([unread], row.ahead.cache)
                cache.replace(place, row.ahead.cache)
                row.see(row.ahead.head, row.ahead.body)
            elif row.tokens >= row.ahead.due and (unread := row.ahead.unread):
                row.ahead.due += every
                backend.advance([unread[:most]], row.ahead.cache)
