"""Evaluation as people ask for it: a model's name, and a file of songs or the name of a corpus. Keeps nothing."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from songsmith.corpus.filters import Filter, Sieve
from songsmith.corpus.formats.importers import Importer
from songsmith.corpus.formats.kinds import KINDS
from songsmith.corpus.records import CleanRecord, SetAside, has_words, hash_words, mend
from songsmith.errors import InputError, NotFoundError
from songsmith.evaluation.bits import require_marks
from songsmith.evaluation.evaluate import EvaluationEvent, EvaluationOptions, evaluate
from songsmith.lyrics import one_line
from songsmith.studio.studio import Studio

_SONGS_A_REPORT = 500


@dataclass(frozen=True, kw_only=True)
class SongsGathered:
    """So many songs to measure by have been read."""

    count: int


def evaluate_model(
    studio: Studio, corpus: str, options: EvaluationOptions, *, filters: Sequence[Filter] = ()
) -> Iterator[SongsGathered | EvaluationEvent]:
    """Measure the settings' model by songs.

    Args:
        studio: whose models and corpora.
        corpus: a file that `import_songs` reads, cleaned on the way; or the name of a corpus that has been cleaned.
        options: how much to measure.
        filters: measure only by songs that meet all of these.

    Raises:
        ModelError: there is no such model, or it cannot predict songs.
        InputError: the file is no text, or there is no song to measure by.
        NotFoundError: there is no such file or corpus, or it was never cleaned.
    """
    songs = _open_songs(studio, corpus)
    model = studio.load_model(exact=True)
    require_marks(model)
    sieve = Sieve(filters)
    taken = (song for song in songs if sieve.takes(song) and song.song.lines)
    gathered: list[CleanRecord] = []
    # Samples are compared with every song; without any, those that nobody asked for need not be read.
    for song in islice(taken, None if options.samples else options.max_songs):
        gathered.append(song)
        if len(gathered) % _SONGS_A_REPORT == 0:
            yield SongsGathered(count=len(gathered))
    if not gathered:
        sieve.check()
        wanted = f"that meets {' and '.join(map(str, filters))}" if filters else "to measure by"
        raise InputError(f"{corpus} has no song {wanted}.", "Loosen the filters." if filters else "Give another one.")
    yield from evaluate(model, gathered, options)


def _open_songs(studio: Studio, corpus: str) -> Iterator[CleanRecord]:
    path, sounds_like_one = Path(corpus), "/" in corpus or "\\" in corpus
    with suppress(OSError):  # too long for a name
        # A folder is not just named: a corpus may be called like it.
        if path.is_file() or (sounds_like_one and path.is_dir()):
            return _read_file(Importer(path))
    try:
        found = studio.corpora.open(corpus)
    except NotFoundError:
        # What looks like a file was meant to be one; a name with a slash in it may be that of a corpus.
        if sounds_like_one or path.name.lower().removesuffix(".gz").endswith(KINDS):
            raise NotFoundError(f"There is no file or corpus called {corpus}.", "Check the name.") from None
        raise
    return found.clean()


def _read_file(importer: Importer) -> Iterator[CleanRecord]:
    """Yield the songs that an import and a cleaning of this file would leave."""
    from songsmith.corpus.cleaning import clean_record  # its rules take a moment to compile

    for _ in importer.check():
        pass
    seen: set[tuple[str, str]] = set()
    for raw in importer.songs():
        if isinstance(raw, SetAside) or (key := (raw.id, hash_words(raw))) in seen:
            continue
        seen.add(key)
        cleaned = clean_record(mend(raw))
        record = CleanRecord(
            id=raw.id, title=one_line(raw.title), artist=one_line(raw.artist), text=cleaned.text, source=raw.source,
            url=raw.url, facts=raw.facts,
        )  # fmt: skip
        if not cleaned.set_aside and any(has_words(line.text) for line in record.song.lines):
            yield record
