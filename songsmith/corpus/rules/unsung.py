"""Texts that are not songs: announcements, instrumentals, error pages, translations. Returns why; changes nothing."""

import re

from songsmith.corpus.rules.names import is_genius
from songsmith.corpus.rules.rule import fold
from songsmith.lyrics import parse_header
from songsmith.markup import find_mark

_ERROR_PAGE = re.compile(
    r"sorry, we didn['’]t mean for that to happen!|<!doctype html|<html[\s>]|attention required! \| cloudflare|"
    r"just a moment\.\.\.\s*\n|checking your browser before accessing|(?:error )?(?:403 forbidden|502 bad gateway|"
    r"503 service (?:temporarily )?unavailable|504 gateway time-?out)\s*(?:\n|$)|error code: 10\d\d",
    re.IGNORECASE,
)
_AWAITED = re.compile(r"lyrics for this song have yet to be (?:released|transcribed)", re.IGNORECASE)
_SOON = re.compile(
    r"\W{0,3}lyrics (?:will be|to be) (?:available|added) "
    r"(?:soon|upon release)|\W{0,3}(?:lyrics )?(?:coming|available) soon\W{0,3}$",
    re.IGNORECASE,
)
_INSTRUMENTAL = re.compile(
    r"[\[(*]{0,2}\s?(?:(?:this|the) (?:song|track|piece) is (?:an |purely )?|(?:morceau|tema|brano|canción|faixa|utwór|skladba) "
    r"(?:purement )?)?(?:instrumental(?:e|ny|ní|es|is|stück|t|track)?|instrumentaali|strumentale|enstr[uü]mantal|"
    r"инструментал\w{0,4}|instrumentalno|instrumentální|インストゥルメンタル|연주곡|純音樂|纯音乐)"
    r"(?: (?:track|song|piece|version|only|break|interlude|outro|intro|skit))?\s?(?:[:–-].{0,100})?[\])*]{0,2}[.!]?",
    re.IGNORECASE,
)
_NOTHING = frozenset(("unreleased", "na", "none", "null", "nan", "tba", "tbd", "nolyrics", "nolyricsavailable", "snippet",
                      "lyricsnotfound", "lyricsunavailable", "missinglyrics", "undefined"))  # fmt: skip
_SNIPPET = re.compile(r"[\[(*]?lyrics from (?:a )?snippets?[\])*]?:?", re.IGNORECASE)
_BRACKETED = re.compile(r"\[[^\[\]]{0,200}\]")
# Below the first.
_COUNTED = re.compile(r"\n[^\S\n]*\d")
_TRACK = re.compile(r"(\d{1,3})[.)]\s{0,3}\S")
_OVER_TRACKS = re.compile(
    r"\W{0,3}(?:(?:album )?track\s?list(?:ing)?|(?:dis[ck]|cd|side) (?:\d{1,2}|[a-d]|one|two)(?: ?[:–-].{0,60})?)\W{0,3}",
    re.IGNORECASE,
)
_FEW_LINES = 3
_FIRST_LINES = 20
_MOST_LINES_OF_NOTHING = 12


def why_no_song(text: str, artist: str) -> str:
    """Return why a clean text is not a song, in a few words by which such texts are counted; empty for a song."""
    if "<|" in text and (mark := find_mark(text)):
        return f"contains {mark}, a mark that songsmith uses itself"
    if is_genius(artist):
        return "an account of Genius, not an artist"
    if len(text) > 4000 and not text.startswith("<") and not _ERROR_PAGE.match(text):
        return ""
    # The first lines show whether it is a song.
    rows = _full_rows(text.split("\n", _FIRST_LINES))
    if len(rows) <= _MOST_LINES_OF_NOTHING:
        rows = _full_rows(text.split("\n"))
    if not rows:
        return "no lyrics"
    if _ERROR_PAGE.match("\n".join(rows[:2])) or _ERROR_PAGE.match("\n".join(rows[1:3])):
        return "an error page"
    if (len(rows) <= _FEW_LINES and any(_AWAITED.match(row) for row in rows)) or (
        len(rows) == 1 and _SOON.match(rows[0])
    ):
        return "lyrics not released"
    if _SNIPPET.fullmatch(rows[0]):
        return "a snippet"
    if len(rows) > _MOST_LINES_OF_NOTHING and len(_COUNTED.findall(text)) < _FEW_LINES - 1:
        return ""
    return _by_its_lines(_full_rows(text.split("\n")))


def _full_rows(rows: list[str]) -> list[str]:
    return list(filter(None, map(str.strip, rows)))


def _by_its_lines(rows: list[str]) -> str:
    sung = [row for row in rows if not parse_header(row) or _INSTRUMENTAL.fullmatch(row[:140])]
    if sung and all(len(row) <= 140 and _INSTRUMENTAL.fullmatch(row) for row in sung):
        return "an instrumental"
    if all(_BRACKETED.fullmatch(row) or not fold(row) for row in rows):
        return "no lyrics"
    if len(sung) == 1 and fold(sung[0]) in _NOTHING:
        return "no lyrics" if fold(sung[0]) != "unreleased" else "lyrics not released"
    tracks = [row for row in sung if not _OVER_TRACKS.fullmatch(row)]
    numbered = [int(found.group(1)) for row in tracks if (found := _TRACK.match(row))]
    if len(numbered) >= _FEW_LINES and len(numbered) * 5 >= len(tracks) * 4 and _counted_up(numbered):
        return "a track list"
    return ""


def _counted_up(numbers: list[int]) -> bool:
    """Return whether each number follows the one before it, or begins another disc."""
    return all(
        number == before + 1 or (number == 1 and before > 1)
        for before, number in zip([0, *numbers], numbers, strict=False)
    )
