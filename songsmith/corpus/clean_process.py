"""Batches of songs cleaned in child processes, one for each processor. Knows pipes; the cleaning itself is in `clean_songs`.

The two sides send each other pickled objects over the child's standard input and output, which no other process can
write to. A child ends when its input does, so that none outlives its parent, however that ended.
"""

import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import islice
from queue import SimpleQueue
from typing import IO

from songsmith.corpus.clean_songs import BatchOptions, CleanedBatch, clean_lines
from songsmith.errors import SongsmithError

_WAITING_A_CHILD = 2


def clean_batches(
    batches: Iterable[Sequence[bytes]], options: BatchOptions, *, jobs: int
) -> Generator[CleanedBatch, None, None]:
    """Yield what becomes of each batch of lines, in their order. Closing the generator ends the children at once.

    Args:
        batches: lines of raw songs; only a few are read ahead of what is yielded.
        options: how to clean them.
        jobs: how many child processes to use; 1: none, this process cleans.

    Raises:
        ValueError: a line holds no song.
        TypeError: likewise.
        SongsmithError: a child was killed.
    """
    if jobs == 1:
        yield from (clean_lines(lines, options) for lines in batches)
        return
    coming = iter(batches)
    with _children(jobs, options) as children, ThreadPoolExecutor(jobs) as threads:
        free: SimpleQueue[_Child] = SimpleQueue()
        for child in children:
            free.put(child)

        def clean(lines: Sequence[bytes]) -> CleanedBatch:
            child = free.get()
            try:
                return child.clean(lines)
            finally:
                free.put(child)

        under_way: deque[Future[CleanedBatch]] = deque()
        try:
            under_way.extend(threads.submit(clean, lines) for lines in islice(coming, jobs * _WAITING_A_CHILD))
            while under_way:
                done = under_way.popleft().result()
                under_way.extend(threads.submit(clean, lines) for lines in islice(coming, 1))
                yield done
        finally:
            for waiting in under_way:
                waiting.cancel()
            for child in children:  # otherwise the threads would wait for the batches in progress
                child.end()


class _Child:
    """One child process that cleans."""

    def __init__(self, options: BatchOptions) -> None:
        self._process = subprocess.Popen(
            # -P: a file named like a library in the user's folder must not be imported in its place.
            [sys.executable, "-P", "-m", "songsmith.corpus.clean_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # the command line or the terminal interface handles Ctrl-C
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
        )
        with suppress(OSError):  # it has ended already: `clean` will report it
            self._send(options)

    def clean(self, lines: Sequence[bytes]) -> CleanedBatch:
        """Have a batch cleaned. Blocks: call it in a thread."""
        assert self._process.stdout is not None
        try:
            self._send(lines)
            done = pickle.load(self._process.stdout)
        except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
            raise SongsmithError(
                "A cleaning process ended unexpectedly.",
                "Nothing was changed. If memory ran out, try again with --jobs 1.",
            ) from error
        if isinstance(done, Exception):
            raise done
        assert isinstance(done, CleanedBatch)
        return done

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Close its pipes, once no thread uses them any more."""
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # nobody reads what was still being sent
                assert pipe is not None
                pipe.close()

    def _send(self, what: object) -> None:
        assert self._process.stdin is not None
        pickle.dump(what, self._process.stdin, pickle.HIGHEST_PROTOCOL)
        self._process.stdin.flush()


@contextmanager
def _children(count: int, options: BatchOptions) -> Iterator[list[_Child]]:
    children: list[_Child] = []
    try:
        for _ in range(count):
            children.append(_Child(options))  # one by one: if one cannot be started, those before it must be ended
        yield children
    finally:
        for child in children:
            child.end()
            child.close()


def _serve(asked: IO[bytes], told: IO[bytes]) -> None:
    """Run as the child: read options, then batches, until there are no more."""
    with suppress(EOFError, BrokenPipeError):
        options = pickle.load(asked)
        while True:
            lines = pickle.load(asked)
            try:
                done: CleanedBatch | Exception = clean_lines(lines, options)
            except Exception as error:
                done = error
            pickle.dump(done, told, pickle.HIGHEST_PROTOCOL)
            told.flush()


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
    os._exit(0)  # nothing is left to clean up, and nobody to report to
