"""A benchmark as a picture: how fast each contestant writes, and how the time a token takes goes on. Measures nothing."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from songsmith.benchmark.results import OURS, BenchmarkResult, Measure, Row
from songsmith.corpus.storage.journal import write_whole
from songsmith.errors import storing
from songsmith.training.curves import matplotlib_alone

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from songsmith.benchmark.long_song import LongSong

_OURS, _PEERS, _MEAN = "#c8502d", ("#2f6db3", "#5f97cd", "#8fb9e0", "#b9d3ec", "#7d8ca3", "#a9b4c4"), "#b8c7d9"
_INK = "#333333"
_BAR, _GAP = 0.24, 0.4
"""Inches a bar is high, and inches between two numbers of takes."""


def save_picture(path: Path, result: BenchmarkResult) -> None:
    """Draw takes, and the long song if there is one, and write it as a PNG, whole or not at all.

    Raises:
        StorageError: the folder cannot be written.
    """
    picture = _draw(result)
    with storing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, picture)


def _draw(result: BenchmarkResult) -> bytes:
    rows = [row for row in result.rows if row.measure is Measure.TOKENS_PER_S and row.takes and row.values]
    numbers = list(dict.fromkeys(row.takes for row in rows))
    high = sum(_BAR * len([row for row in rows if row.takes == number]) + _GAP for number in numbers)
    with matplotlib_alone():
        import matplotlib
        from matplotlib.figure import Figure

        with matplotlib.rc_context():
            matplotlib.rcdefaults()  # the same picture whatever somebody's own settings are
            heights = [high + 0.6, 2.6] if result.long_song else [high + 0.6]
            figure = Figure(figsize=(9, sum(heights) + 1.1), layout="constrained")
            axes = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
            _draw_takes(axes[0], rows)
            if result.long_song:
                _draw_long_song(axes[1], result.long_song)
            machine = result.machine
            versions = machine.versions()
            where = machine.device if machine.device != "cpu" else f"{machine.cpu}, {machine.processors} processors"
            figure.suptitle(
                f"Writing with {rows[0].weights if rows else ''} on {where}, {machine.date[:10]}",
                fontsize=13, parse_math=False,
            )  # fmt: skip
            told = [f"Python {machine.python}", f"songsmith {machine.songsmith}"]
            told += [f"{name.replace('_', '-')} {version}" for name, version in versions.items()]
            figure.supxlabel(", ".join(told), fontsize=8, color="#666666", parse_math=False)
            picture = io.BytesIO()
            figure.savefig(picture, format="png", dpi=120)
    return picture.getvalue()


def _draw_takes(axes: "Axes", rows: Sequence[Row]) -> None:
    """Draw a bar for each contestant, one number of takes under the other."""
    names = list(dict.fromkeys(row.contestant for row in rows))
    colours = {name: _OURS if name == OURS else _PEERS[(place - 1) % len(_PEERS)] for place, name in enumerate(names)}
    place = 0.0
    longest = max((row.median or 0.0 for row in rows), default=1.0)
    ticks, labels = [], []
    for number in dict.fromkeys(row.takes for row in rows):
        axes.text(
            0, place - _BAR * 0.2, f"{number} {'take' if number == 1 else 'takes side by side'}", fontsize=10, weight="bold",
            color=_INK, va="center",
        )  # fmt: skip
        place += _BAR
        for row in (row for row in rows if row.takes == number):
            median = row.median or 0.0
            axes.barh(place, median, height=_BAR * 0.8, color=colours[row.contestant])
            spread = [[median - min(row.values)], [max(row.values) - median]]
            axes.errorbar(median, place, xerr=spread, color=_INK, linewidth=0.8, capsize=2)
            axes.text(
                max(row.values) + longest * 0.012, place, f"{median:,.0f}" if median >= 100 else f"{median:.1f}",
                va="center", fontsize=9, color=_INK, weight="bold" if row.contestant == OURS else "normal",
            )  # fmt: skip
            ticks.append(place)
            labels.append(row.contestant)
            place += _BAR
        place += _GAP - _BAR * 0.5
    axes.set_yticks(ticks, labels, fontsize=9)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(place - _GAP + _BAR * 0.3, -_BAR)
    axes.set_xlim(0, longest * 1.1)
    axes.set_xlabel("Tokens per second, all takes together: the median, and the range of the runs")
    axes.grid(axis="x", alpha=0.25)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _draw_long_song(axes: "Axes", song: "LongSong") -> None:
    axes.plot(song.tokens, song.mean_ms, color=_MEAN, marker=".", linewidth=1.2, label="mean")
    axes.plot(song.tokens, song.median_ms, color=_OURS, marker=".", linewidth=1.8, label="median")
    axes.set_ylim(0, 1.15 * max(*song.mean_ms, *song.median_ms))
    axes.set_xlim(0, song.tokens[-1] + song.tokens[0])
    axes.set_xlabel("Token of one take of songsmith, in windows of 50")
    axes.set_ylabel("Milliseconds per token")
    axes.set_title(
        f"slowest window: {song.slowest_over_start:.2f} times as long as at token 50;  longest wait:"
        f" {song.longest_wait_ms:,.0f} ms",
        fontsize=10, loc="right",
    )  # fmt: skip
    axes.legend(frameon=False, loc="lower right")
    axes.grid(alpha=0.25)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
