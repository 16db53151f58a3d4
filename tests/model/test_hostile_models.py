"""Model folders made to hold up whoever looks at them: each is refused in a sentence, at once, and hides no other."""

import json
import os
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import Songsmith, write_random_model
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import write_tiny_model
from tokenizers import Regex
from tokenizers import Tokenizer as RustTokenizer
from tokenizers.pre_tokenizers import ByteLevel, Sequence, Split

from songsmith.errors import ModelError, SongsmithError
from songsmith.model.registry import ModelStore
from songsmith.model.tokenizer import Tokenizer
from songsmith.paths import Paths, find_paths

AT_ONCE_S = 5.0


@pytest.fixture(scope="module")
def loaded_transformers() -> None:
    """Import what takes seconds whatever the model is."""
    from transformers import GPT2LMHeadModel, GPTNeoXForCausalLM, LlamaForCausalLM, OPTForCausalLM

    assert GPT2LMHeadModel
    assert GPTNeoXForCausalLM
    assert LlamaForCausalLM
    assert OPTForCausalLM


def refusal(store: ModelStore, name: str) -> str:
    """Return why a model is refused, and make sure that neither that nor the list takes long."""
    start_s = time.monotonic()
    with pytest.raises(ModelError) as caught:
        store.load(name, device="cpu", threads=1)
    assert "starter" in [entry.name for entry in store.entries()]
    assert time.monotonic() - start_s < AT_ONCE_S
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000
    return caught.value.message


def put_pipe(path: Path) -> None:
    os.mkfifo(path)


def put_socket(path: Path) -> None:
    if len(str(path)) > 100:  # no socket has so long a name
        link = Path("/tmp") / f"songsmith-{os.getpid()}.socket"
        put_socket(link)
        path.symlink_to(link)
        return
    path.unlink(missing_ok=True)
    socket.socket(socket.AF_UNIX).bind(str(path))


SPECIAL: dict[str, Callable[[Path], None]] = {
    "pipe": put_pipe,
    "socket": put_socket,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "folder": Path.mkdir,
}
FILES = ("config.json", "manifest.json", "model.safetensors", "tokenizer.json", "merges.txt", "vocab.json",
         "model.safetensors.index.json")  # fmt: skip


@pytest.fixture
def special(paths: Paths) -> list[str]:
    """Return the names of models, in each of which one file is of a special kind."""
    names = []
    for file in FILES:
        for kind, put in SPECIAL.items():
            folder = write_random_model(paths.models / f"{file} {kind}", manifest={"format": "plain"})
            if file in ("merges.txt", "vocab.json"):
                (folder / "tokenizer.json").unlink()
                for other in {"merges.txt", "vocab.json"} - {file}:
                    (folder / other).write_text("{}", encoding="utf-8")
            elif file.endswith("index.json"):
                (folder / "model.safetensors").unlink()
            (folder / file).unlink(missing_ok=True)
            put(folder / file)
            names.append(folder.name)
    return names


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such files here")
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_pipes_and_devices_are_not_waited_for(special: list[str], paths: Paths, songsmith: Songsmith) -> None:
    write_random_model(paths.models / "whole")
    start_s = time.monotonic()
    done = songsmith("models", "list", "--json")  # in a process of its own, which a hang would not end
    assert time.monotonic() - start_s < AT_ONCE_S
    assert (done.returncode, done.stderr) == (0, b"")
    listed = {model["name"]: model["problem"] for model in map(json.loads, done.stdout.splitlines())}
    assert set(listed) == {"starter", "whole", *special}
    assert (listed["starter"], listed["whole"]) == ("", "")
    done = songsmith("models", "verify")
    assert done.returncode == 4
    told = {line.partition(": ")[0]: line for line in done.stdout.decode().splitlines()}
    store = ModelStore(paths)
    for name in special:
        file, _, kind = name.partition(" ")
        assert f"{file} is a {kind}, not a file" in told[name]
        assert f"{file} is a {kind}, not a file" in refusal(store, name)


def change(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def write_header(folder: Path, header: dict[str, Any], size: int) -> None:
    """Write a safetensors file of nothing but holes behind its header."""
    text = json.dumps(header).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + size)


def many_tensors(folder: Path) -> None:
    each = (f'"h.{n}.weight":{{"dtype":"F32","shape":[1],"data_offsets":[{4 * n},{4 * n + 4}]}}' for n in range(500_000))
    text = f"{{{','.join(each)}}}".encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(2_000_000))


def one_huge_tensor(folder: Path) -> None:
    """Claim a matrix of thousands of terabytes, in a file of a few bytes."""
    rows, width = 2**31 - 1, 2**20
    change(folder / "config.json", vocab_size=rows, n_embd=width, n_head=2**17)
    size = 2 * rows * width
    write_header(folder, {"wte.weight": {"dtype": "F16", "shape": [rows, width], "data_offsets": [0, size]}}, 8)


def more_than_memory(folder: Path) -> None:
    """Write weights that fit their config in every way, and take seven terabytes that are all holes."""
    change(folder / "config.json", n_embd=2**17, n_layer=8, n_positions=2)
    from songsmith.model.architectures import read_spec

    shape = read_spec(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    header, filled = {}, 0
    for name, sizes in shape.weight_shapes().items():
        end = filled + 4 * sizes[0] * (sizes[1] if len(sizes) == 2 else 1)
        header[name] = {"dtype": "F32", "shape": list(sizes), "data_offsets": [filled, end]}
        filled = end
    try:
        write_header(folder, header, filled)
    except OSError:
        pytest.skip("this disk holds no file so long")


def edit_tokenizer(edit: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        values = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        edit(values)
        (folder / "tokenizer.json").write_text(json.dumps(values), encoding="utf-8")

    return apply


def nest(depth: int) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "NFC"}
    for _ in range(depth):
        part = {"type": "Sequence", "normalizers": [part, part] if depth < 20 else [part]}
    return part


def split_by(pattern: str) -> Callable[[Path], None]:
    parts = [
        {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
    ]
    return edit_tokenizer(lambda values: values.update(pre_tokenizer={"type": "Sequence", "pretokenizers": parts}))


def lengthen(values: dict[str, Any]) -> None:
    """Have every a doubled, forty times over."""
    double = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}
    values["normalizer"] = {"type": "Sequence", "normalizers": [double] * 40}


def put_far_away(values: dict[str, Any]) -> None:
    values["model"]["vocab"]["[PAD]"] = 2**23
    values["added_tokens"].append({**values["added_tokens"][-1], "id": 2**23, "content": "[PAD]", "special": True})


def grow(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)


HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a thousand million layers": (lambda f: change(f / "config.json", n_layer=10**9), "no weight named h.2."),
    "as many layers as there are numbers": (lambda f: change(f / "config.json", n_layer=2**31 - 1), "no weight named h.2."),
    "half a million tensors": (many_tensors, "a header of"),
    "one huge tensor": (one_huge_tensor, "damaged"),
    "more than memory": (more_than_memory, "of memory this machine has"),
    "header of the longest length": (
        lambda f: (f / "model.safetensors").write_bytes(b"\xff" * 8 + b"{}"), "damaged (it is cut short"
    ),
    "twenty thousand tensors and more": (
        lambda f: write_header(
            f, {f"{n}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for n in range(20_001)}, 0
        ),
        "more tensors than any model",
    ),
    "name of a million prefixes": (
        lambda f: write_header(f, {"module." * 400_000: {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}}, 0),
        "no weight named wte",
    ),
    "config of a million lists": (
        lambda f: (f / "config.json").write_text("[" + "[]," * 1_000_000 + "[]]", encoding="utf-8"), "isn't a configuration"
    ),
    "header that is deep": (
        lambda f: (f / "model.safetensors").write_bytes(struct.pack("<Q", 200_000) + b"[" * 200_000), "damaged (its header"
    ),
    "header with sizes below zero": (
        lambda f: write_header(f, {"wte.weight": {"dtype": "F32", "shape": [-1], "data_offsets": [0, -4]}}, 0), "damaged"
    ),
    "tensors over each other": (
        lambda f: write_header(f, {n: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for n in "ab"}, 4), "damaged"
    ),
    "config without end": (lambda f: grow(f / "config.json", 2**40), "bytes; at most"),
    "config of a long number": (
        lambda f: (f / "config.json").write_text('{"n_layer": ' + "9" * 100_000 + "}", encoding="utf-8"), "can't be read"
    ),
    "tokenizer without end": (lambda f: grow(f / "tokenizer.json", 2**40), "bytes; at most"),
    "id of the largest kind": (
        edit_tokenizer(lambda v: v["model"]["vocab"].update(zebra=2**31 - 1)), "2147483647 isn't a valid token id"
    ),
    "added id of the largest kind": (
        edit_tokenizer(lambda v: v["added_tokens"][-1].update(id=2**31 - 2)), "2147483646 isn't a valid token id"
    ),
    "special id far past the last row": (edit_tokenizer(put_far_away), "entries, but its network has"),
    "more merges than any": (
        edit_tokenizer(lambda v: v["model"]["merges"].extend([v["model"]["merges"][0]] * 600_000)), "too many merges"
    ),
    "more entries than any": (
        edit_tokenizer(lambda v: v["model"]["vocab"].update({f"z{n}": n % 99 for n in range(300_000)})), "too large"
    ),
    "more added tokens than any": (
        edit_tokenizer(lambda v: v["added_tokens"][-1].update(content="x" * 300_000)), "adds too many tokens"
    ),
    "id below zero": (edit_tokenizer(lambda v: v["model"]["vocab"].update(zebra=-1)), "-1 isn't a valid token id"),
    "normalizers in normalizers": (edit_tokenizer(lambda v: v.update(normalizer=nest(40))), "doesn't know"),
    "normalizers in pairs of normalizers": (edit_tokenizer(lambda v: v.update(normalizer=nest(12))), "doesn't know"),
    "text that doubles": (edit_tokenizer(lengthen), "too many parts"),
    "bytes of bytes": (
        edit_tokenizer(lambda v: v.update(pre_tokenizer={"type": "Sequence", "pretokenizers": [v["pre_tokenizer"]] * 8})),
        "isn't byte-level BPE",
    ),
    "a pattern that panics": (split_by("(a+)+$"), "a pattern that songsmith doesn't know"),
    "a pattern that takes for ever": (split_by(".*.*.*.*=.*"), "a pattern that songsmith doesn't know"),
    "manifest without end": (lambda f: (f / "manifest.json").symlink_to("/dev/zero"), "is a device, not a file"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_would_take_for_ever_is_refused_at_once(paths: Paths, kind: str) -> None:
    harm, words = HOSTILE[kind]
    harm(write_random_model(paths.models / "hostile"))
    assert words in refusal(ModelStore(paths), "hostile")


HOSTILE_LLAMA: dict[str, tuple[dict[str, Any], str]] = {
    "a thousand million layers": ({"num_hidden_layers": 10**9}, "no weight named layers.2."),
    "as many layers as there are numbers": ({"num_hidden_layers": 2**31 - 1}, "no weight named layers.2."),
    "a width without end": ({"hidden_size": 2**30}, "embed_tokens.weight is (8192, 32), not (8192, 1073741824)"),
    "an inner width without end": ({"intermediate_size": 2**31 - 1}, "gate_proj.weight is (48, 32), not (2147483647, 32)"),
    "a vocabulary without end": ({"vocab_size": 2**31 - 1}, "embed_tokens.weight is (8192, 32), not (2147483647, 32)"),
    "heads without end": ({"num_attention_heads": 2**31 - 1}, "sizes that don't fit together"),
    "keys without end": ({"num_key_value_heads": 2**31 - 1}, "sizes that don't fit together"),
    "a head without end": ({"head_dim": 2**30}, "q_proj.weight is (32, 32), not (4294967296, 32)"),
    "a window of nothing": ({"max_position_embeddings": 0}, "sizes that don't fit together"),
    "a sliding window of one": ({"model_type": "mistral", "sliding_window": 1}, "sees only the last token"),
    "a type in a list": ({"model_type": ["llama"]}, "neither songsmith nor transformers"),
    "positions that are no number": ({"rope_parameters": {"rope_theta": float("nan")}}, "no usable number of its positions"),
    "a number of a thousand figures": ({"num_hidden_layers": 10**1000}, "an impossible value"),
    "a config in a config": ({"rope_parameters": {"rope_type": {"rope_type": {"rope_type": "x"}}}}, "can't build a 'llama'"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE_LLAMA)
@pytest.mark.usefixtures("loaded_transformers")
def test_what_a_llama_claims_is_compared_with_its_weights_at_once(paths: Paths, kind: str) -> None:
    changes, words = HOSTILE_LLAMA[kind]
    change(write_tiny_model(paths.models / "hostile", "llama") / "config.json", **changes)
    assert words in refusal(ModelStore(paths), "hostile")


@pytest.mark.parametrize("kind", ["llama", "gpt_neox"])
@pytest.mark.usefixtures("loaded_transformers")
def test_a_window_that_no_memory_holds_is_cut(paths: Paths, kind: str) -> None:
    change(write_tiny_model(paths.models / "hostile", kind) / "config.json", max_position_embeddings=2**31 - 1)
    start_s = time.monotonic()
    model = ModelStore(paths).load("hostile", device="cpu", threads=1)
    assert model.backend.context_window_tokens == 8192
    assert time.monotonic() - start_s < AT_ONCE_S


def test_a_panic_of_the_tokenizers_library_is_an_error_like_others() -> None:
    rust = RustTokenizer.from_file(str(find_paths().starter / "tokenizer.json"))
    rust.pre_tokenizer = Sequence([Split(Regex("(a+)+$"), "isolated"), ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer = Tokenizer(rust)
    assert tokenizer.encode("river")
    for encode in (tokenizer.encode, lambda text: tokenizer.encode_all([text])):
        with pytest.raises(ModelError, match="The tokenizer failed on this text"):
            encode("a" * 40 + "b")


JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([2**31, -(2**63), 10**30, 1e308, float("nan")])
    | st.text(max_size=8) | st.sampled_from(["(a+)+$", "Sequence", "ByteLevel", "BPE", "../../x", "\x1b[2J", "F32", "gpt2"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["type", "Regex", "id", "x"]), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


def mutate(value: Any, data: st.DataObject, depth: int = 0) -> Any:
    """Return a JSON value with something in it replaced, left out or put in."""
    entries = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    if not entries or depth > 4 or not data.draw(st.integers(0, 3)):
        return data.draw(JUNK)
    copy = dict(value) if isinstance(value, dict) else list(value)
    place = data.draw(st.sampled_from(entries[:40]))
    how = data.draw(st.sampled_from(["deeper", "deeper", "out", "in"]))
    if how == "out":
        del copy[place]
    elif how == "in" and isinstance(copy, dict):
        copy[data.draw(st.sampled_from(["normalizer", "post_processor", "n_inner", "type", "x"]))] = data.draw(JUNK)
    else:
        copy[place] = mutate(copy[place], data, depth + 1)
    return copy


@pytest.fixture(scope="module", params=["gpt2", "llama", "opt"])
def seed_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seed") / "seed"
    manifest = {"format": "markup", "metrics": {"loss": 1}, "sources": ["a"]}
    if request.param == "gpt2":
        return write_random_model(folder, manifest=manifest)
    write_tiny_model(folder, request.param)
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def check_mutations(data: st.DataObject, seed_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Change one file of a whole model, and make sure that it loads or is refused, and never holds anyone up."""
    home = tmp_path_factory.mktemp("home")
    folder = home / "models" / "mutant"
    folder.mkdir(parents=True)
    for file in seed_folder.iterdir():
        (folder / file.name).symlink_to(file)
    name = data.draw(st.sampled_from(["config.json", "manifest.json", "tokenizer.json", "model.safetensors"]))
    content = (seed_folder / name).read_bytes()
    (folder / name).unlink()
    kind = data.draw(st.sampled_from(["value", "value", "value", "bytes", "cut"]))
    if kind == "cut":
        content = content[: data.draw(st.integers(0, len(content)))]
    elif kind == "bytes":
        place = data.draw(st.integers(0, min(len(content), 5000)))
        content = content[:place] + data.draw(st.binary(min_size=1, max_size=8)) + content[place + 1 :]
    elif name == "model.safetensors":
        length = int.from_bytes(content[:8], "little")
        header = json.dumps(mutate(json.loads(content[8 : 8 + length]), data)).encode()
        content = struct.pack("<Q", len(header)) + header + content[8 + length :]
    else:
        content = json.dumps(mutate(json.loads(content), data)).encode()
    (folder / name).write_bytes(content)
    store = ModelStore(Paths(data=home, config=home, state=home / "state"))
    start_s = time.monotonic()
    assert [entry.name for entry in store.entries()] == ["starter", "mutant"]
    refused: SongsmithError | None = None
    try:
        model = store.load("mutant", device="cpu", threads=1)
        assert model.tokenizer.decode(model.tokenizer.encode("Down by the river")).strip()
    except SongsmithError as error:
        refused = error
    assert refused is None or (refused.next_step and "\n" not in refused.message)
    assert time.monotonic() - start_s < AT_ONCE_S


@settings(max_examples=30)
@given(data=st.data())
@pytest.mark.usefixtures("loaded_transformers")
def test_no_change_of_a_file_holds_anyone_up_or_ends_in_a_traceback(
    data: st.DataObject, seed_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    check_mutations(data, seed_folder, tmp_path_factory)


@pytest.mark.slow
@settings(max_examples=300)
@given(data=st.data())
@pytest.mark.usefixtures("loaded_transformers")
def test_no_change_of_a_file_holds_anyone_up_ten_times_over(
    data: st.DataObject, seed_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    check_mutations(data, seed_folder, tmp_path_factory)
