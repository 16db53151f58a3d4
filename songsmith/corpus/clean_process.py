"""Batches of songs cleaned in child processes, one for each processor. Knows pipes; what cleaning is, `clean_songs` knows.

The two sides send each other pickled objects over the child's standard input and output, which nobody else can write to.
A child ends when its input does, so that none outlives its parent, however that ended.
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
        batches: lines of raw songs; only a few are taken ahead of what is yielded.
        options: how to clean them.
        jobs: how many processes work beside this one; 1: this one does it itself.

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
            for child in children:  # or the threads would wait for what is under way
                child.end()


class _Child:
    """One process that cleans."""

    def __init__(self, options: BatchOptions) -> None:
        self._process = subprocess.Popen(
            # -P: a file named like a library in the user's folder must not be imported in its place.
            [sys.executable, "-P", "-m", "songsmith.corpus.clean_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C at the terminal is the face's to answer
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
        )
        with suppress(OSError):  # ended already: `clean` will say so
            self._send(options)

    def clean(self, lines: Sequence[bytes]) -> CleanedBatch:
        """Have a batch cleaned. Blocks, and belongs in a thread."""
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
        """End it, whatever it is doing."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Free its pipes when no thread uses them any more."""
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # what was still on its way has nowhere to go
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
            children.append(_Child(options))  # one by one: those that started must end if another does not
        yield children
    finally:
        for child in children:
            child.end()
            child.close()


def _serve(asked: IO[bytes], told: IO[bytes]) -> None:
    """Be the child: take options, then batches, until there are no more."""
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
    os._exit(0)  # nothing is left to tidy up, and nobody to tell
