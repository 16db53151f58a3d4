"""Songs as values, and the text format that people write them in. `headers` interprets section headers.

The text form: sections are divided by blank lines; a line such as ``[Chorus]`` or ``[Verse 2: Ann]`` alone is the header
of the section that follows; a section without a header is a verse. A header may be broken over rows among its singers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from songsmith.headers import SectionKind as SectionKind
from songsmith.headers import find_headers, is_instrumental
from songsmith.headers import parse_header as parse_header
from songsmith.safe_text import one_line as one_line
from songsmith.safe_text import strip_controls as strip_controls


class Author(StrEnum):
    """Who wrote a line."""

    PERSON = "person"
    MODEL = "model"


@dataclass(frozen=True)
class Line:
    """One line of a song: no line break in it, no space around it, never empty, never a header or a piece of one."""

    text: str
    author: Author = Author.PERSON


@dataclass(frozen=True)
class Section:
    """A verse, a chorus, a bridge: lines that belong together."""

    kind: SectionKind = SectionKind.VERSE
    lines: tuple[Line, ...] = ()
    label: str | None = None
    """The header as its writer put it (`Verse 2: Ann`); None is the plain one, which for a verse is no header at all."""

    @property
    def header(self) -> str | None:
        """The header line of this section, brackets included, or None where it needs none."""
        if self.label is not None:
            return f"[{self.label}]"
        if self.kind is SectionKind.VERSE and self.lines:
            return None
        return f"[{self.kind.header}]"


@dataclass(frozen=True)
class Song:
    """A song: its title, its artist, its sections in order."""

    title: str = ""
    sections: tuple[Section, ...] = ()
    artist: str = ""

    def __post_init__(self) -> None:
        # A bare header takes the stanza after it, so an unlabelled verse there (or with no lines) needs a header.
        sections: list[Section] = []
        for section in self.sections:
            after_empty = bool(sections) and not sections[-1].lines
            if section.kind is SectionKind.VERSE and section.label is None and (after_empty or not section.lines):
                section = replace(section, label=SectionKind.VERSE.header)
            sections.append(section)
        object.__setattr__(self, "sections", tuple(sections))

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every line of every section, in order."""
        return tuple(line for section in self.sections for line in section.lines)

    @property
    def name(self) -> str:
        """What to call the song: its title, else its first line, as hymn books do."""
        return self.title or (self.lines[0].text.rstrip(",;:.—- ") if self.lines else "Untitled")


@dataclass(frozen=True)
class PlacedSection:
    """A section and the rows of the text it was parsed from."""

    section: Section
    first_row: int
    """Row of its header, or of its first line where it has none; counted from 0."""
    end_row: int
    """The row after its last line."""
    rows: tuple[int, ...] = field(default=())
    """The row of each of its lines."""


def parse(text: str, *, title: str = "", artist: str = "", author: Author = Author.PERSON) -> Song:
    """Read a song from its text form. Any text is a song: what is not a header is a line.

    `parse(render(song)) == song` for every song whose lines keep what `Line` promises.
    """
    return Song(title, tuple(placed.section for placed in place_sections(text, author=author)), artist)


def place_sections(text: str, *, author: Author = Author.PERSON) -> list[PlacedSection]:
    """Parse `text` and say on which rows each section stands."""
    placed: list[PlacedSection] = []
    kind, label, first = SectionKind.VERSE, None, -1  # first < 0: no section is open
    lines: list[Line] = []
    rows: list[int] = []
    unsung = False  # the open section is one that nobody sings

    def close(row: int) -> None:
        nonlocal first
        if first >= 0:
            end = rows[-1] + 1 if rows else row
            placed.append(PlacedSection(Section(kind, tuple(lines), label), first, end, tuple(rows)))
        first = -1
        lines.clear()
        rows.clear()

    all_rows = text.splitlines()
    headers = {row: (height, header) for row, height, header in find_headers(all_rows)}
    below = 0  # the row after the last header
    for row, raw in enumerate(all_rows):
        stripped = raw.strip()
        if row < below:
            continue
        if row in headers:
            close(row)
            height, (kind, label) = headers[row]
            first, below = row, row + height
            unsung = label is not None and is_instrumental(label)
        elif stripped:
            if first < 0:
                kind, label, first = SectionKind.VERSE, None, row
            lines.append(Line(stripped, author))
            rows.append(row)
        elif lines or (unsung and first >= 0):
            close(row)
    close(len(all_rows))
    return placed


def render(song: Song, *, headers: bool = True) -> str:
    """Write a song in its text form: one line a row, each section after a blank line, a newline at the end.

    Args:
        song: to write.
        headers: whether sections have their headers; without, only what is sung is written.
    """
    return "\n".join("".join(f"{row}\n" for row in _rows(section, headers)) for section in song.sections)


def _rows(section: Section, headers: bool) -> Iterable[str]:
    if headers and section.header is not None:
        yield section.header
    for line in section.lines:
        yield line.text


def with_authors(song: Song, authors: Sequence[Author]) -> Song:
    """Return the song with these authors, one for each of its lines; a line past the last of them keeps its own."""
    waiting = iter(authors)

    def with_author(line: Line) -> Line:
        author = next(waiting, line.author)
        return line if author is line.author else replace(line, author=author)

    sections = tuple(replace(section, lines=tuple(map(with_author, section.lines))) for section in song.sections)
    return replace(song, sections=sections)
