"""Out of memory: recognised in all that Python, torch and others say of it, and raised as one error.

Also what a limit on address space (`ulimit -v`) asks for before anything large is loaded: OpenBLAS, which numpy loads, takes
tens of megabytes for each of its threads, and where it cannot have them it interrupts the program as Ctrl-C does.
"""

import errno
import os
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager

from songsmith.errors import OutOfMemoryError, SongsmithError
from songsmith.machine import address_space_bytes

LEAST_BYTES = 195 << 20
"""Address space below which libraries that are needed for any work end the program from within, without a word of ours."""
_SAID = (
    "cannot allocate memory", "out of memory", "failed to map segment", "bad_alloc", "can't start new thread", "os error 12",
    "not enough memory", "pyobject pointer is null", "failed to allocate", "unable to allocate", "bad allocation",
    "status_alloc_failed",  # of cuBLAS and cuDNN
)  # fmt: skip


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error, or one that led to it, says that memory ran out."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, MemoryError | OutOfMemoryError) or (
            isinstance(cause, OSError) and cause.errno == errno.ENOMEM
        ):
            return True
        # A file may be called anything.
        said = cause.strerror if isinstance(cause, OSError) and cause.filename is not None else str(cause)
        if any(words in (said or "").lower() for words in _SAID):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def memory_error() -> OutOfMemoryError:
    """Return what to say when memory ran out."""
    limit = address_space_bytes()
    step = "Close other programs, or use a smaller model."
    if limit is not None:
        step = f"This shell allows {limit >> 20} MB (see `ulimit -v`): raise the limit, or use a smaller model."
    return OutOfMemoryError("There isn't enough memory for this.", step)


@contextmanager
def minding_memory() -> Iterator[None]:
    """Turn what says in there that memory ran out into one sentence.

    Raises:
        OutOfMemoryError: memory ran out.
    """
    try:
        yield
    except SongsmithError:
        raise
    except BaseException as error:  # a panic in Rust is no Exception
        if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit) or not is_out_of_memory(error):
            raise
        raise memory_error() from error


def prepare_memory(environ: MutableMapping[str, str] | None = None) -> None:
    """See that a limit on address space, if there is one, leaves room to work in, and tell libraries to be modest.

    Raises:
        OutOfMemoryError: it does not.
    """
    limit = address_space_bytes()
    if limit is None:
        return
    if limit < LEAST_BYTES:
        raise memory_error()
    (os.environ if environ is None else environ).setdefault("OPENBLAS_NUM_THREADS", "1")
