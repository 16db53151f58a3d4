"""Songs out of files: text, JSONL, JSON of lyricsgenius, tables. Refuses what is no text; sets aside what is no song.

Nothing is ever held whole but a song, a row, or the one value of a `.json` file.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from songsmith.corpus.json_songs import SYNONYMS, Keys, Place, read_song, read_songs
from songsmith.corpus.records import RawRecord, SetAside, has_words, identify
from songsmith.corpus.text_files import LONGEST_LINE_BYTES, TextFile
from songsmith.errors import InputError, UsageError
from songsmith.markup import find_mark

KINDS = (".txt", ".jsonl", ".ndjson", ".json", ".csv", ".tsv")
"""Endings that say what a file holds; each may be followed by `.gz`. Any other is taken for text."""
_DIVIDERS = ("<|startoftext|>", "<|endoftext|>")
_LONGEST_SONG = 16 << 20
_LONGEST_JSON_BYTES = 256 << 20
_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """How to read files that leave a choice."""

    text_column: str = ""
    """Column or key with the lyrics; empty: text or lyrics, or what else is usual."""
    title_column: str = ""
    """Column or key with the title."""
    artist_column: str = ""
    """Column or key with the artist."""
    separator: str = ""
    """What divides the songs of a text file, besides `<|endoftext|>` and `<|startoftext|>`."""

    @property
    def keys(self) -> Keys:
        """The keys of a song in JSON."""
        asked = {"text": self.text_column, "title": self.title_column, "artist": self.artist_column}
        return Keys(**{part: (key,) for part, key in asked.items() if key})


class Importer:
    """The songs of a file, or of the files in a folder."""

    def __init__(self, path: Path, options: ImportOptions | None = None) -> None:
        """Find the files; nothing is read yet.

        Raises:
            InputError: there are none.
        """
        self.path = path
        self._options = options or ImportOptions()
        self._is_folder = _is_folder(path)
        self._files = [TextFile(file) for file in (_files_in(path) if self._is_folder else [path])]
        self._refused: dict[Path, InputError] = {}
        self._bytes_done = 0
        # Every file is read twice: checked, then taken.
        self.bytes_total = 2 * sum(file.size_bytes for file in self._files)

    @property
    def name(self) -> str:
        """What to call these songs: the folder's name, or the file's without its endings."""
        return self.path.absolute().name if self._is_folder else self._files[0].name

    @property
    def bytes_read(self) -> int:
        """How much of `bytes_total` is done."""
        return self._bytes_done + sum(file.bytes_read for file in self._files)

    def check(self) -> Iterator[None]:
        """See whether the files are text, pausing now and then. In a folder, one that is none is left for `songs` to tell.

        Raises:
            InputError: the file is no text, or none in the folder is.
        """
        for file in self._files:
            try:
                for _ in file.check():
                    yield
            except InputError as error:
                if not self._is_folder:
                    raise
                self._refused[file.path] = error
            self._bytes_done += file.size_bytes
        if len(self._refused) == len(self._files):
            raise InputError(f"No file in {self.path} is text.", "Give files in UTF-8.")

    def songs(self) -> Iterator[RawRecord | SetAside]:
        """Yield every song, or why it is none.

        Raises:
            InputError: the file cannot be read to its end.
            UsageError: a table has no such column. In a folder, such a table is set aside, as is a file that cannot be read.
        """
        for file in self._files:
            source = str(file.path.relative_to(self.path)) if self._is_folder else file.path.name
            try:
                if refused := self._refused.get(file.path):
                    raise refused
                yield from map(_judge, self._read(file, source))
            except (InputError, UsageError) as error:
                if not self._is_folder:
                    raise
                reason = error.message.removeprefix(f"{file.path} ").rstrip(".")
                yield SetAside(id=source, title=file.path.name, reason=reason)
            self._bytes_done += file.size_bytes

    def _read(self, file: TextFile, source: str) -> Iterator[RawRecord | SetAside]:
        place = partial(Place, source=source, name=file.name)
        if file.kind in (".jsonl", ".ndjson"):
            with file.text() as lines:
                yield from _read_lines(lines, place, self._options.keys)
        elif file.kind == ".json":
            yield from _read_json(file, place, self._options.keys)
        elif file.kind in (".csv", ".tsv"):
            yield from _read_table(file, place, self._options)
        else:
            yield from _read_text(file, source, self._options.separator)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # too long a name, or out of reach: `TextFile` says so
        return False


def _files_in(folder: Path) -> list[Path]:
    found = [
        path
        for path in sorted(folder.rglob("*"))
        if Path(path.name.lower().removesuffix(".gz")).suffix in KINDS
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    ]
    if not found:
        raise InputError(
            f"{folder} holds no file with songs.", f"It should end with {', '.join(KINDS)}, or these and .gz."
        )
    return found


def _judge(record: RawRecord | SetAside) -> RawRecord | SetAside:
    if isinstance(record, SetAside):
        return record
    reason = ""
    if mark := next(filter(None, map(_find_token, (record.text, record.title, record.artist))), None):
        reason = describe_mark(mark)
    elif not has_words(record.text):
        reason = "no words"
    return SetAside(id=record.id, title=record.title, reason=reason) if reason else record


def describe_mark(mark: str) -> str:
    """Return why a song that spells a mark is set aside."""
    return f"holds songsmith's own mark {mark}"


def _find_token(text: str) -> str | None:
    return find_mark(text) or next((divider for divider in _DIVIDERS if divider in text), None)


def _read_text(file: TextFile, source: str, separator: str) -> Iterator[RawRecord | SetAside]:
    dividers = re.compile("|".join(map(re.escape, filter(None, (*_DIVIDERS, separator)))))
    longest = max(map(len, (*_DIVIDERS, separator)))
    left, too_long, divided = "", False, False
    with file.text() as text:
        while True:
            chunk = text.read(_CHUNK)
            *whole, left = dividers.split(left + chunk)
            divided = divided or bool(whole)
            for song in whole if chunk else (*whole, left):
                if too_long:
                    yield SetAside(
                        id=f"{source}:{song[:40].strip()}", reason="longer than any song; is there no separator?"
                    )
                elif song.strip():
                    words = song.strip("\n")
                    title = "" if divided else file.name
                    yield RawRecord(
                        id=identify(title=title, artist="", text=words), title=title, text=words, source=source
                    )
                too_long = False
            if not chunk:
                return
            if len(left) > _LONGEST_SONG:
                too_long, left = True, left[-longest:]


def _read_lines(lines: Iterable[str], place: "partial[Place]", keys: Keys) -> Iterator[RawRecord | SetAside]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        here = place(where=str(number))
        try:
            value = json.loads(line, strict=False)
        except (ValueError, RecursionError):
            yield SetAside(id=here.label, title=f"line {number}", reason="not valid JSON")
            continue
        yield from read_songs(value, here, keys)


def _read_json(file: TextFile, place: "partial[Place]", keys: Keys) -> Iterator[RawRecord | SetAside]:
    with file.text() as text:
        content = text.read(_LONGEST_JSON_BYTES + 1)
    if len(content) > _LONGEST_JSON_BYTES:
        raise InputError(
            f"{file.path} holds more than {_LONGEST_JSON_BYTES >> 20} MB in one piece.",
            "Write one song a line (JSONL): that can be of any size.",
        )
    try:
        value = json.loads(content, strict=False)
    except RecursionError as error:
        raise InputError(f"{file.path} is nested deeper than any song.", "Export it again.") from error
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and error.lineno > 1:  # one song a line, whatever it is called
            yield from _read_lines(content.split("\n"), place, keys)
            return
        raise InputError(
            f"{file.path} is not valid JSON: {error.msg.lower()} at line {error.lineno}, column {error.colno}.",
            "Export it again, or mend it there.",
        ) from error
    except ValueError as error:  # a number of thousands of digits
        raise InputError(f"{file.path} is not valid JSON: {error}.", "Export it again, or mend it.") from error
    yield from read_songs(value, place(where="1"), keys)


def _read_table(file: TextFile, place: "partial[Place]", options: ImportOptions) -> Iterator[RawRecord | SetAside]:
    csv.field_size_limit(LONGEST_LINE_BYTES)
    with file.text(newline="") as text:
        head = text.readline()
        delimiter = "\t" if file.kind == ".tsv" else max(",;\t", key=head.count)
        rows = csv.reader(chain([head], text), delimiter=delimiter, strict=True)
        columns = _read_header(rows, file.path)
        found = {
            part: _find_columns(file.path, columns, part, asked)
            for part, asked in (
                ("text", options.text_column),
                ("title", options.title_column),
                ("artist", options.artist_column),
            )
        }
        keys = Keys(**found)
        while True:
            here = place(where=f"line {rows.line_num + 1}")
            try:
                cells = next(rows)
                if len(columns) == 1:  # then a delimiter is a comma in a line
                    cells = [delimiter.join(cells)] if cells else []
                if any(cells[len(columns) :]):
                    raise csv.Error("more cells than columns")
            except StopIteration:
                return
            except csv.Error as error:
                yield SetAside(id=here.label, title=here.where, reason=_why_no_row(error))
                continue
            if cells:
                values = {column: cell for column, cell in zip(columns, cells, strict=False) if column}
                yield read_song(
                    {column: cell for column, cell in values.items() if cell or column in keys.text}, here, keys
                )


def _read_header(rows: Iterator[list[str]], path: Path) -> list[str]:
    try:
        return next(rows, [])
    except csv.Error as error:
        raise InputError(f"The first row of {path} does not name columns: {error}.", "Mend it there.") from error


def _why_no_row(error: csv.Error) -> str:
    if "end of data" in str(error):
        return "a quotation mark that never closes; nothing behind it was read"
    what = str(error) if "cells" in str(error) else "not a row of a table"
    return f"{what}; is a quotation mark missing?"


def _find_columns(path: Path, columns: list[str], part: str, asked: str) -> tuple[str, ...]:
    """Return the columns that may hold titles, say: the one asked for, else those that are called so."""
    known = {column.strip().casefold().replace(" ", "_"): column for column in columns}
    if asked:
        if asked in columns:
            return (asked,)
        if column := known.get(asked.strip().casefold().replace(" ", "_")):
            return (column,)
    elif (found := tuple(known[name] for name in SYNONYMS[part] if name in known)) or part != "text":
        return found
    names = ", ".join(column for column in columns if column) or "none"
    problem = f"has no column '{asked}'" if asked else "does not say which column holds the lyrics"
    raise UsageError(f"{path} {problem}.", f"Choose one with --{part}-column. Its columns are: {names}.")
