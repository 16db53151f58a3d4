"""Corpora whose clean songs a test makes up, as if cleaning had made them."""

from collections.abc import Iterable

from songsmith.corpus.records import CleanRecord, SetAside
from songsmith.corpus.storage.store import Corpus


def replace_clean(corpus: Corpus, records: Iterable[CleanRecord], set_aside: Iterable[SetAside] = ()) -> None:
    """Put these songs in place of the clean ones there are, all at once."""
    with corpus.replacing_clean() as writer:
        for record in records:
            writer.keep(record)
        for aside in set_aside:
            writer.set_aside(aside)
