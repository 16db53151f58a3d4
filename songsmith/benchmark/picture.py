"""Draw a benchmark result as a PNG: the speed of each contestant, and the time per token over a long song. Measures nothing."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from songsmith.benchmark.results import OURS, BenchmarkResult, Measure, Row
from songsmith.errors import storing
from songsmith.files import write_whole
from songsmith.permissions import as_open_as_asked
from songsmith.training.curves import matplotlib_alone

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from songsmith.benchmark.long_song import LongSong

_OURS, _PEERS, _MEAN = "#c8502d", ("#2f6db3", "#5f97cd", "#8fb9e0", "#b9d3ec", "#7d8ca3", "#a9b4c4"), "#b8c7d9"
_INK = "#333333"
_BAR, _AROUND, _LONG_SONG = 0.22, 0.6, 2.8
"""Inches: of a bar, around the bars of one number of takes, and of the long song."""


def save_picture(path: Path, result: BenchmarkResult) -> None:
    """Draw takes, and the long song if there is one, and write it as a PNG, whole or not at all.

    Raises:
        StorageError: the folder cannot be written.
    """
    picture = _draw(result)
    with storing(path.parent), as_open_as_asked():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, picture)


def _draw(result: BenchmarkResult) -> bytes:
    rows = [row for row in result.rows if row.measure is Measure.TOKENS_PER_S and row.takes and row.values]
    names = list(dict.fromkeys(row.contestant for row in rows))
    colours = {name: _OURS if name == OURS else _PEERS[(place - 1) % len(_PEERS)] for place, name in enumerate(names)}
    groups = [[row for row in rows if row.takes == number] for number in dict.fromkeys(row.takes for row in rows)]
    heights = [_BAR * len(group) + _AROUND for group in groups]
    with matplotlib_alone():
        import matplotlib
        from matplotlib.figure import Figure

        with matplotlib.rc_context():
            matplotlib.rcdefaults()  # the same picture whatever somebody's own settings are
            heights += [_LONG_SONG] if result.long_song else []
            figure = Figure(figsize=(9, sum(heights) + 0.9), layout="constrained")
            all_axes = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
            for axes, group in zip(all_axes, groups, strict=False):
                _draw_takes(axes, group, colours)
            if groups:
                all_axes[len(groups) - 1].set_xlabel(
                    "Tokens per second, all takes together: median and range of the runs"
                )
            if result.long_song:
                _draw_long_song(all_axes[-1], result.long_song)
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


def _draw_takes(axes: "Axes", rows: Sequence[Row], colours: Mapping[str, str]) -> None:
    """Draw a bar for each contestant. Every number of takes has a scale of its own: 16 would press 1 flat."""
    longest = max(max(row.values) for row in rows)
    for place, row in enumerate(rows):
        median, ours = row.median or 0.0, row.contestant == OURS
        axes.barh(place, median, height=0.8, color=colours[row.contestant])
        if len(row.values) > 1:
            spread = [[median - min(row.values)], [max(row.values) - median]]
            axes.errorbar(median, place, xerr=spread, color=_INK, linewidth=0.8, capsize=2)
        axes.text(
            max(row.values) + longest * 0.012, place, f"{median:,.0f}" if median >= 100 else f"{median:.1f}", va="center",
            fontsize=9, color=_INK, weight="bold" if ours else "normal",
        )  # fmt: skip
    axes.set_yticks(range(len(rows)), [row.contestant for row in rows], fontsize=9)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, longest * 1.1)
    axes.set_title(
        "1 take" if rows[0].takes == 1 else f"{rows[0].takes} takes at once", fontsize=10, weight="bold", loc="left"
    )  # fmt: skip
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
