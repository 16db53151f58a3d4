"""Check that the folder of a corpus is intact: names, raw songs, clean songs, notes, and foreign files.

Reads every byte and changes none. The caller holds the corpus's lock, since a song that is being written looks torn.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from songsmith.corpus.records import SetAside
from songsmith.corpus.storage.store import FORMAT, folder_name, is_corpus
from songsmith.corpus.verification.damage import BytesChecked, Damage, Remedy
from songsmith.corpus.verification.verify_clean import FILE_NAME, POINTER, CleanVerifier
from songsmith.corpus.verification.verify_lines import LineChecker
from songsmith.corpus.verification.verify_raw import RawVerifier, shard_number
from songsmith.errors import UsageError, storing

ABOUT, NOTES, MARK, DAMAGED = "corpus.json", "import-set-aside.jsonl", "import-mark.json", "damaged-"
REMOVED = ".removed"
_TEMPORARY = re.compile(r"\..+\.tmp")
# Files that systems leave in folders.
_SYSTEM_FILES = {".DS_Store", "Thumbs.db", "desktop.ini"}


def verify_folder(folder: Path) -> Iterator[Damage | BytesChecked]:
    """Yield what is wrong with a corpus, and now and then the progress."""
    with storing(folder):
        about = _read_about(folder)
        yield from _verify_name(folder, about)
        if about and about[1] > FORMAT:
            return  # a newer format may differ in everything else
        total = sum(
            path.stat().st_size for path in folder.iterdir() if shard_number(path) or FILE_NAME.fullmatch(path.name)
        )
        raw = RawVerifier(folder, total=total)
        yield from raw.verify()
        clean = CleanVerifier(folder, raw.ids, checked=raw.checked, total=total)
        yield from clean.verify()
        yield from _verify_notes(folder)
        yield from _verify_others(folder, clean.files)


def verify_home(folder: Path) -> Iterator[Damage]:
    """Yield what is wrong in the folder that all corpora are in, besides the corpora themselves."""
    with storing(folder):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.name in _SYSTEM_FILES or is_corpus(path):
                continue
            if not path.is_dir():
                yield Damage(path=path, what="isn't one of songsmith's files: move it elsewhere")
            elif path.name.startswith(".") and path.name.endswith(REMOVED):
                what = "is left over from an interrupted removal"
                yield Damage(path=path, what=what, remedy=Remedy.DELETE, heals=True)
            elif any(shard_number(inner) or inner.name == POINTER for inner in path.iterdir()):
                yield Damage(path=path / ABOUT, what="is missing, so the corpus can't be found", remedy=Remedy.NAME)
            elif not any(path.iterdir()):
                yield Damage(path=path, what="is an empty folder", remedy=Remedy.DELETE, heals=True)
            else:
                yield Damage(path=path, what="isn't a corpus: move it elsewhere")


def _read_about(folder: Path) -> tuple[str, int] | None:
    try:
        about = json.loads((folder / ABOUT).read_bytes())
        return str(about["name"]), int(about["format"])
    except (FileNotFoundError, ValueError, TypeError, LookupError, RecursionError):
        return None


def _verify_name(folder: Path, about: tuple[str, int] | None) -> Iterator[Damage]:
    path = folder / ABOUT
    if _folder_of(folder.name) != folder.name:
        yield Damage(path=folder, what=f"isn't a valid name for a corpus: rename it to {_folder_of(folder.name)}")
    elif about is None:
        yield Damage(path=path, what="is damaged" if path.exists() else "is missing", remedy=Remedy.NAME)
    elif about[1] > FORMAT:
        yield Damage(path=path, what="was written by a newer version of songsmith: update songsmith")
    elif _folder_of(about[0]) != folder.name:
        what = f"says this is the corpus {about[0]!r}, which belongs in another folder"
        yield Damage(path=path, what=what, remedy=Remedy.NAME)


def _folder_of(name: str) -> str:
    try:
        return folder_name(name)
    except UsageError:
        return "songs"


def _verify_notes(folder: Path) -> Iterator[Damage]:
    notes = folder / NOTES
    if notes.is_file():
        lines = LineChecker(notes, SetAside.from_json, remedy=Remedy.LINES, durable=0)
        for _ in lines.rows():
            pass
        yield from lines.damage()
    mark = folder / MARK
    if mark.is_file():
        try:
            json.loads(mark.read_bytes())
        except (ValueError, RecursionError):
            yield Damage(path=mark, what="is damaged", remedy=Remedy.FILE)


def _verify_others(folder: Path, clean_files: set[str]) -> Iterator[Damage]:
    own = {ABOUT, "raw.index", POINTER, NOTES, MARK, *clean_files, *_SYSTEM_FILES}
    for path in sorted(folder.iterdir()):
        name = path.name
        if name in own or (name.startswith(DAMAGED) and path.is_file()) or shard_number(path):
            continue
        if FILE_NAME.fullmatch(name):
            what = "is left over from an interrupted cleaning"
            yield Damage(path=path, what=what, remedy=Remedy.FILE, heals=True)
        elif path.is_file() and path.match("raw-*.jsonl"):
            yield Damage(
                path=path, what="is named like a file of songs, but isn't one of this corpus", remedy=Remedy.FILE
            )
        elif _TEMPORARY.fullmatch(name):
            yield Damage(path=path, what="is left over from an interrupted run", remedy=Remedy.DELETE, heals=True)
        else:
            yield Damage(path=path, what="isn't one of songsmith's files: move it elsewhere")
