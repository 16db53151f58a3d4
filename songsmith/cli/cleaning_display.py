"""How the results of cleaning are shown: as a diff, as a list of changes, as JSON. Cleans nothing."""

import sys

from songsmith.cli import console
from songsmith.corpus.clean_songs import SongCleaned
from songsmith.lyrics import one_line
from songsmith.studio.cleaning_diff import diff_song

_STYLES = {"-": "red", "+": "green", "?": "yellow", "…": "dim", "": "bold", "!": "magenta"}


def show_diff(change: SongCleaned) -> None:
    """Show what would become of a song: lines that go (-), come (+), stay in doubt (?), each with its rule and raw line."""
    _paint("", heading(change))
    if change.set_aside:
        _paint("!", f"  {told_aside(change)}")
        return
    rows = diff_song(change)
    if not rows:
        _paint("…", "  only spaces, line breaks or punctuation")
    for row in rows:
        if row.sign == "…":
            _paint("…", "  …")
            continue
        line = f"line {row.line}" if row.line and row.sign != " " else ""
        note = ", ".join(filter(None, (*row.rules, line)))
        _paint(row.sign, f"  {row.sign} {one_line(row.text)}", f"  [{one_line(note)}]" if note else "")


def list_places(change: SongCleaned) -> str:
    """Return what a report says of a song: each place that was removed (-), put there (+) or doubted (?), with its rule."""
    rows = [heading(change)]
    for span in change.removed:
        for sign, text in (("-", span.text), ("+", span.replacement)):
            for line in text.strip("\n").splitlines():
                rows.append(f"  {sign} {one_line(line)}  [{span.rule}, line {span.line}]")
    rows += [f"  ? {one_line(doubt.text)}  [{doubt.rule}, line {doubt.line}]" for doubt in change.suspicious]
    if change.set_aside:
        rows.append(f"  {told_aside(change)}")
    return "".join(f"{row}\n" for row in rows)


def heading(change: SongCleaned) -> str:
    """Return what a song is called above what was done to it."""
    return f"{one_line(change.title) or 'Untitled'} ({one_line(change.id)})"


def told_aside(change: SongCleaned) -> str:
    """Return why a song is set aside."""
    shared = f", sharing {change.similarity:.0%} of its words" if change.similarity is not None else ""
    return f"set aside: {one_line(change.set_aside)}{shared}"


def _paint(sign: str, text: str, note: str = "") -> None:
    if not sys.stdout.isatty():
        console.write(f"{text}{note}\n")
        return
    from rich.text import Text

    line = Text(text, style=_STYLES.get(sign, ""))
    console.rich_console().print(line.append(note, style="dim not bold"), soft_wrap=True)
