"""One take while it is being written: draws its tokens, says what they show, and knows when it ends. Runs no network."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songsmith.generation.drafts import Drafter
from songsmith.generation.options import GenerationOptions
from songsmith.generation.sampling import Floats, TokenSampler
from songsmith.generation.window import slide
from songsmith.lyric_reader import LyricReader
from songsmith.markup import ARTIST, END, MARKS, RESERVED, SECTIONS, TITLE, MarkupFormat, Prompt
from songsmith.model.backend import Cache
from songsmith.model.characters import BETWEEN, Characters
from songsmith.model.store import LoadedModel
from songsmith.model.tokenizer import StreamingDecoder, Tokenizer
from songsmith.takes import FinishReason

# Letters in shapes: V = vocabulary size.


class Ban:
    """Kinds of tokens that a take may not draw at some place: bits of a plain number, for it is made for every token."""

    FORM = 1
    """Marks and line ends."""
    TITLES = 2
    """What begins a title."""
    END = 4
    """What ends a song."""
    SECTIONS = 8
    """What begins a section."""


class Alphabet:
    """What a model's token ids mean to a take."""

    def __init__(self, model: LoadedModel) -> None:
        """Look a model's tokens up."""
        self.format = MarkupFormat(model.manifest.format)
        self.tokenizer: Tokenizer = model.tokenizer
        size = model.backend.vocabulary_size
        self.structural: NDArray[np.bool_] = self.tokenizer.structural(size)
        """(V,) true for marks and line ends."""
        self.line_ends: NDArray[np.bool_] = np.zeros(size, dtype=np.bool_)
        """(V,) true for ids that end a line."""
        self.line_ends[self.tokenizer.line_end_ids()] = True
        ids = self.tokenizer.id_of_mark
        self.sections = {ids[mark] for mark in SECTIONS.values() if mark in ids}
        # A model of lines knows no songs: what it ends is a line.
        self.ends_songs = self.format is not MarkupFormat.LINES
        self.characters = Characters(self.tokenizer, size)
        self.ends: frozenset[int] = frozenset()
        """Ids that end a song."""
        if self.ends_songs:
            self.ends = model.end_ids | {ids[mark] for mark in (END,) if mark in ids}
            self.structural[list(self.ends)] = True  # of a tokenizer that does not know its own end as special, too
        self.is_form: list[bool] = self.structural.tolist()
        never = MARKS - {END} if self.format is MarkupFormat.PLAIN else frozenset(RESERVED)
        if not self.ends_songs:
            never |= {TITLE, ARTIST, *SECTIONS.values()}
        # A network may have more outputs than its tokenizer has entries.
        always = [
            *(token for mark, token in ids.items() if mark in never),
            *range(self.tokenizer.vocabulary_size, size),
        ]
        groups: dict[int, list[int]] = {
            Ban.FORM: np.flatnonzero(self.structural).tolist(),
            Ban.TITLES: [ids[mark] for mark in (TITLE, ARTIST) if mark in ids],
            Ban.END: sorted(self.ends),
            Ban.SECTIONS: sorted(self.sections),
        }
        self.banned: list[NDArray[np.intp]] = [
            np.array([*always, *(token for ban, ids in groups.items() if bans & ban for token in ids)], dtype=np.intp)
            for bans in range(2 ** len(groups))
        ]
        """Ids that must not be drawn, for every set of bans: those that never must, and its own."""

    def slide(self, head: list[int], body: list[int], *, keep_tokens: int) -> tuple[list[int], list[int]]:
        """Drop the oldest whole lines of a song, as `window.slide` does."""
        return slide(head, body, keep_tokens=keep_tokens, line_ends=self.line_ends, sections=self.sections)


@dataclass
class Ahead:
    """What a take will see of its song once the window has slid, while it is still being read."""

    cache: Cache
    head: list[int]
    body: list[int]
    due: int
    """The take's count of tokens at which more of it is to be read."""

    @property
    def unread(self) -> list[int]:
        """Tokens still to be read; the last one of all is read by the step that follows it."""
        return [*self.head, *self.body][self.cache.lengths[0] : -1]


class Row:
    """A take while it is being written."""

    def __init__(
        self, take: int, prompt: Prompt, options: GenerationOptions, alphabet: Alphabet, head: list[int], body: list[int]
    ) -> None:  # fmt: skip
        """Begin a take.

        Args:
            take: which one, counted from 0.
            prompt: the place in a song to write at.
            options: of this take.
            alphabet: of the model.
            head: ids of the title.
            body: ids of the whole lyric so far.
        """
        self.take = take
        self.head, self.body = head, list(body)
        self.ahead: Ahead | None = None
        self.slid = False
        """Whether the oldest lines just went out of sight."""
        self.tokens = 0
        self.newest = -1
        """Id of the token drawn last, whether it became text or ended the take; -1 before the first."""
        self.finish: FinishReason | None = None
        self.drafter = Drafter(body, alphabet.is_form, alphabet.sections)
        self.reader = LyricReader(prompt, alphabet.format)
        self._options, self._alphabet = options, alphabet
        self._in_open_line = prompt.open_line
        self._titled = bool(prompt.song.title or prompt.song.sections)
        self.sampler = TokenSampler(options, alphabet.structural, body)
        self._decoder = StreamingDecoder(alphabet.tokenizer, whole_only=True)
        self._characters = alphabet.characters
        self._character = BETWEEN  # how far the character has come that was begun

    @property
    def tokens_left(self) -> int:
        """Tokens that may still be written."""
        return self._options.max_new_tokens - self.tokens

    def see(self, head: list[int], body: list[int]) -> None:
        """See no more of the song than this."""
        self.head, self.body = head, body
        self.ahead, self.slid = None, True

    def step(self, logits: Floats) -> str:
        """Draw the next token, and return the text it shows.

        Args:
            logits: (V,), overwritten.
        """
        unfit = self._characters.unfit[self._character]
        return self._take(self.sampler.draw(logits, self._alphabet.banned[self.bans()], unfit))

    def breaks_character(self, token: int) -> bool:
        """Return whether a token that was drawn elsewhere would break a character."""
        return bool(self._characters.unfit[self._character, token])

    def choose_again(self, logits: Floats) -> int:
        """Return what is drawn in the place of a token that would break a character.

        Args:
            logits: (V,) from which that one was drawn, overwritten.
        """
        unfit = self._characters.unfit[self._character]
        return self.sampler.choose(logits, self._alphabet.banned[self.bans()], unfit)

    def take_drawn(self, token: int) -> str:
        """Go on with a token that was drawn elsewhere, and return the text it shows."""
        self.sampler.note(token)
        return self._take(token)

    def _take(self, token: int) -> str:
        self.tokens += 1
        self.newest = token
        self._character = self._characters.follow(self._character, token)
        options, reader, alphabet = self._options, self.reader, self._alphabet
        if token in alphabet.ends:
            self.finish = FinishReason.END_OF_SONG
        elif token in alphabet.sections and options.stop_at_section and reader.finished_lines:
            self.finish = FinishReason.END_OF_SECTION
        if self.finish is not None:
            return self._close()
        self._append(token)
        begun = reader.sections_begun
        text = "".join(reader.feed(piece) for piece in self._decoder.feed(token))
        if options.max_lines and reader.finished_lines >= options.max_lines:
            self.finish = FinishReason.MAX_LINES
        elif (
            # A plain model ends its section with a blank line; before min_lines that begins one more stanza.
            alphabet.format is MarkupFormat.PLAIN and options.stop_at_section
            and reader.sections_begun > begun and reader.finished_lines >= max(1, options.min_lines)
        ):  # fmt: skip
            self.finish = FinishReason.END_OF_SECTION
        elif self.tokens >= options.max_new_tokens:
            self.finish = FinishReason.MAX_TOKENS
        return text + (self._close() if self.finish else "")

    def foresee(self, logits: Floats, guessed: Sequence[int]) -> tuple[int, float] | None:
        """Return what the take is likely to draw behind tokens that are only guessed, and its odds; None if there are none.

        Args:
            logits: of a network that only guesses, of any length.
            guessed: tokens behind the last one drawn.
        """
        size = len(self._alphabet.structural)
        known = np.full(size, -np.inf, np.float32)
        known[: len(logits)] = logits[:size]
        character = self._character
        for token in guessed:
            character = self._characters.follow(character, token)
        return self.sampler.foresee(
            known, self._alphabet.banned[self.bans()], guessed, self._characters.unfit[character]
        )

    def _append(self, token: int) -> None:
        self.body.append(token)
        self.drafter.note(token)
        if self.ahead is not None:
            self.ahead.body.append(token)

    def bans(self) -> int:
        """Return what must not be drawn next, beside what never must."""
        options, reader, banned = self._options, self.reader, 0
        if self._in_open_line and not self.tokens:
            return Ban.FORM  # a line that is to be finished gets a word at least
        if self._titled or reader.sections_begun:
            banned |= Ban.TITLES
        if reader.finished_lines < options.min_lines:
            banned |= Ban.END
            nothing_yet = reader.finished_lines == 0 and reader.sections_begun == 0
            if options.stay_in_section if nothing_yet else options.stop_at_section:
                banned |= Ban.SECTIONS
        return banned

    def _close(self) -> str:
        return "".join(self.reader.feed(piece) for piece in self._decoder.close()) + self.reader.close()
