"""Read songs from XML, by the root element of the document. Refuses other kinds by name."""

from songsmith.corpus.formats.found_song import FoundSong
from songsmith.corpus.formats.musicxml import read_musicxml
from songsmith.corpus.formats.openlyrics import read_openlyrics
from songsmith.corpus.formats.opensong import read_opensong
from songsmith.corpus.formats.ttml import read_ttml
from songsmith.corpus.formats.xml_files import find, local_name, parse_xml
from songsmith.errors import InputError
from songsmith.lyrics import one_line

_LONGEST_NAME = 40


def read_xml(content: str, label: str) -> FoundSong:
    """Return the song in a file of XML.

    Args:
        content: of the file.
        label: what to call the file.

    Raises:
        InputError: it is broken, or of a kind that is not read.
    """
    root = parse_xml(content, label)
    name = local_name(root)
    if name in ("score-partwise", "score-timewise"):
        return read_musicxml(root)
    if name == "tt":
        return read_ttml(root, content)
    if name == "song" and find(root, "lyrics") is not None:
        return read_openlyrics(root) if find(root, "properties") is not None else read_opensong(root)
    raise InputError(
        f"{label} is a kind of XML that songsmith doesn't read: its root is <{one_line(name)[:_LONGEST_NAME]}>.",
        "Save its lyrics as plain text.",
    )
