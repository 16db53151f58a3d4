"""The machine's limits, the share of them that is reached, the long song and the picture: figures that can be checked by hand."""

import subprocess
import sys

import pytest

from songsmith.benchmark.limits import Limits
from songsmith.benchmark.long_song import follow
from songsmith.benchmark.machine import describe_machine
from songsmith.benchmark.options import BenchmarkOptions
from songsmith.benchmark.picture import save_picture
from songsmith.benchmark.results import OURS, BenchmarkResult, Measure, Row
from songsmith.benchmark.worker import Loaded


def tokens_per_s(contestant, takes, *values):
    return Row(measure=Measure.TOKENS_PER_S, contestant=contestant, weights="a", takes=takes, values=values)


def test_shares_count_weights_once_a_step_and_twice_a_token():
    limits = Limits(bandwidth_gb_per_s=(9.0, 10.0, 20.0), computing_gflop_per_s=(100.0,))
    written = [
        tokens_per_s(OURS, 1, 10.0, 20.0), tokens_per_s(OURS, 4, 40.0), tokens_per_s("peer", 1, 99.0),
        Row(measure=Measure.WARM_FIRST_TOKEN_S, contestant=OURS, values=(1.0,)),
    ]  # fmt: skip
    # 125 million weights of 2 bytes: a quarter of 10**9 bytes a step, and a quarter of 10**9 computations a token.
    rows = limits.shares(written, Loaded(device="cpu", weights_a_token=125_000_000, weight_bytes=2))
    assert [(row.measure, row.takes, row.values) for row in rows] == [
        (Measure.SHARE_OF_BANDWIDTH, 1, (0.25, 0.5)), (Measure.SHARE_OF_BANDWIDTH, 4, (0.25,)),
        (Measure.SHARE_OF_COMPUTING, 1, pytest.approx((0.025, 0.05))),
        (Measure.SHARE_OF_COMPUTING, 4, pytest.approx((0.1,))),
    ]  # fmt: skip
    assert {row.contestant for row in limits.rows()} == {"this machine"}


def test_a_long_song_is_told_in_windows_of_fifty():
    waits_ms = [500.0, *[10.0] * 174, *[12.0] * 60]  # the first token waits for the prompt
    waits_ms[120] = 300.0
    at_s = [sum(waits_ms[: place + 1]) / 1000 for place in range(len(waits_ms))]
    song = follow(at_s)
    assert song.tokens == (50, 100, 150, 200)
    assert song.median_ms == pytest.approx((10, 10, 10, 12))
    assert song.mean_ms == pytest.approx((10, 10 + 290 / 50, 10, 12))
    assert song.slowest_over_start == pytest.approx(1.2)
    assert song.longest_wait_ms == pytest.approx(300)
    assert follow(at_s[:100]).tokens == (50,)


@pytest.mark.parametrize("long", [False, True])
def test_a_picture_is_drawn_of_whatever_was_measured(long, tmp_path):
    song = follow([place / 100 for place in range(300)]) if long else None
    rows = [
        tokens_per_s(OURS, 1, 30.0, 31.0), tokens_per_s("a peer", 1, 0.5), tokens_per_s("another peer", 16, 1234.0),
        Row(measure=Measure.TOKENS_PER_S, contestant="gone", absent="not installed"),
        Row(measure=Measure.TOKENS_PER_S, contestant="failed", takes=16, absent="no memory"),
    ]  # fmt: skip
    result = BenchmarkResult(machine=describe_machine("cpu"), options=BenchmarkOptions(), rows=rows, long_song=song)
    save_picture(tmp_path / "new" / "bench.png", result)
    assert (tmp_path / "new" / "bench.png").read_bytes().startswith(b"\x89PNG")
    assert result.as_json()["long_song"] == (song.as_json() if song else None)


def test_only_who_draws_loads_matplotlib():
    program = "import sys, songsmith.benchmark.picture\nassert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_measures_tell_their_unit():
    assert [(measure.words, measure.unit) for measure in (
        Measure.TOKENS_PER_S, Measure.TRAINING_TOKENS_PER_S, Measure.HELP_S, Measure.BANDWIDTH_GB_PER_S,
        Measure.WRITING_PEAK_MEMORY_MIB, Measure.LONG_SONG_START_MS, Measure.SHARE_OF_BANDWIDTH,
    )] == [
        ("tokens", "tokens/s"), ("training tokens", "tokens/s"), ("help", "s"), ("bandwidth", "GB/s"),
        ("writing peak memory", "MiB"), ("long song start", "ms"), ("share of bandwidth", ""),
    ]  # fmt: skip
