"""`songsmith eval`: from a model and songs to numbers, and what it refuses."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from fakes import write_random_model
from typer.testing import CliRunner

from songsmith.cli.app import app
from songsmith.paths import Paths

SONGS = (
    {"title": "Auld Lang Syne", "artist": "Burns", "text": "Should auld acquaintance be forgot\nAnd never brought to mind"},
    {"title": "Red River Valley", "artist": "Traditional", "text": "From this valley they say you are going\n\nDo not hasten"},
    {"title": "Wordless", "artist": "Nobody", "text": "1 2 3\n\n***"},
)  # fmt: skip


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    path = tmp_path / "songs.jsonl"
    path.write_text("".join(json.dumps(song) + "\n" for song in (*SONGS, SONGS[0])), encoding="utf-8")
    return path


@pytest.fixture
def tiny(paths: Paths) -> str:
    write_random_model(paths.models / "tiny", window=48, manifest={"format": "markup"})
    return "tiny"


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["eval", *arguments])
    assert result.exit_code == 0, (result.output, result.exception)
    assert result.stderr == ""
    return result.stdout


def measure(*arguments: str) -> dict[str, Any]:
    (line,) = run(*arguments, "--json").splitlines()
    values: dict[str, Any] = json.loads(line)
    return values


def refused(code: int, *arguments: str) -> str:
    result = CliRunner().invoke(app, ["eval", *arguments])
    assert result.exit_code == code, (result.output, result.exception)
    assert result.stdout == ""
    assert re.fullmatch(r"songsmith: [^\n]+\.[^\n]*\n", result.stderr), result.stderr
    return result.stderr


def test_a_model_is_measured_by_the_songs_of_a_file(tiny: str, songs: Path) -> None:
    found = measure(tiny, "--corpus", str(songs), "--samples", "3", "--seed", "5")
    assert (found["model"], found["corpus"], found["seed"]) == ("tiny", str(songs), 5)
    assert len(found["model_sha256"]) == 64
    assert (found["songs"], found["compared_songs"], found["samples"]) == (2, 2, 3)  # one has no words, one comes twice
    assert found["bytes"] == sum(len(song["text"]) + 1 for song in SONGS[:2])
    # Random weights know next to nothing: nearly as many bits as a uniform choice from the vocabulary.
    assert 8 < found["nats_per_token"] < 9.5
    assert found["bits_per_byte"] == pytest.approx(
        found["nats_per_token"] * found["tokens"] / found["bytes"] / 0.693147
    )
    assert 1 <= found["sample_lines"] <= 3 * 24
    assert 0 < found["distinct_2"] <= 1
    assert found["verbatim_share"] == found["longest_verbatim_words"] == 0


def test_the_same_seed_gives_the_same_numbers(tiny: str, songs: Path) -> None:
    arguments = (tiny, "--corpus", str(songs), "--samples", "1", "--max-songs", "1")
    first, again, other = (measure(*arguments, "--seed", seed) for seed in ("7", "7", "8"))
    assert first == again
    assert first["sample_words"] != other["sample_words"] or first["distinct_2"] != other["distinct_2"]
    assert (first["songs"], first["compared_songs"]) == (1, 2)


def test_a_corpus_measures_as_its_file_does(tiny: str, songs: Path, home: Path) -> None:
    for command in (["import", str(songs), "--corpus", "AC/DC"], ["clean", "AC/DC"]):
        assert CliRunner().invoke(app, command).exit_code == 0
    wanted = ("--filter", "artist=Burns", "--samples", "0")
    from_file, from_corpus = (measure(tiny, "--corpus", name, *wanted) for name in (str(songs), "ac/dc"))
    assert from_file["songs"] == 1
    assert from_file | {"corpus": ""} == from_corpus | {"corpus": ""}


def test_people_read_rows(tiny: str, songs: Path) -> None:
    rows = dict(row.split(": ") for row in run(tiny, "--corpus", str(songs), "--samples", "0").splitlines())
    assert list(rows) == [
        "model", "model sha256", "corpus", "seed", "bits per byte", "nats per token", "songs", "bytes", "tokens",
    ]  # fmt: skip
    assert re.fullmatch(r"\d+\.\d{4}", rows["bits per byte"])


def test_what_cannot_be_measured_is_one_sentence(tiny: str, songs: Path, paths: Paths, tmp_path: Path) -> None:
    folder = write_random_model(paths.models / "endless")
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["added_tokens"] = [one for one in tokenizer["added_tokens"] if one["content"] != "<|endoftext|>"]
    vocabulary = tokenizer["model"]["vocab"]
    if "<|endoftext|>" in vocabulary:
        vocabulary["<|nothing|>"] = vocabulary.pop("<|endoftext|>")
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    noise, wordless = tmp_path / "noise.bin", tmp_path / "wordless.txt"
    noise.write_bytes(b"\x89PNG\r\n\xff\xfe")
    wordless.write_text("1 2 3\n", encoding="utf-8")
    source = ("--corpus", str(songs))
    assert "no model 'nothing'" in refused(4, "nothing", *source)
    assert "has no <|endoftext|>" in refused(4, "endless", *source)
    assert "isn't plain text but a picture" in refused(3, tiny, "--corpus", str(noise))
    assert "has no song to evaluate on" in refused(3, tiny, "--corpus", str(wordless))
    assert "has no song that meets artist=Bach" in refused(3, tiny, *source, "--filter", "artist=Bach")
    assert "no file or corpus called songs.txt" in refused(7, tiny, "--corpus", "songs.txt")
    assert "no file" in refused(7, tiny, "--corpus", str(tmp_path / "missing"))
    assert "No corpora" in refused(7, tiny, "--corpus", "missing")
    assert CliRunner().invoke(app, ["import", str(songs), "--corpus", "a/dirty one"]).exit_code == 0
    assert "songsmith clean 'a/dirty one'" in refused(7, tiny, "--corpus", "a/dirty one")
    for option in ("--max-songs=0", "--samples=-1", "--samples=1000000", "--seed=-1", "--filter=kind"):
        refused(2, tiny, *source, option)
