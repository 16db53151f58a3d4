"""The text that a model sees, defined once for training, prompts and evaluation.

Three formats. `markup` is for models trained here on whole songs::

    <|endoftext|><|title|>Red River Valley<|artist|>Traditional
    <|verse|>
    <|syl:10|><|rhyme|>going<|line|>From this valley they say you are going
    <|endoftext|>

`lines` is for models trained here on lines, each between two `<|endoftext|>`: they know no titles and no sections.
`plain` is for any other model: the title, a blank line, then the lyric as people write it. Marks are pieces apart from
text (`Mark` against `str`), so text that spells a mark stays text. Knows neither tokens nor models.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from functools import cache
from itertools import chain

from songsmith.lyrics import Line, Section, SectionKind, Song, render


class MarkupFormat(StrEnum):
    """How a model's training text was laid out."""

    MARKUP = "markup"
    LINES = "lines"
    PLAIN = "plain"


class Mark(str):
    """One special token. A type of its own, so that text which happens to spell it is not it."""

    __slots__ = ()


END = Mark("<|endoftext|>")
TITLE = Mark("<|title|>")
ARTIST = Mark("<|artist|>")
LINE = Mark("<|line|>")
RHYME = Mark("<|rhyme|>")
SECTIONS: dict[SectionKind, Mark] = {kind: Mark(f"<|{kind}|>") for kind in SectionKind}
SYLLABLES: tuple[Mark, ...] = tuple(Mark(f"<|syl:{count}|>") for count in range(1, 25))
RESERVED: tuple[Mark, ...] = tuple(Mark(f"<|reserved:{number}|>") for number in range(1, 9))
"""Not used yet: every tokenizer trained here has them, so that a new mark needs no new vocabulary."""
ORDERED_MARKS: tuple[Mark, ...] = (END, TITLE, ARTIST, *SECTIONS.values(), LINE, RHYME, *SYLLABLES, *RESERVED)
"""Every mark, in the order a tokenizer trained here numbers them from 0."""
MARKS: frozenset[Mark] = frozenset(ORDERED_MARKS)

_FEW_LINES = 4

Piece = Mark | str


@cache
def spelled_marks() -> re.Pattern[str]:
    """Return a pattern of every mark, spelled out in text."""
    return re.compile("|".join(re.escape(mark) for mark in sorted(MARKS)))


def find_mark(text: str) -> str | None:
    """Return the first mark that `text` spells out, or None."""
    match = spelled_marks().search(text)
    return match.group() if match else None


@dataclass(frozen=True, kw_only=True)
class LinePlan:
    """Properties of a line, given to the model before the line."""

    syllables: int | None = None
    """Syllables in the line, 1 to 24."""
    rhyme: str | None = None
    """The word it ends in, lower case."""


class Role(IntEnum):
    """Whether a span is always there. Training drops all others at random, so that a model writes with or without them."""

    TEXT = 0
    """Always there."""
    SYLLABLES = 1
    """The number of syllables planned for a line."""
    RHYME = 2
    """The last word planned for a line."""
    ARTIST = 3
    """The artist of the song."""


@dataclass(frozen=True)
class Span:
    """Pieces that are there, or are dropped, together."""

    pieces: tuple[Piece, ...]
    role: Role = Role.TEXT
    line: int = 0
    """Line of the song it belongs to, counted from 0."""


@dataclass(frozen=True)
class Document:
    """The text from one `<|endoftext|>` to before the next: a song, or one line of it."""

    head: tuple[Span, ...] = (Span((END,)),)
    """`<|endoftext|>`, title and artist: given to the model, and kept when the context window slides."""
    body: tuple[Span, ...] = ()
    """The lyric, which the model predicts."""
    lyric: str = ""
    """The words of the body as people read them, without section headers."""

    @property
    def spans(self) -> tuple[Span, ...]:
        """Head and body."""
        return self.head + self.body

    @property
    def pieces(self) -> list[Piece]:
        """Every piece of head and body."""
        return join_spans(self.spans)


def join_spans(spans: Iterable[Span]) -> list[Piece]:
    """Return the pieces of spans, in order."""
    return list(chain.from_iterable(span.pieces for span in spans))


def write_documents(
    song: Song, format: MarkupFormat, plans: Sequence[LinePlan] = (), *, headers: bool = True
) -> list[Document]:
    """Return the text that a model of a format sees of a song: one document, or one for each line in `lines`.

    Args:
        song: labels of sections are left out of `markup`, where a song without a title is called by its first line.
        format: of the model.
        plans: one for each line of the song, or none at all; `plain` leaves them out.
        headers: whether `plain` text has section headers.
    """
    planned = [*plans] or [LinePlan()] * len(song.lines)
    if format is MarkupFormat.LINES:
        lines = zip(song.lines, planned, strict=True)
        return [
            Document(body=tuple(_line_spans(line, plan, number)), lyric=f"{line.text}\n")
            for number, (line, plan) in enumerate(lines)
        ]
    lyric = render(song, headers=False)
    if format is MarkupFormat.PLAIN:
        text = render(song) if headers else lyric
        title = (f"{song.title}\n\n",) if song.title else ()
        return [Document((Span((END, *title)),), (Span((text,)),) if text else (), lyric)]
    body: list[Span] = []
    numbered = enumerate(planned)
    for section in song.sections:
        body.append(Span(_section_start(section.kind)))
        for line in section.lines:
            number, plan = next(numbered)
            body += _line_spans(line, plan, number)
    return [Document((Span((END,)), *_title_spans(song)), tuple(body), lyric)]


def _title_spans(song: Song) -> tuple[Span, ...]:
    # A song without a title is named by its first line: models only see songs with titles in training.
    title = " ".join((song.name if song.lines else song.title).split())
    artist = " ".join(song.artist.split())
    if not title and not artist:
        return ()
    named = (Span((ARTIST, artist), Role.ARTIST),) if artist else ()
    return Span((TITLE, title)), *named, Span(("\n",))


def _section_start(kind: SectionKind) -> tuple[Piece, ...]:
    return SECTIONS[kind], "\n"


def _line_spans(line: Line, plan: LinePlan, number: int) -> Iterator[Span]:
    if plan.syllables is not None:
        yield Span((SYLLABLES[plan.syllables - 1],), Role.SYLLABLES, number)
    if plan.rhyme is not None:
        yield Span((RHYME, plan.rhyme), Role.RHYME, number)
    yield Span((LINE, f"{line.text}\n"), line=number)


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A position in a song, at which the model continues it."""

    song: Song = field(default_factory=Song)
    """Title, artist, and the lyric before that position."""
    open_line: bool = False
    """The last line is unfinished; the model continues it."""
    next_section: SectionKind | None = None
    """Start a section of this kind; None leaves it to the model."""

    @property
    def in_unfinished_section(self) -> bool:
        """Whether the last section is so short that the model should add lines to it before it starts another."""
        *before, last = self.song.sections or (Section(lines=(Line("-"),) * _FEW_LINES),)
        if self.next_section is not None:
            return True
        # A repeated section is complete, however short it is.
        words = [line.text for line in last.lines]
        sung = bool(words) and any(words == [line.text for line in section.lines] for section in before)
        return len(words) < _FEW_LINES and not sung

    @property
    def text(self) -> str:
        """The lyric before the position, exactly as takes continue it: without a newline after an open line."""
        text = render(self.song)
        return text.removesuffix("\n") if self.open_line else text

    def pieces(self, format: MarkupFormat) -> tuple[list[Piece], list[Piece]]:
        """Return the text of the prompt: the head, which is kept when the context window slides, and the body."""
        first, *others = write_documents(self.song, format) or [Document()]
        body = [*join_spans(first.body), *chain.from_iterable(document.pieces for document in others)]
        if self.open_line:
            body[-1:] = [piece.removesuffix("\n") for piece in body[-1:]]
        elif format is MarkupFormat.LINES and body:
            body.append(END)  # a finished line is a whole document
        if self.next_section is not None:
            if format is MarkupFormat.MARKUP:
                body += _section_start(self.next_section)
            elif format is MarkupFormat.PLAIN and self.song.lines:
                body[-1] += "\n"
        return join_spans(first.head), body
