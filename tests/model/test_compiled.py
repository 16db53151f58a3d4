"""Graphs made once for a model: found again, made anew when stale or damaged, and done without where none can be kept."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from fakes import write_random_model
from safetensors.torch import load_file, save_file

from songsmith.model.networks.onnx_network import OnnxNetwork
from songsmith.model.networks.torch_backend import TorchBackend
from songsmith.model.registry import ModelStore
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


def graphs_of(paths: Paths) -> list[Path]:
    return sorted(paths.graphs.glob("*/[!.]*/"))


def load(paths: Paths, name: str = "mine") -> OnnxNetwork:
    backend = ModelStore(paths).load(name, device="cpu").backend
    assert isinstance(backend, OnnxNetwork)
    return backend


def test_a_graph_is_made_once_and_never_beside_the_model(paths: Paths) -> None:
    model = write_random_model(paths.models / "mine")
    before = sorted(model.iterdir())
    first = load(paths).forward_full([1, 2, 3])
    (folder,) = graphs_of(paths)
    made = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert (load(paths).forward_full([1, 2, 3]) == first).all()
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == made
    assert not list(folder.parent.glob(".new-*"))
    assert sorted(model.iterdir()) == before


def test_other_weights_make_another_graph_and_the_old_one_goes(paths: Paths) -> None:
    folder = write_random_model(paths.models / "mine")
    before, (stale,) = load(paths).forward_full([1, 2, 3]), graphs_of(paths)
    weights = load_file(folder / "model.safetensors")
    weights["transformer.wte.weight"] *= 2
    save_file(weights, folder / "model.safetensors")
    after = load(paths).forward_full([1, 2, 3])
    assert not stale.exists()
    assert len(graphs_of(paths)) == 1
    exact = ModelStore(paths).load("mine", device="cpu", exact=True).backend
    assert isinstance(exact, TorchBackend)
    assert abs(after - exact.forward_full([1, 2, 3])).max() < 0.1 < abs(after - before).max()


@pytest.mark.parametrize("name", ["network.onnx", "network.onnx.data", "facts.json"])
@pytest.mark.parametrize("harm", ["gone", "empty", "half"])
def test_a_damaged_graph_is_made_anew(paths: Paths, name: str, harm: str) -> None:
    write_random_model(paths.models / "mine")
    whole = load(paths).forward_full([1, 2, 3])
    (folder,) = graphs_of(paths)
    file = folder / name
    data = file.read_bytes()
    file.unlink() if harm == "gone" else file.write_bytes(data[: len(data) // 2 if harm == "half" else 0])
    assert (load(paths).forward_full([1, 2, 3]) == whole).all()
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


def test_where_no_graph_can_be_kept_one_is_made_for_the_moment(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    write_random_model(paths.models / "mine")
    kept = load(paths).forward_full([1, 2, 3])
    shutil.rmtree(paths.graphs)
    paths.graphs.write_text("in the way", encoding="utf-8")
    assert (load(paths).forward_full([1, 2, 3]) == kept).all()
    assert paths.graphs.read_text(encoding="utf-8") == "in the way"
    # Nor there: torch needs no files.
    monkeypatch.setattr(tempfile, "tempdir", str(paths.data / "nowhere"))
    assert isinstance(ModelStore(paths).load("mine", device="cpu", threads=1).backend, TorchBackend)


def test_a_shape_that_the_runtime_does_not_know_is_written_with_by_torch(paths: Paths) -> None:
    folder = write_random_model(paths.models / "mine")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"n_head": 4}), encoding="utf-8")  # heads of 4 numbers
    assert isinstance(ModelStore(paths).load("mine", device="cpu", threads=1).backend, TorchBackend)
    assert not graphs_of(paths)


def test_models_of_one_name_have_graphs_of_their_own(paths: Paths, tmp_path: Path) -> None:
    first, second = (write_random_model(tmp_path / place / "mine", seed=seed) for seed, place in enumerate("ab"))
    answers = [load(paths, str(model)).forward_full([1, 2, 3]) for model in (first, second, first)]
    assert (answers[0] == answers[2]).all()
    assert abs(answers[0] - answers[1]).max() > 0.01
    assert len(graphs_of(paths)) == 2


def test_graphs_go_with_their_models(paths: Paths, tmp_path: Path) -> None:
    elsewhere = write_random_model(tmp_path / "elsewhere")
    write_random_model(paths.models / "mine")
    load(paths, str(elsewhere))
    load(paths)
    assert len(graphs_of(paths)) == 2
    ModelStore(paths).remove("mine")
    assert len(graphs_of(paths)) == 1
    shutil.rmtree(elsewhere)
    write_random_model(paths.models / "other")
    load(paths, "other")  # what nobody can ask for any more goes when the next graph is made
    assert len(graphs_of(paths)) == 1


def test_what_a_killed_build_left_goes_with_the_next(paths: Paths) -> None:
    model = write_random_model(paths.models / "mine")
    load(paths)
    (folder,) = graphs_of(paths)
    left = folder.with_name(".new-1234")
    left.mkdir()
    (left / "network.onnx").write_bytes(b"half")
    (model / "config.json").write_text(
        (model / "config.json").read_text(encoding="utf-8").replace('"n_head": 2', '"n_head": 1'), encoding="utf-8"
    )
    load(paths)
    assert not left.exists()
    assert len(graphs_of(paths)) == 1


def test_a_linked_model_is_removed_and_what_it_links_to_stays(paths: Paths, tmp_path: Path) -> None:
    model = write_random_model(tmp_path / "elsewhere")
    paths.models.mkdir(parents=True)
    (paths.models / "linked").symlink_to(model)
    load(paths, "linked")
    ModelStore(paths).remove("linked")
    assert [entry.name for entry in ModelStore(paths).entries()] == ["starter"]
    assert (model / "model.safetensors").exists()


def test_another_number_of_processors_is_another_trial(paths: Paths) -> None:
    write_random_model(paths.models / "mine")
    load(paths)
    facts = graphs_of(paths)[0] / "facts.json"
    known = json.loads(facts.read_text(encoding="utf-8"))
    facts.write_text(json.dumps(known | {"processors": 1000, "threads": 999}), encoding="utf-8")
    ModelStore(paths).load("mine", device="cpu", threads=1)  # told how many, it tries none
    assert json.loads(facts.read_text(encoding="utf-8"))["threads"] == 999
    load(paths)
    assert json.loads(facts.read_text(encoding="utf-8"))["processors"] == known["processors"]


def test_nobody_is_told_of_what_is_written(tmp_path: Path) -> None:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("CI", "ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")
    }
    environment |= {"HOME": str(tmp_path / "user"), "SONGSMITH_HOME": str(tmp_path / "home")}
    subprocess.run([sys.executable, "-c", FRESH], env=environment, capture_output=True, check=True)
    assert not list((tmp_path / "user").rglob("*icrosoft*"))


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


@pytest.mark.parametrize("name", ["network.onnx", "network.onnx.data"])
def test_a_graph_that_was_written_to_is_made_anew_though_it_would_load(paths: Paths, name: str) -> None:
    write_random_model(paths.models / "mine")
    whole = load(paths).forward_full([1, 2, 3])
    (folder,) = graphs_of(paths)
    data = bytearray((folder / name).read_bytes())
    made = bytes(data)
    data[len(data) // 2 : len(data) // 2 + 64] = bytes(64)
    (folder / name).write_bytes(data)
    assert (load(paths).forward_full([1, 2, 3]) == whole).all()
    assert (folder / name).read_bytes() == made
