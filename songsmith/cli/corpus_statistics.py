"""The tables of `songsmith corpus stats`: the most important figures, and the most repeated lines."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from songsmith.cli import console
from songsmith.counting import count_of
from songsmith.lyrics import one_line

if TYPE_CHECKING:
    from songsmith.corpus.statistics import CorpusStatistics

_MOST = 5


def show_statistics(name: str, found: "CorpusStatistics") -> None:
    """Print what was counted."""
    verses = sum(found.lines_a_verse.values())
    sections = sum(found.stanzas.values())
    density = "" if found.rhyme_density is None else f"{found.rhyme_density:.0%} of lines rhyme"
    rows = [
        ("songs", f"{found.songs:,}"),
        ("artists", f"{found.artists:,}"),
        ("lines", f"{found.lines:,}"),
        ("words", f"{found.words:,}; {found.words / (found.songs or 1):.0f} per song"),
        ("vocabulary", f"{found.vocabulary:,} different words"),
        ("sections", ", ".join(_sections(count, str(kind)) for kind, count in found.stanzas.items())),
        ("forms", _often(found.forms, found.songs)),
        ("lines per verse", _usual(found.lines_a_verse)),
        ("syllables per line", _usual(found.syllables_a_line)),
        ("syllables per verse", f"{found.mean_syllables_a_verse:.1f} on average" if verses else ""),
        ("verse shapes", _often(found.verse_shapes, verses)),
        ("rhyme density", density),
        ("rhyme schemes", _often(found.rhyme_schemes, sections)),
    ]
    console.show_table((one_line(name), ""), [(what, value or "none") for what, value in rows])
    if found.repeated_lines:
        lines = [(f"{count:,}", one_line(text)) for text, count in found.repeated_lines]
        console.show_table(("Times", "Line"), lines)


def _sections(count: int, kind: str) -> str:
    return count_of(count, kind, f"{kind}es" if kind.endswith("s") else "")


def _usual(sizes: Mapping[int, int]) -> str:
    from songsmith.corpus.statistics import mean

    if not sizes:
        return ""
    often = sorted(sizes.items(), key=lambda item: -item[1])
    return f"{mean(sizes):.1f} on average; {_often(often, sum(sizes.values()))}"


def _often(counts: Iterable[tuple[object, int]], total: int) -> str:
    return ", ".join(f"{what} ({count / (total or 1):.0%})" for what, count in list(counts)[:_MOST])
