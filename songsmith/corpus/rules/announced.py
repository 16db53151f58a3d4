"""A first line that announces the song, as lyric sites write it: `Paroles de la chanson … par …`. Changes no other line."""

import re

from songsmith.corpus.rules.rule import Finding, Rule, RuleContext, fold

_LONGEST = 300
_BEGINNINGS = ("paroles d", "letra d", "letras d", "songtext v", "songtext z", "liedtext v", "testo della c", "tekst piosenki",
               "текст песни", "lyrics to the song", "lyrics of the song", "lyrics for the song", "şarkı sözü")  # fmt: skip
_ANNOUNCES = re.compile(
    r"(?:paroles de la (?:chanson|musique)|paroles (?:de |d['’])[^\n]+ par|letras? d[ea] (?:la canción|la cancion|música|musica)|"
    r"songtext (?:von|zu)|liedtext von|testo della canzone|tekst piosenki|текст песни|lyrics (?:to|of|for) the song|şarkı sözü)"
    r"\s+(\S[^\n]*)",
    re.IGNORECASE,
)


def _announced(text: str, context: RuleContext) -> list[Finding]:
    folded = context.folded
    if not (folded.lstrip() if folded[:1].isspace() else folded).startswith(_BEGINNINGS):
        return []
    head = text[:_LONGEST]
    line = head.lstrip()
    start = len(head) - len(line)
    end = text.find("\n", start, start + _LONGEST)
    found = _ANNOUNCES.fullmatch(text[start:end].rstrip()) if end >= 0 else None
    if found and text[end:].strip() and (_begins_name(found[1]) or _names_title(found[1], context.title)):
        return [Finding(start, end + 1)]
    return []


def _begins_name(rest: str) -> bool:
    """Return whether words begin as a name does; `Lyrics to the song I wrote for you` is sung."""
    first, _, more = rest.partition(" ")
    return not first[0].islower() and not (first in ("I", "I’m", "I'm") and more[:1].islower())


def _names_title(rest: str, title: str) -> bool:
    return fold(title) != "" and fold(rest).startswith(fold(title))


ANNOUNCED = Rule(
    name="announced song", does="Removes a first line such as `Paroles de la chanson … par …`.", find=_announced,
    proves_scraping=False,
)  # fmt: skip
