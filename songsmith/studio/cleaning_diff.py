"""What cleaning does to a song, line by line, for a person to review. Shows nothing itself."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from songsmith.corpus.clean_songs import SongCleaned

# The cost of comparing lines grows with their square; no song has so many.
_MOST_LINES = 1000


@dataclass(frozen=True, kw_only=True)
class DiffRow:
    """A line of a song before or after cleaning."""

    sign: str
    """`-` removed, `+` added, space unchanged, `?` suspicious, `…` for unchanged lines that are left out."""
    text: str = ""
    rules: tuple[str, ...] = ()
    """The rules that caused it."""
    line: int = 0
    """Its line in the raw text, counted from 1; 0: none."""


def diff_song(change: SongCleaned) -> list[DiffRow]:
    """Return the changes with the lines around them, then the suspicious lines. Spaces and empty lines are ignored."""
    rows: list[DiffRow] = []
    raw, clean = change.raw_text, change.clean_text
    if raw is None or clean is None or max(raw.count("\n"), clean.count("\n")) > _MOST_LINES:
        rows += _list_spans(change)
    else:
        rows += _compare(change, raw, clean)
    return rows + [
        DiffRow(sign="?", text=line, rules=(it.rule,), line=it.line + place)
        for it in change.suspicious for place, line in enumerate(it.text.strip("\n").split("\n"))
    ]  # fmt: skip


def _list_spans(change: SongCleaned) -> Iterator[DiffRow]:
    for span in change.removed:
        for sign, text in (("-", span.text), ("+", span.replacement)):
            for place, line in enumerate(text.strip("\n").split("\n") if text else ()):
                yield DiffRow(sign=sign, text=line, rules=(span.rule,), line=span.line + (place if sign == "-" else 0))


def _compare(change: SongCleaned, raw: str, clean: str) -> Iterator[DiffRow]:
    rules: dict[int, dict[str, None]] = defaultdict(dict)
    for span in change.removed:
        for line in range(span.line, span.line + span.text.strip("\n").count("\n") + 1):
            rules[line][span.rule] = None
    before = [(number, words) for number, line in enumerate(raw.split("\n"), 1) if (words := " ".join(line.split()))]
    after = [words for line in clean.split("\n") if (words := " ".join(line.split()))]
    matcher = SequenceMatcher(None, [words for _, words in before], after, autojunk=False)
    shown = 0
    for hunk in matcher.get_grouped_opcodes(1):
        if hunk[0][1] > shown:
            yield DiffRow(sign="…")
        shown = hunk[-1][2]
        for what, start, end, to_start, to_end in hunk:
            for number, words in before[start:end]:
                stays = what == "equal"
                yield DiffRow(
                    sign=" " if stays else "-", text=words, rules=() if stays else tuple(rules[number]), line=number
                )
            for words in after[to_start:to_end] if what != "equal" else ():
                # The rules are shown beside the removed line already.
                origin = _origin(change, words) if what == "insert" else None
                yield DiffRow(sign="+", text=words, rules=origin[0] if origin else (), line=origin[1] if origin else 0)
    if 0 < shown < len(before):
        yield DiffRow(sign="…")


def _origin(change: SongCleaned, words: str) -> tuple[tuple[str, ...], int] | None:
    """Return which rule added a line, and where."""
    for span in change.removed:
        if words in (" ".join(line.split()) for line in span.replacement.split("\n")):
            return (span.rule,), span.line
    return None
