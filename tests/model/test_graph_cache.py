"""What is recorded for a GPU, as far as it shows without one: work that fits a recording, and recordings that fail."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import torch
from architectures import CONFIGS
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from songsmith.generation.device_sampling import DeviceSampler, SamplingPlan
from songsmith.generation.options import GenerationOptions
from songsmith.generation.token_classes import TokenClasses
from songsmith.model.architectures import read_spec
from songsmith.model.loading import LoadedModel
from songsmith.model.networks.cuda_graphs import CudaGraphNetwork, GraphCache, StaticBatch

META = torch.device("meta")


class OneDevice(TorchDispatchMode):
    """Sees to it that no tensor of another device is used: on a GPU, one of the host's would have to be copied there."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        devices = {leaf.device for leaf in tree_leaves((args, kwargs, out)) if isinstance(leaf, torch.Tensor)}
        assert devices <= {META}, f"{func} works with tensors on {devices}"
        return out


@contextmanager
def values_unknown() -> Iterator[None]:
    """Have work done on tensors that hold nothing, so that asking for a value fails."""
    with torch.no_grad(), OneDevice():
        yield


def test_the_watch_sees_what_cannot_be_recorded() -> None:
    odds = torch.zeros(3, device=META)
    with values_unknown():
        odds.cumsum(0)
        with pytest.raises(AssertionError, match="cpu"):
            odds[torch.tensor([1])] = 0.0
        with pytest.raises(RuntimeError):
            odds.sum().item()


OPTIONS = [
    {"temperature": 0.0}, {"top_p": 1.0, "repetition_penalty": 1.0}, {"top_p": 1.0, "min_p": 0.1, "no_repeat_ngram": 2},
    {"top_k": 50}, {},
]  # fmt: skip


@pytest.fixture(params=["gpt2", "qwen3"])
def unknown_batch(
    starter: LoadedModel, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> StaticBatch:
    """Return a batch of a network that is nowhere; whatever it does, it does as it would be recorded."""
    run = GraphCache.run.__wrapped__  # type: ignore[attr-defined]

    def watched(self: GraphCache, key: object, work: Callable[[], None]) -> None:
        with values_unknown():
            run(self, key, work)

    monkeypatch.setattr(GraphCache, "run", watched)
    spec = read_spec({
        "gpt2": CONFIGS["gpt2"][1] | {"n_positions": 300},
        "qwen3": CONFIGS["qwen3"][1] | {"max_position_embeddings": 300},
    }[request.param] | {"model_type": request.param, "vocab_size": starter.backend.vocabulary_size})  # fmt: skip
    weights = {name: torch.empty(shape, device=META) for name, shape in spec.weight_shapes().items()}
    return CudaGraphNetwork(spec, weights, META, torch.bfloat16).open_batch(5)


def test_a_step_asks_for_no_value_and_brings_nothing_along(unknown_batch: StaticBatch) -> None:
    for lengths in ([1, 2, 3, 4, 5], [290, 1, 1, 1, 1]):
        unknown_batch.lengths[:] = lengths
        unknown_batch.step()


@pytest.mark.parametrize("changes", OPTIONS)
def test_a_draw_asks_for_no_value_and_brings_nothing_along(
    unknown_batch: StaticBatch, starter: LoadedModel, changes: dict[str, float]
) -> None:
    sampler = DeviceSampler(unknown_batch, TokenClasses(starter))
    plan = SamplingPlan.of([GenerationOptions(**changes)], starter.backend.vocabulary_size)
    for is_biased in (False, True):
        work = partial(sampler._draw, unknown_batch.logits[:6], unknown_batch.tokens[:6], plan, is_biased=is_biased)
        unknown_batch.run(("draw", is_biased), work)


class Driver:
    """Stands for CUDA: graphs that remember what was done while they were recorded, and do it again."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.recording: list[Callable[[], None]] | None = None
        self.fails: Exception | None = None
        self.end_fails = False
        self.waits = 0
        driver = self

        class Stream:
            def __init__(self, device: object) -> None:
                pass

            def wait_stream(self, other: object) -> None:
                driver.waits += 1

        class Graph:
            def __init__(self) -> None:
                self.work: list[Callable[[], None]] = []

            def replay(self) -> None:
                for piece in self.work:
                    piece()

        @contextmanager
        def graph(graph: Graph, **wishes: object) -> Iterator[None]:
            assert wishes.keys() == {"pool", "stream", "capture_error_mode"}
            driver.recording = graph.work
            try:
                yield
            finally:
                driver.recording = None
                if driver.end_fails:
                    raise RuntimeError("CUDA error: operation failed due to a previous error during capture")

        @contextmanager
        def nothing(_: object) -> Iterator[None]:
            yield

        for name, put in {
            "Stream": Stream, "CUDAGraph": Graph, "graph": graph, "stream": nothing, "device": nothing,
            "graph_pool_handle": object, "current_stream": Stream,
        }.items():  # fmt: skip
            patch.setattr(torch.cuda, name, put)

    def launch(self, piece: Callable[[], None]) -> None:
        """Do a piece of work, or remember it while a graph is recorded."""
        if self.recording is None:
            piece()
            return
        if self.fails:
            raise self.fails
        self.recording.append(piece)


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    return Driver(monkeypatch)


def test_work_is_done_once_whether_it_is_written_or_recorded(driver: Driver) -> None:
    recorder, done, written = GraphCache(torch.device("cuda:0")), [], []

    def work() -> None:
        written.append(1)
        driver.launch(lambda: done.append(1))

    for times in range(1, 6):
        recorder.run("work", work)
        assert len(done) == times
    assert len(written) == 2  # to be done, and to be recorded
    assert recorder.recorded == {"work"}
    assert driver.waits == 2


@pytest.mark.parametrize("end_fails", [False, True])
def test_what_cannot_be_recorded_is_done_as_it_is_written(driver: Driver, end_fails: bool) -> None:
    recorder, done = GraphCache(torch.device("cuda:0")), []
    driver.fails, driver.end_fails = RuntimeError("operation not permitted when stream is capturing"), end_fails
    for times in range(1, 4):
        recorder.run("work", lambda: driver.launch(lambda: done.append(1)))
        assert len(done) == times
    assert not recorder.recorded
    driver.fails, driver.end_fails = None, False
    recorder.run("more", lambda: driver.launch(lambda: None))
    assert recorder.recorded == {"more"}


@pytest.mark.parametrize("end_fails", [False, True])
def test_memory_that_runs_out_in_a_recording_is_said_so(driver: Driver, end_fails: bool) -> None:
    recorder = GraphCache(torch.device("cuda:0"))
    driver.fails, driver.end_fails = torch.OutOfMemoryError("CUDA out of memory."), end_fails
    with pytest.raises(torch.OutOfMemoryError):
        recorder.run("work", lambda: driver.launch(lambda: None))
    assert driver.waits == 2  # whoever takes the memory next must not get ahead of what still uses it
