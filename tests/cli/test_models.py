"""`songsmith models`: what is installed, for people and for programs."""

import json
from pathlib import Path

import pytest
from fakes import Songsmith, write_random_model
from typer.testing import CliRunner

from songsmith.cli.app import app
from songsmith.paths import Paths


def rows(output: str) -> list[list[str]]:
    return [row.split("\t") for row in output.splitlines()]


def test_the_starter_is_always_there(songsmith: Songsmith) -> None:
    done = songsmith("models", "list")
    assert (done.returncode, done.stderr) == (0, b"")
    ((mark, name, size, context, format, about),) = rows(done.stdout.decode())
    assert (mark, name, context, format) == ("*", "starter", "512", "markup")
    assert size.endswith(" M")
    assert about


def test_a_damaged_model_says_so_and_hides_no_other(paths: Paths) -> None:
    write_random_model(paths.models / "whole", manifest={"format": "markup", "description": "Line\nbreaks\tand tabs."})
    write_random_model(paths.models / "hurt")
    (paths.models / "hurt" / "model.safetensors").write_bytes(b"")
    result = CliRunner().invoke(app, ["models", "list"])
    assert (result.exit_code, result.stderr) == (0, "")
    found = {row[1]: row[5] for row in rows(result.stdout)}
    assert list(found) == ["starter", "hurt", "whole"]
    assert "model.safetensors is damaged" in found["hurt"]
    assert found["whole"] == "Line breaks and tabs."


def test_what_the_default_is(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    write_random_model(paths.models / "mine")
    monkeypatch.setenv("SONGSMITH_MODEL", "mine")
    listed = CliRunner().invoke(app, ["models", "list", "--json"])
    assert {model["name"]: model["default"] for model in map(json.loads, listed.stdout.splitlines())} == {
        "starter": False, "mine": True,
    }  # fmt: skip
    assert "name: mine" in CliRunner().invoke(app, ["models", "info"]).stdout


def test_where_a_model_comes_from(songsmith: Songsmith, plain_folder: Path) -> None:
    done = songsmith("models", "info", "starter", "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    starter = json.loads(done.stdout)
    assert starter["licence"] == "CC0-1.0"
    assert starter["parameters"] > 13_000_000
    assert (starter["layers"], starter["width"], starter["context_window_tokens"]) == (6, 384, 512)
    assert (starter["default"], starter["problem"]) == (True, "")
    text = CliRunner().invoke(app, ["models", "info", str(plain_folder)]).stdout
    assert "name: plain\n" in text
    assert "format: plain\n" in text


def test_an_unknown_model_is_one_sentence() -> None:
    result = CliRunner().invoke(app, ["models", "info", "nothing"])
    assert result.exit_code == 4
    assert result.stderr == "songsmith: There is no model 'nothing'. See: songsmith models list\n"


@pytest.mark.parametrize("way", ["flag", "settings", "environment"])
def test_a_slip_in_a_models_name_is_answered_with_the_right_one(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    if way == "settings":
        paths.settings.parent.mkdir(parents=True)
        paths.settings.write_text('model = "startr"\n', encoding="utf-8")
    elif way == "environment":
        monkeypatch.setenv("SONGSMITH_MODEL", "startr")
    result = CliRunner().invoke(app, ["gen", "--model", "startr"] if way == "flag" else ["gen"], input="Down by the river")
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr.startswith("songsmith: There is no model 'startr'. Did you mean 'starter'?")


def test_looking_makes_no_folder(songsmith: Songsmith, home: Path) -> None:
    for arguments in (["--help"], ["--version"], ["models", "list"], ["models", "info"], ["gen", "--help"]):
        assert songsmith(*arguments).returncode == 0
    assert not home.exists()


def test_a_model_of_ones_own_can_be_removed_and_the_starter_cannot(paths: Paths) -> None:
    write_random_model(paths.models / "mine")
    (paths.training / "mine" / "checkpoint-3").mkdir(parents=True)
    refused = CliRunner().invoke(app, ["models", "rm", "mine"])
    assert (refused.exit_code, "--yes" in refused.stderr) == (2, True)
    assert CliRunner().invoke(app, ["models", "rm", "starter", "--yes"]).exit_code == 4
    assert CliRunner().invoke(app, ["models", "rm", "../models/mine", "--yes"]).exit_code == 4
    assert (paths.models / "mine").exists()
    assert CliRunner().invoke(app, ["models", "rm", "mine", "--yes"]).exit_code == 0
    assert list(paths.models.iterdir()) == list(paths.training.iterdir()) == []
