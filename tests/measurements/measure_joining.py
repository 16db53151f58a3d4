"""How long running takes wait while another joins: `python tests/measurements/measure_joining.py [TAKES] [PROMPT_TOKENS] [MODEL]`.

Takes are being written; then one with a long prompt joins. Tells the longest wait of the running takes for their next token
before it came, while its prompt was read, and after, and how long the newcomer waited for its first token: the least, the median
and the most of a few rounds; the second table tells the processor time that these steps took, which other programs disturb less.
Of a prompt that is longer than the model's window only the end is read.
"""

import sys
import time
from statistics import median

from songsmith.generation.engine import Engine
from songsmith.generation.options import GenerationOptions
from songsmith.generation.scheduler import Scheduler, TakeRequest
from songsmith.lyrics import parse
from songsmith.markup import Prompt
from songsmith.model.loading import LoadedModel
from songsmith.model.registry import ModelStore
from songsmith.paths import find_paths

_ROUNDS = 7
_STEPS = 60
_LINES = "The kettle sings, the window fogs with steam\nI draw a road that leads out of a dream\n"
_WHAT = "longest wait before", "longest wait while joining", "longest wait after", "first token of the newcomer"

_Clocks = tuple[float, float]
"""Seconds that went by, and of processor time."""


def _now() -> _Clocks:
    return time.perf_counter(), time.process_time()


def _since(start: _Clocks) -> _Clocks:
    now = _now()
    return now[0] - start[0], now[1] - start[1]


def _longest(waits: list[_Clocks]) -> _Clocks:
    return max(wait for wait, _ in waits), max(processor for _, processor in waits)


def _step(scheduler: Scheduler, waits: list[_Clocks]) -> set[int]:
    start = _now()
    events = scheduler.step()
    waits.append(_since(start))
    return {event.take for event in events}


def _take_request(text: str, seed: int) -> TakeRequest:
    endless = GenerationOptions(seed=seed, max_lines=0, min_lines=100_000, max_new_tokens=100_000)
    return TakeRequest(prompt=Prompt(song=parse(text)), options=endless)


def _measure(model: LoadedModel, takes: int, long: str) -> list[_Clocks]:
    scheduler = Engine(model).open_scheduler()
    for take in range(takes):
        scheduler.add(_take_request("Down by the river", take))
    scheduler.step()
    before: list[_Clocks] = []
    after: list[_Clocks] = []
    for _ in range(_STEPS):
        _step(scheduler, before)
    start = _now()
    newcomer = scheduler.add(_take_request(long, takes))
    joining = [_since(start)]
    while newcomer not in _step(scheduler, joining):
        pass
    first_token = _since(start)
    for _ in range(_STEPS):
        _step(scheduler, after)
    scheduler.close()
    return [_longest(before), _longest(joining), _longest(after), first_token]


def main(takes: int = 4, prompt_tokens: int = 900, name: str = "starter") -> None:
    """Measure, and print what was found in milliseconds."""
    model = ModelStore(find_paths()).load(name, device="cpu")
    tokenizer = model.tokenizer
    tokens = tokenizer.encode(_LINES * (prompt_tokens // len(tokenizer.encode(_LINES)) + 1))[:prompt_tokens]
    rounds = [_measure(model, takes, tokenizer.decode(tokens)) for _ in range(_ROUNDS)]
    rows = [f"{takes} takes of {name}; one of {prompt_tokens} tokens joins. Least, median and most of {_ROUNDS} rounds, in ms"]
    for clock, kind in enumerate(("time", "processor time")):
        rows.append(kind)
        for what, clocks in zip(_WHAT, zip(*rounds, strict=True), strict=True):
            took = [1e3 * each[clock] for each in clocks]
            rows.append(f"  {what:30}{min(took):8.1f}{median(took):8.1f}{max(took):8.1f}")
    sys.stdout.write("\n".join(rows) + "\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:4])
