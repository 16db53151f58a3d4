"""Export a corpus as a folder that Hugging Face's `datasets` loads: Parquet files, and a card that names the owners.

Refuses songs that were fetched unless that is asked for: they must not be passed on.
"""

import json
import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from songsmith.corpus.formats.table_writer import TableWriter
from songsmith.corpus.records import flatten
from songsmith.corpus.storage.store import Corpus
from songsmith.errors import UsageError
from songsmith.files import replacing_folder
from songsmith.lyrics import one_line
from songsmith.permissions import storing_where_asked
from songsmith.studio.corpora import SongsRead
from songsmith.studio.corpus_songs import SongsWanted, draw_ids
from songsmith.studio.exporting import SongsExported, read_again, survey
from songsmith.takes import new_id

_ORIGIN = "gathered with songsmith"
"""A phrase on the card, by which data sets written by songsmith are recognised."""
_RIGHTS = (
    "The words of these songs belong to those who wrote them. That they are gathered here gives nobody leave to publish them: "
    "whoever shares this dataset is responsible for each song being in the public domain, or its writers having agreed."
)


@dataclass(frozen=True, kw_only=True)
class DatasetOptions:
    """How a data set is made."""

    split_share: float | None = None
    """Share of the songs that go into a split `validation`; None: there is only `train`."""
    seed: int = 0
    """The seed that decides which songs these are."""
    licence: str = "unknown"
    """Its name on Hugging Face: `cc0-1.0`, `cc-by-4.0`."""
    include_fetched: bool = False
    """Whether to include songs fetched from lyric sites."""


@dataclass(frozen=True, kw_only=True)
class _Split:
    rows: int
    bytes: int
    """In memory."""
    file_bytes: int


def export_dataset(
    corpus: Corpus, output: Path, wanted: SongsWanted, options: DatasetOptions, *, force: bool = False
) -> Iterator[SongsRead | SongsExported]:
    """Write songs as `output/data/train-00000-of-00001.parquet`, perhaps a validation file like it, and a README.md.

    Raises:
        UsageError: some songs were fetched, no song meets the filters, or the place is taken.
        StorageError: the disk is full, or the folder cannot be written.
    """
    _check_place(output, force=force)
    seen = yield from survey(corpus, wanted)
    fetched = seen.fetched.total()
    if fetched and not options.include_fetched:
        what = "1 of these songs was" if fetched == 1 else f"{fetched:,} of these songs were"
        others = " ".join(f"--filter {shlex.quote(f'source!={one_line(source)}')}" for source in sorted(seen.fetched))
        raise UsageError(
            f"{what} fetched from a lyric site, and a dataset is made to be shared.",
            f"Leave them out with {others}, or include them with --include-fetched, for yourself only.",
        )
    share = options.split_share
    kept_back = draw_ids(seen.ids, share=share, seed=options.seed) if share is not None else frozenset()
    path = Path(os.path.realpath(output))
    old = path.with_name(f"{path.name}-before-{new_id()}")  # visible, so that a person finds it if this is killed
    with storing_where_asked(path.parent), replacing_folder(path, old=old) as new:
        (new / "data").mkdir()
        files = {
            split: new / "data" / f"{split}-00000-of-00001.parquet"
            for split in ("train", *(["validation"] if kept_back else []))
        }
        with ExitStack() as stack:
            tables = {
                split: stack.enter_context(TableWriter(file, seen.columns.dtypes)) for split, file in files.items()
            }
            for item in read_again(corpus, wanted, seen):
                if isinstance(item, SongsRead):
                    yield item
                else:
                    tables["validation" if item.id in kept_back else "train"].add(flatten(item))
        splits = {
            split: _Split(rows=table.rows, bytes=table.bytes, file_bytes=files[split].stat().st_size)
            for split, table in tables.items()
        }
        card = write_card(corpus.name, splits, seen.columns.dtypes, options, fetched=fetched)
        (new / "README.md").write_text(card, encoding="utf-8", newline="\n")
        _check_place(output, force=force)  # it may have been taken meanwhile
    yield SongsExported(path=output, count=len(seen.ids))


def write_card(
    name: str, splits: "Mapping[str, _Split]", dtypes: Mapping[str, str], options: DatasetOptions, *, fetched: int
) -> str:
    """Return the card of a data set: YAML that says what its files hold, and text that says who owns the lyrics."""
    rows = sum(split.rows for split in splits.values())
    files = [{"split": split, "path": f"data/{split}-*"} for split in splits]
    about = {
        "pretty_name": one_line(name),
        "license": options.licence,
        "tags": ["lyrics", "songs"],
        "task_categories": ["text-generation"],
        "size_categories": [_size_category(rows)],
        "configs": [{"config_name": "default", "data_files": files}],
        "dataset_info": {
            "features": [{"name": column, "dtype": dtype} for column, dtype in dtypes.items()],
            "splits": [
                {"name": split, "num_bytes": size.bytes, "num_examples": size.rows} for split, size in splits.items()
            ],
            "download_size": sum(size.file_bytes for size in splits.values()),
            "dataset_size": sum(size.bytes for size in splits.values()),
        },
    }
    # JSON is valid YAML, and no column name can break out of it.
    head = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in about.items())
    counts = "".join(f"| {split} | {size.rows} |\n" for split, size in splits.items())
    origin = (
        f"\n{fetched} of the songs were fetched from lyric sites. Keep this dataset to yourself.\n" if fetched else ""
    )
    kept = "" if options.split_share is None else f" Each song's split was drawn from its id with seed {options.seed}."
    return (
        f"---\n{head}---\n\n# {one_line(name)}\n\nSong lyrics, one song per row, {_ORIGIN}.{kept}\n\n"
        f"| split | songs |\n|---|---|\n{counts}\n## Who owns these lyrics\n\n{_RIGHTS}\n{origin}"
    )


def _size_category(rows: int) -> str:
    for end, name in ((1e3, "n<1K"), (1e4, "1K<n<10K"), (1e5, "10K<n<100K"), (1e6, "100K<n<1M")):
        if rows < end:
            return name
    return "1M<n<10M"


def _check_place(output: Path, *, force: bool) -> None:
    if not output.exists():
        return
    try:
        if output.is_dir() and not any(output.iterdir()):
            return
        is_own = _is_own(output)
    except OSError:  # what cannot be read is not replaced
        is_own = False
    if not is_own:
        raise UsageError(f"{output} isn't a dataset, so it can't be replaced.", "Choose another name.")
    if not force:
        raise UsageError(f"{output} already exists.", "Choose another name, or replace it with --force.")


def _is_own(folder: Path) -> bool:
    """Return whether a folder is a data set that songsmith wrote, and holds nothing else."""
    card, tables = folder / "README.md", folder / "data"
    there = list(folder.rglob("*"))
    return (
        not any(path.is_symlink() for path in there)
        and card.is_file()
        and _ORIGIN.encode() in card.read_bytes()
        and all(
            path in (card, tables)
            or (path.parent == tables and path.is_file() and path.name.endswith("-00000-of-00001.parquet"))
            for path in there
        )
    )
