"""One contestant in a process of its own, so that its memory and imports are measured alone.

    python -m songsmith.benchmark.worker CONTESTANT FOLDER

One JSON object a line: what `Loaded` holds once the model is loaded; then `{"elapsed_s": ...}` for each
`{"takes": ..., "new_tokens": ...}` that comes in, or `{"at_s": [...]}` for `{"clock": ...}`. `Worker` is the other end.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from songsmith.benchmark.contestants import CONTESTANTS


class Absent(Exception):  # noqa: N818  (not a fault: a peer may well not be installed)
    """A contestant cannot be measured; says why."""


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What a contestant says of itself once its model is loaded."""

    device: str
    """What it runs on."""
    weights_a_token: int = 0
    """Weights a token is multiplied with; 0 if nobody counted."""
    weight_bytes: int = 0
    """Bytes that each of them has in memory."""


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
        self._memory: float | None = None

    @property
    def process_id(self) -> int:
        """Number of its process."""
        return self._process.pid

    def load(self) -> Loaded:
        """Wait until the model is loaded.

        Raises:
            Absent: the process ended.
        """
        return Loaded(**self._read())

    def write(self, takes: int, new_tokens: int) -> float:
        """Have takes written and return the seconds it took.

        Raises:
            Absent: the process ended.
        """
        return float(self._order(takes=takes, new_tokens=new_tokens)["elapsed_s"])

    def clock(self, new_tokens: int) -> list[float]:
        """Have one take written and return the seconds after which each of its tokens was there.

        Raises:
            Absent: the process ended, or cannot tell.
        """
        return list(self._order(clock=new_tokens)["at_s"])

    def close(self) -> float:
        """End the process and return the most memory it ever held, in MiB."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        self._errors.close()
        return self._end()

    def _order(self, **order: int) -> dict[str, Any]:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # the read says why
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._end()
            if self._process.returncode < 0:  # what it said last is no reason
                raise Absent(f"it was ended by {signal.Signals(-self._process.returncode).name}")
            self._errors.seek(0)
            raise Absent(last_line(self._errors.read()) or "it ended without a word")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _end(self) -> float:
        if self._memory is None:
            self._memory = wait_for(self._process)
        return self._memory


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
    writer = CONTESTANTS[contestant].load(folder)
    loaded = Loaded(
        device=writer.device, weights_a_token=writer.weights_a_token, weight_bytes=writer.weight_bytes
    )  # fmt: skip
    print(json.dumps(asdict(loaded)), file=answers, flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if "clock" in order:
            if writer.clock is None:
                raise RuntimeError(f"{contestant} doesn't report single tokens")
            answer: dict[str, Any] = {"at_s": writer.clock(order["clock"])}
        else:
            start_s = time.perf_counter()
            writer.write(order["takes"], order["new_tokens"])
            answer = {"elapsed_s": time.perf_counter() - start_s}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
