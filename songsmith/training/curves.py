"""Loss curves of a training run as a PNG. Reads no checkpoints and shows nothing."""

import io
import logging
import math
import os
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from songsmith.errors import storing
from songsmith.files import write_whole
from songsmith.lyrics import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LONGEST_TITLE = 80
_RAW, _TRAINING, _VALIDATION = "#b8c7d9", "#2f6db3", "#c8502d"


def save_curves(
    path: Path, *, losses: Sequence[tuple[int, float]], evaluations: Sequence[tuple[int, float, float]], title: str
) -> None:
    """Draw the loss curves of a run and write them as a PNG, whole or not at all.

    Args:
        path: of the picture; its folder is created if missing.
        losses: training loss: step and nats per token.
        evaluations: validation loss: step, nats per token and bits per byte.
        title: heading of the picture.

    Raises:
        StorageError: the folder cannot be written.
    """
    picture = _draw(losses, evaluations, title)
    with storing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, picture)


def smooth(points: Sequence[tuple[int, float]], share: float = 0.04) -> list[tuple[int, float]]:
    """Return the centred moving average of points.

    Args:
        points: step and value, sorted by step.
        share: size of the averaging window, as a fraction of all points. The window shrinks near both ends to stay
            centred; the outermost points, where it would be less than a quarter of its size, are left out.
    """
    radius = int(len(points) * share / 2)
    sums = [0.0]
    for _, value in points:
        sums.append(sums[-1] + value)
    means = []
    for place, (step, _) in enumerate(points):
        near = min(radius, place, len(points) - 1 - place)
        if near >= radius // 4:
            means.append((step, (sums[place + near + 1] - sums[place - near]) / (2 * near + 1)))
    return means


def find_range(points: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """Return the lower and upper limit of an axis, with a margin.

    The loss of random weights in the first steps would flatten the rest of the curve. If values in the first tenth of the
    run are far above all others, the axis leaves them out; when training starts from a model, they rarely are.

    Args:
        points: step and value, in any order.
    """
    steps, values = [step for step, _ in points], [value for _, value in points]
    first, last = min(steps, default=0), max(steps, default=0)
    low, high = min(values, default=0.0), max(values, default=1.0)
    later = max((value for step, value in points if step >= first + (last - first) / 10), default=high)
    high = later if high > 1.4 * later else high
    margin = 0.05 * (high - low) or 0.05 * abs(low) or 0.5
    return low - margin, high + margin


def _draw(losses: Sequence[tuple[int, float]], evaluations: Sequence[tuple[int, float, float]], title: str) -> bytes:
    """Return the picture as PNG: nats per token above, bits per byte below."""
    losses = [(step, nats) for step, nats in losses if math.isfinite(nats)]
    finite = [(step, nats, bits) for step, nats, bits in evaluations if math.isfinite(nats) and math.isfinite(bits)]
    with matplotlib_alone():
        import matplotlib
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator

        with matplotlib.rc_context():
            matplotlib.rcdefaults()  # ignore the user's own matplotlib settings
            figure = Figure(figsize=(9, 7), layout="constrained")
            above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
            above.plot(*_columns(losses), color=_RAW, linewidth=0.8, label="training, each step")
            above.plot(*_columns(smooth(losses)), color=_TRAINING, linewidth=1.8, label="training, smoothed")
            validation = [(step, nats) for step, nats, _ in finite]
            bits_per_byte = [(step, bits) for step, _, bits in finite]
            above.plot(*_columns(validation), color=_VALIDATION, marker="o", markersize=4, label="validation")
            below.plot(*_columns(bits_per_byte), color=_VALIDATION, marker="o", markersize=4)
            _label(above, "Loss (nats per token)", losses + validation)
            _label(below, "Validation (bits per UTF-8 byte)", bits_per_byte)
            if bits_per_byte:
                step, least = min(bits_per_byte, key=lambda point: point[1])
                below.axhline(least, color=_VALIDATION, linewidth=0.8, linestyle="--", alpha=0.6)
                below.set_title(f"best: {least:.3f} bits per byte at step {step:,}", fontsize=10, loc="right")
            if losses or bits_per_byte:
                above.legend(frameon=False)
            below.set_xlabel("Step of the optimiser")
            below.xaxis.set_major_locator(MaxNLocator(integer=True))
            # parse_math=False: a $ in a title does not start a formula.
            heading = one_line(title)
            heading = heading if len(heading) <= _LONGEST_TITLE else f"{heading[: _LONGEST_TITLE - 1]}…"
            figure.suptitle(heading, parse_math=False)
            picture = io.BytesIO()
            figure.savefig(picture, format="png", dpi=120)
    return picture.getvalue()


def _label(axes: "Axes", text: str, shown: Sequence[tuple[int, float]]) -> None:
    axes.set_ylabel(text)
    axes.set_ylim(*find_range(shown))
    axes.grid(alpha=0.25)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _columns(points: Sequence[tuple[int, float]]) -> tuple[list[int], list[float]]:
    return [step for step, _ in points], [value for _, value in points]


@contextmanager
def matplotlib_alone() -> Iterator[None]:
    """Run matplotlib without side effects: no font cache in the user's home, nothing on stderr."""
    logger, place = logging.getLogger("matplotlib"), os.environ.get("MPLCONFIGDIR")
    level = logger.level
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as a glyph missing from its font
        logger.setLevel(logging.CRITICAL)
        # Read once, when matplotlib is imported. A folder the user chose is kept.
        os.environ.setdefault("MPLCONFIGDIR", folder)
        try:
            yield
        finally:
            logger.setLevel(level)
            if place is None:
                os.environ.pop("MPLCONFIGDIR", None)
