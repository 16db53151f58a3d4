"""Takes of a network that is given its next step before the last one is looked at: the same as of one that is waited for."""

import gc
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from fakes import write_random_model

from songsmith.benchmark.random_model import GPT2_SMALL
from songsmith.benchmark.random_model import write_random_model as write_gpt2
from songsmith.errors import EngineError
from songsmith.generation.engine import Engine
from songsmith.generation.events import TokenChunk
from songsmith.generation.options import GenerationOptions
from songsmith.lyrics import SectionKind, parse
from songsmith.markup import Prompt
from songsmith.model.loading import LoadedModel
from songsmith.model.networks.cuda_graphs import CudaGraphNetwork, GraphCache, StaticBatch
from songsmith.model.networks.torch_backend import TorchBackend
from songsmith.model.registry import ModelStore
from songsmith.paths import find_paths
from songsmith.takes import FinishReason

RIVER = Prompt(song=parse("Down by the river"), open_line=True)
PROMPTS = [
    Prompt(), RIVER, Prompt(song=parse("Down by the river\nWhere the willows grow\n", title="Willows")),
    Prompt(song=parse("Down by the river\n"), next_section=SectionKind.CHORUS),
    Prompt(song=parse("La la la\n" * 90), open_line=False),
]  # fmt: skip
KINDS: list[dict[str, object]] = [
    {}, {"temperature": 0.0}, {"temperature": 0.0, "no_repeat_ngram": 3}, {"top_k": 40, "top_p": 1.0}, {"top_k": 3},
    {"top_p": 1.0}, {"top_p": 1.0, "min_p": 0.05, "repetition_penalty": 1.0}, {"no_repeat_ngram": 2, "min_p": 0.1},
    {"repetition_penalty": 0.9, "stop_at_section": True, "min_lines": 0},
]  # fmt: skip


def load(name: str, kind: type[TorchBackend], device: str = "cpu", dtype: torch.dtype = torch.float64) -> LoadedModel:
    """Return a model in double precision: how a processor rounds must not choose between two tokens that are as likely."""
    stored = ModelStore(find_paths()).read(name)
    backend = kind(stored.spec, stored.tensors(), torch.device(device), dtype)
    return LoadedModel(
        name=name, manifest=stored.manifest, weights_sha256="", backend=backend, tokenizer=stored.tokenizer
    )


pytestmark = pytest.mark.usefixtures("one_torch_thread")


@pytest.fixture(scope="module")
def waiting() -> LoadedModel:
    """Return the starter on a network that is waited for."""
    return load("starter", TorchBackend)


@pytest.fixture(scope="module")
def queued() -> LoadedModel:
    """Return the starter on a network that queues its steps."""
    return load("starter", CudaGraphNetwork)


@pytest.fixture(scope="module")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the folder of a model that is small, and writes noise."""
    return str(write_random_model(tmp_path_factory.mktemp("queued") / "small", manifest={"format": "markup"}))


@pytest.fixture(scope="module")
def small(small_folder: str) -> LoadedModel:
    """Return the small model on a network that queues its steps."""
    return load(small_folder, CudaGraphNetwork)


def options(**changes: object) -> GenerationOptions:
    return GenerationOptions(**{"temperature": 0.9, "top_p": 0.95, "max_lines": 5, "max_new_tokens": 60} | changes)


def chunks_of(model: LoadedModel, asked: list[tuple[Prompt, GenerationOptions]]) -> list[TokenChunk]:
    return list(Engine(model, drafts=False).stream_all(asked))


Told = list[tuple[str, int, str, bool, FinishReason | None]]


def told(model: LoadedModel, asked: list[tuple[Prompt, GenerationOptions]]) -> list[Told]:
    """Return everything that is told of each take, but for the time."""
    takes: list[Told] = [[] for _ in asked]
    for chunk in chunks_of(model, asked):
        takes[chunk.take].append((chunk.text, chunk.tokens, chunk.title, chunk.window_slid, chunk.finish))
    return takes


@pytest.mark.parametrize("prompts", [1, pytest.param(len(PROMPTS), marks=pytest.mark.slow)])
def test_queued_or_waited_for_takes_say_the_same(waiting: LoadedModel, queued: LoadedModel, prompts: int) -> None:
    asked = [
        (PROMPTS[(seed + number) % len(PROMPTS)], options(seed=seed, max_lines=1 + seed % 6, max_new_tokens=40, **kind))
        for number in range(prompts)
        for seed, kind in enumerate(KINDS)
    ]
    assert told(queued, asked) == told(waiting, asked)


def test_takes_of_different_prompts_and_options_are_as_if_alone(small: LoadedModel) -> None:
    asked = [
        (PROMPTS[seed % len(PROMPTS)], options(seed=seed, max_new_tokens=5 + 9 * seed, **kind))
        for seed, kind in enumerate(KINDS)
    ]
    assert told(small, asked) == [told(small, [one])[0] for one in asked]


def test_a_song_that_outgrows_the_window_says_the_same(tmp_path: Path) -> None:
    folder = str(write_random_model(tmp_path / "song", window=400, manifest={"format": "markup"}))
    wanted = {"max_lines": 0, "min_lines": 100_000}
    # The first take leaves in the middle; the second goes on in its place, past the end of the window. The third begins there.
    asked = [(RIVER, options(seed=4, max_new_tokens=40, **wanted)), (RIVER, options(seed=5, max_new_tokens=500, **wanted)),
             (PROMPTS[-1], options(seed=6, max_new_tokens=450, **wanted))]  # fmt: skip
    takes = told(load(folder, CudaGraphNetwork), asked)
    assert takes == told(load(folder, TorchBackend), asked)
    assert [sum(slid for _, _, _, slid, _ in take) for take in takes] == [0, 1, 3]


@pytest.mark.parametrize("window", [2, 3, 5, 24])
def test_small_windows_slide_alike(tmp_path: Path, window: int) -> None:
    folder = str(write_random_model(tmp_path / "small", window=window, manifest={"format": "markup"}))
    asked = [
        (RIVER, options(seed=seed, temperature=1.0, max_lines=0, min_lines=100, max_new_tokens=20 + 30 * seed))
        for seed in range(4)
    ]
    assert told(load(folder, CudaGraphNetwork), asked) == told(load(folder, TorchBackend), asked)


def test_a_batch_is_used_again(small: LoadedModel) -> None:
    backend = small.backend
    assert isinstance(backend, CudaGraphNetwork)
    asked = [(RIVER, options(seed=seed)) for seed in range(3)]
    first = told(small, asked)
    with backend.open_batch(2) as batch:
        pass
    assert told(small, asked) == first
    with backend.open_batch(1) as again:
        assert again is batch
        with backend.open_batch(1) as beside:
            assert beside is not batch
            assert told(small, asked) == first
    stream = Engine(small, drafts=False).stream_all(asked)
    next(stream)
    stream.close()
    assert told(small, asked) == first


class Cramped(CudaGraphNetwork):
    """A network whose memory is short, or which breaks down, after some steps."""

    most, after, error = 2, 9, RuntimeError("CUDA error: out of memory")

    def open_batch(self, rows: int) -> StaticBatch:
        batch = super().open_batch(rows)
        step, steps = StaticBatch.step, iter(range(10**6))

        def failing() -> None:
            if rows > self.most and next(steps) >= self.after:
                raise self.error
            step(batch)

        batch.step = failing  # type: ignore[method-assign]
        return batch


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory."), RuntimeError("CUBLAS_STATUS_ALLOC_FAILED"), Cramped.error], ids=str
)  # fmt: skip
def test_where_memory_runs_out_takes_wait_for_each_other(
    small_folder: str, small: LoadedModel, error: Exception
) -> None:
    cramped = load(small_folder, Cramped)
    cramped.backend.error = error
    asked = [(RIVER, options(seed=seed)) for seed in range(5)]
    assert told(cramped, asked) == told(small, asked)
    assert 1 <= sum(chunk.fewer_at_once for chunk in chunks_of(cramped, asked)) <= 3


class Coarse(Cramped):
    """A network that also says something else with fewer takes beside each other, as coarse numbers may: that the song ends."""

    ends = 0

    def open_batch(self, rows: int) -> StaticBatch:
        batch = super().open_batch(rows)
        if rows <= self.most:
            step = batch.step

            def ending() -> None:
                step()
                batch.logits[:, self.ends] = 1e4

            batch.step = ending  # type: ignore[method-assign]
        return batch


def test_takes_go_on_from_where_they_were_when_memory_ran_out(small_folder: str, small: LoadedModel) -> None:
    coarse = load(small_folder, Coarse)
    coarse.backend.ends = coarse.tokenizer.end
    # Of seeds that draw nothing that breaks a character: to draw again takes a step again.
    asked = [(RIVER, options(seed=seed, max_lines=0, min_lines=0)) for seed in range(3, 6)]
    takes, whole = told(coarse, asked), told(small, asked)
    for take, alone in zip(takes, whole, strict=True):
        assert take[-1][-1] is FinishReason.END_OF_SONG
        assert [chunk[1] for chunk in take] == list(range(1, len(take) + 1))
        # What was read again says what comes next, as it did before.
        assert take[: Coarse.after + 1] == alone[: Coarse.after + 1]
        assert len(take) == Coarse.after + 2


def test_memory_is_free_before_fewer_takes_are_tried(small_folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, batches, alive = load(small_folder, CudaGraphNetwork), [], []
    run, init = GraphCache.run, StaticBatch.__init__

    def counted(self: StaticBatch, *arguments: object) -> None:
        alive.append(sum(batch() is not None for batch in batches))
        init(self, *arguments)
        batches.append(weakref.ref(self))

    def failing(self: GraphCache, key: tuple[object, ...], work: Callable[[], None]) -> None:
        run(self, key, work)
        if key[:2] == ("step", 4):
            raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(StaticBatch, "__init__", counted)
    monkeypatch.setattr(GraphCache, "run", failing)
    gc.disable()
    try:
        told(model, [(RIVER, options(seed=seed, max_new_tokens=9)) for seed in range(4)])
    finally:
        gc.enable()
    assert alive == [0, 0]


def test_what_was_told_before_a_breakdown_stays_told(small_folder: str, small: LoadedModel) -> None:
    broken = load(small_folder, Cramped)
    broken.backend.most, broken.backend.error = 0, RuntimeError("CUDA error: an illegal memory access was encountered")
    asked = [(RIVER, options(seed=1))]
    before: list[str] = []
    with pytest.raises(EngineError, match="illegal memory access"):
        before.extend(chunk.text for chunk in Engine(broken, drafts=False).stream_all(asked))
    assert before == [text for text, *_ in told(small, asked)[0][: Cramped.after]]


def test_a_model_without_a_choice_left_or_with_damaged_weights_is_one_error(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = write_random_model(tmp_path / "nan")
    weights = load_file(folder / "model.safetensors")
    weights["transformer.ln_f.weight"][:] = float("nan")
    save_file(weights, folder / "model.safetensors")
    for temperature in (0.0, 1.0):
        with pytest.raises(EngineError, match="aren't numbers"):
            told(load(str(folder), CudaGraphNetwork), [(RIVER, options(temperature=temperature))])


@pytest.fixture(scope="module")
def on_gpu() -> LoadedModel:
    """Return the starter as `songsmith gen` loads it where there is a GPU."""
    model = ModelStore(find_paths()).load("starter", device="cuda")
    assert isinstance(model.backend, CudaGraphNetwork)
    return model


def asked_of_a_gpu() -> list[tuple[Prompt, GenerationOptions]]:
    return [
        (prompt, options(seed=seed, max_new_tokens=30 + 20 * seed, **kind))
        for prompt in PROMPTS
        for seed, kind in enumerate(KINDS)
    ]


@pytest.mark.gpu
def test_recorded_or_not_and_run_after_run_takes_say_the_same(
    on_gpu: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asked_of_a_gpu()
    first = told(on_gpu, asked)
    assert told(on_gpu, asked) == first
    with on_gpu.backend.open_batch(1) as batch:
        assert {key[0] for key in batch.recorded} == {"step", "draw"}
    monkeypatch.setattr(GraphCache, "_run_and_record", lambda self, key, work, stream: work())
    unrecorded = ModelStore(find_paths()).load("starter", device="cuda")
    assert told(unrecorded, asked) == first
    with unrecorded.backend.open_batch(1) as batch:
        assert not batch.recorded


@pytest.mark.gpu
def test_a_gpu_in_float32_says_what_a_processor_says(waiting: LoadedModel) -> None:
    exact = load("starter", CudaGraphNetwork, "cuda:0")
    asked = [(RIVER, options(seed=seed, **kind)) for seed, kind in enumerate(KINDS)]
    assert told(exact, asked) == told(waiting, asked)


@pytest.mark.gpu
def test_a_long_song_on_a_gpu_goes_on(on_gpu: LoadedModel) -> None:
    wanted = options(max_lines=0, min_lines=100_000, max_new_tokens=2000)
    chunks = chunks_of(on_gpu, [(RIVER, wanted)])
    assert len(chunks) == 2000
    assert sum(chunk.window_slid for chunk in chunks) >= 2


@pytest.mark.gpu
def test_on_a_gpu_with_little_memory_takes_wait_for_each_other(tmp_path: Path) -> None:
    write_gpt2(tmp_path, GPT2_SMALL)
    model = load(str(tmp_path), CudaGraphNetwork, "cuda:0", torch.bfloat16)
    asked = [(RIVER, options(seed=seed, max_new_tokens=40, max_lines=0)) for seed in range(16)]
    told(model, asked[:1])  # what libraries take for themselves
    model.backend._idle.clear()
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    # Sixteen takes remember about 640 MB.
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 400 * 2**20) / total)
    try:
        chunks = chunks_of(model, asked)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert 1 <= sum(chunk.fewer_at_once for chunk in chunks) <= 8
    for take in range(16):
        counts = [chunk.tokens for chunk in chunks if chunk.take == take]
        assert counts == list(range(1, len(counts) + 1))
        assert sum(chunk.take == take and chunk.finish is not None for chunk in chunks) == 1
