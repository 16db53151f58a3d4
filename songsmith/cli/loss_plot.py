"""The loss curves of a run in braille characters, for a terminal. Reads nothing and prints nothing."""

import math
from collections.abc import Sequence
from itertools import pairwise

from rich.text import Text

from songsmith.training.curves import find_range, smooth

# Bits of the two by four dots in a braille character, by row, then column.
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_LABEL = 7
_TRAINING, _VALIDATION = "cyan", "bold yellow"


def draw_losses(
    losses: Sequence[tuple[int, float]],
    evaluations: Sequence[tuple[int, float, float]],
    *,
    width: int,
    height: int = 14,
) -> Text:
    """Return the plot: a dotted line for the smoothed training loss, a circle for each evaluation.

    Args:
        losses: training loss: step and nats per token.
        evaluations: validation loss: step, nats per token and bits per byte.
        width: maximum number of columns.
        height: rows, including the heading and the step numbers. With fewer than two steps to show, the plot is empty.
    """
    curve = smooth([(step, nats) for step, nats in losses if math.isfinite(nats)])
    circles = [(step, nats) for step, nats, _ in evaluations if math.isfinite(nats)]
    points = curve + circles
    columns, rows = width - _LABEL, height - 2
    first, last = (pick((step for step, _ in points), default=0) for pick in (min, max))
    if first == last or columns < 10 or rows < 2:
        return Text()
    low, high = find_range(points)

    def place(step: int, nats: float) -> tuple[int, int]:
        """Return column and row of a point, in dots; rows are counted from the top and may be outside the plot."""
        x = (step - first) / (last - first) * (2 * columns - 1)
        return round(x), round((high - nats) / (high - low) * (4 * rows - 1))

    canvas = [[0] * columns for _ in range(rows)]
    in_column: dict[int, list[float]] = {}
    for step, nats in curve:
        in_column.setdefault(place(step, nats)[0], []).append(nats)
    line = [(x, place(first, sum(values) / len(values))[1]) for x, values in sorted(in_column.items())]
    for (x, y), (next_x, next_y) in pairwise(line):
        steps = max(next_x - x, abs(next_y - y))
        for part in range(steps + 1):
            dot_x, dot_y = round(x + (next_x - x) * part / steps), round(y + (next_y - y) * part / steps)
            if 0 <= dot_y < 4 * rows:
                canvas[dot_y // 4][dot_x // 2] |= _DOTS[dot_y % 4][dot_x % 2]
    marked = {(x // 2, y // 4) for x, y in (place(*circle) for circle in circles)}

    picture = Text("nats/token: ", no_wrap=True)
    picture.append("⣀⣀ training", _TRAINING).append("  ").append("● validation", _VALIDATION).append("\n")
    for row, cells in enumerate(canvas):
        value = high - (row + 0.5) / rows * (high - low)
        label = f"{value:.2f}" if row % 3 == rows % 3 else ""
        picture.append(f"{label:>{_LABEL - 2}} │", "dim")
        for column, dots in enumerate(cells):
            if (column, row) in marked:
                picture.append("●", _VALIDATION)
            else:
                picture.append(chr(0x2800 + dots) if dots else " ", _TRAINING)
        picture.append("\n")
    begin, end = f"step {first}", f"step {last}"
    picture.append(f"{'':{_LABEL - 1}}└{begin}{end:>{columns - len(begin)}}", "dim")
    return picture
