"""The results of a benchmark, as typed rows. Measures nothing, prints nothing."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from statistics import median
from typing import Any

from songsmith.benchmark.long_song import LongSong
from songsmith.benchmark.machine import Machine
from songsmith.benchmark.options import BenchmarkOptions, TrainingBenchmarkOptions

OURS = "songsmith"
"""The contestant that every other is held against."""
THE_MACHINE = "this machine"
"""Whose limits are measured."""


class Measure(StrEnum):
    """What was measured; the unit ends the name."""

    TOKENS_PER_S = "tokens_per_s"
    """Tokens written a second, summed over the takes written side by side."""
    WARM_FIRST_TOKEN_S = "warm_first_token_s"
    """From a prompt to the first token of one take, in a process that has written before."""
    WRITING_PEAK_MEMORY_MIB = "writing_peak_memory_mib"
    """Most memory the process that wrote those takes ever held."""
    BANDWIDTH_GB_PER_S = "bandwidth_gb_per_s"
    """10**9 bytes of memory read a second."""
    COMPUTING_GFLOP_PER_S = "computing_gflop_per_s"
    """10**9 additions and multiplications a second in products of matrices."""
    SHARE_OF_BANDWIDTH = "share_of_bandwidth"
    """Of the bandwidth, what reading every weight once a step comes to. Weights that a cache holds can exceed it."""
    SHARE_OF_COMPUTING = "share_of_computing"
    """Of the computing, what an addition and a multiplication a weight and token come to. Whole numbers of 8 bits can exceed it."""
    LONG_SONG_START_MS = "long_song_start_ms"
    """A token of a long take, around the 50th: the median."""
    LONG_SONG_SLOWEST_MS = "long_song_slowest_ms"
    """The same where the take is slowest."""
    LONG_SONG_SLOWEST_OVER_START = "long_song_slowest_over_start"
    """The second of these over the first."""
    LONG_SONG_LONGEST_WAIT_MS = "long_song_longest_wait_ms"
    """The longest wait for one token of that take, after the first."""
    FIRST_TOKEN_S = "first_token_s"
    """From the start of a fresh process to the first lyric on its standard output."""
    FIRST_TOKEN_PEAK_MEMORY_MIB = "first_token_peak_memory_mib"
    """Most memory that process ever held."""
    HELP_S = "help_s"
    """A fresh `--help`, from start to end."""
    FIRST_PAINT_S = "first_paint_s"
    """From the start of a full-screen program to the first thing it draws."""
    TRAINING_TOKENS_PER_S = "training_tokens_per_s"
    """Tokens predicted a second by steps of training, padding left out."""

    @property
    def unit(self) -> str:
        """What the figures count; empty for a ratio."""
        return next((unit for ending, unit in _UNITS.items() if self.value.endswith(ending)), "")

    @property
    def words(self) -> str:
        """What was measured, in words."""
        ending = next((ending for ending in _UNITS if self.value.endswith(ending)), "")
        return self.value.removesuffix(_KEPT.get(ending, ending)).replace("_", " ")


# The longer endings first.
_UNITS = {
    "tokens_per_s": "tokens/s", "_gb_per_s": "GB/s", "_gflop_per_s": "GFLOP/s", "_mib": "MiB", "_ms": "ms", "_s": "s",
}  # fmt: skip
_KEPT = {"tokens_per_s": "_per_s"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing measured of one contestant."""

    measure: Measure
    contestant: str
    weights: str = ""
    """The model it ran, or the size of the one it trained; empty where there is none."""
    takes: int | None = None
    """Takes written side by side; None where nothing is written, or one."""
    precision: str = ""
    """What training multiplied in; empty where nothing is trained."""
    values: tuple[float, ...] = ()
    """One a run, in the order of the runs; empty when the contestant is absent."""
    absent: str = ""
    """Why there is no value."""

    @property
    def median(self) -> float | None:
        """The middle value, or None without any."""
        return median(self.values) if self.values else None


@dataclass(frozen=True, kw_only=True)
class BenchmarkResult:
    """All rows of one benchmark, and where they hold."""

    machine: Machine
    options: BenchmarkOptions | TrainingBenchmarkOptions
    rows: Sequence[Row]
    long_song: LongSong | None = None
    """The take that was followed token by token; None where none was."""

    def ratio(self, row: Row) -> float | None:
        """Return songsmith's median divided by the median of another contestant's row, where there are both."""
        for ours in self.rows:
            if ours.contestant == OURS and _same_work(ours, row) and ours is not row:
                return ours.median / row.median if ours.median and row.median else None
        return None

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "machine": asdict(self.machine),
            "options": self.options.as_json(),
            "rows": [
                {
                    "measure": row.measure.value, "weights": row.weights, "takes": row.takes, "precision": row.precision,
                    "contestant": row.contestant,
                    "median": _rounded(row.median), "values": [_rounded(value) for value in row.values],
                    "songsmith_over_this": _rounded(self.ratio(row)), "absent": row.absent,
                }
                for row in self.rows
            ],
            "long_song": None if self.long_song is None else self.long_song.as_json(),
        }  # fmt: skip


def _same_work(one: Row, other: Row) -> bool:
    keys = [(row.measure, row.weights, row.takes, row.precision) for row in (one, other)]
    return keys[0] == keys[1]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
