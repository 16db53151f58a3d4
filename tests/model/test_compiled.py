"""Graphs made once for a model: found again, made anew when stale or damaged, and done without where none can be kept."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import write_random_model
from safetensors.torch import load_file, save_file

from songsmith.model.gpt2 import GPT2
from songsmith.model.onnx import OnnxGPT2
from songsmith.model.store import ModelStore
from songsmith.paths import Paths

FRESH = """
import sys
from songsmith.__main__ import main
sys.argv = ["songsmith", "gen", "--title", "The Mill", "--seed", "1", "--max-lines", "2", "--quiet"]
try:
    main()
finally:
    print(sorted({"torch", "transformers", "onnx", "matplotlib"} & set(sys.modules)), file=sys.stderr)
"""


def graphs_of(paths: Paths, name: str = "mine") -> list[Path]:
    return sorted((paths.models / name / "graphs").glob("graph-*"))


def load(paths: Paths, name: str = "mine") -> OnnxGPT2:
    backend = ModelStore(paths).load(name, device="cpu").backend
    assert isinstance(backend, OnnxGPT2)
    return backend


def test_a_graph_is_made_once_beside_the_model(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    write_random_model(paths.models / "mine")
    first = load(paths).score([1, 2, 3])
    (folder,) = graphs_of(paths)
    made = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert (load(paths).score([1, 2, 3]) == first).all()
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == made
    assert not list(folder.parent.glob(".new-*"))


def test_other_weights_make_another_graph_and_the_old_one_goes(paths: Paths) -> None:
    folder = write_random_model(paths.models / "mine")
    before, (stale,) = load(paths).score([1, 2, 3]), graphs_of(paths)
    weights = load_file(folder / "model.safetensors")
    weights["transformer.wte.weight"] *= 2
    save_file(weights, folder / "model.safetensors")
    after = load(paths).score([1, 2, 3])
    assert not stale.exists()
    assert len(graphs_of(paths)) == 1
    exact = ModelStore(paths).load("mine", device="cpu", exact=True).backend
    assert isinstance(exact, GPT2)
    assert abs(after - exact.score([1, 2, 3])).max() < 0.1 < abs(after - before).max()


@pytest.mark.parametrize("name", ["network.onnx", "network.onnx.data", "facts.json"])
@pytest.mark.parametrize("harm", ["gone", "empty", "half"])
def test_a_damaged_graph_is_made_anew(paths: Paths, name: str, harm: str) -> None:
    write_random_model(paths.models / "mine")
    whole = load(paths).score([1, 2, 3])
    (folder,) = graphs_of(paths)
    file = folder / name
    data = file.read_bytes()
    file.unlink() if harm == "gone" else file.write_bytes(data[: len(data) // 2 if harm == "half" else 0])
    assert (load(paths).score([1, 2, 3]) == whole).all()
    assert file.stat().st_size


def test_a_graph_of_another_machine_is_made_anew(paths: Paths) -> None:
    write_random_model(paths.models / "mine")
    load(paths)
    (folder,) = graphs_of(paths)
    facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    (folder / "facts.json").write_text(json.dumps(facts | {"processor": "Some Other 3000"}), encoding="utf-8")
    load(paths)
    assert (
        json.loads((graphs_of(paths)[0] / "facts.json").read_text(encoding="utf-8"))["processor"] == facts["processor"]
    )


def test_where_no_graph_can_be_kept_torch_writes(paths: Paths) -> None:
    folder = write_random_model(paths.models / "mine")
    (folder / "graphs").write_text("in the way", encoding="utf-8")
    assert isinstance(ModelStore(paths).load("mine", device="cpu", threads=1).backend, GPT2)


def test_a_shape_that_the_runtime_does_not_know_is_written_with_by_torch(paths: Paths) -> None:
    folder = write_random_model(paths.models / "mine")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"n_head": 4}), encoding="utf-8")  # heads of 4 numbers
    assert isinstance(ModelStore(paths).load("mine", device="cpu", threads=1).backend, GPT2)
    assert not graphs_of(paths)


def test_a_model_elsewhere_is_not_written_to(paths: Paths, tmp_path: Path) -> None:
    folder = write_random_model(tmp_path / "elsewhere")
    before = sorted(folder.iterdir())
    load(paths, str(folder))
    assert sorted(folder.iterdir()) == before
    assert list(paths.graphs.glob("elsewhere/graph-*"))


def test_two_processes_that_make_a_graph_at_once_both_write(paths: Paths) -> None:
    write_random_model(paths.models / "mine")
    command = [
        sys.executable,
        "-m",
        "songsmith",
        "gen",
        "--model",
        "mine",
        "--max-lines",
        "2",
        "--max-new-tokens",
        "40",
    ]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert all(written.strip() for written, _ in said)
    assert len(graphs_of(paths)) == 1


def test_writing_on_a_cpu_loads_no_torch(paths: Paths) -> None:
    def run() -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "SONGSMITH_DEVICE": "auto"} if not Path("/dev/nvidiactl").exists() else None
        return subprocess.run(
            [sys.executable, "-c", FRESH], capture_output=True, text=True, check=False, env=environment
        )

    first, second = run(), run()
    assert "torch" not in first.stderr
    assert second.stdout == first.stdout
    assert len(second.stdout.splitlines()) >= 2
    assert second.stderr.splitlines()[-1] == "[]"
