"""Find the section that a bare header at the end of a song repeats. Writes nothing."""

from collections.abc import Sequence

from songsmith.corpus.rules.choruses import header_keys, is_sung_again
from songsmith.lyrics import Section, Song


def find_repeated(sections: Sequence[Section]) -> int | None:
    """Return the section that the last one repeats: for a bare `[Chorus]`, the last chorus of that name.

    None where the last section has words, is not of a kind that is repeated (every verse is different), or is the first of
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
    """Return the song with the words of the repeated section in its bare last section, if that repeats one."""
    place = find_repeated(song.sections)
    if place is None:
        return song
    *before, bare = song.sections
    return Song(song.title, (*before, Section(bare.kind, before[place].lines, bare.label)), song.artist)
