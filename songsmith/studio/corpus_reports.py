"""What is in a corpus: descriptions and statistics. Changes nothing."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from songsmith.corpus.statistics import CorpusStatistics, StatisticsCounter
from songsmith.corpus.storage.store import Corpus, CorpusStore
from songsmith.errors import StorageError
from songsmith.lyrics import parse
from songsmith.studio.corpora import SongsRead
from songsmith.studio.corpus_songs import SongsWanted, read_wanted


def measure_corpus(corpus: Corpus, wanted: SongsWanted) -> Iterator[SongsRead | CorpusStatistics]:
    """Count what is in a corpus. The last event is the result.

    Raises:
        UsageError: no song meets the filters, or none has a field that they name.
    """
    from songsmith.craft.pronunciation import hear

    counter = StatisticsCounter(hear)
    for item in read_wanted(corpus, wanted):
        if isinstance(item, SongsRead):
            yield item
        else:
            counter.add(parse(item.text, title=item.title, artist=item.artist))
    yield counter.finish()


def list_corpora(corpora: CorpusStore) -> list[dict[str, Any]]:
    """Return what `describe` returns for each corpus; for one that cannot be used, its name, its path and the `problem`."""
    rows = []
    for corpus in corpora.corpora():
        try:
            rows.append(describe(corpus))
        except StorageError as error:
            rows.append({"name": corpus.name, "problem": str(error), "path": str(corpus.path)})
    return rows


def describe(corpus: Corpus) -> dict[str, Any]:
    """Return what a list shows of a corpus, as JSON values.

    Raises:
        StorageError: it is damaged, or a newer songsmith wrote it.
    """
    from datetime import UTC, datetime

    corpus.check_format()
    sizes = asdict(corpus.sizes())
    changed = datetime.fromtimestamp(sizes.pop("changed_at_s"), UTC).isoformat(timespec="seconds")
    return {"name": corpus.name, **sizes, "is_clean": corpus.is_clean, "changed_at": changed, "path": str(corpus.path)}
