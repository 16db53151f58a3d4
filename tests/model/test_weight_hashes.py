"""What takes say of their model is what its weights are, whatever its manifest claims; and that costs no start a second reading."""

import hashlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from fakes import write_random_model
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from songsmith.cli.app import app
from songsmith.generation.serving.client import EngineProcess
from songsmith.generation.serving.protocol import ModelReady
from songsmith.model.hashes import WeightHashes, hash_file
from songsmith.model.registry import ModelStore
from songsmith.paths import Paths

LIE = "ab" * 32


def invoke(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.stdout, result.stderr


def make(paths: Paths, name: str, *, seed: int = 0) -> Path:
    """Write a model whose manifest tells the truth."""
    folder = write_random_model(paths.models / name, seed=seed)
    manifest = {"format": "plain", "weights_sha256": hash_file(folder / "model.safetensors")}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def rot(file: Path) -> None:
    """Turn a bit as a failing disk does: nothing about the file tells."""
    before = file.stat()
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    with file.open("r+b") as there:
        there.write(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def write_take(name: str) -> tuple[str, str]:
    """Return what a take says of its model, and what is said on standard error."""
    code, told, said = invoke("gen", "Down", "--model", name, "--seed", "1", "--max-new-tokens", "3", "--json")
    assert code == 0, said
    return str(json.loads(told)["model_sha256"]), said


def test_swapped_weights_are_told_once_and_takes_carry_their_true_hash(paths: Paths) -> None:
    folder = make(paths, "mine")
    sha256, said = write_take("mine")
    assert sha256 == hash_file(folder / "model.safetensors")
    assert "manifest" not in said
    other = write_random_model(paths.models / "other", seed=9)
    shutil.copy(other / "model.safetensors", folder)
    sha256, said = write_take("mine")
    assert sha256 == hash_file(other / "model.safetensors")
    assert said.count("The weights of mine are not those its manifest names") == 1
    assert invoke("gen", "Down", "--model", "mine", "--max-new-tokens", "3", "--quiet")[2] == ""
    shown = json.loads(invoke("models", "info", "mine", "--json")[1])
    assert shown["weights_sha256"] == sha256
    assert "not those its manifest names" in shown["notice"]
    assert "not those its manifest names" in invoke("models", "list")[1]


def test_a_manifest_that_lies_is_told_in_the_workshop(paths: Paths) -> None:
    folder = make(paths, "mine")
    (folder / "manifest.json").write_text(json.dumps({"weights_sha256": LIE}), encoding="utf-8")
    engine = EngineProcess(model="mine", device="cpu", threads=1, log=paths.engine_log)
    events = engine.events()
    ready = next(message for message in events if isinstance(message, ModelReady))
    assert "The weights of mine are not those its manifest names" in ready.notice
    assert LIE[:12] in ready.notice
    engine.close()
    for _ in events:
        pass


def test_a_model_is_verified_to_its_last_byte(paths: Paths) -> None:
    make(paths, "whole")
    write_random_model(paths.models / "unsigned", seed=1)
    rotten = make(paths, "rotten", seed=2)
    known = ModelStore(paths).read("rotten").weights_sha256
    rot(rotten / "model.safetensors")
    cut = make(paths, "cut", seed=3) / "model.safetensors"
    os.truncate(cut, cut.stat().st_size - 1)
    endless = make(paths, "endless", seed=4)
    weights = load_file(endless / "model.safetensors")
    weights["transformer.ln_f.bias"][3] = float("nan")
    save_file(weights, endless / "model.safetensors")
    code, told, said = invoke("models", "verify")
    assert (code, said) == (4, "")
    lines = {line.partition(": ")[0]: line for line in told.splitlines()}
    assert list(lines) == ["starter", "cut", "endless", "rotten", "unsigned", "whole"]
    assert "intact; SHA-256" in lines["starter"]
    assert "which matches its manifest" in lines["starter"]
    assert "is damaged (it has" in lines["cut"]
    assert "ln_f.bias contains values that aren't numbers" in lines["endless"]
    assert "not those its manifest names" in lines["rotten"]
    assert "with none in its manifest to compare" in lines["unsigned"]
    assert invoke("models", "verify", "whole")[0] == 0
    assert json.loads(invoke("models", "verify", "rotten", "--json")[1])["problem"]
    assert invoke("models", "verify", "nothing")[0] == 4
    # What was found out is what takes say from then on.
    assert ModelStore(paths).read("rotten").weights_sha256 == hash_file(rotten / "model.safetensors") != known


def test_the_hash_of_several_files_is_what_sha256sum_makes_of_them(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.safetensors", "b.safetensors")]
    for file in files:
        file.write_text(file.name, encoding="utf-8")
    listed = "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)
    expected = hashlib.sha256(listed.encode()).hexdigest()
    assert WeightHashes(tmp_path / "state" / "hashes.json").hash(files) == expected
    if shutil.which("sha256sum"):
        theirs = subprocess.run(["sha256sum", *(file.name for file in files)], cwd=tmp_path, capture_output=True, check=True)
        assert theirs.stdout.decode() == listed


def test_large_weights_are_read_once(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(2**27)
    times = []
    for _ in range(3):  # the first may find the file too fresh to be sure of
        start_s = time.perf_counter()
        WeightHashes(tmp_path / "hashes.json").hash([large])
        times.append(time.perf_counter() - start_s)
    assert times[2] < times[0] / 10


@pytest.mark.parametrize("content", ["", "[]", "{", '{"x": 1}', '{"%s": [1, 2, 3, 4, "' + LIE + '"]}', '{"%s": null}'])
def test_a_damaged_note_of_hashes_is_of_no_weight(tmp_path: Path, content: str) -> None:
    file, notes = tmp_path / "weights", tmp_path / "hashes.json"
    file.write_bytes(b"words")
    notes.write_text(content.replace("%s", str(file)), encoding="utf-8")
    assert WeightHashes(notes).known([file]) == ""
    while not WeightHashes(notes).known([file]):  # a moment, until the file is not fresh any more
        assert WeightHashes(notes).hash([file]) == hash_file(file)
    assert WeightHashes(notes).known([file]) == hash_file(file)


def test_where_no_hash_can_be_kept_it_is_worked_out_each_time(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"words")
    hashes = WeightHashes(file / "below" / "hashes.json")
    assert [hashes.hash([file]) for _ in range(2)] == [hash_file(file)] * 2


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["write", "swap", "touch", "link", "remove"]), st.binary(max_size=4))))
def test_a_hash_is_never_that_of_what_was_there_before(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str, bytes]]
) -> None:
    folder = tmp_path_factory.mktemp("hashes")
    files = [folder / f"{number}" for number in range(3)]
    for file in files:
        file.write_bytes(b"")
    for number, step, content in steps:
        file, other = files[number], files[number - 1]
        if step == "write":
            file.write_bytes(content)
        elif step == "swap":
            file.rename(folder / "aside")
            other.rename(file)
            (folder / "aside").rename(other)
        elif step == "touch":
            os.utime(file, ns=(0, 0))
        elif step == "link":
            file.unlink()
            os.link(other, file)
        else:
            file.unlink()
            file.write_bytes(content)
        hashes = WeightHashes(folder / "hashes.json")
        assert [hashes.hash([one]) for one in files] == [hash_file(one) for one in files]
