"""Counts in words: `1 song`, `2 songs`."""

# Cleaning rules and reasons that can be counted, one and several; others follow their number as they are.
_COUNTED = {
    "an error page": ("error page", "error pages"),
    "an instrumental": ("instrumental", "instrumentals"),
    "a snippet": ("snippet", "snippets"),
    "a track list": ("track list", "track lists"),
    "near-duplicate": ("near-duplicate", "near-duplicates"),
    "no lyrics": ("without lyrics", "without lyrics"),
    "no words": ("without words", "without words"),
    "apostrophes": ("apostrophe", "apostrophes"),
    "announced song": ("announced song", "announced songs"),
    "bare choruses": ("bare chorus", "bare choruses"),
    "blank lines": ("blank line", "blank lines"),
    "broken ad-libs": ("broken ad-lib", "broken ad-libs"),
    "continued sections": ("continued section", "continued sections"),
    "drop ad-libs": ("dropped ad-lib", "dropped ad-libs"),
    "escapes": ("escape", "escapes"),
    "glued headers": ("glued header", "glued headers"),
    "header styles": ("header style", "header styles"),
    "joined lines": ("joined line", "joined lines"),
    "joiners": ("joiner", "joiners"),
    "line ends": ("line end", "line ends"),
    "look-alikes": ("look-alike", "look-alikes"),
    "odd spaces": ("odd space", "odd spaces"),
    "page end": ("page end", "page ends"),
    "page marks": ("page mark", "page marks"),
    "recommendations": ("recommendation", "recommendations"),
    "returning stanza": ("returning stanza", "returning stanzas"),
    "strip headers": ("stripped header", "stripped headers"),
    "tickets": ("ticket", "tickets"),
    "trailing spaces": ("trailing space", "trailing spaces"),
    "wide letters": ("wide letter", "wide letters"),
    "wrong decoding": ("wrong decoding", "wrong decodings"),
}


def count_of(count: int, one: str, many: str = "") -> str:
    """Return a number and its noun; `many` is the plural where an s at the end does not make it."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def count_reason(count: int, reason: str) -> str:
    """Return how often a cleaning rule changed something, or why that many songs are not used: `1 bare chorus`, `2 snippets`."""
    one, many = _COUNTED.get(reason, (reason, reason))
    return count_of(count, one, many)
