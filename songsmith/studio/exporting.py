"""Export the songs of a corpus: JSONL, text, Parquet. A file is written whole or not at all."""

import os
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from songsmith.corpus.formats.table_writer import Columns, TableWriter
from songsmith.corpus.records import CleanRecord, RawRecord, flatten
from songsmith.corpus.sites.sources import FETCHED, SITES
from songsmith.corpus.storage.store import Corpus
from songsmith.errors import UsageError
from songsmith.files import replacing_file
from songsmith.permissions import storing_where_asked
from songsmith.studio.corpora import SongsRead
from songsmith.studio.corpus_songs import SongsWanted, json_row, read_wanted

# For imported songs, source and URL are all that shows where they are from.
_FETCH_SOURCES = frozenset(SITES)
_FETCH_SITES = tuple(site.pages for site in SITES.values())
_DIVIDER = "<|endoftext|>\n"
# Endings of formats that are not written here: a file must not have the ending of another format.
_OTHERS = frozenset((
    ".csv", ".tsv", ".xlsx", ".xls", ".ods", ".json", ".zip", ".gz", ".bz2", ".xz", ".zst", ".tar", ".7z", ".db", ".sqlite",
    ".sqlite3", ".arrow", ".feather", ".html", ".htm", ".xml", ".yaml", ".yml", ".md", ".pdf", ".rtf", ".doc", ".docx", ".odt",
))  # fmt: skip


class ExportFormat(StrEnum):
    """The format of an export."""

    JSONL = "jsonl"
    TEXT = "text"
    PARQUET = "parquet"
    DATASET = "dataset"


_ENDINGS = {
    ".jsonl": ExportFormat.JSONL, ".ndjson": ExportFormat.JSONL, ".txt": ExportFormat.TEXT, ".parquet": ExportFormat.PARQUET
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SongsExported:
    """Songs were exported."""

    path: Path
    count: int


def choose_format(output: Path | None) -> ExportFormat:
    """Return the format that a file's ending asks for; without one, or a file, JSONL.

    Raises:
        UsageError: it asks for a format that is not written.
    """
    ending = output.suffix.lower() if output else ""
    if ending in _OTHERS:
        raise UsageError(
            f"{output} looks like {ending.removeprefix('.').upper()}, which songsmith doesn't write.",
            f"Use a name ending in {', '.join(_ENDINGS)}, or choose the format with --format.",
        )
    return _ENDINGS.get(ending, ExportFormat.JSONL)


def export_rows(corpus: Corpus, format: ExportFormat, wanted: SongsWanted) -> Iterator[SongsRead | str]:
    """Yield songs as lines of JSON or as text, one at a time, which an import can read back.

    Raises:
        UsageError: no song meets the filters, or none has a field that they name.
    """
    divider = ""
    for item in read_wanted(corpus, wanted):
        if isinstance(item, SongsRead):
            yield item
        elif format is ExportFormat.JSONL:
            yield json_row(flatten(item))
        else:
            yield divider + item.text.strip("\n") + "\n"
            divider = _DIVIDER


def export_corpus(
    corpus: Corpus, format: ExportFormat, output: Path, wanted: SongsWanted, *, force: bool = False
) -> Iterator[SongsRead | SongsExported]:
    """Write songs to one file: JSONL, text or Parquet.

    Raises:
        UsageError: no song meets the filters; or the file exists, or its place is taken by something else.
        StorageError: the disk is full, or the folder cannot be written.
    """
    with writing_whole(output, force=force) as file:
        if format is ExportFormat.PARQUET:
            count = yield from _write_table(corpus, file, wanted)
        else:
            count = yield from _write_rows(corpus, format, file, wanted)
    yield SongsExported(path=output, count=count)


@dataclass(kw_only=True)
class Survey:
    """What must be known about songs before the first row of a table is written."""

    columns: Columns = field(default_factory=Columns)
    ids: list[str] = field(default_factory=list)
    """Ids of the songs, in the corpus's order."""
    fetched: Counter[str] = field(default_factory=Counter)
    """How many came from each site with lyrics."""


def survey(corpus: Corpus, wanted: SongsWanted) -> Generator[SongsRead, None, Survey]:
    """Read songs once; counts as the first half of the work."""
    seen = Survey()
    for item in read_wanted(corpus, wanted):
        if isinstance(item, SongsRead):
            yield SongsRead(count=item.count, total=2 * item.total)
        else:
            seen.columns.add(flatten(item))
            seen.ids.append(item.id)
            if is_fetched(item):
                seen.fetched[item.source] += 1
    return seen


def read_again(corpus: Corpus, wanted: SongsWanted, seen: Survey) -> Iterator[SongsRead | RawRecord | CleanRecord]:
    """Yield the songs that were surveyed, and none that were added since; counts as the second half of the work."""
    left = len(seen.ids)
    for item in read_wanted(corpus, wanted):
        if isinstance(item, SongsRead):
            yield SongsRead(count=item.total + item.count, total=2 * item.total)
        elif left:
            left -= 1
            yield item


def is_fetched(record: RawRecord | CleanRecord) -> bool:
    """Return whether a song came from a site with lyrics: by `fetch`, as lyricsgenius saved it, or by its address."""
    is_known = record.source in _FETCH_SOURCES or any(site in record.url for site in _FETCH_SITES)
    return is_known or bool(record.metadata.get(FETCHED)) or (isinstance(record, RawRecord) and bool(record.fetched_at))


@contextmanager
def writing_whole(output: Path, *, force: bool) -> Iterator[Path]:
    """Lend a place to write a file to; it becomes `output` when the block ends, unless it raises.

    Raises:
        UsageError: the file exists, or its place is taken by something else.
        StorageError: the disk is full, or the folder cannot be written.
    """
    if output.exists() and not output.is_file():
        raise UsageError(f"{output} isn't a regular file, so it can't be replaced.", "Choose another name.")
    if output.exists() and not force:
        raise UsageError(f"{output} already exists.", "Choose another name, or replace it with --force.")
    path = Path(os.path.realpath(output))  # a link stays a link
    with storing_where_asked(path.parent), replacing_file(path) as new:
        yield new


def _write_rows(
    corpus: Corpus, format: ExportFormat, path: Path, wanted: SongsWanted
) -> Generator[SongsRead, None, int]:
    count = 0
    with path.open("x", encoding="utf-8", errors="replace", newline="\n") as file:
        for item in export_rows(corpus, format, wanted):
            if isinstance(item, SongsRead):
                yield item
            else:
                file.write(item)
                count += 1
    return count


def _write_table(corpus: Corpus, path: Path, wanted: SongsWanted) -> Generator[SongsRead, None, int]:
    seen = yield from survey(corpus, wanted)
    with TableWriter(path, seen.columns.dtypes) as table:
        for item in read_again(corpus, wanted, seen):
            if isinstance(item, SongsRead):
                yield item
            else:
                table.add(flatten(item))
    return table.rows
