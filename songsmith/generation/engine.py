"""Takes from a loaded model, token by token. Knows tokens, texts and when to stop, not songs kept or screens."""

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songsmith.errors import EngineError, UsageError
from songsmith.generation.options import GenerationOptions
from songsmith.generation.sampling import TokenSampler
from songsmith.generation.window import slide
from songsmith.markup import ARTIST, END, MARKS, RESERVED, SECTIONS, TITLE, LyricReader, MarkupFormat, Prompt
from songsmith.model.backend import Cache
from songsmith.model.store import LoadedModel
from songsmith.model.tokenizer import StreamingDecoder
from songsmith.takes import FinishReason


@dataclass(frozen=True, kw_only=True)
class TokenChunk:
    """What one token added to one take."""

    take: int
    """Which take, counted from 0."""
    text: str
    """Lyric that became visible: whole characters, often none."""
    tokens: int
    """Tokens of this take so far."""
    elapsed_s: float
    """Seconds since the stream began."""
    title: str = ""
    """Title the model has given the song so far, where it was not given one."""
    window_slid: bool = False
    """The oldest lines just went out of the model's sight."""
    finish: FinishReason | None = None
    """Why the take ended; None while it goes on."""


class Engine:
    """Streams takes from one model."""

    def __init__(self, model: LoadedModel) -> None:
        """Prepare to write with a model."""
        self.model = model
        self._format = MarkupFormat(model.manifest.format)
        tokenizer, size = model.tokenizer, model.backend.vocabulary_size
        self._structural = tokenizer.structural(size)
        self._form: list[int] = np.flatnonzero(self._structural).tolist()
        self._line_ends = np.zeros(size, dtype=np.bool_)
        self._line_ends[tokenizer.line_end_ids()] = True
        ids = tokenizer.id_of_mark
        self._end = ids.get(END)
        self._sections = {ids[mark] for mark in SECTIONS.values() if mark in ids}
        self._titles = [ids[mark] for mark in (TITLE, ARTIST) if mark in ids]
        plain = self._format is MarkupFormat.PLAIN
        # A model of lines knows no songs: what it ends is a line.
        self._ends_songs = self._format is not MarkupFormat.LINES
        never = MARKS - {END} if plain else frozenset(RESERVED)
        if not self._ends_songs:
            never |= {TITLE, ARTIST, *SECTIONS.values()}
        marks = [token for mark, token in ids.items() if mark in never]
        # A network may have more outputs than its tokenizer has entries.
        self._never = [*marks, *range(tokenizer.vocabulary_size, size)]

    def stream(self, prompt: Prompt, options: Sequence[GenerationOptions]) -> Generator[TokenChunk]:
        """Write takes of one prompt together, one for each of `options`; yield every token as it comes.

        A take's text depends on prompt, options and its own seed, not on the takes beside it (but for float rounding).
        Closing the generator stops the work.

        Raises:
            EngineError: the network failed: out of memory, or odds that are no numbers.
        """
        if not options:
            raise UsageError("No takes were asked for.", "Ask for at least one.")
        try:
            yield from self._stream(prompt, options)
        except (RuntimeError, MemoryError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise EngineError(f"The model broke down: {reason}.", "Try fewer takes, or --device cpu.") from error

    def _stream(self, prompt: Prompt, options: Sequence[GenerationOptions]) -> Generator[TokenChunk]:
        start_s = time.perf_counter()
        backend = self.model.backend
        window = backend.context_window_tokens
        head, body = map(self.model.tokenizer.encode_pieces, prompt.pieces(self._format))
        if not head:  # a tokenizer without <|endoftext|> still needs a first token
            head = self.model.tokenizer.encode("\n")
        slid = len(head) + len(body) >= window
        lyric = body
        if slid:
            head, body = self._slide(head, body)
        ids = head + body
        cache: Cache = backend.new_cache(min(window, len(ids) + max(option.max_new_tokens for option in options)))
        first = backend.advance([ids], cache)  # (1, V)
        cache = cache.repeat(len(options))
        logits = np.repeat(first, len(options), axis=0)  # (B, V)
        rows = [
            _Row(take, option, prompt, self._format, head, body, lyric, self._structural, StreamingDecoder(self.model.tokenizer))
            for take, option in enumerate(options)
        ]  # fmt: skip
        while rows:
            for row, row_logits in zip(rows, logits, strict=True):
                chunk_text = self._step(row, row_logits)
                yield TokenChunk(
                    take=row.take, text=chunk_text, tokens=row.tokens, elapsed_s=time.perf_counter() - start_s,
                    title=row.reader.title.strip(), window_slid=slid, finish=row.finish,
                )  # fmt: skip
            slid = False
            going = _closed_ranks([row.finish is None for row in rows])
            if len(going) < len(rows):
                rows = [rows[place] for place in going]
                cache = cache.keep(going) if going else cache
            for place, row in enumerate(rows):
                if cache.lengths[place] >= window:
                    slid = True
                    row.head, row.body = self._slide(row.head, row.body)
                    fresh = backend.new_cache(window)
                    backend.advance([[*row.head, *row.body][:-1]], fresh)
                    cache.replace(place, fresh)
            if rows:
                logits = backend.advance([[row.body[-1]] for row in rows], cache)

    def _slide(self, head: list[int], body: list[int]) -> tuple[list[int], list[int]]:
        # Half the window stays in sight, so that reading it again pays for half a window of new tokens.
        keep = max(2, self.model.backend.context_window_tokens // 2)
        return slide(head, body, keep_tokens=keep, line_ends=self._line_ends, sections=self._sections)

    def _step(self, row: "_Row", logits: NDArray[np.float32]) -> str:
        """Draw the row's next token, and return the text it shows."""
        token = row.sampler.draw(logits, self._banned(row))
        row.tokens += 1
        options, reader = row.options, row.reader
        if token == self._end and self._ends_songs:
            row.finish = FinishReason.END_OF_SONG
        elif token in self._sections and options.stop_at_section and reader.finished_lines:
            row.finish = FinishReason.END_OF_SECTION
        if row.finish is not None:
            return row.close()
        row.body.append(token)
        begun = reader.sections_begun
        text = "".join(reader.feed(piece) for piece in row.decoder.feed(token))
        if options.max_lines and reader.finished_lines >= options.max_lines:
            row.finish = FinishReason.MAX_LINES
        elif (
            # A plain model ends its section with a blank line; before min_lines that begins one more stanza.
            self._format is MarkupFormat.PLAIN and options.stop_at_section
            and reader.sections_begun > begun and reader.finished_lines >= max(1, options.min_lines)
        ):  # fmt: skip
            row.finish = FinishReason.END_OF_SECTION
        elif row.tokens >= options.max_new_tokens:
            row.finish = FinishReason.MAX_TOKENS
        return text + (row.close() if row.finish else "")

    def _banned(self, row: "_Row") -> list[int]:
        banned = list(self._never)
        if row.in_open_line and not row.tokens:
            return [*banned, *self._form]  # a line that is to be finished gets a word at least
        if row.titled or row.reader.sections_begun:
            banned += self._titles
        if row.reader.finished_lines < row.options.min_lines:
            banned += [self._end] if self._end is not None and self._ends_songs else []
            nothing_yet = row.reader.finished_lines == 0 and row.reader.sections_begun == 0
            if row.options.stay_in_section if nothing_yet else row.options.stop_at_section:
                banned += self._sections
        return banned


def _closed_ranks(going: Sequence[bool]) -> list[int]:
    """Return the places of those that go on: the last ones fill the gaps, so that few of them move."""
    left = [place for place, goes_on in enumerate(going) if goes_on]
    last = [place for place in left if place >= len(left)]
    return [place if going[place] else last.pop() for place in range(len(left))]


class _Row:
    """A take while it is being written."""

    def __init__(
        self, take: int, options: GenerationOptions, prompt: Prompt, format: MarkupFormat, head: list[int], body: list[int],
        lyric: list[int], structural: NDArray[np.bool_], decoder: StreamingDecoder,
    ) -> None:  # fmt: skip
        self.take = take
        self.options = options
        self.head = head
        self.body = list(body)
        self.in_open_line = prompt.open_line
        self.titled = bool(prompt.song.title or prompt.song.sections)
        self.sampler = TokenSampler(options, structural, lyric)
        self.decoder = decoder
        self.reader = LyricReader(prompt, format)
        self.tokens = 0
        self.finish: FinishReason | None = None

    def close(self) -> str:
        return "".join(self.reader.feed(piece) for piece in self.decoder.close()) + self.reader.close()
