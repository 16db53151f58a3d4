"""Names of songs and artists: whether two match, and whether a line looks like one. Reads names only."""

import re
from functools import lru_cache

from songsmith.corpus.rules.rule import RuleContext, fold

_SMALL_WORDS = frozenset(
    ["a", "al", "an", "and", "at", "by", "de", "feat", "for", "from", "ft", "in", "la", "le", "of", "on", "or", "the", "to",
     "with", "x", "vs"]
)  # fmt: skip
# Those of other languages; no title ends in one, except that `I do` does.
_SMALL_WORDS_WITHIN = frozenset(
    ["en", "del", "y", "el", "los", "las", "les", "e", "da", "do", "das", "dos", "und", "der", "die", "du", "des", "et"]
)  # fmt: skip
_AROUND_A_WORD = "()[]\"'“”‘’.,:"
_LONGEST_NAME = 100
# Names of the accounts of Genius for translations, romanizations and lists, by language.
_GENIUS = re.compile(
    r"\bgenius\b.*(?:\benglish|\bbrasil|\busers\b|\blists?\b|\bcommunity|romaniz|romanis|translat|tradu|traduz|terjemah|çevir|übersetz|"
    r"vertal|tłumacz|překlad|preklad|prevod|prijevod|oversæt|oversett|översätt|översätt|överså|käännö|fordít|tərcümə|tõlk|tulkoj|"
    r"vertim|dịch|превод|перевод|переклад|перакла|μετάφρ|μεταφρ|ترجم|תרגומ|תרגום|翻訳|翻译|翻譯|번역|แปล|अनुवाद)|"
    r"(?:romaniz|translat|tradu|tłumacz|překlad|preklad|prevod|prijevod|terjemah|перевод|переклад|превод|ترجم|תרגו|번역|翻訳|翻译)"
    r".*\bgenius$",
    re.IGNORECASE,
)
_IN_NO_NAME = re.compile(r"[^\w\s()'’&/|\u200c\u200d-]")
_PARTS = re.compile(r"\s*(?:[&,+/()]|\b(?:feat|ft|featuring|with|and|x|vs|y|et|e|und)\b\.?)\s*", re.IGNORECASE)
_BRACKETED = re.compile(r"\s*(?:\([^()]*\)|\[[^\[\]]*\]|[({\[].*)\s*")
_FEATURING = re.compile(r"\s(?:feat|ft|featuring)\b.*", re.IGNORECASE)
_WITHIN_A_TITLE = re.compile(r"\s(?:feat|ft|featuring|by)\b", re.IGNORECASE)
_DASH = re.compile(r"\s[-–—|:]\s")


def is_genius(artist: str) -> bool:
    """Return whether an artist is an account of Genius itself, which holds translations and romanizations, not songs of its own."""
    if len(artist) > _LONGEST_NAME or "genius" not in (folded := artist.lower()):
        return False
    return folded.strip() == "genius" or (_GENIUS.search(artist.strip()) is not None and not _IN_NO_NAME.search(artist))


def is_known(name: str, context: RuleContext) -> bool:
    """Return whether this is the artist of the song, one that is known, an account of Genius, or several with one of them."""
    if is_genius(name):
        return True
    artist, whole = fold(context.artist), fold(name)
    if whole and (whole == artist or whole in context.artists):
        return True
    # `Ann & Ben`, but not `You and I, Ann, forever`.
    if not (artist or context.artists) or not is_titled(name):
        return False
    folded = {fold(part) for part in _PARTS.split(name)} - {""}
    return artist in folded or not context.artists.isdisjoint(folded)


def is_titled(line: str) -> bool:
    """Return whether a line is written as a title or a name: no word in small letters but those of titles, no mark at its end."""
    words = line.split()
    return (
        bool(words)
        and line[0] != "["
        and line[-1] not in ",.;:!?…—-"
        and all(not word.lstrip("(\"'“‘")[:1].islower() or _is_small(word) for word in words)
        and words[-1] not in _SMALL_WORDS_WITHIN
    )


def _is_small(word: str) -> bool:
    word = word.lower().strip(_AROUND_A_WORD)
    return word in _SMALL_WORDS or word in _SMALL_WORDS_WITHIN


def without_brackets(title: str) -> str:
    """Return a title without what is in brackets, unless that is all of it."""
    bare = _BRACKETED.sub(" ", title).strip()
    return bare if fold(bare) else title.strip(" ()[]")


# Called several times for each song.
@lru_cache(maxsize=32)
def spellings(title: str, artist: str = "") -> frozenset[str]:
    """Return a title as pages and records write it: with and without what is in brackets, after a dash, or of the artist."""
    bare = without_brackets(title)
    if bare == title and title.replace(" ", "").isalpha() and not _WITHIN_A_TITLE.search(title):
        return frozenset((fold(title),))
    written = {title, bare, _FEATURING.sub("", title)}
    if artist and title.lower().endswith(f" by {artist.lower()}"):
        written.add(title[: -len(artist) - 4])
    for sides in (_DASH.split(title, maxsplit=1), _DASH.split(bare, maxsplit=1)):
        if len(sides) == 2:
            written |= {sides[1]} if fold(sides[0]) == fold(artist) else {sides[0]}
    return frozenset(folded for name in written if (folded := fold(name)))
