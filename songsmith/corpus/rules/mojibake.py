"""Repair text that was decoded wrongly once: `donâ€™t` for `don’t`. Repairs only what is certain, and reports the rest.

`ftfy` decides, asked only to repair encodings: quotes, widths and composition stay as they are.
"""

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from songsmith.corpus.rules.rule import Finding, Rule, RuleContext, lines_of, rare

if TYPE_CHECKING:
    from ftfy import TextFixerConfig

# What the bytes 0x80 to 0xBF of UTF-8 become in Windows-1252 and Latin-1. In Mac Roman `é` is `√©`, a quotation mark `‚Äú`.
_HIGH = "\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_WRONG = re.compile(
    f"[\u00c2-\u00df][{_HIGH}]|[\u00e0-\u00ef][{_HIGH}]{{2}}|[\u00f0-\u00f4][{_HIGH}]{{3}}|\u00c3 |√\\S|‚Ä"
)
_WRONG_OF_RARE = re.compile(f"[\u00c2-\u00f4][{_HIGH}]|\u00c3|√|‚Ä")
_LOST = re.compile(r"\u00c3 (?=[^\w\s])")
"""An `à` whose second byte, a no-break space, became a plain space; no word continues after it."""
_LONGEST_LINE = 5000


def mend_decoding(text: str) -> str:
    """Return a short text, such as a title, with wrongly decoded characters repaired where that is certain."""
    return text if text.isascii() or not _WRONG.search(text) else _mend(text)


def _mojibake(text: str, context: RuleContext) -> list[Finding]:
    if not _WRONG_OF_RARE.search(rare(text)):
        return []
    findings = []
    for start, line in lines_of(text):
        if len(line) > _LONGEST_LINE or not _WRONG.search(line):
            continue
        mended = _mend(line)
        if mended != line:
            findings.append(Finding(start, start + len(line), mended))
        elif _is_bad(line):
            findings.append(Finding(start, start + len(line), None))
    return findings


def _mend(line: str) -> str:
    import ftfy

    mended = ftfy.fix_encoding(line, _config())
    if mended != line and _LOST.search(line):  # only beside other proof: in Portuguese the letter may end a word
        mended = ftfy.fix_encoding(_LOST.sub("\u00c3\u00a0", line), _config())
    return line if _is_bad(mended) or "\ufffd" in mended else mended


def _is_bad(line: str) -> bool:
    from ftfy.badness import is_bad

    return is_bad(line)


@lru_cache
def _config() -> "TextFixerConfig":
    import ftfy

    return ftfy.TextFixerConfig(
        unescape_html=False, remove_terminal_escapes=False, fix_encoding=True, restore_byte_a0=True,
        replace_lossy_sequences=False, decode_inconsistent_utf8=True, fix_c1_controls=False, fix_latin_ligatures=False,
        fix_character_width=False, uncurl_quotes=False, fix_line_breaks=False, fix_surrogates=False,
        remove_control_chars=False, normalization=None, explain=False,
    )  # fmt: skip


MOJIBAKE = Rule(
    name="wrong decoding", does="Fixes wrongly decoded letters (`donâ€™t`) where the fix is certain.",
    find=_mojibake, only_rare=True,
)  # fmt: skip
