"""Read what a model writes as a lyric, piece by piece: without marks, control characters or plans."""

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache

from songsmith.lyrics import Line, Section, SectionKind, Song, parse, parse_header, strip_controls
from songsmith.markup import (
    ARTIST,
    END,
    LINE,
    MARKS,
    RHYME,
    SECTIONS,
    SYLLABLES,
    TITLE,
    LinePlan,
    Mark,
    MarkupFormat,
    Piece,
    Prompt,
    spelled_marks,
)

_KIND_OF_MARK = {mark: kind for kind, mark in SECTIONS.items()}
_LONGEST_MARK = max(map(len, MARKS))


@cache
def _mark_ends() -> re.Pattern[str]:
    return re.compile(f"({'|'.join(re.escape(mark[:-1]) for mark in sorted(MARKS))})>+")


class LyricReader:
    """Turns the pieces a model writes into lyric text, one at a time.

    Whatever the pieces, it returns only what may be shown: no marks (not even spelled out in text), no control characters,
    no plans, no empty lines inside a section. The texts it returns, appended to `prompt.text`, are the song.
    """

    def __init__(self, prompt: Prompt, format: MarkupFormat) -> None:
        """Start reading at the position of `prompt`."""
        self.title = ""
        self.ended = False
        """The model ended the song."""
        self.finished_lines = 0
        """Finished lines, including the open line of the prompt."""
        self.sections_begun = 0
        """Sections started after the prompt; the one that the prompt is in, or asks for, is not counted."""
        self.plans: list[LinePlan] = []
        """The plan of each finished line."""
        self._plain = format is MarkupFormat.PLAIN
        self._only_lines = format is MarkupFormat.LINES
        self._field = "line" if prompt.open_line or self._plain else "between"
        self._text_before = bool(prompt.song.sections)
        self._pending: Section | None = None
        if prompt.next_section is not None or not self._text_before:
            self._pending = Section(prompt.next_section or SectionKind.VERSE)
        self._line_begun = prompt.open_line
        self._line = prompt.text.rpartition("\n")[2][-_LONGEST_MARK:]
        self._space = ""
        self._opening = ""
        self._held = ""
        self._syllables: int | None = None
        self._rhyme = ""

    def feed(self, piece: Piece) -> str:
        """Take one piece and return the text that became visible with it."""
        if isinstance(piece, Mark):
            return self._release() + self._take_mark(piece)
        text = self._held + strip_controls(piece)
        # A mark may be spelled across several pieces: hold back text that could still become one.
        start = text.rfind("<", max(0, len(text) - _LONGEST_MARK + 1))
        hold = start >= 0 and text[start:] not in MARKS and any(mark.startswith(text[start:]) for mark in MARKS)
        self._held = text[start:] if hold else ""
        return self._take_text(spelled_marks().sub("", text[:start] if hold else text))

    def close(self) -> str:
        """Finish the open line, and return the remaining text."""
        return self._release() + self._end_line()

    def _release(self) -> str:
        held, self._held = self._held, ""
        return self._take_text(held)

    def _take_mark(self, mark: Mark) -> str:
        text = "" if self._plain and mark is not END else self._end_line()
        if mark == END:
            self.ended = not self._only_lines
        elif self._plain:
            return ""
        elif mark in _KIND_OF_MARK:
            self._pending = Section(_KIND_OF_MARK[mark])
            self.sections_begun += 1
            self._field = "between"
        elif mark == LINE:
            self._field = "line"
        elif mark in (TITLE, ARTIST):
            self._field = mark.strip("<|>")
        elif mark == RHYME:
            self._field = "rhyme"
        elif mark in SYLLABLES:
            self._syllables = SYLLABLES.index(mark) + 1
            self._field = "plan"
        return text

    def _take_text(self, text: str) -> str:
        shown = []
        for part in re.split("(\n)", text):
            if part == "\n":
                shown.append(self._end_line())
                if not self._plain:
                    self._field = "between"
            elif self._field == "title":
                self.title = _mark_ends().sub(r"\1", self.title + part)
            elif self._field == "rhyme":
                self._rhyme += part
            elif self._field == "line" or (self._field == "between" and part.strip()):
                self._field = "line"
                shown.append(self._write(part))
        return "".join(shown)

    def _write(self, text: str) -> str:
        if not self._line_begun:
            self._opening += text
            # Text that starts with a bracket may become a header: it is shown once the line is complete.
            if self._opening.lstrip()[:1] in ("", "["):
                return ""
            text, self._opening = self._opening, ""
        return self._show(text)

    def _show(self, text: str) -> str:
        visible = text.strip()
        if not visible:
            self._space += text
            return ""
        before = self._separator()
        if self._line_begun:
            visible = self._space + text[: len(text) - len(text.lstrip())] + visible
        self._space = text[len(text.rstrip()) :]
        self._line_begun = True
        # Removing a mark can join the halves of another one: its closing bracket is removed.
        line = _mark_ends().sub(r"\1", self._line + visible)
        visible, self._line = line[len(self._line) :], line[-_LONGEST_MARK:]
        return before + visible

    def _separator(self) -> str:
        if self._line_begun:
            return ""
        if self._pending is None:
            self._text_before = True
            return ""
        header = replace(self._pending, lines=(Line("-"),)).header
        gap = "\n" if self._text_before else ""
        self._pending, self._text_before = None, True
        return f"{gap}{header}\n" if header else gap

    def _end_line(self) -> str:
        opening, self._opening = self._opening.strip(), ""
        header = parse_header(opening)
        if header is not None:
            # A header written as text starts a section, too.
            self._pending = Section(header[0], label=header[1])
            self.sections_begun += 1
            self._syllables, self._rhyme = None, ""
            return ""
        shown = self._show(opening) if opening else ""
        self._space = ""
        if not self._line_begun:
            if self._plain and self._text_before and self._pending is None and self._field == "line":
                self._pending = Section()  # a blank line ends a section
                self.sections_begun += 1
            return ""
        self._line_begun = False
        self._line = ""
        self.finished_lines += 1
        self.plans.append(LinePlan(syllables=self._syllables, rhyme=self._rhyme.strip() or None))
        self._syllables, self._rhyme = None, ""
        return shown + "\n"


def read_song(pieces: Iterable[Piece], format: MarkupFormat = MarkupFormat.MARKUP) -> tuple[Song, list[LinePlan]]:
    """Read one whole song, with the plan of each line: the inverse of `write_documents` for songs without labels."""
    reader = LyricReader(Prompt(), format)
    text = "".join(reader.feed(piece) for piece in pieces if not (piece == END and isinstance(piece, Mark)))
    song = parse(text + reader.close())
    return Song(reader.title.strip(), song.sections), reader.plans
