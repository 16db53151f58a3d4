"""CTranslate2: a C++ engine for transformers; the model is converted beforehand, to 8 bits or without rounding."""

from pathlib import Path
from typing import Any

from songsmith.benchmark.options import PROMPT_TOKENS, TOP_K
from songsmith.benchmark.writers import Writer


def convert_to_ctranslate2(folder: Path, place: Path, *, quantization: str | None) -> None:
    """Write a model directory as CTranslate2 reads it.

    Args:
        folder: the model directory.
        place: an empty folder.
        quantization: one of CTranslate2's, such as int8; None leaves the weights as they are.
    """
    from ctranslate2.converters.transformers import GPT2Loader
    from transformers import GPT2LMHeadModel

    network: Any = GPT2LMHeadModel.from_pretrained(folder)
    spec: Any = GPT2Loader().get_model_spec(network)
    # It wants names, not numbers. Any will do: nobody reads what is written.
    names = [_name(token) for token in range(network.config.vocab_size)]
    spec.register_vocabulary(names)
    spec.config.bos_token = spec.config.eos_token = spec.config.unk_token = names[-1]
    spec.validate()
    spec.optimize(quantization=quantization)
    spec.save(str(place))


def load_ctranslate2(folder: Path, *, gpu_type: str, threads: int = 0) -> Writer:
    """Load a converted model on the device the settings name.

    Args:
        folder: what `convert_to_ctranslate2` wrote.
        gpu_type: what a GPU computes in, as CTranslate2 calls it; a CPU computes in what the weights were converted to.
        threads: for CPU work; 0 means those of the settings, or one for each processor.
    """
    import ctranslate2

    from songsmith.machine import available_processors
    from songsmith.model.device import is_cpu
    from songsmith.paths import find_paths
    from songsmith.settings import Settings

    settings = Settings.load(find_paths())
    device = "cpu" if is_cpu(settings.device) else "cuda"
    if threads and device != "cpu":
        raise RuntimeError("threads make no difference on a GPU")
    generator: Any = ctranslate2.Generator(
        str(folder), device=device, compute_type="default" if device == "cpu" else gpu_type, inter_threads=1,
        intra_threads=threads or settings.threads or available_processors(),
    )  # fmt: skip
    prompt = [_name(token) for token in range(1, PROMPT_TOKENS + 1)]

    def write(takes: int, new_tokens: int) -> None:
        results = generator.generate_batch(
            [prompt] * takes, min_length=new_tokens, max_length=new_tokens, sampling_topk=TOP_K, sampling_temperature=1.0,
            include_prompt_in_result=False,
        )  # fmt: skip
        assert [len(result.sequences_ids[0]) for result in results] == [new_tokens] * takes

    return Writer(device, write)


def _name(token: int) -> str:
    return f"t{token}"
