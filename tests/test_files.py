"""Files and folders: whole or not at all, whatever breaks in between, and nothing left lying about."""

import ast
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songsmith.files import append, remove_folder, replacing_file, replacing_folder, write_whole

ROOT = Path(__file__).parent.parent
TREES = st.dictionaries(st.sampled_from(["a", "b", "c/d", "c/e", "f/g/h"]), st.binary(max_size=20), max_size=5)


class BrokenError(Exception):
    """What a test breaks a block with."""


def fill(folder: Path, tree: dict[str, bytes]) -> None:
    for name, content in tree.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def read(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@given(old=st.none() | st.binary(max_size=20), new=st.binary(max_size=20), breaks=st.booleans(), left=st.booleans())
def test_a_file_is_the_old_one_or_the_new_one(
    tmp_path_factory: pytest.TempPathFactory, old: bytes | None, new: bytes, breaks: bool, left: bool
) -> None:
    folder = tmp_path_factory.mktemp("files")
    path, temporary = folder / "songs", folder / ".songs.tmp" if left else None
    if temporary:
        temporary.write_bytes(b"left by a killed process")
    if old is not None:
        path.write_bytes(old)
    before = read(folder)
    before.pop(".songs.tmp", None)
    try:
        with replacing_file(path, temporary=temporary) as unfinished:
            unfinished.write_bytes(new)
            assert read(folder) == before | {unfinished.name: new}
            if breaks:
                raise BrokenError
    except BrokenError:
        assert read(folder) == before
    else:
        assert read(folder) == {"songs": new}
    write_whole(path, new + b"!", temporary=temporary)
    assert read(folder) == {"songs": new + b"!"}


@given(old=st.none() | TREES, new=TREES, breaks=st.booleans(), left=st.booleans())
def test_a_folder_is_the_old_one_or_the_new_one(
    tmp_path_factory: pytest.TempPathFactory, old: dict[str, bytes] | None, new: dict[str, bytes], breaks: bool, left: bool
) -> None:
    home = tmp_path_factory.mktemp("folders")
    path, temporary, replaced = home / "songs", home / ".songs.new", home / ".songs.old"
    if old is not None:
        path.mkdir()
        fill(path, old)
    if left:
        fill(temporary, {"half": b"left by a killed process"})
        if old is not None:
            fill(replaced, {"older": b"too"})
    try:
        with replacing_folder(path, temporary=temporary, old=replaced) as unfinished:
            assert read(unfinished) == {}
            fill(unfinished, new)
            assert path.exists() == (old is not None)
            if breaks:
                raise BrokenError
    except BrokenError:
        assert read(path) == (old or {})
        assert not temporary.exists()
    else:
        assert read(path) == new
        assert list(home.iterdir()) == [path]


def test_a_folder_with_no_place_for_the_old_one_replaces_nothing(tmp_path: Path) -> None:
    fill(tmp_path, {"songs/a": b"1"})
    with pytest.raises(OSError, match="not empty"), replacing_folder(tmp_path / "songs") as unfinished:
        fill(unfinished, {"b": b"2"})
    assert read(tmp_path) == {"songs/a": b"1"}
    assert [path.name for path in tmp_path.iterdir()] == ["songs"]


def test_a_killed_process_leaves_what_there_was(tmp_path: Path) -> None:
    fill(tmp_path, {"songs/a": b"1", "index": b"1"})
    program = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from songsmith.files import replacing_file, replacing_folder\n"
        f"home = Path({str(tmp_path)!r})\n"
        "with replacing_file(home / 'index') as file, replacing_folder(home / 'songs', old=home / 'old') as folder:\n"
        "    file.write_text('2')\n"
        "    (folder / 'b').write_text('2')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert {name: content for name, content in read(tmp_path).items() if name[0] != "."} == {
        "songs/a": b"1", "index": b"1"
    }  # fmt: skip


def test_a_folder_is_removed_with_what_a_killed_removal_left(tmp_path: Path) -> None:
    fill(tmp_path, {"songs/a": b"1", ".songs.removed/b": b"2", "others/c": b"3"})
    remove_folder(tmp_path / "songs", removed=tmp_path / ".songs.removed")
    assert read(tmp_path) == {"others/c": b"3"}
    with pytest.raises(FileNotFoundError):
        remove_folder(tmp_path / "songs", removed=tmp_path / ".songs.removed")


@given(pieces=st.lists(st.tuples(st.binary(max_size=9), st.binary(max_size=5)), max_size=5))
def test_a_file_that_grows_holds_every_piece_and_nothing_torn(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[tuple[bytes, bytes]]
) -> None:
    path = tmp_path_factory.mktemp("grows") / "songs"
    end = 0
    for piece, torn in pieces:
        end = append(path, end, piece)
        with path.open("ab") as file:
            file.write(torn)
    append(path, end, b"last")
    assert path.read_bytes() == b"".join(piece for piece, _ in pieces) + b"last"


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o400])
def test_permissions_are_those_asked_for_whatever_the_umask(tmp_path: Path, mode: int) -> None:
    for content in (b"once", b"again"):
        write_whole(tmp_path / "token", content, mode=mode)
        assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == mode
        assert (tmp_path / "token").read_bytes() == content


def test_nothing_else_syncs_or_replaces_files() -> None:
    elsewhere = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "songsmith").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.fsync", "os.replace", "os.rename", "tempfile.mkdtemp")
    }
    assert elsewhere == {"songsmith/files.py"}
