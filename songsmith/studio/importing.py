"""Bring songs out of files into a corpus. A generator of typed events; closing one ends the work."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from songsmith.corpus.filters import Filter, Sieve
from songsmith.corpus.importers import Importer, ImportOptions
from songsmith.corpus.records import RawRecord, SetAside
from songsmith.corpus.store import Appended, Corpus, CorpusStore, folder_name
from songsmith.errors import InputError, SongsmithError, UsageError
from songsmith.studio.studio import Studio


@dataclass(frozen=True, kw_only=True)
class FileChecked:
    """So much of a file has been found to be text; nothing is kept yet."""

    bytes_read: int
    bytes_total: int


@dataclass(frozen=True, kw_only=True)
class RecordsKept:
    """So much has been imported; what is kept is on disk."""

    count: int
    """New songs so far."""
    held: int
    """Songs so far that were there already."""
    set_aside: int
    bytes_read: int
    bytes_total: int


@dataclass(frozen=True, kw_only=True)
class SongsImported:
    """An import is done."""

    corpus: str
    added: int
    held: int
    """Songs that were there already."""
    left_out: int
    """Songs that no filter took."""
    set_aside: Mapping[str, int]
    """How many records could not be used, by reason, the most frequent first."""
    notice: str = ""
    """What else there is to say: a filter names a field that no song has."""


def import_songs(
    studio: Studio,
    path: Path,
    *,
    corpus: str = "",
    filters: Sequence[Filter] = (),
    max_songs: int | None = None,
    options: ImportOptions | None = None,
) -> Iterator[FileChecked | RecordsKept | SongsImported]:
    """Bring the songs of a file or folder into a corpus, which is made if need be.

    Ended at any instant and begun again, it goes on: songs that are held are passed over.

    Args:
        studio: whose corpora they are.
        path: the file, or a folder with files.
        corpus: its name; empty: that of the file.
        filters: take only songs that meet all of these.
        max_songs: take at most so many, those that are held already counted.
        options: how to read the file.

    Raises:
        InputError: the file is no text, or holds no song that can be used; then nothing is kept.
        UsageError: the name or a column will not do.
        StorageError: the disk is full, or another program writes to the corpus.
    """
    if max_songs is not None and max_songs < 1:
        raise UsageError(f"{max_songs} songs are no songs.", "Use --max-songs 1 or more.")
    importer = Importer(path, options)
    name = corpus or importer.name
    folder_name(name)  # refuses what cannot name a corpus before the file is read
    for _ in importer.check():
        yield FileChecked(bytes_read=importer.bytes_read, bytes_total=importer.bytes_total)
    sieve = _ImportSieve(filters)
    songs = islice(sieve.take(importer.songs()), max_songs)
    first = next(songs, None)
    if first is None:
        raise sieve.nothing_taken(path)
    total = Appended()
    with _opening(studio.corpora, name) as target, target.writing():
        for batch in target.append_batches(chain([first], songs)):
            total += batch
            yield RecordsKept(
                count=total.added, held=total.held, set_aside=len(sieve.set_aside),
                bytes_read=importer.bytes_read, bytes_total=importer.bytes_total,
            )  # fmt: skip
        target.append_set_aside(sieve.set_aside)
    yield SongsImported(
        corpus=target.name, added=total.added, held=total.held, left_out=sieve.left_out, set_aside=sieve.reasons,
        notice="" if total.added + total.held == max_songs else sieve.notice,  # else not all have been looked at
    )  # fmt: skip


@contextmanager
def _opening(corpora: CorpusStore, name: str) -> Iterator[Corpus]:
    """Lend a corpus, which is made if need be; one that was made and is left empty by an error goes again."""
    is_new = not corpora.has(name)
    corpus = corpora.create(name)
    try:
        yield corpus
    except BaseException:
        with suppress(SongsmithError):
            if is_new and not corpus.raw_records:
                corpora.remove(corpus.name)
        raise


class _ImportSieve(Sieve):
    """Keeps count of what an import does not take, and why."""

    def __init__(self, filters: Sequence[Filter]) -> None:
        super().__init__(filters)
        self.left_out = 0
        self.set_aside: list[SetAside] = []

    def take(self, records: Iterable[RawRecord | SetAside]) -> Iterator[RawRecord]:
        for record in records:
            if isinstance(record, SetAside):
                self.set_aside.append(record)
            elif self.takes(record):
                yield record
            else:
                self.left_out += 1

    @property
    def reasons(self) -> dict[str, int]:
        return dict(Counter(record.reason for record in self.set_aside).most_common())

    def nothing_taken(self, path: Path) -> InputError:
        if self.left_out:
            self.check()
            wanted = " and ".join(map(str, self.filters))
            return InputError(f"No song in {path} meets {wanted}.", "Loosen the filters; nothing was kept.")
        if not self.reasons:
            return InputError(f"{path} holds no song.", "Give a file with songs in it.")
        why = ", ".join(f"{count} {reason}" for reason, count in islice(self.reasons.items(), 3))
        unnamed = any(" its keys " in reason or "column" in reason for reason in self.reasons)
        step = "Choose the key or column with --text-column" if unnamed else "Mend it there"
        return InputError(f"{path} holds no song that can be used ({why}).", f"{step}; nothing was kept.")
