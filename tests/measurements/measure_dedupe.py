"""How long near-duplicates take to find, and in how much memory: `python tests/measurements/measure_dedupe.py [SONGS]`.

Songs are invented of words as frequent as those of a language (Zipf), a tenth of them planted as versions of others. Their
texts lie in a file and are read again to compare them, as `songsmith clean` does. Tells what it found and what that took.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Iterator

import numpy as np

from songsmith.corpus.dedupe import FINGERPRINT, Duplicate, find_duplicates, fingerprint
from songsmith.corpus.records import CleanRecord

_WORDS_A_SONG = 220
_VOCABULARY = 60_000
_VERSIONS = 0.1


def invent(songs: int) -> Iterator[tuple[str, int]]:
    """Yield the text of each song, and which one before it is a version of: -1 for none."""
    chance = np.random.default_rng(songs)
    odds = 1 / np.arange(1, _VOCABULARY + 1)
    steps = np.cumsum(odds / odds.sum())
    words = np.array([f"w{number:x}" for number in range(_VOCABULARY)])
    last = np.zeros(0, np.int64)
    for number in range(songs):
        drawn = np.searchsorted(steps, chance.random(_WORDS_A_SONG)).clip(max=_VOCABULARY - 1)
        of = -1
        if number and chance.random() < _VERSIONS:
            of = number - 1
            changed = chance.random(_WORDS_A_SONG) < 0.06
            drawn = np.where(changed, drawn, last)
        last = drawn
        yield "\n".join(" ".join(row) for row in words[drawn].reshape(-1, 10)), of


def peak_mb() -> int:
    """Return the most memory this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def main(songs: int) -> None:
    """Invent songs, sign them, find those that are alike, and tell what it took."""
    rows, starts = np.empty(songs, FINGERPRINT), np.zeros(songs + 1, np.int64)
    planted: list[tuple[int, int]] = []
    before_mb, signing_s = peak_mb(), 0.0
    with tempfile.TemporaryFile() as file:
        for number, (text, of) in enumerate(invent(songs)):
            content = text.encode()
            file.write(content)
            starts[number + 1] = starts[number] + len(content)
            began = time.process_time()
            rows[number] = fingerprint(CleanRecord(id="", text=text), size=len(content))
            signing_s += time.process_time() - began
            if of >= 0:
                planted.append((of, number))

        def read(row: int) -> str:
            file.seek(starts[row])
            return file.read(int(starts[row + 1] - starts[row])).decode()

        began = time.process_time()
        found = {event.row: event.of for event in find_duplicates(rows, read) if isinstance(event, Duplicate)}
        finding_s = time.process_time() - began
    caught = sum(of in found or number in found for of, number in planted)
    size_mb = starts[-1] / 1e6
    sys.stdout.write(
        f"{songs} songs, {size_mb:.0f} MB of text, {len(planted)} planted, {caught} of them found, {len(found)} set aside\n"
        f"signing {signing_s:.1f} s ({size_mb / signing_s:.1f} MB/s), finding {finding_s:.1f} s of processor time\n"
        f"peak memory {peak_mb()} MB, of which {before_mb} MB before the first song\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
