"""Read songs from TTML, the timed text of players and television: the words alone. Translations and romanisations are left out.

The document as it came is kept in the metadata as `synced_lyrics`, so that the times are not lost.
"""

from xml.etree.ElementTree import Element

from songsmith.corpus.formats.found_song import FoundSong, squeeze
from songsmith.corpus.formats.song_parts import header
from songsmith.corpus.formats.xml_files import local_attributes, local_name, pieces, plain_text

_NOT_SUNG = ("x-translation", "x-roman")
_BACKING = "x-bg"


def read_ttml(root: Element, content: str) -> FoundSong:
    """Return the song of a TTML document."""
    stanzas: list[str] = []
    for element in root.iter():
        if local_name(element) == "div":
            stanzas.append(header(_part(element)))
        elif local_name(element) == "p" and (lines := _read_lines(element)):
            last = stanzas.pop() if stanzas else ""
            stanzas.append("\n".join(filter(None, (last, *lines))))
    text = "\n\n".join(filter(None, stanzas))
    title = next((plain_text(one) for one in root.iter() if local_name(one) == "title"), "")
    return FoundSong(text=text, title=title, metadata={"synced_lyrics": content})


def _part(div: Element) -> str:
    attributes = local_attributes(div)
    return attributes.get("song-part") or attributes.get("songPart") or ""


def _read_lines(paragraph: Element) -> list[str]:
    """Return the lines of a paragraph; backing vocals get a line of their own."""
    lines: list[list[str]] = [[]]
    hidden = 0
    for kind, element, text in pieces(paragraph, without={"metadata"}):
        name, role = local_name(element), local_attributes(element).get("role", "")
        if role in _NOT_SUNG and kind in ("start", "end"):
            hidden += 1 if kind == "start" else -1
        elif hidden:
            continue
        elif (name, kind) == ("br", "start") or (role == _BACKING and kind in ("start", "end")):
            lines.append([])
        elif kind == "text":
            lines[-1].append(text)
    return [words for line in lines if (words := squeeze("".join(line)))]
