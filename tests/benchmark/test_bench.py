"""The real `songsmith bench` on tiny settings, and the parts that decide what a figure means."""

import json
import os
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from songsmith.benchmark.fresh import draws, time_to_end, time_to_paint, time_to_text
from songsmith.benchmark.machine import describe_machine
from songsmith.benchmark.options import BenchmarkOptions
from songsmith.benchmark.random_model import write_random_model
from songsmith.benchmark.results import OURS, BenchmarkResult, Measure, Row
from songsmith.benchmark.turns import in_turns
from songsmith.benchmark.worker import Absent, Worker
from songsmith.cli.app import app
from songsmith.errors import UsageError
from songsmith.model.architectures.gpt2 import gpt2_spec
from songsmith.model.registry import ModelStore
from songsmith.paths import find_paths


def test_bench_prints_one_json_object(songsmith, tmp_path):
    output, picture = tmp_path / "bench.json", tmp_path / "pictures" / "bench.png"
    done = songsmith(
        "bench", "--weights", "starter", "--takes", "2", "--new-tokens", "4", "--runs", "1", "--long-tokens", "100",
        "--no-peers", "--json", "--output", str(output), "--png", str(picture),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    assert b"measuring: takes with starter" in done.stderr
    result = json.loads(done.stdout)
    assert json.loads(output.read_text(encoding="utf-8")) == result
    assert result["options"] == {
        "weights": "starter", "takes": [2], "new_tokens": 4, "runs": 1, "long_tokens": 100, "peers": False,
        "prompt_tokens": 32, "top_k": 50,
    }  # fmt: skip
    assert result["machine"]["device"] == "cpu"
    assert {"cpu", "processors", "python", "torch", "onnxruntime", "ctranslate2", "date"} <= result["machine"].keys()
    rows = {row["measure"]: row for row in result["rows"]}
    assert list(rows) == [measure.value for measure in Measure if measure is not Measure.TRAINING_TOKENS_PER_S]
    # Of this world, whatever the machine.
    assert 0.1 < rows["bandwidth_gb_per_s"]["median"] < 10_000
    assert 0.1 < rows["computing_gflop_per_s"]["median"] < 1_000_000
    assert result["long_song"]["tokens"] == [50]
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert rows["tokens_per_s"]["takes"] == 2
    for row in rows.values():
        machines = row["measure"] in ("bandwidth_gb_per_s", "computing_gflop_per_s")
        assert row["contestant"] == ("this machine" if machines else "songsmith")
        assert row["songsmith_over_this"] is None
        assert row["absent"] == ""
        assert row["median"] > 0
        assert len(row["values"]) == (3 if row["measure"] in ("help_s", "first_paint_s", "warm_first_token_s") else 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--takes", "0"], ["--takes", "many"], ["--takes", "1,257"], ["--new-tokens", "0"], ["--runs", "0"],
        ["--long-tokens", "99"], ["--png", "training.png", "--training"],
    ],
)  # fmt: skip
def test_bench_refuses_what_cannot_be_measured(arguments):
    result = CliRunner().invoke(app, ["bench", *arguments])
    assert result.exit_code == 2
    assert arguments[0] in result.stderr


def test_bench_of_an_unknown_model_ends_in_its_exit_code():
    assert CliRunner().invoke(app, ["bench", "--weights", "nobody"]).exit_code == 4


def test_options_want_a_number_of_takes():
    with pytest.raises(UsageError):
        BenchmarkOptions(takes=())


def test_random_weights_are_the_same_model_to_transformers(tmp_path):
    import torch
    from transformers import GPT2LMHeadModel

    write_random_model(
        tmp_path, gpt2_spec(vocabulary_size=300, context_window_tokens=32, width=16, layers=2, heads=2), seed=4
    )
    ours = ModelStore(find_paths()).load(str(tmp_path), device="cpu", threads=1, exact=True)
    assert ours.tokenizer.vocabulary_size == 300
    tokens = ours.tokenizer.encode("Down by the river")
    theirs = GPT2LMHeadModel.from_pretrained(tmp_path, dtype=torch.float32).eval()
    with torch.no_grad():
        expected = theirs(torch.tensor([tokens])).logits[0, -1].numpy()
    cache = ours.backend.new_cache(32)
    np.testing.assert_allclose(ours.backend.forward([tokens], cache)[0], expected, atol=1e-5)


def test_a_peer_that_cannot_run_is_absent_and_says_why(tmp_path):
    worker = Worker(OURS, tmp_path, os.environ)  # an empty folder
    try:
        with pytest.raises(Absent, match=r"config\.json|model"):
            worker.load()
        with pytest.raises(Absent):
            worker.write(1, 1)
    finally:
        assert worker.close() > 0


def test_turns_alternate_and_leave_out_who_fails():
    order: list[str] = []

    def good() -> int:
        order.append("good")
        return len(order)

    def bad() -> int:
        order.append("bad")
        raise Absent("not installed")

    outcomes = in_turns({"good": good, "bad": bad}, 3)
    assert order == ["good", "bad", "good", "good"]
    assert (outcomes["good"].values, outcomes["good"].absent) == ([1, 3, 4], "")
    assert (outcomes["bad"].values, outcomes["bad"].absent) == ([], "not installed")


def test_ratios_hold_ours_against_the_same_measurement_of_another():
    rows = [
        Row(measure=Measure.TOKENS_PER_S, contestant=OURS, weights="a", takes=1, values=(1.0, 30.0, 2.0)),
        Row(measure=Measure.TOKENS_PER_S, contestant=OURS, weights="a", takes=4, values=(100.0,)),
        Row(measure=Measure.TOKENS_PER_S, contestant="peer", weights="a", takes=4, values=(50.0,)),
        Row(measure=Measure.TOKENS_PER_S, contestant="peer", weights="b", takes=4, values=(50.0,)),
        Row(measure=Measure.HELP_S, contestant=OURS, absent="broken"),
        Row(measure=Measure.HELP_S, contestant="peer", values=(1.0,)),
        Row(measure=Measure.TRAINING_TOKENS_PER_S, contestant=OURS, weights="a", precision="float32", values=(6.0,)),
        Row(measure=Measure.TRAINING_TOKENS_PER_S, contestant=OURS, weights="a", precision="bfloat16", values=(9.0,)),
        Row(measure=Measure.TRAINING_TOKENS_PER_S, contestant="peer", weights="a", precision="bfloat16", values=(3.0,)),
    ]
    ratios = [None, None, 2.0, None, None, None, None, None, 3.0]
    result = BenchmarkResult(machine=describe_machine("cpu"), options=BenchmarkOptions(), rows=rows)
    assert rows[0].median == 2.0
    assert [result.ratio(row) for row in rows] == ratios
    assert [row["songsmith_over_this"] for row in result.as_json()["rows"]] == ratios


@pytest.mark.parametrize(
    ("shown", "drawn"),
    [
        ("loading", False),
        ("loading\x1b[?1049h", False),
        ("\x1b[?1049h\x1b[?25l\x1b[>25u\x1b[?2026$p\x1b]22;default\x07\x1b[1;1H\x1b[48;5;233m", False),
        ("\x1b[?1049h\x1b[?2026", False),  # cut off in the middle
        ("\x1b[?1049h\x1b]22;def", False),
        ("\x1b[?1049h\x1b[1;1H\x1b[48;5;233m ", True),
        ("\x1b[?1049hx", True),
    ],
)
def test_drawing_begins_with_a_character_on_the_alternate_screen(shown, drawn):
    assert draws(shown) is drawn


def test_a_program_is_timed_up_to_what_was_waited_for(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import time; print('Down', end='', flush=True); time.sleep(0.2); print(' we go'); time.sleep(0.2)"
    )
    found = time_to_text([sys.executable, str(program)], {}, behind="Down")
    assert found.elapsed_s >= 0.2  # it sleeps that long
    assert found.peak_memory_mib > 1
    assert time_to_end([sys.executable, str(program)], {}).elapsed_s >= 0.4


@pytest.mark.parametrize("measure", [time_to_end, time_to_paint])
def test_a_program_that_fails_is_absent(measure):
    with pytest.raises(Absent):
        measure([sys.executable, "-c", "raise SystemExit('no such thing')"], {})


def test_a_program_that_never_draws_says_its_last_words():
    with pytest.raises(Absent, match="no such thing"):
        time_to_paint([sys.executable, "-c", "raise SystemExit('no such thing')"], {})
