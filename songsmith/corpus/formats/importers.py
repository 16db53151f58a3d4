"""Read songs from files of every kind, on disk or on the Hugging Face Hub.

Refuses what is not text; sets aside what is not a song.

Nothing is ever held whole but a song, a row, the one value of a `.json` file, or a few megabytes of Parquet.
"""

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from songsmith.corpus.formats.hub_datasets import SCHEME, DatasetName, HubFile, find_dataset_files
from songsmith.corpus.formats.import_options import ImportOptions
from songsmith.corpus.formats.json_files import first_keys, read_json, read_json_lines, seek_keys
from songsmith.corpus.formats.json_songs import Place
from songsmith.corpus.formats.kinds import JSON, KINDS, TEXT, find_kind
from songsmith.corpus.formats.reading_limits import ReadingLimits
from songsmith.corpus.formats.tables import read_table
from songsmith.corpus.formats.text_files import Cursor, LocalFile, PipedInput, SourceFile
from songsmith.corpus.formats.text_songs import DIVIDERS, is_marked, read_marked_up, read_text
from songsmith.corpus.records import RawRecord, SetAside, has_words
from songsmith.counting import count_of
from songsmith.errors import InputError, NotFoundError, UsageError
from songsmith.markup import find_mark

_KEYS_TOLD = 12
_PATHS_TOLD = 3
_KINDS_TOLD = 6
_ENDING = re.compile(r"\.(?!\d+$)\w{1,10}")
"""What an ending looks like; `St. Anne` and `Song No. 5` have none."""
Reader = Callable[[SourceFile, "partial[Place]", ImportOptions, Cursor], Iterator[RawRecord | SetAside]]
"""What yields the songs of a file from a cursor on."""
_READERS: dict[str, Reader] = {
    **dict.fromkeys(KINDS, read_marked_up), ".txt": read_text, ".chords": read_text, ".tab": read_text,
    ".jsonl": read_json_lines, ".ndjson": read_json_lines, ".json": read_json, ".csv": read_table, ".tsv": read_table,
}  # fmt: skip

Sources = Path | str | PipedInput | Sequence[Path | str]
"""What songs are read from: a file, a folder, several of these, `hf://owner/name`, or what came through a pipe."""


class Importer:
    """The songs of a file, of the files in a folder, of several of these, of a data set, or of what was piped in."""

    def __init__(
        self, sources: Sources, options: ImportOptions | None = None, limits: ReadingLimits | None = None
    ) -> None:
        """Find the files; nothing is read yet.

        Args:
            sources: where the songs are.
            options: how to read them.
            limits: how much is read at once, and how large anything may be.

        Raises:
            FetchError: the Hub cannot be reached, or refuses.
            InputError: there are no files with songs.
            NotFoundError: there is no such file or data set.
            UsageError: that names no data set, or one beside other things.
        """
        self._options = options or ImportOptions()
        self._files: Sequence[SourceFile]
        self._place = partial(Place)
        self.name = ""
        """What the corpus may be called; empty: they do not say."""
        self.passed_over: Counter[str] = Counter()
        """How many files of the folders are of kinds that are not read, by their endings."""
        self._passes = 2  # a file on disk is checked first, then taken
        if isinstance(sources, PipedInput):
            self.label = self._whole = sources.label
            self._files, self._sources, self._is_many = [sources], [sources.label], False
        elif is_dataset(sources):
            dataset = DatasetName.parse(str(sources))
            found = find_dataset_files(dataset)
            self.label, self.name = str(sources), dataset.repository.partition("/")[2]
            self._files, self._sources, self._is_many = found, [file.label for file in found], len(found) > 1
            self._whole, self._passes = self.label, 1
            self._place = partial(Place, url=dataset.url, fetched_at=datetime.now(UTC).isoformat(timespec="seconds"))
        else:
            self._find_files([sources] if isinstance(sources, str | Path) else sources)
        self._kinds: dict[int, str] = {}
        for file in self._files:
            file.limits = limits or file.limits
            if self._options.max_unpacked_mb:
                file.max_unpacked_bytes = self._options.max_unpacked_mb * 1_000_000
        self._refused: dict[int, InputError | NotFoundError] = {}
        self._current: SourceFile | None = None
        self._number, self._cursor = 0, Cursor()
        self._bytes_done = self._checked = 0
        self.bytes_total = self._passes * sum(file.size_bytes for file in self._files)

    def _find_files(self, named: Sequence[Path | str]) -> None:
        if any(map(is_dataset, named)):
            raise UsageError("A dataset can't be imported together with files.", "Import it by itself.")
        paths = list(dict.fromkeys(map(Path, named)))
        more = f" and {len(paths) - _PATHS_TOLD} more" if len(paths) > _PATHS_TOLD else ""
        self.label = f"{', '.join(map(str, paths[:_PATHS_TOLD]))}{more}"
        self._whole = "\n".join(str(path.absolute()) for path in paths)
        self._is_many = len(paths) > 1 or _is_folder(paths[0])
        found = [file for path in paths for file in (self._files_in(path) if _is_folder(path) else [path])]
        self._files = local = [LocalFile(file) for file in dict.fromkeys(found)]
        if not self._is_many:
            self.name, self._sources = local[0].name, [local[0].filename]
            return
        # Named one by one or by their folder, its files have the same names.
        folders = [(path if _is_folder(path) else path.parent).absolute() for path in paths]
        top = Path(os.path.commonpath(folders))
        self.name = top.name if set(folders) == {top} else ""
        self._sources = [str(file.path.absolute().relative_to(top)) for file in local]

    def _files_in(self, folder: Path) -> list[Path]:
        """Return the files of a folder that may hold songs: their endings say so, or what is in one without an ending."""
        found = []
        for path in sorted(folder.rglob("*")):
            if any(part.startswith(".") for part in path.relative_to(folder).parts) or not path.is_file():
                continue
            ending = Path(path.name.lower().removesuffix(".gz")).suffix
            if ending in KINDS or (not _ENDING.fullmatch(ending) and _is_marked_up(path)):
                found.append(path)
            else:
                self.passed_over[ending if _ENDING.fullmatch(ending) else "without an ending"] += 1
        if not found:
            there = f" {describe_passed_over(self.passed_over)}" if self.passed_over else ""
            raise InputError(
                f"{folder} has no files with songs.{there}",
                f"Their names should end with {', '.join(KINDS)}, or one of these and .gz.",
            )
        return found

    @property
    def fingerprint(self) -> str:
        """A digest of the files, as far as can be seen without reading them, and of how they are read."""
        files = [
            [source, file.size_bytes, *([file.changed_at_ns] if isinstance(file, LocalFile) else [])]
            + ([file.revision] if isinstance(file, HubFile) else [])
            + ([file.digest] if isinstance(file, PipedInput) else [])
            for source, file in zip(self._sources, self._files, strict=True)
        ]
        told = json.dumps([self._whole, files, asdict(self._options)])
        return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    @property
    def place(self) -> tuple[int, int, int]:
        """Where the reading stands, behind the last song that was yielded: number of the file, and the cursor in it."""
        return self._number, self._cursor.at, self._cursor.line

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a person should know of how the files were read, as sentences; complete when all songs have been yielded."""
        return tuple(dict.fromkeys(remark for file in self._files for remark in file.remarks))

    @property
    def bytes_read(self) -> int:
        """How much of `bytes_total` is done."""
        return self._bytes_done + (self._current.bytes_read if self._current else 0)

    def check(self) -> Iterator[None]:
        """See whether the files are text, pausing now and then. In a folder, one that is none is left for `songs` to tell.

        Raises:
            InputError: the file is no text, or none in the folder is.
        """
        if self._passes == 1:  # over the network, once must do
            return
        for number in range(self._checked, len(self._files)):
            file = self._current = self._files[number]
            try:
                if file.kind == ".parquet":
                    from songsmith.corpus.formats.parquet import check_parquet

                    check_parquet(file)
                else:
                    yield from file.check()
                    self._kind(number)
            except (InputError, NotFoundError) as error:
                if not self._is_many:
                    raise
                self._refused[number] = error
            self._current = None
            self._bytes_done += file.size_bytes
        if len(self._refused) == len(self._files):
            first = self._refused[0]
            raise InputError(f"No file in {self.label} contains songs as text. {first.message}", first.next_step)
        if not self._checked:
            yield from self._check_keys()

    def _check_keys(self) -> Iterator[None]:
        """See whether JSON has the keys that were asked for: a song that came without its title cannot be given it later.

        Which key holds the lyrics is told where they are missed.
        """
        asked = {key: part for part, key in self._options.columns.items() if key and part != "text"}
        missing = list(asked) if all(self._is_json(number) for number in range(len(self._files))) else []
        for number, file in enumerate(self._files):
            if missing and number not in self._refused:
                missing = yield from seek_keys(file, missing)
        if missing:
            keys = first_keys(next(file for number, file in enumerate(self._files) if number not in self._refused))
            there = f" Its keys are: {', '.join(keys[:_KEYS_TOLD])}." if keys else ""
            raise UsageError(
                f"{self.label} has no key '{missing[0]}'.", f"Choose one with --{asked[missing[0]]}-column.{there}"
            )

    def _kind(self, number: int) -> str:
        """Return the kind of a file, found out once. What comes over the network is not read twice: there, endings tell.

        Raises:
            InputError: it is of a kind that is not read.
        """
        if number not in self._kinds:
            file = self._files[number]
            known = file.kind if file.kind in KINDS else TEXT
            self._kinds[number] = known if self._passes == 1 else find_kind(file)
        return self._kinds[number]

    def _is_json(self, number: int) -> bool:
        return number in self._refused or self._kind(number) in JSON

    def resume(self, place: tuple[int, int, int]) -> None:
        """Begin where another importer of the same files stood; what it had checked and read is passed over."""
        number, at, line = place
        self._number, self._cursor = number, Cursor(at=at, line=line)
        self._checked = number + (at > 0)
        sizes = [file.size_bytes for file in self._files]
        self._bytes_done = sum(sizes[:number]) + (self._passes - 1) * sum(sizes[: self._checked])

    def songs(self) -> Iterator[RawRecord | SetAside]:
        """Yield every song, or why it is none.

        Raises:
            FetchError: the Hub fails.
            InputError: the file cannot be read to its end.
            UsageError: a table has no such column. In a folder, such a table is set aside, as is a file that cannot be read.
        """
        for number in range(self._number, len(self._files)):
            file, source = self._files[number], self._sources[number]
            if number > self._number:
                self._number, self._cursor = number, Cursor()
            self._current = file
            place = partial(self._place, source=source, name=file.name)
            try:
                if refused := self._refused.get(number):
                    raise refused
                reader = _find_reader(self._kind(number))
                yield from map(_judge, reader(file, place, self._options, self._cursor))
                if isinstance(file, LocalFile) and file.has_changed():
                    file.remarks.append(f"{file.label} changed while it was read: import it again when it rests.")
            except (InputError, NotFoundError, UsageError) as error:
                if not self._is_many:
                    raise
                reason = error.message.removeprefix(f"{file.label} ").rstrip(".")
                yield SetAside(id=source, title=file.filename, reason=reason)
            self._current = None
            self._bytes_done += file.size_bytes


def _find_reader(kind: str) -> Reader:
    if kind == ".parquet":  # imports NumPy, for which no other import should wait
        from songsmith.corpus.formats.parquet import read_parquet

        return read_parquet
    return _READERS[kind]


def describe_passed_over(counts: Mapping[str, int]) -> str:
    """Return how many files were passed over, as a sentence: `Skipped 3 files: 2 .png, 1 without an ending.`."""
    total = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    told = [f"{count} {ending}" for ending, count in ordered[:_KINDS_TOLD]]
    if len(ordered) > _KINDS_TOLD:
        told.append(f"{sum(count for _, count in ordered[_KINDS_TOLD:])} of other kinds")
    return f"Skipped {count_of(total, 'file')}: {', '.join(told)}."


def _is_marked_up(path: Path) -> bool:
    """Return whether a file without an ending shows what it is: a song-book program's, subtitles, a page, timed words, chords."""
    try:
        file = LocalFile(path)
        return find_kind(file) != TEXT or is_marked(file)
    except InputError:
        return False


def is_dataset(source: object) -> bool:
    """Return whether a source names a data set of the Hub."""
    return isinstance(source, str) and source.startswith(SCHEME)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # too long a name, or out of reach: `LocalFile` says so
        return False


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
    if "<|" not in text:  # as in nearly every one
        return None
    return find_mark(text) or next((divider for divider in DIVIDERS if divider in text), None)
