"""Import songs from files into a corpus. A generator of typed events; closing one ends the work."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from time import monotonic

from songsmith.corpus.filters import Filter, FilterSet
from songsmith.corpus.formats.import_options import ImportOptions
from songsmith.corpus.formats.importers import Importer, Sources
from songsmith.corpus.formats.reading_limits import ReadingLimits
from songsmith.corpus.records import RawRecord, SetAside
from songsmith.corpus.storage.import_marks import ImportMark, load_mark, remove_mark, save_mark
from songsmith.corpus.storage.store import Corpus, CorpusStore, folder_name
from songsmith.counting import count_reason
from songsmith.errors import InputError, SongsmithError, UsageError
from songsmith.studio.corpora import making_corpus
from songsmith.studio.studio import Studio

_BATCH_CHARACTERS = 4 << 20
_REASONS_COUNTED = 200
MOST_NOTES = 10_000
"""How many unusable records are noted one by one; more are only counted by reason."""
_MOST_NOTE_CHARACTERS = 8 << 20
_NAME_IT = "Choose a name for it with --corpus NAME."


@dataclass(frozen=True, kw_only=True)
class ImportPace:
    """How often an import reports, and makes durable what it has."""

    batch_songs: int = 1000
    """Songs that are made durable together at most."""
    batch_records: int = 10_000
    """Records that are read, kept or not, before the next progress event."""
    mark_every_s: float = 2.0
    """How often the import's mark is written; each time waits for the disk."""


_PACE = ImportPace()


@dataclass(frozen=True, kw_only=True)
class FileRead:
    """How far an import has read."""

    bytes_read: int
    bytes_total: int


@dataclass(frozen=True, kw_only=True)
class FileChecked(FileRead):
    """How much of a file has been checked to be text; nothing is stored yet."""


@dataclass(frozen=True, kw_only=True)
class RecordsKept(FileRead):
    """How much has been imported; it is on disk."""

    count: int
    """New songs so far."""
    held: int
    """Songs so far that were in the corpus already."""
    set_aside: int


@dataclass(frozen=True, kw_only=True)
class SongsImported:
    """An import is finished."""

    corpus: str
    added: int
    held: int
    """Songs that were there already."""
    left_out: int
    """Songs that the filters did not accept."""
    set_aside: Mapping[str, int]
    """How many records could not be used, by reason, the most frequent first."""
    passed_over: Mapping[str, int] = field(default_factory=dict)
    """How many files of the folders are of kinds that are not read, by their endings."""
    notice: str = ""
    """A notice, such as that a filter names a field that no song has; empty if there is none."""
    unnoted: int = 0
    """How many of the records that could not be used are not noted one by one: there are too many."""
    remarks: Sequence[str] = ()
    """What a person should know about how the files were read, as sentences."""


def import_songs(
    studio: Studio,
    sources: Sources,
    *,
    corpus: str = "",
    filters: Sequence[Filter] = (),
    max_songs: int | None = None,
    options: ImportOptions | None = None,
    limits: ReadingLimits | None = None,
    pace: ImportPace = _PACE,
) -> Iterator[FileChecked | RecordsKept | SongsImported]:
    """Import songs of files, folders, a data set or a pipe into a corpus, created if necessary.

    Stopped at any instant and started again, it resumes where it was; songs that are in the corpus are skipped.

    Args:
        studio: with the corpora.
        sources: a file, a folder with files, several of these, `hf://owner/name`, or what was piped in.
        corpus: its name; empty: that of the file or folder.
        filters: take only songs that meet all of these.
        max_songs: take at most this many, those in the corpus already included.
        options: how to read the file.
        limits: how much of it is read at once, and how large anything in it may be.
        pace: how often to report, and to make durable what there is.

    Raises:
        FetchError: the Hugging Face Hub refuses, or cannot be reached.
        InputError: the file is not text, or holds no song that can be used; then nothing is stored.
        NotFoundError: there is no such file or data set.
        UsageError: the name or a column cannot be used, or no song meets the filters; then nothing is stored.
        StorageError: the disk is full, or another program writes to the corpus.
    """
    if max_songs is not None and max_songs < 1:
        raise UsageError(f"--max-songs {max_songs} is out of range.", "Use --max-songs 1 or more.")
    if corpus:
        folder_name(corpus)  # refuses an invalid name before anything is read or requested
    importer = Importer(sources, options, limits)
    name = corpus or importer.name
    if not name:
        raise UsageError(f"No corpus name can be made from {importer.label}.", _NAME_IT)
    try:
        folder_name(name)
    except UsageError as error:
        raise UsageError(error.message, _NAME_IT) from error
    filter_set = _ImportFilterSet(filters, _find_mark(studio.corpora, name, importer, filters), pace)
    if filter_set.resumed:
        importer.resume(filter_set.mark.place)
    for _ in importer.check():
        yield FileChecked(bytes_read=importer.bytes_read, bytes_total=importer.bytes_total)
    added, held, marked_at_s = 0, filter_set.mark.taken, monotonic()
    with ExitStack() as stack:
        target: Corpus | None = None
        for songs, notes in filter_set.batches(importer, max_songs):
            if target is None and not songs:  # without a song, no corpus is created
                yield FileChecked(bytes_read=importer.bytes_read, bytes_total=importer.bytes_total)
                continue
            if target is None:
                target = stack.enter_context(making_corpus(studio.corpora, name, keep_songs=True))
            kept = target.append(songs)
            target.append_set_aside(notes)
            notes.clear()
            added, held = added + kept.added, held + kept.held
            if monotonic() - marked_at_s >= pace.mark_every_s:
                save_mark(target.path, replace(filter_set.mark, corpus_songs=target.raw_records))
                marked_at_s = monotonic()
            yield RecordsKept(
                count=added, held=held, set_aside=filter_set.set_aside, bytes_read=importer.bytes_read,
                bytes_total=importer.bytes_total,
            )  # fmt: skip
        if not filter_set.mark.taken:
            raise filter_set.nothing_taken(importer.label)
        if target is None:  # the mark was at the end
            target = studio.corpora.open(name)
        remove_mark(target.path)
    yield SongsImported(
        corpus=target.name, added=added, held=held, left_out=filter_set.mark.left_out, set_aside=filter_set.reasons,
        passed_over=importer.passed_over,
        # Unless all songs have been read, it is not known that none has the field.
        notice="" if filter_set.resumed or filter_set.mark.taken == max_songs else filter_set.notice,
        unnoted=filter_set.unnoted, remarks=importer.remarks,
    )  # fmt: skip


def _find_mark(corpora: CorpusStore, name: str, importer: Importer, filters: Sequence[Filter]) -> ImportMark:
    """Return the mark of an import of the same sources into this corpus."""
    source = " ".join([importer.fingerprint, *map(str, filters)])
    if corpora.has(name):
        target = corpora.open(name)
        with suppress(SongsmithError):  # a damaged corpus, which is reported when it is written to
            if (mark := load_mark(target.path, source)) and mark.corpus_songs <= target.raw_records:
                return mark
    return ImportMark(source=source)


class _ImportFilterSet(FilterSet):
    """Decides which records an import keeps, and counts them."""

    def __init__(self, filters: Sequence[Filter], mark: ImportMark, pace: ImportPace = _PACE) -> None:
        super().__init__(filters)
        self._pace = pace
        self.mark = mark
        """The counts after the last batch."""
        self.resumed = mark != ImportMark(source=mark.source)
        """Whether this continues an earlier import."""
        self._reasons = Counter(mark.reasons)
        self._noted = min(self._reasons.total(), MOST_NOTES)
        self._note_characters = 0
        self.unnoted = self._reasons.total() - self._noted
        """How many records that cannot be used were not noted one by one."""

    def batches(self, importer: Importer, max_songs: int | None) -> Iterator[tuple[list[RawRecord], list[SetAside]]]:
        """Yield songs to store, with notes on unusable records. Notes that are left in the list are yielded again."""
        songs: list[RawRecord] = []
        notes: list[SetAside] = []
        taken, left_out = self.mark.taken, self.mark.left_out
        looked_at = characters = 0
        records = importer.songs() if taken != max_songs else iter(())
        for record in records:
            looked_at += 1
            if isinstance(record, SetAside):
                self._note(record, notes)
                self._count(record.reason)
            elif not self.filters or self.accepts(record):
                songs.append(record)
                metadata = sum(len(value) for value in record.metadata.values() if isinstance(value, str))
                taken, characters = taken + 1, characters + len(record.text) + metadata
            else:
                left_out += 1
            if (
                looked_at >= self._pace.batch_records or len(songs) >= self._pace.batch_songs
                or characters >= _BATCH_CHARACTERS or taken == max_songs
            ):  # fmt: skip
                self._advance(importer, taken, left_out)
                yield songs, notes
                songs, looked_at, characters = [], 0, 0
                if taken == max_songs:
                    return
        self._advance(importer, taken, left_out)
        if songs or notes:
            yield songs, notes

    def _advance(self, importer: Importer, taken: int, left_out: int) -> None:
        self.mark = replace(
            self.mark, place=importer.place, taken=taken, left_out=left_out, reasons=dict(self._reasons)
        )

    def _note(self, record: SetAside, notes: list[SetAside]) -> None:
        if self._noted < MOST_NOTES and self._note_characters < _MOST_NOTE_CHARACTERS:
            notes.append(record)
            self._noted += 1
            self._note_characters += len(record.id) + len(record.title) + len(record.reason)
        else:
            self.unnoted += 1

    def _count(self, reason: str) -> None:
        known = reason in self._reasons or len(self._reasons) < _REASONS_COUNTED
        self._reasons[reason if known else "other reasons"] += 1

    @property
    def set_aside(self) -> int:
        """How many records cannot be used."""
        return self._reasons.total()

    @property
    def reasons(self) -> dict[str, int]:
        """The same by reason, the most frequent first."""
        return dict(self._reasons.most_common())

    def nothing_taken(self, label: str) -> SongsmithError:
        """Return the error for files without a song to import."""
        if self.mark.left_out:
            self.check()
            wanted = " and ".join(map(str, self.filters))
            return UsageError(f"No song in {label} matches {wanted}.", "Loosen the filters; nothing was imported.")
        if not self.reasons:
            return InputError(f"{label} has no songs.", "Give a file with songs in it.")
        why = ", ".join(count_reason(count, reason) for reason, count in islice(self.reasons.items(), 3))
        unnamed = any(" its keys " in reason or "column" in reason for reason in self.reasons)
        step = "Choose the key or column with --text-column" if unnamed else "Give a file with songs in it"
        return InputError(f"{label} has no usable songs ({why}).", f"{step}; nothing was imported.")
