"""How fast songs are cleaned, on one core: `python tests/measurements/measure_cleaning.py [SONGS]`.

Songs are invented. Pages have headers, some with singers, ad-libs, and what a lyrics page leaves around and between the stanzas:
what most of them have, or every kind of dirt there is, as often as any other. Verses are as in books, with nothing to clean.
Tells processor time alone, the best of five rounds; `--profile` tells where it went.
"""

import argparse
import cProfile
import pstats
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "corpus"))

from clean_songs import CleanSong
from dirt import CHARACTERS, GAPS, HEADS, TAILS, soil

from songsmith.corpus.cleaning import clean_text

_SOUNDS = ("ba", "de", "fi", "go", "hu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "zu", "lan", "shi")
_PARTS = ("Verse 1", "Pre-Chorus", "Chorus", "Verse 2", "Chorus", "Bridge", "Chorus")
_ROUNDS = 5
_SINGERS = 200
_ODD_LETTERS_ONE_IN = 8
_COMMON_HEADS = ("contributors, title glued", "a line each", "languages", "scripts", "counted blurb")
_COMMON_GAPS = ("marker alone", "marker glued to what follows", "tickets glued", "recommendations")
_COMMON_TAILS = ("embed", "digits", "digits", "thousands")
_NAMED_ONE_IN = 4


@dataclass(frozen=True)
class _Page:
    text: str
    title: str
    artist: str


class _Writer:
    """Invents songs: the same ones from the same seed."""

    def __init__(self, seed: int = 0) -> None:
        self._chance = random.Random(seed)
        self._words = ["".join(self._chance.choices(_SOUNDS, k=self._chance.randint(1, 3))) for _ in range(5000)]
        self._singers = [self._name() for _ in range(_SINGERS)]

    def page(self, number: int, *, common: bool) -> _Page:
        """Return a page as it comes from a site, about 1.7 kB, with common dirt or dirt of any kind."""
        chance, title, artist = self._chance, self._name(), self._chance.choice(self._singers)
        by = f": {artist}" if number % _NAMED_ONE_IN == 0 else ""
        chorus = self._stanza(chance.randint(4, 8))
        stanzas = [
            f"[{part}{by}]\n{chorus if part == 'Chorus' else self._stanza(chance.randint(4, 8))}" for part in _PARTS
        ]
        dirty = soil(
            CleanSong(title, artist, "\n\n".join(stanzas)),
            head=chance.choice(_COMMON_HEADS if common else list(HEADS)),
            gap=chance.choice(_COMMON_GAPS if common else list(GAPS)),
            tail=chance.choice(_COMMON_TAILS if common else list(TAILS)),
            characters=chance.choice(list(CHARACTERS)) if number % _ODD_LETTERS_ONE_IN == 0 else "as it is",
            seed=number,
        )
        return _Page(dirty.raw, dirty.title, dirty.artist)

    def verses(self) -> _Page:
        """Return what stands in a book: stanzas without headers."""
        stanzas = (self._stanza(4, end=",") for _ in range(self._chance.randint(4, 16)))
        return _Page("\n\n".join(stanzas), self._name(), "")

    def _stanza(self, lines: int, *, end: str = "") -> str:
        return "\n".join(self._line() + end for _ in range(lines))

    def _line(self) -> str:
        words = self._chance.choices(self._words, k=self._chance.randint(4, 8))
        words[1] += self._chance.choice(("", "", "'s", ","))
        ad_lib = f" ({words[-1].capitalize()})" if self._chance.random() < 0.1 else ""
        return f"{' '.join(words).capitalize()}{ad_lib}"

    def _name(self) -> str:
        return " ".join(self._chance.choices(self._words, k=2)).title()


def clean_all(pages: list[_Page]) -> float:
    """Clean every page; return how many seconds of processor time that took."""
    began = time.process_time()
    for page in pages:
        clean_text(page.text, title=page.title, artist=page.artist)
    return time.process_time() - began


def main() -> None:
    """Invent pages and verses, clean them, and tell how fast that was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("songs", type=int, nargs="?", default=2000)
    parser.add_argument("--profile", action="store_true")
    chosen = parser.parse_args()
    writer = _Writer()
    kinds = {
        "pages": [writer.page(number, common=True) for number in range(chosen.songs)],
        "pages of every kind": [writer.page(number, common=False) for number in range(chosen.songs)],
        "verses": [writer.verses() for _ in range(chosen.songs)],
    }
    for kind, texts in kinds.items():
        size_mb = sum(len(page.text.encode("utf-8", "replace")) for page in texts) / 1e6
        seconds = min(clean_all(texts) for _ in range(_ROUNDS))
        sys.stdout.write(
            f"{kind}: {size_mb / seconds:.1f} MB/s of processor time, {len(texts) / seconds:.0f} songs/s "
            f"({1e3 * size_mb / len(texts):.1f} kB each)\n"
        )
        if chosen.profile:
            profile = cProfile.Profile()
            profile.runcall(clean_all, texts)
            pstats.Stats(profile, stream=sys.stdout).sort_stats("tottime").print_stats(40)


if __name__ == "__main__":
    main()
