"""llama.cpp: a C++ engine for GGUF files, here in 8 bits; takes are sequences of one batch."""

import json
from pathlib import Path
from typing import Any

from songsmith.benchmark.options import PROMPT_TOKENS, TOP_K
from songsmith.benchmark.writers import Writer

_FILE = "model.gguf"
_NAMES = {
    "wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm", "ln_1": "attn_norm", "ln_2": "ffn_norm",
    "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down",
}  # fmt: skip
"""What llama.cpp calls GPT-2's weights."""
_ALL_LAYERS = 1000


def convert_to_gguf(folder: Path, place: Path) -> None:
    """Write a model directory as llama.cpp reads it, in its 8-bit kind (Q8_0), without a vocabulary: it writes numbers.

    Its own converter takes models only whose tokenizer it knows.

    Args:
        folder: the model directory.
        place: an empty folder.
    """
    import gguf
    from safetensors.numpy import load_file

    from songsmith.model.architectures import read_spec
    from songsmith.model.weights import WEIGHTS

    spec = read_spec(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    weights = {name.removeprefix("transformer."): array for name, array in load_file(folder / WEIGHTS).items()}
    writer: Any = gguf.GGUFWriter(place / _FILE, "gpt2")
    writer.add_context_length(spec.context_window_tokens)
    writer.add_embedding_length(spec.width)
    writer.add_feed_forward_length(spec.feed_forward.inner_width)
    writer.add_block_count(spec.layers)
    writer.add_head_count(spec.attention.heads)
    writer.add_layer_norm_eps(spec.norm.epsilon)
    writer.add_vocab_size(spec.vocabulary_size)
    writer.add_tokenizer_model("no_vocab")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    for name in spec.weight_shapes():
        *block, part, kind = _split(name)
        array = weights[name].astype("float32")
        if kind == "weight" and "." in part:
            array = array.T  # GPT-2 keeps its matrices the other way round
        exact = array.ndim == 1 or part == "wpe"
        form = gguf.GGMLQuantizationType.F32 if exact else gguf.GGMLQuantizationType.Q8_0
        stored = f"{_NAMES[part]}.{kind}" if not block else f"blk.{block[0]}.{_NAMES[part]}.{kind}"
        writer.add_tensor(stored, gguf.quants.quantize(array, form), raw_dtype=form)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _split(name: str) -> list[str]:
    """Return the block's number, if it is of one, the part and whether it is a weight or a bias."""
    part, _, kind = name.rpartition(".")
    if not part.startswith("h."):
        return [part, kind]
    _, block, part = part.split(".", maxsplit=2)
    return [block, part, kind]


def load_llama_cpp(folder: Path) -> Writer:
    """Load a converted model on the device and threads that the settings name.

    Args:
        folder: what `convert_to_gguf` wrote.
    """
    import llama_cpp

    from songsmith.machine import available_processors
    from songsmith.model.device import is_cpu
    from songsmith.paths import find_paths
    from songsmith.settings import Settings

    settings = Settings.load(find_paths())
    on_cpu = is_cpu(settings.device)
    if not on_cpu and not llama_cpp.llama_supports_gpu_offload():
        raise RuntimeError("the installed llama.cpp doesn't support a GPU")
    session = _Session(
        llama_cpp, folder / _FILE, threads=settings.threads or available_processors(),
        layers_on_gpu=0 if on_cpu else _ALL_LAYERS,
    )  # fmt: skip
    return Writer("cpu" if on_cpu else "gpu", session.write)


class _Session:
    """A loaded model, and memory for the takes that were asked for last."""

    def __init__(self, library: Any, path: Path, *, threads: int, layers_on_gpu: int) -> None:
        self._library, self._threads = library, threads
        library.llama_backend_init()
        wishes = library.llama_model_default_params()
        wishes.n_gpu_layers = layers_on_gpu
        self._model = library.llama_model_load_from_file(str(path).encode(), wishes)
        if not self._model:
            raise RuntimeError("llama.cpp can't load the model")
        self._sampler = library.llama_sampler_chain_init(library.llama_sampler_chain_default_params())
        library.llama_sampler_chain_add(self._sampler, library.llama_sampler_init_top_k(TOP_K))
        library.llama_sampler_chain_add(self._sampler, library.llama_sampler_init_dist(0))
        self._size: tuple[int, int] | None = None
        self._context: Any = None
        self._batch: Any = None

    def write(self, takes: int, new_tokens: int) -> None:
        """Write takes side by side; the prompt is read once."""
        library = self._library
        self._make_room(takes, new_tokens)
        memory = library.llama_get_memory(self._context)
        library.llama_memory_clear(memory, True)
        self._read([(token, token - 1, 0) for token in range(1, PROMPT_TOKENS + 1)])
        for take in range(1, takes):
            library.llama_memory_seq_cp(memory, 0, take, -1, -1)
        drawn = [self._draw(PROMPT_TOKENS - 1) for _ in range(takes)]
        for place in range(PROMPT_TOKENS, PROMPT_TOKENS + new_tokens - 1):
            self._read([(token, place, take) for take, token in enumerate(drawn)])
            drawn = [self._draw(take) for take in range(takes)]

    def _make_room(self, takes: int, new_tokens: int) -> None:
        if self._size == (takes, new_tokens):
            return
        library = self._library
        if self._size:
            library.llama_batch_free(self._batch)
            library.llama_free(self._context)
        wishes = library.llama_context_default_params()
        wishes.n_ctx, wishes.n_seq_max = takes * (PROMPT_TOKENS + new_tokens), takes
        wishes.n_threads = wishes.n_threads_batch = self._threads
        self._context = library.llama_init_from_model(self._model, wishes)
        if not self._context:
            raise RuntimeError(f"llama.cpp can't write {takes} takes side by side")
        self._batch = library.llama_batch_init(max(takes, PROMPT_TOKENS), 0, 1)
        self._size = (takes, new_tokens)

    def _read(self, tokens: list[tuple[int, int, int]]) -> None:
        """Read tokens, each with its place in its take and the take's number."""
        batch = self._batch
        batch.n_tokens = len(tokens)
        for number, (token, place, take) in enumerate(tokens):
            batch.token[number], batch.pos[number], batch.n_seq_id[number] = token, place, 1
            batch.logits[number] = place >= PROMPT_TOKENS - 1  # of the prompt, the last alone is followed by anything
            batch.seq_id[number][0] = take
        if self._library.llama_decode(self._context, batch):
            raise RuntimeError("llama.cpp has no room for another token")

    def _draw(self, number: int) -> int:
        return int(self._library.llama_sampler_sample(self._sampler, self._context, number))
