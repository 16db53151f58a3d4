"""Recognise tables with one row per line of a song, as geniusr and tidytext write them, and join their songs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from songsmith.corpus.formats.import_options import ImportOptions
from songsmith.corpus.formats.json_songs import SYNONYMS, Keys, Place, read_song
from songsmith.corpus.formats.table_rows import BrokenRow, TableRows
from songsmith.corpus.formats.text_files import Cursor
from songsmith.corpus.records import RawRecord, SetAside
from songsmith.errors import InputError

LINE_TEXT = ("line", "line_text", "lyric_line", "lyrics_line", "line_lyrics", "text_line")
"""Names of columns that hold a line of a song and could not hold a whole song."""
_NUMBERS = ("line_number", "line_no", "line_num", "line_n", "linenumber", "line_index", "line_id", "line")
_SECTIONS = (
    "section_name", "section", "section_type", "song_section", "song_part", "part_name", "part", "element", "stanza",
    "stanza_number", "verse_number", "section_number", "section_id", "paragraph",
)  # fmt: skip
_SONGS = (
    "song_id", "track_id", "song_lyrics_url", "song_url", "album", "album_name", "track_n", "track_number", "track_no",
    "track_num",
)  # fmt: skip
_NO_VALUE = {"", "na", "nan", "null", "none"}
_LONGEST_LINE = 200
_FEWEST_ROWS = 6
ROWS_LOOKED_AT = 200
"""How many rows are looked at to recognise such a table."""
_MOST_SONGS_REMEMBERED = 200_000
_SORT = "Sort its rows by song and line first."


@dataclass(frozen=True, kw_only=True)
class LineColumns:
    """Which columns, by index, say what about a line."""

    text: int
    song: tuple[int, ...]
    """The columns that together identify a song."""
    number: int | None = None
    section: int | None = None

    def song_of(self, cells: Sequence[str]) -> tuple[str, ...]:
        """Return what identifies the song of a row."""
        return tuple(_cell(cells, place).strip() for place in self.song)


def fold_column(name: str) -> str:
    """Return the name of a column, folded for comparing."""
    return name.strip().casefold().replace(" ", "_").replace(".", "_")


def known_columns(columns: Iterable[str]) -> dict[str, str]:
    """Return the columns by their folded names."""
    return {fold_column(column): column for column in columns}


def find_line_columns(
    label: str, columns: Sequence[str], options: ImportOptions, rows: Sequence[Sequence[str]]
) -> LineColumns | None:
    """Return which columns say what about a line, if the first rows of a table show that it has one row per line; else None.

    Raises:
        InputError: it has, but does not say which song a line is from, or the lines of a song are not together.
    """
    places = {fold_column(column): place for place, column in reversed(list(enumerate(columns)))}

    def find(names: Iterable[str]) -> int | None:
        return next((places[name] for name in names if name in places), None)

    text = find([fold_column(options.text_column)] if options.text_column else (*SYNONYMS["text"], *LINE_TEXT))
    if text is None:
        return None
    title = find([fold_column(options.title_column)] if options.title_column else SYNONYMS["title"])
    artist = find([fold_column(options.artist_column)] if options.artist_column else SYNONYMS["artist"])
    number, section = find(name for name in _NUMBERS if places.get(name) != text), find(_SECTIONS)
    if number is not None and not all(_is_number(_cell(row, number)) for row in rows):
        number = None
    own = [place for place in (title, *(places.get(name) for name in _SONGS)) if place not in (None, text, number)]
    found = LineColumns(
        text=text, number=number, section=section if section != text else None,
        song=tuple(dict.fromkeys(place for place in (*own, artist) if place is not None and place != text)),
    )  # fmt: skip
    texts = [cell for row in rows if (cell := _cell(row, text).strip())]
    if not texts or any("\n" in cell or len(cell) > _LONGEST_LINE for cell in texts):
        return None
    is_named = fold_column(columns[text]) in LINE_TEXT
    if not own and number is None:
        if is_named:
            raise InputError(
                f"{label} has one row per line of lyrics, but no column that says which song a line belongs to.",
                "Name one with --title-column.",
            )
        return None
    songs = [found.song_of(row) for row in rows]
    together = sum(before == after for before, after in pairwise(songs))
    again = len(songs) - together - len(set(songs))  # songs that continue after another one
    if is_named or number is not None or found.section is not None:
        is_by_line = together > 0 or again > 0
    else:
        is_by_line = len(rows) >= _FEWEST_ROWS and together > len(songs) // 2 and all(map(any, songs))
    if is_by_line and again > 0 and (own or number is None):
        raise InputError(f"{label} has one row per line of lyrics, but the lines of a song aren't together.", _SORT)
    return found if is_by_line else None


def refuse_line_rows(label: str, rows: Sequence[Mapping[str, Any]], options: ImportOptions) -> None:
    """Check that the first objects of a file are songs, not lines of songs, which are put together only from CSV and TSV.

    Raises:
        InputError: they are lines.
    """
    columns = list(dict.fromkeys(name for row in rows for name in row))
    cells = [["" if (cell := row.get(name)) is None else str(cell) for name in columns] for row in rows]
    if columns and find_line_columns(label, columns, options, cells):
        raise InputError(
            f"{label} has one row a line of a song.",
            "Save it as CSV: the rows of a CSV file are put together into songs.",
        )


def join_lines(
    rows: TableRows, place: "partial[Place]", columns: Sequence[str], keys: Keys, found: LineColumns, cursor: Cursor
) -> Iterator[RawRecord | SetAside]:
    """Yield the songs put together from rows; the cursor is advanced from song to song."""
    song: _Lines | None = None
    done: set[int] = set()
    before = (rows.at, rows.line)
    for cells in rows:
        here = place(where=f"line {rows.first_line}")
        if isinstance(cells, BrokenRow):
            yield SetAside(id=here.label, title=here.where, reason=cells.reason)
        elif song is None or not song.goes_on(cells):
            if song is not None:
                cursor.at, cursor.line = before
                yield song.finish(keys, done)
            song = _Lines(here, columns, found, cells, after=song, longest=rows.limits.longest_song)
        else:
            song.add(cells)
        before = (rows.at, rows.line)
    if song is not None:
        cursor.at, cursor.line = before
        yield song.finish(keys, done)


class _Lines:
    """A song that is being put together."""

    def __init__(
        self, place: Place, columns: Sequence[str], found: LineColumns, cells: Sequence[str], *, after: "_Lines | None",
        longest: int,
    ) -> None:  # fmt: skip
        self._place, self._found, self._longest = place, found, longest
        self._song = found.song_of(cells)
        self._is_another = after is not None and after._song == self._song  # its lines are counted anew
        self._metadata = dict(zip(columns, cells, strict=False))
        for column in (found.text, found.number, found.section):
            if column is not None:
                self._metadata.pop(columns[column], None)
        self._columns = columns
        self._lines: list[str] = []
        self._section, self._number, self._length = "", -1, 0
        self.add(cells)

    def goes_on(self, cells: Sequence[str]) -> bool:
        """Return whether a row is of this song."""
        number = _number(_cell(cells, self._found.number))
        return self._found.song_of(cells) == self._song and not (-1 < number <= 1 and self._number > number)

    def add(self, cells: Sequence[str]) -> None:
        """Add a line, and a header before it where a section begins."""
        section = _value(_cell(cells, self._found.section)).strip("[]")
        if section != self._section:
            self._add("" if self._lines else None, f"[{section}]" if section and not _is_number(section) else None)
            self._section = section
        self._add(_value(_cell(cells, self._found.text)))
        self._number = _number(_cell(cells, self._found.number))
        # Values that are not the same in every row describe lines, not the song.
        differing = [
            name for name, cell in zip(self._columns, cells, strict=False) if self._metadata.get(name, cell) != cell
        ]
        for name in differing:
            del self._metadata[name]

    def finish(self, keys: Keys, done: set[int]) -> RawRecord | SetAside:
        """Return the song, unless some of its lines came before; `done` is updated."""
        record: RawRecord | SetAside
        song = hash(self._song)
        row = {name: cell for name, cell in self._metadata.items() if name and cell}
        record = read_song(row | {keys.text[0]: "\n".join(self._lines).strip("\n")}, self._place, keys)
        if self._length > self._longest:
            record = SetAside(id=self._place.label, title=record.title, reason="longer than any song")
        elif song in done and not self._is_another:
            reason = "other lines of this song are elsewhere in the table; sort its rows by song and line"
            record = SetAside(id=self._place.label, title=record.title, reason=reason)
        if len(done) < _MOST_SONGS_REMEMBERED:
            done.add(song)
        return record

    def _add(self, *lines: str | None) -> None:
        for line in lines:
            if line is not None:
                self._length += len(line) + 1
                if self._length <= self._longest:
                    self._lines.append(line)


def _cell(cells: Sequence[str], place: int | None) -> str:
    return cells[place] if place is not None and place < len(cells) else ""


def _value(cell: str) -> str:
    cell = cell.strip()
    return "" if cell.casefold() in _NO_VALUE else cell


def _is_number(cell: str) -> bool:
    return _number(cell) >= 0 or cell.strip().casefold() in _NO_VALUE


def _number(cell: str) -> int:
    """Return the number in a cell; below 0: there is none."""
    cell = cell.strip().removesuffix(".0")
    return int(cell) if cell.isdecimal() and len(cell) < 10 else -1
