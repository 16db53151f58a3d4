"""Writing speed and memory use: every writer runs in a process of its own, in turns."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from songsmith.benchmark.contestants import CONTESTANTS, Contestant
from songsmith.benchmark.converting import convert
from songsmith.benchmark.long_song import LongSong, follow
from songsmith.benchmark.options import BenchmarkOptions
from songsmith.benchmark.results import OURS, Measure, Row
from songsmith.benchmark.turns import in_turns
from songsmith.benchmark.worker import Absent, Loaded, Worker
from songsmith.errors import SongsmithError

_WARM_UP_TOKENS = 8
# A first token takes milliseconds: it is noisier than a hundred, and cheaper.
_FIRST_TOKENS_A_RUN = 3
# Threads of whoever wrote before go on looking for work for a while (OpenMP's for 0.2 s), and would take a processor.
_REST_S = 0.3


def measure_writing(
    options: BenchmarkOptions,
    folder: Path,
    environment: Mapping[str, str],
    work: Path,
    contestants: Mapping[str, Contestant] = CONTESTANTS,
) -> tuple[Loaded, list[Row]]:
    """Return what songsmith says of itself, and a row for every writer and thing measured; one for who cannot even begin.

    Raises:
        SongsmithError: songsmith itself could not write.
    """
    # What songsmith makes of a model the first time is made before, in a process whose memory nobody counts.
    with_ours = _alone(folder, environment)
    names = [name for name in contestants if options.peers or name == OURS]
    forms = in_turns({name: partial(convert, name, folder, environment, work, contestants) for name in names}, 1)
    workers = {name: Worker(name, form.values[0], environment) for name, form in forms.items() if form.values}
    rows: list[Row] = []
    try:
        loaded = in_turns({name: worker.load for name, worker in workers.items()}, 1)
        absent = {name: forms[name].absent or loaded[name].absent for name in names}
        if absent[OURS]:
            raise _cannot(absent[OURS])
        ready = {name: worker for name, worker in workers.items() if not absent[name]}
        for takes in options.takes:
            in_turns({name: partial(worker.write, takes, _WARM_UP_TOKENS) for name, worker in ready.items()}, 1)
            outcomes = in_turns(_rested(ready, takes, options.new_tokens), options.runs)
            for name, outcome in outcomes.items():
                rates = tuple(takes * options.new_tokens / elapsed_s for elapsed_s in outcome.values)
                rows.append(
                    Row(
                        measure=Measure.TOKENS_PER_S, contestant=name, weights=folder.name, takes=takes, values=rates,
                        absent=outcome.absent,
                    )
                )  # fmt: skip
        for name, outcome in in_turns(_rested(ready, 1, 1), options.runs * _FIRST_TOKENS_A_RUN).items():
            rows.append(_row(Measure.WARM_FIRST_TOKEN_S, name, folder, tuple(outcome.values), outcome.absent))
    finally:
        memory = {name: worker.close() for name, worker in workers.items()}
    for name in ready:
        failed = next((row.absent for row in rows if row.contestant == name and row.absent), "")
        if name == OURS and failed:
            raise _cannot(failed)
        rows.append(_row(Measure.WRITING_PEAK_MEMORY_MIB, name, folder, () if failed else (memory[name],), failed))
    rows += [_row(Measure.TOKENS_PER_S, name, folder, (), reason) for name, reason in absent.items() if reason]
    return with_ours, rows


def measure_long_song(tokens: int, folder: Path, environment: Mapping[str, str]) -> tuple[LongSong, list[Row]]:
    """Return how long each token of one take of songsmith's took, and the rows that say it in short.

    Raises:
        SongsmithError: songsmith itself could not write.
    """
    worker = Worker(OURS, folder, environment)
    try:
        worker.load()
        worker.write(1, _WARM_UP_TOKENS)
        song = follow(worker.clock(tokens))
    except Absent as absent:
        raise _cannot(str(absent)) from absent
    finally:
        worker.close()
    found = {
        Measure.LONG_SONG_START_MS: song.median_ms[0], Measure.LONG_SONG_SLOWEST_MS: song.slowest_ms,
        Measure.LONG_SONG_SLOWEST_OVER_START: song.slowest_over_start,
        Measure.LONG_SONG_LONGEST_WAIT_MS: song.longest_wait_ms,
    }  # fmt: skip
    return song, [_row(measure, OURS, folder, (value,)) for measure, value in found.items()]


def _alone(folder: Path, environment: Mapping[str, str]) -> Loaded:
    worker = Worker(OURS, folder, environment)
    try:
        return worker.load()
    except Absent as absent:
        raise _cannot(str(absent)) from absent
    finally:
        worker.close()


def _rested(workers: Mapping[str, Worker], takes: int, new_tokens: int) -> dict[str, Callable[[], float]]:
    def write(worker: Worker) -> float:
        time.sleep(_REST_S)
        return worker.write(takes, new_tokens)

    return {name: partial(write, worker) for name, worker in workers.items()}


def _row(measure: Measure, contestant: str, folder: Path, values: tuple[float, ...], absent: str = "") -> Row:
    return Row(measure=measure, contestant=contestant, weights=folder.name, values=values, absent=absent)


def _cannot(reason: str) -> SongsmithError:
    return SongsmithError(f"songsmith couldn't be measured: {reason}.", "Try other --weights.")
