"""One contestant in a process of its own, so that memory and imports are its own: writes as told, and times itself.

    python -m songsmith.benchmark.worker CONTESTANT FOLDER

One JSON object a line: `{"device": ...}` once the model is loaded; then `{"elapsed_s": ...}` for each
`{"takes": ..., "new_tokens": ...}` that comes in. `Worker` is the other end.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from songsmith.benchmark.writers import WRITERS


class Absent(Exception):  # noqa: N818  (not a fault: a peer may well not be installed)
    """A contestant cannot be measured; says why."""


class Worker:
    """A contestant's process, as the benchmark sees it. Once it is absent it stays so, for the same reason."""

    def __init__(self, contestant: str, folder: Path, environment: Mapping[str, str]) -> None:
        """Start the process, which begins to load its model."""
        # A file, not a pipe: nobody reads along, and a full pipe would stop the process.
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115  (close() does)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "songsmith.benchmark.worker", contestant, str(folder)], env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True,
        )  # fmt: skip

    def load(self) -> str:
        """Wait until the model is loaded and return the device it runs on.

        Raises:
            Absent: the process ended.
        """
        return str(self._read()["device"])

    def write(self, takes: int, new_tokens: int) -> float:
        """Have takes written and return the seconds it took.

        Raises:
            Absent: the process ended.
        """
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # the read below says why
            self._process.stdin.write(json.dumps({"takes": takes, "new_tokens": new_tokens}) + "\n")
            self._process.stdin.flush()
        return float(self._read()["elapsed_s"])

    def close(self) -> float:
        """End the process and return the most memory it ever held, in MiB."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        memory = wait_for(self._process)
        self._errors.close()
        return memory

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            raise Absent(last_line(self._errors.read()) or "it ended without a word")
        answer: dict[str, Any] = json.loads(line)
        return answer


def wait_for(process: "subprocess.Popen[Any]") -> float:
    """Wait until a process ends, and return the most memory it ever held, in MiB."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def last_line(text: str) -> str:
    """Return the last line with something on it: of a traceback, the one that names the error."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def main(contestant: str, folder: Path) -> None:
    """Serve one contestant until standard input ends."""
    answers = sys.stdout
    sys.stdout = sys.stderr  # what libraries print is no answer
    writer = WRITERS[contestant](folder)
    print(json.dumps({"device": writer.device}), file=answers, flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        start_s = time.perf_counter()
        writer.write(order["takes"], order["new_tokens"])
        print(json.dumps({"elapsed_s": time.perf_counter() - start_s}), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
