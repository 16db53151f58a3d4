"""Read songs from OpenLyrics, which song-book programs share: verses in order, chords kept beside the words."""

import re
from xml.etree.ElementTree import Element

from songsmith.corpus.formats.found_song import FoundSong, squeeze
from songsmith.corpus.formats.song_parts import header, write_parts
from songsmith.corpus.formats.xml_files import children, find, local_name, pieces, plain_text
from songsmith.corpus.records import MetadataValue

_BLANK = re.compile(r"[^\S\u3000]+")
_METADATA = {
    "copyright": "copyright", "ccliNo": "ccli", "released": "released", "key": "key", "tempo": "tempo",
    "publisher": "publisher",
}  # fmt: skip


def read_openlyrics(root: Element) -> FoundSong:
    """Return the song of an OpenLyrics document. If verses are in several languages, the first is used."""
    properties = find(root, "properties")
    about = root if properties is None else properties
    title = plain_text(find(about, "titles", "title"))
    authors = find(about, "authors")
    artist = ", ".join(filter(None, map(plain_text, [] if authors is None else authors)))
    lyrics = find(root, "lyrics")
    verses = [] if lyrics is None else children(lyrics, "verse")
    language = next((verse.get("lang") for verse in verses), None)
    words: dict[str, list[str]] = {}
    sheet: list[str] = []
    has_chords = False
    for number, verse in enumerate(verses):
        if verse.get("lang") != language:
            continue
        name = verse.get("name") or f"#{number}"
        words.setdefault(name, []).extend(_read_lines(verse))
        sheet += [header(name), *_read_lines(verse, with_chords=True), ""]
        has_chords = has_chords or any(local_name(inner) == "chord" for inner in verse.iter())
    text = write_parts(words, plain_text(find(about, "verseOrder")).split())
    told = {local_name(child): plain_text(child) for child in about}
    metadata: dict[str, MetadataValue] = {key: told[name] for name, key in _METADATA.items() if told.get(name)}
    if has_chords:
        metadata["chords"] = "\n".join(sheet).strip("\n")
    return FoundSong(text=text, title=title, artist=artist, metadata=metadata)


def _read_lines(verse: Element, *, with_chords: bool = False) -> list[str]:
    """Return the lines of a verse; if asked for, with chords in brackets at their places."""
    written: list[str] = []
    for kind, element, text in pieces(verse, without={"comment"}):
        name = local_name(element)
        if kind == "text":
            written.append(_BLANK.sub(" ", text))
        elif (kind, name) == ("start", "br") or (kind == "end" and name in ("line", "lines")):
            written.append("\n")
        elif (kind, name) == ("start", "chord") and with_chords:
            written.append(f"[{element.get('name') or _spell_chord(element)}]")
    rows = "".join(written).split("\n")
    return [words for row in rows if (words := squeeze(row))]


def _spell_chord(chord: Element) -> str:
    kind = {"min": "m", "min7": "m7", "maj": ""}.get(structure := chord.get("structure", ""), structure)
    bass = f"/{chord.get('bass')}" if chord.get("bass") else ""
    return f"{chord.get('root', '')}{kind}{bass}"
