"""Steps that are queued, in memory that stays where it is: the logits of steps that are waited for, whatever came before."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from songsmith.model.architectures import read_spec
from songsmith.model.architectures.gpt2 import gpt2_spec
from songsmith.model.architectures.spec import NetworkSpec
from songsmith.model.backend import Logits
from songsmith.model.networks import cuda_graphs
from songsmith.model.networks.cuda_graphs import CudaGraphNetwork, StaticBatch, round_rows
from songsmith.model.networks.random_weights import random_weights
from songsmith.model.networks.torch_backend import TorchBackend

CPU = torch.device("cpu")
SMALL = gpt2_spec(vocabulary_size=97, context_window_tokens=160, width=32, layers=2, heads=4)
FULL = gpt2_spec(vocabulary_size=50257, context_window_tokens=1024, width=768, layers=12, heads=12)


pytestmark = pytest.mark.usefixtures("one_torch_thread")


@pytest.fixture(autouse=True, scope="module")
def _short_spans():
    # Otherwise the whole of a small window would be looked at from the start.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cuda_graphs, "_SHORTEST_SPAN", 8)
        yield


def model_of(config: NetworkSpec = SMALL, seed: int = 0) -> CudaGraphNetwork:
    # Ten times as wide as a fresh GPT-2's, so that what comes before makes a difference.
    weights = {
        name: weight * 10 if weight.dim() == 2 else weight for name, weight in random_weights(config, seed).items()
    }
    return CudaGraphNetwork(config, weights, CPU, torch.float32)


def step(batch: StaticBatch, tokens: Sequence[int]) -> Logits:
    batch.tokens[: len(tokens)] = torch.tensor(tokens)
    batch.step()
    logits: Logits = batch.logits[: len(tokens)].float().cpu().numpy().copy()
    return logits


def begin(model: TorchBackend, batch: StaticBatch, texts: Sequence[Sequence[int]]) -> None:
    for row, text in enumerate(texts):
        alone = model.new_cache(len(text))
        model.forward([text], alone)
        batch.replace(row, alone)


def llama_spec(kind: str, vocabulary: int, heads: int, groups: int, size: int, layers: int) -> NetworkSpec:
    return read_spec({
        "model_type": kind, "vocab_size": vocabulary, "max_position_embeddings": 24, "hidden_size": 12, "head_dim": 2 * size,
        "num_hidden_layers": layers, "num_attention_heads": heads * groups, "num_key_value_heads": heads,
        "intermediate_size": 20,
    })  # fmt: skip


shapes = st.builds(
    lambda vocabulary, heads, size, layers: gpt2_spec(
        vocabulary_size=vocabulary, context_window_tokens=24, width=heads * size, layers=layers, heads=heads
    ),
    st.integers(2, 40), st.integers(1, 4), st.sampled_from([1, 3, 8]), st.integers(1, 3),
) | st.builds(
    llama_spec, st.sampled_from(["llama", "qwen2", "qwen3"]), st.integers(2, 40), st.integers(1, 2), st.integers(1, 3),
    st.integers(1, 4), st.integers(1, 3),
)  # fmt: skip


@given(shapes, st.data(), st.integers(0, 2**32 - 1))
def test_rows_step_as_if_alone_whatever_came_before(config, data, seed):
    model = model_of(config, seed)
    token = st.integers(0, config.vocabulary_size - 1)
    text = st.lists(token, min_size=1, max_size=7)
    for _ in range(2):  # in the same memory the second time, if it is large enough
        read = data.draw(st.lists(text, min_size=1, max_size=5), label="prompts")
        with model.open_batch(len(read)) as batch:
            begin(model, batch, read)
            for _ in range(data.draw(st.integers(1, 6), label="turns")):
                match data.draw(st.sampled_from(["step", "step", "keep", "replace", "forget", "advance"])):
                    case "keep":
                        order = data.draw(
                            st.lists(st.integers(0, len(read) - 1), min_size=1, max_size=len(read), unique=True)
                        )
                        batch.select(order)
                        read = [read[row] for row in order]
                    case "replace":
                        row = data.draw(st.integers(0, len(read) - 1))
                        read[row] = data.draw(text)
                        alone = model.new_cache(24)
                        model.forward([read[row]], alone)
                        batch.replace(row, alone)
                    case "forget":
                        row = data.draw(st.integers(0, len(read) - 1))
                        batch.truncate(row, 1)
                        read[row] = read[row][:-1]
                    case "advance" if max(map(len, read)) < 16:
                        more = [data.draw(text) for _ in read]
                        model.forward(more, batch)
                        read = [[*before, *new] for before, new in zip(read, more, strict=True)]
                    case _:
                        pass
                if max(map(len, read)) >= 24:
                    break
                tokens = [data.draw(token) for _ in read]
                logits = step(batch, tokens)
                read = [[*before, one] for before, one in zip(read, tokens, strict=True)]
                for row, all_of_it in enumerate(read):
                    np.testing.assert_allclose(logits[row], model.forward_full(all_of_it)[-1], atol=1e-4, rtol=1e-3)
                assert batch.lengths == [len(tokens) for tokens in read]


@settings(max_examples=5)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_every_place_of_a_window_that_is_filled_step_by_step(seed, rows):
    model = model_of(seed=seed)
    window = SMALL.context_window_tokens
    random = np.random.default_rng(seed)
    texts = [random.integers(0, SMALL.vocabulary_size, window).tolist() for _ in range(rows)]
    expected = [model.forward_full(text) for text in texts]
    starts = [1 + 3 * row for row in range(rows)]
    with model.open_batch(rows) as batch:
        begin(model, batch, [text[:start] for text, start in zip(texts, starts, strict=True)])
        while max(batch.lengths) < window:
            places = list(batch.lengths)
            logits = step(batch, [text[place] for text, place in zip(texts, places, strict=True)])
            for row, place in enumerate(places):
                np.testing.assert_allclose(logits[row], expected[row][place], atol=1e-4, rtol=1e-3)
        with pytest.raises(ValueError, match="does not fit"):
            batch.step()
        assert max(batch.lengths) == window


def test_logits_and_tokens_move_with_their_rows():
    model = model_of()
    with model.open_batch(4) as batch:
        begin(model, batch, [[1], [2, 3], [4, 5, 6], [7]])
        before = step(batch, [8, 9, 10, 11])
        batch.select([3, 1])
        np.testing.assert_array_equal(batch.logits[:2].numpy(), before[[3, 1]])
        assert batch.tokens[:2].tolist() == [11, 9]


def test_rows_that_fill_a_batch_up_stay_where_they_are():
    model = model_of()
    with model.open_batch(8) as batch:
        begin(model, batch, [[1]] * 8)
        batch.select(range(5))
        for _ in range(SMALL.context_window_tokens - 1):  # more steps than there are places
            step(batch, [2] * 5)
        assert (batch.padded_batch_size, batch.most_rows) == (6, 8)


def test_what_broke_down_is_not_used_again():
    model = model_of()
    with pytest.raises(RuntimeError, match="broken"), model.open_batch(2) as broken:
        raise RuntimeError("broken")
    with model.open_batch(2) as batch:
        assert batch is not broken


def test_sizes_come_again_and_waste_at_most_a_third():
    assert [round_rows(rows) for rows in (1, 2, 3, 4, 5, 7, 9, 13, 17, 200)] == [1, 2, 3, 4, 6, 8, 12, 16, 24, 256]
    assert all(rows <= round_rows(rows) <= 1.5 * rows for rows in range(1, 300))


SMOLLM2 = read_spec({
    "model_type": "llama", "vocab_size": 49152, "max_position_embeddings": 1024, "hidden_size": 576, "num_hidden_layers": 12,
    "num_attention_heads": 9, "num_key_value_heads": 3, "intermediate_size": 1536, "tie_word_embeddings": True,
})  # fmt: skip


@pytest.fixture(params=[FULL, SMOLLM2], ids=["gpt2", "smollm2"])
def on_gpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> CudaGraphNetwork:
    """Return a network of full size on a GPU, in bfloat16."""
    monkeypatch.setattr(cuda_graphs, "_SHORTEST_SPAN", 256)
    spec: NetworkSpec = request.param
    return CudaGraphNetwork(spec, random_weights(spec, 0), torch.device("cuda:0"), torch.bfloat16)


def noise(rows: int, length: int) -> list[list[int]]:
    return np.random.default_rng(rows).integers(0, SMOLLM2.vocabulary_size, (rows, length)).tolist()


@pytest.mark.gpu
@pytest.mark.parametrize("rows", [1, 3, 5, 16])
def test_recorded_steps_are_those_that_are_run_and_close_to_float32(on_gpu: CudaGraphNetwork, rows: int) -> None:
    exact = TorchBackend(on_gpu.spec, random_weights(on_gpu.spec, 0), CPU, torch.float32)
    texts = noise(rows, 300)
    starts = [240 - row for row in range(rows)]
    expected = exact.forward_full(texts[0])
    found, recorded, written = [], on_gpu.open_batch(rows), StaticBatch(on_gpu, rows)
    written.clear(rows)
    written._recorder._stream = None
    for batch in (recorded, written):
        begin(on_gpu, batch, [text[:start] for text, start in zip(texts, starts, strict=True)])
        steps = []
        for _ in range(40):
            steps.append(step(batch, [text[place] for text, place in zip(texts, batch.lengths, strict=True)]))
        found.append(steps)
    # So many tokens of the cache are looked at: 256, and past them 512.
    assert recorded.recorded == {("step", round_rows(rows), span) for span in (256, 512)}
    assert not written.recorded
    assert np.array_equal(*found)
    for place, logits in enumerate(found[0]):
        # bfloat16 keeps 8 bits: within a few hundredths of the spread of the logits.
        assert np.abs(logits[0] - expected[240 + place]).max() < 0.1 * expected.std() + 0.05


@pytest.mark.gpu
def test_batches_are_recorded_beside_threads_that_use_the_gpu(on_gpu: CudaGraphNetwork) -> None:
    from threading import Event, Thread

    done = Event()

    def disturb() -> None:
        while not done.is_set():
            torch.ones(1 << 20, device="cuda:0").sum().item()

    thread = Thread(target=disturb)
    thread.start()
    try:
        for rows in (7, 2):
            batch = StaticBatch(on_gpu, rows)
            batch.clear(rows)
            begin(on_gpu, batch, noise(rows, 20))
            for _ in range(3):
                step(batch, [1] * rows)
            assert len(batch.recorded) == 1
    finally:
        done.set()
        thread.join()


def test_a_batch_that_was_left_in_the_middle_of_a_step_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    model, run = model_of(), cuda_graphs.GraphCache.run
    with model.open_batch(1) as batch:
        begin(model, batch, [[1, 2, 3]])
        step(batch, [4])

        def interrupted(self, key, work):
            run(self, key, work)
            raise KeyboardInterrupt

        monkeypatch.setattr(cuda_graphs.GraphCache, "run", interrupted)
        with pytest.raises(KeyboardInterrupt), batch:
            batch.step()
    monkeypatch.setattr(cuda_graphs.GraphCache, "run", run)
    with model.open_batch(1) as again:
        assert again is batch
        begin(model, again, [[5, 6, 7, 8]])
        np.testing.assert_allclose(step(again, [9])[0], model.forward_full([5, 6, 7, 8, 9])[-1], atol=1e-4, rtol=1e-3)
