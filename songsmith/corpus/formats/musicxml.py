"""Read songs from MusicXML scores: the words under the notes, verse by verse, syllables joined. Reads no notes.

A score says where a syllable ends, and rarely where a line does: a line ends where the score says so, else where a capital
follows a comma or a full stop. Several parts usually sing the same words: the one with most words is used.
"""

import re
from xml.etree.ElementTree import Element

from songsmith.corpus.formats.found_song import FoundSong, squeeze
from songsmith.corpus.formats.xml_files import children, find, local_name, plain_text
from songsmith.corpus.records import MetadataValue

_BY = {"lyricist": "lyricist", "poet": "lyricist", "composer": "composer", "arranger": "arranger"}
_ENDS, _QUOTES = tuple(".,;:!?…"), "\"'“”‘’()¡¿"
_I = re.compile(r"I(?:['’]|$)")
_VERSE_NUMBER = re.compile(r"\s*\d{1,2}\s*[.)]\s*")


def read_musicxml(root: Element) -> FoundSong:
    """Return the song of a score in parts or in measures."""
    title = plain_text(find(root, "work", "work-title")) or plain_text(find(root, "movement-title"))
    verses = _read_verses(root)
    stanzas = [
        f"[Verse {number}]\n{words}" if len(verses) > 1 else words for number, words in enumerate(verses, 1)
    ]  # fmt: skip
    metadata: dict[str, MetadataValue] = {}
    artist = ""
    identification = find(root, "identification")
    for creator in [] if identification is None else children(identification, "creator"):
        if key := _BY.get(creator.get("type", "")):
            metadata.setdefault(key, plain_text(creator))
        else:
            artist = artist or plain_text(creator)
    return FoundSong(text="\n\n".join(stanzas), title=title, artist=artist, metadata=metadata)


def _read_verses(root: Element) -> list[str]:
    """Return the verses of the voice that has most words, in the order of their numbers."""
    voices: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    part = ""
    for element in root.iter():
        name = local_name(element)
        if name == "part":
            part = element.get("id", "")
        elif name == "note":
            voice = (part, plain_text(find(element, "staff")), plain_text(find(element, "voice")))
            for lyric in children(element, "lyric"):
                number = lyric.get("number") or "1"
                voices.setdefault(voice, {}).setdefault(number, []).append(_read_syllable(lyric))
    fullest = max(voices.values(), key=lambda verses: sum(map(len, map("".join, verses.values()))), default={})
    ordered = sorted(fullest, key=lambda number: (len(number), number))
    return [words for number in ordered if (words := _in_lines("".join(fullest[number])))]


def _read_syllable(lyric: Element) -> str:
    """Return the text under a note, followed by a space if the word ends there, or a line break if the line does."""
    text = ""
    syllabic = "single"
    for child in lyric:
        name = local_name(child)
        if name == "elision":  # two syllables on one note
            text += "" if syllabic in ("begin", "middle") else " "
        elif name == "syllabic":
            syllabic = (child.text or "").strip()
        elif name == "text":
            text += (child.text or "").strip()
        elif name == "end-paragraph":
            return f"{text}\n\n"
        elif name == "end-line":
            return f"{text}\n"
    return text if syllabic in ("begin", "middle") or not text else f"{text} "


def _in_lines(words: str) -> str:
    words = _VERSE_NUMBER.sub("", words, count=1) if _VERSE_NUMBER.match(words) else words
    rows = [squeeze(row) for row in words.strip().split("\n")]
    if len(rows) > 1:
        return re.sub(r"\n{3,}", "\n\n", "\n".join(rows))
    text, before = "", ""
    for word in words.split():
        is_new = before.rstrip(_QUOTES)[-1:] in _ENDS and word.lstrip(_QUOTES)[:1].isupper() and not _I.match(word)
        text += f"{chr(10) if before and is_new else ' '}{word}"
        before = word
    return text.strip()
