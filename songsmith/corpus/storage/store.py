"""Corpora on disk, by name: raw songs, and the clean songs made of them. Cleans, fetches and prints nothing.

A corpus is a folder: `corpus.json` with its name, `raw-00001.jsonl` and so on, `raw.index`, `clean.json` and the two
files it names, `import-set-aside.jsonl`, and `import-mark.json` while an import is not done. One program writes to it at
a time; any number may read.
"""

import json
import re
import shlex
import shutil
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from songsmith.corpus.records import CleanRecord, RawRecord, SetAside
from songsmith.corpus.storage.clean_files import CleanFiles, CleanSummary, CleanWriter
from songsmith.corpus.storage.journal import encode_row
from songsmith.corpus.storage.set_aside_notes import SetAsideNotes
from songsmith.corpus.storage.shards import Shards, ShardSizes
from songsmith.errors import NotFoundError, StorageError, UsageError, storing
from songsmith.files import remove_folder, sync_folder, write_whole
from songsmith.lyrics import one_line
from songsmith.paths import Paths

FORMAT = 1
"""The format of corpora on disk; a later songsmith may have another."""
_LONGEST_FOLDER_BYTES = 100
_LONGEST_NAME = 200
_REMOVED = ".removed"
# Names of devices on Windows, whatever follows a dot.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Appended:
    """The result of adding songs to a corpus."""

    added: int = 0
    """New songs, which are durable."""
    held: int = 0
    """Songs that were in the corpus already."""

    def __add__(self, other: "Appended") -> "Appended":
        return Appended(added=self.added + other.added, held=self.held + other.held)


@dataclass(frozen=True, kw_only=True)
class CorpusSizes:
    """How much a corpus holds."""

    raw_records: int
    raw_bytes: int
    clean_records: int
    clean_bytes: int
    set_aside: int
    """Songs that are not used, by import and by cleaning."""
    changed_at_s: float
    """When it last changed, in seconds since 1970."""


class Corpus:
    """One corpus."""

    def __init__(
        self, name: str, path: Path, lock: Path, *, format: int = FORMAT, sizes: ShardSizes | None = None
    ) -> None:
        """Open the corpus in the folder `path`, stored in `format`; whoever writes to it holds the lock file `lock`."""
        self.name = name
        """The name as a person wrote it."""
        self.path = path
        self._shards = Shards(path, sizes)
        self.clean_files = CleanFiles(path)
        """The clean songs, and those of the cleaning before."""
        self._notes = SetAsideNotes(path / "import-set-aside.jsonl")
        self._lock = lock
        self._format = format
        self._writing = False

    def check_format(self) -> None:
        """Check that this version can read the format of the corpus.

        Raises:
            StorageError: it cannot.
        """
        if self._format > FORMAT:
            raise StorageError(
                f"The corpus {self.path} was written by a newer songsmith.",
                "Update this one: python -m pip install --upgrade songsmith",
            )

    def holds(self, id: str) -> bool:
        """Return whether there is a raw song with this id."""
        return self._shards.holds(id)

    def raw(self) -> Iterator[RawRecord]:
        """Yield the raw songs in the order they came.

        Raises:
            StorageError: a file is damaged.
        """
        return self._shards.read()

    def raw_lines(self) -> Iterator[bytes]:
        """Yield the raw songs as the lines of JSON that store them, for other processes to parse.

        Raises:
            StorageError: a file is torn or gone.
        """
        return self._shards.lines()

    @property
    def raw_records(self) -> int:
        """How many raw songs there are."""
        return len(self._shards)

    def append(self, records: Iterable[RawRecord]) -> Appended:
        """Add songs, each once. They are durable when this returns, even a single one.

        A song whose id belongs to other words already gets a longer id; a song of Genius is identified by its number alone.

        Raises:
            StorageError: the disk is full, or another program writes to this corpus.
        """
        return sum(self.append_batches(records), Appended())

    def append_batches(self, records: Iterable[RawRecord]) -> Iterator[Appended]:
        """Like `append`, but yield the result of each batch."""
        with self.writing():
            for added, held in self._shards.add(records):
                yield Appended(added=added, held=held)

    def append_set_aside(self, records: Iterable[SetAside]) -> None:
        """Add notes about records that an import could not use, each once."""
        with self.writing():
            self._notes.add(list(records))

    @property
    def has_clean(self) -> bool:
        """Whether there are clean songs."""
        return self.clean_files.summary() is not None

    @property
    def is_clean(self) -> bool:
        """Whether the clean songs were made of all the raw ones there are now."""
        return self.has_clean and not self.uncleaned

    @property
    def uncleaned(self) -> int:
        """How many raw songs came in since the corpus was last cleaned; below 0: that many were lost."""
        summary = self.clean_files.summary()
        return self.raw_records - (summary.raw_records if summary else 0)

    def clean(self) -> Iterator[CleanRecord]:
        """Yield the clean songs.

        Raises:
            NotFoundError: the corpus was never cleaned.
            StorageError: a file is damaged.
        """
        self._summary()  # raised now, not when the first song is asked for
        return self.clean_files.songs()

    def set_aside(self) -> Iterator[SetAside]:
        """Yield the records set aside, and why: first by imports, then by cleaning."""
        yield from self._notes.read()
        yield from self.clean_files.set_aside()

    @contextmanager
    def replacing_clean(self) -> Iterator[CleanWriter]:
        """Lend a writer for new clean songs; they replace the old ones when the block ends, unless it raises."""
        with self.writing(), self.clean_files.replacing(raw_records=self.raw_records) as writer:
            yield writer

    def sizes(self) -> CorpusSizes:
        """Return how much the corpus holds."""
        summary = self.clean_files.summary()
        return CorpusSizes(
            raw_records=self.raw_records, raw_bytes=self._shards.size_bytes,
            clean_records=summary.records if summary else 0, clean_bytes=summary.bytes if summary else 0,
            set_aside=self._notes.count() + (summary.set_aside if summary else 0), changed_at_s=self.changed_at_s,
        )  # fmt: skip

    @property
    def changed_at_s(self) -> float:
        """When songs last came in or were cleaned, in seconds since 1970."""
        times = [0.0]
        for path in (self.path, self._shards.index, self.clean_files.pointer):
            with suppress(OSError):
                times.append(path.stat().st_mtime)
        return max(times)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the corpus's lock while the block runs, as the only writer. May be nested.

        Raises:
            StorageError: another program writes to it.
        """
        if self._writing:
            yield
            return
        from filelock import FileLock, Timeout

        lock = FileLock(self._lock, timeout=0)
        with storing(self._lock.parent):
            self._lock.parent.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire()
            except Timeout as error:
                raise StorageError(
                    f"Another songsmith is writing to corpus '{self.name}'.",
                    "Wait for it to finish, or stop it first.",
                ) from error
        self._writing = True
        try:
            yield
        finally:
            self._writing = False
            lock.release()

    def _summary(self) -> CleanSummary:
        summary = self.clean_files.summary()
        if summary is None:
            step = f"Do it with: songsmith clean {shlex.quote(self.name)}"
            raise NotFoundError(f"The corpus '{self.name}' has not been cleaned.", step)
        return summary


class CorpusStore:
    """The corpora of this installation."""

    def __init__(self, paths: Paths, sizes: ShardSizes | None = None) -> None:
        """Look for corpora at `paths`; `sizes` says how much of one is kept together."""
        self._paths, self._sizes = paths, sizes

    def corpora(self) -> list[Corpus]:
        """Return every corpus, by name."""
        folder = self._paths.corpora
        with storing(folder):
            paths = sorted(folder.iterdir()) if folder.is_dir() else []
        found = [self._corpus(path) for path in paths if is_corpus(path)]
        return sorted(found, key=lambda corpus: corpus.name.casefold())

    def has(self, name: str) -> bool:
        """Return whether there is a corpus of this name.

        Raises:
            UsageError: that cannot be the name of a corpus.
        """
        return is_corpus(self._paths.corpora / folder_name(name))

    def names(self) -> list[str]:
        """Return the names of all corpora, sorted."""
        return [corpus.name for corpus in self.corpora()]

    def open(self, name: str) -> Corpus:
        """Return an existing corpus; case and punctuation of its name are ignored.

        Raises:
            NotFoundError: it is not there.
            StorageError: a newer songsmith wrote it.
        """
        corpus = self.find(name)
        corpus.check_format()
        return corpus

    def find(self, name: str) -> Corpus:
        """Return an existing corpus, even if it is damaged, or of a format that only a newer songsmith knows.

        Raises:
            NotFoundError: it is not there.
        """
        with suppress(UsageError):
            path = self._paths.corpora / folder_name(name)
            if is_corpus(path):
                return self._corpus(path)
        names = self.names()
        if not names:
            raise _nothing_there()
        from difflib import get_close_matches

        close = get_close_matches(name.casefold(), [known.casefold() for known in names], n=1)
        likely = [known for known in names if known.casefold() in close]
        step = f"Did you mean '{likely[0]}'?" if likely else f"There are: {', '.join(names)}."
        raise NotFoundError(f"There is no corpus '{name}'.", step)

    def create(self, name: str) -> Corpus:
        """Return the corpus of this name, created if it does not exist.

        Raises:
            UsageError: the name has neither letters nor digits, or is too long.
            StorageError: it cannot be made.
        """
        path = self._paths.corpora / folder_name(name)
        if not is_corpus(path):
            with storing(path):
                path.mkdir(parents=True, exist_ok=True)
                write_whole(path / "corpus.json", encode_row({"name": one_line(name), "format": FORMAT}))
                sync_folder(path.parent)
                self._sweep()
        corpus = self._corpus(path)
        corpus.check_format()
        return corpus

    def default(self) -> Corpus:
        """Return the only corpus, or of several the one that changed last.

        Raises:
            NotFoundError: there is none.
        """
        corpora = self.corpora()
        if not corpora:
            raise _nothing_there()
        latest = max(corpora, key=lambda corpus: corpus.changed_at_s)
        latest.check_format()
        return latest

    def remove(self, name: str) -> None:
        """Remove a corpus for good.

        Raises:
            NotFoundError: it is not there.
            StorageError: another program writes to it.
        """
        self.take_away(self.find(name))

    def take_away(self, corpus: Corpus) -> None:
        """Like `remove`, for an open corpus. Its lock, if held, is kept until it is gone."""
        with corpus.writing(), storing(corpus.path):
            self._sweep()
            remove_folder(corpus.path, removed=corpus.path.with_name(f".{corpus.path.name}{_REMOVED}"))

    def _sweep(self) -> None:
        """Remove what is left of corpora whose removal was killed."""
        for gone in self._paths.corpora.glob(f".*{_REMOVED}"):
            shutil.rmtree(gone, ignore_errors=True)

    def _corpus(self, path: Path) -> Corpus:
        name, format = path.name, FORMAT
        with suppress(FileNotFoundError, ValueError, TypeError, KeyError):  # then its name is that of its folder
            about = json.loads((path / "corpus.json").read_bytes())
            name, format = str(about["name"]), int(about["format"])
        lock = self._paths.locks / f"corpus-{path.name}.lock"
        return Corpus(name, path, lock, format=format, sizes=self._sizes)


def folder_name(name: str) -> str:
    """Return the folder a corpus of this name lives in: `ac-dc` for AC/DC.

    Raises:
        UsageError: the name has neither letters nor digits, or is too long.
    """
    plain = unicodedata.normalize("NFC", one_line(name))
    slug = re.sub(r"[\W_]+", "-", plain.casefold()).strip("-")
    if not slug:
        raise UsageError(
            f"'{one_line(name)}' can't be the name of a corpus.", "Choose a name with letters or digits in it."
        )
    if len(plain) > _LONGEST_NAME:
        raise UsageError("That name is too long for a corpus.", f"Use at most {_LONGEST_NAME} characters.")
    if len(slug.encode()) > _LONGEST_FOLDER_BYTES:  # no system takes more than 255
        start = slug.encode()[: _LONGEST_FOLDER_BYTES - 9].decode("utf-8", "ignore").rstrip("-")
        slug = f"{start}-{sha256(slug.encode()).hexdigest()[:8]}"
    return f"{slug}-songs" if _DEVICES.fullmatch(slug) else slug


def is_corpus(path: Path) -> bool:
    """Return whether a folder is taken for a corpus."""
    if path.name.startswith("."):
        return False
    return (path / "corpus.json").is_file() or (path / "raw-00001.jsonl").is_file()


def _nothing_there() -> NotFoundError:
    return NotFoundError("No corpora yet.", "Make one with: songsmith import PATH, or songsmith fetch --artist NAME")
