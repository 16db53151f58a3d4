"""Which section a bare header at a song's end sings again, by the names that `clean` goes by. Writes nothing."""

from collections.abc import Sequence

from songsmith.corpus.rules.choruses import header_keys, is_sung_again
from songsmith.lyrics import Section, Song


def find_repeated(sections: Sequence[Section]) -> int | None:
    """Return the section whose words the last one sings again: a bare `[Chorus]` the last chorus of that name.

    None where the last section has words, is one that is not sung again (a verse is another each time), or is the first of
    its name.
    """
    if not sections or sections[-1].lines:
        return None
    *before, bare = sections
    header = bare.header or ""
    if not is_sung_again(header, bare.kind):
        return None
    known: dict[str, int] = {}
    for place, section in enumerate(before):
        if section.lines and section.header is not None:
            known |= dict.fromkeys(header_keys(section.header, section.kind), place)
    return next((known[key] for key in header_keys(header, bare.kind) if key in known), None)


def with_repeated(song: Song) -> Song:
    """Return a song whose bare last section, if it sings another again, has that one's words."""
    place = find_repeated(song.sections)
    if place is None:
        return song
    *before, bare = song.sections
    return Song(song.title, (*before, Section(bare.kind, before[place].lines, bare.label)), song.artist)
