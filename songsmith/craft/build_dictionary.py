"""Build the dictionary's data files from a `cmudict.dict`: `python -m songsmith.craft.build_dictionary FILE`.

Run by hand when CMUdict changes; the same file always gives the same bytes. Nothing else imports it.
"""

import gzip
import re
import sys
from pathlib import Path

from songsmith.craft.dictionary import DATA, RULES_FILE, SILENT, WORDS_FILE, read_entries
from songsmith.craft.letters import alignable, learn
from songsmith.craft.phones import VARIANT_DIVIDER, encode

_LIKE_FIRE = re.compile(r"(ire|yre|oir|[^e]our)(s|d)?$")
_GLIDES = tuple(encode(name) for name in ("AY0", "AY1", "AY2", "AW0", "AW1", "AW2"))
_ER0, _R = encode("ER0"), encode("R")


def build(source: Path, folder: Path = DATA) -> None:
    """Write the words of `source`, and the letter rules learnt from them, to `folder`."""
    # What holds a dot or a hyphen is never looked up: lines are cut there.
    entries = {
        word: list(dict.fromkeys([*_as_sung(word, variants), *variants]))
        for word, variants in sorted(read_entries(source.read_text(encoding="utf-8")).items())
        if word.replace("'", "").isalpha() and word.isascii()
    }
    rows = (f"{word} {VARIANT_DIVIDER.join(variants)}\n" for word, variants in entries.items())
    _write(folder / WORDS_FILE, "".join(rows))
    rules = learn(alignable((word, variants[0]) for word, variants in entries.items()))
    _write(folder / RULES_FILE, "".join(f"{key} {sounds or SILENT}\n" for key, sounds in sorted(rules.items())))


def _as_sung(word: str, variants: list[str]) -> list[str]:
    """Put fire, desire and hour before their spoken two syllables; CMUdict has now the one first, now the other."""
    if not _LIKE_FIRE.search(word):
        return []
    return [variant.replace(glide + _ER0, glide + _R) for variant in variants for glide in _GLIDES if glide in variant][
        :1
    ]


def _write(path: Path, text: str) -> None:
    path.write_bytes(gzip.compress(text.encode("ascii"), 9, mtime=0))


if __name__ == "__main__":
    build(Path(sys.argv[1]))
