"""Write a CSV of songs in invented words, as large as is asked for: `python tests/measurements/write_table.py FILE 1000` (MB)."""

import csv
import random
import sys
from pathlib import Path

_SOUNDS = ("ba", "de", "fi", "go", "hu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "zu", "lé", "ñe", "shi")
_COLUMNS = ("title", "tag", "artist", "year", "views", "lyrics", "id", "language")


def write_table(path: Path, megabytes: float, seed: int = 0) -> int:
    """Write the table and return how many songs are in it; one in a hundred has no lyrics."""
    chance = random.Random(seed)
    words = ["".join(chance.choices(_SOUNDS, k=chance.randint(1, 4))) for _ in range(20_000)]
    lines = [" ".join(chance.choices(words, k=chance.randint(4, 9))) for _ in range(50_000)]
    songs = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(_COLUMNS)
        while file.tell() < megabytes * 1e6:
            for _ in range(1000):
                songs += 1
                lyrics = ""
                if songs % 100:
                    stanzas = ["\n".join(chance.choices(lines, k=4)) for _ in range(chance.randint(4, 16))]
                    lyrics = "[Verse 1]\n" + "\n\n[Chorus]\n".join(stanzas)
                language = chance.choice(("en", "en", "de"))
                singer = " ".join(chance.choices(words, k=2)).title()
                rows.writerow(
                    [
                        chance.choice(lines).title(),
                        "pop",
                        singer,
                        1990 + songs % 35,
                        songs % 9999,
                        lyrics,
                        songs,
                        language,
                    ]
                )
    return songs


if __name__ == "__main__":
    print(write_table(Path(sys.argv[1]), float(sys.argv[2])))  # noqa: T201
