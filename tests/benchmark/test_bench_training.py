"""The real `songsmith bench --training` on a network of a few thousand weights, and what makes its figures comparable."""

import json
import os
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from songsmith.benchmark.invented import invent_songs
from songsmith.benchmark.machine import describe_machine
from songsmith.benchmark.options import TrainingBenchmarkOptions
from songsmith.benchmark.results import OURS, BenchmarkResult, Measure, Row
from songsmith.benchmark.trainers import COMPILED, MUON, TRAINERS, prepare_lesson
from songsmith.benchmark.training import choose_precisions, time_training
from songsmith.benchmark.worker import Absent
from songsmith.cli.app import app
from songsmith.cli.bench import show_result
from songsmith.training.options import Precision

PACKED, PADDED = "transformers.Trainer, packed", "transformers.Trainer, padded"
TINY = [
    "bench", "--training", "--size", "tiny", "--block-size", "16", "--micro-batch-size", "2", "--steps", "2", "--runs", "1",
    "--precision", "float32",
]  # fmt: skip


def make_options(**changes):
    shape = {"layers": 1, "width": 16, "heads": 2, "context_window_tokens": 1024, "vocabulary_size": 320}
    return TrainingBenchmarkOptions(size="minute", **shape, **changes)


def test_training_is_measured_in_both_ways(tmp_path):
    output = tmp_path / "bench.json"
    result = CliRunner().invoke(app, [*TINY, "--no-peers", "--output", str(output)])
    assert result.exit_code == 0, result.stderr
    assert "measuring: training tiny in float32" in result.stderr
    found = json.loads(output.read_text(encoding="utf-8"))
    assert found["machine"]["device"] == "cpu"
    assert found["options"].items() >= {"size": "tiny", "block_size_tokens": 16, "steps": 2, "precision": "float32"}.items()
    rows = {row["contestant"]: row for row in found["rows"]}
    assert list(rows) == [OURS, MUON]
    for row in rows.values():
        assert (row["measure"], row["weights"], row["precision"]) == ("training_tokens_per_s", "tiny", "float32")
    assert rows[OURS]["songsmith_over_this"] is None
    assert rows[MUON]["songsmith_over_this"] == pytest.approx(rows[OURS]["median"] / rows[MUON]["median"], rel=1e-3)
    assert "training tokens" in result.stdout


def test_who_is_absent_is_shown_with_the_reason(capsys):
    measure = Measure.TRAINING_TOKENS_PER_S
    rows = [
        Row(measure=measure, contestant=OURS, weights="tiny", precision="float32", values=(5.0,)),
        Row(measure=measure, contestant="somebody's own", weights="tiny", precision="float32", absent="it broke down"),
    ]
    result = BenchmarkResult(machine=describe_machine("cpu"), options=make_options(), rows=rows)
    show_result(result)
    assert "absent: it broke down" in capsys.readouterr().out
    absent = result.as_json()["rows"][1]
    assert (absent["values"], absent["median"], absent["songsmith_over_this"]) == ([], None, None)


@pytest.mark.slow
def test_the_whole_benchmark_of_training(songsmith):
    done = songsmith(*TINY, "--json")
    assert done.returncode == 0, done.stderr.decode()
    rows = {row["contestant"]: row for row in json.loads(done.stdout)["rows"]}
    assert list(rows) == [name for name in TRAINERS if name != COMPILED]
    for name, row in rows.items():
        assert row["absent"] == ""
        assert row["median"] > 0
        assert (row["songsmith_over_this"] is None) is (name == OURS)


@pytest.mark.slow
def test_only_tokens_that_are_predicted_count(tmp_path):
    options = make_options(block_size_tokens=1024, micro_batch_size=3, steps=2, warmup_steps=1)
    tokens = {
        name: time_training(name, options, Precision.FLOAT32, os.environ, tmp_path).tokens
        for name in (OURS, PACKED, PADDED)
    }
    assert tokens[OURS] == 2 * 3 * 1024
    assert tokens[PACKED] == 2 * 3 * 1023  # nothing stands before the first token of a block
    assert 0 < tokens[PADDED] < 2 * 3 * 1023  # some song is shorter than a block
    assert list(tmp_path.iterdir()) == []


def test_a_contestant_that_cannot_train_is_absent_and_says_why(tmp_path):
    with pytest.raises(Absent, match="nobody"):
        time_training("nobody", make_options(), Precision.FLOAT32, os.environ, tmp_path)


@pytest.mark.parametrize(
    "arguments", [["--size", "huge"], ["--steps", "0"], ["--block-size", "7"], ["--micro-batch-size", "0"], ["--runs", "101"]]
)  # fmt: skip
def test_training_refuses_what_cannot_be_measured(arguments):
    result = CliRunner().invoke(app, ["bench", "--training", *arguments])
    assert result.exit_code == 2
    assert arguments[1] in result.stderr


def test_a_block_is_no_longer_than_the_context_window():
    assert make_options(block_size_tokens=2048).block_size_tokens == 1024
    assert make_options(block_size_tokens=64).block_size_tokens == 64


def test_float32_is_always_measured_unless_one_precision_is_asked_for():
    assert choose_precisions(make_options(), "cpu")[0] is Precision.FLOAT32
    assert choose_precisions(make_options(precision=Precision.BFLOAT16), "cpu") == (Precision.BFLOAT16,)


@given(seed=st.integers(0, 2**32))
def test_invented_songs_are_as_long_as_real_ones(seed):
    songs = list(islice(invent_songs(seed), 5))
    assert songs == list(islice(invent_songs(seed), 5))
    for song in songs:
        assert 8 <= len(song.lines) <= 60
        assert all(4 <= len(line.text.split()) <= 9 for line in song.lines)
    assert len({song.title for song in songs}) == 5


def test_every_process_prepares_the_same_lesson():
    import torch

    one, other = (
        prepare_lesson(make_options(block_size_tokens=128, micro_batch_size=2, steps=1), Precision.FLOAT32) for _ in range(2)
    )
    assert one.songs == other.songs
    assert one.tokenizer.to_json() == other.tokenizer.to_json()
    assert one.spec == other.spec
    assert all(torch.equal(weight, other.weights[name]) for name, weight in one.weights.items())
    # Enough for one song an example, and for as many blocks of packed ones.
    assert len(one.songs) > 2 * 3
    assert sum(len(one.tokenizer.encode(line.text)) for song in one.songs for line in song.song.lines) > 2 * 3 * 128
