"""Turn what people type into a search field into a valid SQLite query."""

import unicodedata

from songsmith.words import SEARCH_WORD

_MOST_WORDS = 64
_MANY_SONGS = 50_000


def match_query(typed: str, *, songs: int = 0) -> str:
    """Return the full-text query for songs with all the words typed, of which the last may be unfinished.

    Only letters and digits count, as in the index; empty if there are none.

    Args:
        typed: what was typed.
        songs: about how many songs there are. Among very many, a single letter is a word of its own: words that only begin
            with it stand in almost every song, and to gather them would take many seconds.
    """
    words = SEARCH_WORD.findall(unicodedata.normalize("NFC", typed))[:_MOST_WORDS]
    unfinished = bool(words) and not (songs > _MANY_SONGS and len(words[-1]) == 1 and words[-1].isascii())
    return " ".join(f'"{word}"' for word in words) + ("*" if unfinished else "")
