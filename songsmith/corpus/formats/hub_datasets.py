"""Datasets of the Hugging Face Hub as files that an import reads over the network, piece by piece. Keeps nothing on disk.

A dataset is named as `hf://owner/name`, with `@revision`, `/config` and `:split` if necessary. HF_ENDPOINT, HF_TOKEN and the
token of `hf auth login` are read by huggingface_hub alone; no message shows them.
"""

import io
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, Self, cast
from urllib.parse import urlsplit

from songsmith.corpus.formats.text_files import SourceFile, explaining
from songsmith.errors import FetchError, InputError, NotFoundError, SongsmithError, UsageError

if TYPE_CHECKING:
    from huggingface_hub import HfFileSystem

SCHEME = "hf://"
_KINDS = ((".parquet",), (".jsonl", ".ndjson"), (".json",), (".csv", ".tsv"), (".txt",))
"""Which files are read if there are several kinds, which often hold the same songs."""
_LONGEST_ANSWER_BYTES = 64 << 20
"""The list of a data set's files, or a block of one; more of it is not kept in memory."""
_CONVERTED = "refs/convert/parquet"
"""Where the Hub keeps datasets that it converted itself."""
# Files beside the data that are not data.
_BESIDE = ("dataset_infos.json", "dataset_info.json", "config.json", "state.json", "requirements.txt", "license.txt")
_TOLD = 8
_NO_HUB = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What huggingface_hub raises when something else answers, such as the login page of a network."""


@dataclass(frozen=True, kw_only=True)
class DatasetName:
    """Which dataset, and which part of it."""

    repository: str
    """Owner and name."""
    revision: str = ""
    config: str = ""
    """A folder in it."""
    split: str = ""
    """A word in the names of its files: train, test."""

    @classmethod
    def parse(cls, written: str) -> Self:
        """Read a name as a person writes it.

        Raises:
            UsageError: it is not the name of a dataset.
        """
        part = r"[\w.-]+"
        form = rf"hf://(?:datasets/)?({part}/{part})(?:@(refs/{part}/{part}|{part}))?(?:/({part}(?:/{part})*))?(?::({part}))?/?"
        match = re.fullmatch(form, written, re.ASCII)
        if not match or any(part.strip("-.") != part for part in match[1].split("/")):
            raise _no_name(written)
        repository, revision, config, split = match.groups()
        return cls(repository=repository, revision=revision or "", config=config or "", split=split or "")

    @property
    def url(self) -> str:
        """Its page."""
        return f"https://huggingface.co/datasets/{self.repository}"


def _no_name(written: str) -> UsageError:
    step = "Write it as hf://owner/name, or hf://owner/name/config:split."
    return UsageError(f"'{written}' isn't the name of a dataset.", step)


class HubFile(SourceFile):
    """A file of a dataset."""

    def __init__(self, files: "HfFileSystem", dataset: DatasetName, revision: str, path: str, size_bytes: int) -> None:
        """Describe a file at a revision; nothing is read yet."""
        super().__init__(
            label=f"{SCHEME}{dataset.repository}/{path}", filename=PurePosixPath(path).name, size_bytes=size_bytes
        )
        self.path_in_dataset = path
        self.revision = revision
        self._files, self._dataset = files, dataset

    def _open(self) -> BinaryIO:
        quoted = self.revision.replace("/", "%2F")
        address = f"datasets/{self._dataset.repository}@{quoted}/{self.path_in_dataset}"
        remote = self._files.open(address, "rb", block_size=self.limits.block_bytes)
        return cast(
            BinaryIO, io.BufferedReader(cast(io.RawIOBase, remote), 1 << 16)
        )  # unbuffered, lines would be split in Python

    def _explaining(self) -> AbstractContextManager[None]:
        return _explaining(self._dataset, self.label)


def find_dataset_files(dataset: DatasetName) -> list[HubFile]:
    """Return the files of a dataset with its songs, in order.

    Raises:
        FetchError: the Hub cannot be reached, or refuses.
        InputError: it has no file that could hold songs.
        NotFoundError: there is no such dataset, revision, config or split.
    """
    endpoint = os.environ.get("HF_ENDPOINT") or None
    _check_endpoint(endpoint or "")
    import huggingface_hub

    _bound_answers(huggingface_hub.get_session())
    hub = huggingface_hub.HfApi(endpoint=endpoint)
    with _explaining(dataset, f"{SCHEME}{dataset.repository}"):
        found = _list(hub, dataset, dataset.revision)
        if not _choose(found[1]) and not dataset.revision:
            with suppress(huggingface_hub.errors.RevisionNotFoundError):  # then there is none
                found = _list(hub, dataset, _CONVERTED)
        revision, sizes = found
        files = huggingface_hub.HfFileSystem(endpoint=endpoint)
    if not _choose(sizes):
        raise InputError(
            f"The dataset {dataset.repository} has no file that songsmith can read.",
            "songsmith reads Parquet, JSONL, JSON, CSV, TSV and text.",
        )
    chosen = _choose(_narrow(dataset, sizes))
    return [HubFile(files, dataset, revision, path, sizes[path]) for path in sorted(chosen)]


def _check_endpoint(endpoint: str) -> None:
    """Check that HF_ENDPOINT can be an address: otherwise huggingface_hub fails without a readable message, even on import."""
    try:
        usable = endpoint.isprintable() and urlsplit(endpoint) is not None
    except ValueError:
        usable = False
    if not usable:
        raise UsageError("HF_ENDPOINT isn't a web address.", "Unset it, or set it like https://huggingface.co.")


def _bound_answers(client: Any) -> None:
    """Check that no response to huggingface_hub, which reads it whole, fills the memory."""
    hooks = client.event_hooks
    if _read_bounded not in hooks["response"]:
        client.event_hooks = {**hooks, "response": [*hooks["response"], _read_bounded]}


def _read_bounded(response: Any) -> None:
    pieces, length = [], 0
    for piece in response.iter_bytes():
        length += len(piece)
        if length > _LONGEST_ANSWER_BYTES:
            raise FetchError("The Hugging Face Hub sends what has no end.", "Check the network, or HF_ENDPOINT.")
        pieces.append(piece)
    response._content = b"".join(pieces)  # where httpx's `read` stores the body


def _list(hub: Any, dataset: DatasetName, revision: str) -> tuple[str, dict[str, int]]:
    """Return the commit of a revision, and the size of each of its files."""
    from huggingface_hub.errors import HFValidationError

    try:
        told = hub.dataset_info(dataset.repository, revision=revision or None, files_metadata=True)
    except HFValidationError:
        raise
    except _NO_HUB as error:
        raise FetchError(
            f"The answer for {dataset.repository} didn't come from a Hugging Face Hub.",
            "Check the network, or HF_ENDPOINT.",
        ) from error
    sizes = {file.rfilename: file.size or 0 for file in told.siblings or ()}
    return told.sha or revision or "main", sizes


def _choose(paths: Sequence[str] | dict[str, int]) -> list[str]:
    """Return the files of the most likely kind that there is."""
    data = [path for path in paths if not path.startswith(".") and PurePosixPath(path).name.lower() not in _BESIDE]
    for kinds in _KINDS:
        if found := [path for path in data if path.lower().removesuffix(".gz").endswith(kinds)]:
            return found
    return []


def _narrow(dataset: DatasetName, sizes: dict[str, int]) -> dict[str, int]:
    """Return the files of the config and the split that were asked for.

    Raises:
        NotFoundError: there are none.
    """
    if dataset.config:
        under = {path: size for path, size in sizes.items() if f"/{path}".find(f"/{dataset.config}/") >= 0}
        if not _choose(under):
            folders = sorted({str(PurePosixPath(path).parent) for path in _choose(sizes)} - {"."})
            raise NotFoundError(
                f"The dataset {dataset.repository} has no folder '{dataset.config}' with songs.", _there_are(folders)
            )
        sizes = under
    if dataset.split:
        word = re.compile(rf"(^|[/_.-]){re.escape(dataset.split)}([/_.-]|$)", re.IGNORECASE)
        under = {path: size for path, size in sizes.items() if word.search(path)}
        if not _choose(under):
            raise NotFoundError(
                f"The dataset {dataset.repository} has no split '{dataset.split}'.", _there_are(sorted(_choose(sizes)))
            )
        sizes = under
    return sizes


def _there_are(names: Sequence[str]) -> str:
    more = ", …" if len(names) > _TOLD else ""
    return f"There are: {', '.join(names[:_TOLD])}{more}." if names else "It has no folders: leave that out."


@contextmanager
def _explaining(dataset: DatasetName, label: str) -> Iterator[None]:
    """Turn errors on the way to the Hub into one sentence."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]  # that of the version it was built on

    with explaining(label):
        try:
            yield
        except HFValidationError as error:
            raise _no_name(label) from error
        except (HfHubHTTPError, OfflineModeIsEnabled, httpx.HTTPError) as error:
            raise _explain(dataset, error) from error


def _explain(dataset: DatasetName, error: Exception) -> SongsmithError:
    """Return what a network error means. Its own message is not shown: it holds addresses, and has many lines."""
    from huggingface_hub import errors

    name = dataset.repository
    if isinstance(error, errors.GatedRepoError):
        return FetchError(
            f"The dataset {name} is only open to those who accept its terms.",
            f"Accept them at {dataset.url}, then log in with: hf auth login",
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return NotFoundError(f"The dataset {name} has no revision '{dataset.revision}'.", "Leave it out.")
    if isinstance(error, errors.RepositoryNotFoundError):
        return NotFoundError(
            f"The dataset {name} doesn't exist on the Hugging Face Hub, or is private.",
            "Check the name; for a private one log in with: hf auth login",
        )
    if isinstance(error, errors.OfflineModeIsEnabled):
        return FetchError("HF_HUB_OFFLINE turns off the Hugging Face Hub.", "Unset it.")
    status = getattr(getattr(error, "response", None), "status_code", 0)
    if status in (401, 403):
        step = "Log in with a token that may read it: hf auth login"
        return FetchError(f"The Hugging Face Hub refuses {name} ({status}).", step)
    if status:
        step = "Wait a while, then run the same command again to continue."
        return FetchError(f"The Hugging Face Hub answered {status} when asked for {name}.", step)
    return FetchError(
        "The Hugging Face Hub can't be reached.",
        "Check the network, or HF_ENDPOINT, then run the same command again to continue.",
    )
