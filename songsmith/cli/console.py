"""The two streams: lyrics go to stdout, everything else to stderr. The only place that prints."""

import io
import os
import signal
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from threading import Event
from types import FrameType

from songsmith.errors import SongsmithError, StorageError, UsageError, storage_error
from songsmith.lyrics import one_line

_TABLE_ROWS = 500


def write(text: str) -> None:
    """Put text on stdout now, so that a reader downstream sees each word, or line, as it comes."""
    sys.stdout.write(text)
    if text and (sys.stdout.isatty() or "\n" in text):
        sys.stdout.flush()


def say(text: str) -> None:
    """Tell the person at the terminal something, on stderr."""
    with suppress(OSError):  # if nobody hears it, the song is still written
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def agree_to_remove(what: str, *, yes: bool) -> None:
    """Ask whether `what` may go for good, unless that was said with --yes; answered with anything but yes, end here.

    Raises:
        UsageError: there is nobody to ask.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"This removes {what} for good.", "Say so with --yes.")
    say(f"Remove {what} for good? [y/N]")  # typer's own question leaves a space on stdout
    if sys.stdin.readline().strip().casefold() not in ("y", "yes"):
        say("Nothing was removed.")
        sys.exit(1)


def emphasise(parts: Iterable[tuple[str, bool]]) -> str:
    """Join pieces of a line, those that matter in bold on a changed ground, unless NO_COLOR is set (https://no-color.org)."""
    plain = bool(os.environ.get("NO_COLOR"))
    return "".join(f"\x1b[1;7m{text}\x1b[0m" if matters and not plain else text for text, matters in parts)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows: a table on a terminal, else one line a row, cells divided by tabs."""
    if not sys.stdout.isatty():
        for row in rows:
            write("\t".join(" ".join(cell.split()) for cell in row) + "\n")
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # A long table is drawn in pieces: its first rows are there at once, and it need not fit into memory.
    remaining, first = iter(rows), True
    while piece := list(islice(remaining, _TABLE_ROWS)):
        table = Table(*columns, box=SIMPLE_HEAD, pad_edge=False, show_header=first)
        for row in piece:
            table.add_row(*(Text(cell) for cell in row))
        Console().print(table)
        first = False


@contextmanager
def ending_errors() -> Iterator[None]:
    """End what fails in there as its user should see it: one line on stderr, and the error's exit code.

    The one place where an error becomes an exit code. A reader that went away ends it quietly, as done.
    """
    try:
        yield
    except BrokenPipeError:
        close_stdout()
        sys.exit(0)
    except (SongsmithError, OSError) as error:
        known = _explain(error) if isinstance(error, OSError) else error
        say(one_line(f"songsmith: {known}"))
        sys.exit(known.exit_code)


def _explain(error: OSError) -> SongsmithError:
    if error.filename is not None:
        return storage_error(error, Path(str(error.filename)))
    close_stdout()  # what is left in it cannot be written either, and would complain at the end
    return StorageError(f"Input or output failed: {(error.strerror or str(error)).lower()}.")


def prepare_streams() -> None:
    """Let a terminal that is not UTF-8 show `?` for what it cannot, and a stream that was closed swallow all, not fail."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  (open to the end)
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def piped_in() -> bool:
    """Return whether standard input is a pipe or a file: not a terminal, not /dev/null, not closed."""
    try:
        return not stat.S_ISCHR(os.fstat(sys.stdin.fileno()).st_mode)
    except io.UnsupportedOperation:
        return True  # a stand-in without a file descriptor
    except (AttributeError, OSError, ValueError):
        return False


def close_stdout() -> None:
    """Give up on a stdout nobody reads any more, so that nothing complains when the program ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def interrupts() -> Iterator[Event]:
    """Let the first Ctrl-C set an event, so that work can end where it stands; the second interrupts as usual."""
    interrupted = Event()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background: Ctrl-C is for someone else
        yield interrupted
        return

    def handle(number: int, frame: FrameType | None) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)
