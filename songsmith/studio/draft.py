"""A song while it is being written: an immutable value with the author of each row and every version of each section.

Pure: each operation returns a new draft. Knows no library, no model and no screen.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from difflib import SequenceMatcher
from typing import Any, Self

from songsmith.lyrics import Author, PlacedSection, SectionKind, Song, parse, parse_header, place_sections
from songsmith.markup import Prompt
from songsmith.studio.repeats import find_repeated

_MOST_PAIRS = 50_000
# All that str.splitlines() breaks at; a draft breaks at newlines only, so that rows mean the same everywhere.
_BREAKS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")


@dataclass(frozen=True, kw_only=True)
class Version:
    """One wording of a section's lines."""

    lines: tuple[str, ...]
    authors: tuple[Author, ...]
    """Who wrote each line."""
    take_id: str | None = None
    """The take it came with; None where a person wrote it."""


@dataclass(frozen=True, kw_only=True)
class SectionHistory:
    """All versions of one section, oldest first."""

    versions: tuple[Version, ...] = ()
    current: int = 0
    """The index of the one that the text shows, or was edited from."""


@dataclass(frozen=True, kw_only=True)
class Rewrite:
    """Where a section is to be rewritten, and the prompt for it."""

    prompt: Prompt
    start: int
    """Offset of the first character to be replaced."""
    end: int
    """Offset behind the last."""
    lines: int
    """Lines to be replaced: as many are to be written."""
    replaced_take_id: str | None
    """The take the old lines came with."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """The song being written."""

    text: str = ""
    """The lyric as it was typed, with headers; rows are separated by newlines."""
    title: str = ""
    authors: tuple[Author, ...] = (Author.PERSON,)
    """Who wrote each row."""
    histories: tuple[SectionHistory, ...] = ()
    """The versions of each section, in the order of `sections`."""
    removed_versions: tuple[Version, ...] = ()
    """Versions of sections that no longer exist: cut, or joined to another."""

    @property
    def rows(self) -> list[str]:
        """The text's rows."""
        return self.text.split("\n")

    @property
    def sections(self) -> list[PlacedSection]:
        """The sections and where they stand."""
        return place_sections(self.text)

    @property
    def line_authors(self) -> tuple[Author, ...]:
        """Who wrote each lyric line: rows that are neither blank nor headers."""
        return tuple(self.authors[row] for section in self.sections for row in section.rows)

    @property
    def song(self) -> Song:
        """The song parsed from the text."""
        return parse(self.text, title=self.title)

    def with_text(self, text: str, author: Author) -> Self:
        """Return the draft after `author` turned its text into `text`.

        Rows and sections that are unchanged keep their authors and versions; a section edited in place keeps its versions.
        """
        text = _BREAKS.sub("\n", text)
        if text == self.text:
            return self
        before, after = self.rows, text.split("\n")
        authors = [author] * len(after)
        for old, new in _stayed(before, after):
            authors[new] = self.authors[old]
        old_sections = [_wording(section) for section in self.sections]
        new_sections = [_wording(section) for section in place_sections(text)]
        histories, removed_versions = [SectionHistory()] * len(new_sections), list(self.removed_versions)
        pairs = _stayed(old_sections, new_sections, edited_in_place=True)
        for old, new in pairs:
            histories[new] = self.histories[old]
        for old in sorted(set(range(len(old_sections))) - {old for old, _ in pairs}):
            removed_versions += self.histories[old].versions
        return replace(
            self,
            text=text,
            authors=tuple(authors),
            histories=tuple(histories),
            removed_versions=tuple(removed_versions),
        )

    def section_at(self, row: int) -> int | None:
        """Return the section a row belongs to; between sections, the one before; None in a draft without any."""
        sections = self.sections
        before = [place for place, section in enumerate(sections) if section.first_row <= row]
        return before[-1] if before else (0 if sections else None)

    def continuation(self) -> tuple[Self, Prompt]:
        """Return the draft prepared for continuing at its end, and the prompt. A blank line at the end asks for a new verse."""
        stripped = self.text.rstrip()
        new_verse = bool(stripped) and self.text[len(stripped) :].count("\n") > 1
        ready = self.with_text(f"{stripped}\n" if stripped else "", Author.PERSON)
        song = parse(ready.text, title=self.title)
        if new_verse and song.sections[-1].lines:
            return ready, Prompt(song=song, next_section=SectionKind.VERSE)
        return ready, Prompt(song=song)

    def repeated(self) -> Self | None:
        """Return the draft with the words that a bare header at its end repeats, or None where it repeats none."""
        sections = self.sections
        source = find_repeated([placed.section for placed in sections])
        if source is None:
            return None
        version, last = self.shown(source), len(sections) - 1
        stripped = self.text.rstrip()
        longer = self.with_text("\n".join([stripped, *version.lines]), Author.PERSON)
        authors = (*longer.authors[: len(longer.authors) - len(version.lines)], *version.authors)
        return replace(longer, authors=authors).with_snapshot(last, take_id=version.take_id)

    def rewrite(self, index: int) -> Rewrite:
        """Return how to rewrite a section. Lines by a person at its beginning stay, if a model wrote the rest."""
        section, rows = self.sections[index], self.rows
        kept = 0
        if any(self.authors[row] is Author.MODEL for row in section.rows):
            while self.authors[section.rows[kept]] is Author.PERSON:
                kept += 1
        changing = section.rows[kept:]
        first = changing[0] if changing else section.end_row
        shown = rows[:first]
        headless = kept == 0 and section.section.header is None
        song = parse("\n".join(shown), title=self.title or self.song.name)
        history = self.histories[index]
        return Rewrite(
            prompt=Prompt(song=song, next_section=SectionKind.VERSE if headless else None),
            start=len("".join(f"{row}\n" for row in shown)),
            end=len("\n".join(rows[: section.end_row])),
            lines=len(changing),
            replaced_take_id=history.versions[history.current].take_id if history.versions else None,
        )

    def shown(self, index: int) -> Version:
        """Return the version of a section that the text shows."""
        section, history = self.sections[index], self.histories[index]
        lines = tuple(line.text for line in section.section.lines)
        known = history.versions[history.current] if history.versions else None
        if known is not None and known.lines == lines:
            return known
        return Version(lines=lines, authors=tuple(self.authors[row] for row in section.rows))

    def with_snapshot(self, index: int, *, take_id: str | None = None) -> Self:
        """Return the draft with what a section shows added to its versions."""
        version, history = self.shown(index), self.histories[index]
        if take_id is not None:
            version = replace(version, take_id=take_id)
        if version in history.versions:
            changed = replace(history, current=history.versions.index(version))
        else:
            changed = SectionHistory(versions=(*history.versions, version), current=len(history.versions))
        return self._with_history(index, changed)

    def with_version(self, index: int, by: int) -> Self:
        """Return the draft with another version of a section shown, `by` places on; it stops at both ends."""
        ready = self.with_snapshot(index)
        history = ready.histories[index]
        current = min(max(history.current + by, 0), len(history.versions) - 1)
        if current == history.current:
            return ready
        version = history.versions[current]
        section, rows = ready.sections[index], ready.rows
        first = section.end_row - len(section.rows)
        text = "\n".join([*rows[:first], *version.lines, *rows[section.end_row :]])
        changed = ready.with_text(text, Author.PERSON)
        authors = (*ready.authors[:first], *version.authors, *ready.authors[section.end_row :])
        return replace(changed, authors=authors)._with_history(index, replace(history, current=current))

    def _with_history(self, index: int, history: SectionHistory) -> Self:
        return replace(self, histories=(*self.histories[:index], history, *self.histories[index + 1 :]))

    def as_json(self) -> dict[str, Any]:
        """Return what the text alone does not hold, as JSON values."""
        return {  # under the keys that libraries have always held
            "authors": list(self.authors),
            "slots": [asdict(history) for history in self.histories],
            "attic": [asdict(version) for version in self.removed_versions],
        }

    @classmethod
    def from_json(
        cls, text: str, title: str, values: Mapping[str, Any], *, line_authors: Sequence[Author] = ()
    ) -> Self:
        """Return the draft that `as_json` described; what does not fit the text is left out.

        Args:
            text: the lyric.
            title: the song's title.
            values: what `as_json` returned; empty for a song that was not written in a workshop.
            line_authors: who wrote each lyric line, where `values` do not say who wrote each row.
        """
        draft = cls(title=title).with_text(text, Author.PERSON)
        authors: tuple[Author, ...] = ()
        histories: tuple[SectionHistory, ...] = ()
        with suppress(*_MISFITS):
            authors = tuple(Author(author) for author in values.get("authors", ()))
        with suppress(*_MISFITS):
            histories = tuple(map(_read_history, values.get("slots", ())))
        with suppress(*_MISFITS):
            draft = replace(draft, removed_versions=tuple(map(_read_version, values.get("attic", ()))))
        if len(authors) != len(draft.authors):
            rows = [row for section in draft.sections for row in section.rows]
            known = dict(zip(rows, line_authors, strict=False))
            authors = tuple(known.get(row, author) for row, author in enumerate(draft.authors))
        draft = replace(draft, authors=authors)
        if len(histories) == len(draft.histories):
            draft = replace(draft, histories=histories)
        return draft


_MISFITS = (ValueError, TypeError, LookupError, AttributeError)
"""The errors that values of the wrong shape raise."""


def _read_history(values: Mapping[str, Any]) -> SectionHistory:
    history = SectionHistory(versions=tuple(map(_read_version, values["versions"])), current=values["current"])
    if not isinstance(history.current, int) or not 0 <= history.current < max(len(history.versions), 1):
        raise ValueError("there is no such version")
    return history


def _read_version(values: Mapping[str, Any]) -> Version:
    lines, authors, take_id = tuple(values["lines"]), tuple(map(Author, values["authors"])), values["take_id"]
    "".join(lines).encode()  # raises for half a character, and for anything but text
    if len(lines) != len(authors) or any(_BREAKS.search(line) or "\n" in line for line in lines):
        raise ValueError("these are not its lines")
    if not isinstance(take_id, str | None):
        raise TypeError("this names no take")
    return Version(lines=lines, authors=authors, take_id=take_id)


def title_and_lyric(pasted: str) -> tuple[str, str]:
    """Return the title of a text pasted into the title field, and the other lines.

    A section header that other lines follow is not a title: then everything is lyric.
    """
    lines = pasted.splitlines()
    while lines and not lines[0].strip():
        del lines[0]
    if len(lines) > 1 and parse_header(lines[0].strip()) is not None:
        return "", "\n".join(lines).rstrip("\n")
    return "".join(lines[:1]), "\n".join(lines[1:]).strip("\n")


def move_offset(offset: int, before: str, after: str) -> int:
    """Return the offset in an edited text of an offset in the text before; one inside the edit moves to its end."""
    start, end = edited_span(before, after)
    if offset <= start:
        return offset
    return max(offset, end) + len(after) - len(before)


def edited_span(before: Sequence[Any], after: Sequence[Any]) -> tuple[int, int]:
    """Return the span of `before` outside which the two are equal."""
    most = min(len(before), len(after))
    start = 0
    while start < most and before[start] == after[start]:
        start += 1
    same = 0
    while same < most - start and before[len(before) - 1 - same] == after[len(after) - 1 - same]:
        same += 1
    return start, len(before) - same


def is_inserted(old: str, new: str, place: int) -> bool:
    """Return whether `new` is `old` with text inserted at `place`; among equal letters, any may be the new one."""
    return old[:place] == new[:place] and new.endswith(old[place:]) and len(new) - len(old[place:]) >= place


def _stayed(before: Sequence[Any], after: Sequence[Any], *, edited_in_place: bool = False) -> list[tuple[int, int]]:
    """Return pairs of places in two sequences that hold the same item.

    With `edited_in_place`, what was replaced is paired with what replaced it, in order, as far as it goes.
    """
    start, end = edited_span(before, after)
    shift = len(after) - len(before)
    pairs = [(place, place) for place in range(start)]
    old_part, new_part = before[start:end], after[start : end + shift]
    counts = Counter(new_part)
    # With very many equal items the matcher would take minutes: it skips the most frequent, which are then paired in order.
    many = sum(counts[item] for item in old_part) > _MOST_PAIRS
    matcher = SequenceMatcher(None, old_part, new_part, autojunk=many)
    for tag, old, old_end, new, new_end in matcher.get_opcodes():
        if tag == "equal" or edited_in_place:
            pairs += zip(range(start + old, start + old_end), range(start + new, start + new_end), strict=False)
        elif many and tag == "replace":
            alike = _pair_in_order(old_part[old:old_end], new_part[new:new_end])
            pairs += [(start + old + left, start + new + right) for left, right in alike]
    return pairs + [(place, place + shift) for place in range(end, len(before))]


def _pair_in_order(before: Sequence[Any], after: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """Yield pairs of places that hold the same item: each of `after` with the first of `before` that none has passed yet."""
    places: dict[Any, list[int]] = {}
    for place, item in enumerate(before):
        places.setdefault(item, []).append(place)
    passed = -1
    for place, item in enumerate(after):
        known = places.get(item, [])
        if (index := bisect_right(known, passed)) < len(known):
            passed = known[index]
            yield passed, place


def _wording(section: PlacedSection) -> tuple[str, ...]:
    return (section.section.header or "", *(line.text for line in section.section.lines))
