"""What people type into a search field, as a query SQLite cannot trip over."""

import re
import unicodedata

_MOST_WORDS = 64


def match_query(typed: str) -> str:
    """Return the full-text query for songs with all the words typed, of which the last may be unfinished.

    Only letters and digits count, as in the index; empty if there are none.
    """
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFC", typed))[:_MOST_WORDS]
    return " ".join(f'"{word}"' for word in words) + ("*" if words else "")
