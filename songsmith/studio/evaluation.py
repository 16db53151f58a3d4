"""Evaluate a model by name, on a file of songs or on a corpus. Stores nothing."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from songsmith.corpus.filters import Filter, FilterSet
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
    """This many songs have been read for the evaluation."""

    count: int


def evaluate_model(
    studio: Studio, corpus: str, options: EvaluationOptions, *, filters: Sequence[Filter] = ()
) -> Iterator[SongsGathered | EvaluationEvent]:
    """Evaluate the model in the settings on songs.

    Args:
        studio: with the model and the corpora.
        corpus: a file that `import_songs` reads, cleaned on the fly; or the name of a clean corpus.
        options: how much to measure.
        filters: use only songs that match all of these.

    Raises:
        ModelError: there is no such model, or it cannot predict songs.
        InputError: the file is not text, or there is no song to evaluate on.
        NotFoundError: there is no such file or corpus, or it was never cleaned.
    """
    songs = _open_songs(studio, corpus)
    model = studio.load_model(exact=True)
    require_marks(model)
    filter_set = FilterSet(filters)
    taken = (song for song in songs if filter_set.accepts(song) and song.song.lines)
    gathered: list[CleanRecord] = []
    # Samples are compared with every song; without samples, songs past the maximum need not be read.
    for song in islice(taken, None if options.samples else options.max_songs):
        gathered.append(song)
        if len(gathered) % _SONGS_A_REPORT == 0:
            yield SongsGathered(count=len(gathered))
    if not gathered:
        filter_set.check()
        wanted = f"that meets {' and '.join(map(str, filters))}" if filters else "to evaluate on"
        raise InputError(f"{corpus} has no song {wanted}.", "Loosen the filters." if filters else "Give another one.")
    yield from evaluate(model, gathered, options)


def _open_songs(studio: Studio, corpus: str) -> Iterator[CleanRecord]:
    path, sounds_like_one = Path(corpus), "/" in corpus or "\\" in corpus
    with suppress(OSError):  # too long for a name
        # A folder must be given as a path: its plain name may be that of a corpus.
        if path.is_file() or (sounds_like_one and path.is_dir()):
            return _read_file(Importer(path))
    try:
        found = studio.corpora.open(corpus)
    except NotFoundError:
        # What looks like a file was meant as one; the name of a corpus may contain a slash.
        if sounds_like_one or path.name.lower().removesuffix(".gz").endswith(KINDS):
            raise NotFoundError(f"There is no file or corpus called {corpus}.", "Check the name.") from None
        raise
    return found.clean()


def _read_file(importer: Importer) -> Iterator[CleanRecord]:
    """Yield the songs that importing and cleaning this file would leave."""
    from songsmith.corpus.cleaning import clean_record  # its rules are slow to compile

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
            url=raw.url, metadata=raw.metadata,
        )  # fmt: skip
        if not cleaned.set_aside and any(has_words(line.text) for line in record.song.lines):
            yield record
