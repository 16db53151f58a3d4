"""Invented songs of realistic length, so that training can be timed without a corpus."""

import random
from collections.abc import Iterator
from itertools import count

from songsmith.lyrics import Line, Section, SectionKind, Song

_WORDS = """
    river moon lantern winter harbour road silver morning evening meadow stranger candle feather thunder garden window mother
    sailor fiddle whisper shadow summer mountain ocean heart fire rain song light night home hand stone star bird bell wheel
    walked carried waited wandered gathered remember falling singing burning turning calling lonely golden weary gentle broken
    under over along beside before until never always again away down through when where with from and but for the a my your
    our their is was will would
"""
# Half of real songs in the public domain have 16 to 40 lines; few have more than 60, and what has less than 8 is a scrap.
_MEDIAN_LINES, _SPREAD, _FEWEST_LINES, _MOST_LINES = 26, 0.65, 8, 60
_STANZA_LINES = 4


def invent_songs(seed: int) -> Iterator[Song]:
    """Yield songs without end: the same seed, the same songs. 8 to 60 lines of 4 to 9 words, a chorus after each verse."""
    draw, words = random.Random(seed), _WORDS.split()
    for number in count(1):
        length = round(draw.lognormvariate(0.0, _SPREAD) * _MEDIAN_LINES)
        left = min(max(length, _FEWEST_LINES), _MOST_LINES)
        sections: list[Section] = []
        while left:
            kind = SectionKind.CHORUS if len(sections) % 2 else SectionKind.VERSE
            texts = (" ".join(draw.choices(words, k=draw.randint(4, 9))) for _ in range(min(left, _STANZA_LINES)))
            lines = tuple(Line(text.capitalize()) for text in texts)
            sections.append(Section(kind, lines))
            left -= len(lines)
        yield Song(f"The {draw.choice(words)} {number}", tuple(sections))
