"""Text files as an import reads them: UTF-8 or nothing, gzipped or not, from front to back. Knows nothing of songs."""

import codecs
import gzip
import io
import re
import shlex
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from songsmith.errors import InputError

_CHUNK_BYTES = 1 << 20
LONGEST_LINE_BYTES = 64 << 20
"""A line is read as a whole; no song, nor any row of a table with one, comes near this."""
# How files begin that hold words, but not as plain text.
_WRAPPED = (b"{\\rtf", b"%PDF-")


class TextFile:
    """A file that should hold text, read once or twice from front to back."""

    def __init__(self, path: Path) -> None:
        """Look at a file; nothing is read yet.

        Raises:
            InputError: there is no file that could be read.
        """
        self.path = path
        with _explaining(path):
            self.size_bytes = path.stat().st_size
            if not path.is_file():
                raise InputError(f"{path} is no file.", "Name a file, or a folder with files.")
        self._file: BinaryIO | None = None

    @property
    def kind(self) -> str:
        """The ending that says what is in it: `.txt`, `.jsonl` and so on, without `.gz`."""
        suffixes = [suffix.lower() for suffix in self.path.suffixes]
        return next((suffix for suffix in reversed(suffixes) if suffix != ".gz"), "")

    @property
    def name(self) -> str:
        """The file's name without its endings."""
        stem = re.sub(r"\.gz$", "", self.path.name, flags=re.IGNORECASE)
        return stem.removesuffix(Path(stem).suffix) or stem

    @property
    def bytes_read(self) -> int:
        """How far it is read; of a gzipped file, in its compressed bytes."""
        return 0 if self._file is None or self._file.closed else self._file.tell()

    def check(self) -> Iterator[int]:
        """Read it all, yielding how far now and then; so a file that is no text is refused before any song is kept.

        Raises:
            InputError: it is empty, binary, RTF, PDF or not UTF-8 (the message names the bad byte), or damaged gzip.
        """
        decoder = codecs.getincrementaldecoder("utf-8")()
        total = line = 0
        with _explaining(self.path), self._open() as file:
            while chunk := file.read(_CHUNK_BYTES):
                if not total and chunk.startswith(_WRAPPED):
                    raise InputError(
                        f"{self.path} is no plain text but {'RTF' if chunk.startswith(_WRAPPED[0]) else 'PDF'}.",
                        "Save it as plain text.",
                    )
                pending = len(decoder.getstate()[0])
                nul = chunk.find(b"\0")
                try:
                    decoder.decode(chunk if nul < 0 else chunk[:nul])
                except UnicodeDecodeError as error:
                    raise self._not_text(total - pending + error.start, error.object[error.start]) from error
                if nul >= 0:
                    raise InputError(f"{self.path} is not text: byte {total + nul} is NUL.", "Give a file in UTF-8.")
                total += len(chunk)
                ending = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
                line = line + len(chunk) if ending < 0 else len(chunk) - ending - 1
                if line > LONGEST_LINE_BYTES:
                    raise InputError(
                        f"{self.path} has no line break in {LONGEST_LINE_BYTES >> 20} MB.",
                        "Give one song a line (JSONL), or lyrics in lines.",
                    )
                yield self.bytes_read
            if pending := len(decoder.getstate()[0]):
                raise self._not_text(total - pending, decoder.getstate()[0][0])
        if not total:
            raise InputError(f"{self.path} is empty.", "Give a file with songs in it.")

    @contextmanager
    def text(self, *, newline: str | None = None) -> Iterator[TextIO]:
        """Lend its text. Every line break is a newline, unless `newline` is empty.

        Raises:
            InputError: it cannot be read to its end.
        """
        with _explaining(self.path), self._open() as file:
            yield io.TextIOWrapper(file, encoding="utf-8-sig", newline=newline)

    def _not_text(self, place: int, byte: int) -> InputError:
        return InputError(
            f"{self.path} is not UTF-8: byte {place} is {byte:#04x}.",
            f"Convert it first: iconv -f WINDOWS-1252 -t UTF-8 {shlex.quote(str(self.path))} > NEW",
        )

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        with self.path.open("rb") as self._file:
            if self._file.read(2) == b"\x1f\x8b":
                self._file.seek(0)
                with gzip.GzipFile(fileobj=self._file) as unpacked:
                    yield cast(BinaryIO, unpacked)
            else:
                self._file.seek(0)
                yield self._file


@contextmanager
def _explaining(path: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:  # it was text when it was checked
        raise InputError(f"{path} changed while it was read.", "Try again when it rests.") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path} is a damaged gzip file.", "Fetch or pack it again.") from error
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}.", "Check the name.") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"{path} cannot be read: {reason}.", "Check the file and its permissions.") from error
