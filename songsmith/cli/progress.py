"""A progress bar on stderr, where that is a terminal. Draws nothing anywhere else."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from songsmith.cli.console import rich_console
from songsmith.lyrics import one_line

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Bar:
    """How far a piece of work is. Without a terminal it takes every report and shows none."""

    def __init__(self, shown: "Progress | None" = None, task: "TaskID | None" = None) -> None:
        """Show reports as a task of a rich display."""
        self._shown, self._task = shown, task

    def report(self, done: float, total: float | None = None, *, text: str = "", description: str = "") -> None:
        """Show how far the work is, and what else there is to say of it.

        Args:
            done: units of work done.
            total: units of work in all; None leaves it as it was.
            text: what stands behind the percentage: a rate, a loss.
            description: what is going on now; empty leaves it as it was.
        """
        if self._shown is None or self._task is None:
            return
        changes = {"description": one_line(description)} if description else {}
        self._shown.update(self._task, completed=done, total=total, text=one_line(text), **changes)  # type: ignore[arg-type]


@contextmanager
def progress(description: str, *, total: float | None = None) -> Iterator[Bar]:
    """Lend a bar: what is done, how much of it, a text, the time left. It is gone when the block ends.

    What is told through `cli.console` meanwhile stands above the bar.
    """
    if not sys.stderr.isatty():
        yield Bar()
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[text]}", markup=False),
        TimeRemainingColumn(),
    )
    # A stdout that is piped on must not be caught: what is written there would end up on the terminal.
    caught = sys.stdout.isatty()
    display = Progress(
        *columns, console=rich_console(stderr=True), transient=True, refresh_per_second=5, redirect_stdout=caught
    )
    with display:
        yield Bar(display, display.add_task(one_line(description), total=total, text=""))
