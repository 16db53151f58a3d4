"""Takes that join and leave while others are written: each says what it says alone, and none waits long for its next token."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from fakes import write_random_model
from hypothesis import given, settings
from hypothesis import strategies as st

from songsmith.errors import OutOfMemoryError
from songsmith.generation.engine import Engine
from songsmith.generation.events import TakeFailed, TokenChunk
from songsmith.generation.options import GenerationOptions
from songsmith.generation.priority import Priority
from songsmith.generation.scheduler import ChunkSize, Scheduler, TakeRequest
from songsmith.lyrics import SectionKind, parse
from songsmith.markup import Prompt
from songsmith.model.loading import LoadedModel
from songsmith.model.networks.cuda_graphs import CudaGraphNetwork
from songsmith.model.networks.torch_backend import TorchBackend
from songsmith.model.registry import ModelStore
from songsmith.paths import find_paths
from songsmith.takes import FinishReason

pytestmark = pytest.mark.usefixtures("one_torch_thread")

RIVER = Prompt(song=parse("Down by the river"), open_line=True)
LONG = Prompt(song=parse("La la la di da\n" * 30))
PROMPTS = [
    RIVER, Prompt(), LONG, Prompt(song=parse("Down by the river\n"), next_section=SectionKind.CHORUS),
    Prompt(song=parse("Oh, " * 20), open_line=True),
]  # fmt: skip
KINDS: list[dict[str, object]] = [
    {}, {"temperature": 0.0}, {"no_repeat_ngram": 2, "top_k": 40}, {"top_p": 1.0, "min_p": 0.05}, {"repetition_penalty": 0.9},
]  # fmt: skip
DECODERS = ["sync", "guessing", "queued"]


def write_to(max_new_tokens: int, **changes: object) -> GenerationOptions:
    """Return options of a take of exactly so many tokens."""
    wanted = {"temperature": 1.0, "max_lines": 0, "min_lines": 1000, "max_new_tokens": max_new_tokens}
    return GenerationOptions(**wanted | changes)


ASKED = [
    TakeRequest(
        prompt=PROMPTS[seed % len(PROMPTS)], priority=Priority(seed % 2), group=seed % 3,
        options=write_to(3 + 7 * seed, seed=seed, **KINDS[seed % len(KINDS)]),
    )
    for seed in range(7)
]  # fmt: skip


@cache
def engine(decoder: str) -> Engine:
    """Return an engine of a small model in double precision, whose window its songs outgrow."""
    with TemporaryDirectory() as folder:
        stored = ModelStore(find_paths()).read(
            str(write_random_model(Path(folder) / "small", window=40, manifest={"format": "markup"}))
        )
        network = {"queued": CudaGraphNetwork}.get(decoder, TorchBackend)
        backend = network(stored.spec, stored.tensors(), torch.device("cpu"), torch.float64)
    model = LoadedModel(
        name="small", manifest=stored.manifest, weights_sha256="", backend=backend, tokenizer=stored.tokenizer
    )
    return Engine(model, drafts=decoder == "guessing")


@cache
def alone(decoder: str, number: int) -> str:
    """Return what a take of `ASKED` says with nobody beside it."""
    asked = ASKED[number]
    return "".join(chunk.text for chunk in engine(decoder).stream(asked.prompt, [asked.options]))


@pytest.mark.parametrize("decoder", DECODERS)
@given(st.data())
@settings(max_examples=25)
def test_whoever_joins_or_leaves_each_take_says_what_it_says_alone(decoder: str, data: st.DataObject) -> None:
    scheduler = engine(decoder).open_scheduler(most_takes=data.draw(st.integers(1, 7), "most takes"))
    unasked, numbers, told, ended = list(range(len(ASKED))), dict[int, int](), dict[int, str](), set[int]()
    aborted: set[int] = set()

    def take_step() -> None:
        for event in scheduler.step():
            assert isinstance(event, TokenChunk)
            assert event.take not in aborted | ended
            told[event.take] += event.text
            if event.finish is not None:
                ended.add(event.take)

    for action in data.draw(st.lists(st.sampled_from(["add", "step", "step", "step", "abort"]), max_size=60), "actions"):
        if action == "add" and unasked:
            number = unasked.pop(data.draw(st.integers(0, len(unasked) - 1), "which"))
            take = scheduler.add(ASKED[number])
            numbers[take], told[take] = number, ""
        elif action == "abort" and told:
            take = data.draw(st.sampled_from(sorted(told)), "which")
            scheduler.abort(take)
            if take not in ended:
                aborted.add(take)
        else:
            take_step()
    while scheduler.busy:
        take_step()
    assert ended | aborted == set(told)
    for take, text in told.items():
        whole = alone(decoder, numbers[take])
        assert text == whole if take in ended else whole.startswith(text)


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_take_that_joins_is_written_before_those_that_run_have_ended(decoder: str) -> None:
    scheduler = engine(decoder).open_scheduler()
    long = scheduler.add(TakeRequest(prompt=RIVER, options=write_to(200)))
    scheduler.step()
    short = scheduler.add(TakeRequest(prompt=LONG, options=write_to(5)))
    takes = [event.take for event in run(scheduler)]
    assert short in takes
    assert takes.index(short) < len(takes) - takes[::-1].index(short) < takes.count(long)


def run(scheduler: Scheduler) -> list[TokenChunk]:
    """Step until nothing is left to do."""
    events: list[TokenChunk] = []
    while scheduler.busy:
        for event in scheduler.step():
            assert isinstance(event, TokenChunk)
            events.append(event)
    return events


def first_tokens(events: list[TokenChunk]) -> list[int]:
    """Return takes in the order in which they were begun."""
    return [event.take for event in events if event.tokens == 1]


def test_who_waits_for_a_take_comes_before_what_runs_in_the_background() -> None:
    scheduler = engine("sync").open_scheduler(most_takes=1)
    background = [
        scheduler.add(TakeRequest(prompt=RIVER, options=write_to(20), priority=Priority.BACKGROUND)) for _ in range(2)
    ]
    before = [event.take for _ in range(5) for event in scheduler.step()]
    assert set(before) == {background[0]}
    urgent = scheduler.add(TakeRequest(prompt=RIVER, options=write_to(20, seed=3)))
    after = [event.take for event in run(scheduler)]
    assert after[:20] == [urgent] * 20
    assert after[20:] == [background[0]] * (20 - len(before)) + [background[1]] * 20


def test_one_who_asks_for_many_takes_leaves_room_for_others() -> None:
    scheduler = engine("sync").open_scheduler(most_takes=2)
    many = [scheduler.add(TakeRequest(prompt=RIVER, options=write_to(6 + 30 * take), group="many")) for take in range(5)]
    scheduler.step()
    one = scheduler.add(TakeRequest(prompt=RIVER, options=write_to(6), group="one"))
    assert first_tokens(run(scheduler)) == [one, *many[2:]]


class Short:
    """A network with too little memory for so many takes side by side, or for longer texts than so many tokens."""

    def __init__(self, backend: object, *, takes: int = 100, tokens: int = 1000) -> None:
        self._backend, self.takes, self.tokens = backend, takes, tokens

    def __getattr__(self, name: str) -> object:
        return getattr(self._backend, name)

    def new_cache(self, capacity: int) -> object:
        if capacity > self.tokens:
            raise OutOfMemoryError("There isn't enough memory for this.")
        return self._backend.new_cache(capacity)

    def forward(self, tokens, cache, *, all_positions=False):
        if len(tokens) > self.takes:
            raise OutOfMemoryError("There isn't enough memory for this.")
        return self._backend.forward(tokens, cache, all_positions=all_positions)


def short_of_memory(**limits: int) -> Engine:
    model = engine("sync").model
    return Engine(
        LoadedModel(
            name="small", manifest=model.manifest, weights_sha256="", tokenizer=model.tokenizer,
            backend=Short(model.backend, **limits),
        ),
        drafts=False,
    )  # fmt: skip


def test_one_take_too_many_waits_and_those_that_were_written_before_go_on() -> None:
    scheduler = short_of_memory(takes=2).open_scheduler()
    asked = [TakeRequest(prompt=RIVER, options=write_to(20 + 5 * seed, seed=seed)) for seed in range(3)]
    takes = [scheduler.add(asked[0]), scheduler.add(asked[1])]
    before = scheduler.step() + scheduler.step()
    takes.append(scheduler.add(asked[2]))
    events = [*before, *run(scheduler)]
    assert sum(event.fewer_at_once for event in events) == 1
    for take, request in zip(takes, asked, strict=True):
        whole = "".join(chunk.text for chunk in engine("sync").stream(request.prompt, [request.options]))
        assert "".join(event.text for event in events if event.take == take) == whole


def test_a_prompt_there_is_no_memory_for_fails_alone() -> None:
    scheduler = short_of_memory(tokens=19).open_scheduler()
    written = scheduler.add(TakeRequest(prompt=RIVER, options=write_to(5)))
    events = scheduler.step()
    prompt = Prompt(song=parse("Ten green bottles hanging on the wall\n" * 3))
    hopeless = scheduler.add(TakeRequest(prompt=prompt, options=write_to(10)))
    while scheduler.busy:
        events += scheduler.step()
    (failed,) = [event for event in events if isinstance(event, TakeFailed)]
    assert failed.take == hopeless
    assert isinstance(failed.error, OutOfMemoryError)
    assert [event.finish for event in events if event.take == written][-1] is FinishReason.MAX_TOKENS


class FailsOnce(Short):
    """Fails in the middle of a prompt, of which it has read a token more by then."""

    failed = False

    def forward(self, tokens, cache, *, all_positions=False):
        if not self.failed and len(cache.lengths) == 1 and cache.lengths[0] and len(tokens[0]) > 2:
            self.failed = True
            self._backend.forward([tokens[0][:1]], cache)
            raise RuntimeError("for some other reason")
        return self._backend.forward(tokens, cache, all_positions=all_positions)


def test_a_prompt_that_was_half_read_when_the_network_failed_is_read_anew_for_other_takes() -> None:
    model = engine("sync").model
    broken = LoadedModel(
        name="small", manifest=model.manifest, weights_sha256="", tokenizer=model.tokenizer, backend=FailsOnce(model.backend)
    )  # fmt: skip
    scheduler = Engine(broken, drafts=False).open_scheduler()
    scheduler.add(TakeRequest(prompt=Prompt(), options=write_to(200)))
    events = list(scheduler.step())  # beside one that runs, prompts are read in chunks
    song = Prompt(song=parse("Ten green bottles hanging on the wall\n" * 12))
    first, second = (scheduler.add(TakeRequest(prompt=song, options=write_to(12, seed=seed))) for seed in (1, 2))
    while scheduler.busy:
        events += scheduler.step()
    assert [event.take for event in events if isinstance(event, TakeFailed)] == [first]
    alone = "".join(chunk.text for chunk in engine("sync").stream(song, [write_to(12, seed=2)]))
    assert "".join(event.text for event in events if isinstance(event, TokenChunk) and event.take == second) == alone


def test_a_take_whose_options_leave_nothing_to_write_fails_alone(tmp_path: Path) -> None:
    folder = write_random_model(tmp_path / "ends", manifest={"format": "markup"})
    model = ModelStore(find_paths()).load(str(folder), device="cpu", threads=1)
    only = frozenset(range(model.backend.vocabulary_size))
    model = LoadedModel(
        name="ends", manifest=model.manifest, weights_sha256="", tokenizer=model.tokenizer, backend=model.backend, end_ids=only
    )  # fmt: skip
    scheduler = Engine(model).open_scheduler()
    ends = scheduler.add(TakeRequest(prompt=Prompt(), options=GenerationOptions(min_lines=0)))
    hopeless = scheduler.add(TakeRequest(prompt=Prompt(), options=GenerationOptions(min_lines=4)))
    first, second = scheduler.step()
    assert isinstance(first, TokenChunk)
    assert (first.take, first.finish) == (ends, FinishReason.END_OF_SONG)
    assert isinstance(second, TakeFailed)
    assert second.take == hopeless
    assert "no token to write" in second.error.message
    assert not scheduler.busy


@given(st.lists(st.tuples(st.floats(1e-5, 10), st.floats(0, 10)), min_size=1, max_size=40))
def test_a_chunk_is_never_empty_and_grows_step_by_step(took_s: list[tuple[float, float]]) -> None:
    chunk, most = ChunkSize(), 8
    for chunk_s, step_s in took_s:
        tokens = chunk.tokens(step_s)
        assert 1 <= tokens <= most
        chunk.note(tokens, chunk_s)
        most = max(most, 2 * tokens)


@pytest.mark.parametrize("step_s", [0.0, 0.002, 0.02])
@pytest.mark.parametrize("token_s", [1e-5, 3e-4, 1e-3, 7e-3])
def test_a_step_and_a_chunk_together_take_as_long_as_takes_may_wait(token_s: float, step_s: float) -> None:
    chunk = ChunkSize()
    for _ in range(20):
        tokens = chunk.tokens(step_s)
        chunk.note(tokens, tokens * token_s)
    assert 0.015 < step_s + tokens * token_s < 0.04


BACKENDS: list[Callable[[], object]] = [
    lambda: engine("sync").model.backend.new_cache(40),
    lambda: engine("queued").model.backend.open_batch(1),
    lambda: ModelStore(find_paths()).load("starter", device="cpu", threads=1).backend.new_cache(40),
]


@pytest.mark.parametrize("make", BACKENDS, ids=["torch", "CUDA graphs", "ONNX Runtime"])
def test_every_backend_raises_one_error_when_memory_runs_out(make: Callable[[], object]) -> None:
    cache = make()
    with pytest.raises(OutOfMemoryError, match="enough memory"):
        cache.add_rows(10**10, 512)
    assert cache.lengths == [0]
