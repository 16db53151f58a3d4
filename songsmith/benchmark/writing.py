"""How fast takes are written, and how much memory it takes: every writer in a process of its own, in turns."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from songsmith.benchmark.options import BenchmarkOptions
from songsmith.benchmark.results import OURS, Measure, Row
from songsmith.benchmark.turns import in_turns
from songsmith.benchmark.worker import Worker
from songsmith.benchmark.writers import WRITERS
from songsmith.errors import SongsmithError

_WARM_UP_TOKENS = 8


def measure_writing(options: BenchmarkOptions, folder: Path, environment: Mapping[str, str]) -> tuple[str, list[Row]]:
    """Return the device songsmith ran on, and a row for every writer and number of takes.

    Raises:
        SongsmithError: songsmith itself could not write.
    """
    rows: list[Row] = []
    workers = {name: Worker(name, folder, environment) for name in WRITERS if options.peers or name == OURS}
    try:
        devices = in_turns({name: worker.load for name, worker in workers.items()}, 1)
        for takes in options.takes:
            in_turns({name: partial(worker.write, takes, _WARM_UP_TOKENS) for name, worker in workers.items()}, 1)
            work = {name: partial(worker.write, takes, options.new_tokens) for name, worker in workers.items()}
            for name, outcome in in_turns(work, options.runs).items():
                rates = tuple(takes * options.new_tokens / elapsed_s for elapsed_s in outcome.values)
                row = Row(measure=Measure.TOKENS_PER_S, contestant=name, weights=folder.name, takes=takes, values=rates)
                rows.append(replace(row, absent=outcome.absent))
    finally:
        memory = {name: worker.close() for name, worker in workers.items()}
    for name in workers:
        absent = next((row.absent for row in rows if row.contestant == name and row.absent), "")
        if name == OURS and absent:
            raise SongsmithError(f"songsmith could not be measured: {absent}.", "Try other --weights.")
        values = () if absent else (memory[name],)
        rows.append(
            Row(
                measure=Measure.WRITING_PEAK_MEMORY_MIB,
                contestant=name,
                weights=folder.name,
                values=values,
                absent=absent,
            )
        )
    return devices[OURS].values[0], rows
