"""Repair the folder of a corpus, as far as possible. Deletes no words: what cannot stay is kept beside it, as `damaged-...`.

Killed at any instant, it leaves a corpus that the next run repairs. The caller holds the corpus's lock.
"""

import json
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from itertools import chain, count
from pathlib import Path
from typing import IO

from songsmith.corpus.storage.journal import encode_row
from songsmith.corpus.storage.shards import Shards
from songsmith.corpus.storage.store import FORMAT
from songsmith.corpus.verification.damage import Damage, Remedy
from songsmith.corpus.verification.verify import ABOUT, DAMAGED, REMOVED
from songsmith.corpus.verification.verify_clean import FILE_NAME, FILES, POINTER
from songsmith.corpus.verification.verify_raw import INDEX, shard_number
from songsmith.errors import storing
from songsmith.files import move_into_place, sync_folder, write_whole

_CHUNK = 1 << 20


def repair_folder(folder: Path, damages: Sequence[Damage]) -> None:
    """Apply the remedies of these damages.

    Raises:
        StorageError: the disk is full, or something cannot be written.
    """
    with storing(folder):
        remedies = {damage.remedy for damage in damages}
        if Remedy.NAME in remedies:
            write_whole(folder / ABOUT, encode_row({"name": folder.name, "format": FORMAT}))
        changed = _set_lines_aside(damages)
        if Remedy.INDEX in remedies or any(shard_number(path) for path in changed):
            # Only now, when every line of the shards is good: the next writer would cut off what follows a bad one.
            (folder / INDEX).unlink(missing_ok=True)
            for _ in Shards(folder).add([]):
                pass
        if Remedy.CLEAN in remedies:
            _set_clean_aside(folder)
        elif Remedy.PREVIOUS in remedies:
            _set_previous_aside(folder)
        for damage in damages:
            if damage.remedy is Remedy.FILE and damage.path.exists():
                _set_aside(damage.path)
            elif damage.remedy is Remedy.DELETE:
                damage.path.unlink(missing_ok=True)
        sync_folder(folder)


def repair_home(damages: Sequence[Damage]) -> None:
    """Apply the remedies of damages in the folder of all corpora.

    Raises:
        StorageError: something cannot be written.
    """
    for damage in damages:
        with storing(damage.path.parent):
            if damage.remedy is Remedy.NAME:
                repair_folder(damage.path.parent, [damage])
            elif damage.remedy is Remedy.DELETE and damage.path.name.endswith(REMOVED):
                shutil.rmtree(damage.path, ignore_errors=True)  # another program may remove it, too
            elif damage.remedy is Remedy.DELETE:
                with suppress(OSError):  # an empty folder; if it holds anything by now, it must stay
                    damage.path.rmdir()


def _set_lines_aside(damages: Sequence[Damage]) -> list[Path]:
    """Rewrite files without their damaged lines, which are kept beside them; return which files."""
    pieces: dict[Path, list[tuple[int, int]]] = defaultdict(list)
    for damage in damages:
        if damage.remedy is Remedy.LINES:
            pieces[damage.path].extend(damage.pieces)
    for path, bad in pieces.items():
        good, aside = path.with_name(f".{path.name}.tmp"), path.with_name(f".{DAMAGED}{path.name}.tmp")
        digest = _divide(path, sorted(bad), good, aside)
        # The same damage set aside again, after a kill, gets the same name.
        move_into_place(aside, path.with_name(f"{DAMAGED}{path.stem}-{digest}.jsonl"))
        move_into_place(good, path)
    return list(pieces)


def _divide(path: Path, bad: Sequence[tuple[int, int]], good: Path, aside: Path) -> str:
    """Copy bytes of a file to `aside`, each piece as lines of its own, and all others to `good`; return a digest of the former."""
    digest = sha256()
    with path.open("rb") as source, good.open("wb") as kept, aside.open("wb") as damaged:
        for start, end in bad:
            for piece in _read(source, start - source.tell()):
                kept.write(piece)
            last = b""
            for piece in _read(source, end - start):
                damaged.write(piece)
                digest.update(piece)
                last = piece
            if not last.endswith(b"\n"):
                damaged.write(b"\n")
        for piece in _read(source, path.stat().st_size - source.tell()):
            kept.write(piece)
    return digest.hexdigest()[:8]


def _read(source: IO[bytes], count: int) -> Iterator[bytes]:
    while count > 0 and (piece := source.read(min(count, _CHUNK))):
        count -= len(piece)
        yield piece


def _set_clean_aside(folder: Path) -> None:
    (folder / POINTER).unlink(missing_ok=True)
    for path in sorted(folder.iterdir()):
        if FILE_NAME.fullmatch(path.name):
            _set_aside(path)


def _set_previous_aside(folder: Path) -> None:
    row = json.loads((folder / POINTER).read_bytes())
    previous = row.pop("previous", None) or {}
    write_whole(folder / POINTER, json.dumps(row, indent=1).encode() + b"\n")
    for name in {previous[which] for which in FILES if which in previous} - {row.get(which) for which in FILES}:
        if (folder / name).is_file():
            _set_aside(folder / name)


def _set_aside(path: Path) -> None:
    """Rename a file as it lies, damage and all; the folder is synced when all of them are."""
    names = chain([f"{DAMAGED}{path.name}"], (f"{DAMAGED}{path.stem}-{n}{path.suffix}" for n in count(2)))
    path.rename(next(free for name in names if not (free := path.with_name(name)).exists()))
