"""Rules that run only when asked for: ad-libs and headers. Both are part of a song."""

import re

from songsmith.corpus.rules.rule import Finding, Rule, RuleContext, lines_of
from songsmith.lyrics import parse_header

_MARKS_BEHIND = " .,;:!?…—–-"
# How often a line is sung is not an ad-lib.
_TIMES = re.compile(r"\(\s*(?:[x×]\s?\d{1,3}|\d{1,3}\s?[x×]|repeat.{0,20})\s*\)", re.IGNORECASE)


def _ad_libs(text: str, context: RuleContext) -> list[Finding]:
    if ")" not in text:
        return []
    findings = []
    for start, line in lines_of(text):
        kept = _end_of_sung(line) if ")" in line else len(line)
        if kept < len(line):
            whole = not line[:kept].strip()
            findings.append(Finding(start if whole else start + kept, min(start + len(line) + whole, len(text))))
    return findings


def _end_of_sung(line: str) -> int:
    """Return where a line ends without the parentheses at its end."""
    end = len(line)
    while True:
        closing = len(line[:end].rstrip(_MARKS_BEHIND)) - 1
        if closing < 0 or line[closing] != ")":
            return end
        open_ones, opening = 0, closing
        for opening in range(closing, -1, -1):
            open_ones += (line[opening] == ")") - (line[opening] == "(")
            if not open_ones:
                break
        inside = line[opening : closing + 1]
        if open_ones or _TIMES.fullmatch(inside) or not any(letter.isalpha() for letter in inside):
            return end
        end = len(line[:opening].rstrip())


def _headers(text: str, context: RuleContext) -> list[Finding]:
    """Find header lines; the blank line before them stays, or one is put in their place."""
    if "[" not in text:
        return []
    findings: list[Finding] = []
    blank_before = True
    for start, line in lines_of(text):
        if parse_header(line.strip()):
            findings.append(Finding(start, min(start + len(line) + 1, len(text)), "" if blank_before else "\n"))
            blank_before = True
        else:
            blank_before = not line.strip()
    return findings


AD_LIBS = Rule(name="drop ad-libs", does="Removes parentheses at the end of a line.", find=_ad_libs)
HEADERS = Rule(
    name="strip headers", does="Removes section headers; a blank line still separates stanzas.", find=_headers
)
