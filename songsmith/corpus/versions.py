"""Which song a page is a version of, by its title and artist. Reads no lyrics."""

import re
from dataclasses import dataclass
from enum import IntEnum

from songsmith.corpus.rules.names import is_genius
from songsmith.corpus.rules.rule import fold

_BRACKETED_AT_END = re.compile(r"^(.*\S)\s*[(\[（]([^()\[\]（）]*)[)\]）]\s*$", re.DOTALL)
_DASHED_AT_END = re.compile(r"^(.*\S)\s+[-–—]\s+([^-–—]+)$", re.DOTALL)
_FEATURING = re.compile(r"\s*[(\[]?\b(?:feat|ft|featuring)\b\.?\s.*$", re.IGNORECASE | re.DOTALL)
_GUEST = re.compile(r"(?:feat|ft|featuring|with|prod)\b", re.IGNORECASE)
_VERSION = re.compile(
    r"\b(?:remix(?:ed)?|(?:re-?)?mix|live|demo|acoustic|unplugged|remaster(?:ed)?|version|ver|edit|extended|karaoke|"
    r"instrumental|sessions?|sped up|slowed|reverb|nightcore|a ?cappella|mono|stereo|bonus(?: track)?|deluxe|explicit|"
    r"clean|cover|take \d+|alternat(?:e|ive)|rehearsal|outtake|rough|snippet|original|single|v ?\d+|from the vault|"
    r"re-?recorded|reprise|en vivo|ao vivo|en directo|dal vivo|remezcla|versi[oó]n|vers[aã]o|versione)\b",
    re.IGNORECASE,
)
# Names of languages in English, and how they begin in the languages themselves, in any gender and case.
_LANGUAGE = (
    r"(?:(?:(?:brazilian|latin(?: american)?|european|american|british|traditional|simplified|modern|ancient|old) )?(?:"
    r"afrikaans|albanian|arabic|armenian|azerbaijani|basque|bengali|bosnian|bulgarian|cantonese|catalan|chinese|croatian|czech|"
    r"danish|dutch|english|estonian|farsi|filipino|finnish|french|galician|georgian|german|greek|hebrew|hindi|hungarian|icelandic|"
    r"indonesian|irish|italian|japanese|kazakh|korean|latin|latvian|lithuanian|macedonian|malay|mandarin|mongolian|norwegian|"
    r"persian|polish|portuguese|punjabi|romanian|russian|serbian|slovak|slovenian|spanish|swahili|swedish|tagalog|tamil|thai|"
    r"tibetan|turkish|ukrainian|urdu|uzbek|vietnamese|welsh|yiddish|"
    r"deutsch\w*|englisch\w*|español\w*|espanhol\w*|ingl[eé]s\w*|italian[oa]|fran[cç][eê]s\w*|franz[oö]sisch\w*|anglais\w*|"
    r"portugu[eê]s\w*|català|türkçe|ingilizce|polsk\w*|angielsk\w*|українськ\w*|англійськ\w*|русск\w*|английск\w*|"
    r"한국어|영어|日本語|中文|英語))"
)
_TRANSLATED = (
    r"translat(?:ion|ed)|romani[sz](?:ed|ations?)|romaji|transliterat(?:ion|ed)|traducci[oó]n|tradu[cç][aã]o|traduction|"
    r"traduzione|übersetzung|çeviri(?:si)?|tłumaczenie|перевод|переклад|ترجم\w*|翻訳|翻译|번역|로마자"
)
# Only as a whole: `Lost in Translation` is a title of its own.
_TRANSLATION = re.compile(
    rf"(?:{_LANGUAGE} )?(?:{_TRANSLATED})(?: lyrics| version)?"
    rf"(?: (?:(?:in|into|to|auf|ins?|al|en|em|na|po|на) )?(?:el )?{_LANGUAGE})?|{_LANGUAGE}(?:翻訳|翻译)",
    re.IGNORECASE,
)
_LONGEST_TITLE = 300


class Rank(IntEnum):
    """How good a version is to keep, the best first."""

    PLAIN = 0
    MARKED = 1
    """A remix, a live version, a demo: its title says so."""
    TRANSLATED = 2
    """A translation, or the words in another script."""


@dataclass(frozen=True, kw_only=True)
class Version:
    """What title and artist say about a page."""

    song: str
    """Title without its marks, and artist, folded for comparing: the same for all versions of a song. Empty: not known."""
    rank: Rank


def read_title(title: str, artist: str) -> Version:
    """Return which song a page is a version of: `Red (Live)` and `Red - 2011 Remaster` by one artist are both `Red`."""
    title, rank = title[:_LONGEST_TITLE].strip(), Rank.PLAIN
    if is_genius(artist):  # such pages are titled `Artist - Title (English Translation)`
        rank = Rank.TRANSLATED
        artist, _, title = title.partition(" - ")
        if match := _BRACKETED_AT_END.match(title):
            title = match.group(1)
    while match := (bracketed := _BRACKETED_AT_END.match(title)) or _DASHED_AT_END.match(title):
        base, mark = match.groups()
        if (bracketed or rank is Rank.TRANSLATED) and _TRANSLATION.fullmatch(mark.strip()):
            rank = Rank.TRANSLATED
        elif _VERSION.search(mark):
            rank = max(rank, Rank.MARKED)
        elif not _GUEST.match(mark):
            break
        title = base
    title, artist = fold(_FEATURING.sub("", title)), fold(_FEATURING.sub("", artist[:_LONGEST_TITLE]))
    return Version(song=f"{title}\0{artist}" if title and artist else "", rank=rank)
