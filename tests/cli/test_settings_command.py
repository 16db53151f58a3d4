"""`songsmith settings`: what is set, where each value comes from, where things lie."""

import json

from typer.testing import CliRunner

from songsmith.cli.app import app


def test_each_value_is_shown_with_where_it_comes_from(home, monkeypatch):
    home.mkdir()
    (home / "settings.toml").write_text('model = "mine"\nthreads = 3\n')
    monkeypatch.setenv("SONGSMITH_THREADS", "2")
    done = CliRunner().invoke(app, ["settings"])
    assert done.exit_code == 0, done.output
    rows = {row.split("\t")[0]: row.split("\t")[1:] for row in done.stdout.splitlines()}
    assert rows["model"] == ["mine", str(home / "settings.toml")]
    assert rows["threads"] == ["2", "SONGSMITH_THREADS"]
    assert rows["draft_model"] == ["none", "default"]
    assert rows["songs"] == [str(home / "library.sqlite3")]


def test_json_holds_values_of_their_own_kind(home):
    told = json.loads(CliRunner().invoke(app, ["settings", "--json"]).stdout)
    assert told["settings"]["threads"] == {"value": 1, "from": "SONGSMITH_THREADS"}
    assert told["paths"]["models"] == str(home / "models")


def test_settings_that_cannot_be_read_are_named(home):
    home.mkdir()
    (home / "settings.toml").write_text("model = 3\n")
    done = CliRunner().invoke(app, ["settings"])
    assert done.exit_code == 2
    assert str(home / "settings.toml") in done.stderr
