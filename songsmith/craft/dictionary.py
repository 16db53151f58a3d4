"""The words whose sounds are known: CMUdict, and a list of words that songs use and dictionaries lack.

Reads its files when the first word is asked for. Knows spellings as they are listed, no rules.
"""

import gzip
from functools import cache
from pathlib import Path

from songsmith.craft.letters import Rules
from songsmith.craft.phones import VARIANT_DIVIDER, encode

DATA = Path(__file__).parent / "data"
WORDS_FILE = "cmudict.txt.gz"
RULES_FILE = "letters.txt.gz"
LYRIC_WORDS_FILE = "lyric_words.txt"
SILENT = "-"
_INFLECTIONS = ("ing", "ed", "er", "ly", "est", "ful", "y")


@cache
def words() -> dict[str, str]:
    """Return every listed word, lower case, with its sounds; variants are divided, the best first."""
    # Word and sounds take turns: dict() pairs them up faster than any loop could split rows (40 ms for all of them).
    fields = iter(_read(WORDS_FILE).split())
    listed = dict(zip(fields, fields, strict=True))
    for word, variants in read_entries((DATA / LYRIC_WORDS_FILE).read_text(encoding="utf-8")).items():
        others = listed.get(word, "").split(VARIANT_DIVIDER)
        listed[word] = VARIANT_DIVIDER.join(dict.fromkeys([*variants, *filter(None, others)]))
    return listed


@cache
def letter_rules() -> Rules:
    """Return the rules that guess the sounds of all other words."""
    fields = iter(_read(RULES_FILE).split())
    return {key: "" if sounds == SILENT else sounds for key, sounds in zip(fields, fields, strict=True)}


def look_up(word: str) -> tuple[str, ...]:
    """Return the variants of a listed word as sounds, the best first; none for a word that is not listed."""
    found = words().get(word)
    return tuple(found.split(VARIANT_DIVIDER)) if found else ()


def is_common(word: str) -> bool:
    """Whether more is made of a listed word. Half of those are surnames, of which nothing is; any word falls into two."""
    stem = word.removesuffix("e")
    return any(stem + ending in words() for ending in _INFLECTIONS)


def read_entries(text: str) -> dict[str, list[str]]:
    """Read rows such as `every(2) EH1 V R IY0 # remark`, the way CMUdict writes them.

    Raises:
        KeyError: for a row with what is no phone.
    """
    entries: dict[str, list[str]] = {}
    for row in text.splitlines():
        word, _, names = row.partition("#")[0].strip().partition(" ")
        if word:
            entries.setdefault(word.partition("(")[0], []).append(encode(names))
    return entries


def _read(name: str) -> str:
    return gzip.decompress((DATA / name).read_bytes()).decode("ascii")
