"""Decompress gzip only to a size that is plausible for the file: a few kilobytes may expand to gigabytes."""

import gzip
from typing import BinaryIO

from songsmith.errors import InputError

BELIEVED_RATIO = 100
"""Any file may unpack to this many times its size; songs unpack to about four times, repetitive tables to thirty."""


class BoundedGzip(gzip.GzipFile):
    """A gzipped file that refuses to unpack without end."""

    def __init__(self, file: BinaryIO, label: str, *, size_bytes: int, most_bytes: int) -> None:
        """Unpack a file.

        Args:
            file: its bytes.
            label: what a message calls it.
            size_bytes: its size.
            most_bytes: how much it may unpack to.
        """
        super().__init__(fileobj=file)
        self._label, self._size_bytes = label, size_bytes
        self._most_bytes = most_bytes

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes.

        Raises:
            InputError: it unpacks to more than it may.
        """
        data = super().read(size)
        if self.tell() > self._most_bytes:
            times = self._most_bytes // max(self._size_bytes, 1)
            much = f", {times} times its size" if times > 1 else ""
            raise InputError(
                f"{self._label} unpacks to more than {self._most_bytes // 1_000_000} MB{much}.",
                "If you trust it, allow more with --max-unpacked MB.",
            )
        return data
