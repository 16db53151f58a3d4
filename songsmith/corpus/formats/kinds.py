"""The kind of a file, recognised by how it begins, else by its ending. Refuses by name the kinds that are not read.

A kind is named by the ending it should have. Kinds of text are recognised song by song: see `marked_text`.
"""

import json
import re
from contextlib import suppress

from songsmith.corpus.formats.subtitles import TIMES
from songsmith.corpus.formats.text_files import SourceFile
from songsmith.errors import InputError

TEXT = ".txt"
"""The kind of files that are of no other kind."""
CHORDPRO = (".cho", ".crd", ".chopro", ".chordpro", ".pro")
"""Endings of ChordPro."""
PAGES = (".html", ".htm")
"""Endings of pages saved from the web."""
XML = (".xml", ".musicxml", ".ttml", ".dfxp")
"""Endings of XML, whose root element shows its kind."""
SUBTITLES = (".srt", ".vtt")
"""Endings of subtitles."""
JSON = (".jsonl", ".ndjson", ".json")
"""Endings of JSON."""
TABLES = (".csv", ".tsv", ".parquet")
"""Endings of tables."""
KINDS = (
    ".txt", *JSON, *TABLES, ".lrc", ".chords", ".tab", *CHORDPRO, ".onsong", *PAGES, *XML, *SUBTITLES,
)  # fmt: skip
"""Endings that say what a file holds; each but `.parquet` may be followed by `.gz`. Any other is taken for text."""
_START_BYTES = 1 << 20
_XML = re.compile(
    r"<\?xml\b|<!DOCTYPE\s|(?:<!--(?:(?!-->).)*+-->\s*+)*+<(?:\w+:)?(?:score-partwise|score-timewise|tt)[\s>]",
    re.DOTALL,
)
_PROLOGUE = re.compile(r"<\?xml\b[^>]*>\s*")
_OPENSONG = re.compile(r"<song[\s>]")
_PAGE = re.compile(r"<!DOCTYPE\s+html\b|<html[\s>]", re.IGNORECASE)
_JSON_START = re.compile(r'\[\s*\{\s*"|\{\s*"')
_SRT = re.compile(rf"(?:\d+[ \t]*\n)?{TIMES.pattern}\n")
# Beginnings of formats that are not read, by the names by which they are refused.
_FOREIGN = {
    "ABC notation": re.compile(r"(?:%[^\n]*\n|\s)*X:\s*\d+\s*\n(?:[A-Za-z]:|%)"),
    "LaTeX": re.compile(r"(?:%[^\n]*\n|\s)*\\(?:documentclass|usepackage|begin\{|beginsong\b|input\{)"),
    "LilyPond": re.compile(r"(?:%[^\n]*\n|\s)*\\(?:version|header|relative|score)\s*[\"{]"),
    "an ASS subtitle": re.compile(r"\[Script Info\]"),
    "PostScript": re.compile("%!PS"),
    "a program": re.compile(r"#!\s*/|<\?php\b"),
}
_CODE = {
    ".py", ".js", ".ts", ".c", ".h", ".cpp", ".cs", ".java", ".go", ".rs", ".rb", ".php", ".pl", ".sh", ".bat", ".ps1",
    ".css", ".sql", ".r", ".swift", ".kt", ".lua", ".toml", ".yaml", ".yml", ".ini", ".cfg", ".ipynb",
}  # fmt: skip
_BY_ENDING = {
    ".abc": "ABC notation", ".tex": "LaTeX", ".ly": "LilyPond", ".ass": "an ASS subtitle", ".ssa": "an ASS subtitle",
    **dict.fromkeys(_CODE, "a program or its settings"),
}  # fmt: skip
_SAVE_WORDS = "Save its lyrics as plain text."


def find_kind(file: SourceFile) -> str:
    """Return the kind of a file: one of `KINDS`, or `.txt` for plain text of any other ending.

    Raises:
        InputError: its kind is not read, and the message names it; or the file cannot be read at all.
    """
    ending = file.kind
    if ending == ".parquet":
        return ending
    with file.unpacked() as unpacked:
        start = unpacked.read(_START_BYTES).decode("utf-8", "ignore")
    start = start.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").lstrip()
    if foreign := _find_foreign(start, ending):
        raise InputError(f"{file.label} is {foreign}, which songsmith doesn't read.", _SAVE_WORDS)
    return _find_markup(start, ending) or (ending if ending in KINDS else TEXT)


def _find_foreign(start: str, ending: str) -> str:
    if ending in KINDS and ending != TEXT:
        return ""
    return next((name for name, begins in _FOREIGN.items() if begins.match(start)), _BY_ENDING.get(ending, ""))


def _find_markup(start: str, ending: str) -> str:
    """Return the kind that the beginning of a file shows; empty if it may be anything."""
    if start.startswith("<"):
        prologue = _PROLOGUE.match(start)
        if _PAGE.match(start, prologue.end() if prologue else 0):
            return PAGES[0]
        if _XML.match(start) or (_OPENSONG.match(start) and "<lyrics" in start):
            return XML[0]
    if ending in JSON or ending in TABLES:
        return ".json" if ending in JSON and _is_spread(start) else ending
    if start.startswith("WEBVTT") or _SRT.match(start):
        return SUBTITLES[0]
    if ending in KINDS and ending != TEXT:
        return ending
    return _find_json(start)


def _is_spread(start: str) -> bool:
    """Return whether JSON begins with a value that continues on the next line, as no line of JSONL does."""
    first, ending, _ = start.partition("\n")
    if not ending or first[:1] not in ("[", "{"):
        return False
    return first.rstrip() in ("[", "{") or (first.startswith("[") and first.rstrip().endswith(","))


def _find_json(start: str) -> str:
    with suppress(ValueError, RecursionError):
        if isinstance(json.loads(start.partition("\n")[0], strict=False), dict):
            return ".jsonl"
    return ".json" if _JSON_START.match(start) else ""
