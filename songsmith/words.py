"""What counts as a word of a lyric: one definition for every use.

How one is said, and that `&` is said too, is for `craft.wording`.
"""

import re

WORD_CHARACTER = r"[^\W_]"
"""A letter or a digit of any script."""

WORD = re.compile(rf"{WORD_CHARACTER}+(?:['’]{WORD_CHARACTER}+)*")
"""A word as a person counts it, apostrophes inside it included: `don't`, `rock’n’roll`, `99`."""

SEARCH_WORD = re.compile(rf"{WORD_CHARACTER}+")
"""A word as it is searched for, and as SQLite's index keeps it (unicode61): `don't` is two, `don` and `t`."""

COMPARED_WORD = re.compile(r"\w+")
"""A word as texts without apostrophes are compared by it; an underscore is part of one, as fingerprints have always had it."""

LETTERS = re.compile(r"[^\W\d_]+")
"""Letters of any script that follow one another: a word, or a part of one, without its digits."""
