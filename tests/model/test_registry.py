"""Model directories: each is listed, found by its name or its path, described, and removed alone."""

from pathlib import Path

import pytest
from fakes import write_random_model
from safetensors.torch import load_file

from songsmith.errors import ModelError
from songsmith.markup import MarkupFormat
from songsmith.model.manifest import Manifest
from songsmith.model.registry import ModelStore
from songsmith.paths import Paths, find_paths


@pytest.fixture
def store(paths: Paths) -> ModelStore:
    return ModelStore(paths)


def test_installed_models_are_listed_behind_the_starter(store: ModelStore, paths: Paths) -> None:
    assert [entry.name for entry in store.entries()] == ["starter"]
    write_random_model(paths.models / "zeta")
    write_random_model(paths.models / "alpha", manifest={"format": "markup", "description": "Noise."})
    (paths.models / "a file").write_text("", encoding="utf-8")
    entries = {entry.name: entry for entry in store.entries()}
    assert list(entries) == ["starter", "alpha", "zeta"]
    assert not any(entry.problem for entry in entries.values())
    assert entries["alpha"].manifest.format is MarkupFormat.MARKUP
    assert entries["zeta"].manifest.format is MarkupFormat.PLAIN
    assert entries["zeta"].parameters == sum(
        weight.numel() for weight in load_file(paths.models / "zeta" / "model.safetensors").values()
    )


def test_a_model_is_found_by_name_and_by_path(store: ModelStore, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_random_model(paths.models / "mine")
    assert store.find("mine") == folder
    assert store.find(str(folder)) == folder
    monkeypatch.chdir(folder.parent)
    assert store.find("./mine").samefile(folder)
    monkeypatch.setenv("HOME", str(folder.parent))
    assert store.find("~/mine") == folder
    assert store.info("./mine").name == "mine"


def refused(store: ModelStore, name: str) -> str:
    with pytest.raises(ModelError) as caught:
        store.find(name)
    return str(caught.value)


def test_a_name_is_no_path_and_a_path_is_no_name(
    store: ModelStore, paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_random_model(paths.models / "red-river")
    # What is there is a path, whatever it looks like; a name comes first.
    elsewhere = write_random_model(tmp_path / "owner" / "river")
    beside = write_random_model(tmp_path / "river")
    write_random_model(tmp_path / "red-river")
    assert store.find("owner/river").samefile(elsewhere)
    assert store.find("river").samefile(beside)
    assert store.find("red-river") == paths.models / "red-river"
    # What is not there is a path only where it begins as one.
    for path in ("./nothing", "../nothing", "/nothing", "~/nothing"):
        assert refused(store, path).startswith(f"The folder {path} doesn't exist.")
    told = refused(store, "openai/gpt2")
    assert told.startswith("There is no model 'openai/gpt2'")
    assert str(paths.models) in told
    assert "nor as a folder here" in told
    # A file, and a folder without weights, are told from what is not there at all.
    (tmp_path / "song.txt").write_text("words", encoding="utf-8")
    assert refused(store, "song.txt").startswith("song.txt is a file; a model is a folder.")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"empty has no model\.safetensors"):
        store.load("empty")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("startr", "starter"), ("Starter", "starter"), ("red-rivr", "red-river"), ("somebody/red_river", "red-river")],
)
def test_a_slip_is_told_what_was_meant(store: ModelStore, paths: Paths, typed: str, meant: str) -> None:
    write_random_model(paths.models / "red-river")
    assert f"Did you mean '{meant}'?" in refused(store, typed)
    assert "Did you mean" not in refused(store, "qqqqqq")
    with pytest.raises(ModelError, match="Did you mean 'red-river'"):
        store.find_own("redriver")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "nothing",
        "./nothing",
        "~nobody-by-this-name",
        "~nobody-by-this-name/x",
        "x" * 300,
        "/" + "x" * 300,
        "..",
        "/",
    ],
)
def test_an_unknown_model_is_told_where_to_look(store: ModelStore, paths: Paths, name: str) -> None:
    paths.models.mkdir(parents=True)
    with pytest.raises(ModelError) as caught:
        store.load(name)
    if name not in ("..", "/"):
        assert "songsmith models list" in str(caught.value)


def test_a_manifest_may_know_more_than_this_version(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"format": "markup", "colour": "blue"}', encoding="utf-8")
    assert Manifest.load(tmp_path) == Manifest(format=MarkupFormat.MARKUP)


def test_a_home_that_is_no_folder_still_has_the_starter(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("", encoding="utf-8")
    for home in (file, file / "below", tmp_path / ("x" * 300)):
        store = ModelStore(Paths(data=home, config=home, state=home))
        assert [entry.name for entry in store.entries()] == ["starter"]
        assert store.find("starter") == find_paths().starter


@pytest.mark.parametrize("name", ["..", ".", ""])
def test_a_folder_above_or_around_the_models_is_none_of_them(paths: Paths, name: str) -> None:
    write_random_model(paths.models / "mine")
    before = sorted(path.name for path in paths.data.rglob("*"))
    with pytest.raises(ModelError, match="You have no model"):
        ModelStore(paths).remove(name)
    assert sorted(path.name for path in paths.data.rglob("*")) == before


def test_two_dots_are_the_folder_above_the_one_you_are_in(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_random_model(paths.models / "mine")
    inside = write_random_model(tmp_path / "mill") / "inside"
    inside.mkdir()
    monkeypatch.chdir(inside)
    assert ModelStore(paths).find("..").resolve() == tmp_path / "mill"
