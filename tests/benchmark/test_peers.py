"""What a person could use instead: real ones where they are installed, and what is said of those that are not."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from songsmith.benchmark.contestants import CONTESTANTS, Contestant
from songsmith.benchmark.converting import convert
from songsmith.benchmark.options import BenchmarkOptions
from songsmith.benchmark.random_model import write_random_model
from songsmith.benchmark.results import OURS, Measure
from songsmith.benchmark.worker import Absent, Worker
from songsmith.benchmark.writing import measure_writing
from songsmith.model.architectures.gpt2 import gpt2_spec

TINY = gpt2_spec(vocabulary_size=320, context_window_tokens=128, width=32, layers=2, heads=2)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    write_random_model(folder, TINY)
    return folder


def test_who_is_not_installed_is_absent_at_once(model, tmp_path):
    nobody = Contestant(load=CONTESTANTS[OURS].load, packages=("json", "no_such_peer"))
    start_s = time.perf_counter()
    with pytest.raises(Absent, match=r"^no_such_peer is not installed$"):
        convert("nobody", model, os.environ, tmp_path, {"nobody": nobody})
    assert time.perf_counter() - start_s < 0.5


def test_a_model_that_cannot_be_converted_makes_its_contestant_absent(tmp_path):
    pytest.importorskip("ctranslate2")
    empty, work = tmp_path / "empty", tmp_path / "work"
    empty.mkdir()
    work.mkdir()
    with pytest.raises(Absent, match=r"model|config"):
        convert("CTranslate2 int8", empty, os.environ, work)


@pytest.mark.parametrize("name", ["CTranslate2 int8, 1 thread", "llama.cpp 8 bit", "vLLM"])
def test_an_installed_peer_writes_as_many_tokens_as_it_is_told(name, model, tmp_path):
    if CONTESTANTS[name].missing():
        pytest.skip(CONTESTANTS[name].missing())
    place = convert(name, model, os.environ, tmp_path)
    assert convert(name, model, os.environ, tmp_path) == place  # made once
    if place != model:  # 8 bits were asked for
        bytes_there = max(path.stat().st_size for path in place.iterdir())
        assert bytes_there < 0.5 * (model / "model.safetensors").stat().st_size
    worker = Worker(name, place, os.environ)
    try:
        assert worker.load().device
        assert worker.write(3, 5) > 0  # it counts them itself
        assert worker.write(1, 1) > 0
        with pytest.raises(Absent, match="doesn't report single tokens"):
            worker.clock(100)
    finally:
        worker.close()


def test_ctranslate2_computes_the_same_network(model, tmp_path):
    ctranslate2 = pytest.importorskip("ctranslate2")
    import numpy as np
    import torch
    from transformers import GPT2LMHeadModel

    place = convert("CTranslate2", model, os.environ, tmp_path)
    generator = ctranslate2.Generator(str(place), compute_type="float32")
    tokens = [3, 1, 4, 1, 5]
    ours = np.array(generator.forward_batch([tokens], return_log_probs=True))[0]
    with torch.no_grad():
        theirs = GPT2LMHeadModel.from_pretrained(model)(torch.tensor([tokens])).logits[0].log_softmax(-1).numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_gguf_holds_every_weight_of_the_network(model, tmp_path):
    gguf = pytest.importorskip("gguf")
    import numpy as np
    from safetensors.numpy import load_file

    from songsmith.benchmark.peers.llama_cpp import convert_to_gguf

    place = tmp_path / "gguf"
    place.mkdir()
    convert_to_gguf(model, place)
    weights = load_file(model / "model.safetensors")
    tensors = {
        tensor.name: gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        for tensor in gguf.GGUFReader(place / "model.gguf").tensors
    }
    assert len(tensors) == len(TINY.weight_shapes())
    wide = tensors["blk.1.ffn_up.weight"]
    np.testing.assert_allclose(wide, weights["transformer.h.1.mlp.c_fc.weight"].T, atol=np.abs(wide).max() / 100)
    np.testing.assert_array_equal(tensors["position_embd.weight"], weights["transformer.wpe.weight"])


def test_all_take_turns_and_who_cannot_begin_has_one_row(model, tmp_path):
    ours = CONTESTANTS[OURS]
    contestants = {
        OURS: ours,
        "missing": Contestant(load=ours.load, packages=("no_such_peer",)),
        # A process that is asked for a contestant it does not have fails as one does that cannot load.
        "broken": ours,
    }
    options = BenchmarkOptions(takes=(1, 2), new_tokens=3, runs=2)
    loaded, rows = measure_writing(options, model, os.environ, tmp_path, contestants)
    width, layers = TINY.width, TINY.layers
    assert loaded.weights_a_token == 12 * width**2 * layers + TINY.vocabulary_size * width
    assert (loaded.device, loaded.weight_bytes) == ("cpu", 1)
    found = [(row.contestant, row.measure, row.takes, len(row.values), bool(row.absent)) for row in rows]
    assert found == [
        (OURS, Measure.TOKENS_PER_S, 1, 2, False), (OURS, Measure.TOKENS_PER_S, 2, 2, False),
        (OURS, Measure.WARM_FIRST_TOKEN_S, None, 6, False), (OURS, Measure.WRITING_PEAK_MEMORY_MIB, None, 1, False),
        ("missing", Measure.TOKENS_PER_S, None, 0, True), ("broken", Measure.TOKENS_PER_S, None, 0, True),
    ]  # fmt: skip
    assert json.dumps([row.absent for row in rows[-2:]]) == json.dumps(
        ["no_such_peer is not installed", "KeyError: 'broken'"]
    )


def test_who_is_killed_is_absent_for_that(model):
    worker = Worker(OURS, model, os.environ)
    worker.load()
    os.kill(worker.process_id, signal.SIGKILL)
    for _ in range(2):
        with pytest.raises(Absent, match="ended by SIGKILL"):
            worker.write(1, 1)
    assert worker.close() > 0


def test_every_peer_has_a_form_that_can_be_made():
    from songsmith.benchmark.contestants import CONVERSIONS

    assert next(iter(CONTESTANTS)) == OURS
    assert {contestant.form for contestant in CONTESTANTS.values()} == {"", *CONVERSIONS}
