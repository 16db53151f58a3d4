"""What is in a corpus: described, counted, written out for others. Changes none."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any

from songsmith.corpus.filters import Filter, Sieve
from songsmith.corpus.records import CleanRecord, RawRecord, flatten
from songsmith.corpus.statistics import CorpusStatistics, StatisticsCounter
from songsmith.corpus.store import Corpus, CorpusStore
from songsmith.errors import StorageError, UsageError, storage_error
from songsmith.studio.corpora import SongsRead
from songsmith.takes import new_id

_SONGS_A_REPORT = 500
_DIVIDER = "<|endoftext|>\n"
UNSAFE = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
"""Characters that could drive a terminal, as a pattern; newline and tab are none."""


class ExportFormat(StrEnum):
    """How songs of a corpus are written."""

    JSONL = "jsonl"
    TEXT = "text"


def measure_corpus(corpus: Corpus, *, raw: bool = False) -> Iterator[SongsRead | CorpusStatistics]:
    """Count what is in a corpus: its clean songs if it has any, else the raw ones. The last event is the result."""
    counter = StatisticsCounter()
    total = corpus.raw_records if raw or not corpus.has_clean else corpus.sizes().clean_records
    for count, record in enumerate(_records(corpus, raw=raw), 1):
        counter.add(CleanRecord(id=record.id, title=record.title, artist=record.artist, text=record.text).song)
        if count % _SONGS_A_REPORT == 0:
            yield SongsRead(count=count, total=total)
    yield counter.finish()


def list_corpora(corpora: CorpusStore) -> list[dict[str, Any]]:
    """Return what `describe` says of each; of one that cannot be used, its name, its path and what the `problem` is."""
    rows = []
    for corpus in corpora.corpora():
        try:
            rows.append(describe(corpus))
        except StorageError as error:
            rows.append({"name": corpus.name, "problem": str(error), "path": str(corpus.path)})
    return rows


def describe(corpus: Corpus) -> dict[str, Any]:
    """Return what a list says of a corpus, as JSON values.

    Raises:
        StorageError: it is damaged, or a newer songsmith wrote it.
    """
    from datetime import UTC, datetime

    corpus.check_format()
    sizes = asdict(corpus.sizes())
    changed = datetime.fromtimestamp(sizes.pop("changed_at_s"), UTC).isoformat(timespec="seconds")
    return {"name": corpus.name, **sizes, "is_clean": corpus.is_clean, "changed_at": changed, "path": str(corpus.path)}


def export_rows(
    corpus: Corpus,
    format: ExportFormat,
    *,
    filters: Sequence[Filter] = (),
    max_songs: int | None = None,
    raw: bool = False,
) -> Iterator[str]:
    """Yield songs as text, one at a time: the clean ones if there are any, else the raw ones. An import reads it back.

    Raises:
        UsageError: no song meets the filters, or none has a field that they name.
    """
    if max_songs is not None and max_songs < 1:
        raise UsageError(f"{max_songs} songs are no songs.", "Use --max-songs 1 or more.")
    sieve = Sieve(filters)
    wanted = filter(sieve.takes, _records(corpus, raw=raw))
    divider, count = "", 0
    for count, record in enumerate(islice(wanted, max_songs), 1):  # noqa: B007  (the last one is how many there are)
        if format is ExportFormat.JSONL:
            yield json_row(flatten(record))
        else:
            yield divider + record.text.strip("\n") + "\n"
            divider = _DIVIDER
    if count != max_songs:  # or not all have been looked at
        sieve.check()
    if filters and not count:
        raise UsageError(
            f"No song of the corpus '{corpus.name}' meets {' and '.join(map(str, filters))}.", "Loosen the filters."
        )


def export_file(rows: Iterable[str], output: Path, *, force: bool = False) -> int:
    """Write rows to a file, which is whole or not there at all, and return how many there were.

    Raises:
        UsageError: the file exists, or its place is taken by something else.
        StorageError: the disk is full, or the folder cannot be written.
    """
    if output.exists() and not output.is_file():
        raise UsageError(f"{output} is no file that could be replaced.", "Choose another name.")
    if output.exists() and not force:
        raise UsageError(f"{output} exists already.", "Choose another name, or replace it with --force.")
    path = Path(os.path.realpath(output))  # a link stays a link
    draft = path.with_name(f".{new_id()}.tmp")
    count = 0
    try:
        with draft.open("x", encoding="utf-8", errors="replace", newline="\n") as file:
            for count, row in enumerate(rows, 1):  # noqa: B007
                file.write(row)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        # The usual next step speaks of songsmith's own home; this is the user's choice of a folder.
        message = storage_error(error, path.parent).message
        raise StorageError(message, "Make room or a folder there, or choose another place.") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return count


def json_row(value: Any) -> str:
    """Return one line of JSON in which what could drive a terminal is escaped, so that nothing is lost."""
    text = json.dumps(value, ensure_ascii=False)
    return re.sub(UNSAFE, lambda match: f"\\u{ord(match.group()):04x}", text) + "\n"


def _records(corpus: Corpus, *, raw: bool) -> Iterator[RawRecord | CleanRecord]:
    yield from corpus.raw() if raw or not corpus.has_clean else corpus.clean()
