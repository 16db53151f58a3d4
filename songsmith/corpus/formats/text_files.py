"""Read text files for an import: UTF-8 only, gzipped or not, from front to back. Knows nothing of songs."""

import codecs
import gzip
import hashlib
import io
import os
import re
import shlex
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, AnyStr, BinaryIO, TextIO, cast

from songsmith.corpus.formats.encodings import DAMAGED, SAMPLE_BYTES, guess_encoding
from songsmith.corpus.formats.gunzip import BELIEVED_RATIO, BoundedGzip
from songsmith.corpus.formats.reading_limits import ReadingLimits
from songsmith.errors import InputError, NotFoundError, storing

_CHUNK_BYTES = 1 << 20
_SAVE_WORDS, _NO_WORDS = "Save its lyrics as plain text.", "Give a file with lyrics in it."
_SAVE_AS_TEXT, _UNPACK = "Save it as plain text.", "Unpack it, and import what is in it."
# Beginnings of files that may hold words, but not as plain text: what they are, and what to do.
_WRAPPED = {
    b"{\\rtf": ("RTF", _SAVE_AS_TEXT),
    b"%PDF-": ("PDF", _SAVE_AS_TEXT),
    b"MThd": ("a MIDI file", _SAVE_WORDS),
    b"\x18FICHIER GUITAR PRO": ("a Guitar Pro tablature", _SAVE_WORDS),
    b"BCFZ": ("a Guitar Pro tablature", _SAVE_WORDS),
    b"BCFS": ("a Guitar Pro tablature", _SAVE_WORDS),
    b"\x89PNG": ("a picture", _NO_WORDS),
    b"\xff\xd8\xff": ("a picture", _NO_WORDS),
    b"GIF8": ("a picture", _NO_WORDS),
    b"ID3\x03": ("a sound file", _NO_WORDS),
    b"ID3\x04": ("a sound file", _NO_WORDS),
    b"OggS\0": ("a sound file", _NO_WORDS),
    b"fLaC\0": ("a sound file", _NO_WORDS),
    b"PAR1": ("a Parquet table", "Give it a name that ends in .parquet."),
    b"ARROW1": ("an Arrow table", "Write it as Parquet or CSV."),
    b"SQLite format 3\0": ("an SQLite database", "Export the table with the songs as CSV."),
    b"\xd0\xcf\x11\xe0": ("a document of an old Word or Excel", "Save it as plain text, or a table as CSV in UTF-8."),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", _UNPACK),
    b"BZh": ("a bzip2 archive", _UNPACK),
    b"\xfd7zXZ\0": ("an xz archive", _UNPACK),
    b"\x28\xb5\x2f\xfd": ("a zstd archive", _UNPACK),
    b"\x1f\x8b": ("gzipped twice", "Unpack it once."),
}
# A zip file shows its kind by a name inside, near its beginning.
_ZIPPED = {
    b"xl/": ("an Excel workbook", "Save its sheet as CSV in UTF-8."),
    b"opendocument.spreadsheet": ("an OpenDocument table", "Save its sheet as CSV in UTF-8."),
    b"word/": ("a Word document", _SAVE_AS_TEXT),
    b"opendocument.text": ("an OpenDocument text", _SAVE_AS_TEXT),
    b"score.gpif": ("a Guitar Pro tablature", _SAVE_WORDS),
    b".mscx": ("a MuseScore score", "Export it as MusicXML."),
    b".musicxml": ("a compressed MusicXML score", "Unpack it (unzip), and import the score in it."),
    b"epub": ("an e-book", _SAVE_AS_TEXT),
    b"META-INF/container.xml": ("a compressed MusicXML score", "Unpack it (unzip), and import the score in it."),
    b"": ("a ZIP archive", _UNPACK),
}


@dataclass(kw_only=True)
class Cursor:
    """How far a file is read, directly after a song; from there a later reading can resume."""

    at: int = 0
    """Bytes of a table or of JSONL, unpacked, or groups of rows in Parquet; 0 for a file that is always read as a whole."""
    line: int = 0
    """Lines read so far, or rows of the group, for messages about what is set aside."""


class SourceFile:
    """A file that should hold songs, on disk or elsewhere, read once or twice from front to back."""

    def __init__(self, *, label: str, filename: str, size_bytes: int) -> None:
        """Describe a file; nothing is read yet."""
        self.label = label
        """What a message calls it."""
        self.filename = filename
        """Its name, without folders."""
        self.size_bytes = size_bytes
        self.max_unpacked_bytes: int | None = None
        """How much it may unpack to, if it is gzipped; None: what is plausible for its size."""
        self.limits = ReadingLimits()
        """How much of it is read at once, and how large anything in it may be."""
        self.remarks: list[str] = []
        """What a person should know about how it was read, as sentences."""
        self._file: BinaryIO | None = None
        self._said: int | None = None
        self._is_packed = False

    @property
    def kind(self) -> str:
        """The ending that shows its kind: `.txt`, `.jsonl` and so on, without `.gz`."""
        suffixes = [suffix.lower() for suffix in Path(self.filename).suffixes]
        return next((suffix for suffix in reversed(suffixes) if suffix != ".gz"), "")

    @property
    def name(self) -> str:
        """The file's name without its endings."""
        stem = re.sub(r"\.gz$", "", self.filename, flags=re.IGNORECASE)
        return stem.removesuffix(Path(stem).suffix) or stem

    @property
    def bytes_read(self) -> int:
        """How far it is read, in bytes; for a gzipped file, in compressed ones."""
        if self._file is None or self._file.closed:
            return 0
        return self._file.tell() if self._said is None else self._said

    def say_read(self, bytes_read: int) -> None:
        """Set how far it is read, where the position in the file does not show it: a table may be read column by column."""
        self._said = bytes_read

    def check(self) -> Iterator[None]:
        """Read it all, yielding now and then, so that a file that is not text is refused before any song is kept.

        Raises:
            InputError: it is empty, of a kind other than plain text, not UTF-8 (the message names the bad byte), or damaged
                gzip.
        """
        decoder = codecs.getincrementaldecoder("utf-8")()
        total = line = 0
        start = b""
        with self.unpacked() as file:
            while chunk := file.read(_CHUNK_BYTES):
                start = start or chunk[:SAMPLE_BYTES]
                if not total and (wrapped := _find_wrapping(chunk)):
                    raise InputError(f"{self.label} isn't plain text but {wrapped[0]}.", wrapped[1])
                pending = len(decoder.getstate()[0])
                nul = chunk.find(b"\0")
                try:
                    decoder.decode(chunk if nul < 0 else chunk[:nul])
                except UnicodeDecodeError as error:
                    bad = max(0, error.start - pending)
                    around = chunk[max(0, bad - SAMPLE_BYTES // 8) : bad + SAMPLE_BYTES]
                    place = total - pending + error.start
                    raise self._not_text(place, f"{error.object[error.start]:#04x}", start, around) from error
                if nul >= 0 and guess_encoding(start, from_start=True):
                    raise self._not_text(total + nul, "NUL", start, start)
                if nul >= 0:
                    raise InputError(f"{self.label} isn't text: byte {total + nul} is NUL.", "Give a file in UTF-8.")
                total += len(chunk)
                ending = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
                line = line + len(chunk) if ending < 0 else len(chunk) - ending - 1
                if line > self.limits.longest_line_bytes:
                    raise endless_line(self)
                yield
            if pending := len(decoder.getstate()[0]):
                raise self._not_text(total - pending, f"{decoder.getstate()[0][0]:#04x}", start, start)
        if not total:
            raise InputError(f"{self.label} is empty.", "Give a file with songs in it.")

    @property
    def title(self) -> str:
        """The title of its only song, if that song has none of its own."""
        return self.name

    @contextmanager
    def text(self, *, newline: str | None = None) -> Iterator[TextIO]:
        """Open it as text. Every line break is a newline, unless `newline` is empty.

        Raises:
            InputError: it cannot be read to its end.
        """
        with self.unpacked() as file:
            yield io.TextIOWrapper(file, encoding="utf-8-sig", newline=newline)

    @contextmanager
    def unpacked(self) -> Iterator[BinaryIO]:
        """Open it as bytes, unpacked if they are gzipped.

        Raises:
            InputError: it cannot be read to its end, or unpacks to more than it may.
        """
        with self.packed() as file:
            start = file.read(2)
            file.seek(0)
            self._is_packed = start == b"\x1f\x8b"
            if self._is_packed:
                believed = max(self.limits.believed_bytes, BELIEVED_RATIO * self.size_bytes)
                with BoundedGzip(
                    file, self.label, size_bytes=self.size_bytes, most_bytes=self.max_unpacked_bytes or believed
                ) as unpacked:
                    # Splitting lines is faster in a buffered reader than in GzipFile itself.
                    yield cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, unpacked), _CHUNK_BYTES))
            else:
                yield file

    @contextmanager
    def packed(self) -> Iterator[BinaryIO]:
        """Open it as bytes, as they are.

        Raises:
            InputError: it cannot be read to its end.
        """
        self._said = None
        with self._explaining(), self._open() as self._file:
            yield self._file

    def _open(self) -> BinaryIO:
        raise NotImplementedError

    def _explaining(self) -> AbstractContextManager[None]:
        return explaining(self.label)

    def _not_text(self, place: int, byte: str, start: bytes, around: bytes) -> InputError:
        """Return the message about a byte that is not UTF-8, given pieces of the file from its start and from around that byte."""
        wide = guess_encoding(start, from_start=True) if b"\0" in start or place < 4 else ""
        guess = wide or guess_encoding(around, from_start=False)
        if guess == DAMAGED:
            why, how = "Nearly all of it is. Drop the damaged parts", "iconv -c -f UTF-8 -t UTF-8"
        else:
            why = f"It is probably {guess}. Convert it first" if guess else "Convert it first"
            how = f"iconv -f {guess or 'WINDOWS-1252'} -t UTF-8"
        return InputError(f"{self.label} isn't UTF-8: byte {place} is {byte}.", f"{why}: {self._tell_command(how)}")

    def _tell_command(self, convert: str) -> str:
        """Return the command that converts this file."""
        name = shlex.quote(self.label)
        return f"gzip -dc {name} | {convert} > NEW" if self._is_packed else f"{convert} {name} > NEW"


class LocalFile(SourceFile):
    """A file on this machine."""

    def __init__(self, path: Path) -> None:
        """Look at a file; nothing is read yet.

        Raises:
            NotFoundError: there is no such file.
            InputError: it is not a file that can be read.
        """
        self.path = path
        with explaining(str(path)):
            state = path.stat()
            if not path.is_file():
                raise InputError(f"{path} isn't a file.", "Give a file, or a folder with files.")
        super().__init__(label=str(path), filename=path.name, size_bytes=state.st_size)
        self.changed_at_ns = state.st_mtime_ns
        """When it was last written to."""

    def has_changed(self) -> bool:
        """Return whether it was changed or removed since it was first looked at."""
        try:
            state = self.path.stat()
        except OSError:
            return True
        return (state.st_size, state.st_mtime_ns) != (self.size_bytes, self.changed_at_ns)

    def _open(self) -> BinaryIO:
        return self.path.open("rb", buffering=_CHUNK_BYTES)


class PipedInput(SourceFile):
    """Piped input, held in an unnamed temporary file until it is closed, since every input is read twice."""

    def __init__(self, stream: BinaryIO) -> None:
        """Read a stream to its end.

        Raises:
            StorageError: the disk is full.
        """
        digest = hashlib.sha256()
        with storing(Path(tempfile.gettempdir())):
            self._spool = tempfile.TemporaryFile(prefix="songsmith-pipe-")  # noqa: SIM115  (until it is closed)
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
                self._spool.write(chunk)
            self._spool.flush()
        self.digest = digest.hexdigest()
        """A digest of its content."""
        super().__init__(label="standard input", filename="stdin", size_bytes=self._spool.tell())

    @property
    def title(self) -> str:
        """Nothing: a pipe has no name."""
        return ""

    def close(self) -> None:
        """Close the temporary file."""
        self._spool.close()

    def _open(self) -> BinaryIO:
        self._spool.seek(0)
        return os.fdopen(os.dup(self._spool.fileno()), "rb", _CHUNK_BYTES)

    def _tell_command(self, convert: str) -> str:
        """Return the command that pipes it in UTF-8."""
        unpack = "gzip -dc FILE | " if self._is_packed else ""
        return f"{unpack}{convert}{'' if unpack else ' FILE'} | songsmith import - --corpus NAME"


def _find_wrapping(start: bytes) -> tuple[str, str] | None:
    """Return what a file with this beginning is, if it is not plain text, and what to do about it."""
    if start.startswith(b"PK\x03\x04"):
        return next(what for inside, what in _ZIPPED.items() if inside in start)
    return next((what for beginning, what in _WRAPPED.items() if start.startswith(beginning)), None)


def bounded_lines(lines: IO[AnyStr], file: SourceFile) -> Iterator[AnyStr]:
    """Yield the lines of a file that is open, each with its end, and see that none fills the memory.

    Raises:
        InputError: one is too long.
    """
    longest = file.limits.longest_line_bytes
    while line := lines.readline(longest + 1):
        if len(line) > longest:
            raise endless_line(file)
        yield line


def endless_line(file: SourceFile) -> InputError:
    """Return the message about a file with a line longer than any song, or any row of a table."""
    return InputError(
        f"{file.label} has a line of more than {file.limits.longest_line_bytes >> 20} MB.",
        "Use one song per line (JSONL), or plain lines of lyrics.",
    )


@contextmanager
def explaining(label: str) -> Iterator[None]:
    """Turn errors while a file is read into one sentence.

    Raises:
        NotFoundError: there is no such file.
        InputError: for every other such error.
    """
    try:
        yield
    except UnicodeDecodeError as error:  # it was text when it was checked, if it was
        raise InputError(
            f"{label} isn't UTF-8, or changed while it was being read.", "Try again when nothing changes it."
        ) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{label} is a damaged gzip file.", "Download or compress it again.") from error
    except FileNotFoundError as error:
        raise NotFoundError(f"{label} doesn't exist.", "Check the name.") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"{label} can't be read: {reason}.", "Check the file and its permissions.") from error
