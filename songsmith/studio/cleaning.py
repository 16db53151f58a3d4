"""Make the clean songs of a corpus from its raw ones. A generator of typed events; closing one ends the work."""

import json
import re
import shlex
import tempfile
from collections import Counter
from collections.abc import Collection, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from songsmith import __version__
from songsmith.corpus.clean_songs import SongCleaned as SongCleaned
from songsmith.corpus.records import SetAside
from songsmith.corpus.storage.clean_files import CleanWriter
from songsmith.corpus.storage.store import Corpus
from songsmith.errors import NotFoundError, StorageError, UsageError, storing
from songsmith.machine import available_processors
from songsmith.studio.corpora import CorpusChosen, SongsRead, choose_corpus
from songsmith.studio.studio import Studio

if TYPE_CHECKING:
    from songsmith.corpus.clean_songs import CleanedBatch
    from songsmith.corpus.cleaning import CleaningOptions

DUPLICATE = "near-duplicate"
"""How the reason begins where a song is set aside as a duplicate; title and id of the song that is kept follow."""
MOST_JOBS = 256
_BATCH_BYTES = 1 << 18
_BATCH_SONGS = 250
# Several times what one process cleans while another starts.
_BYTES_A_JOB = 16 << 20
_ARTIST = re.compile(rb'"artist":"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, kw_only=True)
class DuplicatesSought:
    """How much of the search for near-duplicates is done."""

    count: int
    total: int


@dataclass(frozen=True, kw_only=True)
class CorpusCleaned:
    """A corpus is clean, or would be."""

    corpus: str
    kept: int
    changed: int
    """Songs whose text differs from the raw one; line breaks around it do not count."""
    set_aside: Mapping[str, int]
    """How many songs are set aside, by reason."""
    removed: Mapping[str, int]
    """How many places were changed, by rule."""
    suspicious: int
    """How many places are left as they are that a person may want to look at."""
    replaced: bool = False
    """Whether there were clean songs before, which can be restored."""


@dataclass(frozen=True, kw_only=True)
class CleaningUndone:
    """The clean songs of a corpus from before its last cleaning are restored."""

    corpus: str
    kept: int | None
    """How many there are; None: none, since it had not been cleaned before."""


Cleaning = Generator[CorpusChosen | SongCleaned | SongsRead | DuplicatesSought | CorpusCleaned, None, None]


def clean_corpus(
    studio: Studio,
    name: str | None = None,
    *,
    dry_run: bool = False,
    options: "CleaningOptions | None" = None,
    keep_duplicates: bool = False,
    jobs: int | None = None,
) -> Cleaning:
    """Make the clean songs of a corpus from its raw ones, which stay as they are.

    The clean songs before can be restored with `undo_cleaning`.

    Args:
        studio: with the corpora.
        name: of the corpus; None: the only one, or the latest.
        dry_run: change nothing, and yield every song that would be changed.
        options: how to clean; the artists of the corpus are added to those named there.
        keep_duplicates: do not look for near-duplicates.
        jobs: processes that clean at once; None: as many as there are processors and the corpus has work for.

    Raises:
        NotFoundError: there is no such corpus.
        StorageError: the disk is full, or another program writes to the corpus.
        SongsmithError: one of the processes was killed.
    """
    if jobs is not None and not 1 <= jobs <= MOST_JOBS:
        raise UsageError(f"--jobs {jobs} is out of range.", f"Use --jobs 1 to {MOST_JOBS}.")
    corpus, chosen = choose_corpus(studio.corpora, name)
    yield chosen
    from songsmith.corpus.cleaning import CleaningOptions  # its rules take a moment to compile

    options = options or CleaningOptions()
    with _dry_run_writer(with_songs=not keep_duplicates) if dry_run else corpus.replacing_clean() as writer:
        writer.made_with = _made_with(options, keep_duplicates=keep_duplicates)
        run = _Run(corpus, writer, dry_run=dry_run, duplicates=not keep_duplicates)
        yield from run.clean(options, jobs or _choose_jobs(corpus))
        if not keep_duplicates:
            yield from run.set_duplicates_aside()
    yield run.result()


def undo_cleaning(studio: Studio, name: str | None = None) -> Iterator[CorpusChosen | CleaningUndone]:
    """Restore the clean songs from before a corpus was last cleaned. Only one step can be undone.

    Raises:
        NotFoundError: there is no such corpus, or nothing to restore.
        StorageError: another program writes to the corpus.
    """
    corpus, chosen = choose_corpus(studio.corpora, name)
    yield chosen
    with corpus.writing():
        try:
            before = corpus.clean_files.undo()
        except NotFoundError as error:
            step = f"Clean it with the options you want: songsmith clean {shlex.quote(corpus.name)}"
            raise NotFoundError(error.message, step) from error
    yield CleaningUndone(corpus=corpus.name, kept=before.records if before else None)


def has_report(studio: Studio, name: str | None = None) -> bool:
    """Return whether the last cleaning of a corpus left a report.

    Raises:
        NotFoundError: there is no such corpus.
    """
    summary = choose_corpus(studio.corpora, name)[0].clean_files.summary()
    return summary is not None and bool(summary.report_file)


def read_report(studio: Studio, name: str | None = None) -> tuple[Corpus, Iterator[SongCleaned]]:
    """Return a corpus, and every song in which the last cleaning removed something or found it suspicious, or that it set aside.

    Raises:
        NotFoundError: there is no such corpus.
        StorageError: the report is damaged.
    """
    corpus, _ = choose_corpus(studio.corpora, name)
    return corpus, _read_rows(corpus)


def _read_rows(corpus: Corpus) -> Iterator[SongCleaned]:
    for row in corpus.clean_files.report():
        try:
            yield SongCleaned.from_json(row)
        except (TypeError, LookupError) as error:
            raise StorageError("The report of the last cleaning is damaged.", "Clean the corpus again.") from error


def made_with(corpus: Corpus) -> Mapping[str, Any]:
    """Return how the clean songs of a corpus were made, as JSON values; empty if it is not known."""
    summary = corpus.clean_files.summary()
    return summary.made_with if summary else {}


def describe_making(made: Mapping[str, Any]) -> str:
    """Return what `made_with` says in words."""
    if not made:
        return "unknown options"
    parts = ["headers removed" if made.get("strip_headers") else "headers kept"]
    parts.append("ad-libs kept" if made.get("keep_adlibs", True) else "ad-libs dropped")
    parts.append("near-duplicates kept" if made.get("keep_duplicates") else "near-duplicates set aside")
    if disabled := made.get("disabled"):
        parts.append(f"without {', '.join(map(str, disabled))}")
    return f"{', '.join(parts)} (songsmith {made.get('songsmith', '?')})"


def reason_kind(reason: str) -> str:
    """Return what a reason is counted under: that of a near-duplicate names the song that is kept."""
    return DUPLICATE if reason.startswith(f"{DUPLICATE} of ") else reason


class _Run:
    """A cleaning in progress."""

    def __init__(self, corpus: Corpus, writer: CleanWriter, *, dry_run: bool, duplicates: bool) -> None:
        self._corpus, self._writer = corpus, writer
        self._dry_run, self._duplicates = dry_run, duplicates
        self._replaced = not dry_run and corpus.clean_files.pointer.exists()
        self._changed = self._suspicious = 0
        self._reasons: Counter[str] = Counter()
        self._removed: Counter[str] = Counter()
        self._rows: Any = None
        self._translations: list[tuple[SetAside, int]] = []

    def clean(self, options: "CleaningOptions", jobs: int) -> Iterator[SongCleaned | SongsRead]:
        from songsmith.corpus.clean_process import clean_batches
        from songsmith.corpus.clean_songs import BatchOptions

        total, count = self._corpus.raw_records, 0
        if self._duplicates:
            import numpy as np

            from songsmith.corpus.dedupe import FINGERPRINT

            self._rows = np.empty(total, FINGERPRINT)  # pages are allocated as they are filled
        try:
            options = replace(options, known_artists=options.known_artists | _known_artists(self._corpus))
            how = BatchOptions(cleaning=options, fingerprints=self._duplicates, texts=self._dry_run)
            with closing(clean_batches(_batches(self._corpus), how, jobs=jobs)) as batches:
                for batch in batches:
                    self._take(batch)
                    yield from batch.changes
                    count += batch.read
                    yield SongsRead(count=count, total=total)
        except (ValueError, TypeError):
            for _ in self._corpus.raw():  # raises, naming the damaged file
                pass
            raise
        self._rows = None if self._rows is None else self._rows[: self._writer.records]

    def set_duplicates_aside(self) -> Iterator[DuplicatesSought | SongCleaned]:
        import numpy as np

        from songsmith.corpus.dedupe import Duplicate, find_duplicates, find_originals

        sizes = self._rows["size"]
        starts = np.cumsum(sizes, dtype=np.int64) - sizes
        gone: dict[int, Duplicate] = {}

        def read(row: int) -> Any:
            return self._writer.read(int(starts[row]), int(sizes[row]))

        with closing(find_duplicates(self._rows, lambda row: read(row).text)) as search:
            for event in search:
                if isinstance(event, Duplicate):
                    gone[event.row] = event
                else:
                    yield DuplicatesSought(count=event.count, total=event.total)
        for found in sorted(gone.values(), key=lambda found: found.row):
            song, kept = read(found.row), read(found.of)
            yield from self._set_aside(SetAside(id=song.id, title=song.title), kept, found.similarity)
        for (aside, _), original in zip(
            self._translations, find_originals(self._rows, [song for _, song in self._translations]), strict=True
        ):
            if original is None:
                self._note(aside)
            else:
                kept = gone[original].of if original in gone else original
                yield from self._set_aside(aside, read(kept), None)
        if gone:
            self._writer.leave_out(gone.keys())

    def result(self) -> CorpusCleaned:
        return CorpusCleaned(
            corpus=self._corpus.name, kept=self._writer.records, changed=self._changed,
            set_aside=dict(self._reasons.most_common()), removed=dict(self._removed.most_common()),
            suspicious=self._suspicious, replaced=self._replaced,
        )  # fmt: skip

    def _take(self, batch: "CleanedBatch") -> None:
        if batch.fingerprints is not None:
            start = self._writer.records
            if start + batch.kept > len(self._rows):  # songs were added during a dry run
                import numpy as np

                self._rows = np.concatenate((self._rows[:start], np.empty(start + batch.kept, self._rows.dtype)))
            self._rows[start : start + batch.kept] = batch.fingerprints
        self._writer.keep_lines(batch.songs, batch.kept)
        self._writer.report(batch.report)
        for aside, song in batch.set_aside:
            if song:
                self._translations.append((aside, song))
            else:
                self._note(aside)
        self._changed += batch.changed
        self._suspicious += batch.suspicious
        self._removed.update(batch.removed)

    def _note(self, aside: SetAside) -> None:
        self._writer.set_aside(aside)
        self._reasons[reason_kind(aside.reason)] += 1

    def _set_aside(self, aside: SetAside, kept: Any, similarity: float | None) -> Iterator[SongCleaned]:
        from songsmith.corpus.clean_songs import encode_change

        reason = f"{DUPLICATE} of {kept.title or 'Untitled'} ({kept.id})"
        self._note(replace(aside, reason=reason))
        change = SongCleaned(
            id=aside.id, title=aside.title, set_aside=reason, duplicate_of=kept.id, similarity=similarity
        )
        self._writer.report(encode_change(change))
        if self._dry_run:
            yield change


def _made_with(options: "CleaningOptions", *, keep_duplicates: bool) -> dict[str, Any]:
    return {
        "songsmith": __version__, "disabled": sorted(options.disabled), "keep_adlibs": options.keep_adlibs,
        "strip_headers": options.strip_headers, "keep_duplicates": keep_duplicates,
    }  # fmt: skip


class _DryRunWriter(CleanWriter):
    """Receives the results of a dry run; stores only the songs that the search for near-duplicates reads again."""

    def __init__(self, *, with_songs: bool) -> None:
        super().__init__(_open_temporary)
        self._with_songs = with_songs

    def keep_lines(self, lines: bytes, count: int) -> None:
        super().keep_lines(lines if self._with_songs else b"", count)

    def set_aside(self, record: SetAside) -> None:
        self.records_set_aside += 1

    def report(self, lines: bytes) -> None:
        pass

    def leave_out(self, rows: Collection[int]) -> None:
        self.records -= len(rows)


@contextmanager
def _dry_run_writer(*, with_songs: bool) -> Iterator[CleanWriter]:
    """Lend a writer to unnamed temporary files, which are removed when the block ends."""
    with storing(Path(tempfile.gettempdir())):
        writer = _DryRunWriter(with_songs=with_songs)
        try:
            yield writer
        finally:
            writer.close()


def _open_temporary(kind: str) -> IO[bytes]:
    return tempfile.TemporaryFile(prefix=f"songsmith-{kind}-")


def _batches(corpus: Corpus) -> Iterator[list[bytes]]:
    """Yield the lines of the raw songs in batches."""
    batch: list[bytes] = []
    size = 0
    for line in _raw_lines(corpus):
        batch.append(line)
        size += len(line)
        if size >= _BATCH_BYTES or len(batch) >= _BATCH_SONGS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _raw_lines(corpus: Corpus) -> Iterator[bytes]:
    return corpus.raw_lines()


def _known_artists(corpus: Corpus) -> frozenset[str]:
    """Return the artists of a corpus: lyrics pages of one recommend songs of others."""
    found = {match.group(1) for line in _raw_lines(corpus) if (match := _ARTIST.search(line))}
    return frozenset(json.loads(b'"%b"' % name) for name in found)


def _choose_jobs(corpus: Corpus) -> int:
    """Return how many processes are worth starting."""
    size = sum(path.stat().st_size for path in corpus.path.glob("raw-*.jsonl"))
    return max(1, min(available_processors(), MOST_JOBS, size // _BYTES_A_JOB))
