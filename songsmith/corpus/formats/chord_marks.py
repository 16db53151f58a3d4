"""Read words from texts with chords between them: `[Am]` as in ChordPro, `[ch]Am[/ch]`, OnSong. Leaves other brackets alone.

`[A]` may be a singer, a part or a letter that an editor added, `[Am I wrong]` is sung, `[x2]` says how often. So brackets are
chords only in a text with two or more of them where chords are written, at least one of which can be nothing else:
`[F#m7]`, or `wa[E]ter`. All other brackets stay.
"""

import re
from collections import Counter
from collections.abc import Iterator

from songsmith.corpus.formats.chord_sheet import is_beside, is_chord, is_unsung, may_be_sung, read_chord_sheet
from songsmith.corpus.formats.found_song import FoundSong, squeeze
from songsmith.corpus.records import MetadataValue, has_words
from songsmith.lyrics import parse_header

_FEWEST = 2
_LONGEST_ROW = 1000
_TAGGED = re.compile(r"\[ch\](.{0,40}?)\[/ch\]", re.IGNORECASE)
_TABS = re.compile(r"\[/?tab\]", re.IGNORECASE)
_BRACKETS = re.compile(r"\[([^\[\]\n]{1,40})\]")
_IMPOSSIBLE = re.compile(r"[BCDFGH](?=[bcdfgjkmpqstvxz])|[BDFG]h|[BCF]w|[BCDFH]n|H[lr]")
"""Letters that do not begin a word: a capital in brackets before them is a chord, not a letter that an editor added."""
_LABELS = "ABCDEFGH"
_DIRECTIVE = re.compile(
    r"^[ \t]*\{[ \t]*(?:title|t|subtitle|st|artist|composer|lyricist|album|key|capo|tempo|time|meta|comment|ci?|cb|"
    r"new_song|ns|define|(?:start|end)_of_\w{1,20}|[se]o[cvbtg])\b[ \t]*(?:[: ][^{}\n]*)?\}[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
_ABOUT = re.compile(
    r"(title|artist|author|key|original key|capo|tempo|bpm|time|duration|copyright|ccli|book|number|pitch|album|year|flow|"
    r"keywords|topic|restrictions|tuning|footer|midi|transposed key)\s*:\s*(.*)",
    re.IGNORECASE,
)
"""What OnSong says of a song in the rows below its title."""
_MOST_ABOUT = 20
_NOT_METADATA = ("title", "artist", "author", "flow", "midi", "footer")


def is_chordpro(text: str) -> bool:
    """Return whether a text holds directives of ChordPro: at its beginning, twice, or beside chords."""
    if "{" not in text:
        return False
    rows = (row.strip() for row in text.split("\n"))
    if _DIRECTIVE.fullmatch(next((row for row in rows if row and not row.startswith("#")), "")):
        return True
    found = _DIRECTIVE.findall(text)
    return len(found) >= _FEWEST or (bool(found) and has_chords(text))


def read_chord_marks(text: str) -> str | None:
    """Return the words of a text with chords marked between them; None if it has none."""
    if "[" not in text:
        return None
    if (words := read_tags(text)) is not None:
        return words
    return _read_rows(text, _BRACKETS) if _are_chords(text) else None


def read_tags(text: str) -> str | None:
    """Return the words of a text with chords in tags, `[ch]Am[/ch]`; None if there are no tags."""
    return _read_rows(_TABS.sub("", text), _TAGGED) if _TAGGED.search(text) else None


def has_chords(text: str) -> bool:
    """Return whether a text holds what may be a chord in brackets."""
    return any(_names_chords(mark[1]) for _, mark in _brackets(text))


def seek_onsong(text: str) -> FoundSong | None:
    """Return the song of a text if its first rows show it to be OnSong's, and there are chords; else None."""
    song, says_so = _parse_onsong(text)
    return song if says_so and "chords" in song.metadata else None


def read_onsong(text: str) -> FoundSong:
    """Return the song of an OnSong file: title, artist and metadata in its first rows, then words with chords."""
    return _parse_onsong(text, sure=True)[0]


def _parse_onsong(text: str, *, sure: bool = False) -> tuple[FoundSong, bool]:
    """Return the song, and whether its first rows are labelled. In a file known to be OnSong's, brackets are taken for chords."""
    rows = text.strip("\n").split("\n")
    end = next((number for number, row in enumerate(rows) if not row.strip()), len(rows))
    head, body = [row.strip() for row in rows[:end]], "\n".join(rows[end:])
    told = {found[1].lower(): found[2] for row in head[:_MOST_ABOUT] if (found := _ABOUT.fullmatch(row))}
    plain = [row for row in head if not _ABOUT.fullmatch(row)]
    is_head = len(plain) <= 2 and not any("[" in row or parse_header(row) for row in plain)
    if not is_head:  # there is no title that could be told from words
        body, told, plain = text, {}, []
    words = _read_rows(body, _BRACKETS) if sure and has_chords(body) else read_chord_marks(body)
    words = read_chord_sheet(body) if words is None and sure else words
    sung = "\n".join(_sung_rows(body if words is None else words))
    metadata: dict[str, MetadataValue] = {
        name: value for name, value in told.items() if value and name not in _NOT_METADATA
    }
    if words is not None:
        metadata["chords"] = text.strip("\n")
    title = told.get("title") or (plain[0] if plain else "")
    artist = told.get("artist") or told.get("author") or (plain[1] if len(plain) > 1 else "")
    return FoundSong(text=sung.strip("\n"), title=title, artist=artist, metadata=metadata), bool(told)


def _sung_rows(words: str) -> Iterator[str]:
    """Yield the rows of OnSong that are sung, `Verse 1:` as a header; `*` begins a remark."""
    for row in words.split("\n"):
        line = row.strip()
        if line.endswith(":") and parse_header(f"[{line[:-1]}]"):
            yield f"[{line[:-1]}]"
        elif not line.startswith("*"):
            yield row


def _read_rows(text: str, marks: re.Pattern[str]) -> str:
    """Return a text without its chords in brackets, and without the rows that held nothing else."""
    written: list[str] = []
    for row in text.split("\n"):
        words, count = _take_out(row, marks)
        if (count and not any(not is_beside(word) for word in words.split())) or (row.strip() and is_unsung(row)):
            continue
        written.append(squeeze(words) if count else row.strip())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(written)).strip("\n")


def _take_out(row: str, marks: re.Pattern[str]) -> tuple[str, int]:
    count = 0

    def take(found: re.Match[str]) -> str:
        nonlocal count
        if marks is _BRACKETS and not _is_mark(found[1]):
            return found[0]
        count += 1
        return ""

    return marks.sub(take, row), count


def _is_mark(inside: str) -> bool:
    """Return whether brackets hold something for musicians: chords, or a remark such as `*softly`."""
    return (inside.startswith("*") and has_words(inside)) or _names_chords(inside)


def _names_chords(inside: str) -> bool:
    words = inside.replace("|", " ").split()
    return any(map(_is_played, words)) and all(_is_played(word) or is_beside(word) for word in words)


def _is_played(word: str) -> bool:
    return is_chord(word) or word.upper() in ("N.C.", "NC")


def _are_chords(text: str) -> bool:
    """Return whether the brackets of a text are chords."""
    found = [(row, mark) for row, mark in _brackets(text) if _names_chords(mark[1])]
    names = {mark[1].strip() for _, mark in found}
    if len(found) < _FEWEST or len(names) < _FEWEST:
        return False
    if any(not may_be_sung(word) for name in names for word in name.split() if is_chord(word)):
        rows = Counter(row for row, _ in found)
        return any(count > 1 or has_words(_BRACKETS.sub("", row)) for row, count in rows.items())
    letters = {name[0] for name in names}
    are_labels = letters == set(_LABELS[: len(letters)])
    return sum(_is_placed(row, mark, spaced=not are_labels) for row, mark in found) >= _FEWEST


def _brackets(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    for row in text.split("\n"):
        if "[" in row and len(row) <= _LONGEST_ROW:
            yield from ((row, mark) for mark in _BRACKETS.finditer(row))


def _is_placed(row: str, mark: re.Match[str], *, spaced: bool) -> bool:
    """Return whether the place of a letter in brackets shows that it is a chord."""
    before, behind = row[: mark.start()], row[mark.end() :]
    if before[-1:].isalpha():  # in the middle of a word
        return behind[:1].isalpha()
    if behind[:1].isalpha():
        return behind[0].isupper() or _IMPOSSIBLE.match(f"{mark[1]}{behind[0]}") is not None
    return spaced and has_words(_BRACKETS.sub("", before))
