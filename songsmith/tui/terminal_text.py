"""The input of a terminal, as text: no byte ends the workshop, and nothing that is pasted presses a key."""

import re
from codecs import getincrementaldecoder

_PASTE_BEGINS, _PASTE_ENDS = "\x1b[200~", "\x1b[201~"
# In a paste: sequences that drive a terminal, such as colours; controls, but for tabs and what breaks lines.
_NO_TEXT = re.compile("\x1b\\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f]")
_CUT_SHORT = re.compile("\x1b(?:\\[[0-?]*[ -/]*)?\\Z")


class TerminalText:
    """Turns bytes into text, read by read.

    Bytes that are no UTF-8, as from a terminal of another encoding, become U+FFFD. Textual reads keys even inside a paste where
    that has an escape in it: tabs would leave the field, and ctrl+q would end the workshop.
    """

    def __init__(self) -> None:
        """Start outside a paste."""
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._pasting = False
        self._before = ""
        """The end of what went by, where a paste may have begun."""
        self._held = ""
        """The beginning of a sequence in a paste; the rest of it is still to come."""

    def feed(self, data: bytes, *, final: bool = False) -> str:
        """Return the text of what was read; it may be empty."""
        text = self._held + self._decode(data, final)
        kept: list[str] = []
        self._held = ""
        while text:
            if self._pasting:
                inside, end, text = text.partition(_PASTE_ENDS)
                if not end and (cut_short := _CUT_SHORT.search(inside)):
                    self._held, inside = cut_short.group(), inside[: cut_short.start()]
                kept += _NO_TEXT.sub("", inside), end
                self._pasting = not end
            else:
                seen = self._before + text
                _, begin, rest = seen.partition(_PASTE_BEGINS)
                kept.append(text[: len(text) - len(rest)] if begin else text)
                self._before = "" if begin else seen[1 - len(_PASTE_BEGINS) :]
                self._pasting, text = bool(begin), rest
        return "".join(kept)
