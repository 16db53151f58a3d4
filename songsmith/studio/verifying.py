"""Check that corpora are whole on disk, and repair them. A generator of typed events; closing one ends the work."""

import shlex
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songsmith.corpus.storage.store import Corpus
from songsmith.corpus.verification.damage import BytesChecked, Damage
from songsmith.corpus.verification.repair import repair_folder, repair_home
from songsmith.corpus.verification.verify import verify_folder, verify_home
from songsmith.counting import count_of
from songsmith.errors import StorageError
from songsmith.lyrics import one_line
from songsmith.studio.studio import Studio


@dataclass(frozen=True, kw_only=True)
class ThingWrong:
    """Something that is wrong with a corpus, or was before it was repaired."""

    corpus: str
    """The name of the corpus; empty for files beside corpora."""
    damage: Damage
    mended: bool

    def __str__(self) -> str:
        damage = self.damage
        places = [f"line {damage.line}" if damage.line is not None else ""]
        places.append(f"byte {damage.byte}" if damage.byte is not None else "")
        place = f" ({', '.join(filter(None, places))})" if any(places) else ""
        what_then = (
            f"; fixed: {damage.remedy.value}" if self.mended else "; the next run cleans it up" if damage.heals else ""
        )
        return f"{damage.path}{place} {damage.what}{what_then}"

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        damage = self.damage
        about = {"corpus": self.corpus, "path": str(damage.path), "line": damage.line, "byte": damage.byte}
        return about | {
            "what": damage.what,
            "remedy": damage.remedy.value,
            "heals": damage.heals,
            "mended": self.mended,
        }


@dataclass(frozen=True, kw_only=True)
class CorpusVerified:
    """A corpus has been checked completely."""

    corpus: str
    """The name of the corpus; empty for the folder of all corpora."""
    wrong: int
    """Damages that are left, except those that the next run repairs."""
    heals: int
    """Damages that killed runs left, and that the next run repairs without being asked."""
    can_be_mended: bool
    """Whether `--repair` would help with some of them."""


def verify_corpora(
    studio: Studio, name: str | None = None, *, repair: bool = False
) -> Iterator[BytesChecked | ThingWrong | CorpusVerified]:
    """Check every byte of a corpus, or of all corpora, and repair what can be repaired if that is asked for.

    Raises:
        NotFoundError: there is no such corpus.
        StorageError: another program writes to a corpus, or the disk is full.
    """
    if name is not None:
        yield from _verify(studio.corpora.find(name), repair=repair)
        return
    yield from _verify_home(studio.paths.corpora, repair=repair)
    for corpus in studio.corpora.corpora():
        yield from _verify(corpus, repair=repair)


def check_result(verified: Sequence[CorpusVerified]) -> None:
    """Raise what is still wrong, once everything is checked.

    Raises:
        StorageError: something is wrong.
    """
    wrong = [corpus for corpus in verified if corpus.wrong]
    if not wrong:
        return
    count = sum(corpus.wrong for corpus in wrong)
    names = ", ".join(f"'{one_line(corpus.corpus)}'" if corpus.corpus else "the folder of corpora" for corpus in wrong)
    step = "See above for what it is and what to do."
    if any(corpus.can_be_mended for corpus in wrong):
        name = f" {shlex.quote(one_line(wrong[0].corpus))}" if len(wrong) == 1 and wrong[0].corpus else ""
        step = f"Fix what can be fixed with: songsmith corpus verify{name} --repair"
    what = count_of(count, "problem")
    raise StorageError(f"{what} found in {names}.", step)


def _verify(corpus: Corpus, *, repair: bool) -> Iterator[BytesChecked | ThingWrong | CorpusVerified]:
    with corpus.writing():
        found = left = yield from _look(corpus.path)
        if repair and any(damage.remedy for damage in found):
            repair_folder(corpus.path, found)
            left = yield from _look(corpus.path)
        places = {(damage.path, damage.what) for damage in left}
        for damage in found:
            mended = repair and (damage.path, damage.what) not in places
            yield ThingWrong(corpus=corpus.name, damage=damage, mended=mended)
        for damage in left:
            if damage not in found:
                yield ThingWrong(corpus=corpus.name, damage=damage, mended=False)
    yield _result(corpus.name, left, repair=repair)


def _verify_home(folder: Path, *, repair: bool) -> Iterator[ThingWrong | CorpusVerified]:
    found = left = list(verify_home(folder))
    if repair:
        repair_home(found)
        left = list(verify_home(folder))
    for damage in found:
        yield ThingWrong(corpus="", damage=damage, mended=damage not in left)
    yield _result("", left, repair=repair)


def _result(corpus: str, left: Sequence[Damage], *, repair: bool) -> CorpusVerified:
    wrong = [damage for damage in left if not damage.heals]
    return CorpusVerified(
        corpus=corpus, wrong=len(wrong), heals=len(left) - len(wrong),
        can_be_mended=not repair and any(damage.remedy for damage in wrong),
    )  # fmt: skip


def _look(folder: Path) -> Generator[BytesChecked, None, list[Damage]]:
    found = []
    for event in verify_folder(folder):
        if isinstance(event, BytesChecked):
            yield event
        else:
            found.append(event)
    return found
