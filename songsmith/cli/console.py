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
from typing import TYPE_CHECKING

from songsmith.errors import SongsmithError, StorageError, UsageError, storage_error
from songsmith.memory import minding_memory
from songsmith.safe_text import one_line, printable

if TYPE_CHECKING:
    from rich.console import Console

_TABLE_ROWS = 500

_ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def write(text: str) -> None:
    """Put text on stdout now, so that a reader downstream sees each word, or line, as it comes.

    It passes the gate, into a pipe as on a terminal; JSON that is to lose nothing there comes from `safe_text.json_row`.
    """
    _put(printable(text))


def write_file(text: str) -> None:
    """Put on stdout what would else stand in a file: exactly so, but on a terminal, where it passes the gate."""
    _put(printable(text) if sys.stdout.isatty() else text)


def write_emphasised(parts: Iterable[tuple[str, bool]]) -> None:
    """Write a line of pieces, those that matter in bold on a changed ground, unless NO_COLOR is set (https://no-color.org)."""
    plain = bool(os.environ.get("NO_COLOR"))
    pieces = ((printable(text), matters and not plain) for text, matters in parts)
    _put("".join(f"\x1b[1;7m{text}\x1b[0m" if marked else text for text, marked in pieces) + "\n")


def _put(text: str) -> None:
    sys.stdout.write(text)
    if text and (sys.stdout.isatty() or "\n" in text):
        sys.stdout.flush()


def say(text: str) -> None:
    """Tell the person at the terminal something, on stderr. It passes the gate."""
    with suppress(OSError):  # if nobody hears it, the song is still written
        sys.stderr.write(f"{printable(text)}\n")
        sys.stderr.flush()


def rich_console(*, stderr: bool = False) -> "Console":
    """Return a rich console of which every text passes the gate, and only rich's own codes drive the terminal."""
    from songsmith.cli.gated_console import GatedConsole

    return GatedConsole(stderr=stderr)


def agree_to_remove(what: str, *, yes: bool) -> None:
    """Ask whether `what` may go for good, unless that was said with --yes; answered with anything but yes, end here.

    Raises:
        UsageError: there is nobody to ask.
    """
    if yes:
        return
    if not someone_answers():
        raise UsageError(f"This permanently removes {what}.", "Confirm with --yes.")
    say(f"Permanently remove {what}? [y/N]")  # typer's own question leaves a space on stdout
    if sys.stdin.readline().strip().casefold() not in ("y", "yes"):
        say("Nothing was removed.")
        sys.exit(1)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows: a table on a terminal, else one line a row, cells divided by tabs."""
    if not sys.stdout.isatty():
        for row in rows:
            write("\t".join(map(one_line, row)) + "\n")
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    # A long table is drawn in pieces: its first rows are there at once, and it need not fit into memory.
    remaining, first = iter(rows), True
    while piece := list(islice(remaining, _TABLE_ROWS)):
        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_header=first)
        for column in columns:
            table.add_column(Text(one_line(column)))
        for row in piece:
            table.add_row(*(Text(one_line(cell)) for cell in row))
        rich_console().print(table)
        first = False


@contextmanager
def ending_errors() -> Iterator[None]:
    """End what fails in there as its user should see it: one line on stderr, and the error's exit code.

    The one place where an error becomes an exit code. A reader that went away ends it quietly, as done.
    """
    try:
        with minding_memory():
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


def someone_answers() -> bool:
    """Return whether a person can be asked: standard input is a terminal, not a pipe or closed."""
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


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


class Interruption(Event):
    """Set when work is to end where it stands."""

    exit_code = 130
    """Code the program then ends in: 128 + the number of the signal, as in a shell."""


@contextmanager
def interrupts() -> Iterator[Interruption]:
    """Let the first Ctrl-C, SIGTERM or SIGHUP set an event, so that work can end where it stands; the second ends it as usual."""
    interrupted = Interruption()
    terminals = [number for number in (1, 2) if os.isatty(number)]
    # What is ignored is ignored on purpose: Ctrl-C in the background is for someone else, and nohup outlives its terminal.
    before = {
        number: answer for number in _ENDING if (answer := signal.getsignal(number)) not in (signal.SIG_IGN, None)
    }

    def handle(number: int, frame: FrameType | None) -> None:
        interrupted.exit_code = 128 + number
        interrupted.set()
        restore()
        for terminal in terminals:
            if not os.isatty(terminal):  # it has gone; the work is still brought to its end
                os.dup2(os.open(os.devnull, os.O_WRONLY), terminal)

    def restore() -> None:
        for number, answer in before.items():
            signal.signal(number, answer)

    for number in before:
        signal.signal(number, handle)
    try:
        yield interrupted
    finally:
        restore()
