"""Filter text from elsewhere: nothing in it can control a terminal, reverse a line or hide in it.

Every string of a model, corpus, library, file name, server or tokenizer passes it before it is shown or logged. The faces
apply it where they write, so no caller can forget it. It keeps every letter, mark and emoji of every script: the joiners
in words and emoji (U+200C, U+200D), direction marks (U+200E, U+200F) and the tags of a flag stay.
"""

import json
import re
import unicodedata
from typing import Any

_LINE_BREAKS = str.maketrans(dict.fromkeys("\v\f\x1c\x1d\x1e\x85\u2028\u2029", "\n") | {"\t": " "})
# What turns text around or hides it in a terminal: bidirectional embeddings, overrides and isolates.
_UNSAFE_FORMAT = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# C0 without tab and line feed, DEL, C1; line and paragraph separators; bidirectional embeddings, overrides, isolates;
# invisible operators, deprecated formats, annotations, shorthand and music formats; surrogates; tags but those of a flag.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u180e\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0001]|(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0020-\U000e007f]+"
)


def printable(text: str) -> str:
    """Return text as it may be shown: rows and tabs as they are, and nothing that drives a terminal or hides in it.

    A lone surrogate, which is a byte or half a character that nobody can read, becomes U+FFFD. What breaks lines breaks
    them still; a carriage return does not. Works on each character by itself, so a stream can pass piece by piece.
    """
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(_replace, text)


def _replace(match: re.Match[str]) -> str:
    unsafe = match.group()
    if "\ud800" <= unsafe <= "\udfff":
        return "\ufffd"
    return "\n" if _LINE_BREAKS.get(ord(unsafe[0])) == "\n" else ""


def json_row(value: Any, *, indent: int | None = None) -> str:
    """Return a value as JSON that is safe to show and to write: what the gate would take is escaped, so nothing is lost.

    Args:
        value: what JSON can hold.
        indent: spaces a level; None puts it all on one row.
    """
    return _UNSAFE.sub(_escape, json.dumps(value, ensure_ascii=False, indent=indent)) + "\n"


def _escape(match: re.Match[str]) -> str:
    return json.dumps(match.group(), ensure_ascii=True)[1:-1] if match.group() != "\x7f" else "\\u007f"


def strip_controls(text: str) -> str:
    """Remove control characters, so that no text can drive a terminal. Tab becomes a space; what breaks lines, a newline.

    Works on each character by itself (so that a stream can be cleaned piece by piece); a carriage return is no line break.
    """
    if text.isascii() and text.isprintable():
        return text
    text = text.translate(_LINE_BREAKS)
    return "".join(c for c in text if c == "\n" or not (unicodedata.category(c) in ("Cc", "Cs") or c in _UNSAFE_FORMAT))


def one_line(text: str) -> str:
    """Return text as one row that cannot drive a terminal: no controls, no line breaks, single spaces."""
    return " ".join(strip_controls(text).split())
