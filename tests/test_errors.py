"""Errors: one sentence, a next step, and the exit code the docstring draws."""

import errno
import os
import re
from pathlib import Path

import pytest

from songsmith import errors
from songsmith.errors import SongsmithError, StorageError, storage_error, storing


def every_error() -> list[type[SongsmithError]]:
    found = [SongsmithError]
    for kind in found:
        found += kind.__subclasses__()
    return [kind for kind in found if kind.__module__ == "songsmith.errors"]


def test_the_drawn_tree_is_the_tree() -> None:
    drawn = dict(re.findall(r"(\w+Error)\s+(\d)", errors.__doc__ or ""))
    assert {kind.__name__: str(kind.exit_code) for kind in every_error()} == drawn


@pytest.mark.parametrize("kind", every_error())
def test_an_error_says_what_is_wrong_and_what_to_do(kind: type[SongsmithError]) -> None:
    assert str(kind("It broke.", "Mend it.")) == "It broke. Mend it."
    assert str(kind("It broke.")) == "It broke."
    assert kind("It broke.", "Mend it.").next_step == "Mend it."


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "full"),
        (errno.EDQUOT, "full"),
        (errno.EACCES, "can't be written"),
        (errno.EROFS, "can't be written"),
        (errno.ENOTDIR, "isn't a folder"),
        (errno.EIO, "can't be used"),
        (errno.ENAMETOOLONG, "can't be used"),
    ],
)
def test_what_a_disk_says_becomes_a_sentence(number: int, words: str) -> None:
    error = storage_error(OSError(number, os.strerror(number)), Path("/home/songs"))
    assert words in error.message
    assert "/home/songs" in error.message
    assert error.next_step
    assert "\n" not in str(error)


def test_an_os_error_without_words_still_says_something() -> None:
    assert "oserror" in str(storage_error(OSError(), Path("x")))


def test_writing_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match="isn't a folder"), storing(tmp_path / "file" / "x"):
        (tmp_path / "file" / "x").mkdir(parents=True)
    with pytest.raises(BrokenPipeError), storing(tmp_path):
        raise BrokenPipeError
    with pytest.raises(ZeroDivisionError), storing(tmp_path):
        raise ZeroDivisionError
