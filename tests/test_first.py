"""The one thing songsmith must always do."""

from typer.testing import CliRunner

from songsmith.cli.app import app


def test_gen_writes_a_song_from_the_prompt():
    result = CliRunner().invoke(app, ["gen", "Down by the river", "--seed", "1", "--max-lines", "4"])
    assert result.exit_code == 0
    assert result.stdout.startswith("Down by the river")
    assert len(result.stdout.splitlines()) >= 4
